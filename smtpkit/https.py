"""A small file over HTTPS (RFC 9110, RFC 9112), through a `Runtime`: bounded in time and size."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    import ssl
    from urllib.parse import SplitResult

    from smtpkit.runtime.base import Runtime

__all__ = ["get"]

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 3


class _Answer(NamedTuple):
    status: int
    location: str | None
    body: bytes


async def get(url: str, context: ssl.SSLContext, runtime: Runtime, deadline: float, *, most: int = 65536) -> bytes:
    """What is at ``url``. Redirects are followed, at most three, and none to anything but HTTPS.

    Proxies that the environment names are not asked.

    Args:
        context: what verifies the certificates of those asked.
        deadline: a time of `Runtime.now`, for all of it.
        most: octets of an answer, with its header.

    Raises:
        OSError: it cannot be had; ``TimeoutError`` if not in time.
    """
    location = ""
    for _ in range(_MOST_REDIRECTS + 1):
        parts, url = _parts(url, location)
        if parts.scheme != "https" or not parts.hostname:
            raise OSError("it leads away from HTTPS")
        answer = _read(await _asked(parts, context, runtime, deadline, most))
        if answer.status == 200:
            return answer.body
        if answer.status not in _REDIRECTS or not answer.location:
            raise OSError(f"the answer is {answer.status}")
        location = answer.location
    raise OSError(f"it redirects more than {_MOST_REDIRECTS} times")


async def _asked(parts: SplitResult, context: ssl.SSLContext, runtime: Runtime, deadline: float, most: int) -> bytes:
    """All that the server says when it is asked, up to the end of the connection."""
    host = parts.hostname or ""
    stream = await runtime.connect(host, parts.port or 443, None, deadline)
    try:
        await stream.start_tls(context, host, deadline)
        # By HTTP/1.0, so that the end of the answer is the end of the connection.
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        asked = f"GET {path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n"
        await stream.write(asked.encode("ascii"), deadline - runtime.now(), deadline)
        received = bytearray()
        while octets := await stream.read(deadline):
            received += octets
            if len(received) > most:
                raise OSError(f"the answer has more than {most} octets")
    finally:
        stream.close()
    return bytes(received)


def _parts(base: str, location: str) -> tuple[SplitResult, str]:
    """The parts of the URL that ``location`` is at ``base``, and the URL itself."""
    try:
        url = urljoin(base, location)
        parts = urlsplit(url)
        # They are read only here.
        _ = parts.port, url.encode("ascii")
    except ValueError as error:
        raise OSError(f"it leads to what is no URL: {error}") from error
    if parts.username is not None or any(octet <= " " for octet in url):
        raise OSError("it leads to what is no URL")
    return parts, url


class _Received:
    """As `http.client` would have it: a socket on which all has arrived."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> object:
        from io import BytesIO

        return BytesIO(self._data)


def _read(data: bytes) -> _Answer:
    from http.client import HTTPException, HTTPResponse

    response = HTTPResponse(_Received(data))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    try:
        response.begin()
        return _Answer(response.status, response.getheader("Location"), response.read())
    except (HTTPException, ValueError) as error:
        raise OSError(f"the answer is not HTTP: {type(error).__name__}") from error
