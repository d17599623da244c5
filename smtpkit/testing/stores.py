"""Whether a store for limits keeps the promises of `smtpkit.limits.Store`: for those who write one.

::

    def test_my_store() -> None:
        check_store(lambda: MyStore("..."))
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from smtpkit.limits.store import Count
from smtpkit.limits.window import Window
from smtpkit.runtime.crowd import all_at_once
from smtpkit.runtime.driver import run as run_to_the_end
from smtpkit.runtime.simulated import SimulatedRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import TypeVar

    from smtpkit.limits.store import Reservation, Store
    from smtpkit.runtime.simulated import Peer

    T = TypeVar("T")

__all__ = ["check_store"]

_NOON = datetime(2027, 3, 1, 12, tzinfo=timezone(timedelta(hours=1))).timestamp()
_HOUR = Window("hour")
_FLIGHT = _HOUR.flight
_DAY = Window("calendar-day", timezone(timedelta(hours=1)))
_MIDNIGHT = _NOON + 12 * 3600
_EXACT = 1e-5
"""Seconds: a store may round to microseconds."""


def check_store(
    make_store: Callable[[], Store],
    *,
    run: Callable[[Coroutine[Any, Any, Any]], Any] = run_to_the_end,
    own_clock: bool = False,
) -> None:
    """Check the stores that ``make_store`` makes, each of which has to be empty.

    Args:
        make_store: called for each check.
        run: drives a coroutine to its end. Such as the ``run`` of an ``asyncio.Runner`` for a store that needs an event
            loop; then the check with threads is left out.
        own_clock: the store does not take the time from the runtime: checks in which time passes are left out.

    Raises:
        AssertionError: a promise is broken; the text says which.
    """
    if not callable(make_store):
        raise TypeError("check_store needs what makes a store: check_store(lambda: MyStore(...))")
    for check in (_counts, _refuses, _gives_back, _keeps_keys_apart, _is_exhausted):
        check(_Bench(make_store(), run))
    if run is run_to_the_end:
        _is_atomic(_Bench(make_store(), run))
    if not own_clock:
        for check in (_slides, _waits_for_what_is_under_way, _forgets_what_left, _ends_with_the_day, _opens_again):
            check(_Bench(make_store(), run))


class _Bench:
    """A store, and a clock to set."""

    def __init__(self, store: Store, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._store = store
        self._run = run
        self.runtime = SimulatedRuntime(_no_server, timestamp=_NOON)

    def later(self, seconds: float) -> None:
        self.runtime.advance(self.runtime.now() + seconds)

    def reserve(self, n: int, limit: int = 10, window: Window = _HOUR, key: str = "a") -> Reservation:
        found: Reservation = self._run(self._store.reserve(key, n, window, self.runtime, limit=limit))
        return found

    def settle(self, reservation: Reservation, unused: int = 0) -> None:
        self._run(self._store.settle(reservation, unused, self.runtime))

    def send(self, n: int, limit: int = 10, window: Window = _HOUR) -> None:
        reservation = self.reserve(n, limit, window)
        _same("what fits is granted", reservation.granted, True)
        self.settle(reservation)

    def exhaust(self, until: float | None = None, window: Window = _HOUR) -> None:
        self._run(self._store.exhaust("a", window, self.runtime, limit=10, until=until))

    def count(self, window: Window = _HOUR, key: str = "a") -> Count:
        found: Count = self._run(self._store.count(key, window, self.runtime))
        return found


def _no_server(host: str, port: int) -> Peer:
    raise ConnectionRefusedError(f"no connection to {host}:{port}: a store that is checked has to bring its own")


def _same(promise: str, found: object, expected: object) -> None:
    assert found == expected, f"{promise}: {expected} is expected, and it is {found}"


def _at(promise: str, found: float | None, expected: float) -> None:
    assert found is not None, f"{promise}: a time is expected, and there is none"
    assert abs(found - expected) < _EXACT, f"{promise}: {expected} is expected, and it is {found}"


def _counts(bench: _Bench) -> None:
    _same("nothing is counted in an empty store", bench.count(), Count(0, None))
    first, second = bench.reserve(4), bench.reserve(3)
    _same("what is counted before", (first.used, second.used), (0, 4))
    _same("what is reserved counts at once", bench.count().used, 7)
    bench.settle(first)
    _same("what is settled still counts", bench.count().used, 7)


def _refuses(bench: _Bench) -> None:
    bench.send(8)
    refused = bench.reserve(3)
    _same("what does not fit is refused, and told what is used", (refused.granted, refused.used), (False, 8))
    assert refused.room_at is not None, "a refusal says when there is room"
    _same("what never fits has no such time", bench.reserve(11).room_at, None)
    _same("what is refused does not count", bench.count().used, 8)
    _same("what fits exactly is granted", bench.reserve(2).granted, True)


def _gives_back(bench: _Bench) -> None:
    whole, part = bench.reserve(4), bench.reserve(4)
    bench.settle(whole, 4)
    _same("what was not used is given back", bench.count().used, 4)
    bench.settle(part, 3)
    _same("also a part of it", bench.count().used, 1)


def _keeps_keys_apart(bench: _Bench) -> None:
    bench.reserve(10, key="a{b}:c")
    _same("another key has its own count", bench.reserve(10, key="a{b}:d").used, 0)


def _is_exhausted(bench: _Bench) -> None:
    bench.send(3)
    bench.exhaust()
    _same("what is missing is counted", bench.count().used, 10)
    _same("an exhausted limit has no room", bench.reserve(1).granted, False)
    bench.exhaust()
    _same("it is exhausted once", bench.count().used, 10)


def _is_atomic(bench: _Bench) -> None:
    granted = all_at_once(8, lambda: sum(bench.reserve(1, limit=50).granted for _ in range(16)))
    _same("of 128 reservations in 8 threads as many are granted as fit", sum(granted), 50)
    _same("and they are counted", bench.count().used, 50)


def _slides(bench: _Bench) -> None:
    bench.send(4)
    bench.later(600)
    bench.send(6)
    _at("room for a little comes with the first", bench.reserve(4).room_at, _NOON + 3600)
    _at("room for more comes with the second", bench.reserve(5).room_at, _NOON + 4200)
    _at("a count says when it begins to shrink", bench.count().resets_at, _NOON + 3600)
    bench.later(2999.999)
    _same("it counts until its window ends", bench.count().used, 10)
    bench.later(0.001)
    _same("and not any longer", bench.count().used, 6)
    _same("then there is room", bench.reserve(4).granted, True)


def _waits_for_what_is_under_way(bench: _Bench) -> None:
    reservation = bench.reserve(10)
    _at("what is not settled counts longer", bench.reserve(1).room_at, _NOON + _FLIGHT + 3600)
    bench.later(100)
    bench.settle(reservation)
    _at("what is settled counts from then", bench.reserve(1).room_at, _NOON + 3700)


def _forgets_what_left(bench: _Bench) -> None:
    reservation = bench.reserve(10)
    bench.later(_FLIGHT + 3600)
    bench.send(5)
    bench.settle(reservation, 10)
    _same("what has left the window is not given back", bench.count().used, 5)


def _ends_with_the_day(bench: _Bench) -> None:
    bench.send(5, window=_DAY)
    bench.later(11 * 3600)
    bench.send(5, window=_DAY)
    _at("a calendar day ends at midnight", bench.reserve(1, window=_DAY).room_at, _MIDNIGHT)
    bench.later(3599)
    _same("not before", bench.reserve(1, window=_DAY).granted, False)
    bench.later(1)
    _same("then all of it is forgotten", bench.count(window=_DAY).used, 0)
    bench.send(10, window=_DAY)
    _same("what is sent at midnight belongs to the new day", bench.count(window=_DAY).used, 10)


def _opens_again(bench: _Bench) -> None:
    bench.exhaust(until=_NOON + 600)
    bench.later(599)
    _same("exhausted until a time", bench.reserve(1).granted, False)
    bench.later(1)
    _same("then there is room", bench.reserve(10).granted, True)
