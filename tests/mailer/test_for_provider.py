"""Mailers for a provider, by its name or by an address."""

from __future__ import annotations

from typing import Any

import pytest

from made import Made, limits, made, options
from smtpkit import (
    Address,
    AsyncMailer,
    DailyLimit,
    InvalidAddress,
    InvalidConfiguration,
    Mailer,
    PlaintextSmtpTransport,
    SmtpSslTransport,
    SmtpTlsTransport,
    UnknownProvider,
    providers,
)

MAILERS = pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])
PRESETS = [provider for provider in providers.registry if provider.endpoints]
KINDS = {"starttls": SmtpTlsTransport, "tls": SmtpSslTransport, "plaintext": PlaintextSmtpTransport}
SECRET = "c0rrect/horse:battery@staple?#%[]"


@pytest.mark.parametrize("provider", PRESETS, ids=lambda provider: provider.name)
def test_every_preset(provider: providers.Provider) -> None:
    endpoint = provider.endpoint(domain="example.org")
    # A trap for tests on this machine has neither TLS nor log-in.
    given = () if endpoint.security == "plaintext" else ("me@example.com", "secret")
    mailer = Mailer.for_provider(provider.name, *given, domain="example.org")
    login = provider.login("me@example.com") if given else None
    assert made(mailer) == Made(
        KINDS[endpoint.security],
        endpoint.host,
        endpoint.port,
        login,
        "secret" if given else None,
        login if provider.username == "address" else None,
    )
    assert sorted(limits(mailer)) == sorted((limit.count, limit.unit) for limit in provider.limits if limit.applies)
    assert "secret" not in repr(mailer)


LOGIN: dict[str, Any] = {"username": "me@example.com", "password": "secret"}

SECRETIVE: dict[str, Any] = {"username": "me@example.com", "password": SECRET}

WITH_ARGUMENTS: list[tuple[str, dict[str, Any], tuple[str, int, str | None, str | None]]] = [
    ("gmail", {}, ("smtp.gmail.com", 465, "me@example.com", "me@example.com")),
    ("Gmail", {"security": "starttls"}, ("smtp.gmail.com", 587, "me@example.com", "me@example.com")),
    ("gmail", {"default_from": "Me <x@y.org>"}, ("smtp.gmail.com", 465, "me@example.com", "Me <x@y.org>")),
    ("google_workspace_relay", {"username": None, "password": None}, ("smtp-relay.gmail.com", 587, None, None)),
    ("outlook", {}, ("smtp-mail.outlook.com", 587, "me@example.com", "me@example.com")),
    ("microsoft365", {}, ("smtp.office365.com", 587, "me@example.com", "me@example.com")),
    ("sendgrid", {"username": None}, ("smtp.sendgrid.net", 465, "apikey", None)),
    ("amazon-ses", {"region": "eu-west-1"}, ("email-smtp.eu-west-1.amazonaws.com", 465, "me@example.com", None)),
    ("amazon ses", {"region": "EU_WEST_1"}, ("email-smtp.eu-west-1.amazonaws.com", 465, "me@example.com", None)),
    ("resend", {"username": None}, ("smtp.resend.com", 465, "resend", None)),
    ("mailpit", {"username": None, "password": None}, ("localhost", 1025, None, None)),
    ("inbox_lv", {"username": "me@inbox.lt"}, ("mail.inbox.lt", 465, "me@inbox.lt", "me@inbox.lt")),
    ("mailgun", {"region": "eu"}, ("smtp.eu.mailgun.org", 465, "me@example.com", None)),
    ("cpanel", {}, ("mail.example.com", 465, "me@example.com", "me@example.com")),
    ("cpanel", {"domain": "bücher.example"}, ("mail.xn--bcher-kva.example", 465, "me@example.com", "me@example.com")),
]


