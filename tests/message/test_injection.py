"""Nothing gets out of its field: whatever is given, it is refused, or there as text and nothing else.

What a harmless text gives at the same place is what a hostile one gives: the same fields, recipients and parts.
"""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.header import decode_header
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from entrances import ENTRANCES
from smtpkit import Envelope, InvalidAddress, InvalidHeader, InvalidMessage, Mail, Message, Reply, SmtpkitError
from smtpkit.smtp.capabilities import Capabilities
from smtpkit.smtp.parameters import mail_command, rcpt_command

if TYPE_CHECKING:
    from email.message import Message as AnyEmail

CONTROLS = [
    *map(chr, range(32)),
    "\x7f",
    "\x85",
    "\xa0",
    "\u2028",
    "\u2029",
    "\u200b",
    "\u202e",
    "\ufeff",
    "\udc80",
    "\r\n",
    "\n ",
    "\r\n\r\n",
    "\r\n.\r\n",
]
ENCODED = [
    "=?utf-8?q?a=0D=0ABcc:_eve=40example.com?=",
    "=?utf-8?q?a=0ABcc=3A_eve=40example=2Ecom?=",
    "=?utf-8?b?DQpCY2M6IGV2ZUBleGFtcGxlLmNvbQ==?=",
    "=?utf-8?Q?a=0D?= =?utf-8?Q?=0ABcc:_eve=40example.com?=",
    "=?iso-8859-1*en?q?=0A=0A?=",
    "=?utf-7?q?+AA0ACg-Bcc:_eve=40example.com?=",
    "=?utf-16?b?DQAKAEIAYwBjADoA?=",
    "=?utf-8?q?=22=2C_eve=40example=2Ecom=2C_=22?=",
    "=?utf-8?q?=3Ceve=40example=2Ecom=3E?=",
    "%0D%0ABcc:%20eve@example.com",
    "utf-8''%0D%0ABcc%3A%20eve@example.com",
    "&#13;&#10;Bcc: eve@example.com",
    "a=\r\nBcc: eve@example.com",
    "\\r\\nBcc: eve@example.com",
    "嘊嘍Bcc: eve@example.com",
]
LOOKALIKES = [
    'a"; filename="evil.exe',
    "a; filename=evil.exe",
    "a; filename*=utf-8''evil.exe; name*0=evil",
    'a"; boundary="b"; charset="utf-7',
    "multipart/mixed; boundary=b",
    "message/rfc822",
    "a, eve@example.com",
    "a; eve@example.com",
    "<eve@example.com>",
    "a> <eve@example.com",
    'a" <eve@example.com>, "b',
    'a\\" <eve@example.com>, \\"b',
    "Team: eve@example.com, fay@example.com;",
    "(eve@example.com)",
    "a@b.example>, <eve@example.com",
    "@relay.example:eve",
    "a\\",
    '"',
    "--=_mixed_1",
    "--=_alternative_1--",
    "Bcc: eve@example.com",
    ": eve@example.com",
    ">, <mailto:eve@example.com",
    "> SIZE=1 RET=FULL",
    ".",
]
HUGE = ["x" * 100_000, "x " * 5_000, "é" * 5_000, '"' * 10_000, "a@" * 5_000, "=?" * 5_000, "🎉\t" * 2_000]

_FIELD = re.compile(rb"([!-9;-~]+):(?: |\Z)")


class Shape(NamedTuple):
    """What nobody's text may change."""

    fields: tuple[bytes, ...]
    """Of the header, as octets that nobody interpreted."""
    parts: tuple[tuple[str, tuple[str, ...]], ...]
    """Type and fields of each part."""
    mailboxes: dict[str, int]
    """How many are in each field."""
    recipients: int
    commands: tuple[tuple[bytes, ...], ...]
    """The names of the parameters of MAIL and of each RCPT."""


def raw_fields(data: bytes) -> tuple[bytes, ...]:
    """The names of the fields of the header; every line of it must begin or continue one."""
    lines = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(len(line) <= 998 for line in lines)
    names = [(_FIELD.match(line), line) for line in lines if not re.match(rb" +[!-~\x80-\xff]", line)]
    assert all(found for found, _ in names), names
    return tuple(found[1] for found, _ in names if found)


def values(part: AnyEmail[Any, Any]) -> list[str]:
    """The header of ``part`` as it is shown."""
    if part.policy is not policy.compat32:
        return list(map(str, part.values()))
    # The old API decodes by a call of its own, and leaves fields folded.
    pieces = [piece for value in part.values() for piece, _ in decode_header(str(value).replace("\r\n ", " "))]
    return [piece if isinstance(piece, str) else piece.decode() for piece in pieces]


EVERYTHING = Capabilities.of(Reply(250, ("hello", "SIZE", "8BITMIME", "SMTPUTF8", "DSN", "REQUIRETLS")))


