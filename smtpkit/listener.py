"""Who listens to the events of a mailer."""

from __future__ import annotations

from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from smtpkit.errors import InvalidConfiguration

if TYPE_CHECKING:
    from smtpkit.events import Event, OnEvent

__all__ = ["Listener"]

_CO_ASYNC = 0x80 | 0x200
"""The flags of coroutines and asynchronous generators in a code object: CO_COROUTINE, CO_ASYNC_GENERATOR."""


class Listener:
    """Calls ``on_event``. Whatever that does, the mail goes its way.

    Raises:
        InvalidConfiguration: it is no plain function.
    """

    __slots__ = ("_failed", "_on_event")

    def __init__(self, on_event: OnEvent) -> None:
        if not callable(on_event):
            raise InvalidConfiguration(f"on_event={on_event!r}", hint="It takes a function of one argument, the event.")
        if _is_async(on_event):
            raise InvalidConfiguration(
                f"on_event={on_event!r} is async, and nobody would await it",
                hint="Give a plain function. To do more, let it put the event into a queue that a task of yours reads.",
            )
        self._on_event = on_event
        self._failed = False

    def __call__(self, event: Event) -> None:
        """Tell of ``event``. An error is logged, the first one with its traceback."""
        try:
            returned = self._on_event(event)
            if isinstance(returned, CoroutineType):
                returned.close()
                raise TypeError("on_event returned a coroutine, and nobody awaits it")
        except Exception as error:
            self._log(error, event)

    def _log(self, error: Exception, event: Event) -> None:
        # Not at import: it makes no logger.
        import logging

        first, self._failed = not self._failed, True
        logging.getLogger("smtpkit").log(
            logging.ERROR if first else logging.DEBUG,
            "on_event=%r failed at %s (%s)%s",
            self._on_event,
            type(event).__name__,
            type(error).__name__,
            "; further errors of it are logged at level DEBUG" if first else "",
            exc_info=error if first else None,
        )


def _is_async(function: Any) -> bool:
    while isinstance(function, partial):
        function = function.func
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        code = getattr(type(function).__call__, "__code__", None)
    return code is not None and bool(code.co_flags & _CO_ASYNC)
