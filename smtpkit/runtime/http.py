"""HTTP by urllib, bounded in time and size: a request to an endpoint for tokens, a small public file."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urljoin

from smtpkit.errors import ConnectFailed, InvalidConfiguration, ProtocolError, SmtpkitError, TimedOut
from smtpkit.mime.characters import shown
from smtpkit.runtime.network import permit
from smtpkit.secret import Secret, SecretOctets
from smtpkit.value import value

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult
    from urllib.request import OpenerDirector

    from smtpkit.base_error import Stage

    T = TypeVar("T")

__all__ = ["HttpAnswer", "download", "endpoint", "fetch"]

_MOST_OCTETS = 256 * 1024
"""Of an answer: those of token endpoints have some thousand."""

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 3


@value
class HttpAnswer:
    """What the endpoint said."""

    status: int
    headers: dict[str, str]
    body: SecretOctets


class _Request(NamedTuple):
    """What is asked, and what its errors call it."""

    url: str
    data: SecretOctets | None
    headers: Mapping[str, str | Secret]
    seconds: float
    context: ssl.SSLContext | None
    """Of HTTPS; the system's CAs decide without one."""
    most: int
    """Octets of the answer."""
    kind: str
    stage: Stage

    @property
    def asked(self) -> str:
        return f"{self.kind}{_host(self.url)}"


def endpoint(url: str) -> str:
    """``url``, if secrets may be sent there: by HTTPS, or to this machine (RFC 6749 §3.2).

    Raises:
        InvalidConfiguration: they may not.
    """
    parts = _split(url)
    if parts is None or not parts.hostname or parts.username is not None or parts.fragment:
        raise InvalidConfiguration("not the URL of a token endpoint", hint='Such as "https://auth.example.com/token".')
    if parts.scheme != "https" and not (parts.scheme == "http" and _loopback(parts.hostname)):
        raise InvalidConfiguration(
            f"the token endpoint {shown(parts.hostname)} is not asked by {shown(parts.scheme)}://",
            hint="Secrets go there, so it has to be https://; http:// is for this machine alone.",
        )
    return url


def fetch(url: str, data: SecretOctets | None, headers: Mapping[str, str | Secret], seconds: float) -> HttpAnswer:
    """Ask ``url``: POST with ``data``, else GET. Redirects are not followed, since secrets would go along.

    Blocks, for at most ``seconds``: looking the name up and an answer that drips included.

    Raises:
        ConnectFailed, TlsFailed: it cannot be reached.
        TimedOut: it did not answer in time.
        ProtocolError: its answer is no HTTP, or too long.
    """
    accepting = {"Accept": "application/json", **headers}
    request = _Request(endpoint(url), data, accepting, seconds, None, _MOST_OCTETS, "the token endpoint ", "auth")
    return _in_time(lambda: _answer(request), request)


def download(url: str, context: ssl.SSLContext, seconds: float, *, most: int = 64 * 1024) -> bytes:
    """What is at ``url``, for everybody. At most three redirects are followed, and none to anything but HTTPS.

    Blocks, as `fetch` does. ``context`` is what verifies the certificates of all who are asked.

    Raises:
        ConnectFailed, TlsFailed, TimedOut: it cannot be had.
        ProtocolError: it is not there, has more than ``most`` octets, or is not to be had by HTTPS alone.
    """
    request = _Request(url, None, {}, seconds, context, most, "", "transport")

    def work() -> bytes | SmtpkitError:
        to = request._replace(url=_public(url))
        for _ in range(_MOST_REDIRECTS + 1):
            answer = _answer(to)
            if isinstance(answer, SmtpkitError):
                return answer
            if answer.status == 200:
                return bytes(answer.body)
            location = {name.lower(): text for name, text in answer.headers.items()}.get("location")
            if answer.status not in _REDIRECTS or not location:
                return ProtocolError(f"the answer of {to.asked} is {answer.status}", stage=to.stage)
            to = to._replace(url=_public(to.url, location))
        return ProtocolError(f"{request.asked} redirects more than {_MOST_REDIRECTS} times", stage=request.stage)

    return _in_time(work, request)


