"""When a mail is tried again: waits, what the server says of them, the time for all, batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from attempted import Scripted, reply, sent, statuses
from scripted import Player, steps
from smtpkit import (
    DailyLimit,
    Message,
    PlaintextSmtpTransport,
    Retry,
    ServiceUnavailable,
    TimedOut,
    Timeouts,
)

if TYPE_CHECKING:
    from both import Both
    from clock import Clock

pytest_plugins = ("both", "clock")

MESSAGE = Message().from_("me@example.com").to("ann@example.com", "bob@example.com", "cy@example.com").text("Hi")
ONE = Message().from_("me@example.com").to("ann@example.com").text("Hi")


WAITS: list[tuple[Retry, float, list[float]]] = [
    # and chance, and the times of the attempts
    (Retry(4), 0.0, [0, 1, 3, 7]),
    (Retry(4), 0.5, [0, 0.75, 2.25, 5.25]),
    (Retry(4, jitter=0), 0.5, [0, 1, 3, 7]),
    (Retry(4, jitter=1), 0.5, [0, 0.5, 1.5, 3.5]),
    (Retry(5, wait=10, max_wait=25), 0.0, [0, 10, 30, 55, 80]),
    (Retry(3, wait=100), 0.0, [0, 60, 120]),
    (Retry(1), 0.0, [0]),
    (Retry(1200, wait=0.001, max_wait=0.001), 0.0, [n / 1000 for n in range(1200)]),
]


@pytest.mark.parametrize(("retry", "chance", "times"), WAITS)
def test_waits_double(both: Both, clock: Clock, retry: Retry, chance: float, times: list[float]) -> None:
    clock.chance = chance
    transport = Scripted("451 later")
    assert sent(both, transport, ONE, retry=retry).attempts == len(times)
    assert transport.times == pytest.approx(times)


HINTS: list[tuple[str, Retry, list[float]]] = [
    ("451 4.7.1 try again in 30 seconds", Retry(3), [0, 30, 60]),
    ("421 4.7.0 throttled, wait 1 minute", Retry(3), [0, 60, 120]),
    ("454 4.7.0 please retry after 2s", Retry(4), [0, 2, 4, 8]),
    # More than it may: then trying earlier has no chance.
    ("450 4.2.0 Greylisted for 300 seconds", Retry(3), [0]),
    ("450 4.2.0 Greylisted for 300 seconds", Retry(3, max_wait=300), [0, 300, 600]),
]


@pytest.mark.parametrize(("said", "retry", "times"), HINTS)
def test_the_server_says_when(both: Both, clock: Clock, said: str, retry: Retry, times: list[float]) -> None:
    for attempt in (said, ServiceUnavailable("not now", reply=reply(said))):
        began = clock.runtime.now()
        transport = Scripted(attempt)
        sent(both, transport, ONE, retry=retry)
        assert [time - began for time in transport.times] == pytest.approx(times)


def test_the_hint_of_the_error_says_when(both: Both) -> None:
    receipt = sent(both, Scripted("450 4.2.0 Greylisted for 300 seconds"), ONE)
    assert receipt.error is not None
    assert (receipt.error.hint or "").endswith("This may pass: the same mail can be sent again after 300 seconds.")


TOTALS: list[tuple[float, list[float]]] = [(0.5, [0]), (1, [0]), (1.5, [0, 1]), (3.5, [0, 1, 3]), (99, [0, 1, 3, 7])]


@pytest.mark.parametrize(("total", "times"), TOTALS)
def test_waits_end_with_the_time_for_the_whole_send(both: Both, clock: Clock, total: float, times: list[float]) -> None:
    transport = Scripted("451 later", total=total)
    sent(both, transport, ONE, retry=Retry(4))
    assert transport.times == times
    assert {mail.deadline for mail in transport.mails} == {total}


@pytest.mark.parametrize("many", [False, True])
def test_attempts_end_with_the_time_for_the_whole_send(both: Both, clock: Clock, many: bool) -> None:
    refusing = "S: 220 mail.test\nC: EHLO me.test\nS: 250 mail.test\nC~ MAIL.*\nS: 451 later"
    silent = "C~ MAIL.*\nrest"
    clock.serve(iter([Player(steps(f"{refusing}\n{silent}")[0]), Player(steps("rest")[0])]))
    transport = PlaintextSmtpTransport("localhost", local_hostname="me.test", timeouts=Timeouts(total=10))
    mailer = both.mailer(transport, retry=Retry())
    if many:
        (receipt,) = both.send_many(mailer, [ONE])
    else:
        with pytest.raises(TimedOut) as caught:
            both.send(mailer, ONE)
        assert caught.value.receipt is not None
        receipt = caught.value.receipt
    assert (receipt.attempts, statuses(receipt), clock.runtime.now()) == (2, "not_sent", 10)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, GeneratorExit])
def test_an_interruption_says_who_got_it(both: Both, interruption: type[BaseException]) -> None:
    transport = Scripted({"ann": "250", "bob": "451", "cy": "doubt"}, interruption())
    limit = DailyLimit(9)
    with pytest.raises(interruption) as caught:
        sent(both, transport, MESSAGE, retry=Retry(wait=0), limits=limit)
    assert limit.used() == 1
    got, in_doubt = caught.value.__notes__
    assert got.endswith("was accepted for ann@example.com")
    assert in_doubt.endswith("may have been accepted for cy@example.com")


# -- in a batch --------------------------------------------------------------------


def test_receipts_stay_in_order(both: Both, clock: Clock) -> None:
    transport = Scripted("250", "451", "250", "250", "421", "421", "421", "250")
    messages = [ONE.subject(str(n)).completed() for n in range(4)]
    receipts = list(both.send_many(both.mailer(transport, retry=Retry()), messages))
    assert [receipt.message for receipt in receipts] == messages
    assert [receipt.attempts for receipt in receipts] == [1, 2, 1, 3]
    assert [receipt.ok for receipt in receipts] == [True, True, True, False]


WINDOW = """
S: 220 mail.test
C: EHLO me.test
S: 250-mail.test
S: 250-PIPELINING
S: 250 CHUNKING
C: MAIL FROM:<me@example.com>
C: RCPT TO:<n0@example.com>
bdat
S: 250 sender
S: 250 recipient
S: 250 accepted
C: RSET
C: MAIL FROM:<me@example.com>
C: RCPT TO:<n1@example.com>
bdat
S: 250 reset
S: 250 sender
S: 451 later
S: 503 nobody
C: RSET
C: MAIL FROM:<me@example.com>
C: RCPT TO:<n2@example.com>
bdat
S: 250 reset
S: 250 sender
S: 250 recipient
S: 250 accepted
C: MAIL FROM:<me@example.com>
C: RCPT TO:<n1@example.com>
S: 250 sender
S: 250 recipient
chunk
S: 250 more
bdat
S: 250 accepted
"""


def test_mails_in_flight_are_heard_before_it_waits(both: Both, clock: Clock) -> None:
    player = Player(steps(WINDOW)[0])
    clock.serve(iter([player]))
    transport = PlaintextSmtpTransport("localhost", local_hostname="me.test", timeouts=Timeouts(total=30))
    messages = [Message().from_("me@example.com").to(f"n{n}@example.com").text(str(n)) for n in range(3)]
    mailer = both.mailer(transport, retry=Retry(2, wait=20))
    receipts = list(both.send_many(mailer, messages, in_flight=3))
    both.close(mailer)
    player.check()
    assert [list(receipt.accepted) for receipt in receipts] == [[f"n{n}@example.com"] for n in range(3)]
    assert [receipt.attempts for receipt in receipts] == [1, 2, 1]
    assert clock.runtime.now() == 20