def commands(message: Message) -> tuple[tuple[bytes, ...], ...]:
    """The names of the parameters of MAIL and of each RCPT, as a server that offers everything gets them."""
    mail = Mail(message)
    sender = mail.envelope.reverse_path
    lines = [(f"MAIL FROM:<{sender.mailbox if sender else ''}>", mail_command(mail, EVERYTHING))]
    lines += [(f"RCPT TO:<{each.mailbox}>", rcpt_command(mail, each, EVERYTHING)) for each in mail.envelope.recipients]
    found: list[tuple[bytes, ...]] = []
    for start, line in lines:
        assert line.startswith(start.encode())
        assert re.search(rb"[\r\n\0]", line.removesuffix(b"\r\n")) is None
        parameters = line.removeprefix(start.encode()).split()
        # An address in another script needs these.
        found.append(
            tuple(each.partition(b"=")[0] for each in parameters if each not in (b"SMTPUTF8", b"BODY=8BITMIME"))
        )
    return tuple(found)


def shape(message: Message, kind: Any, own_name: str | None = None) -> Shape:
    """The shape of ``message``, in which ``own_name`` stands as X-Name."""
    data = message.as_bytes()
    assert data.isascii() or message.content().utf8_headers
    assert b"\0" not in data
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", data)
    email: AnyEmail[Any, Any] = message_from_bytes(data, policy=kind)
    parts = list(email.walk())
    for part in parts:
        assert part.defects == []
        assert not any(re.search(r"[\r\n]", value) for value in values(part))
    boxes = {
        name: getaddresses(list(map(str, email.get_all(name, []))))
        for name in ("from", "sender", "to", "cc", "reply-to")
    }
    recipients = [each.addr_spec for each in Envelope.of(message).recipients]
    assert "eve@example.com" not in [*recipients, *(spec for found in boxes.values() for _, spec in found)]
    return Shape(
        tuple(b"X-Name" if name.decode() == own_name else name for name in raw_fields(data)),
        tuple(
            (part.get_content_maintype(), tuple("X-Name" if name == own_name else name for name in part))
            for part in parts
        ),
        {name: len(found) for name, found in boxes.items()},
        len(recipients),
        commands(message),
    )


def assert_inert(entrance: str, text: str) -> None:
    """Refused with an error of ours, or as harmless as the harmless text."""
    way_in = ENTRANCES[entrance]
    message: Message | None = None
    refused = ""
    try:
        message = way_in.give(text)
        message.as_bytes()
    except SmtpkitError as error:
        refused = str(error)
    if refused or message is None:
        # The text may be long, and what is said of it is not.
        assert 0 < len(refused) < 1000
        return
    for kind in (policy.default, policy.compat32):
        # The name of a field is the only text that shows as a name.
        found = shape(message, kind, text if entrance == "header name" else None)
        assert found == shape(way_in.give(way_in.harmless), kind)


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_controls(entrance: str, control: str) -> None:
    for text in (
        f"a{control}Bcc: eve@example.com",
        f"{control}Bcc: x",
        f"a{control}",
        f"a{control}{control}b",
        control,
    ):
        assert_inert(entrance, text)


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_lookalikes(entrance: str) -> None:
    for text in (*ENCODED, *LOOKALIKES):
        assert_inert(entrance, text)


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_huge(entrance: str) -> None:
    for text in HUGE:
        assert_inert(entrance, text)


@pytest.mark.parametrize("control", ["\r", "\n", "\r\n", "\0", "\udc80", "\r\n "], ids=ascii)
@pytest.mark.parametrize("entrance", [name for name, entrance in ENTRANCES.items() if entrance.one_line])
def test_line_breaks_are_refused(entrance: str, control: str) -> None:
    with pytest.raises((InvalidHeader, InvalidAddress, InvalidMessage)):
        ENTRANCES[entrance].give(f"a{control}b")


NEVER_ENCODED = [
    *("from", "to", "cc in brackets", "bcc", "reply-to quoted", "message id", "message id domain", "unsubscribe url"),
    *("unsubscribe mailto", "unsubscribe mailto query", "quoted parameter", "alternative charset", "content id"),
    *("list id", "list id in brackets"),
]


@pytest.mark.parametrize("entrance", NEVER_ENCODED)
@pytest.mark.parametrize("text", ["=?utf-8?q?x?=", "a=?ISO-8859-1*en?B?eA==?=", "=?x?q?"])
def test_encoded_words_are_refused_where_nothing_is_encoded(entrance: str, text: str) -> None:
    with pytest.raises((InvalidHeader, InvalidAddress, InvalidMessage)):
        ENTRANCES[entrance].give(text)


@pytest.mark.parametrize(
    "break_", ["=?utf-8?q?=0A?=", "=?utf-8?b?DQo=?=", "=?utf-16?b?DQAKAA==?=", "=?UTF-7?q?+AA0ACg-?="]
)
def test_ids_of_other_mails_hide_no_line_break(break_: str) -> None:
    for entrance in ("in-reply-to", "in-reply-to mail", "references"):
        with pytest.raises(InvalidMessage, match="not a message id"):
            ENTRANCES[entrance].give(break_)
        assert ENTRANCES[entrance].give("=?utf-8?q?x?=").as_bytes()
