"""What is known of one provider: where it takes mail, who may log in, how much it lets out."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

from smtpkit.address import Address
from smtpkit.errors import InvalidAddress, InvalidConfiguration
from smtpkit.mime.characters import shown
from smtpkit.value import put, value

__all__ = [
    "THIS_MACHINE",
    "Confidence",
    "Endpoint",
    "EndpointSecurity",
    "Evidence",
    "Kind",
    "LimitUnit",
    "LimitWindow",
    "OAuth2",
    "PasswordKind",
    "Provider",
    "ProviderStatus",
    "Quirk",
    "SendingLimit",
    "UsernameRule",
]

EndpointSecurity: TypeAlias = Literal["starttls", "tls", "plaintext"]
"""``tls``: TLS from the first byte (RFC 8314 §3.3); ``starttls``: STARTTLS, required (RFC 3207); ``plaintext``: none,
which only a server on this machine can have."""

LimitUnit: TypeAlias = Literal["messages", "recipients"]
"""What a limit counts: one per mail, or one per recipient of each mail."""

LimitWindow: TypeAlias = Literal["rolling-24h", "second", "minute", "10-minute", "hour", "day", "month"]
"""The time a limit counts over: ``rolling-24h`` is the last 24 hours, ``day`` a calendar day."""

Evidence: TypeAlias = Literal["official", "third-party-of-official", "two-third-party", "third-party"]
"""Who states a figure: the provider; a copy of its page; two others who agree; one other."""

Kind: TypeAlias = Literal["mailbox", "isp", "relay", "testing", "custom"]
"""Mailboxes for everyone; those of an access provider; a sending service; a trap for tests; your own host."""

ProviderStatus: TypeAlias = Literal["active", "unverified", "legacy", "no-smtp"]
"""``unverified``: no proof that it still runs; ``legacy``: closed to new accounts; ``no-smtp``: offers none."""

Confidence: TypeAlias = Literal["official-doc", "two-sources", "single-source"]
"""What the endpoints rest on."""

UsernameRule: TypeAlias = Literal["address", "local-part", "apikey", "literal", "custom"]
"""The user name: the whole address; what stands before its ``@``; the word ``apikey``; `Provider.username_literal`; a
name of its own."""

PasswordKind: TypeAlias = Literal["password", "app-password", "smtp-password", "api-key", "oauth2-only"]
"""The account's password; one made for an application; one made for SMTP; an API key; only an OAuth2 token."""

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")

Quirk: TypeAlias = Literal["no-pipelining", "no-chunking"]
"""An extension of SMTP that is offered and must not be used."""


@value
class Endpoint:
    """A host and port that takes submissions, and how TLS begins there.

    ``host`` may contain ``{domain}``, which `Provider.endpoint` replaces.

    Raises:
        InvalidConfiguration: ``port`` is not in 1..65535, or ``security`` is not an `EndpointSecurity`, or is
            ``"plaintext"`` with a host that is not this machine.
    """

    host: str
    port: int
    security: EndpointSecurity

    def __init__(self, host: str, port: int, security: EndpointSecurity) -> None:
        if not 1 <= port <= 65535:
            raise InvalidConfiguration(f"not a port: {port!r}", hint="A port is a number from 1 to 65535.")
        if security not in get_args(EndpointSecurity):
            raise InvalidConfiguration(
                f"not a security of an endpoint: {security!r}",
                hint='Write "starttls" (usual on port 587) or "tls" (usual on port 465).',
            )
        if security == "plaintext" and host not in THIS_MACHINE:
            raise InvalidConfiguration(
                f"an endpoint without TLS is only for this machine, and {shown(host)} is not",
                hint='Write "starttls" or "tls". For a relay in your own network make a PlaintextSmtpTransport.',
            )
        put(self, "host", host)
        put(self, "port", port)
        put(self, "security", security)

    def __str__(self) -> str:
        return f"{self.host}:{self.port} ({self.security})"


@value
class SendingLimit:
    """At most ``count`` of ``unit`` in each ``window``, for accounts on ``plan``."""

    count: int
    unit: LimitUnit
    window: LimitWindow
    plan: str = ""
    """Whom it holds for, such as ``free``; empty if for all."""
    source: str = ""
    """Where the figure is stated."""
    evidence: Evidence = "third-party"
    applies: bool = False
    """Whether it holds for an ordinary account, so that mailers enforce it by default."""


@value
class OAuth2:
    """Where an application gets tokens for SMTP (RFC 6749), and the scope to ask for."""

    authorize_url: str
    token_url: str
    scope: str
    """Scopes, separated by spaces."""
    source: str = ""
    """Where these are stated."""


