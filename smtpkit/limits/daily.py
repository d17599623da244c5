"""So many messages or recipients a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.errors import DailyLimitExceeded, InvalidConfiguration
from smtpkit.limits.memory import MemoryStore

if TYPE_CHECKING:
    from datetime import tzinfo

    from smtpkit.limits.store import Reservation, Store
    from smtpkit.mail import Mail
    from smtpkit.providers.provider import Provider
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime

__all__ = ["DailyLimit", "Unit", "Window", "preset_limits"]

Unit: TypeAlias = Literal["messages", "recipients"]
Window: TypeAlias = Literal["rolling-24h", "calendar-day"]

_DAY = 86400.0


class DailyLimit:
    """At most ``count`` messages or recipients a day, for each account on its own.

    One object counts for all mailers that have it. The count is reserved before sending, and
    given back only for what is known not to have been accepted: it never falls short of the
    truth. It is kept in memory and forgotten when the process ends.

    Args:
        count: the limit, at least 1.
        unit: what is counted. A message to three people is 1 message and 3 recipients.
        window: the last 24 hours, or the day from midnight to midnight.
        timezone: of the calendar day; UTC if not given.

    Raises:
        InvalidConfiguration: ``count`` is below 1, or an unknown unit or window.
    """

    def __init__(
        self,
        count: int,
        *,
        unit: Unit = "messages",
        window: Window = "rolling-24h",
        timezone: tzinfo | None = None,
        store: Store | None = None,
    ) -> None:
        if type(count) is not int or count < 1:
            raise InvalidConfiguration(f"DailyLimit({count!r}): a number of at least 1 is needed")
        if unit not in ("messages", "recipients"):
            raise InvalidConfiguration(f"DailyLimit(unit={unit!r})", hint='It is "messages" or "recipients".')
        if window not in ("rolling-24h", "calendar-day"):
            raise InvalidConfiguration(f"DailyLimit(window={window!r})", hint='"rolling-24h" or "calendar-day".')
        if timezone is not None and not (window == "calendar-day" and hasattr(timezone, "utcoffset")):
            raise InvalidConfiguration(
                f"DailyLimit(timezone={timezone!r}, window={window!r})",
                hint='A time zone such as ZoneInfo("Europe/Berlin") goes with window="calendar-day".',
            )
        self.count = count
        self.unit: Unit = unit
        self.window: Window = window
        self._timezone = timezone
        self._store: Store = MemoryStore() if store is None else store
        self._accounts: set[str] = set()

    async def reserve(self, account: str, mail: Mail, runtime: Runtime) -> Reservation:
        """Count ``mail`` before it is sent.

        Raises:
            DailyLimitExceeded: there is no room for it.
        """
        self._accounts.add(account)
        n = len(mail.envelope.recipients) if self.unit == "recipients" else 1
        now = runtime.timestamp()
        reservation = await self._store.reserve(
            self._key(account), n, now, runtime, limit=self.count, since=self._since(now)
        )
        if not reservation.granted:
            raise self._exceeded(account, reservation)
        return reservation

    async def settle(self, reservation: Reservation, receipt: Receipt, runtime: Runtime) -> None:
        """Give back what was certainly not accepted."""
        missed = len(receipt.refused) + len(receipt.not_sent)
        # A message counts as long as anybody may have got it.
        unused = min(missed, reservation.n) if self.unit == "recipients" else int(missed == len(receipt.outcomes) > 0)
        if unused:
            await self._store.give_back(reservation, unused, runtime)

    def used(self, account: str | None = None) -> int:
        """How much of the limit is used up now; for the account that used most if none is named."""
        from smtpkit.runtime.blocking import BlockingRuntime, run

        runtime = BlockingRuntime()
        since = self._since(runtime.timestamp())
        # A copy: other threads may add accounts meanwhile.
        accounts = (account,) if account is not None else tuple(self._accounts)
        return max((run(self._store.used(self._key(name), since, runtime)) for name in accounts), default=0)

    def remaining(self, account: str | None = None) -> int:
        """How much can still be sent now; for the account that used most if none is named."""
        return max(self.count - self.used(account), 0)

    def _key(self, account: str) -> str:
        return f"{account}/{self.unit}/{self.window}"

    def _since(self, now: float) -> float:
        return now - _DAY if self.window == "rolling-24h" else self._midnight(now, 0) - 1e-6

    def _midnight(self, now: float, days: int) -> float:
        """The start of the calendar day of ``now``, or of one ``days`` later. Not all days have 24 hours."""
        zone = self._timezone or UTC
        day = datetime.fromtimestamp(now, zone).date() + timedelta(days=days)
        return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()

    def _exceeded(self, account: str, reservation: Reservation) -> DailyLimitExceeded:
        if reservation.n > self.count:
            text = f"the mail counts {reservation.n} {self.unit}, and {account} may send {self.count} a day"
            error = DailyLimitExceeded(text, temporary=False, hint="Send it in several mails.")
        else:
            resets_at = self._resets_at(reservation)
            error = DailyLimitExceeded(
                f"{account} has sent {reservation.used} of {self.count} {self.unit} a day, and {reservation.n} more "
                f"will fit at {_to_the_minute(resets_at)}",
                hint="Nothing was sent. Wait until then, or use an account or provider with a higher limit.",
            )
            error.resets_at = resets_at
        error.limit, error.used = self.count, reservation.used
        return error

    def _resets_at(self, reservation: Reservation) -> datetime:
        if self.window == "calendar-day" or reservation.blocked_by is None:
            when = self._midnight(reservation.time, 1)
        else:
            when = reservation.blocked_by + _DAY
        found = datetime.fromtimestamp(when, UTC)
        # Never too early, since datetime rounds to microseconds.
        return found if found.timestamp() >= when else found + timedelta(microseconds=1)

    def __repr__(self) -> str:
        return f"DailyLimit({self.count}, unit={self.unit!r}, window={self.window!r})"


@cache
def preset_limits(provider: Provider) -> tuple[DailyLimit, ...]:
    """The limits that an ordinary account at ``provider`` has.

    The same objects each time: several mailers with one account share its count. A "day" of
    unknown beginning is taken as 24 hours back from now, which never allows more.
    """
    return tuple(
        DailyLimit(limit.count, unit=limit.unit)
        for limit in provider.limits
        if limit.applies and limit.window in ("rolling-24h", "day")
    )


def _to_the_minute(when: datetime) -> str:
    """``when``, rounded up: who comes then is not too early."""
    return f"{when + timedelta(minutes=1, microseconds=-1):%Y-%m-%d %H:%M} UTC"
