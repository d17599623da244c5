"""Real sockets in both runtimes: addresses, deadlines, and neither side waiting for the other."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import pytest

from smtpkit.errors import InvalidConfiguration
from smtpkit.runtime.aio import AsyncRuntime, AsyncStream
from smtpkit.runtime.blocking import BlockingRuntime, BlockingStream, run
from smtpkit.runtime.names import interleaved, local_name
from smtpkit.runtime.tls import client_context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    from servers.certificates import Certificates
    from smtpkit.runtime.base import Runtime, Stream

    T = TypeVar("T")

Kind: TypeAlias = Literal["blocking", "async"]
pytestmark = pytest.mark.parametrize("kind", ["blocking", "async"])
SOON = 0.15
LATER = 5.0


def drive(kind: Kind, action: Callable[[Runtime], Coroutine[Any, Any, T]]) -> T:
    if kind == "blocking":
        return run(action(BlockingRuntime()))

    async def main() -> T:
        async with asyncio.timeout(LATER):
            return await action(AsyncRuntime())

    try:
        return asyncio.run(main())
    finally:
        gc.collect()


@contextmanager
def server(serve: Callable[[socket.socket], object], family: int = socket.AF_INET) -> Generator[int]:
    """A server on loopback for one connection; its port."""

    def accept() -> None:
        with suppress(OSError):
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(LATER)
                serve(sock)

    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    with closing(socket.create_server((host, 0), family=socket.AddressFamily(family))) as listener:
        listener.settimeout(LATER)
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(2 * LATER)
            assert not thread.is_alive()


def until_eof(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def talk(kind: Kind, port: int, action: Callable[[Runtime, Stream], Awaitable[T]], host: str = "127.0.0.1") -> T:
    async def talking(runtime: Runtime) -> T:
        stream = await runtime.connect(host, port, None, runtime.now() + LATER)
        try:
            return await action(runtime, stream)
        finally:
            stream.close()

    return drive(kind, talking)


def raw(stream: Stream) -> Any:
    if isinstance(stream, BlockingStream):
        return stream._socket  # pyright: ignore[reportPrivateUsage]
    assert isinstance(stream, AsyncStream)
    return stream._open.get_extra_info("socket")  # pyright: ignore[reportPrivateUsage]


# -- connecting --------------------------------------------------------------------


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_every_address_of_a_name_is_tried(kind: Kind, family: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if family == socket.AF_INET6:
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("no IPv6 on loopback")

    def both(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        assert host == "two.test"
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]

    async def greeted(runtime: Runtime, stream: Stream) -> bytes:
        return await stream.read(runtime.now() + LATER)

    with server(lambda sock: sock.sendall(b"220 hello\r\n"), family) as port:
        monkeypatch.setattr(socket, "getaddrinfo", both)
        assert talk(kind, port, greeted, "two.test") == b"220 hello\r\n"


def connect(kind: Kind, host: str, port: int, seconds: float) -> tuple[BaseException, float]:
    """What connecting raised, and how long it took."""

    async def connecting(runtime: Runtime) -> None:
        (await runtime.connect(host, port, None, runtime.now() + seconds)).close()

    start = time.monotonic()
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the kind of it is what the tests look at
        drive(kind, connecting)
    return caught.value, time.monotonic() - start


def test_a_refused_connection(kind: Kind) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    error, _ = connect(kind, "127.0.0.1", port, LATER)
    assert isinstance(error, ConnectionRefusedError)


@pytest.mark.parametrize("host", ["x" * 64 + ".test", "a..test"])
def test_a_name_that_cannot_be_one(kind: Kind, host: str) -> None:
    error, _ = connect(kind, host, 25, LATER)
    assert isinstance(error, socket.gaierror)


def test_a_name_that_is_not_found(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error, _ = connect(kind, "nowhere.test", 25, LATER)
    assert isinstance(error, socket.gaierror)


def test_a_name_without_an_address(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: Any, **__: Any) -> list[Any]:
        return []

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    error, _ = connect(kind, "nowhere.test", 25, LATER)
    assert isinstance(error, OSError)
    assert str(error) == "the name has no address"


def test_a_resolver_that_hangs_does_not_hold_the_caller(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hanging(*_: Any, **__: Any) -> list[Any]:
        release.wait(LATER)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    took: list[float] = []

    async def connecting(runtime: Runtime) -> None:
        start = runtime.now()
        with pytest.raises(TimeoutError):
            await runtime.connect("slow.test", 25, None, start + SOON)
        took.append(runtime.now() - start)
        release.set()

    drive(kind, connecting)
    assert took[0] < 1


def test_a_resolver_that_hangs_does_not_hold_the_end_of_the_program(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the end of its event loop either, which waits for the loop's own threads."""
    release, ended = threading.Event(), threading.Event()

    def hanging(*_: Any, **__: Any) -> list[Any]:
        release.wait(2 * LATER)
        ended.set()
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    try:
        error, took = connect(kind, "slow.test", 25, SOON)
    finally:
        release.set()
    assert isinstance(error, TimeoutError)
    assert took < 1
    # Its answer comes when nobody listens any more, which is no error.
    assert ended.wait(LATER)


