"""A `Truth` on a real port, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from truth import Truth

_SECONDS = 10.0


class Truthful:
    """SMTP on a free port of 127.0.0.1, within ``with``. More than ``most`` connections at a time get 421."""

    host = "127.0.0.1"

    def __init__(self, truth: Truth, most: int = 1000) -> None:
        self.truth = truth
        self.port = 0
        self.open: set[_Connection] = set()
        self.busiest = 0
        """The most connections that were open at a time."""
        self.turned_away = 0
        self._most = most
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="truthful", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._ready.result(_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_SECONDS)
        assert not self._thread.is_alive(), "the server did not stop"

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self), self.host, 0, backlog=1000)
        self._ready.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        for connection in tuple(self.open):
            connection.abort()
        await asyncio.sleep(0)

    def admits(self, connection: _Connection) -> bool:
        """Whether there is room for one more."""
        if len(self.open) >= self._most:
            self.turned_away += 1
            return False
        self.open.add(connection)
        self.busiest = max(self.busiest, len(self.open))
        return True


class _Connection(asyncio.Protocol):
    def __init__(self, server: Truthful) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._server.admits(self):
            transport.write(b"421 4.7.0 too many connections\r\n")
            transport.close()
            return
        self._session = self._server.truth.dial(self._server.host, self._server.port)
        self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if self._transport.is_closing():
            return
        for act in self._session.hear(data):
            self._transport.write(act.data)
            if act.ending in ("reset", "break"):
                self._transport.abort()
            elif act.ending == "close":
                self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.open.discard(self)

    def abort(self) -> None:
        """Reset it."""
        assert self._transport is not None
        self._transport.abort()
