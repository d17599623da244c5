"""The steps of `discover`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from smtpkit.dns import DnsResolver, exchangers, service_targets
from smtpkit.errors import InvalidConfiguration, NetworkForbidden, SmtpkitError, UnknownProvider
from smtpkit.mime.characters import shown
from smtpkit.providers.autoconfig import Autoconfig, urls
from smtpkit.providers.discovery import Discovered
from smtpkit.providers.provider import Endpoint, Provider
from smtpkit.runtime.http import download
from smtpkit.runtime.tls import client_context
from smtpkit.smtp import commands
from smtpkit.smtp.handshake import open_dialogue
from smtpkit.smtp.server import Server

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    from smtpkit.address import Address
    from smtpkit.dns import RecordType, Resolver
    from smtpkit.providers.discovery import How
    from smtpkit.providers.provider import EndpointSecurity
    from smtpkit.providers.registry import Registry
    from smtpkit.runtime.base import Runtime
    from smtpkit.tls import TlsSetting

__all__ = ["Search"]

_QUESTION = 5.0
"""Seconds for one question: a look-up, a file, a server."""

_SERVICES: tuple[tuple[str, EndpointSecurity], ...] = (("_submissions._tcp", "tls"), ("_submission._tcp", "starttls"))
"""RFC 8314 §5.1 and RFC 6186 §3.1; TLS from the first byte is preferred (RFC 8314 §3.3)."""


class Search:
    """One search. Its steps say what they found, or leave a line in ``tried``."""

    def __init__(
        self,
        address: Address,
        registry: Registry,
        resolver: Resolver | None,
        tls: TlsSetting,
        trusted_hosts: Iterable[str],
        runtime: Runtime,
        seconds: float,
    ) -> None:
        self._address = address
        self._domain = address.ascii_domain.lower()
        self._registry = registry
        self._resolver = DnsResolver() if resolver is None else resolver
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        self._runtime = runtime
        self._until = runtime.now() + seconds
        self._trusted = {host.strip().rstrip(".").lower() for host in trusted_hosts}
        self._tried: list[str] = []
        self._temporary = False
        """Whether DNS or somebody else did not answer."""
        self._closed = False
        """Whether the domain says that it takes no submissions."""

    async def find(self) -> Discovered:
        """Take the steps in their order.

        Raises:
            UnknownProvider: none of them found anything.
        """
        if self._domain.startswith("["):
            raise InvalidConfiguration(
                f"{shown(self._address.addr_spec)} has an IP address in place of a domain",
                hint="Give its host itself: SmtpSslTransport(...).",
            )
        for step in (self._by_domain, self._by_mx, self._by_srv, self._by_autoconfig, self._by_mail_host):
            if not self._closed and (found := await step()) is not None:
                return found
        raise UnknownProvider(
            f"no server was found for {shown(self._address.addr_spec)}: {'; '.join(self._tried)}",
            hint="Ask those who run the domain's mail for the host, and give it: SmtpSslTransport(host, username=...).",
            temporary=self._temporary,
        )

    async def _by_domain(self) -> Discovered | None:
        try:
            provider = self._registry.for_domain(self._domain)
        except UnknownProvider:
            return self._nothing("its domain is none that providers are known by")
        # One that offers no SMTP says so here.
        provider.endpoint(domain=self._domain)
        return self._found(provider, "domain", f"{self._domain} is a domain of its mailboxes")

    async def _by_mx(self) -> Discovered | None:
        records = await self._records(self._domain, "MX")
        if records is None:
            return None
        for host in exchangers(records):
            with suppress(UnknownProvider):
                provider = _of_region(self._registry.for_mx(host), host)
                return self._found(provider, "mx", f"{host} takes the mail of {self._domain}")
        hosts = ", ".join(map(shown, exchangers(records))) or "nobody"
        return self._nothing(f"its mail goes to {hosts}, which no provider is known by")

    async def _by_srv(self) -> Discovered | None:
        endpoints: list[Endpoint] = []
        for service, security in _SERVICES:
            records = await self._records(f"{service}.{self._domain}", "SRV")
            if records:
                targets = service_targets(records)
                self._closed = self._closed or not targets
                endpoints += [Endpoint(each.host, each.port, security) for each in targets if each.port]
        if not endpoints:
            said = (
                "its SRV records say that it takes no mail from programs" if self._closed else "it has no SRV records"
            )
            return self._nothing(said)
        self._closed = False
        return self._trusted_of(endpoints)

    def _trusted_of(self, endpoints: list[Endpoint]) -> Discovered | None:
        """What SRV records name, if their hosts can be trusted: DNS can be forged (RFC 6186 §6)."""
        names = ", ".join(dict.fromkeys(each.host for each in endpoints))
        said = f"the SRV records of {self._domain} name {names}"
        if (known := self._known(endpoints)) is not None:
            return self._found(known, "srv", said)
        own = tuple(each for each in endpoints if self._is_trusted(each.host))
        if own:
            return self._found(self._made(own, said), "srv", said)
        return self._nothing(
            f"its SRV records name {names}, which is outside of {self._domain}, and DNS can be forged: if that is "
            f"right, pass trusted_hosts=[{endpoints[0].host!r}]"
        )

    def _is_trusted(self, host: str) -> bool:
        return host in self._trusted or f".{host}".endswith(f".{self._domain}")

    async def _by_autoconfig(self) -> Discovered | None:
        address = f"{self._address.local_part}@{self._domain}"
        for url in urls(self._domain):
            try:
                context = await self._verifying()
                seconds = max(self._deadline - self._runtime.now(), 0.0)
                config = Autoconfig.read(await self._runtime.call(download, url, context, seconds), address)
            except NetworkForbidden:
                raise
            except (SmtpkitError, ValueError) as error:
                self._failed(url, error)
                continue
            said = f"{url} says so"
            made = self._made(config.endpoints, said).replace(
                username=config.username,
                username_literal=config.username_literal,
                password_kind="oauth2-only" if config.oauth2_only else "password",
            )
            return self._found(self._known(config.endpoints) or made, "autoconfig", said)
        return None

    async def _by_mail_host(self) -> Discovered | None:
        host = f"mail.{self._domain}"
        for endpoint in (Endpoint(host, 465, "tls"), Endpoint(host, 587, "starttls")):
            server = Server(host, endpoint.port, endpoint.security, tls=await self._verifying())
            try:
                offers_login = await _offers_login(server, self._runtime, self._deadline)
            except SmtpkitError as error:
                self._failed(server.address, error)
                continue
            if offers_login:
                said = f"{server.address} answers, with a certificate for {host}, and takes a log-in"
                return self._found(self._made((endpoint,), said), "mail-host", said)
            self._nothing(f"{server.address} takes no log-in")
        return None

    async def _verifying(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = await self._runtime.call(client_context, self._tls)
        return self._context

    @property
    def _deadline(self) -> float:
        return min(self._runtime.now() + _QUESTION, self._until)

    async def _records(self, name: str, kind: RecordType) -> tuple[str, ...] | None:
        try:
            return await self._resolver.lookup(name, kind, self._runtime, self._deadline)
        except OSError as error:
            self._failed(f"{kind} of {name}", error)
            self._temporary = True
            return None

    def _known(self, endpoints: Iterable[Endpoint]) -> Provider | None:
        """The provider of the registry that has all these hosts."""
        with suppress(UnknownProvider):
            return self._registry.for_host(*(each.host for each in endpoints))
        return None

    def _made(self, endpoints: tuple[Endpoint, ...], said: str) -> Provider:
        return Provider(
            self._domain, self._domain, endpoints, username="address", domains=(self._domain,), notes=f"Found: {said}."
        )

    def _found(self, provider: Provider, how: How, said: str) -> Discovered:
        return Discovered(self._address.addr_spec, provider, how, said)

    def _nothing(self, said: str) -> Discovered | None:
        self._tried.append(said)
        return None

    def _failed(self, what: str, error: Exception) -> None:
        # A hint is of use to those who chose the host.
        reason = error.message if isinstance(error, SmtpkitError) else str(error) or type(error).__name__
        self._temporary = self._temporary or isinstance(error, TimeoutError)
        self._tried.append(reason if what in reason else f"{what}: {reason}")


def _of_region(provider: Provider, host: str) -> Provider:
    """``provider`` with the hosts of the region that ``host`` is of, where regions have domains of their own."""
    parent = host.partition(".")[2]
    for region, own in provider.regions:
        if own.partition(".")[2] == parent:
            endpoints = (provider.endpoint(region=region, security=each.security) for each in provider.endpoints)
            return provider.replace(endpoints=tuple(dict.fromkeys(endpoints)))
    return provider


async def _offers_login(server: Server, runtime: Runtime, deadline: float) -> bool:
    """Whether a server that showed its certificate does; nothing secret is said.

    Raises:
        DeliveryError: there is none, or its certificate is not right.
    """
    dialogue, capabilities = await open_dialogue(server, runtime, deadline)
    try:
        with suppress(SmtpkitError):
            await dialogue.send(commands.QUIT, "quit")
            await dialogue.reply("quit")
    finally:
        dialogue.close()
    return bool(capabilities.mechanisms)
