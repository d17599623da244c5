"""The limits that a mailer is given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from smtpkit.errors import InvalidConfiguration

if TYPE_CHECKING:
    from smtpkit.limits.limit import Limit

__all__ = ["checked"]


def checked(limits: Limit | Iterable[Limit]) -> tuple[Limit, ...]:
    """One limit or several, as a tuple.

    Raises:
        InvalidConfiguration: something else is among them, or two that would count each mail twice.
    """
    found = tuple(limits) if isinstance(limits, Iterable) else (limits,)
    places: set[object] = set()
    for limit in found:
        if not callable(getattr(limit, "reserve", None)):
            raise InvalidConfiguration(
                f"limits= has {limit!r}",
                hint="It takes one limit such as DailyLimit(500), or several; () for none. A file in which those of a "
                'preset are counted is limits_path="mail.db".',
            )
        if limit.place in places:
            raise InvalidConfiguration(
                f"limits= has two that count the same in the same place: {limit!r}", hint="Leave out the higher one."
            )
        places.add(limit.place)
    return found
