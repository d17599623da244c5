"""One mailer for many: threads, tasks, event loops, processes; and what happens when its idle connection dies."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from servers.smtpd import Smtpd
from smtpkit import (
    AsyncMailer,
    Mailer,
    Message,
    PlaintextSmtpTransport,
    Receipt,
    SmtpSslTransport,
    SmtpTlsTransport,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from both import Both
    from servers.certificates import Certificates
    from servers.smtpd import StartSmtpd

pytest_plugins = ("both",)

MESSAGE = Message().from_("me@example.com").to("ann@example.com").text("Hi")
LOGIN: dict[str, Any] = {"username": "ann", "password": "right"}


class Watched(Smtpd):
    """A server that knows how many connections were open at a time, and can cut the idle ones."""

    most = 0

    def __init__(self, certificates: Certificates, **options: Any) -> None:
        super().__init__(certificates, **options)
        self.ca_file = certificates.ca_file
        self._changed = threading.Condition()

    def opened(self, connection: Any) -> None:
        super().opened(connection)
        self.most = max(self.most, len(self._open))

    def closed(self, connection: Any) -> None:
        super().closed(connection)
        with self._changed:
            self._changed.notify_all()

    def cut(self) -> None:
        """Drop all connections, and wait until they are gone."""
        assert self._loop is not None
        for connection in tuple(self._open):
            self._loop.call_soon_threadsafe(connection.abort)
        with self._changed:
            assert self._changed.wait_for(lambda: not self._open, 10)


@pytest.fixture
def server(certificates: Certificates) -> Iterator[Watched]:
    with Watched(certificates, security="tls", **LOGIN) as server:
        yield server


def transport(server: Watched, connections: int = 1) -> SmtpSslTransport:
    return SmtpSslTransport("localhost", server.port, tls=server.ca_file, connections=connections, **LOGIN)


def numbered(n: int) -> Message:
    return MESSAGE.subject(f"<{n}>")


def check(server: Watched, receipts: list[Receipt], *, mails: int, connections: int) -> None:
    assert all(receipt.ok for receipt in receipts)
    subjects = sorted(mail.content.split(b"Subject: <")[1].split(b">")[0] for mail in server.accepted)
    assert subjects == sorted(str(n).encode() for n in range(mails)), "lost or doubled"
    assert 1 <= server.connections <= connections
    assert server.most <= connections


def test_threads_share_connections(server: Watched) -> None:
    with Mailer(transport(server, 3)) as mailer, ThreadPoolExecutor(8) as threads:
        barrier = threading.Barrier(8)

        def work(number: int) -> list[Receipt]:
            barrier.wait()
            return [mailer.send(numbered(number * 25 + n)) for n in range(25)]

        receipts = [receipt for found in threads.map(work, range(8)) for receipt in found]
    check(server, receipts, mails=200, connections=3)


def test_tasks_share_connections(server: Watched) -> None:
    async def scenario() -> list[Receipt]:
        async with AsyncMailer(transport(server, 3)) as mailer:
            return await asyncio.gather(*(mailer.send(numbered(n)) for n in range(50)))

    check(server, asyncio.run(scenario()), mails=50, connections=3)


def test_batches_share_connections(server: Watched) -> None:
    async def scenario() -> list[Receipt]:
        async with AsyncMailer(transport(server, 2)) as mailer:

            async def batch(number: int) -> list[Receipt]:
                return [receipt async for receipt in mailer.send_many(numbered(number * 10 + n) for n in range(10))]

            return [receipt for found in await asyncio.gather(*map(batch, range(4))) for receipt in found]

    check(server, asyncio.run(scenario()), mails=40, connections=2)


def test_one_transport_for_both_mailers(server: Watched) -> None:
    shared = transport(server)
    mailer, other = Mailer(shared), AsyncMailer(shared)

    async def scenario() -> list[Receipt]:
        first = await other.send(numbered(1))
        second = await asyncio.to_thread(mailer.send, numbered(2))
        third = await other.send(numbered(3))
        await other.close()
        return [first, second, third]

    receipts = [mailer.send(numbered(0)), *asyncio.run(scenario()), mailer.send(numbered(4))]
    mailer.close()
    check(server, receipts, mails=5, connections=2)


def test_a_second_event_loop(server: Watched) -> None:
    mailer = AsyncMailer(transport(server))

    async def scenario(n: int) -> Receipt:
        async with mailer:
            return await mailer.send(numbered(n))

    check(server, [asyncio.run(scenario(n)) for n in range(3)], mails=3, connections=3)


# Nobody closed the mailer before its loop went: that is what asyncio warns of.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_second_event_loop_without_closing(server: Watched) -> None:
    mailer = AsyncMailer(transport(server))
    receipts = [asyncio.run(mailer.send(numbered(n))) for n in range(3)]
    asyncio.run(mailer.close())
    gc.collect()
    check(server, receipts, mails=3, connections=3)


@pytest.mark.parametrize("security", ["starttls", "tls", "plaintext"])
def test_a_mailer_that_is_garbage_leaves_quietly(smtpd: StartSmtpd, certificates: Certificates, security: Any) -> None:
    kinds = {"starttls": SmtpTlsTransport, "tls": SmtpSslTransport, "plaintext": PlaintextSmtpTransport}
    options: dict[str, Any] = {} if security == "plaintext" else {"tls": certificates.ca_file}
    running = smtpd(security=security)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            cycle: list[Any] = [Mailer(kinds[security](running.host, running.port, **options))]
            cycle.append(cycle)  # what a traceback does that somebody kept
            assert cycle[0].send(MESSAGE).ok
            del cycle
            gc.collect()
    assert [str(each.message) for each in caught] == []
    assert len(running.accepted) == 3


FORK = """
import asyncio, os, sys
from smtpkit import AsyncMailer, Mailer, Message, SmtpSslTransport

