"""What a mail has reserved in the limits of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import DeliveryError, SmtpkitError
from smtpkit.receipt import Outcome, Receipt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from smtpkit.limits.limit import Limit
    from smtpkit.limits.store import Reservation
    from smtpkit.mail import Mail
    from smtpkit.runtime.base import Runtime

__all__ = ["Reservations"]


class Reservations:
    """Those of one mail, from before its first attempt until it is known what became of it."""

    __slots__ = ("_account", "_limits", "_made", "_provider")

    def __init__(self, limits: Sequence[Limit], account: str, provider: str | None) -> None:
        self._limits = limits
        self._account = account
        self._provider = provider
        self._made: list[tuple[Limit, Reservation]] = []

    async def make(
        self, mail: Mail, runtime: Runtime, before_waiting: Callable[[], Awaitable[None]] | None = None
    ) -> Receipt | None:
        """Count ``mail`` in every limit where it is not counted yet; the receipt of one that does not fit."""
        counted = [limit for limit, _ in self._made]
        for limit in [each for each in self._limits if each not in counted]:
            try:
                reservation = await limit.reserve(self._account, mail, runtime, before_waiting=before_waiting)
                self._made.append((limit, reservation))
            except SmtpkitError as error:
                return Receipt.of(mail, Outcome("not_sent"), error)
            except Exception as cause:
                failure = DeliveryError(f"{limit!r} raised {type(cause).__name__}: {cause}", stage="limit")
                failure.__cause__ = cause
                return Receipt.of(mail, Outcome("not_sent"), failure)
        return None

    async def repeat(self, mail: Mail, runtime: Runtime) -> bool:
        """Whether there is room for another attempt with ``mail``, where `settle_attempt` has settled the last one."""
        refused = await self.make(mail, runtime)
        if refused is not None:
            await self.settle_attempt(refused, runtime)
        return refused is None

    async def settle_attempt(self, attempt: Receipt, runtime: Runtime) -> None:
        """Settle in the limits that wait.

        A mail counts once, but there: they are about how fast mails go, and each attempt has a time of its own.
        """
        await self._settled([made for made in self._made if made[0].on_limit == "wait"], attempt, runtime)

    async def settle(self, receipt: Receipt, runtime: Runtime) -> None:
        """Give back what the mail did not use, once, and learn from a server that says that a limit is reached."""
        await self._settled(self._made, receipt, runtime)

    async def _settled(self, made: list[tuple[Limit, Reservation]], receipt: Receipt, runtime: Runtime) -> None:
        self._made = [each for each in self._made if each not in made]
        for limit, reservation in made:
            try:
                await limit.settle(reservation, receipt, runtime)
                if receipt.error is not None and receipt.error.reply is not None:
                    # Not at import: few mails fail.
                    from smtpkit.limits.spent import learn

                    await learn(limit, self._account, receipt.error.reply, self._provider, runtime)
            except Exception:
                # The mail has gone its way, and its receipt matters more than a count that is too high.
                _warn("%r could not be settled after %s", limit, receipt.message_id)


def _warn(text: str, *about: object) -> None:
    # Not at import: it makes no logger.
    import logging

    logging.getLogger("smtpkit").warning(text, *about, exc_info=True)
