"""What mailers are given, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from smtpkit.errors import InvalidMessage
from smtpkit.value import at_least_1

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit.limits.limit import Limit

__all__ = ["Limits", "checked_counts", "checked_limits", "refuse_one"]

Limits: TypeAlias = "Limit | Iterable[Limit]"
"""One limit, or several that all hold."""


def refuse_one(messages: object, *iterable_by: str) -> None:
    """Raise `InvalidMessage` where ``send_many`` is given one mail, or nothing that has one of ``iterable_by``."""
    many = any(hasattr(messages, name) for name in iterable_by)
    # An e-mail of the standard library can be iterated over: it gives names of header fields.
    if not many or isinstance(messages, (str, bytes)) or hasattr(messages, "as_bytes"):
        hint = "Give it a list of messages, or use send() for one."
        if hasattr(messages, "__aiter__"):
            hint = "AsyncMailer takes an asynchronous iterable."
        raise InvalidMessage(f"send_many takes messages to iterate over, not one {type(messages).__name__}", hint=hint)


def checked_counts(connections: int, in_flight: int) -> tuple[int, int]:
    """Both numbers, if they can be.

    Raises:
        InvalidConfiguration: one is below 1.
    """
    at_least_1("connections", connections)
    at_least_1("in_flight", in_flight)
    return connections, in_flight


def checked_limits(limits: Limits) -> tuple[Limit, ...]:
    """All of ``limits``. Raises as `smtpkit.limits.given.checked`."""
    if limits == ():
        return ()
    # Not at import, and not for those who have none.
    from smtpkit.limits.given import checked

    return checked(limits)
