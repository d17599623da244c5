"""A `Truth` on a real port, with a thread for each connection."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from session import Session
    from smtpkit.runtime.simulated import Act, Ending
    from truth import Truth

TurningAway: TypeAlias = Literal["421", "454", "554", "reset"]
"""How a connection too many ends; with 454 only at AUTH."""

_TURNED_AWAY = {
    "421": [b"421 4.7.0 too many connections\r\n"],
    "454": [b"220 hi\r\n", b"250-hi\r\n250 AUTH PLAIN\r\n", b"454 4.7.0 too many connections\r\n"],
    "554": [b"554 5.7.1 too many connections\r\n"],
}
_SECONDS = 10.0
_AT_ONCE = 0.001
"""Seconds that are of virtual time alone."""


class Truthful:
    """SMTP on a free port of 127.0.0.1, within ``with``. More than ``most`` connections at a time are turned away.

    With ``context`` it can do STARTTLS, if its `Truth` offers it.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        truth: Truth,
        most: int = 1000,
        context: ssl.SSLContext | None = None,
        *,
        turning_away: TurningAway = "421",
    ) -> None:
        self.turning_away: TurningAway = turning_away
        self.truth = truth
        self.context = context
        self.port = 0
        self.busiest = 0
        """The most connections that were open at a time."""
        self.turned_away = 0
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        """Held by the one connection that changes something."""
        self._most = most
        self._open: set[_Connection] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        self._listener = socket.create_server((self.host, 0), backlog=1000)
        self.port = self._listener.getsockname()[1]
        self._begin(threading.Thread(target=self._accept, args=(self._listener,), name="truthful", daemon=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listener is not None
        self.stopped.set()
        # Closing does not wake who waits in accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(_SECONDS)
        self._listener.close()
        for connection in tuple(self._open):
            connection.abort()
        for thread in self._threads:
            thread.join(_SECONDS)
        assert not any(thread.is_alive() for thread in self._threads), "the server did not stop"

    def _begin(self, thread: threading.Thread) -> None:
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while not self.stopped.is_set():
                sock, _ = listener.accept()
                connection = _Connection(self, sock)
                self._begin(threading.Thread(target=connection.serve, daemon=True))

    def admit(self, connection: _Connection) -> Session | None:
        """A session, if there is room for one more."""
        with self.lock:
            if len(self._open) >= self._most:
                self.turned_away += 1
                return None
            self._open.add(connection)
            self.busiest = max(self.busiest, len(self._open))
            return self.truth.dial(self.host, self.port)

    def dismiss(self, connection: _Connection) -> None:
        """It is over."""
        with self.lock:
            self._open.discard(connection)


class _Connection:
    def __init__(self, server: Truthful, sock: socket.socket) -> None:
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
        session = self._server.admit(self)
        if session is None:
            return self._turn_away()
        data = b""
        while True:
            with self._server.lock:
                acts = session.hear(data)
                shaking = self._server.context is not None and session.secure()
            for act in acts:
                if self._do(act):
                    return None
            if shaking:
                assert self._server.context is not None
                # Python leaves a socket open that was reset before it is wrapped.
                self._socket.recv(1, socket.MSG_PEEK)
                self._socket = self._server.context.wrap_socket(self._socket, server_side=True)
                data = b""
            elif not (data := self._socket.recv(65536)):
                return None

    def _turn_away(self) -> None:
        if self._server.turning_away == "reset":
            return self._end("reset")
        for said in _TURNED_AWAY[self._server.turning_away]:
            self._socket.sendall(said)
            self._socket.recv(65536)
        return None

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
