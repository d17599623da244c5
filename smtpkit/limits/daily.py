"""So many messages or recipients a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from smtpkit.errors import DailyLimitExceeded, InvalidConfiguration
from smtpkit.limits.limit import Limit
from smtpkit.limits.window import Window as _Window

if TYPE_CHECKING:
    import os
    from datetime import tzinfo

    from smtpkit.errors import LimitExceeded
    from smtpkit.limits.limit import OnLimit, Unit
    from smtpkit.limits.store import Store
    from smtpkit.limits.watch import OnWarning

__all__ = ["DailyLimit", "Window"]

Window: TypeAlias = Literal["rolling-24h", "calendar-day"]


class DailyLimit(Limit):
    """At most ``count`` messages or recipients a day, for each account on its own.

    One object counts for all mailers that have it. The count is reserved before sending, and
    given back only for what is known not to have been accepted: it never falls short of the
    truth. Without ``path`` or ``store`` it is kept in memory and forgotten when the process ends.

    Args:
        count: the limit, at least 1.
        unit: what is counted. A message to three people is 1 message and 3 recipients.
        window: the last 24 hours, or the day from midnight to midnight.
        timezone: of the calendar day; UTC if not given.
        path: a file in which the processes of one machine count together. It is made when it is first used.
        store: where to count instead, such as a `RedisStore` for several machines.
        on_limit: what is done with a mail that does not fit: ``"raise"``, ``"wait"`` until it does, or ``"warn"`` in
            the log and send it without counting it.
        longest_wait: seconds that a mail waits at most; as long as the window if not given.
        on_warning: called with a `LimitStatus` when 80 % are used up, once in each window. It is logged as well.

    Raises:
        InvalidConfiguration: ``count`` is below 1, or another argument is not what it should be.
    """

    _error: ClassVar[type[LimitExceeded]] = DailyLimitExceeded

    def __init__(
        self,
        count: int,
        *,
        unit: Unit = "messages",
        window: Window = "rolling-24h",
        timezone: tzinfo | None = None,
        path: str | os.PathLike[str] | None = None,
        store: Store | None = None,
        on_limit: OnLimit = "raise",
        longest_wait: float | None = None,
        on_warning: OnWarning | None = None,
    ) -> None:
        if window not in ("rolling-24h", "calendar-day"):
            raise InvalidConfiguration(f"DailyLimit(window={window!r})", hint='"rolling-24h" or "calendar-day".')
        super().__init__(
            count,
            _Window(window, timezone),
            unit=unit,
            on_limit=on_limit,
            longest_wait=longest_wait,
            path=path,
            store=store,
            on_warning=on_warning,
        )

    def __repr__(self) -> str:
        return f"DailyLimit({self.count}, unit={self.unit!r}, window={self.per!r})"
