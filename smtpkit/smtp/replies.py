"""Octets to replies (RFC 5321 §4.2). No I/O here: what arrived is fed in, replies come out."""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache

from smtpkit.errors import ProtocolError
from smtpkit.mime.characters import shown
from smtpkit.reply import Reply

__all__ = ["ReplyParser"]

_MAX_SIZE = 64 * 1024
"""Octets of one reply."""
_MAX_LINES = 512
_SHORT = 512

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*?))?\r?\Z", re.DOTALL)

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
        self._arrived: deque[bytes] = deque()
        """Whole lines, without their LF."""
        self._rest = b""
        """The beginning of the next one."""
        self._lines: list[str] = []
        self._code = 0
        self._size = 0
        self._any = False

    @property
    def pending(self) -> bool:
        """Whether there is something that no reply was made of yet."""
        return bool(self._arrived or self._rest or self._lines)

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        self._arrived.extend(lines)

    def next(self) -> Reply | None:
        """The next reply, or ``None`` if it is not complete yet.

        Raises:
            ProtocolError: this is no SMTP, or a reply over 64 KiB or 512 lines.
        """
        while self._arrived:
            line = self._arrived.popleft()
            if self._any and not self._lines and (reply := _single(line)) is not None:
                return reply
            if (reply := self._added(line)) is not None:
                return reply
        if self._size + len(self._rest) > _MAX_SIZE:
            raise self._too_long() if self._any else self._stranger(self._rest[:80])
        # What is no SMTP may never send a line end.
        if not self._any and self._rest.startswith(b"\x15\x03"):
            raise self._stranger(self._rest)
        return None

    def _added(self, line: bytes) -> Reply | None:
        """The reply that ``line`` ends."""
        self._size += len(line) + 1
        if self._size > _MAX_SIZE:
            raise self._too_long() if self._any else self._stranger(line[:80])
        found = _LINE.match(line)
        if not found:
            raise self._stranger(line.removesuffix(b"\r"))
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

    @staticmethod
    def _too_long() -> ProtocolError:
        return ProtocolError(f"a reply of more than {_MAX_SIZE} octets")

    def _stranger(self, line: bytes) -> ProtocolError:
        """The error for a line that is no reply; who it may come from is only asked of the first one."""
        if not self._any:
            for start, who, hint in _STRANGERS:
                if line.startswith(start):
                    return ProtocolError(f"this is {who}, not an SMTP server: {shown(_text(line))}", hint=hint)
        return ProtocolError(f"not a reply of an SMTP server: {shown(_text(line))}")


@lru_cache(maxsize=64)
def _single(line: bytes) -> Reply | None:
    """The reply of one short line; most servers say the same for one mail after the other."""
    found = _LINE.match(line) if len(line) <= _SHORT else None
    return None if found is None or found[2] == b"-" else Reply(int(found[1]), (_text(found[3] or b""),))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
