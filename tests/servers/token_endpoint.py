"""An authorization server on loopback: its token endpoint (RFC 6749 §3.2), in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from base64 import b64decode
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import parse_qsl, unquote_plus

if TYPE_CHECKING:
    from types import TracebackType

    from servers.certificates import Certificates

__all__ = ["CLIENT", "Canned", "TokenEndpoint"]

CLIENT = ("the-client", "cl13nt-s3cret/+")
_SECONDS = 10.0
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


class Canned(NamedTuple):
    """An answer that is given whatever was asked."""

    status: int
    body: bytes | dict[str, Any]
    headers: tuple[tuple[str, str], ...] = ()


class TokenEndpoint:
    """Gives access tokens that are good for ``expires_in`` seconds, within ``with``.

    With ``rotate`` each comes with a new refresh token, and only that one is good then. ``gate`` is shut to let who
    asks wait.
    """

    def __init__(self, certificates: Certificates | None = None) -> None:
        self.expires_in: object = 3600
        self.rotate = False
        self.discoverable = True
        """Whether it says where its endpoints are."""
        self.refresh_tokens = {"r3fresh-0"}
        self.tokens: set[str] = set()
        """Those that were given and not withdrawn: what a server takes."""
        self.requests: list[dict[str, str]] = []
        """The fields of each request, in their order; who asked by Authorization is in ``basic``."""
        self.canned: deque[Canned] = deque()
        """What is answered instead, in this order."""
        self.gate = threading.Event()
        self.gate.set()
        self.asked = threading.Event()
        """Set when somebody has come to the gate."""
        self._lock = threading.Lock()
        self._issued = 0
        endpoint = self

        class Handler(_Handler):
            authority = endpoint

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "http"
        if certificates is not None:
            self._scheme = "https"
            self._server.socket = certificates.server_context().wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def base(self) -> str:
        """Its URL, without a path."""
        return f"{self._scheme}://localhost:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """Of the token endpoint."""
        return f"{self.base}/token"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_SECONDS)

    async def was_asked(self) -> None:
        """Wait until somebody has come to the gate."""
        async with asyncio.timeout(_SECONDS):
            while not self.asked.is_set():  # noqa: ASYNC110 - threads set it
                await asyncio.sleep(0.001)

    def withdraw(self) -> None:
        """No token that was given is good any more."""
        self.tokens.clear()

    def answer(self, fields: dict[str, str]) -> Canned:
        """What is said to a request with these fields."""
        with self._lock:
            self.requests.append(fields)
            self.asked.set()
        self.gate.wait(_SECONDS)
        with self._lock:
            if self.canned:
                return self.canned.popleft()
            if fields.get("client_id", CLIENT[0]) != CLIENT[0] or fields.get("client_secret", CLIENT[1]) != CLIENT[1]:
                return Canned(401, {"error": "invalid_client"})
            return self._granted(fields)

    def _granted(self, fields: dict[str, str]) -> Canned:
        if fields["grant_type"] == "refresh_token" and fields["refresh_token"] not in self.refresh_tokens:
            return Canned(400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
        self._issued += 1
        token = f"acc3ss-{self._issued}"
        self.tokens.add(token)
        granted: dict[str, Any] = {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in}
        if self.rotate or fields["grant_type"] == _DEVICE:
            granted["refresh_token"] = f"r3fresh-{self._issued}"
            self.refresh_tokens = {granted["refresh_token"]}
        return Canned(200, {key: each for key, each in granted.items() if each is not None})

    def discovered(self, path: str) -> dict[str, Any]:
        """Where its endpoints are (OpenID Connect Discovery §3)."""
        tenant = path.split("/")[1]
        return {
            "issuer": f"{self.base}/{tenant}/v2.0",
            "authorization_endpoint": f"{self.base}/{tenant}/authorize",
            "token_endpoint": f"{self.base}/{tenant}/token",
            "device_authorization_endpoint": f"{self.base}/{tenant}/devicecode",
        }


class _Handler(BaseHTTPRequestHandler):
    authority: TokenEndpoint

    def do_GET(self) -> None:
        found = Canned(200, self.authority.discovered(self.path))
        self._say(found if self.authority.discoverable else Canned(400, {"error": "invalid_tenant"}))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = dict(parse_qsl(body, strict_parsing=True))
        kind, _, pair = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            name, _, secret = b64decode(pair).decode().partition(":")
            fields |= {"basic": "yes", "client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}
        if self.path.endswith("/devicecode"):
            code = {"device_code": "d3vice", "user_code": "ABCD-EFGH", "verification_uri": "https://example.com/device"}
            return self._say(Canned(200, {**code, "expires_in": 900, "interval": 1, "message": "Enter ABCD-EFGH"}))
        return self._say(self.authority.answer(fields))

    def _say(self, answer: Canned) -> None:
        body = json.dumps(answer.body).encode() if isinstance(answer.body, dict) else answer.body
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in answer.headers:
            self.send_header(name, text)
        self.end_headers()
        # Who has waited for too long has gone.
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of what is overridden
        """Nothing."""
