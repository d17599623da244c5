"""A scripted SMTP server: one transcript, played to any runtime, delivered whole, by line or by octet.

A transcript has one step a line::

    S: 220 mail.test ESMTP     the server says a line; several in a row are one packet
    S! \\x15\\x03              it says these octets and nothing more
    C: MAIL FROM:<a@b.test>    the client says exactly this line
    C~ EHLO \\S+               it says a line that this expression matches
    content                    it sends content, up to the lone dot
    bdat / chunk               it sends BDAT with its octets: the last chunk, or one before it
    some 100000                it sends at least so many octets, which nobody looks at
    rest                       whatever it says from here on, nobody looks at
    tls [certificate]          both shake hands; in a simulation the server shows these octets as its certificate
    wait 5                     so many virtual seconds pass
    close / reset / break / stall     see `smtpkit.runtime.simulated.Ending`
    --                         the next connection

QUIT is answered wherever a transcript is over.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import threading
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar

import pytest

from smtpkit.runtime.aio import AsyncRuntime
from smtpkit.runtime.blocking import BlockingRuntime, run
from smtpkit.runtime.simulated import Act, SimulatedRuntime
from smtpkit.smtp.timeouts import Timeouts
from smtpkit.transports.smtp import SmtpTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable

    from servers.certificates import Certificates
    from smtpkit.events import Tell
    from smtpkit.runtime.base import Runtime
    from smtpkit.runtime.simulated import Delivery, Ending
    from smtpkit.smtp.server import Security

    T = TypeVar("T")

__all__ = ["ALL", "SOCKETS", "Player", "Way", "each_way", "play", "serving", "settle", "simulated"]

_STEP = re.compile(r"(S:|S!|C:|C~|some|wait|content|bdat|chunk|rest|tls|close|reset|break|stall)(?: (.*))?\Z")
_ENDINGS: dict[str, Ending] = {"close": "close", "reset": "reset", "break": "break", "stall": "stall"}
_LIMIT = 5.0
"""Real seconds after which a test with sockets gives up."""


class Step(NamedTuple):
    """One line of a transcript."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind} {self.text}".rstrip()


def steps(transcript: str) -> list[list[Step]]:
    """The steps of each connection."""
    connections: list[list[Step]] = [[]]
    for line in filter(None, map(str.strip, transcript.splitlines())):
        found = _STEP.match(line)
        if line == "--":
            connections.append([])
        elif found:
            connections[-1].append(Step(found[1], found[2] or ""))
        else:
            raise ValueError(f"not a step: {line!r}")
    return connections


