"""Several transports that stand in for one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import (
    AuthenticationFailed,
    ConnectFailed,
    ConnectionLost,
    DeliveryError,
    DeliveryUncertain,
    InvalidConfiguration,
    ProtocolError,
    RecipientsRefused,
    RequireTlsUnsupported,
    ServiceUnavailable,
    TimedOut,
    TlsFailed,
)
from smtpkit.receipt import Receipt
from smtpkit.runtime.lock import ForkSafeLock
from smtpkit.transports.attempt import transmit
from smtpkit.transports.base import checked
from smtpkit.value import LONGEST_WAIT, from_0_to

if TYPE_CHECKING:
    from smtpkit.errors import SmtpkitError
    from smtpkit.mail import Mail
    from smtpkit.runtime.base import Runtime, World
    from smtpkit.transports.base import Transport

__all__ = ["Composition"]

_OF_THE_SERVER = (
    AuthenticationFailed,
    ConnectFailed,
    ConnectionLost,
    ProtocolError,
    ServiceUnavailable,
    TimedOut,
    TlsFailed,
)
"""Failures of a server or of the way to it, which another one may not have, even if they do not pass."""


class Composition:
    """What `FailoverTransport` and `RoundRobinTransport` share. Make one of these.

    A mail goes on to the next transport only if nobody accepted it, for nobody it is uncertain, nobody was refused
    for good, and the failure is one that another server may not have.
    """

    def __init__(self, transports: tuple[Transport, ...], rest: float) -> None:
        name = type(self).__name__
        if not transports:
            raise InvalidConfiguration(f"{name}() has no transport", hint="Give at least one, the first choice first.")
        self.transports: tuple[Transport, ...] = tuple(map(checked, transports))
        self.rest: float = from_0_to(LONGEST_WAIT, "rest", rest)
        """Seconds for which a transport that failed is left alone."""
        self._lock = ForkSafeLock()
        self._resting: dict[int, _Rest] = {}

    @property
    def account(self) -> str:
        """Whose limits are used up: a limit counts what goes by any of the transports."""
        names = (str(getattr(transport, "account", "this transport")) for transport in self.transports)
        return " or ".join(dict.fromkeys(names))

    @property
    def total(self) -> float | None:
        """Seconds for a whole send, if each of the transports has such a limit: each has its own time."""
        totals: list[float | None] = [getattr(transport, "total", None) for transport in self.transports]
        known = [seconds for seconds in totals if seconds is not None]
        return sum(known) if len(known) == len(totals) else None

    @property
    def simulated(self) -> bool:
        """Whether none of them sends anything, so that nobody waits before trying again."""
        return all(getattr(transport, "simulated", False) for transport in self.transports)

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        """Send ``mail`` by the first transport that does not fail; the receipt has a note for each that did."""
        failed: list[tuple[Transport, Receipt]] = []
        for number in self._order(runtime):
            transport = self.transports[number]
            receipt = await transmit(transport, mail, runtime)
            if not _goes_on(receipt):
                if isinstance(receipt.error, DeliveryUncertain):
                    # This mail stays here, and the next one is not to wait as long.
                    self._let_rest(number, receipt.error, runtime)
                else:
                    self._wake(number)
                return _with_history(receipt, failed)
            self._pass_over(number, receipt, runtime)
            failed.append((transport, receipt))
            if runtime.now() >= mail.deadline:
                break
        # One that may pass is told before others: then another attempt has a chance.
        told = next((each for each in reversed(failed) if _temporary(each[1])), failed[-1])
        failed.remove(told)
        return _with_history(told[1], failed)

    async def close(self, runtime: Runtime) -> None:
        """Close all of the transports, even if one cannot be."""
        failure: Exception | None = None
        for transport in self.transports:
            try:
                await transport.close(runtime)
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _first(self) -> int:
        """The number of the transport to begin with."""
        raise NotImplementedError

    def _order(self, runtime: Runtime) -> list[int]:
        """Whom to try: those who do not rest; then those who do, the soonest to wake first.

        Two kinds are not woken while there is another: who failed in a way that does not pass, such as a refused
        log-in, since each try may count; and whose server said how long to wait.
        """
        count = len(self.transports)
        with self._lock:
            first = self._first()
            order = [(first + number) % count for number in range(count)]
            resting = {number: rest for number, rest in self._resting.items() if rest.lasts(runtime)}
        awake = [number for number in order if number not in resting]
        asleep = sorted((number for number in order if number in resting), key=lambda number: resting[number].until)
        return [*awake, *(number for number in asleep if resting[number].may_be_woken)] or asleep

    def _pass_over(self, number: int, receipt: Receipt, runtime: Runtime) -> None:
        """Leave a transport alone for a while, and tell so."""
        error = receipt.error
        assert error is not None
        seconds = self._let_rest(number, error, runtime)
        if runtime.tell is not None:
            # Not at import: few listen.
            from smtpkit.events import PassedOver

            runtime.tell(PassedOver(repr(self.transports[number]), error, seconds))

    def _let_rest(self, number: int, error: SmtpkitError, runtime: Runtime) -> float:
        """Leave a transport alone after ``error``; for how many seconds."""
        asked = min((error.reply.retry_after if error.reply is not None else None) or 0.0, LONGEST_WAIT)
        # What is the matter with some recipients says nothing about the next mail.
        seconds = 0.0 if isinstance(error, RecipientsRefused) else max(self.rest, asked)
        if seconds:
            with self._lock:
                may_be_woken = (error.temporary or isinstance(error, DeliveryUncertain)) and not asked
                self._resting[number] = _Rest(runtime.world, runtime.now() + seconds, may_be_woken)
        return seconds

    def _wake(self, number: int) -> None:
        with self._lock:
            self._resting.pop(number, None)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.transports))}, rest={self.rest!r})"


class _Rest:
    """Until when a transport is left alone, by the clock of a world."""

    __slots__ = ("_world", "may_be_woken", "until")

    def __init__(self, world: World, until: float, may_be_woken: bool) -> None:
        self._world = world
        self.until = until
        self.may_be_woken = may_be_woken
        """Whether a try before that may succeed, and does no harm."""

    def lasts(self, runtime: Runtime) -> bool:
        # Clocks of two worlds have nothing to do with one another.
        return runtime.now() < self.until and runtime.world == self._world


def _goes_on(receipt: Receipt) -> bool:
    """Whether the mail is for another transport to try."""
    error = receipt.error
    if not isinstance(error, DeliveryError) or isinstance(error, RequireTlsUnsupported):
        return False
    for outcome in receipt.outcomes.values():
        refused_for_now = outcome.status == "refused" and outcome.reply is not None and outcome.reply.temporary
        if outcome.status != "not_sent" and not refused_for_now:
            return False
    return error.temporary or isinstance(error, _OF_THE_SERVER)


def _temporary(receipt: Receipt) -> bool:
    return receipt.error is not None and receipt.error.temporary


def _with_history(receipt: Receipt, failed: list[tuple[Transport, Receipt]]) -> Receipt:
    """``receipt``, with what was tried besides in its notes and its number of attempts."""
    if not failed:
        return receipt
    attempts = receipt.attempts + sum(each.attempts for _, each in failed)
    notes = tuple(_note(*each) for each in failed)
    return Receipt(receipt.message, receipt.outcomes, receipt.error, attempts, (*notes, *receipt.notes))


def _note(transport: Transport, receipt: Receipt) -> str:
    error = receipt.error
    assert error is not None
    return f"{transport!r} did not take it: {error.message}" + (f": {error.reply}" if error.reply is not None else "")
