"""The SMTP of the sink: what arrived in, the answers to it out. No I/O here."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.sink import PASSWORD, USERNAME

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GREETING", "Offers", "Session"]

GREETING = b"220 sink.test ESMTP\r\n"
_OK = b"250 2.0.0 Ok\r\n"
_BAD_SEQUENCE = b"503 5.5.1 Bad sequence of commands\r\n"
_CREDENTIALS = b64encode(f"\0{USERNAME}\0{PASSWORD}".encode())
_NO_TRANSACTION = -1


class Offers(NamedTuple):
    """What the server can do."""

    extensions: tuple[str, ...] = ()
    starttls: bool = False
    """It takes no mail before STARTTLS."""
    auth: bool = False
    """It takes no mail before AUTH PLAIN."""


class Session:
    """One client's conversation. Takes what it says in pieces of any size, pipelined or not."""

    def __init__(self, offers: Offers) -> None:
        self.messages = 0
        self.octets = 0
        self.refused = 0
        self.wants_tls = False
        """STARTTLS was answered: what comes next is a handshake."""
        self.over = False
        """QUIT was answered."""
        self._offers = offers
        self._secure = not offers.starttls
        self._known = not offers.auth
        self._rest: bytes = b""
        self._recipients = _NO_TRANSACTION
        self._in_data = False
        self._size = 0
        self._chunk_left = 0
        self._last_chunk = False
        self._read_line = self._command
        self._verbs: dict[bytes, Callable[[bytes], bytes]] = {
            b"MAIL": self._mail,
            b"RCPT": self._rcpt,
            b"DATA": self._data,
            b"BDAT": self._bdat,
            b"RSET": self._rset,
            b"EHLO": self._ehlo,
            b"HELO": self._rset,
            b"NOOP": lambda _: _OK,
            b"AUTH": self._auth,
            b"STAR": self._starttls,
            b"QUIT": self._quit,
        }

    def secured(self) -> None:
        """The handshake is done: the client starts anew (RFC 3207 §4.2)."""
        self.wants_tls = False
        self._secure = True
        self._recipients = _NO_TRANSACTION

    def hear(self, data: bytes) -> bytes:
        """The answers to all that is complete now."""
        if self._rest:
            data = self._rest + data
        answers: list[bytes] = []
        at, end, begin = 0, len(data), -1
        # Until a piece of input ends nothing: then its rest is kept.
        while begin < at < end:
            begin = at
            if self._chunk_left:
                at = self._read_chunk(data, at, answers)
            elif self._in_data:
                at = self._read_data(data, at, answers)
            else:
                at = self._read_command(data, at, answers)
        self._rest = data[at:]
        return b"".join(answers)

    def _read_command(self, data: bytes, at: int, answers: list[bytes]) -> int:
        end = data.find(b"\r\n", at)
        if end < 0:
            return at
        answers.append(self._read_line(data[at:end]))
        if self.wants_tls or self.over:
            return len(data)
        # The CRLF of DATA is the one before the lone dot of an empty content.
        return end if self._in_data else end + 2

    def _read_chunk(self, data: bytes, at: int, answers: list[bytes]) -> int:
        taken = min(self._chunk_left, len(data) - at)
        self._chunk_left -= taken
        if not self._chunk_left:
            answers.append(self._chunk_end())
        return at + taken

    def _read_data(self, data: bytes, at: int, answers: list[bytes]) -> int:
        end = data.find(b"\r\n.\r\n", at)
        if end < 0:
            # The lone dot may come in pieces.
            kept = max(at, len(data) - 4)
            self._size += kept - at
            return kept
        self._size += end - at
        self._in_data = False
        answers.append(self._accept())
        return end + 5

    def _accept(self) -> bytes:
        self.messages += 1
        self.octets += self._size
        self._size = 0
        self._recipients = _NO_TRANSACTION
        return b"250 2.0.0 Ok: queued as %X\r\n" % self.messages

    def _refuse(self, answer: bytes) -> bytes:
        self.refused += 1
        return answer

    def _command(self, line: bytes) -> bytes:
        verb = self._verbs.get(line[:4]) or self._verbs.get(line[:4].upper())
        return verb(line) if verb else self._refuse(b"500 5.5.2 Unknown command\r\n")

    def _mail(self, _: bytes) -> bytes:
        if self._recipients != _NO_TRANSACTION:
            return self._refuse(_BAD_SEQUENCE)
        if not (self._secure and self._known):
            return self._refuse(b"530 5.7.0 STARTTLS and AUTH come first\r\n")
        self._recipients = 0
        return b"250 2.1.0 Ok\r\n"

    def _rcpt(self, _: bytes) -> bytes:
        if self._recipients == _NO_TRANSACTION:
            return self._refuse(_BAD_SEQUENCE)
        self._recipients += 1
        return b"250 2.1.5 Ok\r\n"

    def _data(self, _: bytes) -> bytes:
        if self._recipients < 1 or self._size:
            return self._refuse(_BAD_SEQUENCE)
        self._in_data = True
        return b"354 End data with <CR><LF>.<CR><LF>\r\n"

    def _bdat(self, line: bytes) -> bytes:
        _, size, *last = line.split()
        self._chunk_left = int(size)
        self._size += self._chunk_left
        self._last_chunk = bool(last)
        if "CHUNKING" not in self._offers.extensions:
            self._chunk_left = self._size = 0
            return self._refuse(b"502 5.5.1 CHUNKING was not offered\r\n")
        return b"" if self._chunk_left else self._chunk_end()

    def _chunk_end(self) -> bytes:
        if self._recipients < 1:
            self._size = 0
            return self._refuse(_BAD_SEQUENCE)
        return self._accept() if self._last_chunk else _OK

    def _rset(self, _: bytes) -> bytes:
        self._recipients = _NO_TRANSACTION
        self._size = 0
        return _OK

    def _ehlo(self, _: bytes) -> bytes:
        self._recipients = _NO_TRANSACTION
        lines = ["sink.test", *self._offers.extensions]
        if not self._secure:
            lines.append("STARTTLS")
        elif self._offers.auth:
            lines.append("AUTH PLAIN")
        lines = [*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}", ""]
        return "\r\n".join(lines).encode()

    def _auth(self, line: bytes) -> bytes:
        if line.upper() == b"AUTH PLAIN":
            self._read_line = self._response
            return b"334 \r\n"
        return self._response(line[len(b"AUTH PLAIN ") :])

    def _response(self, line: bytes) -> bytes:
        self._read_line = self._command
        if line != _CREDENTIALS or not self._secure:
            return self._refuse(b"535 5.7.8 Wrong credentials\r\n")
        self._known = True
        return b"235 2.7.0 Ok\r\n"

    def _starttls(self, _: bytes) -> bytes:
        if self._secure:
            return self._refuse(_BAD_SEQUENCE)
        self.wants_tls = True
        return b"220 2.0.0 Go ahead\r\n"

    def _quit(self, _: bytes) -> bytes:
        self.over = True
        return b"221 2.0.0 Bye\r\n"
