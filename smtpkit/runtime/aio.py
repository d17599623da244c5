"""The runtime of `AsyncMailer`: an asyncio event loop."""

from __future__ import annotations

import asyncio
import socket
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from smtpkit.runtime.base import World
from smtpkit.runtime.names import local_name
from smtpkit.runtime.waiting import READABLE, ready

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    P = ParamSpec("P")
    T = TypeVar("T")

__all__ = ["AsyncRuntime", "AsyncStream"]

_ATTEMPT_DELAY = 0.25
"""Seconds before the next address is tried beside the first (RFC 8305 §5)."""


class _Waiter:
    """One party that waits, until it is woken or a deadline comes."""

    __slots__ = ("_future", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._future: asyncio.Future[bool] | None = None

    def wake(self) -> None:
        self._done(True)

    def _done(self, woken: bool) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(woken)

    async def wait(self, deadline: float) -> bool:
        """Whether it was woken; ``False`` at the deadline."""
        # uvloop takes no infinity.
        when = min(deadline, self._loop.time() + 86400)
        self._future = self._loop.create_future()
        timer = self._loop.call_at(when, self._done, False)
        try:
            return await self._future
        finally:
            timer.cancel()
            self._future = None


class AsyncStream(asyncio.Protocol):
    """One connection: what arrived, and whether there is room to write."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._arrived = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._full = False
        self._reader = _Waiter(loop)
        self._writer = _Waiter(loop)

    # -- what the loop calls ---------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._arrived += data
        self._reader.wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._reader.wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc
        self._reader.wake()
        self._writer.wake()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._writer.wake()

    # -- what the conversation calls -------------------------------------------

    @property
    def _open(self) -> asyncio.Transport:
        if self._transport is None:
            raise ConnectionResetError("the connection is closed")
        return self._transport

    @property
    def local_name(self) -> str:
        return local_name(self._open.get_extra_info("sockname"))

    async def read(self, deadline: float) -> bytes:
        while (data := self._taken()) is None:
            if not await self._reader.wait(deadline):
                raise TimeoutError("timed out")
        return data

    def _taken(self) -> bytes | None:
        if self._arrived:
            data = bytes(self._arrived)
            self._arrived.clear()
            return data
        if self._error is not None:
            raise self._error
        return b"" if self._ended else None

    async def received(self) -> bytes | None:
        sock: socket.socket | None = self._open.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0 and ready(sock, READABLE, 0):
            # The loop has not come round to read it: once to see that it is there, once to read.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return self._taken()

    async def write(self, data: bytes, progress: float, deadline: float) -> None:
        transport = self._open
        self._refuse_if_ended()
        transport.write(data)
        waiting = transport.get_write_buffer_size()
        while self._full and not self._ended:
            if not await self._writer.wait(min(self._loop.time() + progress, deadline)):
                left = transport.get_write_buffer_size()
                if left >= waiting or self._loop.time() >= deadline:
                    raise TimeoutError("timed out")
                waiting = left

    def _refuse_if_ended(self) -> None:
        if self._ended:
            raise self._error or ConnectionResetError("the connection was closed by the other side")

    async def start_tls(self, context: ssl.SSLContext, host: str, deadline: float) -> None:
        # The end of the stream is told once: the handshake would wait for it.
        self._refuse_if_ended()
        # The loop's own time-out is a ConnectionAbortedError, so it must not come first.
        longer = max(deadline - self._loop.time(), 0) + 60
        async with asyncio.timeout_at(deadline):
            secured = await self._loop.start_tls(
                self._open, self, context, server_hostname=host, ssl_handshake_timeout=longer
            )
        if secured is None:
            raise ConnectionResetError("the connection was closed during the TLS handshake")
        self._transport = secured

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None and not self._loop.is_closed():
            transport.abort()

    def abandon(self) -> None:
        # The transport is bound to a loop that is closed, or to the parent's: it must not be touched.
        transport, self._transport = self._transport, None
        if transport is not None and self._loop.is_closed():
            # Nobody else can end this connection, and the socket lives until the garbage collector comes.
            with suppress(OSError, TypeError):  # uvloop's sockets cannot do it, and are closed with their loop
                transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


class AsyncEvent:
    """An event between tasks of one loop."""

    def __init__(self) -> None:
        self._waiter = _Waiter(asyncio.get_running_loop())
        self._set = False

    def set(self) -> None:
        self._set = True
        self._waiter.wake()

    async def wait(self, deadline: float) -> bool:
        return self._set or await self._waiter.wait(deadline)


class AsyncRuntime:
    """Time, connections and waiting in the running event loop."""

    __slots__ = ("_loop",)

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def now(self) -> float:
        return self._loop.time()

    def timestamp(self) -> float:
        return time.time()

    @property
    def world(self) -> World:
        return World("asyncio", weakref.ref(self._loop))

    async def connect(self, host: str, port: int, source_address: str | None, deadline: float) -> AsyncStream:
        options: dict[str, Any] = {}
        if isinstance(self._loop, asyncio.BaseEventLoop):
            # Happy Eyeballs (RFC 8305); other loops try one address after the other.
            options = {"happy_eyeballs_delay": _ATTEMPT_DELAY, "interleave": 1}
        if source_address:
            options["local_addr"] = (source_address, 0)
        async with asyncio.timeout_at(deadline):
            try:
                _, stream = await self._loop.create_connection(lambda: AsyncStream(self._loop), host, port, **options)
            except UnicodeError as error:
                raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
        return stream

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def event(self) -> AsyncEvent:
        return AsyncEvent()

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(function, *args, **kwargs)
