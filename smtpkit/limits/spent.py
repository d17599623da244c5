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

__all__ = ["learn", "spent"]

_WINDOWS: dict[str, tuple[Per, ...]] = {
    "hour": ("hour",),
    "month": ("month", "calendar-month"),
    "day": ("rolling-24h", "calendar-day"),
}
"""A word in a reply or a hint, and the windows that it means."""


def spent(reply: Reply, provider: str | None) -> tuple[Per, ...]:
    """The windows of the limits of which the server says that they are used up; none if it says something else.

    ``provider`` is the name of a preset; ``None`` where the transport is somebody's own: then what any of them says
    counts.
    """
    if provider is None:
        hint = next((each for each in all_hints() if _is_quota(each, reply) and each.pattern.search(str(reply))), None)
    else:
        hint = find(reply, provider)
    if hint is None or not _is_quota(hint, reply):
        return ()
    text = reply.text.lower()
    return _WINDOWS[next((word for word in _WINDOWS if word in text), hint.window or "day")]


def _is_quota(hint: Hint, reply: Reply) -> bool:
    return hint.category == "quota" and hint.code == reply.code


async def learn(limit: Limit, account: str, reply: Reply, provider: str | None, runtime: Runtime) -> None:
    """Count ``limit`` as used up, if the server means it."""
    if limit.per in spent(reply, provider):
        await limit.exhausted(account, runtime)
