"""Every cell of the table in virtual time: nothing lost, doubled, misreported, hanging or leaking."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from cells import CELLS, PAUSE, TIMEOUTS, Cell
from simulation import mail, simulated, untrue
from smtpkit import SmtpTlsTransport
from truth import Truth

if TYPE_CHECKING:
    from both import AnyMailer, Both
    from smtpkit import Receipt
    from smtpkit.runtime.simulated import SimulatedRuntime

pytest_plugins = ("both",)

CONTEXT = ssl.create_default_context()


def sent(both: Both, mailer: AnyMailer, cell: Cell, runtime: SimulatedRuntime) -> list[Receipt]:
    mails = cell.mails
    if cell.way == "window":
        return list(both.send_many(mailer, mails, in_flight=8))
    if cell.way == "pooled":
        return list(both.send_many(mailer, mails, connections=3))
    receipts = [both.receipt(mailer, mails[0])]
    if cell.way == "rested":
        runtime.advance(PAUSE)
    return receipts + [both.receipt(mailer, each) for each in mails[1:]]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_cell(both: Both, cell: Cell) -> None:
    truth = Truth(cell.extensions, faults=cell.faults, drip=9)
    with simulated(truth) as runtime:
        options: dict[str, Any] = {
            "username": "ann",
            "password": "pa55word",
            "local_hostname": "me",
            "timeouts": TIMEOUTS,
        }
        mailer = both.mailer(SmtpTlsTransport("truth.test", tls=CONTEXT, **options))
        receipts = sent(both, mailer, cell, runtime)
        if cell.stage == "QUIT":
            both.close(mailer)
        began = runtime.now()
        after = both.receipt(mailer, mail("after"))
        waited = runtime.now() - began
        both.close(mailer)
    problems = untrue(truth, [*cell.mails, mail("after")], [*receipts, after], cell.doubts)
    if cell.mixed_up:
        problems = [each for each in problems if not each.startswith("accepted, and never sent")]
    problems += cell.differences(receipts)
    assert not problems
    assert after.ok
    assert waited == 0, "it waited for a place in the pool"
    assert runtime.now() <= cell.patience
    assert all(stream.closed for stream in runtime.streams), "a connection was left open"
