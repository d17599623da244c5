"""A connection that is found broken when what was held back for it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripted import each_way, play
from smtpkit import Mail, Message

if TYPE_CHECKING:
    from scripted import Way
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
MAIL = """
C: MAIL FROM:<ann@a.test>
C: RCPT TO:<bob@b.test>
bdat
S: 250 sender
S: 250 recipient
S: 250 accepted
"""
MESSAGE = Message().from_("ann@a.test").to("bob@b.test")

ENDS: list[tuple[str, list[str]]] = [
    ("S: 421 4.3.2 bye\nbreak", ["accepted", "accepted", "accepted"]),
    ("break", ["accepted", "uncertain", "accepted"]),
]


async def three(transport: SmtpTransport, runtime: Runtime) -> list[Receipt]:
    """Two of them are written while the first is under way, and the third after all that."""
    carrier = transport.carrier(runtime, connections=1, in_flight=3)
    try:
        for number in range(3):
            await carrier.put(Mail(MESSAGE.text(f"mail {number}")))
            await carrier.flush()
        return [await carrier.take() for _ in range(3)]
    finally:
        carrier.release()


@pytest.mark.parametrize(("end", "statuses"), ENDS)
@pytest.mark.parametrize("way", each_way("break"), ids="-".join)
def test_what_is_under_way_is_told_and_the_rest_goes_over_a_new_connection(
    way: Way, end: str, statuses: list[str]
) -> None:
    over_again = "C: RSET\nS: 250 reset".join([MAIL] * statuses[1:].count("accepted"))
    transcript = f"{OPENING}{MAIL}{end}\n--\n{OPENING}{over_again}"
    receipts = play(transcript, way, three)
    assert [outcome.status for each in receipts for outcome in each.outcomes.values()] == statuses
    assert [each.error is None for each in receipts] == [status == "accepted" for status in statuses]
