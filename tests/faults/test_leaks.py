"""10 000 sends with faults at random: no socket, thread, task or memory is left behind."""

from __future__ import annotations

import asyncio
import gc
import ssl
import threading
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from cells import CELLS, TIMEOUTS
from memory import MIB, left_at_most
from servers.truthful import Truthful
from simulation import mail, simulated, untrue
from smtpkit import SmtpTlsTransport, Timeouts
from truth import Truth

if TYPE_CHECKING:
    from both import AnyMailer, Both
    from cells import Mode
    from servers.certificates import Certificates
    from smtpkit import Receipt
    from truth import Fault

pytest_plugins = ("both",)

MAILS = [mail(number) for number in range(10)]
CONTEXT = ssl.create_default_context()
SEED = 5
SENDS = 2375
REAL_SENDS = 125
"""For each mailer and mode, which makes 10 000."""
LOGIN: dict[str, Any] = {"username": "ann", "password": "pa55word", "local_hostname": "me", "connections": 3}
EXTENSIONS: dict[Mode, tuple[str, ...]] = {
    "DATA": ("STARTTLS", "PIPELINING"),
    "BDAT": ("STARTTLS", "PIPELINING", "CHUNKING"),
}


class Held(NamedTuple):
    """What the process holds."""

    sockets: int
    threads: int
    tasks: int


def held(both: Both) -> Held:
    # Of the loop first: it is made when it is asked for.
    tasks = len(asyncio.all_tasks(both.runner.get_loop()))
    gc.collect()
    directory = next(each for each in (Path("/proc/self/fd"), Path("/dev/fd")) if each.exists())
    return Held(sum(1 for _ in directory.iterdir()), threading.active_count(), tasks)


def settled(both: Both, wanted: Held) -> Held:
    """What is held as soon as it is what is ``wanted``, or after some seconds: servers take their time to close."""
    until = time.monotonic() + 5
    while (found := held(both)) != wanted and time.monotonic() < until:
        both.wait(asyncio.sleep(0.01))
    return found


def faults(random: Random, *, real: bool = False) -> dict[int, Fault]:
    """What goes wrong on the next connections: something on two of three."""
    usable = [each for each in CELLS if not real or each.fault in ("close", "reset", "421", "4yz", "5yz", "garbage")]
    found: dict[int, Fault] = {}
    for number in range(2 * len(MAILS)):
        (fault,) = random.choice(usable).faults.values()
        if random.random() < 2 / 3:
            found[number] = fault
    return found


def sent(both: Both, mailer: AnyMailer, truth: Truth, random: Random) -> list[Receipt]:
    """The receipts of some of `MAILS`, which are true."""
    truth.sessions.clear()
    truth.accepted.clear()
    receipts = send(both, mailer, random)
    assert untrue(truth, MAILS[: len(receipts)], receipts, len(receipts)) == []
    return receipts


def send(both: Both, mailer: AnyMailer, random: Random) -> list[Receipt]:
    """Send `MAILS`, one by one, as a batch, or as one that is left early."""
    if random.random() < 0.4:
        return [both.receipt(mailer, each) for each in MAILS]
    with both.send_many(mailer, MAILS, connections=random.randint(1, 3), in_flight=random.randint(1, 8)) as batch:
        receipts = [each for _, each in zip(range(random.randint(1, len(MAILS))), batch, strict=False)]
    return receipts + batch.batch.remaining


@pytest.mark.parametrize("mode", EXTENSIONS)
def test_in_virtual_time(both: Both, mode: Mode) -> None:
    random, truth = Random(SEED), Truth(EXTENSIONS[mode], drip=9)

    def send_many(count: int) -> None:
        while count > 0:
            truth.faults = faults(random)
            count -= len(sent(both, mailer, truth, random))
            runtime.streams[:] = [each for each in runtime.streams if not each.closed]
            assert len(runtime.streams) <= 3

    with simulated(truth) as runtime:
        mailer = both.mailer(SmtpTlsTransport("truth.test", tls=CONTEXT, timeouts=TIMEOUTS, **LOGIN))
        send_many(SENDS // 5)
        before = held(both)
        with left_at_most(5 * MIB):
            send_many(SENDS - SENDS // 5)
            both.close(mailer)
    assert all(each.closed for each in runtime.streams)
    assert held(both) == before


@pytest.mark.parametrize("mode", EXTENSIONS)
def test_over_sockets(both: Both, mode: Mode, certificates: Certificates) -> None:
    random, truth = Random(SEED), Truth(EXTENSIONS[mode])
    timeouts = Timeouts(connect=10, greeting=10, reply=10, progress=10, final_reply=10)
    with Truthful(truth, context=certificates.server_context()) as server:
        context = certificates.client_context()
        mailer = both.mailer(SmtpTlsTransport("localhost", server.port, tls=context, timeouts=timeouts, **LOGIN))
        sent(both, mailer, truth, random)
        both.close(mailer)
        before, count = held(both), REAL_SENDS
        while count > 0:
            truth.faults = faults(random, real=True)
            count -= len(sent(both, mailer, truth, random))
            both.close(mailer)
        assert settled(both, before) == before
