"""Limits that wait, warn, and learn from the server."""

from __future__ import annotations

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    DailyLimit,
    DailyLimitExceeded,
    FakeTransport,
    InvalidConfiguration,
    Mail,
    Mailer,
    Message,
    Outcome,
    PlaintextSmtpTransport,
    Provider,
    RateLimit,
    RateLimitExceeded,
    Receipt,
    Reply,
    SmtpkitError,
    events,
    limits,
    providers,
    transport_from_function,
)
from smtpkit.errors import ContentRefused, LimitExceeded
from smtpkit.limits import LimitStatus, MemoryStore, Reservation, preset_limits
from smtpkit.providers import Endpoint, SendingLimit
from smtpkit.runtime.aio import AsyncRuntime
from truth import CHUNKING, Truth

if TYPE_CHECKING:
    from pathlib import Path

    from both import AnyMailer, Both
    from clock import Clock

pytest_plugins = ("both", "clock")

MESSAGE = Message().from_("me@example.com").to("ann@example.com").subject("Hello").text("Hi")
ENDPOINT = (Endpoint("smtp.example.com", 587, "starttls"),)


def listening(both: Both, transport: Any, **options: Any) -> tuple[Any, list[events.Event]]:
    told: list[events.Event] = []
    return both.mailer(transport, on_event=told.append, **options), told


WAITS: list[tuple[Any, int, list[float]]] = [
    # limit, mails, when each went out
    (RateLimit(1, "second"), 4, [0, 1, 2, 3]),
    (RateLimit(2, "minute"), 5, [0, 0, 60, 60, 120]),
    (RateLimit(2, "hour"), 3, [0, 0, 3600]),
    (RateLimit(3, "10-minute", unit="recipients"), 2, [0, 0]),
    (DailyLimit(1, on_limit="wait"), 2, [0, 86400]),
]


@pytest.mark.parametrize(("limit", "mails", "times"), WAITS)
@pytest.mark.parametrize("many", [False, True])
def test_when_each_mail_goes_out(
    both: Both, clock: Clock, limit: Any, mails: int, times: list[float], many: bool
) -> None:
    sent: list[float] = []

    def sending(mail: Mail) -> Receipt:
        sent.append(clock.runtime.now())
        return Receipt.of(mail, Outcome("accepted"))

    limit._store = MemoryStore()
    mailer, told = listening(both, transport_from_function(sending), limits=limit)
    if many:
        assert all(receipt.ok for receipt in both.send_many(mailer, [MESSAGE] * mails))
    else:
        for _ in range(mails):
            both.send(mailer, MESSAGE)
    assert sent == pytest.approx(times, abs=0.01)
    throttled = [event for event in told if isinstance(event, events.Throttled)]
    assert len(throttled) == len({*times}) - 1
    assert all(event.reply is None and event.wait and event.wait > 0 for event in throttled)


@pytest.mark.parametrize("in_flight", [1, 8])
def test_a_batch_hears_what_is_under_way_before_it_waits(both: Both, clock: Clock, in_flight: int) -> None:
    truth = Truth(CHUNKING)
    clock.serve(truth.dial("", 0) for _ in range(99))
    transport = PlaintextSmtpTransport("truth.test", local_hostname="me")
    limit = RateLimit(3, "minute")
    messages = [MESSAGE.subject(str(n)) for n in range(7)]
    receipts = list(both.send_many(both.mailer(transport, limits=limit), messages, in_flight=in_flight))
    assert all(receipt.ok for receipt in receipts)
    # Were what went out not settled before, it would take twice as long.
    assert 120 <= clock.runtime.now() < 121
    assert sum(truth.accepted.values()) == 7


def test_longest_wait(both: Both, clock: Clock) -> None:
    mailer = both.mailer(FakeTransport(), limits=RateLimit(1, "hour", longest_wait=60))
    both.send(mailer, MESSAGE)
    with pytest.raises(RateLimitExceeded, match="1 of 1 messages an hour") as caught:
        both.send(mailer, MESSAGE)
    # It is not waited for what is known not to come.
    assert clock.runtime.now() == 0
    assert caught.value.temporary
    assert caught.value.safe_to_retry
    assert caught.value.resets_at == datetime.fromtimestamp(clock.runtime.timestamp() + 3600, UTC)
    clock.runtime.advance(3541)
    assert both.send(mailer, MESSAGE).ok