class Player:
    """Plays the server's part of one connection. No I/O here."""

    def __init__(self, script: list[Step]) -> None:
        self.problem: str | None = None
        """Where the client left the script."""
        self.content: list[bytes] = []
        """The contents that came, as they were on the wire."""
        self.said: list[str] = []
        """The lines of the client."""
        self.quiet = threading.Event()
        """Set, over sockets, once it has said and done all that was its turn."""
        self._steps = script
        self._at = 0
        self._heard = bytearray()

    @property
    def _step(self) -> Step:
        return self._steps[self._at] if self._at < len(self._steps) else Step("C~", "QUIT")

    @property
    def wants_tls(self) -> bool:
        return self._step.kind == "tls"

    @property
    def certificate(self) -> bytes:
        return next((step.text for step in self._steps if step.kind == "tls"), "").encode()

    def secure(self) -> bool:
        self._at += wants if (wants := self.wants_tls) else 0
        return wants

    def hear(self, data: bytes) -> list[Act]:
        """What the server does now."""
        self._heard += data
        acts: list[Act] = []
        while self.problem is None:
            kind, text = self._step
            if kind in ("S:", "S!"):
                acts.append(Act(self._packet()))
                continue
            if kind == "wait":
                acts.append(Act(after=float(text)))
            elif kind in _ENDINGS:
                acts.append(Act(ending=_ENDINGS[kind]))
            elif kind == "tls" or not self._fulfilled(kind, text):
                break
            self._at += 1
            if self._at > len(self._steps):
                return [*acts, Act(b"221 bye\r\n"), Act(ending="close")]
        if self.problem is not None:
            acts.append(Act(ending="close"))
        return acts

    def _packet(self) -> bytes:
        said = bytearray()
        while self._step.kind in ("S:", "S!"):
            kind, text = self._step
            said += (text + "\r\n").encode() if kind == "S:" else _octets(text)
            self._at += 1
        return bytes(said)

    def _fulfilled(self, kind: str, text: str) -> bool:
        """Whether the client has done what this step wants of it."""
        if kind == "rest":
            self._heard.clear()
            return False
        if kind == "some":
            enough = len(self._heard) >= int(text)
            if enough:
                self._heard.clear()
            return enough
        if kind == "content":
            return self._take_content()
        if kind in ("bdat", "chunk"):
            return self._take_chunk(last=kind == "bdat")
        return self._take_line(kind, text)

    def _take_content(self) -> bool:
        last = b".\r\n" if self._heard.startswith(b".\r\n") else b"\r\n.\r\n"
        if last not in self._heard:
            return False
        end = self._heard.index(last) + len(last)
        self.content.append(bytes(self._heard[:end]))
        del self._heard[:end]
        return True

    def _take_chunk(self, *, last: bool) -> bool:
        line, end, rest = bytes(self._heard).partition(b"\n")
        if not end:
            return False
        found = re.fullmatch(rb"BDAT ([0-9]+) LAST\r" if last else rb"BDAT ([0-9]+)\r", line)
        if found is None:
            self._differs(line.decode("utf-8", "backslashreplace"))
            return False
        size = int(found[1])
        if len(rest) < size:
            return False
        self.content.append(rest[:size])
        self._heard = bytearray(rest[size:])
        return True

    def _take_line(self, kind: str, text: str) -> bool:
        line, end, rest = bytes(self._heard).partition(b"\n")
        if not end:
            return False
        self._heard = bytearray(rest)
        said = (line + end).decode("utf-8", "backslashreplace").removesuffix("\r\n")
        self.said.append(said)
        if not (re.fullmatch(text, said) if kind == "C~" else said == text):
            self._differs(said)
        return self.problem is None

    def _differs(self, said: str) -> None:
        before = "".join(f"    {step}\n" for step in self._steps[max(self._at - 4, 0) : self._at])
        wanted = self._step if self._at < len(self._steps) else "nothing but QUIT"
        self.problem = f"the client left the script:\n{before}  - {wanted}\n  + C: {said}"

    def check(self) -> None:
        """Fail unless the client did its part, to the end."""
        if self.problem is None and self._at < len(self._steps) and self._step.kind not in ("rest", *_ENDINGS):
            self.problem = f"the client did not come to this step: {self._step}\n  it said: {self.said}"
        if self.problem is None and self._heard:
            self.problem = f"the client said more than the script has: {bytes(self._heard[:200])!r}"
        if self.problem is not None:
            pytest.fail(self.problem, pytrace=False)


def _octets(text: str) -> bytes:
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


# -- over sockets ------------------------------------------------------------------


def _pieces(data: bytes, delivery: Delivery) -> Iterable[bytes]:
    if delivery == "whole":
        return [data]
    return data.splitlines(keepends=True) if delivery == "line" else [bytes([octet]) for octet in data]


class _Conversation:
    """One connection of a client, served in a thread of its own."""

    def __init__(self, sock: socket.socket, player: Player, delivery: Delivery, context: ssl.SSLContext | None) -> None:
        self._socket = sock
        self._player = player
        self._delivery: Delivery = delivery
        self._context = context

    def serve(self) -> None:
        try:
            # A client that goes away, or refuses our certificate, is what many tests are about.
            with suppress(OSError):
                self._socket.settimeout(_LIMIT)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._converse()
        finally:
            self._socket.close()
            self._player.quiet.set()

    def _converse(self) -> None:
        data = b""
        while True:
            self._player.quiet.clear()
            for act in self._player.hear(data):
                for piece in _pieces(act.data, self._delivery):
                    self._socket.sendall(piece)
                if act.ending:
                    return self._end(act.ending)
            if self._player.wants_tls:
                assert self._context is not None
                # Done even if it fails: a client may have its reasons.
                self._player.secure()
                self._socket = self._context.wrap_socket(self._socket, server_side=True)
                data = b""
                continue
            self._player.quiet.set()
            if not (data := self._socket.recv(65536)):
                return None

    def _end(self, ending: str) -> None:
        if ending in ("reset", "break"):
            # With this, closing sends RST.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            self._player.quiet.set()
            while self._socket.recv(65536):
                pass


