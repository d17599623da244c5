"""One HTTP request to an endpoint for tokens, bounded in time and size."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from smtpkit.errors import ConnectFailed, InvalidConfiguration, ProtocolError, SmtpkitError, TimedOut
from smtpkit.mime.characters import shown
from smtpkit.secret import Secret, SecretOctets
from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

__all__ = ["HttpAnswer", "endpoint", "fetch"]

_MOST_OCTETS = 256 * 1024
"""Of an answer: those of token endpoints have some thousand."""


@value
class HttpAnswer:
    """What the endpoint said."""

    status: int
    headers: dict[str, str]
    body: SecretOctets


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
    host = endpoint(url) and _host(url)
    ended: list[HttpAnswer | SmtpkitError] = []

    def ask() -> None:
        try:
            ended.append(_answer(url, data, headers, seconds))
        except Exception as error:
            ended.append(_failure(host, error))

    # urllib's time-outs are for each read: a server that drips would put them off for ever.
    asking = threading.Thread(target=ask, name="smtpkit-http", daemon=True)
    asking.start()
    asking.join(seconds)
    if not ended:
        raise _late(host)
    answer = ended[0]
    if isinstance(answer, SmtpkitError):
        raise answer
    return answer


def _answer(url: str, data: SecretOctets | None, headers: Mapping[str, str | Secret], seconds: float) -> HttpAnswer:
    from urllib.error import HTTPError
    from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

    from smtpkit.runtime.tls import client_context

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
            return None

    handlers: list[Any] = [Stay]
    if url.startswith("https:"):
        handlers.append(HTTPSHandler(context=client_context(None)))
    else:
        handlers.append(ProxyHandler({}))
    request = Request(url, data, {"User-Agent": "smtpkit", "Accept": "application/json"})  # noqa: S310
    for name, text in headers.items():
        request.add_header(name, text.reveal() if isinstance(text, Secret) else text)
    try:
        answer = build_opener(*handlers).open(request, timeout=seconds)
    except HTTPError as refusal:
        answer = refusal
    with answer:
        body = SecretOctets(answer.read(_MOST_OCTETS + 1))
        if len(body) > _MOST_OCTETS:
            raise ProtocolError(f"the answer of {_host(url)} is too long", stage="auth")
        return HttpAnswer(int(answer.status or 0), dict(answer.headers.items()), body)


def _failure(host: str, error: Exception) -> SmtpkitError:
    from http.client import HTTPException
    from urllib.error import URLError

    from smtpkit.runtime.tls import tls_error

    if isinstance(error, SmtpkitError):
        return error
    if isinstance(error, HTTPException):
        return ProtocolError(f"the token endpoint {host} does not speak HTTP: {type(error).__name__}", stage="auth")
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, OSError) else error
    if isinstance(cause, TimeoutError):
        return _late(host)
    if isinstance(cause, OSError) and (refused := tls_error(cause, host, 443, starttls=False)) is not None:
        refused.stage = "auth"
        refused.hint = "The system's CAs decide, or those in the file that SSL_CERT_FILE names. Nothing was sent."
        return refused
    reason = cause.strerror or str(cause) if isinstance(cause, OSError) else type(cause).__name__
    return ConnectFailed(
        f"no connection to the token endpoint {host}: {shown(reason)}",
        stage="auth",
        hint="Is its URL right, and may this machine speak HTTPS to it (firewall, HTTPS_PROXY)?",
    )


def _late(host: str) -> TimedOut:
    return TimedOut(f"the token endpoint {host} did not answer in time", stage="auth")


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
