"""What is known of mail providers: ``providers.get("gmail")``, ``providers.for_address("me@gmail.com")``.

The presets are read from a file at the first lookup; nothing but `discover` looks into the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.providers.discovery import Discovered, discover, discover_async
from smtpkit.providers.presets import listed
from smtpkit.providers.provider import Endpoint, OAuth2, Provider, SendingLimit
from smtpkit.providers.registry import Registry

if TYPE_CHECKING:
    from smtpkit.address import Address

__all__ = [
    "Discovered",
    "Endpoint",
    "OAuth2",
    "Provider",
    "Registry",
    "SendingLimit",
    "discover",
    "discover_async",
    "for_address",
    "for_domain",
    "for_host",
    "for_mx",
    "get",
    "register",
    "registry",
    "unregister",
]

registry: Registry = Registry(listed)
"""The providers that mailers look names up in: the presets, and what was registered."""


def get(name: str) -> Provider:
    """The provider of that name or alias, in any case. Raises `UnknownProvider`; see `Registry.get`."""
    return registry.get(name)


def for_domain(domain: str) -> Provider:
    """The provider whose mailboxes have that domain. Raises `UnknownProvider`; see `Registry.for_domain`."""
    return registry.for_domain(domain)


def for_address(address: str | Address) -> Provider:
    """The provider of a mailbox, by its domain. Raises `UnknownProvider`; see `Registry.for_address`."""
    return registry.for_address(address)


def for_mx(host: str) -> Provider:
    """The provider that takes a domain's mail at ``host``. Raises `UnknownProvider`; see `Registry.for_mx`."""
    return registry.for_mx(host)


def for_host(*hosts: str, domain: str = "") -> Provider:
    """The provider that lets mail out at these hosts. Raises `UnknownProvider`; see `Registry.for_host`."""
    return registry.for_host(*hosts, domain=domain)


def register(provider: Provider, *, replace: bool = False) -> None:
    """Add a provider of your own. Raises `InvalidConfiguration` if a name is taken; see `Registry.register`."""
    registry.register(provider, replace=replace)


def unregister(name: str) -> None:
    """Remove the provider of that name or alias. Raises `UnknownProvider`; see `Registry.unregister`."""
    registry.unregister(name)
