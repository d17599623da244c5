"""A server that wants less of us: how long it is left alone, and what is told of it. In virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from attempted import reply, statuses
from scripted import Player, steps
from simulation import MODES, mail, untrue
from smtpkit import (
    FailoverTransport,
    PlaintextSmtpTransport,
    RawMessage,
    Receipt,
    Retry,
    ServiceUnavailable,
    TimedOut,
    Timeouts,
    events,
)
from truth import Fault, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from both import Both
    from clock import Clock
    from flaws import Ask

pytest_plugins = ("both", "clock")

HELLO = "S: 220 mail.test\nC: EHLO me.test\nS: 250-mail.test\nS: 250 AUTH PLAIN\nC~ AUTH .*\nS: 235 ok\n"
MAIL = "C~ MAIL .*\nS: 250 ok\nC~ RCPT .*\nS: 250 ok\nC: DATA\nS: 354 go\ncontent\nS: 250 ok\n"
IN_30 = "try again in 30 seconds"


def transport(**timeouts: Any) -> PlaintextSmtpTransport:
    return PlaintextSmtpTransport(
        "a.test",
        local_hostname="me.test",
        username="ann",
        password="x",
        allow_insecure_auth=True,
        timeouts=Timeouts(**timeouts),
    )


def serve(clock: Clock, *transcripts: str) -> list[Player]:
    players = [Player(steps(each)[0]) for each in transcripts]
    clock.serve(iter(players))
    return players


ASKING: list[tuple[str, str]] = [
    ("at the greeting", f"S: 421 4.7.0 {IN_30}"),
    ("instead of a greeting", f"S: 450 4.7.0 {IN_30}"),
    ("at EHLO", f"S: 220 hi\nC: EHLO me.test\nS: 421 4.7.0 {IN_30}"),
    ("at AUTH", f"{HELLO.partition('S: 235')[0]}S: 454 4.7.0 throttled, {IN_30}"),
    ("at MAIL", f"{HELLO}C~ MAIL .*\nS: 421 4.7.0 {IN_30}\nclose"),
    ("at the content", f"{HELLO}{MAIL.removesuffix('S: 250 ok' + chr(10))}S: 421 4.7.0 {IN_30}\nclose"),
]


@pytest.mark.parametrize("asking", [each[1] for each in ASKING], ids=[each[0] for each in ASKING])
def test_no_new_connection_before_the_time_that_the_server_says(both: Both, clock: Clock, asking: str) -> None:
    players = serve(clock, asking, HELLO + MAIL)
    told: list[events.Event] = []
    mailer = both.mailer(transport(), on_event=told.append)
    refused = both.receipt(mailer, mail(1))
    assert statuses(refused) in ("not_sent", "refused")
    assert (clock.runtime.now(), len(clock.runtime.streams)) == (0, 1)
    assert both.send(mailer, mail(2)).ok
    assert (clock.runtime.now(), len(clock.runtime.streams)) == (30, 2)
    both.close(mailer)
    for player in players:
        player.check()
    assert [each.wait for each in told if isinstance(each, events.Throttled)] == [30] * ("450" not in asking)


@pytest.mark.parametrize("timeouts", [{"acquire": 29}, {"total": 29}])
def test_a_longer_time_than_it_may_wait_is_an_error_at_once(
    both: Both, clock: Clock, timeouts: dict[str, float]
) -> None:
    serve(clock, ASKING[0][1], HELLO + MAIL)
    mailer = both.mailer(transport(**timeouts))
    both.receipt(mailer, mail(1))
    clock.runtime.advance(0.5)
    error = both.receipt(mailer, mail(2)).error
    assert isinstance(error, ServiceUnavailable)
    assert "wants no new connection for another 30 seconds" in error.message
    assert (error.stage, error.reply, error.temporary) == ("acquire", reply(f"421 4.7.0 {IN_30}"), True)
    assert (clock.runtime.now(), len(clock.runtime.streams)) == (0.5, 1)
    clock.runtime.advance(30)
    assert both.send(mailer, mail(3)).ok


def test_who_asks_meanwhile_does_not_put_it_off(both: Both, clock: Clock) -> None:
    serve(clock, "S: 421 4.7.0 try again in 300 seconds", HELLO + MAIL)
    mailer = both.mailer(transport())
    for seconds in (0, 100, 200):
        clock.runtime.advance(seconds)
        assert not both.receipt(mailer, mail(seconds)).ok
    clock.runtime.advance(300)
    assert both.send(mailer, mail(300)).ok
    assert (clock.runtime.now(), len(clock.runtime.streams)) == (300, 2)


def test_a_connection_that_is_there_goes_on(both: Both, clock: Clock) -> None:
    """Two in a batch: the further one is turned away, with a time."""
    serve(clock, HELLO + MAIL * 4, ASKING[0][1])
    mailer = both.mailer(transport())
    receipts = list(both.send_many(mailer, [mail(n) for n in range(4)], connections=2))
    assert [receipt.ok for receipt in receipts] == [True] * 4
    assert (clock.runtime.now(), len(clock.runtime.streams)) == (0, 2)


def test_a_lost_connection_in_a_batch_is_replaced_when_the_server_wants_it(both: Both, clock: Clock) -> None:
    serve(clock, f"{HELLO}{MAIL}C~ MAIL .*\nS: 421 4.7.0 {IN_30}\nclose", HELLO + MAIL * 2)
    receipts = list(both.send_many(both.mailer(transport()), [mail(n) for n in range(3)]))
    assert [receipt.ok for receipt in receipts] == [True] * 3
    assert clock.runtime.now() == 30


def test_a_retry_comes_when_the_server_wants_it(both: Both, clock: Clock) -> None:
    serve(clock, ASKING[0][1], ASKING[3][1], HELLO + MAIL)
    receipt = both.receipt(both.mailer(transport(), retry=Retry(3, wait=1)), mail(1))
    assert (receipt.ok, receipt.attempts, clock.runtime.now()) == (True, 3, 60)


def test_a_failover_leaves_it_alone_for_that_time(both: Both, clock: Clock) -> None:
    """Also where the other one fails meanwhile."""
    serve(clock, ASKING[0][1], HELLO + MAIL + "C~ MAIL .*\nclose", "close", HELLO + MAIL)
    mailer = both.mailer(FailoverTransport(transport(), transport(), rest=5))
    assert both.send(mailer, mail(1)).ok
    assert not both.receipt(mailer, mail(2)).ok
    assert (clock.runtime.now(), len(clock.runtime.streams)) == (0, 3)
    clock.runtime.advance(30)
    assert both.send(mailer, mail(3)).ok
    assert clock.runtime.now() == 30


# -- further connections -----------------------------------------------------------


FURTHER: list[tuple[str, Fault, float, str | None]] = [
    # How it fails, how long that takes, and what an event says of it
    ("refused", Fault("connect", 0, "reset"), 0, "None 60.0"),
    ("unreachable", Fault("connect", 0, "stall"), 5, "None 60.0"),
    ("reset", Fault("greeting", 0, "reset"), 0, "None 60.0"),
    ("silent", Fault("greeting", 0, "silence"), 5, "None 60.0"),
    ("421", Fault("greeting", 0, "421"), 0, "421 None"),
]


@pytest.mark.parametrize(("fault", "seconds", "told"), [e[1:] for e in FURTHER], ids=[e[0] for e in FURTHER])
def test_a_further_connection_that_fails_is_told_of(
    both: Both, clock: Clock, fault: Fault, seconds: float, told: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """And takes at most half the time that the mail has."""
    caplog.set_level("INFO", "smtpkit")
    truth = Truth(faults={1: fault})
    clock.dial = truth.dial
    throttled: list[str] = []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.Throttled):
            throttled.append(f"{event.reply.code if event.reply else None} {event.wait}")

    mailer = both.mailer(
        PlaintextSmtpTransport("a.test", local_hostname="me.test", timeouts=Timeouts(connect=60, total=10)),
        on_event=listen,
    )
    receipts: list[Receipt] = list(both.send_many(mailer, [mail(n) for n in range(4)], connections=2))
    assert [receipt.ok for receipt in receipts] == [True] * 4
    assert (clock.runtime.now(), len(truth.sessions)) == (seconds, 2)
    assert throttled == [told]
    (logged,) = [record for record in caplog.records if "no further connection" in record.message]
    assert logged.levelname == ("WARNING" if seconds else "INFO")


@pytest.mark.parametrize("connections", [1, 2])
def test_a_mail_from_within_a_batch_that_holds_all_connections(both: Both, clock: Clock, connections: int) -> None:
    """It waits for nothing, and the error says what helps."""
    truth = Truth()
    clock.dial = truth.dial
    mailer = both.mailer(PlaintextSmtpTransport("a.test", local_hostname="me.test"))
    with both.send_many(mailer, [mail(n) for n in range(8)], in_flight=2, connections=connections) as batch:
        assert next(batch).ok
        error = both.receipt(mailer, mail(9)).error
        assert isinstance(error, TimedOut)
        assert (error.stage, clock.runtime.now()) == ("acquire", 60)
        assert f"(connections={connections + 1})" in (error.hint or "")
        assert "send it after the batch" in (error.hint or "")
        assert all(receipt.ok for receipt in batch)
    assert both.send(mailer, mail(9)).ok


# -- the time for a whole send -----------------------------------------------------


def test_no_connection_is_opened_for_a_mail_whose_time_is_over(both: Both, clock: Clock) -> None:
    serve(clock, f"{HELLO}{MAIL}C~ MAIL .*\nrest", HELLO + MAIL)
    mailer = both.mailer(transport(total=10))
    assert both.send(mailer, mail(1)).ok
    error = both.receipt(mailer, mail(2)).error
    assert isinstance(error, TimedOut)
    assert (error.stage, clock.runtime.now(), len(clock.runtime.streams)) == ("mail", 10, 1)
    assert both.send(mailer, mail(3)).ok


@pytest.mark.parametrize(
    ("mode", "where", "under_way", "expected"),
    [
        # Replies come in order: without the first one nobody knows of the others, all of which were handed over.
        ("chunked", "final", 4, "uncertain"),
        ("chunked", "MAIL", 4, "uncertain"),
        ("pipelined", "MAIL", 2, "not_sent"),
    ],
)
def test_the_end_of_the_time_in_a_window(
    both: Both, clock: Clock, mode: str, where: Ask, under_way: int, expected: str
) -> None:
    """Of those under way; what comes later goes over another connection."""
    truth = Truth(MODES[mode], faults={0: Fault(where, 0, "silence")})
    clock.dial = truth.dial
    mailer = both.mailer(PlaintextSmtpTransport("a.test", local_hostname="me.test", timeouts=Timeouts(total=10)))
    mails = [mail(n) for n in range(8)]
    receipts = list(both.send_many(mailer, mails, in_flight=4))
    assert [statuses(receipt) for receipt in receipts] == [expected] * under_way + ["accepted"] * (8 - under_way)
    assert untrue(truth, mails, receipts, doubts=4) == []
    assert clock.runtime.now() == 10


def test_each_mail_whose_time_is_over_has_an_error_of_its_own(both: Both, clock: Clock) -> None:
    """The server takes its leave with several under way, and who gives the mails takes long."""
    truth = Truth(faults={0: Fault("MAIL", 0, "421")})
    clock.dial = truth.dial
    mailer = both.mailer(PlaintextSmtpTransport("a.test", local_hostname="me.test", timeouts=Timeouts(total=10)))
    mails = [mail(n) for n in range(4)]

    def slowly() -> Iterator[RawMessage]:
        yield from mails
        clock.runtime.advance(11)

    receipts = list(both.send_many(mailer, slowly(), in_flight=8))
    assert [statuses(receipt) for receipt in receipts] == ["not_sent"] * 4
    assert untrue(truth, mails, receipts) == []
    assert [type(receipt.error) for receipt in receipts] == [ServiceUnavailable, TimedOut, TimedOut, TimedOut]
