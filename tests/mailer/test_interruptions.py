"""Interrupted between any two lines, forked at any moment, cancelled at any await: nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripted import Player, serving, simulated, steps
from smtpkit import (
    AsyncMailer,
    DailyLimit,
    FakeTransport,
    Mailer,
    Message,
    Outcome,
    PlaintextSmtpTransport,
    Receipt,
    Timeouts,
    transport_from_function,
)
from smtpkit.delivery import Delivery
from smtpkit.dispatch import END, Dispatch
from smtpkit.runtime.aio import AsyncRuntime
from smtpkit.runtime.blocking import run
from smtpkit.runtime.simulated import SimulatedStream

if TYPE_CHECKING:
    from types import FrameType

    from servers.smtpd import StartSmtpd
    from smtpkit.dispatch import End
    from smtpkit.limits import Reservation
    from smtpkit.receipt import Status
    from smtpkit.runtime.base import Runtime

MESSAGE = Message().from_("a@example.com").to("b@example.com").text("Hi")
WATCHED = ("pool.py", "smtp.py")


class _Interruption:
    """Raises KeyboardInterrupt at the n-th line that is run in the pool and the transport."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, frame: FrameType, event: str, argument: object) -> _Interruption | None:
        if Path(frame.f_code.co_filename).name not in WATCHED:
            return None
        # What runs in a finalizer cannot be interrupted from there.
        if frame.f_code.co_name in ("__del__", "leave", "vacate"):
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self


