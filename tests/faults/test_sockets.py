"""Cells of the table over real sockets and TLS: one mail, or threads and tasks that share connections."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from cells import CELLS, Cell, verdict
from servers.truthful import Truthful
from simulation import mail, untrue
from smtpkit import AsyncMailer, Mailer, SmtpkitError, SmtpTlsTransport, Timeouts
from truth import Truth

if TYPE_CHECKING:
    from both import Both
    from servers.certificates import Certificates
    from smtpkit import RawMessage, Receipt

pytest_plugins = ("both",)

FAULTS = ("close", "reset", "421", "5yz", "garbage", "surplus")
SLOW = ("greeting", "TLS", "AUTH", "MAIL", "final reply")
"""Stages at which a server that does not go on is waited for in real time."""
OPENING = ("greeting", "EHLO", "STARTTLS", "TLS", "second EHLO", "AUTH")


def is_real(cell: Cell) -> bool:
    """Whether it is played here. What is offered does not matter before it is used."""
    if cell.stage in ("connect", "RSET") or (cell.stage in OPENING and cell.mode == "BDAT"):
        return False
    if (cell.stage, cell.fault) == ("greeting", "reset"):
        # It may come before the connection is there.
        return False
    if cell.fault == "stall":
        return cell.way == "fresh" and cell.stage in SLOW and cell.mode == "DATA"
    return cell.fault in {"fresh": FAULTS, "pooled": ("close", "421", "garbage")}.get(cell.way, ())


REAL = [cell for cell in CELLS if is_real(cell)]
SHARING = 6
"""Threads or tasks."""


def transport(server: Truthful, cell: Cell, certificates: Certificates) -> SmtpTlsTransport:
    seconds = 0.4 if cell.fault == "stall" else 10
    timeouts = Timeouts(connect=seconds, greeting=seconds, reply=seconds, progress=seconds, final_reply=seconds)
    options: dict[str, Any] = {"username": "ann", "password": "pa55word", "timeouts": timeouts, "connections": 3}
    return SmtpTlsTransport("localhost", server.port, tls=certificates.client_context(), **options)


def received(error: SmtpkitError) -> Receipt:
    assert error.receipt is not None
    return error.receipt


def send(mailer: Mailer, message: RawMessage) -> Receipt:
    try:
        return mailer.send(message)
    except SmtpkitError as error:
        return received(error)


async def send_async(mailer: AsyncMailer, message: RawMessage) -> Receipt:
    try:
        return await mailer.send(message)
    except SmtpkitError as error:
        return received(error)


def sent(both: Both, mailer: Mailer | AsyncMailer, mails: list[RawMessage]) -> list[Receipt]:
    """The receipts of ``mails``, each sent by a thread or task of its own; then of one more."""
    if isinstance(mailer, Mailer):
        with ThreadPoolExecutor(len(mails)) as threads:
            return [*threads.map(partial(send, mailer), mails), send(mailer, mail("after"))]

    async def tasks() -> list[Receipt]:
        receipts = await asyncio.gather(*(send_async(mailer, each) for each in mails))
        return [*receipts, await send_async(mailer, mail("after"))]

    return both.wait(tasks())


def allowed(cell: Cell) -> tuple[str, ...]:
    """How the verdict on the mail that is struck may begin.

    What was said before a real RST may be lost with it; and what is said amid a content may come after its end.
    """
    expected = cell._replace(way="fresh").expected
    if cell.fault == "reset":
        expected = " ".join(expected.split()[:2])
    late = ("uncertain", "refused ServiceUnavailable content 421") if cell.stage == "content" else ()
    surplus = ("accepted", "not_sent ProtocolError") if cell.fault == "surplus" else ()
    return (expected, *late, *surplus)


@pytest.mark.parametrize("cell", REAL, ids=str)
def test_cell(both: Both, cell: Cell, certificates: Certificates) -> None:
    alone = cell.way == "fresh"
    mails = cell.mails if alone else [*cell.mails, *(mail(number) for number in range(len(cell.mails), SHARING))]
    truth = Truth(cell.extensions, faults=cell.faults)
    with Truthful(truth, context=certificates.server_context()) as server:
        mailer = both.mailer(transport(server, cell, certificates))
        *receipts, after = sent(both, mailer, mails)
        both.close(mailer)
    verdicts = [verdict(each) for each in receipts]
    wrong = [each for each in verdicts if not each.startswith(("accepted", *allowed(cell)))]
    assert not wrong, f"instead of {allowed(cell)}"
    assert untrue(truth, [*mails, mail("after")], [*receipts, after], doubts=1) == []
    assert sum(each != "accepted" for each in verdicts) <= 1
    assert (verdicts == ["accepted"]) <= (not alone or any(each.startswith("accepted") for each in allowed(cell)))
    assert after.ok
