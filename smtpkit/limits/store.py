"""Where counts are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from smtpkit.value import value

if TYPE_CHECKING:
    from smtpkit.limits.window import Window
    from smtpkit.runtime.base import Runtime

__all__ = ["Count", "Reservation", "Store"]


@value
class Reservation:
    """The answer of a store: ``n`` are counted under ``key``, or there was no room for them.

    Times are seconds since 1970-01-01 UTC, of the store's clock.
    """

    key: str
    n: int
    time: float
    """When not settled, it leaves the window as if counted then: after ``now``, by `Window.flight`."""
    granted: bool
    used: int
    """What was counted before, within the window."""
    now: float
    room_at: float | None = None
    """When not granted: the time at which the counts that are in the way have left the window."""
    id: str = ""
    """The store's own, by which it finds the count again."""


@value
class Count:
    """What is counted under one key."""

    used: int
    resets_at: float | None
    """When the first of it leaves the window, if anything is counted."""


class Store(Protocol):
    """Counts by key and time. Each operation is atomic among all who use the same store.

    The clock is the store's choice: that of ``runtime``, or one that all who use the store share.
    ``smtpkit.testing.stores.check_store`` checks an implementation.
    """

    async def reserve(self, key: str, n: int, window: Window, runtime: Runtime, *, limit: int) -> Reservation:
        """Count ``n``, at now + `Window.flight`, if no more than ``limit`` are then counted in ``window``."""
        ...

    async def settle(self, reservation: Reservation, unused: int, runtime: Runtime) -> None:
        """Count a granted reservation now, without ``unused`` of it. If it has left the window, do nothing."""
        ...

    async def exhaust(
        self, key: str, window: Window, runtime: Runtime, *, limit: int, until: float | None = None
    ) -> None:
        """Count now what is missing to ``limit``; or ``limit``, so that it leaves the window at ``until``."""
        ...

    async def count(self, key: str, window: Window, runtime: Runtime) -> Count:
        """What is counted now."""
        ...
