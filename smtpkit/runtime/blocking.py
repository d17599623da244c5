"""The runtime of `Mailer`: blocking sockets. None of its coroutines ever suspends."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any
from weakref import finalize

from smtpkit.runtime.alarm import BlockingAlarm
from smtpkit.runtime.base import World
from smtpkit.runtime.driver import run
from smtpkit.runtime.names import LookUp, local_name
from smtpkit.runtime.network import permit
from smtpkit.runtime.tls import certificate_of
from smtpkit.runtime.waiting import BOTH, READABLE, WRITABLE, tune, wait

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import ParamSpec, TypeVar

    from smtpkit.certificate import Certificate
    from smtpkit.events import Tell
    from smtpkit.runtime.names import SocketAddress

    P = ParamSpec("P")
    T = TypeVar("T")

__all__ = ["BlockingRuntime", "BlockingStream", "run"]

_READ = 64 * 1024
_EARLY_LIMIT = 1024 * 1024
"""Octets kept of a server that talks while we write; more is no SMTP server."""


class BlockingStream:
    """A socket that is non-blocking underneath: every wait has a deadline, and writing also reads."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._hold(sock)
        self._early = bytearray()
        self._listening = True

    def _hold(self, sock: socket.socket) -> None:
        self._socket = sock
        # A script that ends with its mailer open has done nothing wrong: no ResourceWarning. A `__del__` would be late:
        # of a cycle of garbage the socket may be finalized first.
        self._end = finalize(self, sock.close)

    @property
    def local_name(self) -> str:
        return local_name(self._socket.getsockname())

    @property
    def tls_version(self) -> str | None:
        return self._socket.version() if isinstance(self._socket, ssl.SSLSocket) else None

    @property
    def peer_address(self) -> str:
        return str(self._socket.getpeername()[0])

    @property
    def peer_certificate(self) -> Certificate | None:
        return certificate_of(self._socket.getpeercert()) if isinstance(self._socket, ssl.SSLSocket) else None

    async def read(self, deadline: float) -> bytes:
        data: bytes | None = None
        # Waiting first: when we ask, the answer is mostly not there yet. But what came in time is heard, however late
        # it is asked for.
        if self._early or self._decrypted() or time.monotonic() >= deadline:
            data = self._receive()
        while data is None:
            wait(self._socket, READABLE, deadline)
            data = self._from_socket()
        return data

    def _decrypted(self) -> bool:
        """Whether TLS holds octets that the socket does not tell of."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    async def received(self) -> bytes | None:
        return self._receive()

    def _receive(self) -> bytes | None:
        if self._early:
            data = bytes(self._early[:_READ])
            del self._early[:_READ]
            return data
        return self._from_socket()

    def _from_socket(self) -> bytes | None:
        try:
            return self._socket.recv(_READ)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    async def write(self, data: bytes, progress: float, deadline: float) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._await_room(min(time.monotonic() + progress, deadline))

    def _await_room(self, deadline: float) -> None:
        while not wait(self._socket, BOTH if self._listening else WRITABLE, deadline) & WRITABLE:
            early = self._from_socket()
            self._early += early or b""
            # The end of the stream stays readable for ever: waiting for more would not wait.
            self._listening = early != b"" and len(self._early) < _EARLY_LIMIT

    async def start_tls(self, context: ssl.SSLContext, host: str, deadline: float) -> bytes:
        secured = context.wrap_socket(self._socket, server_hostname=host, do_handshake_on_connect=False)
        self._end.detach()
        self._hold(secured)
        while True:
            try:
                secured.do_handshake()
                return secured.getpeercert(binary_form=True) or b""
            except ssl.SSLWantReadError:
                wait(secured, READABLE, deadline)
            except ssl.SSLWantWriteError:
                wait(secured, WRITABLE, deadline)

    def close(self) -> None:
        self._end()

    abandon = close
    """The parent of a fork keeps its own copy of the socket, so that closing ours is silent."""


class BlockingEvent:
    """An event between threads."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, deadline: float) -> bool:
        return self._event.wait(max(deadline - time.monotonic(), 0))


class BlockingRuntime:
    """Time, connections and waiting for programs without an event loop."""

    __slots__ = ("tell",)

    def __init__(self, tell: Tell | None = None) -> None:
        self.tell: Tell | None = tell

    def now(self) -> float:
        return time.monotonic()

    def timestamp(self) -> float:
        return time.time()

    @property
    def world(self) -> World:
        return World("blocking")

    def permit(self, host: str, port: int) -> None:
        permit(host, port)

    async def connect(self, host: str, port: int, source_address: str | None, deadline: float) -> BlockingStream:
        permit(host, port)
        addresses = _found(host, port, deadline)
        failures: list[OSError] = []
        for number, address in enumerate(addresses):
            # What is left is shared among the addresses that are left: one that swallows packets does not use it up.
            seconds = (deadline - time.monotonic()) / (len(addresses) - number)
            try:
                return BlockingStream(_connected(address, source_address, max(seconds, 0.001)))
            except OSError as error:
                failures.append(error)
        if len(failures) == 1 or all(isinstance(failure, TimeoutError) for failure in failures):
            raise failures[0]
        raise OSError(failures[0].errno, "; ".join(map(str, failures)))

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def event(self) -> BlockingEvent:
        return BlockingEvent()

    def alarm(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> BlockingAlarm:
        return BlockingAlarm(seconds, work)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)


def _found(host: str, port: int, deadline: float) -> list[SocketAddress]:
    asking, answered = LookUp(host, port), threading.Event()
    asking.begin(answered.set)
    if not answered.wait(max(deadline - time.monotonic(), 0)):
        raise TimeoutError("the name was not resolved in time")
    return asking.addresses()


def _connected(address: SocketAddress, source_address: str | None, seconds: float) -> socket.socket:
    family, target = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if source_address:
            sock.bind((source_address, 0))
        sock.settimeout(seconds)
        sock.connect(target)
        tune(sock)
    except BaseException:
        sock.close()
        raise
    return sock
