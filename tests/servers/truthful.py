"""A `Truth` on a real port, with a thread for each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.runtime.loopback import Loopback
from smtpkit.runtime.simulated import Act

if TYPE_CHECKING:
    import ssl

    from truth import Truth

TurningAway: TypeAlias = Literal["421", "454", "554", "reset"]
"""How a connection too many ends; with 454 only at AUTH."""

_TURNED_AWAY = {
    "421": [b"421 4.7.0 too many connections\r\n"],
    "454": [b"220 hi\r\n", b"250-hi\r\n250 AUTH PLAIN\r\n", b"454 4.7.0 too many connections\r\n"],
    "554": [b"554 5.7.1 too many connections\r\n"],
    "reset": [],
}


class Truthful(Loopback):
    """SMTP on a free port of 127.0.0.1, within ``with``. More than ``most`` connections at a time are turned away.

    With ``context`` it can do STARTTLS, if its `Truth` offers it.
    """

    def __init__(
        self,
        truth: Truth,
        most: int = 1000,
        context: ssl.SSLContext | None = None,
        *,
        turning_away: TurningAway = "421",
    ) -> None:
        super().__init__(truth.dial, context, most=most, too_many=lambda: _TurnedAway(turning_away))
        self.truth = truth


class _TurnedAway:
    """The server of a connection too many: one reply to each thing that it hears."""

    certificate = b""

    def __init__(self, how: TurningAway) -> None:
        self._how = how
        self._left = [*_TURNED_AWAY[how]]

    def hear(self, data: bytes) -> list[Act]:
        if self._left:
            said = self._left.pop(0)
            return [Act(said, ending=None if self._left else "close")]
        return [Act(ending="reset" if self._how == "reset" else "close")]

    def secure(self) -> bool:
        return False
