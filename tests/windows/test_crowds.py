"""Many threads, tasks, processes and event loops with one mailer, over real sockets: nothing lost, doubled or mixed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, get_args

import pytest

from servers.truthful import Truthful, TurningAway
from simulation import MODES, mail, refused, untrue
from smtpkit import AsyncMailer, Mailer, PlaintextSmtpTransport, RawMessage
from truth import Accepted, Truth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit import Receipt

EXTENSIONS = pytest.mark.parametrize("extensions", MODES.values(), ids=MODES)
THREADS = 64
TASKS = 500


def sender(server: Truthful, connections: int = 1) -> PlaintextSmtpTransport:
    return PlaintextSmtpTransport(server.host, server.port, connections=connections)


def authenticated(server: Truthful, connections: int = 1) -> PlaintextSmtpTransport:
    options: dict[str, Any] = {"username": "ann", "password": "pa55word", "allow_insecure_auth": True}
    return PlaintextSmtpTransport(server.host, server.port, connections=connections, **options)


def numbered(number: int) -> RawMessage:
    """Every seventh is refused."""
    return refused("rcpt", "550", number) if number % 7 == 0 else mail(number)


def check(truth: Truth, sent: Iterable[tuple[RawMessage, Receipt]]) -> None:
    mails, receipts = zip(*sent, strict=True)
    assert untrue(truth, mails, receipts) == []
    assert all(receipt.accepted or receipt.refused for receipt in receipts)


@EXTENSIONS
def test_threads(extensions: tuple[str, ...]) -> None:
    """Half of them send one by one, and half in batches."""
    truth, started = Truth(extensions), threading.Barrier(THREADS)
    with Truthful(truth) as server, Mailer(sender(server, 6)) as mailer:

        def work(number: int) -> list[tuple[RawMessage, Receipt]]:
            mails = [numbered(number * 8 + n) for n in range(8)]
            started.wait()
            counts = {"in_flight": 1, "connections": 1} if number % 2 else {"in_flight": 4, "connections": 2}
            return list(zip(mails, mailer.send_many(mails, **counts), strict=True))

        with ThreadPoolExecutor(THREADS) as threads:
            check(truth, [each for found in threads.map(work, range(THREADS)) for each in found])


@EXTENSIONS
def test_tasks(extensions: tuple[str, ...]) -> None:
    truth = Truth(extensions)

    async def scenario(server: Truthful) -> list[tuple[RawMessage, Receipt]]:
        async with AsyncMailer(sender(server, 6)) as mailer:

            async def one(number: int) -> list[tuple[RawMessage, Receipt]]:
                return [(mail(number), await mailer.send(mail(number)))]

            async def batch(number: int) -> list[tuple[RawMessage, Receipt]]:
                mails = [numbered(TASKS + number * 4 + n) for n in range(4)]
                receipts = [each async for each in mailer.send_many(mails, in_flight=4, connections=2)]
                return list(zip(mails, receipts, strict=True))

            found = await asyncio.gather(*(one(n) if n % 5 else batch(n) for n in range(TASKS)))
            return [each for some in found for each in some]

    with Truthful(truth) as server:
        check(truth, asyncio.run(scenario(server)))


@EXTENSIONS
@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("turning_away", get_args(TurningAway))
def test_threads_where_the_server_turns_further_connections_away(
    extensions: tuple[str, ...], most: int, turning_away: TurningAway
) -> None:
    truth = Truth((*extensions, "AUTH PLAIN"))
    with Truthful(truth, most, turning_away=turning_away) as server, Mailer(authenticated(server, 8)) as mailer:
        mails = [mail(number) for number in range(160)]
        with ThreadPoolExecutor(16) as threads:
            receipts = list(threads.map(mailer.send, mails))
        check(truth, zip(mails, receipts, strict=True))
        assert server.turned_away <= 8


@EXTENSIONS
@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("turning_away", get_args(TurningAway))
def test_a_batch_where_the_server_turns_further_connections_away(
    extensions: tuple[str, ...], most: int, turning_away: TurningAway
) -> None:
    truth = Truth((*extensions, "AUTH PLAIN"))
    with Truthful(truth, most, turning_away=turning_away) as server, Mailer(authenticated(server)) as mailer:
        mails = [mail(number) for number in range(64)]
        receipts = list(mailer.send_many(mails, connections=4, in_flight=4))
        check(truth, zip(mails, receipts, strict=True))
        assert server.busiest == most


def test_a_second_event_loop_in_another_thread() -> None:
    """Both at a time, with one transport, which the main thread uses, too."""
    truth = Truth()

    async def scenario(mailer: AsyncMailer, numbers: range) -> list[tuple[RawMessage, Receipt]]:
        mails = [mail(number) for number in numbers]
        async with mailer:
            receipts = [each async for each in mailer.send_many(mails, in_flight=4)]
        return list(zip(mails, receipts, strict=True))

    with Truthful(truth) as server, ThreadPoolExecutor(2) as threads:
        shared = sender(server)
        others = [
            threads.submit(asyncio.run, scenario(AsyncMailer(shared), range(100 * n, 100 * n + 100))) for n in (1, 2)
        ]
        mails = [mail(number) for number in range(100)]
        with Mailer(shared) as mailer:
            sent = list(zip(mails, mailer.send_many(mails, in_flight=4), strict=True))
        check(truth, [*sent, *(each for other in others for each in other.result(60))])
        assert len(truth.sessions) == 3


WORKERS = """
import asyncio, os, sys
from smtpkit import AsyncMailer, Mailer, PlaintextSmtpTransport
from simulation import mail

kind, port = sys.argv[1], int(sys.argv[2])
transport = PlaintextSmtpTransport("127.0.0.1", port)
mailer, other = Mailer(transport), AsyncMailer(transport)

def send(numbers):
    mails = [mail(number) for number in numbers]
    if kind == "sync":
        return [receipt.ok for receipt in mailer.send_many(mails, in_flight=4)]
    async def sending():
        async with other:
            return [receipt.ok async for receipt in other.send_many(mails, in_flight=4)]
    return asyncio.run(sending())

def child(number):
    worker = os.fork()
    if worker == 0:
        ok = False
        try:
            ok = all(send(range(number * 50, number * 50 + 50)))
            mailer.close()
        finally:
            os._exit(0 if ok else 1)
    return worker

# The connection of the parent is idle when the first are forked, and has mails under way when the last is.
assert all(send(range(50)))
workers = [child(number) for number in (1, 2, 3)]
batch = mailer.send_many((mail(number) for number in range(200, 250)), in_flight=4)
oks = [next(batch).ok for _ in range(3)]
workers.append(child(5))
oks += [receipt.ok for receipt in batch]
assert len(oks) == 50 and all(oks)
for worker in workers:
    assert os.waitpid(worker, 0)[1] == 0
mailer.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_prefork_workers(kind: str) -> None:
    truth = Truth()
    with Truthful(truth) as server:
        environment: dict[str, Any] = {**os.environ, "PYTHONPATH": os.pathsep.join([".", "tests"])}
        command = [sys.executable, "-W", "error", "-c", WORKERS, kind, str(server.port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
        assert (done.returncode, done.stderr) == (0, "")
    wanted = {Accepted(f"s{n}@a.test", f"r{n}@b.test", mail(n).as_bytes()): 1 for n in range(300)}
    assert truth.accepted == wanted
    assert truth.problems == []
