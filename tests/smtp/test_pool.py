"""Connections that are used again, replaced, waited for, and left alone in another world."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

from forks import forked
from scripted import ALL, Player, Way, play, serving, settle, simulated, steps
from smtpkit import errors, events
from smtpkit.envelope import Envelope
from smtpkit.mail import Mail
from smtpkit.message import Message
from smtpkit.runtime.aio import AsyncRuntime, AsyncStream
from smtpkit.runtime.blocking import BlockingEvent, BlockingRuntime, run
from smtpkit.runtime.simulated import SimulatedStream
from smtpkit.smtp.pool import Pool
from smtpkit.smtp.server import Server
from smtpkit.smtp.timeouts import Timeouts
from smtpkit.transports.smtp import PlaintextSmtpTransport

if TYPE_CHECKING:
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime
    from smtpkit.smtp.connection import Connection
    from smtpkit.transports.smtp import SmtpTransport

HELLO = """
S: 220 mail.test
C: EHLO me.test
S: 250 mail.test
"""
MAIL = """
C: MAIL FROM:<a@a.test>
S: 250 ok
C: RCPT TO:<b@b.test>
S: 250 ok
C: DATA
S: 354 go
content
S: 250 ok
"""
FIRST_LINE = "C: MAIL FROM:<a@a.test>\n"
MESSAGE = Message().from_("a@a.test").text("Hi")


def mail() -> Mail:
    return Mail(MESSAGE, Envelope("a@a.test", ["b@b.test"]))


async def twice(transport: SmtpTransport, runtime: Runtime) -> tuple[Receipt, Receipt]:
    first = await transport.send(mail(), runtime)
    # What the server says after the first mail has to be there.
    settle()
    return first, await transport.send(mail(), runtime)


@pytest.mark.parametrize("way", ALL, ids="-".join)
def test_a_connection_is_used_again(way: Way) -> None:
    first, second = play(HELLO + MAIL + MAIL, way, twice)
    assert first.ok
    assert second.ok


@pytest.mark.parametrize("way", ALL, ids="-".join)
@pytest.mark.parametrize(
    "meanwhile",
    ["close", "reset", "S: 421 4.4.2 idle for too long\nclose", "S: 421 bye", "S: 250 hello?", "S! 2", "S! \\n"],
)
def test_an_idle_connection_that_died_is_replaced(way: Way, meanwhile: str) -> None:
    """Without a round trip: nothing is said on the old one."""
    end = "" if "close" in meanwhile or "reset" in meanwhile else "rest\n"
    first, second = play(f"{HELLO}{MAIL}{meanwhile}\n{end}--{HELLO}{MAIL}", way, twice)
    assert first.ok
    assert second.ok


@pytest.mark.parametrize("way", ALL, ids="-".join)
@pytest.mark.parametrize("end", ["close", "reset", "S: 421 4.7.0 enough\nclose", "S: 421 4.7.0 enough"])
def test_a_server_that_leaves_at_the_second_mail(way: Way, end: str) -> None:
    """Nothing of it was said before, so that it goes over a new connection, once."""
    first, second = play(f"{HELLO}{MAIL}{FIRST_LINE}{end}\n--{HELLO}{MAIL}", way, twice)
    assert first.ok
    assert second.ok
    assert second.attempts == 1


@pytest.mark.parametrize("way", ALL, ids="-".join)
@pytest.mark.parametrize("end", ["close", "S: 421 4.7.0 enough"])
def test_a_server_that_leaves_at_every_mail(way: Way, end: str) -> None:
    first, second = play(f"{HELLO}{MAIL}{FIRST_LINE}{end}\n--{HELLO}{FIRST_LINE}{end}", way, twice)
    assert first.ok
    assert set(second.not_sent) == {"b@b.test"}


@pytest.mark.parametrize("way", ALL, ids="-".join)
def test_a_refused_sender_is_not_sent_again(way: Way) -> None:
    first, second = play(f"{HELLO}{MAIL}{FIRST_LINE}S: 451 later", way, twice)
    assert first.ok
    assert set(second.refused) == {"b@b.test"}


def test_a_server_that_accepts_the_mail_and_leaves_gets_it_once() -> None:
    lost = MAIL.replace("content", "content\nclose").removesuffix("S: 250 ok\n")
    first, second = play(HELLO + MAIL + lost, Way("simulated", "whole"), twice)
    assert first.ok
    assert set(second.uncertain) == {"b@b.test"}


def test_the_total_ends_a_send() -> None:
    player = Player(steps(f"{HELLO}C~ MAIL.*\nwait 4\nS: 250 ok\nC~ RCPT.*\nwait 4\nS: 250 ok\nC: DATA\nstall")[0])
    runtime = simulated([player])
    transport = PlaintextSmtpTransport("a.test", local_hostname="me.test", timeouts=Timeouts(total=10))
    receipt = run(transport.send(mail(), runtime))
    assert isinstance(receipt.error, errors.TimedOut)
    assert runtime.now() == 10


# -- waiting for a connection ------------------------------------------------------


def pool(players: int, size: int, **timeouts: Any) -> tuple[Pool, list[Player]]:
    server = Server("localhost", 25, "plaintext", local_hostname="me.test", timeouts=Timeouts(**timeouts))
    return Pool(server, size), [Player(steps(HELLO)[0]) for _ in range(players)]


def test_no_connection_becomes_free_in_time() -> None:
    async def use(pool: Pool, runtime: Runtime) -> None:
        held = await pool.acquire(runtime, float("inf"))
        for _ in range(2):
            before = runtime.now()
            with pytest.raises(errors.TimedOut) as caught:
                await pool.acquire(runtime, float("inf"))
            assert (caught.value.stage, runtime.now() - before) == ("acquire", 7)
            assert "connections=" in (caught.value.hint or "")
        pool.release(held)
        assert await pool.acquire(runtime, float("inf")) is held
        pool.release(held)
        await pool.close(runtime)

    tested, players = pool(1, 1, acquire=7)
    run(use(tested, simulated(players)))


def test_a_failed_connection_gives_its_place_back() -> None:
    async def use(pool: Pool, runtime: Runtime) -> None:
        for _ in range(3):
            with pytest.raises(errors.ConnectionLost):
                await pool.acquire(runtime, float("inf"))

    tested, _ = pool(0, 1)
    run(use(tested, simulated([Player(steps("close")[0]) for _ in range(3)])))


async def _queued(tasks: list[asyncio.Task[Any]]) -> None:
    for _ in range(5 + len(tasks)):
        await asyncio.sleep(0)


def test_first_come_first_served() -> None:
    async def use(pool: Pool, runtime: AsyncRuntime) -> None:
        order: list[int] = []

        async def one(number: int) -> None:
            connection = await pool.acquire(runtime, float("inf"))
            order.append(number)
            await asyncio.sleep(0)
            pool.release(connection)

        held = await pool.acquire(runtime, float("inf"))
        tasks = [asyncio.create_task(one(number)) for number in range(5)]
        await _queued(tasks)
        # One that gives up, and one that is taken out in the very moment in which its turn comes.
        tasks[1].cancel()
        pool.release(held)
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == [2, 3, 4]
        again = await asyncio.wait_for(pool.acquire(runtime, float("inf")), 1)
        pool.release(again)
        await pool.close(runtime)

    tested, players = pool(1, 1)
    with serving(players) as port:
        tested = Pool(Server("127.0.0.1", port, "plaintext", local_hostname="me.test"), 1)

        async def main() -> None:
            await use(tested, AsyncRuntime())

        asyncio.run(main())
    players[0].check()


def test_a_batch_that_had_more_connections_leaves_no_more_to_those_who_waited() -> None:
    players = [Player(steps(HELLO)[0]) for _ in range(4)]

    async def main(port: int) -> None:
        runtime, used, most = AsyncRuntime(), 0, 0
        pool = Pool(Server("127.0.0.1", port, "plaintext", local_hostname="me.test"), 2)

        async def one() -> None:
            nonlocal used, most
            connection = await pool.acquire(runtime, float("inf"))
            used += 1
            most = max(most, used)
            await asyncio.sleep(0)
            used -= 1
            pool.release(connection)

        held = [await pool.acquire(runtime, float("inf"), 4), *[await pool.acquire_spare(runtime, 4) for _ in range(3)]]
        tasks = [asyncio.create_task(one()) for _ in range(6)]
        await _queued(tasks)
        for connection in held:
            assert connection is not None
            pool.release(connection)
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks)
        assert most == 2
        await pool.close(runtime)

    with serving(players) as port:
        asyncio.run(main(port))


def test_who_waits_since_the_server_turned_one_away_is_tried_again_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the pool has all its places again, and nobody gives one back."""
    monkeypatch.setattr("smtpkit.smtp.room._SHRUNK", 0.1)
    players = [Player(steps(each)[0]) for each in (HELLO, "S: 421 too many", HELLO)]

    async def main(port: int) -> None:
        runtime, order = AsyncRuntime(), list[int]()
        pool = Pool(Server("127.0.0.1", port, "plaintext", local_hostname="me.test"), 2)

        async def one(number: int) -> None:
            connection = await pool.acquire(runtime, float("inf"))
            order.append(number)
            pool.release(connection)

        held = await pool.acquire(runtime, float("inf"))
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            for number in range(3):
                tasks.create_task(one(number))
        # It was the first that was turned away, and then waited behind the others.
        assert order == [1, 2, 0]
        pool.release(held)
        await pool.close(runtime)

    with serving(players) as port:
        asyncio.run(main(port))


