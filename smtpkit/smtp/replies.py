"""Octets to replies (RFC 5321 §4.2). No I/O here: what arrived is fed in, replies come out."""

from __future__ import annotations

import re

from smtpkit.errors import ProtocolError
from smtpkit.mime.characters import shown
from smtpkit.reply import Reply

__all__ = ["ReplyParser"]

_MAX_SIZE = 64 * 1024
"""Octets of one reply."""
_MAX_LINES = 512

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?\Z", re.DOTALL)

_STRANGERS = (
    (b"HTTP/", "an HTTP server", "Is this the port of a web server or a proxy?"),
    (b"<", "an HTTP server", "Is this the port of a web server or a proxy?"),
    (b"SSH-", "an SSH server", "Is the port right?"),
    (b"* ", "an IMAP server", "Sending goes to an SMTP server, mostly port 465 or 587."),
    (b"+OK", "a POP3 server", "Sending goes to an SMTP server, mostly port 465 or 587."),
    (
        b"\x15\x03",
        "a TLS server",
        "This port wants TLS from the first byte: SmtpSslTransport, smtps:// (mostly port 465).",
    ),
)


class ReplyParser:
    """Collects what a server sends and cuts it into replies.

    Lines may end with a bare LF, which some servers send. Text that is not UTF-8 is taken
    as Latin-1.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lines: list[str] = []
        self._code = 0
        self._size = 0
        self._any = False

    @property
    def pending(self) -> bool:
        """Whether there is something that no reply was made of yet."""
        return bool(self._buffer or self._lines)

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        self._buffer += data

    def next(self) -> Reply | None:
        """The next reply, or ``None`` if it is not complete yet.

        Raises:
            ProtocolError: this is no SMTP, or a reply over 64 KiB or 512 lines.
        """
        while (line := self._next_line()) is not None:
            found = _LINE.match(line)
            if not found:
                raise self._stranger(line)
            self._any = True
            code = int(found[1])
            if self._lines and code != self._code:
                raise ProtocolError(f"the lines of one reply have different codes: {self._code} and {code}")
            self._code = code
            self._lines.append(_text(found[3] or b""))
            if found[2] != b"-":
                reply = Reply(code, tuple(self._lines))
                self._lines.clear()
                self._size = 0
                return reply
            if len(self._lines) >= _MAX_LINES:
                raise ProtocolError(f"a reply of more than {_MAX_LINES} lines")
        return None

    def _next_line(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if self._size + (len(self._buffer) if end < 0 else end + 1) > _MAX_SIZE:
            raise (
                self._stranger(bytes(self._buffer[:80]))
                if not self._any
                else ProtocolError(f"a reply of more than {_MAX_SIZE} octets")
            )
        if end < 0:
            # What is no SMTP may never send a line end.
            if not self._any and self._buffer.startswith(b"\x15\x03"):
                raise self._stranger(bytes(self._buffer))
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._size += end + 1
        return line.removesuffix(b"\r")

    def _stranger(self, line: bytes) -> ProtocolError:
        """The error for a line that is no reply; who it may come from is only asked of the first one."""
        if not self._any:
            for start, who, hint in _STRANGERS:
                if line.startswith(start):
                    return ProtocolError(f"this is {who}, not an SMTP server: {shown(_text(line))}", hint=hint)
        return ProtocolError(f"not a reply of an SMTP server: {shown(_text(line))}")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
