"""What is left of the limits of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.diagnose.report import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit.limits.daily import DailyLimit
    from smtpkit.runtime.base import Runtime

__all__ = ["check_limits"]

_LITTLE = 0.2
"""The part of a limit from which it is worth a warning."""


async def check_limits(limits: Iterable[DailyLimit], account: str, runtime: Runtime) -> tuple[Step, ...]:
    """A step for each limit, or one that says that there are none."""
    steps = tuple([await _looked(limit, account, runtime) for limit in limits])
    return steps or (Step("limit", "skipped", "this mailer has no limits", None, account),)


async def _looked(limit: DailyLimit, account: str, runtime: Runtime) -> Step:
    try:
        # A store may be a file.
        remaining = await runtime.call(limit.remaining, account)
    except Exception as error:
        hint = "No mail goes out while it cannot be counted."
        return Step("limit", "failed", f"{limit!r} cannot be asked: {error}", hint, account)
    text = f"{remaining} of {limit.count} {limit.unit} are left ({limit.window})"
    if remaining == 0:
        return Step("limit", "failed", text, "Wait, or use an account or provider with a higher limit.", account)
    if remaining < limit.count * _LITTLE:
        return Step("limit", "warning", text, "Keep it for what is urgent.", account)
    return Step("limit", "ok", text, None, account)
