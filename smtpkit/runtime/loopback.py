"""The other end, for tests: peers that are served on a port of this machine."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from smtpkit.runtime.network import open_port, shut_port
from smtpkit.runtime.simulated import Act

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

    from smtpkit.runtime.simulated import Ending, Peer

__all__ = ["Loopback"]

_SECONDS = 10.0
_AT_ONCE = 0.001
"""Seconds that are of virtual time alone."""


class Loopback:
    """Serves the peers that ``dial`` gives on a free port of 127.0.0.1, each in a thread, from `start` to `stop`.

    Of more than ``most`` connections at a time the further ones get a peer of ``too_many``. With ``context`` peers can
    shake hands.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        dial: Callable[[str, int], Peer],
        context: ssl.SSLContext | None = None,
        *,
        most: int = 1000,
        too_many: Callable[[], Peer] | None = None,
    ) -> None:
        self.context: ssl.SSLContext | None = context
        self.port: int = 0
        self.busiest: int = 0
        """The most connections that were open at a time."""
        self.turned_away: int = 0
        self.stopped: threading.Event = threading.Event()
        self.lock: threading.Lock = threading.Lock()
        """Held by the one connection that changes something."""
        self._dial = dial
        self._most = most
        self._too_many: Callable[[], Peer] = too_many or _TurningAway
        self._admitted: set[_Connection] = set()
        self._open: set[_Connection] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None

    def start(self) -> None:
        """Listen."""
        self._listener = socket.create_server((self.host, 0), backlog=1000)
        self.port = self._listener.getsockname()[1]
        open_port(self.port)
        self._begin(threading.Thread(target=self._accept, args=(self._listener,), name="smtpkit-loopback", daemon=True))

    def stop(self) -> None:
        """Cut all connections and listen no more. May be called again."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        self.stopped.set()
        shut_port(self.port)
        # Closing does not wake who waits in accept().
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(_SECONDS)
        listener.close()
        for connection in tuple(self._open):
            connection.abort()
        for thread in self._threads:
            thread.join(_SECONDS)
        assert not any(thread.is_alive() for thread in self._threads), "the server did not stop"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _begin(self, thread: threading.Thread) -> None:
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while not self.stopped.is_set():
                sock, _ = listener.accept()
                connection = _Connection(self, sock)
                self._begin(threading.Thread(target=connection.serve, name="smtpkit-loopback", daemon=True))

    def admit(self, connection: _Connection) -> Peer:
        """Its peer; another one if there is no room for it."""
        with self.lock:
            self._open.add(connection)
            if len(self._admitted) >= self._most:
                self.turned_away += 1
                return self._too_many()
            self._admitted.add(connection)
            self.busiest = max(self.busiest, len(self._admitted))
            return self._dial(self.host, self.port)

    def dismiss(self, connection: _Connection) -> None:
        """It is over."""
        with self.lock:
            self._open.discard(connection)
            self._admitted.discard(connection)


class _TurningAway:
    """Says that there are too many connections."""

    certificate = b""

    def hear(self, data: bytes) -> list[Act]:
        return [Act(b"421 4.7.0 too many connections\r\n", ending="close")]

    def secure(self) -> bool:
        return False


class _Connection:
    def __init__(self, server: Loopback, sock: socket.socket) -> None:
        self._server = server
        self._socket = sock

    def serve(self) -> None:
        try:
            # A client that goes away, or refuses our certificate, is what many tests are about.
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._converse()
        finally:
            self._server.dismiss(self)
            self._socket.close()

    def _converse(self) -> None:
        peer = self._server.admit(self)
        data = b""
        while True:
            with self._server.lock:
                acts = peer.hear(data)
                shaking = self._server.context is not None and peer.secure()
            for act in acts:
                if self._do(act):
                    return
            if shaking:
                self._shake_hands()
                data = b""
            elif not (data := self._socket.recv(65536)):
                return

    def _shake_hands(self) -> None:
        assert self._server.context is not None
        # Python leaves a socket open that was reset before it is wrapped.
        self._socket.recv(1, socket.MSG_PEEK)
        self._socket = self._server.context.wrap_socket(self._socket, server_side=True)

    def _do(self, act: Act) -> bool:
        """Whether it was the last one."""
        if act.after > _AT_ONCE:
            self._server.stopped.wait(act.after)
        self._socket.sendall(act.data)
        if act.ending:
            self._end(act.ending)
        return bool(act.ending)

    def _end(self, ending: Ending) -> None:
        if ending == "stall":
            self._server.stopped.wait()
        elif ending == "close":
            self._socket.shutdown(socket.SHUT_WR)
            while self._socket.recv(65536):
                pass
        else:
            # With this, closing sends RST.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def abort(self) -> None:
        """End it: this wakes who waits for it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
