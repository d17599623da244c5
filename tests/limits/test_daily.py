"""`DailyLimit`: how it counts, when there is room again, what it says."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpkit import DailyLimit, DailyLimitExceeded, InvalidConfiguration, Mail, Message, Outcome, Receipt
from smtpkit.runtime.blocking import run
from smtpkit.runtime.simulated import SimulatedRuntime

if TYPE_CHECKING:
    from smtpkit.limits import Reservation

DAY = 86400.0
BASE = Message().from_("me@example.com").subject("Hello").text("Hi")
BERLIN, NEW_YORK, HAVANA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("America/Havana")


class Account:
    """An account with a limit, and a clock to set."""

    def __init__(self, limit: DailyLimit, name: str = "me", began: float = 1_800_000_000.0) -> None:
        self.limit = limit
        self.name = name
        self.runtime = SimulatedRuntime(lambda host, port: pytest.fail("a connection"), timestamp=began)

    def at(self, when: float | datetime) -> None:
        seconds = when.timestamp() if isinstance(when, datetime) else when
        self.runtime = SimulatedRuntime(lambda host, port: pytest.fail("a connection"), timestamp=seconds)

    def later(self, seconds: float) -> None:
        self.runtime.advance(self.runtime.now() + seconds)

    def reserve(self, recipients: int = 1) -> Reservation:
        return run(self.limit.reserve(self.name, mail(recipients), self.runtime))

    def send(self, recipients: int = 1) -> None:
        self.settle(self.reserve(recipients), *["accepted"] * recipients)

    def settle(self, reservation: Reservation, *statuses: Any) -> None:
        outcomes = {f"n{n}@example.com": Outcome(status) for n, status in enumerate(statuses)}
        run(self.limit.settle(reservation, Receipt(BASE, outcomes), self.runtime))

    def full(self, recipients: int = 1) -> DailyLimitExceeded:
        with pytest.raises(DailyLimitExceeded) as caught:
            self.reserve(recipients)
        return caught.value


def mail(recipients: int) -> Mail:
    return Mail(BASE.to([f"n{n}@example.com" for n in range(recipients)]))


def test_messages() -> None:
    account = Account(DailyLimit(2))
    account.send(5)
    account.later(100)
    account.send(1)
    error = account.full()
    assert (error.limit, error.used) == (2, 2)
    assert error.resets_at == datetime.fromtimestamp(1_800_000_000 + DAY, UTC)
    account.at(1_800_000_000 + DAY - 0.001)
    account.full()
    account.at(1_800_000_000 + DAY)
    account.send()
    assert account.full().resets_at == datetime.fromtimestamp(1_800_000_100 + DAY, UTC)


def test_recipients() -> None:
    account = Account(DailyLimit(10, unit="recipients"))
    account.send(4)
    account.later(100)
    account.send(4)
    assert account.full(3).resets_at == datetime.fromtimestamp(1_800_000_000 + DAY, UTC)
    assert account.full(7).resets_at == datetime.fromtimestamp(1_800_000_100 + DAY, UTC)
    account.send(2)
    error = account.full(1)
    assert (error.limit, error.used) == (10, 10)


def test_a_mail_that_never_fits() -> None:
    account = Account(DailyLimit(10, unit="recipients"))
    error = account.full(11)
    assert error.resets_at is None
    assert not error.temporary
    assert str(error) == ("the mail counts 11 recipients, and me may send 10 a day\nHint: Send it in several mails.")
    account.reserve(10)


def test_what_the_error_says() -> None:
    account = Account(DailyLimit(2), began=datetime(2027, 3, 1, 9, 30, 20, tzinfo=UTC).timestamp())
    account.send()
    account.send()
    error = account.full()
    assert error.stage == "limit"
    assert error.temporary
    assert error.safe_to_retry
    text = "me has sent 2 of 2 messages a day, and 1 more will fit at 2027-03-02 09:31 UTC"
    assert str(error).splitlines()[0] == text
    assert error.hint is not None
    assert error.resets_at == datetime(2027, 3, 2, 9, 30, 20, tzinfo=UTC)


CALENDAR: list[tuple[Any, str, str]] = [
    # time zone, a moment, the midnight that ends its day
    (None, "2027-03-01T00:00:00+00:00", "2027-03-02T00:00:00+00:00"),
    (None, "2027-03-01T23:59:59.999999+00:00", "2027-03-02T00:00:00+00:00"),
    (BERLIN, "2027-03-01T23:30:00+01:00", "2027-03-02T00:00:00+01:00"),
    (BERLIN, "2027-03-02T00:00:00+01:00", "2027-03-03T00:00:00+01:00"),
    (BERLIN, "2027-03-28T00:00:00+01:00", "2027-03-29T00:00:00+02:00"),  # 23 hours
    (BERLIN, "2027-03-28T12:00:00+02:00", "2027-03-29T00:00:00+02:00"),
    (BERLIN, "2027-10-31T00:30:00+02:00", "2027-11-01T00:00:00+01:00"),  # 25 hours
    (BERLIN, "2027-10-31T02:30:00+02:00", "2027-11-01T00:00:00+01:00"),
    (BERLIN, "2027-10-31T02:30:00+01:00", "2027-11-01T00:00:00+01:00"),
    (NEW_YORK, "2027-03-14T05:00:00+00:00", "2027-03-15T04:00:00+00:00"),
    (NEW_YORK, "2027-11-07T04:00:00+00:00", "2027-11-08T05:00:00+00:00"),
    (HAVANA, "2024-03-09T12:00:00-05:00", "2024-03-10T01:00:00-04:00"),  # there is no midnight
    (HAVANA, "2024-11-02T12:00:00-04:00", "2024-11-03T00:00:00-04:00"),  # there are two
    (ZoneInfo("Pacific/Apia"), "2011-12-29T12:00:00-10:00", "2011-12-31T00:00:00+14:00"),  # a day is missing
]


@pytest.mark.parametrize(("zone", "moment", "midnight"), CALENDAR)
def test_calendar_day(zone: Any, moment: str, midnight: str) -> None:
    begin, end = datetime.fromisoformat(moment), datetime.fromisoformat(midnight)
    account = Account(DailyLimit(1, window="calendar-day", timezone=zone), began=begin.timestamp())
    account.send()
    error = account.full()
    assert error.resets_at == end
    assert error.resets_at is not None
    assert error.resets_at.utcoffset() == timedelta(0)
    account.at(end - timedelta(microseconds=10))
    account.full()
    account.at(end)
    account.send()


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.times(),
    st.sampled_from([BERLIN, NEW_YORK, HAVANA, ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")]),
)
def test_any_calendar_day(day: date, clock: time, zone: ZoneInfo) -> None:
    moment = datetime.combine(day, clock, zone)
    account = Account(DailyLimit(1, window="calendar-day", timezone=zone), began=moment.timestamp())
    today = datetime.fromtimestamp(moment.timestamp(), zone).date()
    account.send()
    resets_at = account.full().resets_at
    assert resets_at is not None
    assert resets_at.astimezone(zone).date() == today + timedelta(days=1)
    assert (resets_at - timedelta(seconds=1)).astimezone(zone).date() == today
    account.at(resets_at)
    account.send()


SETTLED: list[tuple[Any, int, tuple[str, ...], int]] = [
    # unit, recipients, what became of them, how much stays counted
    ("messages", 1, ("accepted",), 1),
    ("messages", 1, ("refused",), 0),
    ("messages", 1, ("not_sent",), 0),
    ("messages", 1, ("uncertain",), 1),
    ("messages", 3, ("refused", "accepted", "not_sent"), 1),
    ("messages", 3, ("refused", "uncertain", "not_sent"), 1),
    ("messages", 3, ("refused", "refused", "not_sent"), 0),
    ("messages", 3, (), 1),
    ("recipients", 1, ("refused",), 0),
    ("recipients", 3, ("accepted", "accepted", "accepted"), 3),
    ("recipients", 3, ("accepted", "refused", "not_sent"), 1),
    ("recipients", 3, ("accepted", "refused", "uncertain"), 2),
    ("recipients", 3, ("not_sent", "not_sent", "not_sent"), 0),
    ("recipients", 3, (), 3),
    ("recipients", 1, ("refused", "refused", "refused"), 0),
]


@pytest.mark.parametrize(("unit", "recipients", "statuses", "stays"), SETTLED)
@pytest.mark.parametrize("window", ["rolling-24h", "calendar-day"])
def test_what_is_given_back(unit: Any, window: Any, recipients: int, statuses: tuple[str, ...], stays: int) -> None:
    limit = DailyLimit(10, unit=unit, window=window)
    account = Account(limit, began=datetime.now(UTC).timestamp())
    account.settle(account.reserve(recipients), *statuses)
    assert limit.used("me") == limit.used() == stays
    assert limit.remaining("me") == limit.remaining() == 10 - stays


def test_given_back_after_it_has_left_the_window() -> None:
    account = Account(DailyLimit(1))
    old = account.reserve()
    account.later(DAY + 900)
    account.send()
    account.settle(old, "refused")
    account.full()


def test_accounts_are_counted_apart() -> None:
    limit = DailyLimit(2)
    now = datetime.now(UTC).timestamp()
    me, you = Account(limit, "me", now), Account(limit, "you", now)
    me.send()
    me.send()
    you.send()
    assert (limit.used("me"), limit.used("you"), limit.used("nobody"), limit.used()) == (2, 1, 0, 2)
    assert (limit.remaining("me"), limit.remaining("you"), limit.remaining("nobody"), limit.remaining()) == (0, 1, 2, 0)
    me.full()
    you.send()


def test_nothing_used_yet() -> None:
    assert (DailyLimit(5).used(), DailyLimit(5).remaining()) == (0, 5)


def test_a_clock_that_is_set_back() -> None:
    account = Account(DailyLimit(2))
    account.send()
    account.at(1_800_000_000 - 3600)
    account.send()
    resets_at = account.full().resets_at
    assert resets_at == datetime.fromtimestamp(1_800_000_000 + DAY, UTC)
    account.at(1_800_000_000 + DAY - 1)
    account.full()
    assert resets_at is not None
    account.at(resets_at)
    account.send()
    account.send()


class Model:
    """The rolling window, the long way."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.sent: list[tuple[float, int]] = []

    def used(self, now: float) -> int:
        return sum(n for then, n in self.sent if then > now - DAY)

    def resets_at(self, now: float, n: int) -> float:
        moments = sorted(then + DAY for then, _ in self.sent if then + DAY > now)
        return next(moment for moment in moments if self.used(moment) + n <= self.count)