def test_who_waits_gets_what_another_gives_back(both: Both, clock: Clock) -> None:
    """Though nothing leaves the window in the time that is waited."""
    limit = RateLimit(1, "hour", longest_wait=4000)
    reservation = both.wait(limit.reserve("this transport", Mail(MESSAGE), clock.runtime))

    async def give_back() -> None:
        await limit.settle(reservation, Receipt.of(Mail(MESSAGE), Outcome("refused")), clock.runtime)

    clock.runtime.ring_at(25, give_back)
    assert both.send(both.mailer(FakeTransport(), limits=limit), MESSAGE).ok
    assert clock.runtime.now() == 30


class Gate(MemoryStore):
    """It has no room until it is open, and knows who asked."""

    def __init__(self) -> None:
        super().__init__()
        self.open = False
        self.askers: list[str] = []

    async def reserve(self, key: str, n: int, window: Any, runtime: Any, *, limit: int) -> Reservation:
        task = asyncio.current_task()
        assert task is not None
        self.askers.append(task.get_name())
        if self.open:
            return await super().reserve(key, n, window, runtime, limit=limit)
        now = runtime.timestamp()
        return Reservation(key, n, now, False, 0, now, room_at=now)

    async def was_asked_by(self, name: str) -> None:
        async with asyncio.timeout(10):
            while name not in self.askers[-3:]:  # noqa: ASYNC110 - a store sets nothing
                await asyncio.sleep(0.001)


def test_those_who_wait_are_served_in_their_order_and_one_of_them_asks() -> None:
    gate, served = Gate(), list[int]()
    limit = RateLimit(99, "minute", store=gate)

    async def wait(number: int) -> None:
        await limit.reserve("me", Mail(MESSAGE), AsyncRuntime())
        served.append(number)

    async def scenario() -> None:
        tasks = [asyncio.create_task(wait(number), name=str(number)) for number in range(20)]
        await gate.was_asked_by("0")
        tasks[5].cancel()
        tasks[0].cancel()
        await gate.was_asked_by("1")
        assert set(gate.askers) == {"0", "1"}
        gate.open = True
        await asyncio.gather(*tasks, return_exceptions=True)
        # Who comes when nobody waits does not join a line.
        await wait(20)

    asyncio.run(scenario())
    assert served == [1, 2, 3, 4, *range(6, 21)]


def test_threads_wait_in_a_line_too() -> None:
    limit = RateLimit(1, "hour", longest_wait=0.05)
    mailer = Mailer(FakeTransport(), limits=limit)
    mailer.send(MESSAGE)

    def late(_: int) -> bool:
        with pytest.raises(RateLimitExceeded):
            mailer.send(MESSAGE)
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(late, range(16)))


def test_what_one_limit_counted_is_given_back_when_another_refuses(both: Both, clock: Clock) -> None:
    day, hour = DailyLimit(5), RateLimit(1, "hour", on_limit="raise")
    mailer = both.mailer(FakeTransport(), limits=[hour, day])
    both.send(mailer, MESSAGE)
    with pytest.raises(RateLimitExceeded):
        both.send(mailer, MESSAGE)
    assert [status.used for status in _statuses(both, mailer)] == [1, 1]


def _statuses(both: Both, mailer: AnyMailer) -> tuple[LimitStatus, ...]:
    return mailer.limits() if isinstance(mailer, Mailer) else both.wait(mailer.limits())


def test_statuses(both: Both, clock: Clock) -> None:
    mailer = both.mailer(FakeTransport(), limits=[RateLimit(3, "hour"), DailyLimit(5)])
    both.send(mailer, MESSAGE)
    day, hour = _statuses(both, mailer)
    assert (day.window, day.count, day.used, day.remaining) == ("rolling-24h", 5, 1, 4)
    assert (hour.window, hour.count, hour.used, hour.remaining) == ("hour", 3, 1, 2)
    assert day.resets_at == datetime.fromtimestamp(clock.runtime.timestamp() + 86400, UTC)
    assert str(hour).endswith("1 of 3 messages (hour)")


