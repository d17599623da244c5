"""Both servers of the inbox, from beginning to end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from smtpkit.inbox.catcher import HOST, catcher
from smtpkit.inbox.pages import PageServer

if TYPE_CHECKING:
    from collections.abc import Generator

    from smtpkit.inbox.mails import Mails

__all__ = ["Inbox", "serving"]


class Inbox:
    """The servers, both listening on this machine alone."""

    def __init__(self, pages: PageServer) -> None:
        self._pages = pages

    @property
    def smtp_url(self) -> str:
        """Where mail is taken."""
        return self._pages.smtp_url

    @property
    def url(self) -> str:
        """Where the page is."""
        return self._pages.url

    def serve(self) -> None:
        """Serve the page until interrupted; mail is taken by a thread."""
        self._pages.serve_forever(poll_interval=0.2)


@contextmanager
def serving(mails: Mails, smtp_port: int, http_port: int) -> Generator[Inbox]:
    """Open both servers, and close them in the end.

    Raises:
        InvalidConfiguration: aiosmtpd is not installed.
        OSError: a port is taken.
    """
    smtp = catcher(mails, smtp_port)
    with PageServer(mails, http_port) as pages:
        smtp.start()
        pages.smtp_url = f"smtp+plaintext://{HOST}:{smtp.port}"
        try:
            yield Inbox(pages)
        finally:
            smtp.stop()