@value
class Provider:
    """A mail provider. Its facts are data: nothing here opens a connection or looks a name up."""

    name: str
    """The name to ask for, such as ``gmail``: unique, in lower case with ``_``."""
    title: str
    """The name to read, such as ``Gmail``."""
    endpoints: tuple[Endpoint, ...]
    """Where it takes mail, the preferred one first."""
    mechanisms: tuple[str, ...] = ()
    """SASL mechanisms it takes, the preferred one first; empty: whatever the server offers."""
    username: UsernameRule = "custom"
    password_kind: PasswordKind = "password"  # noqa: S105
    app_password_url: str | None = None
    """The page on which the password of `password_kind` (or an app password) is made."""
    oauth2: OAuth2 | None = None
    limits: tuple[SendingLimit, ...] = ()
    """Known limits; those that hold for an ordinary account have ``applies``."""
    max_recipients: int | None = None
    """Recipients of one message; None if not known."""
    max_message_size: int | None = None
    """Octets of one message, encoded; None if not known. The server's SIZE (RFC 1870) goes before it."""
    max_connections: int | None = None
    """Connections of one account at a time; None if not known."""
    regions: tuple[tuple[str, str], ...] = ()
    """Pairs of region and host. The host takes the place of each endpoint's."""
    domains: tuple[str, ...] = ()
    """Domains of its mailboxes, in lower case; ``*.example.com`` stands for every domain below example.com."""
    aliases: tuple[str, ...] = ()
    """Other names it can be asked for by."""
    mx_patterns: tuple[str, ...] = ()
    """Regular expressions; a domain whose MX host matches one as a whole has its mailboxes here."""
    docs_url: str | None = None
    notes: str = ""
    """What else a sender should know."""
    sources: tuple[str, ...] = ()
    """Where the facts are stated."""
    checked: str = ""
    """The ISO date on which the facts were checked; empty if never."""
    kind: Kind = "custom"
    status: ProviderStatus = "active"
    confidence: Confidence = "single-source"
    without_login: bool = False
    """Whether it also takes mail without log-in, such as from IP addresses that its customer has named."""
    quirks: tuple[Quirk, ...] = ()
    """Extensions that its servers offer and cannot do: mailers for it do without."""
    username_literal: str | None = None
    """The user name of every account, where the rule ``username`` is ``literal``."""

    def replace(self, **changes: Any) -> Provider:
        """A copy with ``changes``: ``get("gmail").replace(name="my_gmail", aliases=(), domains=())``."""
        facts: dict[str, Any] = {name: getattr(self, name) for name in self.__match_args__}
        return Provider(**facts | changes)

    def endpoint(
        self, *, security: EndpointSecurity | None = None, region: str | None = None, domain: str | None = None
    ) -> Endpoint:
        """The preferred endpoint, with the host of ``region`` and of your own ``domain`` filled in.

        ``security`` narrows the choice. ``domain`` is used only by hosts such as ``mail.{domain}``.

        Raises:
            InvalidConfiguration: there is none of that security or region, or the domain is missing or not one.
        """
        found = self._preferred(security)
        host = found.host if region is None else self._host_in(region)
        if "{domain}" in host:
            host = host.replace("{domain}", self._own(domain, host))
        return Endpoint(host, found.port, found.security)

    def login(self, username: str | None) -> str | None:
        """The user name to log in with, made from the one given by the rule ``username``.

        None stays None (no log-in), except where every account has the same user name.

        Raises:
            InvalidConfiguration: the whole address is needed and was not given.
        """
        if self.username in ("apikey", "literal"):
            return self.username_literal if self.username == "literal" else "apikey"
        if username is None:
            return None
        if not isinstance(username, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidConfiguration(f"the username is text, and {type(username).__name__} was given")
        if self.username == "custom":
            return username
        local_part, at, domain = username.rpartition("@")
        if self.username == "local-part":
            return local_part if at else username
        if not (local_part and domain):
            example = self.domains[0].removeprefix("*.") if self.domains else "example.com"
            raise InvalidConfiguration(
                f"{self.title} takes the whole address as user name, not {shown(username)}",
                hint=f'Give it with its domain, such as "me@{example}".',
            )
        return username

    @property
    def hosts(self) -> frozenset[str]:
        """All hosts of its endpoints and regions."""
        return frozenset([*(endpoint.host for endpoint in self.endpoints), *(host for _, host in self.regions)])

    @property
    def needs_login(self) -> bool:
        """Whether it takes no mail without log-in; not known of a host of your own without a user name rule."""
        return not self.without_login and (self.kind != "custom" or self.username != "custom")

    @property
    def password_hint(self) -> str:
        """One sentence: which kind of password or token is needed, and where it is made."""
        # Not at import: it is needed when something went wrong.
        from smtpkit.providers.passwords import wanted

        return wanted(self)

    def _preferred(self, security: EndpointSecurity | None) -> Endpoint:
        for endpoint in self.endpoints:
            if security is None or endpoint.security == security:
                return endpoint
        if not self.endpoints:
            raise InvalidConfiguration(f"{self.title} offers no SMTP", hint=self.notes or None)
        offered = ", ".join(map(str, self.endpoints))
        raise InvalidConfiguration(
            f"{self.title} has no endpoint with security={security!r}",
            hint=f"Leave security out, or choose from what it offers: {offered}.",
        )

    def _host_in(self, region: str) -> str:
        hosts = {_region_key(name): host for name, host in self.regions}
        asked = _region_key(region)
        if asked in hosts:
            return hosts[asked]
        if not hosts:
            raise InvalidConfiguration(
                f"{self.title} has no regions, and region={shown(region)} was given", hint="Leave region out."
            )
        from difflib import get_close_matches

        nearest = get_close_matches(asked, hosts, n=len(hosts), cutoff=0.5)
        known = [*nearest, *(name for name in hosts if name not in nearest)]
        raise InvalidConfiguration(
            f"{self.title} has no region {shown(region)}; known: {', '.join(known)}",
            hint="For a region that is not listed, give its host to SmtpSslTransport or SmtpTlsTransport.",
        )

    def _own(self, domain: str | None, host: str) -> str:
        """``domain`` as it travels: A-labels (RFC 5890)."""
        if not domain:
            raise InvalidConfiguration(
                f"{self.title} needs your domain for its host, {host}", hint='Pass it, such as domain="example.com".'
            )
        try:
            found = Address(f"postmaster@{domain}").ascii_domain
        except InvalidAddress:
            found = "["
        if found.startswith("["):
            raise InvalidConfiguration(
                f"not a domain: {shown(domain)}", hint='Give the name alone, such as domain="example.com".'
            )
        return found


def _region_key(region: str) -> str:
    if not isinstance(region, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidConfiguration(f"a region is text, not {type(region).__name__}")
    return region.strip().lower().replace("_", "-")
