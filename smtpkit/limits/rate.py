"""So many messages or recipients in another time than a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

from smtpkit.errors import InvalidConfiguration, RateLimitExceeded
from smtpkit.limits.limit import Limit
from smtpkit.limits.window import Window

if TYPE_CHECKING:
    import os
    from datetime import tzinfo

    from smtpkit.errors import LimitExceeded
    from smtpkit.limits.limit import OnLimit, Unit
    from smtpkit.limits.store import Store
    from smtpkit.limits.watch import OnWarning

__all__ = ["RateLimit"]

_Per: TypeAlias = Literal[
    "second", "minute", "10-minute", "hour", "day", "rolling-24h", "month", "calendar-day", "calendar-month"
]  # fmt: skip


class RateLimit(Limit):
    """At most ``count`` messages or recipients in each second, minute, hour or month, for each account on its own.

    A mail that does not fit waits by default; otherwise it counts as a `DailyLimit` does, and has the same arguments.

    ::

        Mailer(transport, limits=[RateLimit(10, per="second"), DailyLimit(500, path="mail.db")])

    Args:
        count: the limit, at least 1.
        per: a time that ends now and moves with it, of which ``"month"`` is 31 days; or ``"calendar-day"`` or
            ``"calendar-month"``, from midnight to midnight.
        timezone: of the calendar; UTC if not given.
        on_limit: ``"wait"`` until there is room, ``"raise"``, or ``"warn"`` and send.
        longest_wait: seconds that a mail waits at most; then, or if it is known to take longer, it is *not sent*.
            If not given, as long as the window, at least a minute and at most a day.

    Raises:
        InvalidConfiguration: ``count`` is below 1, or another argument is not what it should be.
    """

    _error: ClassVar[type[LimitExceeded]] = RateLimitExceeded

    def __init__(
        self,
        count: int,
        per: _Per,
        *,
        unit: Unit = "messages",
        timezone: tzinfo | None = None,
        path: str | os.PathLike[str] | None = None,
        store: Store | None = None,
        on_limit: OnLimit = "wait",
        longest_wait: float | None = None,
        on_warning: OnWarning | None = None,
    ) -> None:
        if per not in get_args(_Per):
            raise InvalidConfiguration(f"RateLimit(per={per!r})", hint=f"It is one of {', '.join(get_args(_Per))}.")
        super().__init__(
            count,
            Window("rolling-24h" if per == "day" else per, timezone),
            unit=unit,
            on_limit=on_limit,
            longest_wait=longest_wait,
            path=path,
            store=store,
            on_warning=on_warning,
        )

    def __repr__(self) -> str:
        return f"RateLimit({self.count}, {self.per!r}, unit={self.unit!r})"
