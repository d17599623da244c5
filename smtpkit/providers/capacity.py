"""How much a provider lets one account do at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import InvalidConfiguration

if TYPE_CHECKING:
    from smtpkit.providers.provider import Provider

__all__ = ["check_connections"]


def check_connections(provider: Provider, connections: int | None) -> None:
    """Raise if ``connections`` are more than ``provider`` takes.

    Raises:
        InvalidConfiguration: they are.
    """
    most = provider.max_connections
    if most is not None and connections is not None and connections > most:
        raise InvalidConfiguration(
            f"{provider.title} takes {most} connections of one account at a time, and connections={connections}",
            hint="More are turned away. With in_flight= there are several mails under way on each.",
        )
