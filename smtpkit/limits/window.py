"""The time over which a limit counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from smtpkit.errors import InvalidConfiguration
from smtpkit.value import put, value

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

__all__ = ["Per", "Window"]

Per: TypeAlias = Literal[
    "second", "minute", "10-minute", "hour", "rolling-24h", "month", "calendar-day", "calendar-month"
]  # fmt: skip
"""A time that ends now, and moves with it; ``month`` is 31 days. Or the day or month of a calendar."""

_SECONDS: dict[str, float] = {
    "second": 1,
    "minute": 60,
    "10-minute": 600,
    "hour": 3600,
    "rolling-24h": 86400,
    "month": 31 * 86400,
}
_LONGEST_FLIGHT = 900
_BEFORE = 1e-6
"""Seconds: what is counted exactly when a calendar day begins belongs to it."""


@value
class Window:
    """A time that slides or a time of the calendar. Moments are seconds since 1970-01-01 UTC.

    Raises:
        InvalidConfiguration: no such window, or a time zone that is none or where none is needed.
    """

    name: Per
    timezone: tzinfo | None
    """Of the calendar; UTC if not given."""

    def __init__(self, name: Per, timezone: tzinfo | None = None) -> None:
        if name not in get_args(Per):
            raise InvalidConfiguration(f"no such window: {name!r}", hint=f"It is one of {', '.join(get_args(Per))}.")
        if timezone is not None and not (name not in _SECONDS and hasattr(timezone, "utcoffset")):
            raise InvalidConfiguration(
                f"timezone={timezone!r} with the window {name!r}",
                hint='A time zone such as ZoneInfo("Europe/Berlin") goes with "calendar-day" or "calendar-month".',
            )
        put(self, "name", name)
        put(self, "timezone", timezone)

    @property
    def seconds(self) -> float | None:
        """The length of one that slides; ``None`` for those of the calendar, which differ."""
        return _SECONDS.get(self.name)

    @property
    def flight(self) -> float:
        """Seconds for which a mail may be under way: one that nobody settles counts as accepted that much later."""
        return min(self.seconds or _LONGEST_FLIGHT, _LONGEST_FLIGHT)

    @property
    def longest(self) -> float:
        """Seconds: none of its kind is longer."""
        return self.seconds or (31 if self.name == "calendar-month" else 2) * 86400.0

    def since(self, now: float) -> float:
        """What is counted at ``now``: all that is later than this."""
        return self._begin(now, 0) - _BEFORE if self.seconds is None else now - self.seconds

    def leaves(self, time: float, now: float) -> float:
        """When it is no longer counted what was at ``time``. In a calendar nothing leaves before the end of now."""
        return self._begin(max(time, now), 1) if self.seconds is None else time + self.seconds

    def entering(self, until: float) -> float:
        """The latest time of what leaves at ``until``; in a calendar, at the end of the day or month before it."""
        return until - _BEFORE if self.seconds is None else until - self.seconds

    def _begin(self, moment: float, later: int) -> float:
        """The start of the day or month of ``moment``, or of one ``later``. Not all days have 24 hours."""
        from datetime import UTC, datetime, timedelta

        zone = self.timezone or UTC
        day = datetime.fromtimestamp(moment, zone).date()
        if self.name == "calendar-day":
            day += timedelta(days=later)
        else:
            day = day.replace(
                year=day.year + (day.month - 1 + later) // 12, month=(day.month - 1 + later) % 12 + 1, day=1
            )
        return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()

    def __str__(self) -> str:
        return f"{self.name}/{self.timezone}" if self.timezone else self.name


def utc(moment: float) -> datetime:
    """``moment`` for people; never earlier than it, since ``datetime`` rounds to microseconds."""
    from datetime import UTC, datetime, timedelta

    found = datetime.fromtimestamp(moment, UTC)
    return found if found.timestamp() >= moment else found + timedelta(microseconds=1)
