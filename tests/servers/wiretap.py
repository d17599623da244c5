"""A server that keeps every octet that a client sends it, in plaintext, encrypted and decrypted."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Line", "Wiretap"]

_SECONDS = 10.0


class Line:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.octets = bytearray()
        """All that came: what was encrypted also as it was meant."""
        self._socket = sock
        self._heard = bytearray()
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()

    def say(self, *lines: str) -> None:
        """Say these lines, in one packet."""
        data = "".join(f"{line}\r\n" for line in lines).encode()
        if self._tls is None:
            self._socket.sendall(data)
        else:
            self._tls.write(data)
            self._flush()

    def hear(self) -> str:
        """The next line of the client.

        Raises:
            EOFError: it has gone.
        """
        while b"\n" not in self._heard:
            self._heard += self._received() if self._tls is None else self._decrypted(self._tls)
        line, _, rest = bytes(self._heard).partition(b"\n")
        self._heard = bytearray(rest)
        return line.decode("latin-1").removesuffix("\r")

    def shake_hands(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._incoming.write(bytes(self._heard))
        self._heard.clear()
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._incoming.write(self._received())
            finally:
                # Also the alert that tells why not.
                self._flush()
        self._tls = tls

    def listen(self, octets: int) -> None:
        """Take at least so many octets, whatever they are."""
        until = len(self.octets) + octets
        while len(self.octets) < until:
            self._received()

    def end(self) -> None:
        """Say nothing more, and take what still comes, until the client has gone."""
        with suppress(EOFError, OSError):
            self._socket.shutdown(socket.SHUT_WR)
            while True:
                if self._tls is None:
                    self._received()
                else:
                    self._decrypted(self._tls)

    def _received(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise EOFError
        self.octets += data
        return data

    def _decrypted(self, tls: ssl.SSLObject) -> bytes:
        while True:
            try:
                data = tls.read(65536)
            except ssl.SSLWantReadError:
                self._incoming.write(self._received())
                continue
            if not data:
                raise EOFError
            self.octets += data
            return data

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._socket.sendall(self._outgoing.read())


class Wiretap:
    """A server on a free port of 127.0.0.1, within ``with``: ``serve`` does its part of each connection."""

    def __init__(self, serve: Callable[[Line], object]) -> None:
        self.lines: list[Line] = []
        """Every connection that was made, in order."""
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_SECONDS)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="wiretap", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> bytes:
        """Listen no more; all that was heard, when the clients have gone."""
        # Closing does not wake who waits in accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(_SECONDS)
        self._listener.close()
        assert not self._thread.is_alive(), "the wiretap did not stop"
        return b"".join(bytes(line.octets) for line in self.lines)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                with closing(sock):
                    sock.settimeout(_SECONDS)
                    self._converse(Line(sock))

    def _converse(self, line: Line) -> None:
        self.lines.append(line)
        with suppress(EOFError, OSError):
            self._serve(line)
        line.end()
