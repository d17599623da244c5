"""When the server says that a limit is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.providers.hints import all_hints, find

if TYPE_CHECKING:
    from smtpkit.limits.limit import Limit
    from smtpkit.limits.window import Per
    from smtpkit.providers.hints import Hint
    from smtpkit.reply import Reply
    from smtpkit.runtime.base import Runtime

__all__ = ["is_spent", "learn"]

_OF_A_DAY: tuple[Per, ...] = ("rolling-24h", "calendar-day")
_WINDOWS: tuple[tuple[str, tuple[Per, ...]], ...] = (("hour", ("hour",)), ("month", ("month", "calendar-month")))
"""A word in a reply, and the windows that it means."""


def is_spent(reply: Reply, provider: str | None) -> bool:
    """Whether the server says that the account has sent as much as it may in a day, hour or month.

    ``provider`` is the name of a preset; ``None`` where the transport is somebody's own: then what any of them says
    counts.
    """
    if provider is None:
        return any(_is_of(hint, reply) and hint.pattern.search(str(reply)) for hint in all_hints())
    hint = find(reply, provider)
    return hint is not None and _is_of(hint, reply)


def _is_of(hint: Hint, reply: Reply) -> bool:
    return hint.category == "quota" and hint.code == reply.code


async def learn(limit: Limit, account: str, reply: Reply, provider: str | None, runtime: Runtime) -> None:
    """Count ``limit`` as used up, if the server means it."""
    if is_spent(reply, provider) and limit.per in _meant(reply.text.lower()):
        await limit.exhausted(account, runtime)


def _meant(text: str) -> tuple[Per, ...]:
    """The windows of which ``text`` speaks; those of a day if it names none."""
    return next((windows for word, windows in _WINDOWS if word in text), _OF_A_DAY)
