"""Mails that are refused within a window: each in its place, and none under the sender of another."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from simulation import MODES, STAGES, mail, refused, send_many, shown, simulated, transport, untrue
from smtpkit import Mailer
from truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smtpkit import RawMessage

CODES = ("550", "450")


def check(extensions: tuple[str, ...], bad: dict[int, tuple[str, str]], count: int = 8) -> Truth:
    """Send ``count`` mails of which those in ``bad`` are refused at a stage, with a code."""
    mails = [refused(*bad[number], number) if number in bad else mail(number) for number in range(count)]
    truth = Truth(extensions)
    receipts = send_many(truth, mails)
    assert untrue(truth, mails, receipts) == []
    wanted = [f"refused {bad[number][1]}" if number in bad else "accepted 250" for number in range(count)]
    assert [shown(receipt) for receipt in receipts] == wanted
    return truth


@pytest.mark.parametrize("extensions", MODES.values(), ids=MODES)
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("code", CODES)
def test_one_at_each_place(extensions: tuple[str, ...], stage: str, code: str) -> None:
    for place in range(8):
        assert len(check(extensions, {place: (stage, code)}).sessions) == 1


@pytest.mark.parametrize("extensions", MODES.values(), ids=MODES)
@pytest.mark.parametrize("stages", list(combinations(STAGES, 2)), ids="-".join)
def test_two_at_all_places(extensions: tuple[str, ...], stages: tuple[str, str]) -> None:
    for places in combinations(range(8), 2):
        check(extensions, {places[0]: (stages[0], "550"), places[1]: (stages[1], "450")})


@pytest.mark.parametrize("extensions", MODES.values(), ids=MODES)
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("good", [(), (0,), (7,), (0, 7), (1, 3, 5, 7), (0, 2, 4, 6)], ids=str)
def test_most_of_them(extensions: tuple[str, ...], stage: str, good: tuple[int, ...]) -> None:
    check(extensions, {number: (stage, "550") for number in range(8) if number not in good})


@pytest.mark.parametrize("extensions", MODES.values(), ids=MODES)
@pytest.mark.parametrize("stage", STAGES)
def test_a_connection_that_sees_many_refusals_is_left(extensions: tuple[str, ...], stage: str) -> None:
    """Before the server loses its patience: an Exim at the twelfth (docs/servers.md)."""
    truth = check(extensions, dict.fromkeys(range(40), (stage, "550")), count=41)
    assert 4 < len(truth.sessions) <= 8


@pytest.mark.parametrize("extensions", MODES.values(), ids=MODES)
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("server", ["exim", "postfix"])
@pytest.mark.parametrize("every", [1, 2, 5])
def test_a_server_that_loses_its_patience(extensions: tuple[str, ...], stage: str, server: str, every: int) -> None:
    mails = [refused(stage, "550", number) if number % every == 0 else mail(number) for number in range(60)]
    truth = Truth(extensions, patience=server)
    receipts = send_many(truth, mails)
    assert untrue(truth, mails, receipts) == []
    wanted = ["refused 550" if number % every == 0 else "accepted 250" for number in range(60)]
    assert [shown(receipt) for receipt in receipts] == wanted


def pulled(truth: Truth, mails: list[RawMessage], in_flight: int) -> list[int]:
    """How many mails were taken when each receipt came."""
    taken: list[int] = []

    def messages() -> Iterator[RawMessage]:
        for number, each in enumerate(mails):
            taken.append(number)
            yield each

    with simulated(truth):
        return [len(taken) for _ in Mailer(transport()).send_many(messages(), in_flight=in_flight)]


def test_a_window_is_full_while_all_goes_well() -> None:
    assert pulled(Truth(), [mail(n) for n in range(8)], 4) == [4, 5, 6, 7, 8, 8, 8, 8]


@pytest.mark.parametrize("stage", STAGES)
def test_after_the_first_refusal_it_drains(stage: str) -> None:
    mails = [refused(stage, "550", 0), *(mail(number) for number in range(1, 12))]
    assert pulled(Truth(), mails, 4) == [4, 4, 4, 4, 8, 9, 10, 11, 12, 12, 12, 12]


@pytest.mark.parametrize("stage", STAGES)
def test_after_three_refusals_one_at_a_time_until_one_is_accepted(stage: str) -> None:
    bad = [refused(stage, "550", number) for number in range(6)]
    mails = [*bad, *(mail(number) for number in range(6, 12))]
    assert pulled(Truth(), mails, 3) == [3, 3, 3, 4, 5, 6, 7, 10, 11, 12, 12, 12]