STEPS = st.lists(
    st.tuples(
        st.one_of(st.just(0.0), st.floats(0, 50_000), st.sampled_from([DAY, DAY / 2, DAY / 3])),
        st.integers(1, 6),
        st.integers(0, 6),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 12), STEPS, st.floats(1_200_000_000, 2_000_000_000))
def test_rolling_window_against_the_model(count: int, sending: list[tuple[float, int, int]], began: float) -> None:
    account, model = Account(DailyLimit(count, unit="recipients"), began=began), Model(count)
    for pause, n, refused in sending:
        account.later(pause)
        now = account.runtime.timestamp()
        if model.used(now) + n <= count:
            reservation = account.reserve(n)
            accepted = max(n - refused, 0)
            model.sent.append((now, accepted))
            account.settle(reservation, *["refused"] * (n - accepted), *["accepted"] * accepted)
            continue
        error = account.full(n)
        assert (error.limit, error.used) == (count, model.used(now))
        if n > count:
            assert error.resets_at is None
        else:
            assert error.resets_at is not None
            exact = model.resets_at(now, n)
            assert 0 <= error.resets_at.timestamp() - exact < 2e-6


def test_threads_never_exceed_it() -> None:
    limit = DailyLimit(100)
    barrier = Barrier(64)
    granted: list[Reservation] = []

    def reserving() -> None:
        account = Account(limit)
        barrier.wait()
        for _ in range(4):
            try:
                granted.append(account.reserve())
            except DailyLimitExceeded:
                limit.used()

    threads = [Thread(target=reserving) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 100


BAD: list[tuple[dict[str, Any], str]] = [
    ({"count": 0}, "DailyLimit.0.: a number of at least 1"),
    ({"count": -5}, "at least 1"),
    ({"count": "500"}, "at least 1"),
    ({"count": 1.5}, "at least 1"),
    ({"count": 5, "unit": "mails"}, 'It is "messages" or "recipients"'),
    ({"count": 5, "window": "month"}, "calendar-day"),
    ({"count": 5, "window": "calendar-day", "timezone": "Europe/Berlin"}, "ZoneInfo"),
    ({"count": 5, "timezone": BERLIN}, 'goes with "calendar-day"'),
]


@pytest.mark.parametrize(("arguments", "text"), BAD)
def test_bad_arguments(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=text):
        DailyLimit(**arguments)


def test_repr() -> None:
    assert repr(DailyLimit(5, unit="recipients")) == "DailyLimit(5, unit='recipients', window='rolling-24h')"