@MAILERS
@pytest.mark.parametrize(("name", "arguments", "expected"), WITH_ARGUMENTS)
def test_for_provider(mailer: type[Mailer], name: str, arguments: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = made(mailer.for_provider(name, **LOGIN | arguments))
    assert (found.host, found.port, found.username, found.default_from) == expected


REFUSED_PROVIDERS: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    ("gmial", {}, UnknownProvider, "nearest: gmail"),
    ("no such thing at all", {}, UnknownProvider, "register"),
    ("gmail", {"username": "me"}, InvalidConfiguration, "me@gmail.com"),
    ("gmail", {"username": "me@"}, InvalidConfiguration, "whole address"),
    ("gmail", {"username": None}, InvalidConfiguration, "no username"),
    ("gmail", {"password": None}, InvalidConfiguration, "password or a token"),
    ("gmail", {"token": "t"}, InvalidConfiguration, "both"),
    ("gmail", {"region": "eu"}, InvalidConfiguration, "no regions"),
    ("gmail", {"security": "plaintext"}, InvalidConfiguration, "no endpoint with security='plaintext'"),
    ("gmail", {"host": "localhost"}, InvalidConfiguration, "unknown option 'host'"),
    ("gmail", {"port": 25}, InvalidConfiguration, "unknown option 'port'"),
    ("gmail", {"conections": 2}, InvalidConfiguration, "unknown option 'conections'"),
    ("gmail", {"allow_insecure_auth": True}, InvalidConfiguration, "unknown option"),
    ("gmail", {"default_from": "nobody"}, InvalidAddress, "nobody"),
    ("amazon_ses", {"region": "mars-1"}, InvalidConfiguration, "no region 'mars-1'"),
    ("gmail", {"username": None, "password": None}, InvalidConfiguration, "no username(?s:.)*an app password"),
    ("gmail", {"username": None, "password": None, "token": "t"}, InvalidConfiguration, "no username"),
    ("gmail", {"password": None}, InvalidConfiguration, "neither(?s:.)*an app password"),
    ("gmail", {"password": ""}, InvalidConfiguration, "password is empty"),
    ("gmail", {"username": b"me@gmail.com"}, InvalidConfiguration, "username is text, and bytes"),
    ("mailgun", {"username": 5}, InvalidConfiguration, "username is text, and int"),
    ("mailgun", {"username": None, "password": None}, InvalidConfiguration, "no username"),
    ("sendgrid", {"username": None, "password": None}, InvalidConfiguration, "neither(?s:.)*an API key"),
    ("sendgrid", {"password": None}, InvalidConfiguration, "neither(?s:.)*give the key as password="),
    ("google_workspace_relay", {"password": None}, InvalidConfiguration, "neither"),
    ("amazon_ses", {"region": 5}, InvalidConfiguration, "region is text"),
    ("microsoft365", {"connections": 4}, InvalidConfiguration, "takes 3 connections of one account"),
    ("tuta", {}, InvalidConfiguration, "offers no SMTP(?s:.)*another provider"),
    ("mailpit", {}, InvalidConfiguration, "without TLS"),
    (None, {}, InvalidConfiguration, "name of a provider is text, not NoneType"),
    ("cpanel", {"username": None, "password": None}, InvalidConfiguration, "no username"),
    ("cpanel", {"username": "me", "domain": None}, InvalidConfiguration, "whole address"),
    ("cpanel", {"domain": "not a domain"}, InvalidConfiguration, "not a domain"),
]


@MAILERS
@pytest.mark.parametrize(("name", "arguments", "kind", "text"), REFUSED_PROVIDERS)
def test_for_provider_refuses(
    mailer: type[Mailer], name: Any, arguments: dict[str, Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        mailer.for_provider(name, **SECRETIVE | arguments)
    assert SECRET not in str(caught.value)


@MAILERS
def test_a_provider_of_ones_own_needs_no_name(mailer: type[Mailer]) -> None:
    mine = providers.get("microsoft365").replace(name="mine", max_connections=5)
    found = made(mailer.for_provider(mine, "me@example.com", "secret", connections=5))
    assert (found.host, found.default_from) == ("smtp.office365.com", "me@example.com")


def test_limits_of_a_provider() -> None:
    def of(**arguments: Any) -> list[tuple[int, str]]:
        return limits(Mailer.for_provider("gmail", "me@gmail.com", "secret", **arguments))

    assert of() == of(limits="preset") == [(500, "messages")]
    assert of(limits=()) == []
    assert of(limits=DailyLimit(10)) == [(10, "messages")]
    assert of(limits=[DailyLimit(10), DailyLimit(20, unit="recipients")]) == [(10, "messages"), (20, "recipients")]


@MAILERS
@pytest.mark.parametrize(
    ("address", "host", "username"),
    [
        ("me@gmail.com", "smtp.gmail.com", "me@gmail.com"),
        ("Me <me@GoogleMail.com>", "smtp.gmail.com", "me@GoogleMail.com"),
        ("me@hotmail.de", "smtp-mail.outlook.com", "me@hotmail.de"),
    ],
)
def test_for_address(mailer: type[Mailer], address: str, host: str, username: str) -> None:
    found = made(mailer.for_address(address, "secret", connections=2))
    assert found.host == host
    assert found.username is not None
    assert found.username.lower() == username.lower()
    assert found.default_from == str(Address.parse(address))


def test_for_address_with_a_token() -> None:
    assert made(Mailer.for_address("me@gmail.com", token="tok")).password == "tok"


@MAILERS
@pytest.mark.parametrize(
    ("address", "kind", "text"),
    [
        ("me@bücher.example", UnknownProvider, "bücher.example"),
        ("me@example.com", UnknownProvider, "no provider is known for the domain 'example.com'"),
        ("me@gmial.com", UnknownProvider, "nearest: gmail.com"),
        ("gmail.com", InvalidAddress, "gmail.com"),
        (None, InvalidConfiguration, "an address is text, not NoneType"),
        (b"me@gmail.com", InvalidConfiguration, "an address is text, not bytes"),
    ],
)
def test_for_address_refuses(mailer: type[Mailer], address: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        mailer.for_address(address, "secret")


@MAILERS
def test_quirks_of_a_provider_switch_off_what_its_servers_offer(mailer: type[Mailer | AsyncMailer]) -> None:
    odd = providers.Provider(
        name="odd_mail",
        title="Odd Mail",
        endpoints=(providers.Endpoint("smtp.odd.example", 587, "starttls"),),
        quirks=("no-chunking",),
    )
    providers.register(odd)
    try:
        server = options(mailer.for_provider("odd_mail", **LOGIN))
        assert (server.pipelining, server.chunking) == (True, False)
        assert options(mailer.for_provider("odd_mail", **LOGIN, chunking=True)).chunking
    finally:
        providers.unregister("odd_mail")
