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
from smtpkit.runtime.network import permit
from smtpkit.runtime.race import dial, found, race
from smtpkit.runtime.waiter import Waiter
from smtpkit.runtime.waiting import READABLE, ready

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine
    from typing import ParamSpec, TypeVar

    from smtpkit.certificate import Certificate
    from smtpkit.events import Tell

    P = ParamSpec("P")
    T = TypeVar("T")

__all__ = ["AsyncRuntime", "AsyncStream"]

_READ = 64 * 1024

_ARRIVED_LIMIT = 1024 * 1024
"""Octets kept of a server that nobody listens to; more is no SMTP server."""

_LOOK_AGAIN = 0.05


class AsyncStream(asyncio.Protocol):
    """One connection: what arrived, and whether there is room to write."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._bottom: asyncio.Transport | None = None
        self._arrived = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._deaf = False
        self._lost = False
        self._reader = Waiter(loop)
        self._writer = Waiter(loop)

    # -- what the loop calls ---------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = self._bottom = cast("asyncio.Transport", transport)
        # Told of every octet that the system does not take, so that what is said to be written is.
        self._transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        self._arrived += data
        if len(self._arrived) > _ARRIVED_LIMIT and not self._deaf:
            self._deaf = True
            self._open.pause_reading()
        self._reader.wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._reader.wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = self._lost = True
        self._error = exc
        self._reader.wake()
        self._writer.wake()

    def resume_writing(self) -> None:
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

    @property
    def tls_version(self) -> str | None:
        tls: ssl.SSLObject | None = self._open.get_extra_info("ssl_object")
        return None if tls is None else tls.version()

    @property
    def peer_address(self) -> str:
        return str(self._open.get_extra_info("peername")[0])

    @property
    def peer_certificate(self) -> Certificate | None:
        # Not at import: an event loop that speaks plaintext alone needs no TLS.
        from smtpkit.runtime.tls import certificate_of

        return certificate_of(self._open.get_extra_info("peercert"))

    async def read(self, deadline: float) -> bytes:
        while (data := self._taken()) is None:
            if not await self._reader.wait(deadline):
                raise TimeoutError("timed out")
        return data

    def _taken(self) -> bytes | None:
        if self._arrived:
            data = bytes(self._arrived[:_READ])
            del self._arrived[:_READ]
            if self._deaf and not self._arrived and not self._ended:
                self._deaf = False
                self._open.resume_reading()
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
        left = self._unsent(transport)
        stalled_at = self._loop.time() + progress
        while left and not self._ended:
            now = self._loop.time()
            if now >= min(stalled_at, deadline):
                raise TimeoutError("timed out")
            # TLS does not tell when the transport below it is done, hence the short waits.
            await self._writer.wait(min(now + _LOOK_AGAIN, stalled_at, deadline))
            before, left = left, self._unsent(transport)
            if left < before:
                stalled_at = self._loop.time() + progress

    def _unsent(self, transport: asyncio.Transport) -> int:
        """Octets that wait for room, within TLS and below it."""
        below = self._bottom if self._bottom is not None and self._bottom is not transport else None
        return transport.get_write_buffer_size() + (below.get_write_buffer_size() if below is not None else 0)

    def _refuse_if_ended(self) -> None:
        if self._ended:
            raise self._error or ConnectionResetError("the connection was closed by the other side")

    async def start_tls(self, context: ssl.SSLContext, host: str, deadline: float) -> bytes:
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
        secured.set_write_buffer_limits(high=1, low=0)
        self._transport = secured
        shaken: ssl.SSLObject = secured.get_extra_info("ssl_object")
        return shaken.getpeercert(binary_form=True) or b""

    def close(self) -> None:
        self._reader.close()
        self._writer.close()
        transport, self._transport = self._transport, None
        # A transport that is done already does not stand it on 3.11.
        if transport is not None and not self._lost and not self._loop.is_closed():
            transport.abort()

    def abandon(self) -> None:
        # The transport is bound to a loop that is closed, or to the parent's: it must not be touched.
        transport, self._transport = self._transport, None
        if transport is not None and self._loop.is_closed():
            # Nobody else can end this connection, and the socket lives until the garbage collector comes.
            with suppress(OSError, TypeError):  # uvloop's sockets cannot do it, and are closed with their loop
                transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


class AsyncEvent:
    """An event that tasks of one loop wait for; any thread may set it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter = Waiter(self._loop)
        self._set = False

    def set(self) -> None:
        self._set = True
        if _running() is self._loop:
            self._waiter.wake()
        else:
            # From another thread; nobody waits in a loop that is closed.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._waiter.wake)

    async def wait(self, deadline: float) -> bool:
        try:
            return self._set or await self._waiter.wait(deadline)
        finally:
            self._waiter.close()


class AsyncAlarm:
    """A timer that is looked at when it is due, and not each time it is set."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._work = work
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._working: asyncio.Task[None] | None = None

    def set(self) -> None:
        self._due = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due is not None and self._due > self._loop.time():
            self._timer = self._loop.call_at(self._due, self._look)
        elif self._due is not None:
            self._due = None
            self._working = self._loop.create_task(self._work())

    async def clear(self) -> None:
        self._due = None
        working, self._working = self._working, None
        if working is not None:
            await working

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class AsyncRuntime:
    """Time, connections and waiting in the running event loop."""

    __slots__ = ("_loop", "tell")

    def __init__(self, tell: Tell | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self.tell: Tell | None = tell

    def now(self) -> float:
        return self._loop.time()

    def timestamp(self) -> float:
        return time.time()

    @property
    def world(self) -> World:
        return World("asyncio", weakref.ref(self._loop))

    def permit(self, host: str, port: int) -> None:
        permit(host, port)

    async def connect(self, host: str, port: int, source_address: str | None, deadline: float) -> AsyncStream:
        permit(host, port)
        async with asyncio.timeout_at(deadline):
            addresses = await found(self._loop, host, port)
            sock = await race([dial(self._loop, address, source_address) for address in addresses])
            try:
                _, stream = await self._loop.create_connection(lambda: AsyncStream(self._loop), sock=sock)
            except BaseException:
                sock.close()
                raise
        return stream

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def event(self) -> AsyncEvent:
        return AsyncEvent()

    def alarm(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncAlarm:
        return AsyncAlarm(self._loop, seconds, work)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(function, *args, **kwargs)


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
