"""Running a coroutine without an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import TypeVar

    T = TypeVar("T")

__all__ = ["run"]


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends.

    Raises:
        InvalidConfiguration: it did, so that it needs an event loop.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise InvalidConfiguration(
        "a transport waited for an event loop, and Mailer has none",
        hint="Use AsyncMailer, or do the waiting of your transport through the runtime that it is given. An async "
        "function for token= or password= needs AsyncMailer, too.",
    )
