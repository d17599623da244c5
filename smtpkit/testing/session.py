"""One connection of a server for tests: what is heard, what is done, what is said. No I/O here (RFC 5321)."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from smtpkit.runtime.simulated import Act

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smtpkit.runtime.simulated import Ending

__all__ = ["Accepted", "BaseSession", "Terms"]

_PATH = re.compile(r"(?:FROM|TO):<([^>]*)>(.*)", re.IGNORECASE)
_SIZE = re.compile(r" SIZE=([0-9]{1,18})(?= |\Z)")


class Accepted(NamedTuple):
    """A mail that the server took responsibility for."""

    sender: str
    """The reverse-path, empty for the null one."""
    recipients: tuple[str, ...]
    content: bytes
    """As it came, without dot-stuffing."""
    username: str | None = None
    """Who was logged in."""
    encrypted: bool = False
    """Whether it came over TLS."""


class Terms(Protocol):
    """What a server offers, and takes."""

    @property
    def name(self) -> str:
        """Its host name."""
        ...

    @property
    def extensions(self) -> Sequence[str]:
        """What EHLO offers."""
        ...

    @property
    def size(self) -> int | None:
        """The largest content, in octets."""
        ...

    @property
    def recipients(self) -> int | None:
        """The most of one transaction: further ones get 452 4.5.3."""
        ...

    @property
    def messages(self) -> int | None:
        """The most of one connection: further MAILs get 421."""
        ...


class BaseSession:
    """One connection: the commands, and what they do. How it answers is its subclass's."""

    certificate: bytes = b""

    def __init__(self, terms: Terms) -> None:
        self.verbs: list[str] = []
        """The commands that were heard."""
        self.secured: bool = False
        """Whether TLS has begun."""
        self._terms = terms
        self._shaking = False
        self._over = False
        self._buffer: bytearray = bytearray()
        self._acts: list[Act] = []
        self._taking_content = False
        self._scanned = 0
        self._taken = 0
        self._forget()
        self._handlers: dict[str, Callable[[str, bytes], str]] = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "BDAT": self._bdat,
            "RSET": self._rset,
            "NOOP": self._noop,
            "QUIT": self._quit,
        }

    # -- what its subclass decides -------------------------------------------------

    def _refusal(self, stage: str, addresses: Sequence[str]) -> str | None:
        """The reply that refuses what is asked for at ``stage``: ``mail``, ``rcpt``, ``data`` or ``content``."""
        raise NotImplementedError

    def _accept(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Take responsibility for a mail; the reply."""
        raise NotImplementedError

    def _object(self, problem: str) -> None:
        """The client did what a client must not do."""

    def _begin_tls(self) -> bool:
        """The handshake: what came before it is forgotten (RFC 3207 §4.2)."""
        self._shaking, self.secured = False, True
        self._buffer.clear()
        self._forget()
        return True

    # -- what is heard -------------------------------------------------------------

    def _next(self) -> tuple[str, Callable[[], str]] | None:
        """The next command that is complete: its verb in capitals, and what it does."""
        if self._taking_content:
            return self._next_content()
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return None
        line = self._buffer[:end].decode("utf-8", "replace")
        verb, _, argument = line.partition(" ")
        verb, begin, octets = verb.upper(), end + 2, b""
        if verb == "BDAT":
            size = _count(argument)
            if len(self._buffer) < begin + size:
                return None
            octets = bytes(self._buffer[begin : begin + size])
            begin += size
        del self._buffer[:begin]
        self.verbs.append(verb)
        return self._asked(verb, line, octets)

    def _asked(self, verb: str, line: str, octets: bytes) -> tuple[str, Callable[[], str]]:
        last = line.upper().endswith(" LAST")
        asked = ("final" if last else "chunk") if verb == "BDAT" else verb
        return asked, partial(self._handlers.get(verb, self._unknown), line.partition(" ")[2], octets)

    def _next_content(self) -> tuple[str, Callable[[], str]] | None:
        # What precedes the first line of the content is the line end of DATA.
        if self._buffer.startswith(b".\r\n"):
            end = 0
        else:
            found = self._buffer.find(b"\r\n.\r\n", max(self._scanned - 4, 0))
            self._scanned = len(self._buffer)
            if found < 0:
                return None
            end = found + 2
        octets = re.sub(rb"(?m)^\.", b"", bytes(self._buffer[:end]))
        del self._buffer[: end + 3]
        self._taking_content, self._scanned = False, 0
        return "final", partial(self._take, octets, last=True)

    # -- what is done --------------------------------------------------------------

    def _forget(self) -> str:
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._content = b""
        self._refused_chunk = False
        return "250 2.0.0 ok"

    def _offered(self) -> list[str]:
        """What EHLO offers now."""
        return [each for each in self._terms.extensions if not self.secured or each != "STARTTLS"]

    def _ehlo(self, argument: str, octets: bytes) -> str:
        self._forget()
        return "\r\n".join([*(f"250-{line}" for line in (self._terms.name, *self._offered())), "250 HELP"])

    def _helo(self, argument: str, octets: bytes) -> str:
        self._forget()
        return f"250 {self._terms.name}"

    def _starttls(self, argument: str, octets: bytes) -> str:
        self._shaking = True
        return "220 2.0.0 go ahead"

    def _auth(self, argument: str, octets: bytes) -> str:
        return "235 2.7.0 welcome"

    def _rset(self, argument: str, octets: bytes) -> str:
        return self._forget()

    def _noop(self, argument: str, octets: bytes) -> str:
        return "250 2.0.0 ok"

    def _unknown(self, argument: str, octets: bytes) -> str:
        return "500 5.5.2 what?"

    def _quit(self, argument: str, octets: bytes) -> str:
        return "221 2.0.0 bye"

    def _mail(self, argument: str, octets: bytes) -> str:
        found = _PATH.fullmatch(argument)
        if found is None:
            return "501 5.5.4 MAIL FROM:<address>"
        if self._sender is not None:
            return "503 5.5.1 sender already given"
        if self._taken == self._terms.messages:
            return "421 4.7.0 too many messages in this connection"
        size = _SIZE.search(found[2])
        if size is not None and self._terms.size is not None and int(size[1]) > self._terms.size:
            return "552 5.3.4 too large"
        if (refusal := self._refusal("mail", [found[1]])) is not None:
            return refusal
        self._sender = found[1]
        return "250 2.1.0 ok"

    def _rcpt(self, argument: str, octets: bytes) -> str:
        found = _PATH.fullmatch(argument)
        if found is None:
            return "501 5.5.4 RCPT TO:<address>"
        if self._sender is None:
            return "503 5.5.1 MAIL first"
        if len(self._recipients) == self._terms.recipients:
            return "452 4.5.3 too many recipients"
        if (refusal := self._refusal("rcpt", [found[1]])) is not None:
            return refusal
        self._recipients.append(found[1])
        return "250 2.1.5 ok"

    def _data(self, argument: str, octets: bytes) -> str:
        if not self._recipients:
            return "503 5.5.1 RCPT first"
        if (refusal := self._refusal("data", self._recipients)) is not None:
            return refusal
        self._taking_content = True
        return "354 go on"

    def _bdat(self, argument: str, octets: bytes) -> str:
        if "CHUNKING" not in self._terms.extensions:
            self._object("BDAT was not offered")
        last = argument.upper().endswith(" LAST")
        if not self._recipients or self._refused_chunk:
            # Sender and recipients stay, as Exim has it.
            return "503 5.5.1 valid RCPT first"
        if (refusal := self._refusal("data", self._recipients)) is not None:
            self._refused_chunk = True
            return refusal
        return self._take(octets, last=last)

    def _take(self, octets: bytes, *, last: bool) -> str:
        self._content += octets
        if self._terms.size is not None and len(self._content) > self._terms.size:
            self._forget()
            self._refused_chunk = not last
            return "552 5.3.4 too large"
        if not last:
            return f"250 2.0.0 {len(octets)} octets"
        reply = self._refusal("content", self._recipients)
        if reply is None:
            self._taken += 1
            reply = self._accept(self._sender or "", self._recipients, self._content)
        self._forget()
        return reply

    # -- what is said --------------------------------------------------------------

    def _end(self, ending: Ending) -> None:
        if not self._over:
            self._over = True
            self._acts.append(Act(ending=ending))


def _count(argument: str) -> int:
    """The octets that BDAT announces; 0 if that is no number."""
    found = re.match(r"[0-9]{1,18}(?= |\Z)", argument)
    return int(found[0]) if found else 0
