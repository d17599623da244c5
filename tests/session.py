"""One connection of a `Truth`: what is heard, what is done, what is said."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from flaws import ENDINGS, UNDONE, Fault, flawed, refusal
from smtpkit.runtime.simulated import Act

if TYPE_CHECKING:
    from collections.abc import Callable

    from flaws import Ask
    from smtpkit.runtime.simulated import Ending
    from truth import Truth

__all__ = ["Accepted", "Session"]

_PATH = re.compile(r"(?:FROM|TO):<([^>]*)>(.*)")
_SIZE = re.compile(r" SIZE=([0-9]+)")
_LAST_OF_GROUP = ("DATA", "EHLO", "QUIT", "STARTTLS", "AUTH")
_MIDDLE = 60_000
"""Octets of a content that it has heard a part of, and not all."""


class Accepted(NamedTuple):
    """What the server took responsibility for."""

    sender: str
    recipient: str
    content: bytes


class Session:
    """One connection."""

    def __init__(self, truth: Truth, fault: Fault | None = None) -> None:
        self.heard = 0
        """Octets."""
        self.said = 0
        self.replies = 0
        self.verbs: list[str] = []
        """The commands that were heard."""
        self.secured = False
        """Whether TLS has begun."""
        self._shaking = False
        self._challenging = False
        self._known = "STARTTLS" not in truth.extensions
        self._asked: Counter[Ask] = Counter()
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
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "BDAT": self._bdat,
            "RSET": self._rset,
            "QUIT": self._quit,
        }

    certificate = b""

    def secure(self) -> bool:
        """Whether it shakes hands now."""
        if not self._shaking or self._flaw("tls", None) is not None:
            return False
        self._shaking, self.secured = False, True
        self._buffer.clear()
        self._forget()
        return True

    def hear(self, data: bytes) -> list[Act]:
        """What it does on hearing ``data``."""
        at = self._fault.at if self._fault is not None and self._fault.where == "heard" else None
        if at is not None:
            data = data[: max(at - self.heard, 0)]
        self.heard += len(data)
        self._buffer += data
        if self.replies == 0 and not self._over:
            self._act("greeting", lambda: "220 truth.test")
        elif self._shaking and self._buffer:
            self._act("tls", str)
            self._over = True
        while not self._over and (command := self._next()) is not None:
            self._act(*command)
        if self._taking_content and len(self._buffer) > _MIDDLE and self._flaw("content", None) is not None:
            self._act("content", str)
            self._end("close")
        if at is not None and self.heard >= at and self._fault is not None:
            self._end(cast("Ending", self._fault.what))
        acts, self._acts = self._acts, []
        return acts

    # -- what is heard -------------------------------------------------------------

    def _next(self) -> tuple[Ask, Callable[[], str]] | None:
        """The next command that is complete: what is asked for, and what it does."""
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
        if rest and ("PIPELINING" not in self._truth.extensions or verb in _LAST_OF_GROUP):
            self._truth.problems.append(f"something came before the reply to {verb}")
        asked = {"BDAT": "final" if argument.endswith(" LAST") else "chunk"}.get(verb, verb)
        asked = "AUTH" if self._challenging else asked
        return cast("Ask", asked), partial(self._handlers.get(verb, self._unknown), argument, octets)

    def _next_content(self) -> tuple[Ask, Callable[[], str]] | None:
        found = re.match(rb"((?:.*\r\n)*?)\.\r\n", bytes(self._buffer))
        if found is None:
            return None
        del self._buffer[: found.end()]
        self._taking_content = False
        octets = re.sub(rb"(?m)^\.", b"", found[1])
        return "final", partial(self._take, octets, last=True)

    # -- what is done --------------------------------------------------------------

    def _forget(self) -> str:
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._content = b""
        self._refused_chunk = False
        return "250 2.0.0 ok"

    def _ehlo(self, argument: str, _: bytes) -> str:
        offered = (each for each in self._truth.extensions if not self.secured or each != "STARTTLS")
        lines = ("truth.test", *offered, *(["AUTH PLAIN"] if self.secured else []))
        return "\r\n".join([*(f"250-{line}" for line in lines), "250 HELP"])

    def _starttls(self, argument: str, _: bytes) -> str:
        self._shaking = True
        return "220 2.0.0 go ahead"

    def _auth(self, argument: str, _: bytes) -> str:
        if not self.secured and "AUTH PLAIN" not in self._truth.extensions:
            self._truth.problems.append("a log-in came without TLS")
        self._known = True
        return "235 2.7.0 welcome"

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
        if not self._known:
            self._truth.problems.append("MAIL came before the log-in")
        if self._sender is not None:
            return "503 5.5.1 sender already given"
        if self._taken == self._truth.messages:
            return "421 4.7.0 too many messages in this connection"
        size = _SIZE.search(found[2])
        if size is not None and self._truth.size is not None and int(size[1]) > self._truth.size:
            return "552 5.3.4 too large"
        if (code := refusal("mail", [found[1]])) is not None:
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
        if (code := refusal("rcpt", [found[1]])) is not None:
            return f"{code} {code[0]}.1.1 not to there"
        self._recipients.append(found[1])
        return "250 2.1.5 ok"

    def _data(self, argument: str, _: bytes) -> str:
        if not self._recipients:
            return "503 5.5.1 RCPT first"
        if (code := refusal("data", self._recipients)) is not None:
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
        if (code := refusal("data", self._recipients)) is not None:
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
        code = refusal("content", self._recipients)
        if code is None:
            assert self._sender is not None
            self._taken += 1
            self._in_favour = True
            self._annoyed *= self._truth.patience == "exim"
            self._truth.accepted.update(Accepted(self._sender, each, self._content) for each in self._recipients)
        self._forget()
        return f"{code} {code[0]}.6.0 not that" if code else "250 2.0.0 ok: queued as TRUTH"

    # -- what is said --------------------------------------------------------------

    def _flaw(self, asked: Ask, number: int | None) -> str | None:
        """What is wrong with the reply to what is ``asked`` now, the ``number``-th one."""
        fault = self._fault
        if fault is None or (fault.where, fault.at) not in (("reply", number), (asked, self._asked[asked])):
            return None
        # An answer to a challenge is followed by the next one.
        self._challenging = fault.what == "challenges"
        return fault.what

    def _act(self, asked: Ask, command: Callable[[], str]) -> None:
        """Do it and answer, or what the fault wants instead."""
        number, self.replies = self.replies, self.replies + 1
        flaw = self._flaw(asked, number)
        self._asked[asked] += not self._challenging
        if flaw in ("421", "421 and no more"):
            self._say("421 4.3.2 going down")
            self._end("stall" if flaw == "421 and no more" else "close")
        elif flaw in ENDINGS:
            self._end(flaw)
        elif flaw in UNDONE:
            self._acts += flawed(flaw, "")
            if asked == "final":
                self._forget()
            # No chunk of a content is taken after one that was refused.
            self._refused_chunk = asked == "chunk"
        else:
            self._answer(command(), flaw)

    def _answer(self, text: str, flaw: str | None) -> None:
        if flaw == "silence":
            self._mute = True
        elif flaw == "done and closed":
            self._end("close")
        elif flaw is not None:
            self._acts += flawed(flaw, text, self._truth.drip)
        else:
            self._say(text, after=self._truth.seconds)
        if text.startswith(("221", "421", "554 Too many")):
            self._end("close")
        if self._truth.patience == "postfix" and text[:1] in ("4", "5"):
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
