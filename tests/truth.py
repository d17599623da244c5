"""A small SMTP server that is right, knows what it took responsibility for, and fails where it is told to.

It is a peer of the simulated runtime, and has no I/O. Addresses tell it what to refuse: ``mail-550-x@a.test`` as a
sender, ``rcpt-450-x@b.test`` as a recipient; ``data-451-x@b.test`` among the accepted recipients refuses DATA or the
first BDAT, and ``content-554-x@b.test`` the content.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, cast

from smtpkit.runtime.simulated import Act

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smtpkit.runtime.simulated import Ending

__all__ = ["CHUNKING", "ENDINGS", "PIPELINING", "Accepted", "Fault", "Session", "Truth"]

PIPELINING = ("PIPELINING",)
CHUNKING = ("PIPELINING", "CHUNKING")

Flaw: TypeAlias = Literal["421", "421 and no more", "missing", "doubled", "late", "garbage", "354"]
ENDINGS: tuple[Ending, ...] = ("close", "reset", "break", "stall")

_PATH = re.compile(r"(?:FROM|TO):<([^>]*)>(.*)")
_SIZE = re.compile(r" SIZE=([0-9]+)")
_LATE = 40.0
"""Virtual seconds: less than ``Timeouts.reply``."""


class Accepted(NamedTuple):
    """What the server took responsibility for."""

    sender: str
    recipient: str
    content: bytes


class Fault(NamedTuple):
    """What goes wrong on one connection: at an octet that is ``heard`` or ``said``, or at a ``reply``.

    The greeting is reply 0, that to EHLO reply 1. A connection that is lost at an octet of what is said is lost
    for the replies: what was heard is acted upon, to the end.
    """

    where: Literal["heard", "said", "reply"]
    at: int
    what: Ending | Flaw = "close"


class Truth:
    """The server, over all its connections."""

    def __init__(
        self,
        extensions: tuple[str, ...] = CHUNKING,
        *,
        faults: Mapping[int, Fault] | None = None,
        recipients: int | None = None,
        messages: int | None = None,
        patience: str = "",
        seconds: float = 0.0,
    ) -> None:
        self.extensions = extensions
        """What EHLO offers; ``SIZE`` is kept to."""
        self.recipients = recipients
        """The most of one transaction: further ones get 452 4.5.3."""
        self.messages = messages
        """The most of one connection: further MAILs get 421."""
        self.patience = patience
        """Whose: ``"exim"`` or ``"postfix"``, as docs/servers.md has it."""
        self.seconds = seconds
        """Virtual seconds from command to reply."""
        self.accepted: Counter[Accepted] = Counter()
        self.sessions: list[Session] = []
        self.problems: list[str] = []
        """What a client must not do."""
        self._faults = faults or {}

    def dial(self, host: str, port: int) -> Session:
        """A further connection."""
        self.sessions.append(Session(self, self._faults.get(len(self.sessions))))
        return self.sessions[-1]

    @property
    def size(self) -> int | None:
        """The largest content."""
        found = [each.partition(" ")[2] for each in self.extensions if each.startswith("SIZE ")]
        return int(found[0]) if found else None


class Session:
    """One connection."""

    def __init__(self, truth: Truth, fault: Fault | None = None) -> None:
        self.heard = 0
        """Octets."""
        self.said = 0
        self.replies = 0
        self.verbs: list[str] = []
        """The commands that were heard."""
        self._truth = truth
        self._fault = fault
        self._over = False
        self._mute = False
        self._buffer = bytearray()
        self._acts: list[Act] = []
        self._taking_content = False
        self._taken = 0
        self._annoyed = 0
        self._in_favour = True
        self._forget()
        self._handlers = {
            "EHLO": self._ehlo,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "BDAT": self._bdat,
            "RSET": self._rset,
            "QUIT": self._quit,
        }

    certificate = b""

    def secure(self) -> bool:
        """No TLS here."""
        return False

    def hear(self, data: bytes) -> list[Act]:
        """What it does on hearing ``data``."""
        at = self._fault.at if self._fault is not None and self._fault.where == "heard" else None
        if at is not None:
            data = data[: max(at - self.heard, 0)]
        self.heard += len(data)
        self._buffer += data
        if self.replies == 0 and not self._over:
            self._act(lambda: "220 truth.test")
        while not self._over and (command := self._next()) is not None:
            self._act(command)
        if at is not None and self.heard >= at and self._fault is not None:
            self._end(cast("Ending", self._fault.what))
        acts, self._acts = self._acts, []
        return acts

    # -- what is heard -------------------------------------------------------------

    def _next(self) -> Callable[[], str] | None:
        """The next command that is complete, as what it does."""
        if self._taking_content:
            return self._next_content()
        line, end, rest = bytes(self._buffer).partition(b"\r\n")
        if not end:
            return None
        verb, _, argument = line.decode().partition(" ")
        octets = b""
        if verb == "BDAT":
            size = int(argument.split()[0])
            if len(rest) < size:
                return None
            octets, rest = rest[:size], rest[size:]
        self._buffer = bytearray(rest)
        self.verbs.append(verb)
        if rest and ("PIPELINING" not in self._truth.extensions or verb in ("DATA", "EHLO", "QUIT")):
            self._truth.problems.append(f"something came before the reply to {verb}")
        return partial(self._handlers.get(verb, self._unknown), argument, octets)

    def _next_content(self) -> Callable[[], str] | None:
        found = re.match(rb"((?:.*\r\n)*?)\.\r\n", bytes(self._buffer))
        if found is None:
            return None
        del self._buffer[: found.end()]
        self._taking_content = False
        octets = re.sub(rb"(?m)^\.", b"", found[1])
        return partial(self._take, octets, last=True)

    # -- what is done --------------------------------------------------------------

    def _forget(self) -> str:
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._content = b""
        self._refused_chunk = False
        return "250 2.0.0 ok"

    def _ehlo(self, argument: str, _: bytes) -> str:
        return "\r\n".join([*(f"250-{line}" for line in ("truth.test", *self._truth.extensions)), "250 HELP"])

    def _rset(self, argument: str, _: bytes) -> str:
        if self._truth.patience == "exim":
            # The first one after an accepted message does not count.
            self._annoyed += not self._in_favour
            self._in_favour = False
            if self._annoyed == 11:
                return "554 Too many nonmail commands"
        return self._forget()

    def _unknown(self, argument: str, _: bytes) -> str:
        return "500 5.5.2 what?"

    def _quit(self, argument: str, _: bytes) -> str:
        return "221 2.0.0 bye"

    def _mail(self, argument: str, _: bytes) -> str:
        found = _PATH.fullmatch(argument)
        assert found is not None, argument
        if self._sender is not None:
            return "503 5.5.1 sender already given"
        if self._taken == self._truth.messages:
            return "421 4.7.0 too many messages in this connection"
        size = _SIZE.search(found[2])
        if size is not None and self._truth.size is not None and int(size[1]) > self._truth.size:
            return "552 5.3.4 too large"
        if (code := _refusal("mail", [found[1]])) is not None:
            return f"{code} {code[0]}.7.1 not from there"
        self._sender = found[1]
        return "250 2.1.0 ok"

    def _rcpt(self, argument: str, _: bytes) -> str:
        found = _PATH.fullmatch(argument)
        assert found is not None, argument
        if self._sender is None:
            return "503 5.5.1 MAIL first"
        if len(self._recipients) == self._truth.recipients:
            return "452 4.5.3 too many recipients"
        if (code := _refusal("rcpt", [found[1]])) is not None:
            return f"{code} {code[0]}.1.1 not to there"
        self._recipients.append(found[1])
        return "250 2.1.5 ok"

    def _data(self, argument: str, _: bytes) -> str:
        if not self._recipients:
            return "503 5.5.1 RCPT first"
        if (code := _refusal("data", self._recipients)) is not None:
            return f"{code} {code[0]}.3.0 not now"
        self._taking_content = True
        return "354 go on"

    def _bdat(self, argument: str, octets: bytes) -> str:
        if "CHUNKING" not in self._truth.extensions:
            self._truth.problems.append("BDAT was not offered")
        last = argument.endswith(" LAST")
        if not self._recipients or self._refused_chunk:
            # Sender and recipients stay, as Exim has it.
            return "503 5.5.1 valid RCPT first"
        if (code := _refusal("data", self._recipients)) is not None:
            self._refused_chunk = True
            return f"{code} {code[0]}.3.0 not now"
        return self._take(octets, last=last)

    def _take(self, octets: bytes, *, last: bool) -> str:
        self._content += octets
        if self._truth.size is not None and len(self._content) > self._truth.size:
            self._forget()
            self._refused_chunk = not last
            return "552 5.3.4 too large"
        if not last:
            return f"250 2.0.0 {len(octets)} octets"
        code = _refusal("content", self._recipients)
        if code is None:
            assert self._sender is not None
            self._taken += 1
            self._in_favour = True
            self._annoyed *= self._truth.patience == "exim"
            self._truth.accepted.update(Accepted(self._sender, each, self._content) for each in self._recipients)
        self._forget()
        return f"{code} {code[0]}.6.0 not that" if code else "250 2.0.0 ok: queued as TRUTH"

    # -- what is said --------------------------------------------------------------

    def _act(self, command: Callable[[], str]) -> None:
        """Do it and answer, or what the fault wants instead."""
        number, self.replies = self.replies, self.replies + 1
        fault = self._fault
        flaw = fault.what if fault is not None and fault.where == "reply" and fault.at == number else None
        if flaw in ("421", "421 and no more"):
            self._say("421 4.3.2 going down")
            self._end("stall" if flaw == "421 and no more" else "close")
            return
        if flaw in ENDINGS:
            self._end(flaw)
            return
        text = command()
        shown = {"missing": [], "doubled": [text, text], "garbage": ["what?"], "354": ["354 go on"]}
        for each in shown.get(str(flaw), [text]):
            self._say(each, after=_LATE if flaw == "late" else self._truth.seconds)
        if text.startswith(("221", "421", "554 Too many")):
            self._end("close")
        if self._truth.patience == "postfix" and text[0] in "45":
            self._annoyed += 1
            if self._annoyed == 20:
                self._say("421 4.7.0 too many errors")
                self._end("close")

    def _say(self, text: str, after: float = 0.0) -> None:
        octets = f"{text}\r\n".encode()
        at = self._fault.at if self._fault is not None and self._fault.where == "said" else None
        if at is not None:
            octets = octets[: max(at - self.said, 0)]
        self.said += len(octets)
        if octets and not self._mute:
            self._acts.append(Act(octets, after))
        if at is not None and self._fault is not None and self.said >= at and not self._mute:
            self._mute = True
            self._acts.append(Act(ending=cast("Ending", self._fault.what)))

    def _end(self, ending: Ending) -> None:
        if not self._over:
            self._over = True
            self._acts.append(Act(ending=ending))


def _refusal(stage: str, addresses: list[str]) -> str | None:
    """The code with which one of ``addresses`` wants to be refused at ``stage``."""
    for address in addresses:
        if (found := re.match(rf"{stage}-([45][0-9][0-9])-", address)) is not None:
            return found[1]
    return None
