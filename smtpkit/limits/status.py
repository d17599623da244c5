"""What is left of a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from smtpkit.value import value

if TYPE_CHECKING:
    from datetime import datetime

    from smtpkit.limits.window import Per

__all__ = ["LimitStatus"]


@value
class LimitStatus:
    """How much of a limit an account has used."""

    account: str
    count: int
    """The limit."""
    unit: Literal["messages", "recipients"]
    window: Per
    used: int
    resets_at: datetime | None
    """When the first of it leaves the window (aware, UTC); ``None`` if nothing is counted."""

    @property
    def remaining(self) -> int:
        """What can still be sent now."""
        return max(self.count - self.used, 0)

    def __str__(self) -> str:
        return f"{self.account}: {self.used} of {self.count} {self.unit} ({self.window})"
