"""What a mailer turned out to be. Nothing is sent to see where it would go: so this looks inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from smtpkit import AsyncMailer, Mailer
    from smtpkit.transports.smtp import SmtpTransport


class Made(NamedTuple):
    """What a mailer turned out to be."""

    kind: type[SmtpTransport]
    host: str
    port: int
    username: str | None
    password: str | None
    default_from: str | None


def made(mailer: Mailer | AsyncMailer) -> Made:
    """Where ``mailer`` sends, and as whom."""
    transport: Any = mailer.transport
    server = transport._server
    login = server.credentials
    secret = login and (login.password or login.token)
    return Made(
        type(transport),
        server.host,
        server.port,
        login and login.username,
        secret and secret.reveal(),
        sender(mailer),
    )


def sender(mailer: Mailer | AsyncMailer) -> str | None:
    """Its default From."""
    found = mailer._delivery._default_from  # pyright: ignore[reportPrivateUsage]
    return None if found is None else str(found)


def limits(mailer: Mailer) -> list[tuple[int, str]]:
    """The limits of ``mailer``."""
    found = mailer._delivery._limits  # pyright: ignore[reportPrivateUsage]
    return [(limit.count, limit.unit) for limit in found]


def options(mailer: Mailer | AsyncMailer) -> Any:
    """The options of its transport."""
    transport: Any = mailer.transport
    return transport._server
