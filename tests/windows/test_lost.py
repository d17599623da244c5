"""A window of mails whose connection is lost, at every octet of both sides: what is claimed of each mail is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from simulation import mail, send_many, untrue
from truth import CHUNKING, ENDINGS, PIPELINING, Fault, Truth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit.runtime.simulated import Delivery, Ending
    from truth import Session

MAILS = [mail(number) for number in range(8)]


class Mode(NamedTuple):
    """What the server offers, and how much may be in doubt: what is under way on one connection."""

    extensions: tuple[str, ...]
    connections: int
    doubts: int
    mails: int = 8


MODES = {
    "chunked": Mode(CHUNKING, 1, 8),
    "pipelined": Mode(PIPELINING, 1, 1, mails=5),
    "one by one": Mode((), 1, 1, mails=3),
    "on two connections": Mode(CHUNKING, 2, 8),
    "on two connections, pipelined": Mode(PIPELINING, 2, 1),
}


def send(truth: Truth, mode: Mode, delivery: Delivery = "whole") -> list[str]:
    """What is untrue of the receipts of `MAILS`."""
    mails, in_flight = MAILS[: mode.mails], 8 // mode.connections
    receipts = send_many(truth, mails, connections=mode.connections, in_flight=in_flight, delivery=delivery)
    return untrue(truth, mails, receipts, mode.doubts)


def healthy(mode: Mode, connection: int) -> Session:
    """The connection where nothing goes wrong."""
    truth = Truth(mode.extensions)
    assert send(truth, mode) == []
    return truth.sessions[connection]


def check(mode: Mode, connection: int, faults: Iterable[Fault], delivery: Delivery = "whole") -> None:
    wrong: list[str] = []
    for fault in faults:
        truth = Truth(mode.extensions, faults={connection: fault})
        wrong += [f"{fault}: {each}" for each in send(truth, mode, delivery)]
    assert not wrong, "\n".join([f"{len(wrong)} are wrong", *wrong[:20]])


CASES = [
    pytest.param(mode, connection, ending, id=f"{name}-{connection}-{ending}")
    for name, mode in MODES.items()
    for connection in range(mode.connections)
    for ending in ("close", "reset", "stall")
    if name != "on two connections, pipelined"
]


@pytest.mark.parametrize(("mode", "connection", "ending"), CASES)
def test_lost_at_every_octet_of_the_client(mode: Mode, connection: int, ending: Ending) -> None:
    heard = healthy(mode, connection).heard
    check(mode, connection, (Fault("heard", at, ending) for at in range(heard)))


@pytest.mark.parametrize(("mode", "connection", "ending"), CASES)
def test_lost_at_every_octet_of_the_server(mode: Mode, connection: int, ending: Ending) -> None:
    said = healthy(mode, connection).said
    check(mode, connection, (Fault("said", at, ending) for at in range(said)))


@pytest.mark.parametrize("flaw", ["421", "421 and no more", *ENDINGS])
@pytest.mark.parametrize("delivery", ["whole", "byte"])
@pytest.mark.parametrize(
    ("mode", "connection"),
    [
        pytest.param(mode, connection, id=f"{name}-{connection}")
        for name, mode in MODES.items()
        for connection in range(mode.connections)
    ],
)
def test_leaves_instead_of_every_reply(mode: Mode, connection: int, delivery: Delivery, flaw: Any) -> None:
    replies = healthy(mode, connection).replies
    check(mode, connection, (Fault("reply", at, flaw) for at in range(replies)), delivery)
