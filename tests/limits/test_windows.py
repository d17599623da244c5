"""A year of windows, in every store, against a model that remembers each mail and adds them all up."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpkit import InvalidConfiguration, Mail, Message, Outcome, RateLimit, RateLimitExceeded, Receipt
from smtpkit.limits import MemoryStore, RedisStore, SqliteStore, Window
from smtpkit.runtime.blocking import run
from smtpkit.runtime.simulated import SimulatedRuntime

if TYPE_CHECKING:
    from pathlib import Path

    from servers.redis_server import RedisServer
    from smtpkit.limits import Reservation, Store

pytest_plugins = ("servers.redis_server",)

BASE = Message().from_("me@example.com").subject("Hello").text("Hi")
LENGTHS = {"second": 1, "minute": 60, "10-minute": 600, "hour": 3600, "day": 86400, "month": 31 * 86400}
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
YEAR = 365 * 86400


class Model:
    """The long way: every mail of the year, and what became of it."""

    def __init__(self, per: str, zone: ZoneInfo | None) -> None:
        self.per = per
        self.zone = zone or UTC
        self.mails: list[list[float]] = []

    def counts(self, then: float, now: float) -> bool:
        """Whether a mail of ``then`` counts at ``now``; it may be one that is taken to be accepted later."""
        if self.per in LENGTHS:
            return then > now - LENGTHS[self.per]
        mail, today = (datetime.fromtimestamp(moment, self.zone) for moment in (then, now))
        parts = 3 if self.per == "calendar-day" else 2
        return mail.timetuple()[:parts] >= today.timetuple()[:parts]

    def used(self, now: float) -> int:
        return int(sum(n for then, n in self.mails if self.counts(then, now)))

    def leaves(self, then: float, now: float) -> float:
        if self.per in LENGTHS:
            return then + LENGTHS[self.per]
        day = datetime.fromtimestamp(max(then, now), self.zone).replace(
            hour=0, minute=0, second=0, microsecond=0, fold=0
        )
        days = 1 if self.per == "calendar-day" else monthrange(day.year, day.month)[1] - day.day + 1
        return (day + timedelta(days=days)).timestamp()

    def room_at(self, now: float, n: int, count: int) -> float:
        moments = sorted({self.leaves(then, now) for then, m in self.mails if m and self.counts(then, now)})
        return next(moment for moment in moments if self.used(moment + 2e-6) + n <= count)


class Year:
    """A year of sending through one limit, beside the model."""

    def __init__(self, store: Store, per: Any, zone: ZoneInfo | None, count: int) -> None:
        self.limit = RateLimit(count, per, unit="recipients", timezone=zone, store=store, on_limit="raise")
        self.count = count
        self.model = Model(per, zone)
        self.runtime = SimulatedRuntime(lambda host, port: pytest.fail("a connection"), timestamp=NEW_YEAR)
        self.flight = Window("rolling-24h" if per == "day" else per, zone).flight
        self.under_way: list[tuple[Reservation, list[float]]] = []

    @property
    def now(self) -> float:
        return self.runtime.timestamp()

    def reserve(self, n: int) -> None:
        mail = Mail(BASE.to([f"n{i}@example.com" for i in range(n)]))
        used = self.model.used(self.now)
        if used + n <= self.count:
            reservation = run(self.limit.reserve("me", mail, self.runtime))
            self.model.mails.append([self.now + self.flight, n])
            self.under_way.append((reservation, self.model.mails[-1]))
            return
        with pytest.raises(RateLimitExceeded) as caught:
            run(self.limit.reserve("me", mail, self.runtime))
        error = caught.value
        assert (error.limit, error.used) == (self.count, used)
        if n > self.count:
            assert error.resets_at is None
        else:
            assert error.resets_at is not None
            assert abs(error.resets_at.timestamp() - self.model.room_at(self.now, n, self.count)) < 1e-5

    def settle(self, refused: int) -> None:
        reservation, mail = self.under_way.pop(0)
        accepted = max(reservation.n - refused, 0)
        statuses: list[Any] = ["accepted"] * accepted + ["refused"] * (reservation.n - accepted)
        receipt = Receipt(BASE, {f"n{i}@example.com": Outcome(status) for i, status in enumerate(statuses)})
        run(self.limit.settle(reservation, receipt, self.runtime))
        if self.model.counts(mail[0], self.now):
            mail[:] = [self.now, accepted]

    def step(self, pause: int, n: int, refused: int, settled: int) -> None:
        self.runtime.advance(self.runtime.now() + pause)
        self.reserve(n)
        for _ in range(min(settled, len(self.under_way))):
            self.settle(refused)
        status = run(self.limit.status("me", self.runtime))
        assert status.used == self.model.used(self.now)
        assert (status.resets_at is None) == (status.used == 0)


PERS: list[tuple[str, ZoneInfo | None]] = [
    *((per, None) for per in LENGTHS),
    ("calendar-day", None),
    ("calendar-day", BERLIN),
    ("calendar-day", ZoneInfo("America/Havana")),
    ("calendar-month", BERLIN),
]


@st.composite
def years(draw: st.DrawFn) -> tuple[tuple[str, ZoneInfo | None], int, list[tuple[int, int, int, int]]]:
    """A window, a limit, and steps through a year, with pauses in whole seconds."""
    per = draw(st.sampled_from(PERS))
    length = LENGTHS.get(per[0], 31 * 86400 if per[0] == "calendar-month" else 86400)
    pauses = st.one_of(
        st.just(0), st.integers(0, length // 4 + 1), st.sampled_from([length, length // 2, length - 1, length + 1]),
        st.just(YEAR // 40),
    )  # fmt: skip
    steps = st.tuples(pauses, st.integers(1, 6), st.integers(0, 6), st.integers(0, 3))
    return per, draw(st.integers(1, 12)), draw(st.lists(steps, min_size=10, max_size=60))


def lived(store: Store, year: tuple[tuple[str, ZoneInfo | None], int, list[tuple[int, int, int, int]]]) -> None:
    (per, zone), count, steps = year
    living = Year(store, per, zone, count)
    for step in steps:
        living.step(*step)


@settings(max_examples=200, deadline=None)
@given(years())
def test_a_year_in_memory(year: Any) -> None:
    lived(MemoryStore(), year)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(years())
def test_a_year_in_sqlite(tmp_path: Path, year: Any) -> None:
    for each in tmp_path.iterdir():
        each.unlink()
    store = SqliteStore(tmp_path / "mail.db")
    lived(store, year)
    store.close()


@settings(max_examples=25, deadline=None)
@given(years())
def test_a_year_in_redis(redis_server: RedisServer, year: Any) -> None:
    redis_server.flush()
    lived(RedisStore(redis_server.client, clock="client"), year)


def test_each_day_of_a_year() -> None:
    """Its limit is reached each day, over both changes of the clocks."""
    living = Year(MemoryStore(), "calendar-day", BERLIN, 20)
    for _ in range(YEAR // 10800):
        living.step(10800, 4, 1, 1)
        del living.model.mails[:-16]


FLIGHTS: list[tuple[Any, float]] = [
    # per, seconds after which there is room, if nobody settles what was reserved at the start of a year
    ("second", 2),
    ("minute", 120),
    ("10-minute", 1200),
    ("hour", 3600 + 900),
    ("day", 86400 + 900),
    ("calendar-day", 86400),
    ("calendar-month", 31 * 86400),
]


@pytest.mark.parametrize(("per", "seconds"), FLIGHTS)
def test_what_is_never_settled_counts_a_little_longer(per: Any, seconds: float) -> None:
    year = Year(MemoryStore(), per, None, 1)
    year.reserve(1)
    with pytest.raises(RateLimitExceeded) as caught:
        run(year.limit.reserve("me", Mail(BASE.to("a@example.com")), year.runtime))
    assert caught.value.resets_at == datetime.fromtimestamp(NEW_YEAR + seconds, UTC)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"per": "week"}, "one of second"),
    ({"per": "hour", "timezone": BERLIN}, "calendar-day"),
    ({"per": "calendar-month", "timezone": "Europe/Berlin"}, "ZoneInfo"),
    ({"per": "hour", "on_limit": "stop"}, "raise"),
    ({"per": "hour", "longest_wait": -1}, "longest_wait"),
    ({"per": "hour", "on_warning": 5}, "a function"),
    ({"per": "hour", "unit": "mails"}, "recipients"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD)
def test_bad_arguments(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=text):
        RateLimit(5, **arguments)


def test_memory_of_a_year_is_bounded() -> None:
    """What has left the window is forgotten, and accounts that are gone are, too."""
    store = MemoryStore()
    runtime = SimulatedRuntime(lambda host, port: pytest.fail("a connection"), timestamp=NEW_YEAR)
    sizes: list[int] = []
    for number in range(3000):
        run(store.settle(run(store.reserve(f"me {number}", 1, Window("hour"), runtime, limit=5)), 0, runtime))
        runtime.advance(runtime.now() + YEAR / 3000)
        sizes.append(len(store._counts))  # pyright: ignore[reportPrivateUsage]
    assert max(sizes) <= 260


def test_no_more_accounts_are_known_than_some() -> None:
    limit = RateLimit(1, "hour")
    for number in range(10_005):
        limit.register(f"me {number}")
    assert len(limit._watch.accounts) == 10_000  # pyright: ignore[reportPrivateUsage]
    limit.register("me 10004")
    assert (limit.used(), limit.remaining()) == (0, 1)
