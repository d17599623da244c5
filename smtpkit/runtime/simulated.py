"""A runtime for tests: a clock that jumps, and servers that are objects. Nothing waits, nothing is random.

Its coroutines never suspend, so that `smtpkit.runtime.blocking.run` drives them.
"""

from __future__ import annotations

import ssl
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from smtpkit.runtime.base import World
from smtpkit.runtime.driver import run
from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from typing import ParamSpec, TypeVar

    from smtpkit.events import Tell

    P = ParamSpec("P")
    T = TypeVar("T")

__all__ = ["Act", "Delivery", "Ending", "Peer", "SimulatedEvent", "SimulatedRuntime", "SimulatedStream"]

Delivery: TypeAlias = Literal["whole", "line", "byte"]
"""How much of what has arrived one read gives: all, at most a line, or an octet."""

Ending: TypeAlias = Literal["close", "reset", "break", "stall"]
"""``close``: the end of the stream. ``reset``: reading and writing fail, once what was said is read. ``break``:
writing fails at once, and what was said can still be read. ``stall``: it takes nothing more, and says nothing."""

_CLIENT_HELLO = b"\x16\x03\x01"
_worlds = count(1)


@value
class Act:
    """What a simulated server does: it says something, then perhaps ends the connection."""

    data: bytes = b""
    after: float = 0.0
    """Virtual seconds after the act before it."""
    ending: Ending | None = None


class Peer(Protocol):
    """A simulated server, at one connection."""

    @property
    def certificate(self) -> bytes:
        """What it shows in the TLS handshake, in place of a certificate (DER)."""
        ...

    def hear(self, data: bytes) -> Iterable[Act]:
        """What it does on hearing ``data``: nothing yet when the connection, or TLS, has just begun."""
        ...

    def secure(self) -> bool:
        """Whether it shakes hands now. Otherwise it hears the first octets of a handshake."""
        ...


class SimulatedStream:
    """A connection to a `Peer`."""

    local_name = "[127.0.0.1]"
    peer_address = "192.0.2.1"
    peer_certificate = None

    def __init__(self, runtime: SimulatedRuntime, peer: Peer, delivery: Delivery) -> None:
        self.closed: bool = False
        """Whether this end has closed it, or let go of it."""
        self.secured_for: str | None = None
        """The host name of the TLS handshake, after it."""
        self._runtime = runtime
        self._peer = peer
        self._delivery: Delivery = delivery
        self._due: deque[tuple[float, bytes]] = deque()
        self._ending: Ending | None = None
        self._ends_at = float("inf")
        self._last = runtime.now()
        self._schedule(peer.hear(b""))

    def _schedule(self, acts: Iterable[Act]) -> None:
        self._last = max(self._last, self._runtime.now())
        for act in acts:
            self._last += act.after
            if act.data:
                self._due.append((self._last, act.data))
            if act.ending and not self._ending:
                self._ending, self._ends_at = act.ending, self._last

    @property
    def _ended(self) -> bool:
        return self._ends_at <= self._runtime.now()

    @property
    def tls_version(self) -> str | None:
        return "TLSv1.3" if self.secured_for is not None else None

    async def read(self, deadline: float) -> bytes:
        if self.closed:
            raise ConnectionResetError("the connection is closed")
        ends_at = float("inf") if self._ending == "stall" else self._ends_at
        due = self._due[0][0] if self._due else ends_at
        if due > deadline:
            self._runtime.advance(deadline)
            raise TimeoutError("timed out")
        self._runtime.advance(due)
        return self._taken()

    async def received(self) -> bytes | None:
        if self._due and self._due[0][0] <= self._runtime.now():
            return self._taken()
        return self._taken() if not self._due and self._ended and self._ending != "stall" else None

    def _taken(self) -> bytes:
        if not self._due:
            if self._ending == "reset":
                raise ConnectionResetError("connection reset by peer")
            return b""
        due, data = self._due.popleft()
        if self._delivery == "whole":
            while self._due and self._due[0][0] <= self._runtime.now():
                data += self._due.popleft()[1]
            return data
        length = 1 if self._delivery == "byte" else data.find(b"\n") + 1 or len(data)
        if data[length:]:
            self._due.appendleft((due, data[length:]))
        return data[:length]

    async def write(self, data: bytes, progress: float, deadline: float) -> None:
        if self.closed:
            raise ConnectionResetError("the connection is closed")
        if not self._ended:
            return self._schedule(self._peer.hear(data))
        if self._ending == "stall":
            self._runtime.advance(min(self._runtime.now() + progress, deadline))
            raise TimeoutError("timed out")
        if self._ending != "close":
            raise BrokenPipeError("broken pipe")
        # The first write after the other side has closed succeeds, as with TCP.
        return None

    async def start_tls(self, context: ssl.SSLContext, host: str, deadline: float) -> bytes:
        if not self._due and self._peer.secure():
            self.secured_for = host
            self._schedule(self._peer.hear(b""))
            return self._peer.certificate
        await self.write(_CLIENT_HELLO, deadline, deadline)
        if await self.read(deadline):
            error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
            error.reason = "WRONG_VERSION_NUMBER"
            raise error
        raise ssl.SSLEOFError(8, "EOF occurred in violation of protocol")

    def close(self) -> None:
        self.closed = True

    abandon = close


