"""One connection to the sink: a line as long as wanted, and the flights on it.

**The line.** What answers a piece of input leaves ``delay`` after that piece arrived. Each
piece has its own time: answers to pipelined pieces overlap, as on a long line.

**A flight** is a step in the longest chain of "the client got an answer, and went on". The
greeting and a TLS handshake are steps too: they are octets that answer octets. Counted is so:
an answer to input that arrived when *n* was the highest flight of any answer that had left is
of flight *n* + 1, and the flights of a connection are the highest number that left.

**How exact this is.** Who waits for an answer is always counted, since that answer left
before. Input that waited for no answer, and arrives in pieces, is one flight as long as all
pieces arrive within ``delay`` of the first: no answer leaves in between. And since flight *n* + 1
arrives after flight *n* left, the count is never more than elapsed time divided by ``delay``.
So: what the client had to wait for <= counted <= elapsed / ``delay``. Without a delay the
count is only a number of pieces.

What TCP itself may wait for is left out: with a delay, every piece is acknowledged at once, or
Nagle's algorithm would hold back what follows the handshake in clients without TCP_NODELAY.
"""

from __future__ import annotations

import select
import socket
import ssl
import sys
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import NamedTuple

from benchmarks.sink import Connected
from benchmarks.sink.session import GREETING, Offers, Session

__all__ = ["Connection"]

_SIZE = 1 << 16  # malloc maps anew what is much larger, at each read


class Answer(NamedTuple):
    """Octets on their way."""

    due: float
    flight: int
    octets: bytes


class Tls:
    """The server's side of TLS, between octets and octets."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_side=True)
        self.established = False

    def decrypt(self, data: bytes) -> bytes:
        """What the client says, if the handshake is over."""
        self._in.write(data)
        said: list[bytes] = []
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            if not self.established:
                self._object.do_handshake()
                self.established = True
            while piece := self._object.read(_SIZE):
                said.append(piece)
        return b"".join(said)

    def encrypt(self, data: bytes) -> bytes:
        """Those, and what the handshake has to say."""
        if data:
            self._object.write(data)
        return self._out.read()


class Connection:
    """Serves one client; its counters can be read at any time."""

    def __init__(self, client: socket.socket, offers: Offers, context: ssl.SSLContext | None, delay: float) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        self._session = Session(offers)
        self._context = context
        self._tls = Tls(context) if context and not offers.starttls else None
        self._delay = delay
        self._answers: deque[Answer] = deque()
        self._flights = self._first = self._last = 0

    def connected(self) -> Connected:
        """What was counted so far."""
        session = self._session
        return Connected(session.messages, session.octets, session.refused, self._flights, self._first, self._last)

    def serve(self) -> None:
        """Serve until one of both sides closes."""
        with self._client, suppress(ConnectionError, ssl.SSLError):
            if self._tls is None:
                self._answer(GREETING, 1)
            while self._wait():
                data = self._client.recv(_SIZE)
                if not data:
                    break
                flight = self._flights + 1
                self._answer(self._hear(data, flight), flight)

    def _wait(self) -> bool:
        """Let go what is due, until there is input; false once there will be none."""
        if self._delay and sys.platform == "linux":
            self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        while self._answers:
            left = self._answers[0].due - monotonic()
            if left > 0 and select.select([self._client], [], [], left)[0]:
                return True
            self._send_due()
        return not self._session.over

    def _send_due(self) -> None:
        now = monotonic()
        while self._answers and self._answers[0].due <= now:
            answer = self._answers.popleft()
            self._flights = max(self._flights, answer.flight)
            self._client.sendall(answer.octets)

    def _answer(self, octets: bytes, flight: int) -> None:
        if not octets:
            return
        if self._delay:
            self._answers.append(Answer(monotonic() + self._delay, flight, octets))
        else:
            self._flights = flight
            self._client.sendall(octets)

    def _hear(self, data: bytes, flight: int) -> bytes:
        """The octets that answer ``data``."""
        session, tls = self._session, self._tls
        if tls is None:
            answers = self._converse(data, flight)
            if session.wants_tls:
                assert self._context is not None
                self._tls = Tls(self._context)
            return answers
        begun = tls.established
        said = tls.decrypt(data)
        answers = b""
        if tls.established and not begun:
            answers = b"" if session.wants_tls else GREETING
            session.secured()
        return tls.encrypt(answers + (self._converse(said, flight) if said else b""))

    def _converse(self, said: bytes, flight: int) -> bytes:
        session = self._session
        before = session.messages
        answers = session.hear(said)
        if session.messages > before:
            self._first = self._first or flight
            self._last = flight
        return answers
