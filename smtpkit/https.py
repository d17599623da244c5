"""A small file over HTTPS (RFC 9110, RFC 9112), through a `Runtime`: bounded in time and size."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from smtpkit.runtime.tls import client_context

if TYPE_CHECKING:
    from smtpkit.runtime.base import Runtime
    from smtpkit.tls import TlsSetting

__all__ = ["get"]

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 3


class _Answer(NamedTuple):
    status: int
    location: str | None
    body: bytes


async def get(url: str, runtime: Runtime, deadline: float, *, most: int = 65536, tls: TlsSetting = None) -> bytes:
    """What is at ``url``. Redirects are followed, at most three, and none to anything but HTTPS.

    Proxies that the environment names are not asked.

    Args:
        deadline: a time of `Runtime.now`, for all of it.
        most: octets of an answer, with its header.

    Raises:
        OSError: it cannot be had; ``TimeoutError`` if not in time.
    """
    context = await runtime.call(client_context, tls)
    for _ in range(_MOST_REDIRECTS + 1):
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise OSError("it leads away from HTTPS")
        stream = await runtime.connect(parts.hostname, parts.port or 443, None, deadline)
        try:
            await stream.start_tls(context, parts.hostname, deadline)
            path = parts.path or "/"
            # By HTTP/1.0, so that the end of the answer is the end of the connection.
            asked = f"GET {path}{'?' + parts.query if parts.query else ''} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n"
            await stream.write(asked.encode("ascii"), deadline - runtime.now(), deadline)
            received = bytearray()
            while octets := await stream.read(deadline):
                received += octets
                if len(received) > most:
                    raise OSError(f"the answer has more than {most} octets")
        finally:
            stream.close()
        answer = _read(bytes(received))
        if answer.status == 200:
            return answer.body
        if answer.status not in _REDIRECTS or not answer.location:
            raise OSError(f"the answer is {answer.status}")
        url = urljoin(url, answer.location)
    raise OSError(f"it redirects more than {_MOST_REDIRECTS} times")


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
