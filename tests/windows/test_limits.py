"""Limits of the server and of the user, in a window: recipients, mails, octets, seconds, all or nothing."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from simulation import MODES, mail, send_many, shown, simulated, transport, untrue
from smtpkit import Mailer, RawMessage, Timeouts
from truth import Fault, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smtpkit import Receipt

EXTENSIONS = [pytest.param(extensions, id=name) for name, extensions in MODES.items()]


def people(number: int, *kinds: str) -> RawMessage:
    """A mail to one recipient of each kind: ``""``, or such as ``"rcpt-550-"``."""
    return mail(number, *(f"{kind}r{number}{place}@b.test" for place, kind in enumerate(kinds)))


def sent(truth: Truth, mails: list[RawMessage], **options: Any) -> list[str]:
    """The outcomes, which are true and certain."""
    receipts = send_many(truth, mails, **options)
    assert untrue(truth, mails, receipts) == []
    return [shown(receipt) for receipt in receipts]


def transactions(truth: Truth) -> list[int]:
    """How many each connection had."""
    return [session.verbs.count("MAIL") for session in truth.sessions]


NO = "rcpt-550-"


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize("stated", [True, False], ids=["RCPTMAX", "452"])
@pytest.mark.parametrize(
    ("kinds", "count"), [(("",) * 5, 3), ((NO, "", "", NO, ""), 3), ((NO,) * 5, 3), (("", "", "", NO, NO), 3)]
)
def test_more_recipients_than_one_transaction_takes(
    extensions: tuple[str, ...], stated: bool, kinds: tuple[str, ...], count: int
) -> None:
    if stated:
        extensions = (*extensions, "LIMITS RCPTMAX=2")
    mails = [people(number, *(kinds if number in (1, 2) else ("",))) for number in range(6)]
    truth = Truth(extensions, recipients=2)
    many = ", ".join("refused 550" if kind else "accepted 250" for kind in kinds)
    one = "accepted 250"
    assert sent(truth, mails) == [one, many, many, one, one, one]
    assert len(truth.sessions) == 1
    assert transactions(truth)[0] <= 4 + 2 * count


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize("stage", ["mail", "data", "content"])
def test_too_many_recipients_of_a_mail_that_is_refused(extensions: tuple[str, ...], stage: str) -> None:
    kind = "" if stage == "mail" else f"{stage}-550-"
    sender = "mail-550-x@a.test" if stage == "mail" else ""
    bad = mail(1, *(f"{kind}r{place}@b.test" for place in range(5)), sender=sender)
    mails = [mail(0), bad, mail(2)]
    wanted = ["accepted 250", ", ".join(["refused 550"] * 5), "accepted 250"]
    assert sent(Truth(extensions, recipients=2), mails) == wanted


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize("most", [1, 2, 3, 7, 8])
def test_mails_of_one_connection(extensions: tuple[str, ...], most: int) -> None:
    mails = [mail(number) for number in range(8)]
    full = [most] * (8 // most) + [8 % most] * (8 % most > 0)
    stated = Truth((*extensions, f"LIMITS MAILMAX={most}"), messages=most)
    assert sent(stated, mails) == ["accepted 250"] * 8
    assert transactions(stated) == full
    told = Truth(extensions)
    assert sent(told, mails, messages_per_connection=most) == ["accepted 250"] * 8
    assert transactions(told) == full
    silent = Truth(extensions, messages=most)
    assert sent(silent, mails) == ["accepted 250"] * 8


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize("places", [*combinations(range(4), 1), *combinations(range(4), 2), (0, 1, 2, 3)], ids=str)
def test_mails_that_are_too_large(extensions: tuple[str, ...], places: tuple[int, ...]) -> None:
    mails = [mail(number, body="x" * 500 if number in places else "") for number in range(4)]
    truth = Truth((*extensions, "SIZE 400"))
    wanted = ["not_sent" if number in places else "accepted 250" for number in range(4)]
    assert sent(truth, mails) == wanted
    assert sum(transactions(truth)) == 4 - len(places)


ABORTED = [
    (("", ""), "accepted 250, accepted 250"),
    (("", NO), "not_sent, refused 550"),
    ((NO, ""), "refused 550, not_sent"),
    ((NO, NO), "refused 550, refused 550"),
    (("", "", NO), "not_sent, not_sent, refused 550"),
    (("", "content-554-"), "refused 554, refused 554"),
    (("", "data-451-"), "refused 451, refused 451"),
]


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize(("kinds", "outcome"), ABORTED)
@pytest.mark.parametrize("place", range(3))
def test_all_or_nothing(extensions: tuple[str, ...], kinds: tuple[str, ...], outcome: str, place: int) -> None:
    mails = [people(number, *(kinds if number == place else ("", ""))) for number in range(3)]
    both = "accepted 250, accepted 250"
    if not extensions:
        # Who comes after the one who was refused is not asked for.
        outcome = outcome.replace("refused 550, refused 550", "refused 550, not_sent")
    wanted = [outcome if number == place else both for number in range(3)]
    assert sent(Truth(extensions), mails, on_partial="abort") == wanted


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize("stated", [True, False], ids=["RCPTMAX", "452"])
@pytest.mark.parametrize("kinds", [("", "", ""), ("", "", NO), ("", "", "", NO)])
def test_all_or_nothing_for_more_than_one_transaction_takes(
    extensions: tuple[str, ...], stated: bool, kinds: tuple[str, ...]
) -> None:
    if stated:
        extensions = (*extensions, "LIMITS RCPTMAX=2")
    mails = [people(0, "", ""), people(1, *kinds), people(2, "")]
    truth = Truth(extensions, recipients=2)
    first, much, last = send_many(truth, mails, on_partial="abort")
    assert untrue(truth, mails, [first, much, last]) == []
    assert first.ok
    assert last.ok
    assert not much.accepted


@pytest.mark.parametrize("extensions", EXTENSIONS)
def test_all_or_nothing_where_one_cannot_be_named(extensions: tuple[str, ...]) -> None:
    """The server does not offer SMTPUTF8."""
    mails = [RawMessage(mail(0).as_bytes(), bcc=["jörg@b.test"]), mail(1)]
    receipts = send_many(Truth(extensions), mails, on_partial="abort")
    assert [shown(receipt) for receipt in receipts] == ["not_sent, refused", "accepted 250"]


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize("kinds", [("", NO, ""), (NO, "", ""), ("", "", NO), ("", "", "")])
@pytest.mark.parametrize("flaw", ["421", "close", "reset"])
def test_all_or_nothing_over_a_second_connection(
    extensions: tuple[str, ...], kinds: tuple[str, ...], flaw: Any
) -> None:
    """Who was refused on the first one is remembered."""
    mails = [people(0, "", ""), people(1, *kinds), people(2, "")]
    for at in range(2, 16):
        truth = Truth(extensions, faults={0: Fault("reply", at, flaw)})
        receipts = send_many(truth, mails, on_partial="abort")
        assert untrue(truth, mails, receipts, 3) == []
        assert len(receipts[1].accepted) in (0, len(kinds) * (NO not in kinds))


def slow(mails: list[RawMessage], runtime: Any, seconds: float) -> Iterator[RawMessage]:
    """Mails that take ``seconds`` each to make."""
    for each in mails:
        yield each
        runtime.advance(runtime.now() + seconds)


TIMES = [
    (Timeouts(idle=10), 4.0, 1, 1),
    (Timeouts(idle=10), 11.0, 1, 4),
    (Timeouts(lifetime=10), 4.0, 1, 2),
    (Timeouts(lifetime=10), 11.0, 1, 4),
    (Timeouts(lifetime=10), 0.5, 1, 1),
    (Timeouts(lifetime=10), 4.0, 8, 2),
]


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize(("timeouts", "pause", "in_flight", "connections"), TIMES)
def test_how_long_a_connection_is_used(
    extensions: tuple[str, ...], timeouts: Timeouts, pause: float, in_flight: int, connections: int
) -> None:
    mails = [mail(number) for number in range(4)]
    truth = Truth(extensions)
    with simulated(truth) as runtime, Mailer(transport(timeouts=timeouts)) as mailer:
        receipts: list[Receipt] = list(mailer.send_many(slow(mails, runtime, pause), in_flight=in_flight))
    assert untrue(truth, mails, receipts) == []
    assert all(receipt.ok for receipt in receipts)
    assert len(truth.sessions) == connections
