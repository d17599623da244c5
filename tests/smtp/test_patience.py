"""No more is in flight than a server bears if it refuses all of it: Postfix and Exim close without a word then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripted import Way, each_way, play
from smtpkit import Mail, Message

if TYPE_CHECKING:
    from smtpkit import Receipt
    from smtpkit.runtime.base import Runtime
    from smtpkit.transports.smtp import SmtpTransport

OPENING = """
S: 220 mail.test ESMTP
C: EHLO me.test
S: 250-mail.test
S: 250-PIPELINING
S: 250 CHUNKING
"""
ACCEPTED = """
C: MAIL FROM:<ann@a.test>
C: RCPT TO:<r0@b.test>
bdat
S: 250 sender
S: 250 recipient
S: 250 accepted
"""
REFUSED = """
C: MAIL FROM:<ann@a.test>
C: RCPT TO:<r0@b.test>
bdat
S: 250 sender
S: 550 no such mailbox
S: 554 no valid recipients
"""


def mail(recipients: int) -> Mail:
    return Mail(Message().from_("ann@a.test").to([f"r{number}@b.test" for number in range(recipients)]).text("Hi"))


@pytest.mark.parametrize(
    ("before", "in_flight", "recipients", "begun"),
    [
        ("", 16, 1, 9),
        ("", 4, 1, 4),
        ("", 16, 3, 4),
        ("", 16, 8, 2),
        ("", 16, 30, 1),
        ("-", 16, 1, 8),
        ("--", 16, 1, 7),
        ("---", 16, 1, 1),
        # Each that was accepted in a row lets one more fly.
        ("+", 16, 1, 10),
        ("+++++++", 16, 1, 16),
        ("+++++++", 16, 3, 8),
        ("+++++++-", 16, 1, 8),
        ("-+++", 16, 1, 12),
    ],
)
def test_how_many_fly_before_a_reply_is_heard(
    caplog: pytest.LogCaptureFixture, before: str, in_flight: int, recipients: int, begun: int
) -> None:
    async def fill(transport: SmtpTransport, runtime: Runtime) -> None:
        carrier = transport.carrier(runtime, 1, in_flight)
        for _ in before:
            await transport.send(mail(1), runtime)
        caplog.clear()
        while carrier.room:
            await carrier.put(mail(recipients))
        carrier.release()

    caplog.set_level("DEBUG", "smtpkit.wire")
    script = "".join(
        ("\nC: RSET\nS: 250 reset" if before[:number].endswith("-") else "") + (ACCEPTED if each == "+" else REFUSED)
        for number, each in enumerate(before)
    )
    play(f"{OPENING}{script}\nrest", Way("simulated", "whole"), fill)
    assert sum(record.getMessage().startswith("C: MAIL") for record in caplog.records) == begun


PARTINGS = [("554 Too many nonmail commands", "accepted"), ("502 5.5.1 no such command", "uncertain")]


@pytest.mark.parametrize(("reply", "status"), PARTINGS)
@pytest.mark.parametrize("way", each_way("break"), ids="-".join)
def test_only_who_has_had_enough_has_taken_nothing_after_it(way: Way, reply: str, status: str) -> None:
    """A server that cannot do RSET may have accepted what followed when the connection was lost."""

    async def two(transport: SmtpTransport, runtime: Runtime) -> list[Receipt]:
        carrier = transport.carrier(runtime, connections=1, in_flight=2)
        for _ in range(2):
            await carrier.put(mail(1))
        receipts = [await carrier.take() for _ in range(2)]
        carrier.release()
        return receipts

    flight = REFUSED.partition("S:")[0]
    accepted = "S: 250 sender\nS: 250 recipient\nS: 250 accepted"
    again = f"\n--\n{OPENING}{flight}{accepted}" if status == "accepted" else ""
    first, second = play(f"{OPENING}{flight}C: RSET{flight}{accepted}\nS: {reply}\nbreak{again}", way, two)
    assert first.ok
    assert [outcome.status for outcome in second.outcomes.values()] == [status]
