"""What is left of the limits of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.diagnose.report import Step

if TYPE_CHECKING:
    from smtpkit.delivery import Delivery
    from smtpkit.limits.status import LimitStatus
    from smtpkit.runtime.base import Runtime

__all__ = ["check_limits"]

_LITTLE = 0.2
"""The part of a limit from which it is worth a warning."""


_SOON = 60.0
"""Seconds until there is room again that are not worth a word."""


async def check_limits(delivery: Delivery, account: str, runtime: Runtime) -> tuple[Step, ...]:
    """A step for each limit, or one that says that there are none."""
    try:
        statuses = await delivery.limits(runtime)
    except Exception as error:
        # A store may be a file, or a server.
        hint = "No mail goes out while it cannot be counted."
        return (Step("limit", "failed", f"the limits cannot be asked: {error}", hint, account),)
    steps = tuple(_step(status, runtime.timestamp()) for status in statuses)
    return steps or (Step("limit", "skipped", "this mailer has no limits", None, account),)


def _step(status: LimitStatus, now: float) -> Step:
    text = f"{status.remaining} of {status.count} {status.unit} are left ({status.window})"
    soon = status.resets_at is not None and status.resets_at.timestamp() - now <= _SOON
    if status.remaining == 0 and not soon:
        hint = "Wait, or use an account or provider with a higher limit."
        return Step("limit", "failed", text, hint, status.account)
    if status.remaining < status.count * _LITTLE and not soon:
        return Step("limit", "warning", text, "Keep it for what is urgent.", status.account)
    return Step("limit", "ok", text, None, status.account)
