"""What both mailers share: how they are made."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from smtpkit.address import Address
from smtpkit.delivery import Delivery
from smtpkit.errors import InvalidConfiguration
from smtpkit.mailer.arguments import checked_limits
from smtpkit.retry import Retry
from smtpkit.secret import hidden, not_pickled
from smtpkit.transports.base import checked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Never, NoReturn, Self

    from typing_extensions import Unpack

    from smtpkit.delivery import OnPartial
    from smtpkit.events import OnEvent, Tell
    from smtpkit.mailer.arguments import Limits
    from smtpkit.providers.provider import EndpointSecurity, Provider
    from smtpkit.smtp.credentials import PasswordSource, TokenSource
    from smtpkit.transports.base import Transport
    from smtpkit.transports.smtp import SmtpOptions

__all__ = ["MailerBase"]


class MailerBase:
    """The constructors of `Mailer` and `AsyncMailer`.

    Args:
        transport: where the mail goes.
        default_from: the From of a message that has none.
        limits: one limit or several; each counts for the transport's account.
        retry: when to try a mail again; without it there is one attempt. A mail counts once in the limits, and in one
            that waits at the time of its last attempt.
        on_partial: what ``send`` does when some recipients accepted and others did not:
            ``"return"`` the receipt, or ``"raise"`` its error; ``"abort"`` sends the content only if
            every recipient was accepted, which takes one more round trip where there are several.
        provider: whose account it is, so that a refused log-in is explained with that provider's
            `Provider.password_hint`. `for_provider` gives it.
        redirect_to: the one address that gets all mail instead of its recipients, for staging; these are in
            header fields ``X-Original-To``, and the receipt is about that address.
        on_event: called with what happens: see `smtpkit.events`. A plain function, also for `AsyncMailer`.

    Raises:
        InvalidAddress: ``default_from`` or ``redirect_to`` is not an address.
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
        redirect_to: str | Address | None = None,
        on_event: OnEvent | None = None,
    ) -> None:
        if on_partial not in ("return", "raise", "abort"):
            raise InvalidConfiguration(f"on_partial={on_partial!r}", hint='It is "return", "raise" or "abort".')
        if retry is not None and not isinstance(retry, Retry):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidConfiguration(f"retry={retry!r}", hint="Write retry=Retry(attempts=3).")
        self._delivery = Delivery(
            checked(transport, *more),
            default_from=None if default_from is None else Address.of(default_from),
            limits=checked_limits(limits),
            retry=retry,
            on_partial=on_partial,
            provider=provider,
            redirect_to=None if redirect_to is None else Address.of(redirect_to),
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
        name: str | Provider,
        username: str | None = None,
        password: PasswordSource | None = None,
        *,
        token: TokenSource | None = None,
        secret_access_key: str | None = None,
        region: str | None = None,
        domain: str | None = None,
        security: EndpointSecurity | None = None,
        default_from: str | Address | None = None,
        limits: Limits | Literal["preset"] = "preset",
        limits_path: str | os.PathLike[str] | None = None,
        retry: Retry | None = None,
        on_partial: OnPartial = "return",
        redirect_to: str | Address | None = None,
        on_event: OnEvent | None = None,
        **options: Unpack[SmtpOptions],
    ) -> Self:
        """A mailer for a provider of the registry: host, port, TLS, log-in and daily limit are its preset's.

        Args:
            name: such as ``"gmail"``, ``"outlook"``, ``"sendgrid"``, ``"cpanel"``; or a `Provider`, such as one that
                `discover` found.
            username: mostly the e-mail address, which is then the default From too.
            password: what the provider wants as such, often an app password or API key; or a function (``async`` too)
                that is asked for it for each new connection.
            token: an OAuth 2 access token instead, a function that gives one, or a client of `smtpkit.oauth2`.
            secret_access_key: for Amazon SES instead of a password, with ``region``: the key that belongs to the
                access key id which is the user name.
            region: for providers that have several, such as Amazon SES.
            domain: for your own domain (``cpanel``); taken from ``username`` if not given.
            security: ``"starttls"`` or ``"tls"`` instead of what the provider prefers.
            limits: ``"preset"``, or your own instead.
            limits_path: a file in which the preset's limits are counted, for programs that run now and then or in
                several processes: in memory, where they count otherwise, each run starts from zero.
            retry: when to try a mail again; without it there is one attempt.

        Raises:
            UnknownProvider: no such name; the text has the nearest ones.
            InvalidConfiguration: the preset cannot be used with these arguments.
        """
        from smtpkit.mailer.preset import limits_for, preset_transport
        from smtpkit.providers import Provider, get

        secrets = hidden(password=password, token=token, secret_access_key=secret_access_key)
        password = token = secret_access_key = None
        provider = name if isinstance(name, Provider) else get(name)
        login = provider.login(username)
        return cls(
            preset_transport(
                provider, username, secrets, region=region, domain=domain, security=security, options=options
            ),
            default_from=login if default_from is None and provider.username == "address" else default_from,
            limits=limits_for(provider, limits, limits_path),
            retry=retry,
            on_partial=on_partial,
            provider=provider,
            redirect_to=redirect_to,
            on_event=on_event,
        )

    @classmethod
    def for_address(
        cls,
        address: str,
        password: PasswordSource | None = None,
        *,
        token: TokenSource | None = None,
        limits: Limits | Literal["preset"] = "preset",
        limits_path: str | os.PathLike[str] | None = None,
        retry: Retry | None = None,
        on_partial: OnPartial = "return",
        redirect_to: str | Address | None = None,
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
            limits_path=limits_path,
            retry=retry,
            on_partial=on_partial,
            redirect_to=redirect_to,
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
        keys are keyword arguments, with ``timeouts.``, ``retry.``, ``tls.`` and ``limits.`` before the parts of
        `Timeouts`, `Retry`, `Tls` and `DailyLimit` (``limits.daily=500&limits.path=mail.db``; ``limits.path`` alone is
        for those of the provider's preset):
        ``smtps://host?connections=4&timeouts.reply=30&retry.attempts=3&tls.ca_file=ca.pem``.

        ``file:./outbox`` is a `FileTransport`, ``console:`` a `ConsoleTransport`: for development, without a server.

        ``failover(smtps://... smtps://...)`` is a `FailoverTransport`, ``roundrobin(...)`` a
        `RoundRobinTransport`; either may stand in the other. What is for the whole follows:
        ``failover(...)?rest=30&default_from=me%40example.com``. Limits of presets do not hold in them.

        Raises:
            InvalidConfiguration: the URL cannot be used; the text never has the password.
            UnknownProvider: the scheme is neither SMTP nor a provider.
        """
        from smtpkit.mailer.configuration import Configuration
        from smtpkit.mailer.configured import configured

        return configured(cls, Configuration.from_url(url), on_event)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, on_event: OnEvent | None = None) -> Self:
        """A mailer from environment variables.

        ``SMTP_URL``, or ``SMTP_HOST``, ``SMTP_PORT``, ``SMTP_USERNAME``, ``SMTP_PASSWORD`` or ``SMTP_TOKEN`` (OAuth 2)
        and ``SMTP_SECURITY`` (``starttls``, ``tls`` or ``plaintext``; without it, by the port);
        ``SMTP_FROM``, the default From; ``SMTP_REDIRECT_TO``, the one address that gets all mail. A URL without a
        password takes it from ``SMTP_PASSWORD`` or ``SMTP_TOKEN``, where it need not be percent-encoded.

        Raises:
            InvalidConfiguration: a variable is missing or cannot be used.
        """
        from smtpkit.mailer.configuration import Configuration
        from smtpkit.mailer.configured import configured

        return configured(cls, Configuration.from_environment(os.environ if environ is None else environ), on_event)


def _listener(on_event: OnEvent) -> Tell:
    from smtpkit.listener import Listener

    return Listener(on_event)
