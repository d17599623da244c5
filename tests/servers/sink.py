"""A server that takes mail and keeps nothing of it but its length."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_SECONDS = 60.0
_ANSWERS = {b"EHLO": b"250 sink.test\r\n", b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}


class Sink:
    """SMTP on a free port of 127.0.0.1, within ``with``, for one connection. It reads content into one buffer."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.octets = 0
        """Of the content, as it was on the wire, with the lone dot."""
        self._listener = socket.create_server((self.host, 0))
        self._listener.settimeout(_SECONDS)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="sink", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing does not wake who waits in accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(_SECONDS)
        self._listener.close()
        assert not self._thread.is_alive(), "the sink did not stop"

    def _serve(self) -> None:
        with suppress(OSError):
            self._converse(self._listener.accept()[0])

    def _converse(self, sock: socket.socket) -> None:
        with closing(sock):
            sock.settimeout(_SECONDS)
            sock.sendall(b"220 sink.test ESMTP\r\n")
            with sock.makefile("rb") as lines:
                for line in iter(lines.readline, b""):
                    sock.sendall(_ANSWERS.get(line[:4], b"250 ok\r\n"))
                    if line == b"QUIT\r\n":
                        break
                    if line == b"DATA\r\n":
                        self._take_content(sock)
                        sock.sendall(b"250 2.0.0 taken\r\n")

    def _take_content(self, sock: socket.socket) -> None:
        # Nothing comes after DATA before its answer: so the file object holds nothing back.
        buffer, end = bytearray(65536), b""
        while end != b"\r\n.\r\n":
            count = sock.recv_into(buffer)
            assert count, "the client hung up"
            self.octets += count
            end = (end + buffer[max(count - 5, 0) : count])[-5:]
