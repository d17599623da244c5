"""What both mailers share: how they are made."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from smtpkit.address import Address
from smtpkit.delivery import Delivery
from smtpkit.errors import InvalidConfiguration, InvalidMessage
from smtpkit.mime.characters import shown
from smtpkit.retry import Retry
from smtpkit.secret import hidden, not_pickled
from smtpkit.transports.base import checked
from smtpkit.value import at_least_1

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Never, NoReturn, Self

    from typing_extensions import Unpack

    from smtpkit.delivery import OnPartial
    from smtpkit.events import OnEvent, Tell
    from smtpkit.limits.daily import DailyLimit
    from smtpkit.mailer.configuration import Configuration
    from smtpkit.providers.provider import EndpointSecurity, Provider
    from smtpkit.smtp.server import TokenSource
    from smtpkit.transports.base import Transport
    from smtpkit.transports.smtp import SmtpOptions

__all__ = ["Limits", "MailerBase", "checked_counts", "refuse_one"]

Limits: TypeAlias = "DailyLimit | Iterable[DailyLimit]"
"""One limit, or several that all hold."""


class MailerBase:
    """The constructors of `Mailer` and `AsyncMailer`.

    Args:
        transport: where the mail goes.
        default_from: the From of a message that has none.
        limits: one limit or several; each counts for the transport's account.
        retry: when to try a mail again; without it there is one attempt. A mail counts once in the limits.
        on_partial: what ``send`` does when some recipients accepted and others did not:
            ``"return"`` the receipt, or ``"raise"`` its error; ``"abort"`` sends the content only if
            every recipient was accepted, which takes one more round trip where there are several.
        provider: whose account it is, so that a refused log-in is explained with that provider's
            `Provider.password_hint`. `for_provider` gives it.
        on_event: called with what happens: see `smtpkit.events`. A plain function, also for `AsyncMailer`.

    Raises:
        InvalidAddress: ``default_from`` is not an address.
        InvalidConfiguration: another argument is not what it should be.
    """

    def __init__(
        self,
        transport: Transport,
        *more: Never,
        default_from: str | Address | None = None,
        limits: Limits = (),
        retry: Retry | None = None,
        on_partial: OnPartial = "return",
        provider: Provider | None = None,
        on_event: OnEvent | None = None,
    ) -> None:
        if on_partial not in ("return", "raise", "abort"):
            raise InvalidConfiguration(f"on_partial={on_partial!r}", hint='It is "return", "raise" or "abort".')
        if retry is not None and not isinstance(retry, Retry):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidConfiguration(f"retry={retry!r}", hint="Write retry=Retry(attempts=3).")
        self._delivery = Delivery(
            checked(transport, *more),
            default_from=None if default_from is None else Address.of(default_from),
            limits=_all(limits),
            retry=retry,
            on_partial=on_partial,
            provider=provider,
        )
        self._tell: Tell | None = None if on_event is None else _listener(on_event)

    @property
    def transport(self) -> Transport:
        """Where the mail goes."""
        return self._delivery.transport

    def __reduce__(self) -> NoReturn:
        raise not_pickled(f"a {type(self).__name__}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.transport!r})"

    @classmethod
    def for_provider(
        cls,
        name: str,
        username: str | None = None,
        password: str | None = None,
        *,
        token: TokenSource | None = None,
        region: str | None = None,
        domain: str | None = None,
        security: EndpointSecurity | None = None,
        default_from: str | Address | None = None,
        limits: Limits | Literal["preset"] = "preset",
        retry: Retry | None = None,
        on_partial: OnPartial = "return",
        on_event: OnEvent | None = None,
        **options: Unpack[SmtpOptions],
    ) -> Self:
        """A mailer for a provider of the registry: host, port, TLS, log-in and daily limit are its preset's.

        Args:
            name: such as ``"gmail"``, ``"outlook"``, ``"sendgrid"``, ``"cpanel"``.
            username: mostly the e-mail address, which is then the default From too.
            password: what the provider wants as such; often an app password or API key.
            token: an OAuth 2 access token instead, or a function that gives one.
            region: for providers that have several, such as Amazon SES.
            domain: for your own domain (``cpanel``); taken from ``username`` if not given.
            security: ``"starttls"`` or ``"tls"`` instead of what the provider prefers.
            limits: ``"preset"``, or your own instead.
            retry: when to try a mail again; without it there is one attempt.

        Raises:
            UnknownProvider: no such name; the text has the nearest ones.
            InvalidConfiguration: the preset cannot be used with these arguments.
        """
        from smtpkit.limits.daily import preset_limits
        from smtpkit.providers import get
        from smtpkit.transports.smtp import smtp_transport

        secrets, password, token = hidden(password=password, token=token), None, None
        provider = get(name)
        login = _login(provider, username, secrets)
        if not domain and username and "@" in username:
            domain = username.rpartition("@")[2]
        to = provider.endpoint(security=security, region=region, domain=domain)
        quirks = {quirk.removeprefix("no-"): False for quirk in provider.quirks}
        given = {**quirks, **options, **secrets, "username": login}
        return cls(
            smtp_transport(to.security, to.host, to.port, given),
            default_from=login if default_from is None and provider.username == "address" else default_from,
            limits=preset_limits(provider) if limits == "preset" else limits,
            retry=retry,
            on_partial=on_partial,
            provider=provider,
            on_event=on_event,
        )

    @classmethod
    def for_address(
        cls,
        address: str,
        password: str | None = None,
        *,
        token: TokenSource | None = None,
        limits: Limits | Literal["preset"] = "preset",
        retry: Retry | None = None,
        on_partial: OnPartial = "return",
        on_event: OnEvent | None = None,
        **options: Unpack[SmtpOptions],
    ) -> Self:
        """A mailer for the provider that the domain of ``address`` belongs to. Nothing is looked up in DNS.

        ``address`` is the user name and, with its display name, the default From; the rest is as in `for_provider`.

        Raises:
            InvalidAddress: it is not one mailbox.
            InvalidConfiguration: it is no text, or the preset cannot be used with these arguments.
            UnknownProvider: no preset has this domain.
        """
        from smtpkit.providers import for_address

        secrets, password, token = hidden(password=password, token=token), None, None
        provider = for_address(address)
        own = Address.of(address)
        return cls.for_provider(
            provider.name,
            own.addr_spec,
            default_from=own,
            limits=limits,
            retry=retry,
            on_partial=on_partial,
            on_event=on_event,
            **secrets,
            **options,
        )

    @classmethod
    def from_url(cls, url: str, *, on_event: OnEvent | None = None) -> Self:
        """A mailer from one line of configuration.

        ``smtp://`` STARTTLS, required (587); ``smtps://`` TLS from the first byte (465);
        ``smtp+plaintext://`` (25); or the name of a provider, as in
        ``gmail://me%40gmail.com:password@``. User name and password are percent-encoded. Query
        keys are keyword arguments, with ``timeouts.``, ``retry.`` and ``tls.`` before the parts of `Timeouts`, `Retry`
        and `Tls`: ``smtps://host?connections=4&timeouts.reply=30&retry.attempts=3&tls.ca_file=ca.pem``.

        ``failover(smtps://... smtps://...)`` is a `FailoverTransport`, ``roundrobin(...)`` a
        `RoundRobinTransport`; either may stand in the other. What is for the whole follows:
        ``failover(...)?rest=30&default_from=me%40example.com``. Limits of presets do not hold in them.

        Raises:
            InvalidConfiguration: the URL cannot be used; the text never has the password.
            UnknownProvider: the scheme is neither SMTP nor a provider.
        """
        from smtpkit.mailer.configuration import Configuration

        return cls._configured(Configuration.from_url(url), on_event)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, on_event: OnEvent | None = None) -> Self:
        """A mailer from environment variables.

        ``SMTP_URL``, or ``SMTP_HOST``, ``SMTP_PORT``, ``SMTP_USERNAME``, ``SMTP_PASSWORD`` and
        ``SMTP_SECURITY`` (``starttls``, ``tls`` or ``plaintext``; without it, by the port); and
        ``SMTP_FROM``, the default From.

        Raises:
            InvalidConfiguration: a variable is missing or cannot be used.
        """
        from smtpkit.mailer.configuration import Configuration

        return cls._configured(Configuration.from_environment(os.environ if environ is None else environ), on_event)

    @classmethod
    def _configured(cls, given: Configuration, on_event: OnEvent | None = None) -> Self:
        from smtpkit.mailer.configuration import OF_MAILER, SCHEMES, provider_of
        from smtpkit.transports.smtp import smtp_transport

        if given.members:
            return cls._composed(given, on_event)
        options: dict[str, Any] = {**dict(given.options), "username": given.username, "password": given.password}
        if given.scheme not in SCHEMES:
            provider = provider_of(given.scheme)
            if given.host or given.port:
                raise InvalidConfiguration(
                    f"a {given.scheme}:// URL has no host and port: the preset knows them",
                    hint="End it with @, after the password. Use smtp:// or smtps:// for a host of your own.",
                )
            return cls.for_provider(provider.name, on_event=on_event, **options)
        if not given.host:
            raise InvalidConfiguration(f"the {given.scheme}:// URL has no host")
        own = {name: options.pop(name) for name in OF_MAILER if name in options}
        return cls(smtp_transport(SCHEMES[given.scheme], given.host, given.port, options), on_event=on_event, **own)

    @classmethod
    def _composed(cls, given: Configuration, on_event: OnEvent | None) -> Self:
        from smtpkit.mailer.configuration import OF_MAILER
        from smtpkit.transports.failover import FailoverTransport
        from smtpkit.transports.round_robin import RoundRobinTransport

        options = dict(given.options)
        own = {name: options.pop(name) for name in OF_MAILER if name in options}
        kind = FailoverTransport if given.scheme == "failover" else RoundRobinTransport
        members = [cls._configured(each).transport for each in given.members]
        return cls(kind(*members, **options), on_event=on_event, **own)


def refuse_one(messages: object, *iterable_by: str) -> None:
    """Raise `InvalidMessage` where ``send_many`` is given one mail, or nothing that has one of ``iterable_by``."""
    many = any(hasattr(messages, name) for name in iterable_by)
    # An e-mail of the standard library can be iterated over: it gives names of header fields.
    if not many or isinstance(messages, (str, bytes)) or hasattr(messages, "as_bytes"):
        hint = "Give it a list of messages, or use send() for one."
        if hasattr(messages, "__aiter__"):
            hint = "AsyncMailer takes an asynchronous iterable."
        raise InvalidMessage(f"send_many takes messages to iterate over, not one {type(messages).__name__}", hint=hint)


def checked_counts(connections: int, in_flight: int) -> tuple[int, int]:
    """Both numbers, if they can be.

    Raises:
        InvalidConfiguration: one is below 1.
    """
    at_least_1("connections", connections)
    at_least_1("in_flight", in_flight)
    return connections, in_flight


def _login(provider: Provider, username: str | None, secrets: Mapping[str, object]) -> str | None:
    """The user name to log in with, or an error that says what this provider wants."""
    login = provider.login(username)
    if login is None and provider.needs_login:
        raise InvalidConfiguration(
            f"{provider.title} takes mail only after log-in, and no username was given", hint=provider.password_hint
        )
    if login is not None and all(each is None for each in secrets.values()):
        raise InvalidConfiguration(
            f"the username {shown(login)} needs either a password or a token, and got neither",
            hint=provider.password_hint,
        )
    return login


def _listener(on_event: OnEvent) -> Tell:
    from smtpkit.listener import Listener

    return Listener(on_event)


def _all(limits: Limits) -> tuple[DailyLimit, ...]:
    found = tuple(limits) if isinstance(limits, Iterable) else (limits,)
    for limit in found:
        if not callable(getattr(limit, "reserve", None)):
            raise InvalidConfiguration(
                f"limits= has {limit!r}", hint="It takes one limit such as DailyLimit(500), or several."
            )
    return found