def test_which_messages_were_not_tried(both: Both, clock: Clock) -> None:
    fake = FakeTransport()
    messages = [MESSAGE.subject(str(n)) for n in range(6)]
    receipts = list(both.send_many(both.mailer(fake, limits=DailyLimit(4)), messages))
    left = [receipt.message for receipt in receipts if isinstance(receipt.error, LimitExceeded)]
    assert [message.fields.get("subject") for message in left] == ["4", "5"]
    assert all(set(receipt.not_sent) == {"ann@example.com"} for receipt in receipts[4:])


def test_a_batch_that_is_left_at_the_limit_takes_no_more(both: Both, clock: Clock) -> None:
    messages = iter([MESSAGE] * 10)
    with both.send_many(both.mailer(FakeTransport(), limits=DailyLimit(4)), messages) as receipts:
        for receipt in receipts:
            if isinstance(receipt.error, LimitExceeded):
                break
    assert len(list(messages)) == 5


def test_two_limits_that_would_count_twice(both: Both) -> None:
    store = MemoryStore()
    with pytest.raises(InvalidConfiguration, match="count the same in the same place"):
        both.mailer(FakeTransport(), limits=[DailyLimit(5, store=store), RateLimit(9, "day", store=store)])
    both.mailer(FakeTransport(), limits=[DailyLimit(5, store=store), DailyLimit(5, store=store, unit="recipients")])
    both.mailer(FakeTransport(), limits=[DailyLimit(5), DailyLimit(5)])