def test_an_address_is_not_looked_up(kind: Kind) -> None:
    before = threading.active_count()
    with server(until_eof) as port:

        async def threads(runtime: Runtime, stream: Stream) -> int:
            return threading.active_count() - before

        # That of the server, and no other.
        assert talk(kind, port, threads) <= 1


def test_addresses_that_swallow_packets(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full backlog swallows SYN packets, on Linux: nothing leaves this machine."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for sock in waiting:
                sock.setblocking(False)
                sock.connect_ex(listener.getsockname())
            time.sleep(0)
            error, took = connect(kind, "127.0.0.1", listener.getsockname()[1], SOON)
        finally:
            for sock in waiting:
                sock.close()
    assert isinstance(error, TimeoutError)
    assert took < 1


def test_all_addresses_time_out(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind == "async":
        pytest.skip("one deadline for all: see test_addresses_that_swallow_packets")

    def both(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{number}", port)) for number in (1, 2)]

    def never(self: socket.socket, address: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "getaddrinfo", both)
    monkeypatch.setattr(socket.socket, "connect", never)
    error, _ = connect(kind, "two.test", 25, LATER)
    assert isinstance(error, TimeoutError)


def test_nagle_is_off(kind: Kind) -> None:
    async def option(runtime: Runtime, stream: Stream) -> int:
        return int(raw(stream).getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    with server(until_eof) as port:
        assert talk(kind, port, option)


def test_the_source_address(kind: Kind) -> None:
    seen: list[str] = []

    async def connecting(runtime: Runtime) -> None:
        stream = await runtime.connect("127.0.0.1", port, "127.0.0.2", runtime.now() + LATER)
        assert await stream.read(runtime.now() + LATER) == b""
        stream.close()

    with server(lambda sock: seen.append(sock.getpeername()[0])) as port:
        drive(kind, connecting)
    assert seen == ["127.0.0.2"]


# -- reading and writing -----------------------------------------------------------


def test_a_read_ends_at_its_deadline(kind: Kind) -> None:
    async def reading(runtime: Runtime, stream: Stream) -> float:
        start = runtime.now()
        with pytest.raises(TimeoutError):
            await stream.read(start + SOON)
        with pytest.raises(TimeoutError):
            await stream.read(start - 1)
        return runtime.now() - start

    with server(until_eof) as port:
        assert SOON <= talk(kind, port, reading) < 1


def test_what_came_in_time_is_heard_however_late_it_is_asked_for(kind: Kind) -> None:
    """Who takes long between two mails does not lose the reply to the first one."""
    said = threading.Event()

    def serve(sock: socket.socket) -> None:
        sock.sendall(b"250 ok\r\n")
        said.set()
        until_eof(sock)

    async def reading(runtime: Runtime, stream: Stream) -> bytes:
        said.wait(LATER)  # without giving the loop a chance
        return await stream.read(runtime.now() - 1)

    with server(serve) as port:
        assert talk(kind, port, reading) == b"250 ok\r\n"


def test_what_arrived_is_there_at_once(kind: Kind) -> None:
    said = threading.Event()

    def serve(sock: socket.socket) -> None:
        sock.recv(1)
        sock.sendall(b"421 bye\r\n")
        sock.shutdown(socket.SHUT_WR)
        said.set()
        until_eof(sock)

    async def looking(runtime: Runtime, stream: Stream) -> list[bytes | None]:
        before = await stream.received()
        await stream.write(b"x", LATER, runtime.now() + LATER)
        said.wait(LATER)  # without giving the loop a chance
        return [before, await stream.received(), await stream.received(), await stream.read(runtime.now() + LATER)]

    with server(serve) as port:
        assert talk(kind, port, looking) == [None, b"421 bye\r\n", b"", b""]


def small(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)


def test_a_server_that_stops_reading(kind: Kind) -> None:
    done = threading.Event()

    async def writing(runtime: Runtime, stream: Stream) -> tuple[float, float]:
        small(raw(stream))
        times: list[float] = []
        for progress, deadline in ((SOON, LATER), (LATER, SOON)):
            start = runtime.now()
            with pytest.raises(TimeoutError):
                await stream.write(bytes(20_000_000), progress, start + deadline)
            times.append(runtime.now() - start)
        done.set()
        return times[0], times[1]

    with server(lambda sock: done.wait(LATER)) as port:
        first, second = talk(kind, port, writing)
    assert SOON <= first < 2
    assert second < 2


def test_a_server_that_reads_slowly_makes_progress(kind: Kind) -> None:
    """Each wait is shorter than ``progress``, and all of them together are longer."""
    size = 400_000
    paced = threading.Event()

    def serve(sock: socket.socket) -> None:
        left = size
        while left:
            left -= len(sock.recv(16_384))
            paced.wait(0.01)
        sock.sendall(b"250 ok\r\n")

    async def writing(runtime: Runtime, stream: Stream) -> bytes:
        small(raw(stream))
        await stream.write(bytes(size), 0.2, runtime.now() + LATER)
        return await stream.read(runtime.now() + LATER)

    with server(serve) as port:
        assert talk(kind, port, writing) == b"250 ok\r\n"


def test_writing_while_the_server_talks(kind: Kind) -> None:
    """A server that reads nothing before all it says was taken (RFC 2920 §3.1)."""
    said = b"250 ok\r\n" * 100_000
    written = bytes(3_000_000)
    heard: list[int] = []

    def serve(sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(said)
        heard.append(len(until_eof(sock)))

    async def both(runtime: Runtime, stream: Stream) -> bytes:
        small(raw(stream))
        await stream.write(written, LATER, runtime.now() + LATER)
        data = b""
        while len(data) < len(said):
            data += await stream.read(runtime.now() + LATER)
        await stream.write(b"", LATER, runtime.now() + LATER)
        while kind == "async" and stream._open.get_write_buffer_size():  # type: ignore[attr-defined]  # pyright: ignore
            await runtime.sleep(0.01)
        return data

    with server(serve) as port:
        assert talk(kind, port, both) == said
    assert heard == [len(written)]


def test_a_connection_that_broke(kind: Kind) -> None:
    async def writing(runtime: Runtime, stream: Stream) -> None:
        assert await stream.read(runtime.now() + LATER) == b""
        await stream.write(b"x", LATER, runtime.now() + LATER) if kind == "blocking" else None
        await runtime.sleep(0.01)
        with pytest.raises(ConnectionError):
            await stream.write(bytes(100_000), LATER, runtime.now() + LATER)

    with server(lambda sock: None) as port:
        talk(kind, port, writing)


def test_a_closed_stream(kind: Kind) -> None:
    async def closing_twice(runtime: Runtime, stream: Stream) -> None:
        stream.close()
        stream.close()
        with pytest.raises(OSError):  # noqa: PT011
            await stream.write(b"x", LATER, runtime.now() + LATER)

    with server(until_eof) as port:
        talk(kind, port, closing_twice)


# -- TLS ---------------------------------------------------------------------------


def test_a_handshake_that_never_ends(kind: Kind, certificates: Certificates) -> None:
    async def shaking(runtime: Runtime, stream: Stream) -> float:
        start = runtime.now()
        with pytest.raises(TimeoutError):
            await stream.start_tls(certificates.client_context(), "localhost", start + SOON)
        return runtime.now() - start

    with server(until_eof) as port:
        assert SOON <= talk(kind, port, shaking) < 1


def test_tls_tickets_are_no_sign_of_death(kind: Kind, certificates: Certificates) -> None:
    sent = threading.Event()

    def serve(sock: socket.socket) -> None:
        with certificates.server_context().wrap_socket(sock, server_side=True) as secured:
            secured.sendall(b"220 hi\r\n")
            sent.set()
            with suppress(OSError):
                secured.recv(100)

    async def looking(runtime: Runtime, stream: Stream) -> list[bytes | None]:
        await stream.start_tls(certificates.client_context(), "localhost", runtime.now() + LATER)
        greeting = await stream.read(runtime.now() + LATER)
        return [greeting, await stream.received(), await stream.received()]

    with server(serve) as port:
        assert talk(kind, port, looking) == [b"220 hi\r\n", None, None]


def test_much_content_over_tls(kind: Kind, certificates: Certificates) -> None:
    size = 2_000_000

    def serve(sock: socket.socket) -> None:
        with certificates.server_context().wrap_socket(sock, server_side=True) as secured:
            left = size
            while left:
                left -= len(secured.recv(65536))
            secured.sendall(b"250 ok\r\n")

    async def writing(runtime: Runtime, stream: Stream) -> bytes:
        await stream.start_tls(certificates.client_context(), "localhost", runtime.now() + LATER)
        await stream.write(bytes(size), LATER, runtime.now() + LATER)
        return await stream.read(runtime.now() + LATER)

    with server(serve) as port:
        assert talk(kind, port, writing) == b"250 ok\r\n"


# -- the rest ----------------------------------------------------------------------


def test_events_and_calls(kind: Kind) -> None:
    async def using(runtime: Runtime) -> tuple[bool, bool, int, bool]:
        event = runtime.event()
        early = await event.wait(runtime.now() + 0.01)
        event.set()
        return early, await event.wait(runtime.now() + 0.01), await runtime.call(max, 1, 2), runtime.world.gone

    assert drive(kind, using) == (False, True, 2, False)


def test_a_mailer_has_no_loop_to_wait_for(kind: Kind) -> None:
    if kind == "blocking":
        with pytest.raises(InvalidConfiguration, match="event loop"):
            run(asyncio.sleep(0))
    else:
        assert drive(kind, lambda _: asyncio.sleep(0, "done")) == "done"


def test_names(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "laptop")
    assert local_name(("192.0.2.1", 5)) == "[192.0.2.1]"
    assert local_name(("2001:db8::1%eth0", 5, 0, 0)) == "[IPv6:2001:db8::1]"
    assert local_name(None) == "[127.0.0.1]"
    monkeypatch.setattr(socket, "gethostname", lambda: "mail.a.test")
    assert local_name(("192.0.2.1", 5)) == "mail.a.test"
    six, four = socket.AF_INET6, socket.AF_INET
    order = interleaved([(six, ("a", 1)), (six, ("b", 1)), (four, ("c", 1)), (four, ("d", 1))])
    assert [address[1][0] for address in order] == ["a", "c", "b", "d"]
    assert interleaved([]) == []


def test_contexts(kind: Kind, certificates: Certificates) -> None:
    for given in (None, certificates.ca_file, str(certificates.ca_file)):
        context = client_context(given)
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    own = ssl.create_default_context()
    assert client_context(own) is own
    for path in ("/no/such/file.pem", __file__):
        with pytest.raises(InvalidConfiguration, match="CA certificates"):
            client_context(path)