def _public(base: str, location: str = "") -> str:
    """The URL that ``location`` is at ``base``, if it may be asked for a public file.

    Raises:
        ProtocolError: it is none of HTTPS.
    """
    try:
        url = urljoin(base, location)
    except ValueError:
        url = ""
    parts = _split(url)
    if parts is None or " " in url or parts.username is not None:
        raise ProtocolError("it leads to what is no URL", stage="transport")
    if parts.scheme != "https" or not parts.hostname:
        raise ProtocolError("it leads away from HTTPS", stage="transport")
    return url


def _in_time(work: Callable[[], T | SmtpkitError], request: _Request) -> T:
    """What ``work`` gives; its error is raised here, where no frame has a secret."""
    ended: list[T | SmtpkitError] = []

    def ask() -> None:
        try:
            ended.append(work())
        except SmtpkitError as error:
            ended.append(error)

    # urllib's time-outs are for each read: a server that drips would put them off for ever.
    asking = threading.Thread(target=ask, name="smtpkit-http", daemon=True)
    asking.start()
    asking.join(request.seconds)
    if not ended:
        raise _late(request)
    answer = ended[0]
    if isinstance(answer, SmtpkitError):
        raise answer
    return answer


def _answer(request: _Request) -> HttpAnswer | SmtpkitError:
    try:
        return _asked(request)
    except Exception as error:
        return _failure(request, error)


def _asked(request: _Request) -> HttpAnswer:
    from http.client import IncompleteRead
    from urllib.error import HTTPError
    from urllib.request import Request

    permit(*_place(request.url))
    made = Request(request.url, request.data, {"User-Agent": "smtpkit"})  # noqa: S310
    for name, text in request.headers.items():
        made.add_header(name, text.reveal() if isinstance(text, Secret) else text)
    try:
        answer = _opener(request).open(made, timeout=request.seconds)
    except HTTPError as refusal:
        answer = refusal
    with answer:
        body = SecretOctets(answer.read(request.most + 1))
        if len(body) > request.most:
            text = f"the answer of {request.asked} has more than {request.most} octets"
            raise ProtocolError(text, stage=request.stage)
        # By a read of so many octets http.client does not see that some are missing.
        if answer.length:
            raise IncompleteRead(body, answer.length)
        return HttpAnswer(int(answer.status or 0), dict(answer.headers.items()), body)


def _opener(request: _Request) -> OpenerDirector:
    """urllib, which follows no redirects, and asks a proxy only for HTTPS."""
    from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, build_opener

    from smtpkit.runtime.tls import client_context

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
            return None

    if request.url.startswith("https:"):
        return build_opener(Stay, HTTPSHandler(context=request.context or client_context(None)))
    return build_opener(Stay, ProxyHandler({}))


def _failure(request: _Request, error: Exception) -> SmtpkitError:
    from http.client import HTTPException
    from urllib.error import URLError

    from smtpkit.runtime.tls import tls_error

    if isinstance(error, SmtpkitError):
        # Its frames have what was sent.
        return error.with_traceback(None)
    if isinstance(error, HTTPException):
        return ProtocolError(f"{request.asked} does not speak HTTP: {type(error).__name__}", stage=request.stage)
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, OSError) else error
    if isinstance(cause, TimeoutError):
        return _late(request)
    if isinstance(cause, OSError) and (refused := tls_error(cause, *_place(request.url), starttls=False)) is not None:
        refused.stage = request.stage
        refused.hint = "The system's CAs decide, or those in the file that SSL_CERT_FILE names. Nothing was sent."
        return refused
    reason = cause.strerror or str(cause) if isinstance(cause, OSError) else type(cause).__name__
    return ConnectFailed(
        f"no connection to {request.asked}: {shown(reason)}",
        stage=request.stage,
        hint="Is its URL right, and may this machine speak HTTPS to it (firewall, HTTPS_PROXY)?",
    )


def _late(request: _Request) -> TimedOut:
    return TimedOut(f"{request.asked} did not answer in time", stage=request.stage)


def _place(url: str) -> tuple[str, int]:
    """Host and port of ``url``, which is one."""
    parts = _split(url)
    assert parts is not None
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _split(url: str) -> SplitResult | None:
    from urllib.parse import urlsplit

    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if url.isascii() and url.isprintable() else None


def _host(url: str) -> str:
    parts = _split(url)
    return shown(parts.hostname or "") if parts is not None else ""


def _loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
