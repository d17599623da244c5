"""The mail server of an address, looked for in the network: ``discover("me@example.org")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.address import Address
from smtpkit.errors import InvalidConfiguration
from smtpkit.tls import Tls, verifies
from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit.dns import Resolver
    from smtpkit.providers.provider import Provider
    from smtpkit.providers.search import Search
    from smtpkit.runtime.base import Runtime
    from smtpkit.tls import TlsSetting

__all__ = ["Discovered", "How", "discover", "discover_async"]

How: TypeAlias = Literal["domain", "mx", "srv", "autoconfig", "mail-host"]
"""By the address's domain; the host that takes the domain's mail; its SRV records (RFC 6186, RFC 8314); the file for
mail programs that it publishes; ``mail.`` before the domain."""


@value
class Discovered:
    """What `discover` found: ``Mailer.for_provider(found.provider, found.address, password)``."""

    address: str
    """The address that was asked for."""
    provider: Provider
    """One of the registry, or one made of what the domain says of itself."""
    how: How
    said: str
    """In words: how it was found."""

    def __str__(self) -> str:
        domain = self.address.rpartition("@")[2]
        return f"{self.address}: {self.provider.title}, {self.provider.endpoint(domain=domain)}: {self.said}"


def discover(
    address: str | Address,
    *,
    resolver: Resolver | None = None,
    tls: TlsSetting = None,
    trusted_hosts: Iterable[str] = (),
    timeout: float = 30,
) -> Discovered:
    """Find out where ``address`` sends its mail. It asks DNS and connects, without any password.

    In this order: the domain in the registry; its MX host in the registry; SRV records; the file for
    mail programs, by HTTPS alone; ``mail.`` before the domain, at 465 and 587 with a verified certificate.

    Args:
        address: such as ``"me@example.org"``.
        resolver: who answers questions to DNS; dnspython (the extra ``dns``) if not given.
        tls: for HTTPS and SMTP, as transports take it, if certificates are verified with it.
        trusted_hosts: hosts outside of the domain that its SRV records may name. DNS can be forged, and the
            certificate of another host proves nothing of this domain, so that its user has to be asked (RFC 6186 §6).
        timeout: seconds for all of it; one question gets 5 of them.

    Raises:
        InvalidAddress: it is not one mailbox.
        InvalidConfiguration: the extra is missing, or the domain's provider offers no SMTP.
        UnknownProvider: nothing was found. The text says what was tried, and `temporary` whether another try may help.
    """
    from smtpkit.runtime import blocking

    runtime = blocking.BlockingRuntime()
    return blocking.run(_search(address, resolver, tls, trusted_hosts, runtime, timeout).find())


async def discover_async(
    address: str | Address,
    *,
    resolver: Resolver | None = None,
    tls: TlsSetting = None,
    trusted_hosts: Iterable[str] = (),
    timeout: float = 30,  # noqa: ASYNC109
) -> Discovered:
    """As `discover`, for programs with an event loop."""
    from smtpkit.runtime import aio

    return await _search(address, resolver, tls, trusted_hosts, aio.AsyncRuntime(), timeout).find()


def _search(
    address: str | Address,
    resolver: Resolver | None,
    tls: TlsSetting,
    trusted_hosts: Iterable[str],
    runtime: Runtime,
    seconds: float,
) -> Search:
    from smtpkit.providers import registry
    from smtpkit.providers.search import Search

    if not verifies(tls) or (isinstance(tls, Tls) and tls.fingerprints):
        raise InvalidConfiguration(
            "discover believes nobody but by a certificate for the name",
            hint="For a CA of your own give tls=Tls(ca_file=...). For a server that is known by its fingerprint make "
            "SmtpSslTransport(host, tls=...).",
        )
    hosts = (trusted_hosts,) if isinstance(trusted_hosts, str) else trusted_hosts
    return Search(Address.of(address), registry, resolver, tls, hosts, runtime, seconds)