class SimulatedEvent:
    """An event that somebody sets before it is waited for, or nobody does."""

    def __init__(self, runtime: SimulatedRuntime) -> None:
        self._runtime = runtime
        self._set = False

    def set(self) -> None:
        self._set = True

    async def wait(self, deadline: float) -> bool:
        if not self._set:
            self._runtime.advance(deadline)
        return self._set


class SimulatedAlarm:
    """Rings when time passes it."""

    def __init__(
        self, runtime: SimulatedRuntime, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        self._runtime = runtime
        self._seconds = seconds
        self._work = work

    def set(self) -> None:
        self._runtime.ring_at(self._runtime.now() + self._seconds, self._work)

    async def clear(self) -> None:
        self._runtime.ring_at(None, self._work)

    def close(self) -> None:
        self._runtime.ring_at(None, self._work)


class SimulatedRuntime:
    """Time that passes when somebody waits, and connections to the peers that ``dial`` gives.

    ``dial`` is called with host and port; what it raises is what connecting raises.
    ``timestamp`` is the time at which it begins, in seconds since 1970. ``tell`` is called with each event.
    """

    def __init__(
        self,
        dial: Callable[[str, int], Peer],
        *,
        delivery: Delivery = "whole",
        timestamp: float = 1_800_000_000.0,
        tell: Tell | None = None,
    ) -> None:
        self.tell: Tell | None = tell
        self.streams: list[SimulatedStream] = []
        """Every connection that was made, in order."""
        self._dial = dial
        self._delivery: Delivery = delivery
        self._began = timestamp
        self._now = 0.0
        self._ringing: dict[Callable[[], Coroutine[Any, Any, None]], float] = {}
        self._world = World(f"simulated {next(_worlds)}")

    def now(self) -> float:
        return self._now

    def timestamp(self) -> float:
        return self._began + self._now

    def advance(self, until: float) -> None:
        """Let time pass, until ``until`` if that is to come."""
        if until == float("inf"):
            raise RuntimeError("this wait would have no end")
        for work, due in list(self._ringing.items()):
            if due <= until:
                del self._ringing[work]
                self._now = max(self._now, due)
                run(work())
        self._now = max(self._now, until)

    @property
    def world(self) -> World:
        return self._world

    def permit(self, host: str, port: int) -> None:
        """Nothing leaves this process."""

    async def connect(self, host: str, port: int, source_address: str | None, deadline: float) -> SimulatedStream:
        try:
            peer = self._dial(host, port)
        except TimeoutError:
            self.advance(deadline)
            raise
        stream = SimulatedStream(self, peer, self._delivery)
        self.streams.append(stream)
        return stream

    async def sleep(self, seconds: float) -> None:
        self.advance(self._now + seconds)

    def ring_at(self, due: float | None, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do ``work`` when time comes to ``due``, or not any more."""
        if due is None:
            self._ringing.pop(work, None)
        else:
            self._ringing[work] = due

    def alarm(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> SimulatedAlarm:
        return SimulatedAlarm(self, seconds, work)

    def event(self) -> SimulatedEvent:
        return SimulatedEvent(self)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)