_playing: list[Player] = []


def settle() -> None:
    """Wait, over sockets, until what the servers have to say by now has been sent."""
    for player in _playing:
        if player.said:
            assert player.quiet.wait(_LIMIT)


@contextmanager
def serving(
    players: list[Player], delivery: Delivery = "whole", context: ssl.SSLContext | None = None
) -> Generator[int]:
    """A server on loopback that plays one of ``players`` per connection; its port."""
    threads: list[threading.Thread] = []

    def accept() -> None:
        for player in players:
            with suppress(OSError):
                sock, _ = listener.accept()
                conversation = _Conversation(sock, player, delivery, context)
                threads.append(threading.Thread(target=conversation.serve))
                threads[-1].start()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(_LIMIT)
        accepting = threading.Thread(target=accept)
        accepting.start()
        _playing.extend(players)
        try:
            yield listener.getsockname()[1]
        finally:
            _playing.clear()
            # Closing does not wake who waits in accept().
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            accepting.join(_LIMIT)
            for thread in threads:
                thread.join(_LIMIT)
            if any(thread.is_alive() for thread in (accepting, *threads)):
                pytest.fail("a thread of the scripted server did not stop")


# -- the ways to play --------------------------------------------------------------

Kind: TypeAlias = Literal["simulated", "blocking", "async"]


class Way(NamedTuple):
    """A runtime, and how what the server says is delivered to it."""

    kind: Kind
    delivery: Delivery


ALL = tuple(
    Way(kind, delivery) for kind in ("simulated", "blocking", "async") for delivery in ("whole", "line", "byte")
)
SOCKETS = tuple(way for way in ALL if way.kind != "simulated")


def each_way(transcript: str) -> tuple[Way, ...]:
    """The ways in which a transcript can be played without waiting.

    One with a pause needs the simulated clock; and a real RST overtakes what was said before it.
    """
    slow = re.search(r"^\s*(wait|stall|break)\b", transcript, re.MULTILINE)
    return tuple(way for way in ALL if way.kind == "simulated" or not slow)


def play(
    transcript: str,
    way: Way,
    action: Callable[[SmtpTransport, Runtime], Coroutine[Any, Any, T]],
    *,
    security: Security = "plaintext",
    certificates: Certificates | None = None,
    context: ssl.SSLContext | None = None,
    **options: Any,
) -> T:
    """What ``action`` returns or raises with a transport to the scripted server; fails if that leaves the script.

    ``context`` is the server's, over sockets; by default it has the right certificate.
    """
    players = [Player(script) for script in steps(transcript)]
    if certificates is not None and security != "plaintext":
        options.setdefault("tls", certificates.client_context())
    options.setdefault("local_hostname", "me.test")

    async def acted(runtime: Runtime, port: int) -> T:
        transport = SmtpTransport("localhost", port, security, options, allow_insecure_auth=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        try:
            return await action(transport, runtime)
        finally:
            await transport.close(runtime)

    try:
        if way.kind == "simulated":
            runtime = simulated(players, way.delivery)
            result = run(acted(runtime, 25))
            assert all(stream.closed for stream in runtime.streams), "a connection was left open"
            return result
        with ExitStack() as stack:
            if certificates is not None and context is None:
                context = certificates.server_context()
            port = stack.enter_context(serving(players, way.delivery, context))
            options.setdefault("timeouts", Timeouts(connect=_LIMIT, greeting=_LIMIT, reply=_LIMIT, final_reply=_LIMIT))
            if way.kind == "blocking":
                return run(acted(BlockingRuntime(), port))
            return asyncio.run(_in_loop(lambda: acted(AsyncRuntime(), port)))
    finally:
        for player in players:
            player.check()


async def _in_loop(action: Callable[[], Awaitable[T]]) -> T:
    async with asyncio.timeout(2 * _LIMIT):
        return await action()


def simulated(players: list[Player], delivery: Delivery = "whole", tell: Tell | None = None) -> SimulatedRuntime:
    """A simulated runtime that connects to each of ``players`` in turn."""
    left = iter(players)

    def dial(host: str, port: int) -> Player:
        player = next(left, None)
        if player is None:
            pytest.fail("the client connects once more than the script has it", pytrace=False)
        return player

    return SimulatedRuntime(dial, delivery=delivery, tell=tell)
