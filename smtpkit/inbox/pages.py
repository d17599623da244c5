"""The page of the inbox, over HTTP on this machine."""

from __future__ import annotations

import sys
from hmac import compare_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

from smtpkit import stamp
from smtpkit.inbox.catcher import HOST
from smtpkit.preview.show import page
from smtpkit.preview.template import Html, fill, joined, read

if TYPE_CHECKING:
    from smtpkit.inbox.mails import Kept, Mails

__all__ = ["PageServer"]

_LONGEST = 1000
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageServer(ThreadingHTTPServer):
    """Serves the inbox to browsers of this machine that asked for it by its own name."""

    daemon_threads = True

    def __init__(self, mails: Mails, port: int) -> None:
        self.mails = mails
        self.token: str = stamp.nonce()
        """What proves that a form comes from this page."""
        self.smtp_url: str = ""
        """Where mail is taken, once that is known."""
        super().__init__((HOST, port), _Page)
        number = self.server_address[1]
        self.names: frozenset[str] = frozenset((f"{HOST}:{number}", f"localhost:{number}"))
        """What the page may be asked for by: any other name leads here from somewhere else (DNS rebinding)."""

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_address[1]}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that went away before it had the answer is no news."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class _Page(BaseHTTPRequestHandler):
    server_version = "smtpkit"
    sys_version = ""
    timeout: ClassVar[float | None] = 30

    def do_GET(self) -> None:
        """``/``, ``/mail/3``, and ``/rows``, the list alone, which the page asks for."""
        if not self._is_ours():
            return
        path, _, query = self.path.partition("?")
        mails = self._inbox.mails
        number = path.removeprefix("/mail/")
        if path == "/":
            self._answer(inbox(self._inbox, None))
        elif path == "/rows":
            self._rows(query.removeprefix("current="))
        elif number.isdecimal() and len(number) < 10 and (kept := mails.numbered(int(number))):
            self._answer(inbox(self._inbox, kept))
        else:
            self._refuse(404, "There is no such mail any more.")

    def do_POST(self) -> None:
        """``/clear`` forgets all mails, if this page asks for it."""
        if not self._is_ours():
            return
        length = self.headers.get("Content-Length", "")
        given = self.rfile.read(int(length)) if length.isdecimal() and int(length) <= _LONGEST else b""
        # Other sites can make a browser post this form, and cannot read what is in it.
        if self.path != "/clear" or not compare_digest(given, f"token={self._inbox.token}".encode()):
            self._refuse(403, "Only the page of the inbox can do this.")
            return
        self._inbox.mails.clear()
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    @property
    def _inbox(self) -> PageServer:
        assert isinstance(self.server, PageServer)
        return self.server

    def _is_ours(self) -> bool:
        if self.headers.get("Host", "").lower() in self._inbox.names:
            return True
        self._refuse(403, f"The inbox is at {self._inbox.url}, and at no other name.")
        return False

    def _rows(self, current: str) -> None:
        # Looked up first: a change in between is seen the next time.
        tag = f'"{self._inbox.mails.version}"'
        if self.headers.get("If-None-Match") == tag:
            self.send_response(304)
            self.end_headers()
            return
        self._answer(_rows(self._inbox.mails.newest_first(), current), tag)

    def _refuse(self, status: int, text: str) -> None:
        self._answer(page("Inbox", "single", fill("refusal", text=text)), status=status)

    def _answer(self, html: str, tag: str = "", status: int = 200) -> None:
        data = html.encode("utf-8", "replace")
        self.send_response(status)
        for name, text in _HEADERS.items():
            self.send_header(name, text)
        self.send_header("Content-Security-Policy", _policy())
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        if tag:
            self.send_header("ETag", tag)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the mails are what matters."""


def inbox(server: PageServer, opened: Kept | None) -> str:
    """The page: the list, and the mail that is ``opened`` or else the newest."""
    mails = server.mails
    version = mails.version
    found = mails.newest_first()
    shown = opened or (found[0] if found else None)
    number = str(shown.number) if shown else ""
    body = fill(
        "inbox",
        count=str(len(found)),
        rows=_rows(found, number),
        articles=shown.letter.article("/") if shown else fill("empty", hint=fill("send_to", url=server.smtp_url)),
        more=fill("clear", token=server.token),
    )
    head = fill("live", script=Html(read("live.js")), version=version, current=number)
    return page(f"Inbox ({len(found)})", f"inbox live{' opened' if opened else ''}", body, head, _policy(meta=True))


def _rows(found: list[Kept], current: str) -> Html:
    return joined([kept.letter.row(f"/mail/{kept.number}", current=str(kept.number) == current) for kept in found])


def _policy(*, meta: bool = False) -> str:
    """The Content-Security-Policy: our own script and nothing else; frames of mails inherit it, with a stricter one."""
    from base64 import b64encode
    from hashlib import sha256

    script = b64encode(sha256(read("live.js").encode()).digest()).decode()
    own = f"script-src 'sha256-{script}'; connect-src 'self'; form-action 'self'"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; {own}"
    return policy if meta else f"{policy}; frame-ancestors 'none'"
