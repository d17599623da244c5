"""The limits that providers have."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from smtpkit.limits.daily import DailyLimit
from smtpkit.limits.rate import RateLimit

if TYPE_CHECKING:
    import os

    from smtpkit.limits.limit import Limit, OnLimit
    from smtpkit.limits.store import Store
    from smtpkit.providers.provider import Provider, SendingLimit

__all__ = ["holds", "preset_limits"]

_STATED = ("official", "third-party-of-official")
"""Evidence of a figure that comes from the provider."""

_NAMED = {("gmail", 500), ("outlook", 300)}
"""Figures that hold though their providers do not state them: the guide that this project started from does."""


def preset_limits(
    provider: Provider, *, path: str | os.PathLike[str] | None = None, store: Store | None = None
) -> tuple[Limit, ...]:
    """The limits that an ordinary account at ``provider`` has, counted in memory or in a ``path`` or ``store``.

    A figure that does not come from the provider warns instead of blocking, but for Gmail's 500 and Outlook.com's 300
    messages a day. A "day" or "month" of unknown beginning is taken as 24 hours or 31 days back from now, which never
    allows more.

    In memory they are the same objects each time: several mailers with one account share its count.
    """
    if path is None and store is None:
        return _in_memory(provider)
    return _made(provider, path, store)


@lru_cache(maxsize=1024)
def _in_memory(provider: Provider) -> tuple[Limit, ...]:
    return _made(provider, None, None)


def _made(provider: Provider, path: str | os.PathLike[str] | None, store: Store | None) -> tuple[Limit, ...]:
    found: dict[tuple[str, str], SendingLimit] = {}
    for limit in provider.limits:
        place = (limit.unit, "day" if limit.window == "rolling-24h" else limit.window)
        # One of a kind: the least of several holds.
        if limit.applies and (place not in found or limit.count < found[place].count):
            found[place] = limit
    return tuple(_limit(provider, limit, path, store) for limit in found.values())


def holds(provider: Provider, limit: SendingLimit) -> bool:
    """Whether mails are held up by ``limit`` of ``provider``; otherwise it warns only."""
    return limit.evidence in _STATED or (provider.name, limit.count) in _NAMED


def _limit(provider: Provider, limit: SendingLimit, path: str | os.PathLike[str] | None, store: Store | None) -> Limit:
    of_a_day = limit.window in ("rolling-24h", "day")
    blocking: OnLimit = "raise" if of_a_day or limit.window == "month" else "wait"
    on_limit: OnLimit = blocking if holds(provider, limit) else "warn"
    if of_a_day:
        return DailyLimit(limit.count, unit=limit.unit, path=path, store=store, on_limit=on_limit)
    return RateLimit(limit.count, limit.window, unit=limit.unit, path=path, store=store, on_limit=on_limit)
