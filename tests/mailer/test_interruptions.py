"""Interrupted between any two lines, forked at any moment, cancelled at any await: nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smtpkit import DailyLimit, FakeTransport, Mailer, Message, PlaintextSmtpTransport, Timeouts
from smtpkit.runtime.aio import AsyncRuntime

if TYPE_CHECKING:
    from types import FrameType

    from servers.smtpd import StartSmtpd

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
