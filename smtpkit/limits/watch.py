"""Warnings of a limit that is nearly used up, or that others say there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from smtpkit.limits.status import LimitStatus

if TYPE_CHECKING:
    from smtpkit.limits.limit import Limit
    from smtpkit.limits.store import Reservation

__all__ = ["OnWarning", "Watch"]

OnWarning: TypeAlias = Callable[[LimitStatus], object]
"""Called when 80 % of a limit are used up, in the thread or the event loop that sends: it has to be quick. What it
raises is logged."""

_NEARLY = 0.8
_ACCOUNTS = 10_000


class Watch:
    """Warns once in each window, for each account."""

    def __init__(self, limit: Limit, on_warning: OnWarning | None) -> None:
        self.accounts: dict[str, dict[str, float]] = {}
        """Those that the limit was asked for, and when each was warned about what."""
        self._limit = limit
        self._on_warning = on_warning

    def know(self, account: str) -> dict[str, float]:
        """When ``account`` was warned about what."""
        told = self.accounts.get(account)
        if told is None:
            told = self.accounts[account] = {}
            while len(self.accounts) > _ACCOUNTS:
                self.accounts.pop(next(iter(self.accounts)), None)
        return told

    def see(self, account: str, reservation: Reservation) -> None:
        """Warn if this reservation makes it 80 %, or if its mail is sent though it does not fit."""
        limit, used = self._limit, reservation.used + reservation.n
        if not reservation.granted:
            if self._is_new("full", account, reservation.now):
                _log(f"{self._status(account, reservation.used)}: used up. The limit only warns, and mails go on")
        elif reservation.used < limit.count * _NEARLY <= used and self._is_new("nearly", account, reservation.now):
            self._nearly(self._status(account, used))

    def _nearly(self, status: LimitStatus) -> None:
        # Who waits at a limit is meant to come near it.
        if self._limit.on_limit != "wait":
            _log(f"{status}: {status.remaining} left")
        if self._on_warning is not None:
            try:
                self._on_warning(status)
            except Exception:
                _log(f"on_warning={self._on_warning!r} raised", with_traceback=True)

    def _status(self, account: str, used: int) -> LimitStatus:
        return LimitStatus(account, self._limit.count, self._limit.unit, self._limit.per, used, None)

    def _is_new(self, what: str, account: str, now: float) -> bool:
        told = self.know(account)
        last = told.get(what)
        if last is not None and last <= now < last + self._limit.length:
            return False
        told[what] = now
        return True


def _log(text: str, *, with_traceback: bool = False) -> None:
    # Not at import: it makes no logger.
    import logging

    logging.getLogger("smtpkit.limits").warning("%s", text, exc_info=with_traceback)
