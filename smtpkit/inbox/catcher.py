"""The SMTP server of the inbox: aiosmtpd, which takes everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit.errors import InvalidConfiguration
from smtpkit.preview.exhibit import Exhibit

if TYPE_CHECKING:
    from aiosmtpd.controller import Controller

    from smtpkit.inbox.mails import Mails

__all__ = ["HOST", "catcher"]

HOST = "127.0.0.1"
_LARGEST = 64 * 1024 * 1024


class _Catcher:
    """What aiosmtpd asks about a mail."""

    def __init__(self, mails: Mails) -> None:
        self._mails = mails

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        data = bytes(envelope.content)
        kept = self._mails.add(Exhibit(data, envelope.mail_from or "", tuple(envelope.rcpt_tos)))
        return f"250 2.0.0 kept as {kept.number}, and delivered to nobody"


def catcher(mails: Mails, port: int) -> Controller:
    """A server for 127.0.0.1 that is not started; its ``port`` is the real one when it is.

    Raises:
        InvalidConfiguration: aiosmtpd is not installed.
    """
    try:
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult
    except ImportError:
        raise InvalidConfiguration(
            "the inbox needs aiosmtpd, which is not installed", hint='pip install "smtpkit[inbox]"'
        ) from None

    class Started(Controller):
        def _trigger_server(self) -> None:
            # Port 0 is any free one: which it is, only the socket knows.
            self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
            super()._trigger_server()  # type: ignore[no-untyped-call]

    def welcome(*_: object) -> AuthResult:
        return AuthResult(success=True)

    return Started(
        _Catcher(mails),
        HOST,
        port,
        data_size_limit=_LARGEST,
        enable_SMTPUTF8=True,
        auth_require_tls=False,
        authenticator=welcome,
        ident="smtpkit inbox",
    )
