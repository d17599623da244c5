"""The seam between the conversation and the world."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio
    import ssl
    import weakref
    from collections.abc import Callable, Coroutine
    from typing import ParamSpec, TypeVar

    from smtpkit.certificate import Certificate
    from smtpkit.events import Tell

    P = ParamSpec("P")
    T = TypeVar("T")

__all__ = ["Alarm", "Event", "Runtime", "Stream", "World"]


class Stream(Protocol):
    """A connected byte stream. Times are those of `Runtime.now`.

    Its methods raise ``TimeoutError`` at a deadline and other ``OSError`` (``ssl.SSLError``
    is one) when the connection breaks. The stream is then still to be closed by its owner.
    """

    @property
    def local_name(self) -> str:
        """What this end may call itself in EHLO: its host name if fully qualified, else its address literal."""
        ...

    @property
    def tls_version(self) -> str | None:
        """Such as ``"TLSv1.3"``; ``None`` as long as there is no TLS."""
        ...

    @property
    def peer_address(self) -> str:
        """The IP address of the other end."""
        ...

    @property
    def peer_certificate(self) -> Certificate | None:
        """The certificate by which the other end was verified; ``None`` if it was not, or is known by a fingerprint."""
        ...

    async def read(self, deadline: float) -> bytes:
        """Some octets, at least one; none at the end of the stream."""
        ...

    async def write(self, data: bytes, progress: float, deadline: float) -> None:
        """Hand over ``data``; every ``progress`` seconds some of it must be taken.

        What arrives meanwhile is kept for `read`, so that neither side can wait for the
        other with full buffers (RFC 2920 §3.1).
        """
        ...

    async def start_tls(self, context: ssl.SSLContext, host: str, deadline: float) -> bytes:
        """Shake hands; everything after goes through TLS. The certificate that the other side showed (DER)."""
        ...

    async def received(self) -> bytes | None:
        """What has arrived and was not read: octets, none at the end of the stream, ``None`` if nothing came."""
        ...

    def close(self) -> None:
        """Close at once, without waiting and without a word to the other side. May be called again."""
        ...

    def abandon(self) -> None:
        """Let go of a stream of another `World`: nothing is said to its peer, and its event loop is left alone."""
        ...


class Event(Protocol):
    """Something one party waits for and another sets, once."""

    def set(self) -> None:
        """Wake who waits."""
        ...

    async def wait(self, deadline: float) -> bool:
        """Wait until it is set; ``False`` if ``deadline`` came first."""
        ...


class Alarm(Protocol):
    """Work that is done if somebody, who cannot be waited for otherwise, takes too long."""

    def set(self) -> None:
        """From now on it counts."""
        ...

    async def clear(self) -> None:
        """It does not any more. Work that has begun is waited for."""
        ...

    def close(self) -> None:
        """It is not needed any more."""
        ...


class Runtime(Protocol):
    """Time, connections and waiting, as one kind of program has them."""

    @property
    def tell(self) -> Tell | None:
        """Tells of an event; ``None`` if nobody listens, and then no event is made."""
        ...

    def now(self) -> float:
        """Seconds of a clock that never jumps."""
        ...

    def timestamp(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        ...

    @property
    def world(self) -> World:
        """Where connections that this runtime opens can be used."""
        ...

    def permit(self, host: str, port: int) -> None:
        """Let pass what is sent to this server. Raises `NetworkForbidden` where a test suite forbids it."""
        ...

    async def connect(self, host: str, port: int, source_address: str | None, deadline: float) -> Stream:
        """Connect to the first address of ``host`` that answers; IPv6 and IPv4 are tried in turn."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def event(self) -> Event:
        """A new event, not set."""
        ...

    def alarm(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> Alarm:
        """Does ``work``, a method, within ``seconds`` after `Alarm.set`. It does not keep its owner alive."""
        ...

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``function(*args)``, which may block, without holding up anybody else."""
        ...


class World:
    """A process, a kind of runtime and an event loop: connections of one cannot be used in another."""

    __slots__ = ("_kind", "_loop", "_pid")

    def __init__(self, kind: str, loop: weakref.ref[asyncio.AbstractEventLoop] | None = None) -> None:
        self._kind = kind
        self._pid = os.getpid()
        self._loop = loop

    @property
    def gone(self) -> bool:
        """Whether nobody can come back to it: the process forked, or the event loop is closed."""
        if self._pid != os.getpid():
            return True
        if self._loop is None:
            return False
        loop = self._loop()
        return loop is None or loop.is_closed()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, World):
            return NotImplemented
        return (self._kind, self._pid, self._loop) == (other._kind, other._pid, other._loop)

    def __hash__(self) -> int:
        return hash((self._kind, self._pid, self._loop))