def test_warnings_at_80_percent(both: Both, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    told: list[LimitStatus] = []
    mailer = both.mailer(FakeTransport(), limits=DailyLimit(10, on_warning=told.append))
    for _ in range(7):
        both.send(mailer, MESSAGE)
    assert not told
    for _ in range(3):
        both.send(mailer, MESSAGE)
    assert [(status.used, status.remaining) for status in told] == [(8, 2)]
    assert [record.getMessage() for record in caplog.records] == [
        "this transport: 8 of 10 messages (rolling-24h): 2 left"
    ]
    clock.runtime.advance(86400 + 1)
    for _ in range(9):
        both.send(mailer, MESSAGE)
    assert len(told) == 2


def failing(status: LimitStatus) -> None:
    raise OSError("gone")


def test_a_callback_that_raises(both: Both, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    mailer = both.mailer(FakeTransport(), limits=DailyLimit(1, on_warning=failing))
    assert both.send(mailer, MESSAGE).ok
    assert "on_warning" in caplog.text


def test_who_waits_is_not_warned(both: Both, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    mailer = both.mailer(FakeTransport(), limits=RateLimit(2, "second"))
    assert all(receipt.ok for receipt in both.send_many(mailer, [MESSAGE] * 5))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_limit_that_only_warns(both: Both, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeTransport()
    limit = DailyLimit(2, on_limit="warn")
    mailer = both.mailer(fake, limits=limit)
    for _ in range(5):
        assert both.send(mailer, MESSAGE).ok
    (status,) = _statuses(both, mailer)
    assert (status.used, status.remaining, len(fake.outbox)) == (2, 0, 5)
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "2 of 2 messages (rolling-24h): 0 left",
        "2 of 2 messages (rolling-24h): used up. The limit only warns, and mails go on",
    ]


SPENT: list[tuple[str | None, Reply, bool]] = [
    ("gmail", Reply(550, ("5.4.5 Daily user sending limit exceeded. For more information on Gmail",)), True),
    (None, Reply(550, ("5.4.5 Daily sending quota exceeded",)), True),
    ("zoho", Reply(550, ("5.1.1 Daily user sending limit exceeded",)), False),
    ("gmail", Reply(421, ("5.4.5 Daily user sending limit exceeded",)), False),
    ("amazon_ses", Reply(454, ("Throttling failure: Daily message quota exceeded.",)), True),
    ("amazon_ses", Reply(454, ("Throttling failure: Maximum sending rate exceeded.",)), False),
    ("zoho", Reply(550, ("5.4.6 Sender Hourly Quota Exceeded - will not be allowed to send",)), True),
    ("zoho", Reply(550, ("5.4.6 Unusual sending activity detected. Please try after sometime",)), True),
    # They do not say that it is about an hour.
    ("ionos", Reply(450, ("Requested mail action not taken: 450 Mail send limit exceeded.",)), True),
    ("startmail", Reply(550, ("5.7.1 Your mail limit has been reached.",)), True),
    ("icloud", Reply(550, ("5.7.1 me@icloud.com: You have exceeded your daily sending limit.",)), True),
    ("gmail", Reply(550, ("5.7.1 me@icloud.com: You have exceeded your daily sending limit.",)), False),
    ("microsoft365", Reply(554, ("5.2.2 submission quota exceeded",)), True),
    ("gmail", Reply(552, ("5.2.2 The mailbox of the recipient is over quota",)), False),
]


@pytest.mark.parametrize(("provider", "reply", "spent"), SPENT)
def test_the_server_says_that_the_limit_is_reached(
    both: Both, clock: Clock, provider: str | None, reply: Reply, spent: bool
) -> None:
    def refusing(mail: Mail) -> Receipt:
        if sent:
            return Receipt.of(mail, Outcome("refused", reply), ContentRefused("refused", reply=reply))
        sent.append(mail)
        return Receipt.of(mail, Outcome("accepted"))

    sent: list[Mail] = []
    hour = "Hourly" in reply.text or provider in ("ionos", "startmail")
    limit = RateLimit(500, "hour", on_limit="raise") if hour else DailyLimit(500)
    mailer = both.mailer(
        transport_from_function(refusing),
        limits=[limit, DailyLimit(900, unit="recipients")] if hour else limit,
        provider=providers.get(provider) if provider in ("gmail", "zoho", "amazon_ses", "microsoft365") else
        None if provider is None else Provider(provider, provider, ENDPOINT),
    )  # fmt: skip
    both.send(mailer, MESSAGE)
    clock.runtime.advance(600)
    with pytest.raises(SmtpkitError, match=str(reply.code)):
        both.send(mailer, MESSAGE)
    status = _statuses(both, mailer)[-1]
    assert status.used == (500 if spent else 1)
    if spent:
        with pytest.raises(LimitExceeded) as caught:
            both.send(mailer, MESSAGE)
        # The mail that was counted here makes room again, as it does at the provider.
        assert caught.value.resets_at == datetime.fromtimestamp(1_800_000_000 + limit.length, UTC)
        clock.runtime.advance(limit.length)
        assert _statuses(both, mailer)[-1].used == 499
    if hour:
        assert _statuses(both, mailer)[0].used <= 1


def test_exhausted_until_a_time(both: Both, clock: Clock) -> None:
    limit = DailyLimit(5)
    mailer = both.mailer(FakeTransport(), limits=limit)
    until = datetime.fromtimestamp(clock.runtime.timestamp(), UTC) + timedelta(hours=1)
    both.send(mailer, MESSAGE)
    both.wait(limit.exhausted("this transport", clock.runtime, until))
    with pytest.raises(DailyLimitExceeded) as caught:
        both.send(mailer, MESSAGE)
    assert caught.value.resets_at is not None
    assert abs(caught.value.resets_at - until) < timedelta(seconds=1)
    clock.runtime.advance(3600)
    assert both.send(mailer, MESSAGE).ok


def provider(*figures: SendingLimit, name: str = "example") -> Provider:
    return Provider(name, "Example", ENDPOINT, limits=figures)


PRESETS: list[tuple[Provider, list[str]]] = [
    (providers.get("gmail"), ["500 messages rolling-24h raise"]),
    (providers.get("outlook"), ["300 messages rolling-24h raise"]),
    (
        provider(
            SendingLimit(9, "messages", "second", evidence="official", applies=True),
            SendingLimit(99, "recipients", "hour", evidence="third-party-of-official", applies=True),
            SendingLimit(999, "messages", "month", evidence="official", applies=True),
            SendingLimit(5, "messages", "minute", evidence="official"),
        ),
        ["9 messages second wait", "99 recipients hour wait", "999 messages month raise"],
    ),
    (
        provider(
            SendingLimit(500, "messages", "day", evidence="two-third-party", applies=True),
            SendingLimit(50, "messages", "minute", evidence="third-party", applies=True),
        ),
        ["500 messages rolling-24h warn", "50 messages minute warn"],
    ),
    (
        provider(
            SendingLimit(9, "messages", "day", evidence="official", applies=True),
            SendingLimit(8, "messages", "rolling-24h", evidence="official", applies=True),
        ),
        ["8 messages rolling-24h raise"],
    ),
]


@pytest.mark.parametrize(("preset", "expected"), PRESETS)
def test_limits_of_presets(preset: Provider, expected: list[str]) -> None:
    found = preset_limits(preset)
    assert [f"{limit.count} {limit.unit} {limit.per} {limit.on_limit}" for limit in found] == expected
    assert preset_limits(preset) is found
    assert preset_limits(preset, store=MemoryStore()) is not found


def test_every_preset_has_limits_that_a_mailer_takes(both: Both) -> None:
    for preset in providers.registry:
        both.mailer(FakeTransport(), limits=preset_limits(preset))


def test_what_limits_exports() -> None:
    assert set(limits.__all__) <= set(vars(limits))
    assert repr(RateLimit(5, "hour")) == "RateLimit(5, 'hour', unit='messages')"


URLS: list[tuple[str, list[str]]] = [
    ("gmail://me@gmail.com:p@?limits.path=mail.db", ["DailyLimit(500, unit='messages', window='rolling-24h') raise"]),
    ("smtps://h?limits.daily=500", ["DailyLimit(500, unit='messages', window='rolling-24h') raise"]),
    (
        "gmail://me@gmail.com:p@?limits.daily=20&limits.path=mail.db&limits.unit=recipients&limits.window=calendar-day",
        ["DailyLimit(20, unit='recipients', window='calendar-day') raise"],
    ),
    ("smtps://h?limits.daily=5&limits.on_limit=wait", ["DailyLimit(5, unit='messages', window='rolling-24h') wait"]),
    (
        "failover(smtps://h smtps://i)?limits.daily=7",
        ["DailyLimit(7, unit='messages', window='rolling-24h') raise"],
    ),
]


@pytest.mark.parametrize(("url", "expected"), URLS)
def test_limits_in_urls(both: Both, url: str, expected: list[str]) -> None:
    found = both.type.from_url(url)._delivery._limits  # pyright: ignore[reportPrivateUsage]
    assert [f"{limit!r} {limit.on_limit}" for limit in found] == expected


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("limits.path=mail.db", "no limits.daily"),
        ("limits.daily=many", "limits.daily"),
        ("limits.daily=0", "at least 1"),
    ],
)
def test_limits_in_urls_that_cannot_be(both: Both, query: str, text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=text):
        both.type.from_url(f"smtps://h?{query}")


def test_limits_of_a_preset_in_a_file(both: Both, tmp_path: Path) -> None:
    file = tmp_path / "mail.db"
    made = [
        both.type.for_provider("gmail", "me@gmail.com", "p", limits_path=file),
        both.type.for_address("me@gmail.com", "p", limits_path=str(file)),
        both.type.from_url(f"gmail://me@gmail.com:p@?limits.path={file}"),
        both.type.from_env({"SMTP_URL": f"gmail://me@gmail.com:p@?limits.path={file}"}),
    ]
    places = {limit.place for mailer in made for limit in mailer._delivery._limits}  # pyright: ignore[reportPrivateUsage]
    assert [place for place, _ in places] == [os.path.realpath(file)]
    assert not file.exists()


def test_a_file_for_limits_that_are_not_the_presets(both: Both) -> None:
    misplaced: Any = "mail.db"
    with pytest.raises(InvalidConfiguration, match="limits_path="):
        both.type.for_provider("gmail", "me@gmail.com", "p", limits=misplaced)
    with pytest.raises(InvalidConfiguration, match=r"limits_path= is for the preset's"):
        both.type.for_provider("gmail", "me@gmail.com", "p", limits=DailyLimit(5), limits_path="mail.db")
    with pytest.raises(InvalidConfiguration, match="limits of presets do not hold in failover"):
        both.type.from_url("failover(gmail://me@gmail.com:p@?limits.path=mail.db smtps://h)")
