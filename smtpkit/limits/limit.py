"""What all limits share: reserve, wait, settle, warn."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

from smtpkit.errors import InvalidConfiguration, LimitExceeded
from smtpkit.limits.memory import MemoryStore
from smtpkit.limits.queue import Queue
from smtpkit.limits.status import LimitStatus
from smtpkit.limits.watch import Watch
from smtpkit.limits.window import utc
from smtpkit.value import from_0_to

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from smtpkit.limits.store import Reservation, Store
    from smtpkit.limits.watch import OnWarning
    from smtpkit.limits.window import Per, Window
    from smtpkit.mail import Mail
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime

__all__ = ["Limit", "OnLimit", "Unit"]

Unit: TypeAlias = Literal["messages", "recipients"]
"""What is counted. A message to three people is 1 message and 3 recipients."""

OnLimit: TypeAlias = Literal["raise", "wait", "warn"]
"""What is done with a mail that does not fit: ``raise``, ``wait`` until it does, or ``warn`` in the log and send it."""

_DAY = 86400.0
_LOOK_AGAIN = 10.0
"""Seconds between two looks while one waits: others may give back what they reserved."""
_SHORTEST_WAIT = 0.001
_UNITS = {
    "second": "a second",
    "minute": "a minute",
    "10-minute": "in 10 minutes",
    "hour": "an hour",
    "rolling-24h": "a day",
    "month": "a month",
    "calendar-day": "a day",
    "calendar-month": "a month",
}


class Limit:
    """At most ``count`` in a window, for each account on its own. Its kinds are `DailyLimit` and `RateLimit`."""

    _error: ClassVar[type[LimitExceeded]] = LimitExceeded

    def __init__(
        self,
        count: int,
        window: Window,
        *,
        unit: Unit,
        on_limit: OnLimit,
        longest_wait: float | None,
        path: str | os.PathLike[str] | None,
        store: Store | None,
        on_warning: OnWarning | None,
    ) -> None:
        name = type(self).__name__
        _check(name, count, unit, on_limit, on_warning)
        self.count = count
        self.unit: Unit = unit
        self.on_limit: OnLimit = on_limit
        self.longest_wait: float = (
            min(max(window.longest, 60.0), _DAY)
            if longest_wait is None
            else from_0_to(31 * _DAY, "longest_wait", longest_wait)
        )
        """Seconds that a mail waits at most for room."""
        self._window = window
        self._store: Store = _store(name, path, store)
        self._watch = Watch(self, on_warning)
        self._queue = Queue()

    @property
    def per(self) -> Per:
        """The name of its window."""
        return self._window.name

    @property
    def length(self) -> float:
        """Seconds of the window, or of the longest of its kind."""
        return self._window.longest

    @property
    def place(self) -> tuple[object, str]:
        """Where it counts: two limits of one mailer that count in one place would count each mail twice."""
        return getattr(self._store, "place", self._store), self._key("")

    def register(self, account: str) -> None:
        """From now on ``account`` is one of those that `used` without a name looks at: the last 10,000."""
        self._watch.know(account)

    async def reserve(
        self,
        account: str,
        mail: Mail,
        runtime: Runtime,
        *,
        before_waiting: Callable[[], Awaitable[None]] | None = None,
    ) -> Reservation:
        """Count ``mail`` before it is sent; where that is wanted, wait until there is room for it.

        Raises:
            LimitExceeded: there is no room for it, or none in time.
        """
        self.register(account)
        n = len(mail.envelope.recipients) if self.unit == "recipients" else 1
        reservation = await self._at_once(account, n, runtime)
        if reservation is None:
            if before_waiting is not None:
                await before_waiting()
            reservation = await self._waited(account, n, mail, runtime)
        if not reservation.granted and self.on_limit != "warn":
            raise self._exceeded(account, reservation)
        self._watch.see(account, reservation)
        return reservation

    async def settle(self, reservation: Reservation, receipt: Receipt, runtime: Runtime) -> None:
        """Give back what was certainly not accepted; the rest counts from now on."""
        missed = len(receipt.refused) + len(receipt.not_sent)
        # A message counts as long as anybody may have got it.
        unused = min(missed, reservation.n) if self.unit == "recipients" else int(missed == len(receipt.outcomes) > 0)
        if reservation.granted:
            await self._store.settle(reservation, unused, runtime)

    async def exhausted(self, account: str, runtime: Runtime, until: datetime | None = None) -> None:
        """The provider says that the limit is reached: it is used up from now on, for all who share the store.

        Room comes back as what was counted here leaves the window; the rest is taken to have been sent now, by others.
        With ``until`` there is none before that time.
        """
        end = None if until is None else until.timestamp()
        await self._store.exhaust(self._key(account), self._window, runtime, limit=self.count, until=end)

    async def status(self, account: str, runtime: Runtime) -> LimitStatus:
        """What ``account`` has used, and what it has left. `Mailer.limits` gives it for the account of a mailer."""
        found = await self._store.count(self._key(account), self._window, runtime)
        resets_at = None if found.resets_at is None else utc(found.resets_at)
        return LimitStatus(account, self.count, self.unit, self.per, found.used, resets_at)

    def used(self, account: str | None = None) -> int:
        """How much of the limit is used up now; for the account that used most if none is named.

        What is said of `remaining` holds here too.
        """
        return max((each.used for each in self._statuses(account)), default=0)

    def remaining(self, account: str | None = None) -> int:
        """How much can still be sent now; for the account that used most if none is named.

        Without a ``path`` or ``store`` the count is in memory and forgotten with the process: a script that cron starts
        gets the whole limit each time. It asks the store at once and so blocks for a moment: in an event loop,
        ``await mailer.limits()``.

        Raises:
            InvalidConfiguration: no account is named, no mailer has had this limit yet, and others use the store.
        """
        return max(self.count - self.used(account), 0)

    def resets_at(self, account: str | None = None) -> datetime | None:
        """When the first of what is counted leaves the window (aware, UTC); ``None`` if nothing is counted.

        For the account that used most if none is named; what is said of `remaining` holds here too.
        """
        most = max(self._statuses(account), key=lambda status: status.used, default=None)
        return None if most is None else most.resets_at

    def _statuses(self, account: str | None) -> list[LimitStatus]:
        if account is None and not self._watch.accounts and not isinstance(self._store, MemoryStore):
            raise InvalidConfiguration(
                f"whose {self!r} is meant?", hint="Name the account, or ask after a mailer was made with this limit."
            )
        from smtpkit.runtime.blocking import BlockingRuntime, run

        runtime = BlockingRuntime()
        # A copy: other threads may add accounts meanwhile.
        accounts = (account,) if account is not None else tuple(self._watch.accounts)
        return [run(self.status(each, runtime)) for each in accounts]

    async def _asked(self, account: str, n: int, runtime: Runtime) -> Reservation:
        return await self._store.reserve(self._key(account), n, self._window, runtime, limit=self.count)

    async def _at_once(self, account: str, n: int, runtime: Runtime) -> Reservation | None:
        """What the store says; ``None`` if the mail is to wait for room, also behind others who do."""
        if self.on_limit == "wait" and n <= self.count and not self._queue.is_empty(account, runtime):
            return None
        reservation = await self._asked(account, n, runtime)
        waits = self.on_limit == "wait" and reservation.room_at is not None
        return reservation if reservation.granted or not waits else None

    async def _waited(self, account: str, n: int, mail: Mail, runtime: Runtime) -> Reservation:
        """Ask when it is the mail's turn, and again when there may be room, up to the longest wait."""
        deadline = min(runtime.now() + self.longest_wait, mail.deadline)
        turn = self._queue.join(account, runtime)
        try:
            await turn.comes(deadline)
            return await self._asked_until(deadline, account, n, runtime)
        finally:
            turn.leave()

    async def _asked_until(self, deadline: float, account: str, n: int, runtime: Runtime) -> Reservation:
        reservation = await self._asked(account, n, runtime)
        told = False
        while not reservation.granted and (seconds := self._until_room(reservation)) is not None:
            if runtime.now() + seconds > deadline:
                break
            if not told and runtime.tell is not None:
                # Not at import: few listen.
                from smtpkit.events import Throttled

                runtime.tell(Throttled(account, None, seconds))
            told = True
            await runtime.sleep(min(seconds, _LOOK_AGAIN))
            reservation = await self._asked(account, n, runtime)
        return reservation

    def _until_room(self, reservation: Reservation) -> float | None:
        """Seconds until there is room at the earliest; ``None`` if there never is."""
        if reservation.room_at is None:
            return None
        # What is under way will be counted when it is settled, which may be now.
        longest = self._window.seconds or float("inf")
        return max(min(reservation.room_at - reservation.now, longest), _SHORTEST_WAIT)

    def _key(self, account: str) -> str:
        return f"{account}/{self.unit}/{self._window}"

    def _exceeded(self, account: str, reservation: Reservation) -> LimitExceeded:
        per = _UNITS[self.per]
        if reservation.room_at is None:
            text = f"the mail counts {reservation.n} {self.unit}, and {account} may send {self.count} {per}"
            error = self._error(text, temporary=False, hint="Send it in several mails.")
        else:
            resets_at = utc(reservation.room_at)
            error = self._error(
                f"{account} has sent {reservation.used} of {self.count} {self.unit} {per}, and {reservation.n} more "
                f"will fit at {self._shown(resets_at)}",
                hint="Nothing was sent. Wait until then, or use an account or provider with a higher limit.",
            )
            error.resets_at = resets_at
        error.limit, error.used = self.count, reservation.used
        return error

    def _shown(self, when: datetime) -> str:
        """``when``, rounded up: who comes then is not too early."""
        from datetime import timedelta

        if self.length < 3600:
            return f"{when + timedelta(seconds=1, microseconds=-1):%Y-%m-%d %H:%M:%S} UTC"
        return f"{when + timedelta(minutes=1, microseconds=-1):%Y-%m-%d %H:%M} UTC"


def _check(name: str, count: object, unit: object, on_limit: object, on_warning: object) -> None:
    if type(count) is not int or count < 1:
        raise InvalidConfiguration(f"{name}({count!r}): a number of at least 1 is needed")
    if unit not in get_args(Unit):
        raise InvalidConfiguration(f"{name}(unit={unit!r})", hint='It is "messages" or "recipients".')
    if on_limit not in get_args(OnLimit):
        raise InvalidConfiguration(f"{name}(on_limit={on_limit!r})", hint='It is "raise", "wait" or "warn".')
    if on_warning is not None and not callable(on_warning):
        raise InvalidConfiguration(f"{name}(on_warning={on_warning!r})", hint="It takes a function.")


def _store(name: str, path: str | os.PathLike[str] | None, store: Store | None) -> Store:
    if path is None:
        return MemoryStore() if store is None else store
    if store is not None:
        raise InvalidConfiguration(f"{name}: path= and store=", hint="A path is a store: give one of them.")
    from smtpkit.limits.sqlite import SqliteStore

    return SqliteStore(path)
