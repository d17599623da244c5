"""When a mail is tried again, and when not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from smtpkit import stamp
from smtpkit.errors import DeliveryError, InvalidConfiguration
from smtpkit.value import LONGEST_WAIT, at_least_1, from_0_to, put, value

if TYPE_CHECKING:
    from smtpkit.address import Address
    from smtpkit.mail import Mail
    from smtpkit.receipt import Outcome, Receipt
    from smtpkit.reply import Reply

__all__ = ["Retry", "WhenUncertain"]

WhenUncertain: TypeAlias = Literal["keep", "retry"]
"""``keep`` an *uncertain* outcome, or ``retry`` although the recipient may then get the mail twice."""

_MOST_DOUBLINGS = 64


@value
class Retry:
    """How a mailer tries again what is temporary and cannot give anyone a second copy.

    Recipients refused with a 4yz reply are tried again, alone; and those whom the mail certainly did not reach,
    if the reason may pass: no connection, one that was lost before the content was complete, a 421, a time-out.
    What will not pass by waiting (a wrong password, a certificate that is not trusted, a 5yz reply) is left alone.

    A wait is ``wait`` seconds, then twice that, and so on up to ``max_wait``; less a random part of it, up to the
    share ``jitter``. Where the server says how long to wait (`Reply.retry_after`), it is at least that; if that
    is more than ``max_wait``, there is no further attempt. Neither is there one that would begin after the end
    of `Timeouts.total`.

    Args:
        attempts: the most attempts, the first one included.
        wait: seconds before the second attempt.
        max_wait: the longest wait, in seconds.
        jitter: the share of a wait that is left to chance, from 0 to 1.
        on: the only errors after which it is tried again: a class of `DeliveryError`, or several.
        uncertain: ``"retry"`` sends again what may have arrived, and so risks a second copy.

    Raises:
        InvalidConfiguration: an argument is not what it should be.
    """

    attempts: int
    wait: float
    max_wait: float
    jitter: float
    on: tuple[type[DeliveryError], ...]
    uncertain: WhenUncertain

    def __init__(
        self,
        attempts: int = 3,
        wait: float = 1.0,
        max_wait: float = 60.0,
        jitter: float = 0.5,
        on: type[DeliveryError] | Iterable[type[DeliveryError]] = DeliveryError,
        uncertain: WhenUncertain = "keep",
    ) -> None:
        if uncertain not in ("keep", "retry"):
            raise InvalidConfiguration(f"Retry(uncertain={uncertain!r})", hint='It is "keep" or "retry".')
        put(self, "attempts", at_least_1("attempts", attempts))
        put(self, "wait", from_0_to(LONGEST_WAIT, "wait", wait))
        put(self, "max_wait", from_0_to(LONGEST_WAIT, "max_wait", max_wait))
        put(self, "jitter", from_0_to(1, "jitter", jitter))
        put(self, "on", _classes(on))
        put(self, "uncertain", uncertain)

    def left(self, mail: Mail, receipt: Receipt) -> tuple[Address, ...]:
        """The recipients of ``mail`` who are to be tried again after ``receipt``."""
        error = receipt.error
        if not isinstance(error, self.on):
            return ()
        everybody = mail.envelope.recipients
        outcomes = receipt.outcomes
        left = tuple(
            each for each in everybody if each.addr_spec in outcomes and self._passes(outcomes[each.addr_spec], error)
        )
        return () if mail.all_or_nothing and len(left) < len(everybody) else left

    def pause(self, receipt: Receipt, left: Iterable[Address], attempts: int) -> float | None:
        """Seconds to wait for ``left`` after so many attempts; ``None`` if the server wants more than ``max_wait``."""
        replies = [receipt.outcomes[each.addr_spec].reply for each in left]
        asked = max(map(_retry_after, replies), default=0.0)
        if asked > self.max_wait:
            return None
        doubled = self.wait * 2.0 ** min(attempts - 1, _MOST_DOUBLINGS)
        return max(min(doubled, self.max_wait) * (1 - self.jitter * stamp.chance()), asked)

    def _passes(self, outcome: Outcome, error: DeliveryError) -> bool:
        """Whether there is a chance for who has this outcome, and no danger of a second copy but one that is wanted."""
        if outcome.status in ("accepted", "uncertain"):
            return outcome.status == "uncertain" and self.uncertain == "retry"
        if outcome.reply is not None:
            return outcome.reply.temporary
        return outcome.status == "not_sent" and error.temporary


def _retry_after(reply: Reply | None) -> float:
    return (reply.retry_after if reply is not None else None) or 0.0


def _classes(on: type[DeliveryError] | Iterable[type[DeliveryError]]) -> tuple[type[DeliveryError], ...]:
    classes: tuple[Any, ...] = tuple(on) if isinstance(on, Iterable) else (on,)
    kinds = tuple(each for each in classes if isinstance(each, type) and issubclass(each, DeliveryError))
    if not classes or len(kinds) < len(classes):
        raise InvalidConfiguration(
            f"Retry(on={on!r})", hint="It takes a class of smtpkit.DeliveryError such as ConnectFailed, or several."
        )
    return kinds