port, ca_file, kind = sys.argv[1:]
transport = SmtpSslTransport("localhost", int(port), tls=ca_file, username="ann", password="right")
mailer = Mailer(transport)
other = AsyncMailer(transport)
message = Message().from_("me@example.com").to("ann@example.com").text("Hi")

async def sending(n):
    async with other:
        await other.send(message.subject(f"<{n}>"))

def send(n):
    mailer.send(message.subject(f"<{n}>")) if kind == "sync" else asyncio.run(sending(n))

send(0)
child = os.fork()
if child == 0:
    try:
        send(1)
        send(2)
        mailer.close()
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)
send(3)
_, status = os.waitpid(child, 0)
send(4)
mailer.close()
sys.exit(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize(("kind", "connections"), [("sync", 2), ("async", 5)])
def test_after_a_fork(server: Watched, kind: str, connections: int) -> None:
    command = [sys.executable, "-W", "error", "-c", FORK, str(server.port), str(server.ca_file), kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    check(server, [], mails=5, connections=connections)
    assert server.connections == connections


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_idle_connection_that_died(both: Both, certificates: Certificates, security: Any) -> None:
    with Watched(certificates, security=security, **LOGIN) as server:
        kind: Any = SmtpTlsTransport if security == "starttls" else SmtpSslTransport
        mailer = both.mailer(kind("localhost", server.port, tls=certificates.ca_file, connections=2, **LOGIN))
        receipts = [both.send(mailer, numbered(0)), both.send(mailer, numbered(1))]
        assert server.connections == 1
        for n in (2, 3):
            server.cut()
            receipts.append(both.send(mailer, numbered(n)))
            assert server.connections == n
        check(server, receipts, mails=4, connections=3)
        assert server.most == 1


def test_several_idle_connections_that_died(server: Watched) -> None:
    mailer = AsyncMailer(transport(server, 3))

    async def scenario() -> list[Receipt]:
        receipts = await asyncio.gather(*(mailer.send(numbered(n)) for n in range(9)))
        await asyncio.to_thread(server.cut)
        receipts += await asyncio.gather(*(mailer.send(numbered(n)) for n in range(9, 18)))
        await mailer.close()
        return receipts

    check(server, asyncio.run(scenario()), mails=18, connections=6)
    assert server.most <= 3


def test_closing_and_using_again(both: Both, server: Watched) -> None:
    mailer = both.mailer(transport(server))
    receipts = [both.send(mailer, numbered(0))]
    both.close(mailer)
    both.close(mailer)
    receipts.append(both.send(mailer, numbered(1)))
    assert server.connections == 2
    check(server, receipts, mails=2, connections=2)
