"""One connection of a `Truth`: a session that goes wrong where it is told to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, cast

from flaws import ENDINGS, UNDONE, Fault, flawed, refusal
from smtpkit.runtime.simulated import Act
from smtpkit.testing.session import BaseSession

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flaws import Ask
    from smtpkit.runtime.simulated import Ending
    from truth import Truth

__all__ = ["Accepted", "Session"]

_LAST_OF_GROUP = ("DATA", "EHLO", "QUIT", "STARTTLS", "AUTH")
_MIDDLE = 60_000
"""Octets of a content that it has heard a part of, and not all."""
_TEXTS = {"mail": "7.1 not from there", "rcpt": "1.1 not to there", "data": "3.0 not now", "content": "6.0 not that"}


class Accepted(NamedTuple):
    """What the server took responsibility for."""

    sender: str
    recipient: str
    content: bytes


class Session(BaseSession):
    """One connection."""

    def __init__(self, truth: Truth, fault: Fault | None = None) -> None:
        super().__init__(truth)
        self.heard = 0
        """Octets."""
        self.said = 0
        self.replies = 0
        self._challenging = False
        self._known = "STARTTLS" not in truth.extensions
        self._asked_for: Counter[Ask] = Counter()
        self._truth = truth
        self._fault = fault
        self._mute = False
        self._annoyed = 0
        self._in_favour = True

    def secure(self) -> bool:
        """Whether it shakes hands now."""
        if not self._shaking or self._flaw("tls", None) is not None:
            return False
        return self._begin_tls()

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
            self._act(cast("Ask", command[0]), command[1])
        if self._taking_content and len(self._buffer) > _MIDDLE and self._flaw("content", None) is not None:
            self._act("content", str)
            self._end("close")
        if at is not None and self.heard >= at and self._fault is not None:
            self._end(cast("Ending", self._fault.what))
        acts, self._acts = self._acts, []
        return acts

    # -- what is heard -------------------------------------------------------------

    def _asked(self, verb: str, line: str, octets: bytes) -> tuple[str, Callable[[], str]]:
        if self._buffer and ("PIPELINING" not in self._truth.extensions or verb in _LAST_OF_GROUP):
            self._truth.problems.append(f"something came before the reply to {verb}")
        asked, command = super()._asked(verb, line, octets)
        return "AUTH" if self._challenging else asked, command

    # -- what is done --------------------------------------------------------------

    def _refusal(self, stage: str, addresses: Sequence[str]) -> str | None:
        code = refusal(stage, list(addresses))
        return None if code is None else f"{code} {code[0]}.{_TEXTS[stage]}"

    def _accept(self, sender: str, recipients: list[str], content: bytes) -> str:
        self._in_favour = True
        self._annoyed *= self._truth.patience == "exim"
        self._truth.accepted.update(Accepted(sender, each, content) for each in recipients)
        return "250 2.0.0 ok: queued as TRUTH"

    def _object(self, problem: str) -> None:
        self._truth.problems.append(problem)

    def _offered(self) -> list[str]:
        return [*super()._offered(), *(["AUTH PLAIN"] if self.secured else [])]

    def _auth(self, argument: str, octets: bytes) -> str:
        if not self.secured and "AUTH PLAIN" not in self._truth.extensions:
            self._truth.problems.append("a log-in came without TLS")
        self._known = True
        return super()._auth(argument, octets)

    def _rset(self, argument: str, octets: bytes) -> str:
        if self._truth.patience == "exim":
            # The first one after an accepted message does not count.
            self._annoyed += not self._in_favour
            self._in_favour = False
            if self._annoyed == 11:
                return "554 Too many nonmail commands"
        return super()._rset(argument, octets)

    def _mail(self, argument: str, octets: bytes) -> str:
        if not self._known:
            self._truth.problems.append("MAIL came before the log-in")
        return super()._mail(argument, octets)

    # -- what is said --------------------------------------------------------------

    def _flaw(self, asked: Ask, number: int | None) -> str | None:
        """What is wrong with the reply to what is ``asked`` now, the ``number``-th one."""
        fault = self._fault
        if fault is None or (fault.where, fault.at) not in (("reply", number), (asked, self._asked_for[asked])):
            return None
        # An answer to a challenge is followed by the next one.
        self._challenging = fault.what == "challenges"
        return fault.what

    def _act(self, asked: Ask, command: Callable[[], str]) -> None:
        """Do it and answer, or what the fault wants instead."""
        number, self.replies = self.replies, self.replies + 1
        flaw = self._flaw(asked, number)
        self._asked_for[asked] += not self._challenging
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
