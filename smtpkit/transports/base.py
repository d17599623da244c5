"""What a transport is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from smtpkit.mail import Mail
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime

__all__ = ["Transport"]


class Transport(Protocol):
    """Sends mail; the same object serves `Mailer` and `AsyncMailer`.

    All waiting goes through the ``runtime`` that it is given: that of `Mailer` never
    suspends. A transport that logs in somewhere may have an attribute ``account: str``, by
    which limits are counted.
    """

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        """Send one mail and say what became of each recipient, good or bad."""
        ...

    async def close(self, runtime: Runtime) -> None:
        """Let go of what is held open. It may be used again afterwards."""
        ...