@pytest.mark.parametrize("connections", [1, 2])
def test_that_a_connection_was_turned_away_is_said_to_who_waits_in_vain(connections: int) -> None:
    players = [Player(steps(each)[0]) for each in (HELLO, "S: 421 too many")]

    async def main(port: int) -> None:
        runtime = AsyncRuntime()
        server = Server("127.0.0.1", port, "plaintext", local_hostname="me.test", timeouts=Timeouts(acquire=0.1))
        pool = Pool(server, connections)
        held = await pool.acquire(runtime, float("inf"))
        with pytest.raises(errors.TimedOut) as caught:
            await pool.acquire(runtime, float("inf"))
        assert ("The server turned a further connection away" in (caught.value.hint or "")) == (connections == 2)
        pool.release(held)
        await pool.close(runtime)

    with serving(players[:connections]) as port:
        asyncio.run(main(port))


def test_threads_share_the_connections() -> None:
    mails, threads = 12, 4
    players = [Player(steps(HELLO + MAIL * 20)[0]) for _ in range(2)]
    receipts: deque[Receipt] = deque()
    with serving(players) as port:
        transport = PlaintextSmtpTransport("127.0.0.1", port, local_hostname="me.test", connections=2)

        def work() -> None:
            for _ in range(mails // threads):
                receipts.append(run(transport.send(mail(), BlockingRuntime())))

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(5)
        # QUIT comes early in the script, which is no matter here.
        run(transport.close(BlockingRuntime()))
    assert len(receipts) == mails
    assert all(receipt.ok for receipt in receipts)
    assert sum(len(player.content) for player in players) == mails


# -- idle connections ------------------------------------------------------------


@pytest.mark.parametrize(
    ("timeouts", "seconds", "closed"),
    [({"idle": 100}, 99, 0), ({"idle": 100}, 100, 3), ({"lifetime": 100}, 99, 0), ({"lifetime": 100}, 100, 3)],
)
@pytest.mark.parametrize("when", ["taken", "returned"])
def test_all_that_are_idle_for_too_long_are_closed(
    timeouts: dict[str, float], seconds: float, closed: int, when: str
) -> None:
    """Of four, when one of them is used again."""
    tested, players = pool(5, 4, **timeouts)
    told: list[events.Event] = []
    runtime = simulated(players, tell=told.append)

    async def use() -> None:
        held = [await tested.acquire(runtime, float("inf")) for _ in range(4)]
        for connection in held if when == "taken" else held[:3]:
            tested.release(connection)
        runtime.advance(seconds)
        if when == "returned":
            tested.release(held[3])
        else:
            held[3] = await tested.acquire(runtime, float("inf"))

    run(use())
    assert sum(stream.closed for stream in runtime.streams[:3]) == closed
    assert len([event for event in told if isinstance(event, events.Closed)]) >= closed
    run(tested.close(runtime))


# -- interrupted -------------------------------------------------------------------


class _Interrupted(Exception):
    """Stands for what may come from anywhere."""


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, _Interrupted])
@pytest.mark.parametrize("operation", ["read", "write"])
@pytest.mark.parametrize("after", [0, 1, 2, 3, 4])
def test_an_interruption_leaves_no_open_socket(
    monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException], operation: str, after: int
) -> None:
    runtime = simulated([Player(steps(HELLO + MAIL)[0]), Player(steps(HELLO + MAIL)[0])])
    transport = PlaintextSmtpTransport("a.test", local_hostname="me.test")
    left = after
    plain = getattr(SimulatedStream, operation)

    async def interrupted(self: SimulatedStream, *args: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise interruption
        return await plain(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(SimulatedStream, operation, interrupted)
        with pytest.raises(interruption):
            run(transport.send(mail(), runtime))
    assert runtime.streams[0].closed
    # Its place is free again: there is but one.
    assert run(transport.send(mail(), runtime)).ok


def test_an_interruption_after_the_content_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = simulated([Player(steps(HELLO + MAIL)[0])])
    transport = PlaintextSmtpTransport("a.test", local_hostname="me.test")
    plain = SimulatedStream.read

    async def interrupted(self: SimulatedStream, deadline: float) -> bytes:
        if runtime.streams and deadline > 500:
            raise KeyboardInterrupt
        return await plain(self, deadline)

    monkeypatch.setattr(SimulatedStream, "read", interrupted)
    sent = mail()
    with pytest.raises(KeyboardInterrupt) as caught:
        run(transport.send(sent, runtime))
    assert any(sent.message_id in note and "may have been accepted" in note for note in caught.value.__notes__)


@pytest.mark.parametrize(
    ("transcript", "secure"),
    [
        ("rest", False),
        ("S: 220 mail.test\nrest", False),
        (f"{HELLO}rest", False),
        (f"{HELLO}{FIRST_LINE}S: 250 ok\nrest", False),
        (f"{HELLO}{MAIL.replace('content', 'rest')}", False),
        ("rest", True),
    ],
)
def test_a_cancelled_send_leaves_no_open_socket(transcript: str, secure: bool, certificates: Any) -> None:
    """The server sees the end of the connection; the place is free again."""
    players = [Player(steps(transcript)[0]), Player(steps(HELLO + MAIL)[0])]

    async def main(port: int) -> None:
        runtime = AsyncRuntime()
        options: dict[str, Any] = {"local_hostname": "me.test"}
        transport = PlaintextSmtpTransport("127.0.0.1", port, **options)
        if secure:
            from smtpkit.transports.smtp import SmtpSslTransport

            await _cancelled(SmtpSslTransport("127.0.0.1", port, tls=certificates.client_context()), runtime)
        else:
            await _cancelled(transport, runtime)
        assert (await asyncio.wait_for(transport.send(mail(), runtime), 2)).ok
        await transport.close(runtime)

    with serving(players) as port:
        asyncio.run(main(port))
    gc.collect()


async def _cancelled(transport: SmtpTransport, runtime: AsyncRuntime) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(transport.send(mail(), runtime), 0.1)


def test_a_cancelled_look_at_an_idle_connection_closes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    players = [Player(steps(HELLO + MAIL + "rest")[0]), Player(steps(HELLO + MAIL)[0])]

    async def slowly(self: AsyncStream) -> bytes | None:
        await asyncio.sleep(5)
        return None

    async def main(port: int) -> None:
        runtime = AsyncRuntime()
        transport = PlaintextSmtpTransport("127.0.0.1", port, local_hostname="me.test")
        assert (await transport.send(mail(), runtime)).ok
        with monkeypatch.context() as patch:
            patch.setattr(AsyncStream, "received", slowly)
            task = asyncio.create_task(transport.send(mail(), runtime))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (await asyncio.wait_for(transport.send(mail(), runtime), 2)).ok
        await transport.close(runtime)

    with serving(players) as port:
        asyncio.run(main(port))
    gc.collect()


# -- worlds ------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_leaves_the_connections_of_its_parent_alone() -> None:
    players = [Player(steps(HELLO + MAIL + MAIL)[0]), Player(steps(HELLO + MAIL)[0])]
    with serving(players) as port:
        transport = PlaintextSmtpTransport("127.0.0.1", port, local_hostname="me.test")
        assert run(transport.send(mail(), BlockingRuntime())).ok
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if run(transport.send(mail(), BlockingRuntime())).ok else 2
                run(transport.close(BlockingRuntime()))
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        # The parent's connection was neither used nor closed, and nobody said QUIT on it.
        assert run(transport.send(mail(), BlockingRuntime())).ok
        run(transport.close(BlockingRuntime()))
    for player in players:
        player.check()
    assert players[0].said.count("QUIT") == players[1].said.count("QUIT") == 1


class _Asking(BlockingRuntime):
    """A thread with it stops where it waits for a connection, with the lock of the pool in its hands."""

    __slots__ = ("inside", "left")

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.left = threading.Event(), threading.Event()

    def event(self) -> BlockingEvent:
        self.inside.set()
        self.left.wait(5)
        return super().event()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_while_another_thread_is_in_the_pool() -> None:
    """The child gives back what it was handed, closes, and has connections of its own."""
    players = [Player(steps(HELLO + "rest")[0]), Player(steps(HELLO)[0])]
    with serving(players) as port:
        tested = Pool(Server("127.0.0.1", port, "plaintext", local_hostname="me.test"), 1)
        held = run(tested.acquire(BlockingRuntime(), float("inf")))
        asking = _Asking()
        thread = threading.Thread(target=lambda: tested.release(run(tested.acquire(asking, float("inf")))))
        thread.start()
        assert asking.inside.wait(5)
        ended = forked(lambda: _in_a_child(tested, held))
        asking.left.set()
        tested.release(held)
        thread.join(5)
        run(tested.close(BlockingRuntime()))
    assert ended
    assert not thread.is_alive()


def _in_a_child(tested: Pool, held: Connection) -> None:
    tested.release(held)
    own = run(tested.acquire(BlockingRuntime(), float("inf")))
    tested.release(own)
    run(tested.close(BlockingRuntime()))


# asyncio says so of a transport whose loop was closed before it: nobody closed the mailer.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_second_event_loop_opens_a_connection_of_its_own() -> None:
    players = [Player(steps(f"{HELLO}{MAIL}")[0]) for _ in range(3)]
    with serving(players) as port:
        transport = PlaintextSmtpTransport("127.0.0.1", port, local_hostname="me.test")

        async def one(close: bool) -> None:
            assert (await transport.send(mail(), AsyncRuntime())).ok
            if close:
                await transport.close(AsyncRuntime())

        asyncio.run(one(close=False))
        asyncio.run(one(close=True))
        # And a Mailer has its own, too.
        assert run(transport.send(mail(), BlockingRuntime())).ok
        run(transport.close(BlockingRuntime()))
    gc.collect()
    assert [player.said.count("QUIT") for player in players] == [0, 1, 1]


def test_the_total_is_counted_anew_for_each_mail() -> None:
    slow = MAIL.replace("content", "content\nwait 8")
    player = Player(steps(f"{HELLO}{slow}{slow}")[0])
    runtime = simulated([player])
    transport = PlaintextSmtpTransport("a.test", local_hostname="me.test", timeouts=Timeouts(total=10))
    assert run(transport.send(mail(), runtime)).ok
    assert run(transport.send(mail(), runtime)).ok
    assert runtime.now() == 16