def test_no_interrupt_costs_a_place_in_the_pool(smtpd: StartSmtpd) -> None:
    server = smtpd(security="plaintext")
    timeouts = Timeouts(acquire=0.2)
    interrupted = 0
    with Mailer(PlaintextSmtpTransport(server.host, server.port, timeouts=timeouts)) as mailer:
        for number in range(1, 200):
            mailer.send(MESSAGE)
            before = sys.gettrace()
            sys.settrace(_Interruption(number))
            try:
                mailer.send(MESSAGE)
            except KeyboardInterrupt:
                interrupted += 1
            else:
                break
            finally:
                sys.settrace(before)
    assert interrupted > 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_fork_while_others_send() -> None:
    mailer = Mailer(FakeTransport(), limits=DailyLimit(10**9))
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            mailer.send(MESSAGE)

    threads = [threading.Thread(target=send, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            child = os.fork()
            if child == 0:
                ok = mailer.send(MESSAGE).ok
                os._exit(0 if ok else 1)
            killer = threading.Timer(20, os.kill, (child, 9))
            killer.start()
            _, status = os.waitpid(child, 0)
            killer.cancel()
            assert status == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux tells which files are open")
def test_a_cancelled_connect_leaves_no_socket(smtpd: StartSmtpd) -> None:
    server = smtpd(security="plaintext")

    async def connect_and_cancel(awaits: int) -> None:
        runtime = AsyncRuntime()
        connecting = asyncio.ensure_future(runtime.connect("127.0.0.1", server.port, None, runtime.now() + 5))
        for _ in range(awaits):
            await asyncio.sleep(0)
        connecting.cancel()
        with suppress(asyncio.CancelledError):
            (await connecting).close()
        # In which the loop closes what was aborted.
        for _ in range(5):
            await asyncio.sleep(0)

    async def scenario() -> int:
        await connect_and_cancel(1)
        gc.collect()
        gc.disable()
        try:
            before = _open_files()
            for awaits in range(40):
                await connect_and_cancel(awaits)
            # The server is in this process too, and closes its ends in a thread of its own.
            for _ in range(500):
                if _open_files() <= before:
                    break
                await asyncio.sleep(0.01)
            return _open_files() - before
        finally:
            gc.enable()

    assert asyncio.run(scenario()) <= 0


# -- what an interruption says -----------------------------------------------------

HELLO = "S: 220 mail.test\nC: EHLO me.test\nS: 250-mail.test\nS: 250-PIPELINING\nS: 250 CHUNKING\n"
MAIL = "C: MAIL FROM:<a@example.com>\nC: RCPT TO:<b@example.com>\nbdat\n"
YES = "S: 250 ok\nS: 250 ok\nS: 250 accepted\n"
TOLD = {
    f"{name}.py"
    for name in [
        "delivery",
        "dispatch",
        "smtp",
        "lane",
        "ledger",
        "connection",
        "window",
        "transaction",
        "dialogue",
        "replies",
    ]
}


def _delivery(limit: DailyLimit) -> Delivery:
    transport = PlaintextSmtpTransport("a.test", local_hostname="me.test")
    return Delivery(transport, default_from=None, limits=(limit,), retry=None, on_partial="return", provider=None)


class _InterruptionOnceHandedOver(_Interruption):
    """Raises KeyboardInterrupt at the n-th line after the server has got the whole mail."""

    def __init__(self, number: int, player: Player) -> None:
        super().__init__(number)
        self._player = player

    def __call__(self, frame: FrameType, event: str, argument: object) -> _InterruptionOnceHandedOver | None:
        if os.path.basename(frame.f_code.co_filename) not in TOLD:  # noqa: PTH119 - it is done for each call
            return None
        # In the last lines of all the receipt is on its way to the caller: nothing is called there, and so no signal
        # is heard.
        if event == "line" and self._player.content and frame.f_code.co_qualname != "Delivery.send":
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self


def _interrupted(number: int, player: Player, limit: DailyLimit) -> BaseException | None:
    """What a send ends with that is interrupted at the n-th line after the mail was handed over."""
    sending = _delivery(limit).send(MESSAGE, None, simulated([player]))
    before = sys.gettrace()
    sys.settrace(_InterruptionOnceHandedOver(number, player))
    try:
        run(sending)
    except KeyboardInterrupt as interruption:
        return interruption
    finally:
        sys.settrace(before)
    return None


def test_an_interruption_between_any_two_lines_says_what_became_of_the_mail() -> None:
    said: list[str] = []
    for number in range(1, 1000):
        player, limit = Player(steps(HELLO + MAIL + YES)[0]), DailyLimit(5)
        interruption = _interrupted(number, player, limit)
        if interruption is None:
            break
        notes: list[str] = getattr(interruption, "__notes__", [])
        said.append("\n".join(notes))
        assert notes, (number, "".join(traceback.format_tb(interruption.__traceback__)[-3:]))
        assert limit.used() == 1
    assert len(said) > 40
    known = [" was accepted for b@example.com" in note for note in said]
    assert (known[0], known[-1]) == (False, True)
    assert all(" may have been accepted" in note for note, sure in zip(said, known, strict=True) if not sure)


RSET = "C: RSET\n"
AGAIN = f"S: 250 ok\n{YES}"
NO = "S: 250 ok\nS: 250 ok\nS: 550 who?\nS: 503 no\n"
BATCHES: list[tuple[str, list[str]]] = [
    # What came with the reply to the first mail, and what is said of the second and the third.
    (AGAIN * 2, ["<1@example.com> was accepted", "<2@example.com> was accepted"]),
    (AGAIN, ["<1@example.com> was accepted", "<2@example.com> was handed over"]),
    ("", ["<1@example.com> was handed over", "<2@example.com> was handed over"]),
    (NO, ["<2@example.com> was handed over"]),
    (NO + AGAIN, ["<2@example.com> was accepted"]),
    ("S: 421 bye\n", ["<1@example.com> was handed over", "<2@example.com> was handed over"]),
    (f"{AGAIN}S: 421 bye\n", ["<1@example.com> was accepted", "<2@example.com> was handed over"]),
    (AGAIN * 3, ["<1@example.com> was accepted", "<2@example.com> was accepted"]),
]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
@pytest.mark.parametrize(("replies", "expected"), BATCHES)
def test_an_interrupted_batch_says_what_became_of_each(
    interruption: type[BaseException], replies: str, expected: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Three mails are handed over, and one receipt is there, when the source of the messages is interrupted."""
    limit = DailyLimit(10)
    runtime = simulated([Player(steps(f"{HELLO}{MAIL}{(RSET + MAIL) * 2}{YES}{replies}rest")[0])])
    left = [MESSAGE.message_id(f"<{number}@example.com>") for number in range(3)]

    async def pull() -> Message:
        if not left:
            raise interruption
        return left.pop(0)

    dispatch = Dispatch(_delivery(limit), pull, runtime, 1, 3)
    receipt = run(dispatch.next())
    assert receipt is not None
    assert receipt.ok
    with pytest.raises(interruption) as caught:
        run(dispatch.next())
    notes: list[str] = getattr(caught.value, "__notes__", [])
    assert len(notes) == len(expected), notes
    for note, text in zip(sorted(notes), expected, strict=True):
        assert text in note
        assert f"interrupted: {note.removeprefix('smtpkit: ')}" in caplog.messages
    assert limit.used() == 3
    assert all(stream.closed for stream in runtime.streams)


def test_no_interruption_claims_what_is_not_so() -> None:
    """A reply that is lost between two lines must not give its place to the next one."""
    refused = "S: 250 ok\nS: 250 ok\nS: 554 no\n"
    script = steps(f"{HELLO}{MAIL}{(RSET + MAIL) * 2}{refused}S: 250 ok\n{refused}{AGAIN}rest")[0]
    claimed: set[str] = set()
    number = 0
    for number in range(1, 2000):
        player = Player(script)
        runtime = simulated([player])
        left = [MESSAGE.message_id(f"<{each}@example.com>") for each in range(3)]

        async def pull(left: list[Message] = left) -> Message | End:
            return left.pop(0) if left else END

        dispatch = Dispatch(_delivery(DailyLimit(5)), pull, runtime, 1, 16)
        notes = _notes_of_interrupted(number, player, dispatch)
        if notes is None:
            break
        claimed |= {note.split()[1] for note in notes if "was accepted" in note}
    assert number > 100
    assert claimed == {"<2@example.com>"}


def _notes_of_interrupted(number: int, player: Player, dispatch: Dispatch) -> list[str] | None:
    before = sys.gettrace()
    sys.settrace(_InterruptionOnceHandedOver(number, player))
    try:
        while run(dispatch.next()) is not None:
            pass
    except KeyboardInterrupt as interruption:
        return getattr(interruption, "__notes__", [])
    finally:
        sys.settrace(before)
    return None


def test_a_mail_in_several_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first recipient has it when the second transaction is interrupted."""
    limited = HELLO.replace("250 CHUNKING", "250-CHUNKING\nS: 250 LIMITS RCPTMAX=1")
    player = Player(steps(f"{limited}{MAIL}{YES}rest")[0])
    runtime = simulated([player])
    sending = _delivery(DailyLimit(5)).send(MESSAGE.to("c@example.com"), None, runtime)
    plain = SimulatedStream.read

    async def interrupted(self: SimulatedStream, deadline: float) -> bytes:
        if self._due or not player.content:  # pyright: ignore[reportPrivateUsage]
            return await plain(self, deadline)
        raise KeyboardInterrupt

    monkeypatch.setattr(SimulatedStream, "read", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        run(sending)
    notes: list[str] = getattr(caught.value, "__notes__", [])
    assert ["was accepted for b@example.com" in note for note in notes] == [False, True]
    assert "may have been accepted" in notes[0]


class _Slow(DailyLimit):
    """A limit whose store answers late."""

    def __init__(self) -> None:
        super().__init__(5)
        self.asked = asyncio.Event()

    async def settle(self, reservation: Reservation, receipt: Receipt, runtime: Runtime) -> None:
        self.asked.set()
        await asyncio.sleep(60)


@pytest.mark.parametrize("how", ["send", "send_many"])
@pytest.mark.parametrize(
    ("status", "note"),
    [("accepted", "was accepted for b@"), ("uncertain", "may have been accepted for b@"), ("refused", None)],
)
def test_cancelled_after_the_receipt_was_there(how: str, status: Status, note: str | None) -> None:
    async def scenario() -> tuple[list[str], int]:
        limit = _Slow()
        transport = transport_from_function(lambda mail: Receipt.of(mail, Outcome(status)))
        mailer = AsyncMailer(transport, limits=limit)

        async def sending() -> object:
            return await (mailer.send(MESSAGE) if how == "send" else anext(mailer.send_many([MESSAGE])))

        task = asyncio.create_task(sending())
        await limit.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return getattr(caught.value, "__notes__", []), limit.used()

    notes, used = asyncio.run(scenario())
    assert [note in each for each in notes if note] == ([True] if note else [])
    assert len(notes) == (note is not None)
    assert used == 1


@pytest.mark.parametrize(
    ("script", "note"),
    [
        ("S: 220 mail.test\nC: EHLO me.test\n", None),
        (f"{HELLO}{MAIL}", "may have been accepted"),
        (f"{HELLO}{MAIL}S: 250 ok\nS: 250 ok\n", "may have been accepted"),
    ],
)
def test_cancelled_while_a_reply_is_to_come(script: str, note: str | None) -> None:
    player = Player(steps(f"{script}rest")[0])

    async def scenario(port: int) -> tuple[list[str], int]:
        limit = DailyLimit(5)
        transport = PlaintextSmtpTransport("127.0.0.1", port, local_hostname="me.test")
        task = asyncio.create_task(AsyncMailer(transport, limits=limit).send(MESSAGE))
        while not (player.content if note else player.said):  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return getattr(caught.value, "__notes__", []), limit.used()

    with serving([player]) as port:
        notes, used = asyncio.run(scenario(port))
    assert [note in each for each in notes if note] == ([True] if note else [])
    assert len(notes) == (note is not None)
    assert used == 1
