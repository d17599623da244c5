"""From a configuration in text to a mailer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from smtpkit.errors import InvalidConfiguration
from smtpkit.mailer.configuration import LOCAL, OF_MAILER, SCHEMES, provider_of
from smtpkit.mailer.local import local_transport

if TYPE_CHECKING:
    from smtpkit.events import OnEvent
    from smtpkit.mailer.base import MailerBase
    from smtpkit.mailer.configuration import Configuration

    M = TypeVar("M", bound=MailerBase)

__all__ = ["configured"]


def configured(kind: type[M], given: Configuration, on_event: OnEvent | None = None) -> M:
    """The mailer that a URL or the environment describes.

    Raises:
        InvalidConfiguration: it cannot be.
        UnknownProvider: the scheme is neither SMTP nor a provider.
    """
    from smtpkit.transports.smtp import smtp_transport

    has_preset = not (given.members or given.scheme in LOCAL or given.scheme in SCHEMES)
    if not has_preset and "limits_path" in dict(given.options):
        raise InvalidConfiguration(
            f"the {given.scheme}: URL has limits.path and no limits.daily",
            hint="It is what is counted in that file: limits.daily=500. Only presets of providers bring limits.",
        )
    if given.members:
        return _composed(kind, given, on_event)
    if given.scheme in LOCAL:
        own = dict(given.options)
        return kind(local_transport(given.scheme, given.host, own), on_event=on_event, **own)
    options: dict[str, Any] = {**dict(given.options), "username": given.username, "password": given.password}
    if given.scheme not in SCHEMES:
        provider = provider_of(given.scheme)
        if given.host or given.port:
            raise InvalidConfiguration(
                f"a {given.scheme}:// URL has no host and port: the preset knows them",
                hint="End it with @, after the password. Use smtp:// or smtps:// for a host of your own.",
            )
        return kind.for_provider(provider.name, on_event=on_event, **options)
    if not given.host:
        raise InvalidConfiguration(f"the {given.scheme}:// URL has no host")
    own = {name: options.pop(name) for name in OF_MAILER if name in options}
    return kind(smtp_transport(SCHEMES[given.scheme], given.host, given.port, options), on_event=on_event, **own)


def _composed(kind: type[M], given: Configuration, on_event: OnEvent | None) -> M:
    from smtpkit.transports.failover import FailoverTransport
    from smtpkit.transports.round_robin import RoundRobinTransport

    options = dict(given.options)
    own = {name: options.pop(name) for name in OF_MAILER if name in options}
    composition = FailoverTransport if given.scheme == "failover" else RoundRobinTransport
    members = [configured(kind, each).transport for each in given.members]
    return kind(composition(*members, **options), on_event=on_event, **own)
