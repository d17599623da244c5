"""Text to a mailbox: what is taken is one, is written as it is read, and travels in one command."""

from __future__ import annotations

import re
from email.utils import getaddresses

from smtpkit.address import Address
from smtpkit.errors import InvalidAddress
from smtpkit.smtp import commands

__all__ = ["SEEDS", "check"]

SEEDS = tuple(
    text.encode()
    for text in (
        "ann@example.com",
        "Ann <ann@example.com>",
        '"Doe, \\"Ann\\"" <ann.o\'doe+tag@sub.example.co.uk>',
        '"a b"@example.com',
        "Änne Müller <änne@bücher.example>",
        "ann@[192.0.2.1]",
        "ann@[IPv6:2001:db8::1]",
        "root@localhost",
        "x@xn--bcher-kva.test",
        "a@x.example, b@x.example",
        "=?utf-8?q?a=40b?= <a@x.example>",
        "Team: a@x.example;",
        "(comment) ann@example.com",
    )
)


def check(data: bytes) -> None:
    """The text may have lone surrogates, as that of file names has."""
    text = data.decode(errors="surrogateescape")
    try:
        address = Address.parse(text)
    except InvalidAddress as error:
        assert len(str(error)) < 1000
        return
    assert not re.search(r"[\r\n\0\ud800-\udfff]", str(address))
    assert Address(address.addr_spec, address.display_name) == address
    assert Address.parse(str(address)) == address
    assert address.needs_smtputf8 != address.mailbox.isascii()
    command = commands.rcpt(address.mailbox, utf8=address.needs_smtputf8)
    assert command.count(b"\n") == command.count(b"\r") == 1
    # Python 3.13.0 refuses address literals.
    if not address.display_name and address.addr_spec.isascii() and "[" not in address.domain:
        assert [spec for _, spec in getaddresses([address.addr_spec])] == [address.addr_spec]
