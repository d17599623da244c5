"""Happy Eyeballs: the addresses of a name, each a moment after the one before (RFC 8305 §5).

The standard library has it too, and leaves sockets open when it is cancelled.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from smtpkit.runtime.names import LookUp
from smtpkit.runtime.waiting import tune

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from typing import Any

    from smtpkit.runtime.names import SocketAddress

__all__ = ["dial", "found", "race"]

_ATTEMPT_DELAY = 0.25
"""Seconds before the next address is tried beside those before it."""


async def found(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[SocketAddress]:
    """The addresses of ``host``, in the order to try them.

    ``loop.getaddrinfo`` asks in a pool of threads that ``asyncio.run`` waits for: a resolver that hangs would hold it.

    Raises:
        OSError: there is no such name.
    """
    asking, answered = LookUp(host, port), asyncio.Event()

    def done() -> None:
        # Nobody waits any more in a loop that is closed.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(answered.set)

    asking.begin(done)
    await answered.wait()
    return asking.addresses()


async def dial(loop: asyncio.AbstractEventLoop, address: SocketAddress, source_address: str | None) -> socket.socket:
    """A socket that is connected to ``address``; none is left open if that fails or is cancelled."""
    family, target = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if source_address:
            sock.bind((source_address, 0))
        await loop.sock_connect(sock, target)
        tune(sock)
    except BaseException:
        sock.close()
        raise
    return sock


async def race(attempts: Sequence[Coroutine[Any, Any, socket.socket]]) -> socket.socket:
    """The socket of the first attempt that succeeds; those of the others are closed.

    Raises:
        OSError: none did; with the reasons of all of them.
    """
    coming = list(reversed(attempts))
    running: set[asyncio.Task[socket.socket]] = set()
    winner: asyncio.Task[socket.socket] | None = None
    failures: list[OSError] = []
    try:
        while winner is None:
            if coming:
                running.add(asyncio.ensure_future(coming.pop()))
            elif not running:
                raise _all_failed(failures)
            done, running = await asyncio.wait(
                running, timeout=_ATTEMPT_DELAY if coming else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                failure = task.exception()
                if failure is None and winner is None:
                    winner = task
                elif failure is None:
                    task.result().close()
                elif isinstance(failure, OSError):
                    failures.append(failure)
                else:
                    raise failure
        return winner.result()
    finally:
        for attempt in coming:
            attempt.close()
        for task in running:
            task.add_done_callback(_close)
            task.cancel()


def _close(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def _all_failed(failures: list[OSError]) -> OSError:
    if len(failures) == 1:
        return failures[0]
    return OSError(
        failures[0].errno, "; ".join(dict.fromkeys(failure.strerror or str(failure) for failure in failures))
    )
