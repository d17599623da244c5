"""Replies that are missing, doubled, late or none at all, at every place of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulation import MODES, STAGES, mail, refused, send_many, shown, untrue
from truth import CHUNKING, ENDINGS, PIPELINING, Fault, Truth

if TYPE_CHECKING:
    from smtpkit import RawMessage
    from smtpkit.runtime.simulated import Delivery

FLAWS = ("missing", "doubled", "late", "garbage", "354")
BLIND = {
    *((mode, flaw, stage) for mode in MODES for flaw in ("missing", "doubled") for stage in ("data", "content")),
    ("pipelined", "missing", "mail"),
}
"""What no client can tell: a reply does not say which command it is for. Where one of a window is missing or one too
many, those behind it are read for others, and "250" for a later or earlier command looks like acceptance of a content
that was refused. Only the next 354 or the end of the window shows it, and receipts are given before."""


def replies(truth: Truth, mails: list[RawMessage], **options: Any) -> int:
    """How many the first connection gives where nothing goes wrong."""
    send_many(truth, mails, **options)
    return truth.sessions[0].replies


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("flaw", FLAWS)
@pytest.mark.parametrize(
    ("stage", "delivery"),
    [("none", "whole"), ("none", "byte"), ("content", "byte"), *((stage, "whole") for stage in STAGES)],
)
def test_a_flaw_at_every_reply(mode: str, flaw: Any, stage: str, delivery: Delivery) -> None:
    wrong: list[str] = []
    for place in (0,) if stage == "none" else (0, 1, 3):
        mails = [refused(stage, "550", n) if stage != "none" and n == place else mail(n) for n in range(4)]
        for at in range(2, replies(Truth(MODES[mode]), mails)):
            truth = Truth(MODES[mode], faults={0: Fault("reply", at, flaw)})
            receipts = send_many(truth, mails, delivery=delivery, in_flight=4)
            assert max(truth.accepted.values(), default=0) <= 1
            # Out of step, it may say what it should not.
            truth.problems.clear()
            if (mode, flaw, stage) not in BLIND:
                wrong += [f"{flaw} at {at}, {place} refused: {each}" for each in untrue(truth, mails, receipts, 4)]
    assert not wrong


@pytest.mark.parametrize("mode", MODES)
def test_late_replies_cost_only_time(mode: str) -> None:
    mails = [mail(number) for number in range(4)]
    for at in range(replies(Truth(MODES[mode]), mails)):
        truth = Truth(MODES[mode], faults={0: Fault("reply", at, "late")}, seconds=0.1)
        receipts = send_many(truth, mails)
        assert untrue(truth, mails, receipts) == []
        assert all(receipt.ok for receipt in receipts)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("flaw", ["doubled", "garbage"])
def test_what_nobody_asked_for_is_seen_before_the_next_content_goes_out(mode: str, flaw: Any) -> None:
    """The rest of the recipients go over a new connection, and nothing is in doubt."""
    mails = [mail(0, "r0@b.test", "r1@b.test", "r2@b.test")]
    final = replies(Truth(MODES[mode], recipients=3), mails) - 2  # the last is that to QUIT
    truth = Truth(MODES[mode], recipients=2, faults={0: Fault("reply", final, "doubled")})
    receipts = send_many(truth, mails)
    assert untrue(truth, mails, receipts) == []
    assert shown(receipts[0]) == "accepted 250, accepted 250, accepted 250"
    assert len(truth.sessions) == 2


LONG = "\r\n" + "\r\n".join(["." * 75] * 900)
"""More than one chunk of BDAT, and every line is dot-stuffed in DATA."""


@pytest.mark.parametrize("extensions", [CHUNKING, PIPELINING, ("CHUNKING",)], ids="-".join)
@pytest.mark.parametrize("flaw", ["421", "garbage", "354", *ENDINGS])
@pytest.mark.parametrize("long", [{0}, {1}, {0, 1, 2}], ids=str)
@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_long_mails_between_short_ones(extensions: tuple[str, ...], flaw: Any, long: set[int], seconds: float) -> None:
    mails = [mail(number, body=LONG if number in long else "") for number in range(3)]
    wrong: list[str] = []
    for at in range(2, replies(Truth(extensions), mails)):
        truth = Truth(extensions, faults={0: Fault("reply", at, flaw)}, seconds=seconds)
        receipts = send_many(truth, mails)
        found = untrue(truth, mails, receipts, 3)
        if flaw == "421" and any(receipt.not_sent or receipt.uncertain for receipt in receipts) and at > 4:
            found.append("after 421 the others go over another connection")
        wrong += [f"{flaw} at {at}: {each}" for each in found]
    assert not wrong


@pytest.mark.parametrize("extensions", [CHUNKING, PIPELINING, ("CHUNKING",), ()], ids="-".join)
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("place", range(3))
def test_long_mails_that_are_refused(extensions: tuple[str, ...], stage: str, place: int) -> None:
    mails = [mail(number, body=LONG) for number in range(3)]
    mails[place] = refused(stage, "550", place, LONG)
    truth = Truth(extensions)
    receipts = send_many(truth, mails)
    assert untrue(truth, mails, receipts) == []
    assert [shown(receipt) for receipt in receipts] == [
        "refused 550" if number == place else "accepted 250" for number in range(3)
    ]
