"""All that `Mailer.check` looks at, in the order in which a mail meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.address import Address
from smtpkit.diagnose.conversation import Conversation
from smtpkit.diagnose.domain import check_domain
from smtpkit.diagnose.questions import Questions
from smtpkit.diagnose.quota import check_limits
from smtpkit.diagnose.report import Report, Step
from smtpkit.dns import DnsResolver
from smtpkit.errors import InvalidAddress, UnknownProvider
from smtpkit.providers.explanation import provider_at
from smtpkit.transports.composition import Composition
from smtpkit.transports.smtp import SmtpTransport
from smtpkit.value import from_0_to, value

if TYPE_CHECKING:
    from smtpkit.delivery import Delivery
    from smtpkit.dns import Resolver
    from smtpkit.providers.provider import Provider
    from smtpkit.runtime.base import Runtime
    from smtpkit.transports.base import Transport

__all__ = ["Examination"]

_FOR_DNS = 0.4
"""The part of the time that questions to DNS may take, before the server is spoken to."""


@value
class Examination:
    """What is to be looked at. See `Mailer.check` for the fields."""

    sender: str | Address | None
    recipient: str | Address | None
    dkim_selector: str | None
    timeout: float
    resolver: Resolver | None

    async def of(self, delivery: Delivery, runtime: Runtime) -> Report:
        """What there is to say about sending with ``delivery``.

        Raises:
            InvalidAddress: ``sender`` or ``recipient`` is not one mailbox.
            InvalidConfiguration: ``timeout`` is no number of seconds, up to a day.
        """
        from_0_to(86400, "timeout", self.timeout)
        began = runtime.now()
        servers = _servers(delivery.transport)
        sender = self._sender(delivery, servers)
        recipient = sender if self.recipient is None else Address.of(self.recipient)
        provider = delivery.provider or (provider_at(servers[0].server) if len(servers) == 1 else None)
        domain = await self._domain(sender, servers, provider, runtime)
        steps: list[Step] = []
        for transport in servers:
            whose = provider or provider_at(transport.server)
            conversation = Conversation(transport.server, whose, runtime, began + self.timeout)
            await conversation.hold(sender, recipient)
            steps += conversation.steps
        if not servers:
            steps.append(Step("transport", "skipped", f"{delivery.transport!r} speaks to no SMTP server of its own"))
        account: str = getattr(delivery.transport, "account", "this transport")
        return Report((*steps, *await check_limits(delivery, account, runtime), *domain))

    def _sender(self, delivery: Delivery, servers: tuple[SmtpTransport, ...]) -> Address | None:
        """Who sends: as given, or the default From, or whoever logs in if that is an address."""
        if self.sender is not None:
            return Address.of(self.sender)
        if delivery.default_from is not None:
            return delivery.default_from
        return next(filter(None, map(_owner, servers)), None)

    async def _domain(
        self,
        sender: Address | None,
        servers: tuple[SmtpTransport, ...],
        provider: Provider | None,
        runtime: Runtime,
    ) -> tuple[Step, ...]:
        if sender is None:
            text = 'no address was given, whose domain could be looked at: sender="me@example.com"'
            return (Step("spf", "skipped", text),)
        domain = sender.ascii_domain
        aligned = _alignment(sender, next(filter(None, map(_owner, servers)), None), provider)
        if domain.startswith("[") or "." not in domain or domain.endswith((".test", ".local", ".localhost")):
            return (*aligned, Step("spf", "skipped", "nobody finds this domain in DNS", None, domain))
        until = runtime.now() + self.timeout * _FOR_DNS
        questions = Questions(self.resolver or DnsResolver(), runtime, until)
        return (*aligned, *await check_domain(questions, domain, provider, self.dkim_selector))


def _servers(transport: Transport) -> tuple[SmtpTransport, ...]:
    if isinstance(transport, Composition):
        return tuple(each for member in transport.transports for each in _servers(member))
    return (transport,) if isinstance(transport, SmtpTransport) else ()


def _owner(transport: SmtpTransport) -> Address | None:
    """Whose account it is, where the user name is an address."""
    credentials = transport.server.credentials
    try:
        return Address(credentials.username) if credentials is not None else None
    except InvalidAddress:
        return None


def _alignment(sender: Address, owner: Address | None, provider: Provider | None) -> tuple[Step, ...]:
    """Whether receivers can see that From may send here (DMARC, RFC 7489 §3.1)."""
    domain = sender.ascii_domain
    home = _home(domain)
    if home is not None and provider is not None and home.name != provider.name and home.kind == "mailbox":
        text = f"{sender.addr_spec} is a mailbox of {home.title}, and the mail goes out through {provider.title}"
        hint = f"Send from a domain of your own, or through {home.title}: DMARC of {domain} fails otherwise."
        return (Step("alignment", "warning", text, hint, domain),)
    if owner is not None and not _related(owner.ascii_domain, domain):
        text = f"mail from {sender.addr_spec} goes out through the account of {owner.addr_spec}"
        hint = (
            f"Many providers refuse this or change From. SPF and DKIM must be those of {domain}: have that domain set "
            "up at the provider."
        )
        return (Step("alignment", "warning", text, hint, domain),)
    return (Step("alignment", "ok", f"{sender.addr_spec} fits the account", None, domain),) if owner is not None else ()


def _home(domain: str) -> Provider | None:
    from smtpkit.providers import for_domain

    try:
        return for_domain(domain)
    except UnknownProvider:
        return None


def _related(one: str, other: str) -> bool:
    """Whether one domain is the other, or below it: so relaxed alignment sees them (RFC 7489 §3.1.1)."""
    return f".{one}".endswith(f".{other}") or f".{other}".endswith(f".{one}")
