"""Where counts are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from smtpkit.value import value

if TYPE_CHECKING:
    from smtpkit.runtime.base import Runtime

__all__ = ["Reservation", "Store"]


@value
class Reservation:
    """The answer of a store: ``n`` were counted at ``time`` under ``key``, or there was no room for them."""

    key: str
    n: int
    time: float
    """Seconds since 1970-01-01 UTC."""
    granted: bool
    used: int
    """What was counted before, within the window."""
    blocked_by: float | None = None
    """When not granted: the time of the count that must leave the window to make room."""


class Store(Protocol):
    """Counts by key and time. Each operation is atomic among all who use the same store."""

    async def reserve(self, key: str, n: int, now: float, runtime: Runtime, *, limit: int, since: float) -> Reservation:
        """Count ``n`` at ``now``, if no more than ``limit`` are then counted after ``since``."""
        ...

    async def give_back(self, reservation: Reservation, n: int, runtime: Runtime) -> None:
        """Take ``n`` of a granted reservation out of the count."""
        ...

    async def used(self, key: str, since: float, runtime: Runtime) -> int:
        """What is counted after ``since``."""
        ...
