"""SMTP commands as octets (RFC 5321 §4.1). The one place that writes a line end on the wire."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smtpkit.dsn import xtext
from smtpkit.errors import ProtocolError
from smtpkit.mime.characters import shown
from smtpkit.secret import SecretOctets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smtpkit.secret import Secret

__all__ = [
    "DATA",
    "LINE_LIMIT",
    "LONE_DOT",
    "QUIT",
    "RSET",
    "STARTTLS",
    "auth",
    "auth_line",
    "bdat",
    "chunked",
    "ehlo",
    "helo",
    "mail",
    "rcpt",
    "stuffed",
]

LINE_LIMIT = 512
"""Octets of a command line, CRLF included (RFC 5321 §4.5.3.1.4). AUTH has no other (RFC 4954 §4)."""

_PRINTABLE_UTF8 = re.compile(r"[ -~\u00a0-\ud7ff\ue000-\U0010ffff]+\Z")


def _line(text: str, utf8: bool = False) -> bytes:
    """``text`` and CRLF. Control characters never pass here, whatever the caller checked before."""
    # Printable ASCII is what RFC 5321 §4.1.2 leaves of a line.
    if not (_PRINTABLE_UTF8.match(text) if utf8 else text.isascii() and text.isprintable()):
        raise ProtocolError(f"not sent, since it would break the line or its encoding: {shown(text.partition(' ')[0])}")
    return text.encode() + b"\r\n"


DATA = _line("DATA")
RSET = _line("RSET")
QUIT = _line("QUIT")
STARTTLS = _line("STARTTLS")
LONE_DOT = _line(".")
"""The end of a content that has no recipient (RFC 2920 §3.1)."""


def ehlo(name: str) -> bytes:
    """EHLO with what the client calls itself (RFC 5321 §4.1.1.1)."""
    return _line(f"EHLO {name}")


def helo(name: str) -> bytes:
    """HELO, for servers that do not know EHLO."""
    return _line(f"HELO {name}")


def auth(mechanism: str, initial: Secret | None) -> bytes:
    """AUTH, with an initial response in base64 where the mechanism has one (RFC 4954 §4)."""
    if initial is None:
        return _line(f"AUTH {mechanism}")
    return SecretOctets(_line(f"AUTH {mechanism} {initial.reveal() or '='}"))


def auth_line(response: Secret) -> bytes:
    """The answer to a challenge, in base64; it may be empty, or longer than `LINE_LIMIT` (RFC 4954 §4)."""
    return SecretOctets(_line(response.reveal())) if response.reveal() else b"\r\n"


def mail(
    mailbox: str,
    *,
    size: int | None = None,
    eight_bit: bool = False,
    smtputf8: bool = False,
    ret: str | None = None,
    envelope_id: str | None = None,
    require_tls: bool = False,
) -> bytes:
    """MAIL with the reverse-path, ``""`` for the null one (RFC 5321 §4.1.1.2).

    ``size`` is in octets (RFC 1870), ``eight_bit`` is BODY=8BITMIME (RFC 6152), ``smtputf8`` RFC 6531, ``ret``
    and ``envelope_id`` RFC 3461, ``require_tls`` RFC 8689.
    """
    parameters = "" if size is None else f" SIZE={size}"
    parameters += " BODY=8BITMIME" if eight_bit else ""
    parameters += " SMTPUTF8" if smtputf8 else ""
    parameters += "" if ret is None else f" RET={ret}"
    parameters += "" if envelope_id is None else f" ENVID={xtext(envelope_id)}"
    parameters += " REQUIRETLS" if require_tls else ""
    return _line(f"MAIL FROM:<{mailbox}>{parameters}", smtputf8)


def rcpt(
    mailbox: str, *, utf8: bool = False, notify: Iterable[str] = (), original_recipient: str | None = None
) -> bytes:
    """RCPT with one recipient; ``notify`` and ``original_recipient``, which has a type, are those of RFC 3461."""
    times = ",".join(notify)
    parameters = f" NOTIFY={times}" if times else ""
    parameters += "" if original_recipient is None else f" ORCPT={xtext(original_recipient)}"
    return _line(f"RCPT TO:<{mailbox}>{parameters}", utf8)


def stuffed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Content as DATA has it: dots at line starts doubled, the final dot joined to the last chunk (RFC 5321 §4.5.2).

    Nothing is yielded after the chunk with the final dot.
    """
    held = b""
    at_line_start = True
    end = b"\r\n"
    for chunk in _blocks(chunks):
        if held:
            yield held
        # A line may begin where a chunk begins, which the search for CRLF-dot does not see.
        starts_with_dot = at_line_start and chunk.startswith(b".")
        at_line_start = chunk.endswith(b"\n")
        end = (end + chunk[-2:])[-2:]
        held = chunk.replace(b"\n.", b"\n..")
        if starts_with_dot:
            held = b"." + held
    # After a bare LF the lone dot would be none to a server that goes by the letter.
    yield held + (b".\r\n" if end == b"\r\n" else b"\r\n.\r\n")


def chunked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Content as BDAT has it: each chunk behind its command, the last one marked as such."""
    held: bytes | None = None
    for chunk in _blocks(chunks):
        if held is not None:
            yield bdat(held, last=False)
        held = chunk
    yield bdat(held or b"", last=True)


def bdat(chunk: bytes, *, last: bool) -> bytes:
    """BDAT and its octets (RFC 3030 §2)."""
    return b"BDAT %d%b\r\n%b" % (len(chunk), b" LAST" if last else b"", chunk)


_BLOCK = 64 * 1024
"""Octets of the largest write: as long as the last one was not begun, the mail was certainly not sent."""


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _BLOCK):
            yield chunk[start : start + _BLOCK]
