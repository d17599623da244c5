"""How mailers are made: for a provider, for an address, from a URL, from the environment."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smtpkit import (
    AsyncMailer,
    DailyLimit,
    InvalidAddress,
    InvalidConfiguration,
    Mailer,
    PlaintextSmtpTransport,
    SmtpSslTransport,
    SmtpTlsTransport,
    Timeouts,
    UnknownProvider,
    providers,
)

if TYPE_CHECKING:
    from smtpkit.transports.smtp import SmtpTransport

MAILERS = pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])
PRESETS = [provider for provider in providers.registry if provider.endpoints]
KINDS = {"starttls": SmtpTlsTransport, "tls": SmtpSslTransport, "plaintext": PlaintextSmtpTransport}
SECRET = "c0rrect/horse:battery@staple?#%[]"


class Made(NamedTuple):
    """What a mailer turned out to be."""

    kind: type[SmtpTransport]
    host: str
    port: int
    username: str | None
    password: str | None
    default_from: str | None


def made(mailer: Mailer | AsyncMailer) -> Made:
    # The one place of these tests that looks inside: nothing is to be sent to see where it would go.
    transport: Any = mailer.transport
    server = transport._server
    login = server.credentials
    secret = login and (login.password or login.token)
    sender = mailer._delivery._default_from  # pyright: ignore[reportPrivateUsage]
    return Made(
        type(transport),
        server.host,
        server.port,
        login and login.username,
        secret and secret.reveal(),
        None if sender is None else str(sender),
    )


def limits(mailer: Mailer) -> list[tuple[int, str]]:
    found: tuple[DailyLimit, ...] = mailer._delivery._limits  # pyright: ignore[reportPrivateUsage]
    return [(limit.count, limit.unit) for limit in found]


def options(mailer: Mailer | AsyncMailer) -> Any:
    transport: Any = mailer.transport
    return transport._server


# -- for_provider ------------------------------------------------------------------


@pytest.mark.parametrize("provider", PRESETS, ids=lambda provider: provider.name)
def test_every_preset(provider: providers.Provider) -> None:
    mailer = Mailer.for_provider(provider.name, "me@example.com", "secret", domain="example.org")
    endpoint = provider.endpoint(domain="example.org")
    login = provider.login("me@example.com")
    assert made(mailer) == Made(
        KINDS[endpoint.security],
        endpoint.host,
        endpoint.port,
        login,
        "secret",
        login if provider.username == "address" else None,
    )
    assert limits(mailer) == [
        (limit.count, limit.unit)
        for limit in provider.limits
        if limit.applies and limit.window in ("rolling-24h", "day")
    ]
    assert "secret" not in repr(mailer)


LOGIN: dict[str, Any] = {"username": "me@example.com", "password": "secret"}

SECRETIVE: dict[str, Any] = {"username": "me@example.com", "password": SECRET}

WITH_ARGUMENTS: list[tuple[str, dict[str, Any], tuple[str, int, str | None, str | None]]] = [
    ("gmail", {}, ("smtp.gmail.com", 465, "me@example.com", "me@example.com")),
    ("Gmail", {"security": "starttls"}, ("smtp.gmail.com", 587, "me@example.com", "me@example.com")),
    ("gmail", {"default_from": "Me <x@y.org>"}, ("smtp.gmail.com", 465, "me@example.com", "Me <x@y.org>")),
    ("gmail", {"username": None, "password": None}, ("smtp.gmail.com", 465, None, None)),
    ("outlook", {}, ("smtp-mail.outlook.com", 587, "me@example.com", "me@example.com")),
    ("microsoft365", {}, ("smtp.office365.com", 587, "me@example.com", "me@example.com")),
    ("sendgrid", {"username": None}, ("smtp.sendgrid.net", 465, "apikey", None)),
    ("amazon-ses", {"region": "eu-west-1"}, ("email-smtp.eu-west-1.amazonaws.com", 465, "me@example.com", None)),
    ("amazon ses", {"region": "EU_WEST_1"}, ("email-smtp.eu-west-1.amazonaws.com", 465, "me@example.com", None)),
    ("mailgun", {"region": "eu"}, ("smtp.eu.mailgun.org", 465, "me@example.com", None)),
    ("cpanel", {}, ("mail.example.com", 465, "me@example.com", "me@example.com")),
    ("cpanel", {"domain": "bücher.example"}, ("mail.xn--bcher-kva.example", 465, "me@example.com", "me@example.com")),
]


@MAILERS
@pytest.mark.parametrize(("name", "arguments", "expected"), WITH_ARGUMENTS)
def test_for_provider(mailer: type[Mailer], name: str, arguments: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = made(mailer.for_provider(name, **LOGIN | arguments))
    assert (found.host, found.port, found.username, found.default_from) == expected


REFUSED_PROVIDERS: list[tuple[str, dict[str, Any], type[Exception], str]] = [
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
    ("cpanel", {"username": None, "password": None}, InvalidConfiguration, "needs your domain"),
    ("cpanel", {"username": "me", "domain": None}, InvalidConfiguration, "whole address"),
    ("cpanel", {"domain": "not a domain"}, InvalidConfiguration, "not a domain"),
]


@MAILERS
@pytest.mark.parametrize(("name", "arguments", "kind", "text"), REFUSED_PROVIDERS)
def test_for_provider_refuses(
    mailer: type[Mailer], name: str, arguments: dict[str, Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        mailer.for_provider(name, **SECRETIVE | arguments)
    assert SECRET not in str(caught.value)
    assert getattr(caught.value, "hint", None) or "username" in arguments


def test_limits_of_a_provider() -> None:
    def of(**arguments: Any) -> list[tuple[int, str]]:
        return limits(Mailer.for_provider("gmail", "me@gmail.com", "secret", **arguments))

    assert of() == of(limits="preset") == [(500, "messages")]
    assert of(limits=()) == []
    assert of(limits=DailyLimit(10)) == [(10, "messages")]
    assert of(limits=[DailyLimit(10), DailyLimit(20, unit="recipients")]) == [(10, "messages"), (20, "recipients")]


# -- for_address -------------------------------------------------------------------


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
    assert found.default_from == found.username


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
    ],
)
def test_for_address_refuses(mailer: type[Mailer], address: str, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        mailer.for_address(address, "secret")


# -- from_url ----------------------------------------------------------------------

TLS, STARTTLS, PLAIN = SmtpSslTransport, SmtpTlsTransport, PlaintextSmtpTransport

URLS: list[tuple[str, Made]] = [
    ("smtp://mail.example.com", Made(STARTTLS, "mail.example.com", 587, None, None, None)),
    ("smtps://mail.example.com", Made(TLS, "mail.example.com", 465, None, None, None)),
    ("smtp+plaintext://localhost", Made(PLAIN, "localhost", 25, None, None, None)),
    ("SMTPS://Mail.Example.com/", Made(TLS, "mail.example.com", 465, None, None, None)),
    ("smtp://h:2525", Made(STARTTLS, "h", 2525, None, None, None)),
    ("smtp://h:", Made(STARTTLS, "h", 587, None, None, None)),
    ("smtp://[::1]:2525", Made(STARTTLS, "::1", 2525, None, None, None)),
    ("smtps://[::1]", Made(TLS, "::1", 465, None, None, None)),
    ("smtp://u:p@h", Made(STARTTLS, "h", 587, "u", "p", None)),
    ("smtp://me@x.com:p@h", Made(STARTTLS, "h", 587, "me@x.com", "p", None)),
    ("smtp://me%40x.com:p@h", Made(STARTTLS, "h", 587, "me@x.com", "p", None)),
    ("smtp://u:a%2Fb%3Ac%40d%3F%23%25@h", Made(STARTTLS, "h", 587, "u", "a/b:c@d?#%", None)),
    ("smtp://u:a+b@h", Made(STARTTLS, "h", 587, "u", "a+b", None)),
    ("smtp://u:%E2%82%AC@h", Made(STARTTLS, "h", 587, "u", "€", None)),
    ("smtp://u@h?token=t%2Bt", Made(STARTTLS, "h", 587, "u", "t+t", None)),
    ("smtp://h?default_from=me@example.com", Made(STARTTLS, "h", 587, None, None, "me@example.com")),
    ("smtp://h?default_from=Me+%3Cme%40x.com%3E", Made(STARTTLS, "h", 587, None, None, "Me <me@x.com>")),
    ("smtp+plaintext://u:p@h?allow_insecure_auth=yes", Made(PLAIN, "h", 25, "u", "p", None)),
    ("gmail://me%40gmail.com:p@", Made(TLS, "smtp.gmail.com", 465, "me@gmail.com", "p", "me@gmail.com")),
    ("gmail://me@gmail.com:p@", Made(TLS, "smtp.gmail.com", 465, "me@gmail.com", "p", "me@gmail.com")),
    (
        "gmail://me@gmail.com:p@?security=starttls",
        Made(STARTTLS, "smtp.gmail.com", 587, "me@gmail.com", "p", "me@gmail.com"),
    ),
    ("gmail://me@gmail.com@?token=t", Made(TLS, "smtp.gmail.com", 465, "me@gmail.com", "t", "me@gmail.com")),
    ("sendgrid://:key@", Made(TLS, "smtp.sendgrid.net", 465, "apikey", "key", None)),
    (
        "amazon_ses://AKIA:p@?region=us-west-2",
        Made(TLS, "email-smtp.us-west-2.amazonaws.com", 465, "AKIA", "p", None),
    ),
    ("cpanel://me@x.com:p@", Made(TLS, "mail.x.com", 465, "me@x.com", "p", "me@x.com")),
    ("cpanel://me@x.com:p@?domain=y.com", Made(TLS, "mail.y.com", 465, "me@x.com", "p", "me@x.com")),
]


@MAILERS
@pytest.mark.parametrize(("url", "expected"), URLS)
def test_from_url(mailer: type[Mailer], url: str, expected: Made) -> None:
    assert made(mailer.from_url(url)) == expected


def test_keys_of_every_kind() -> None:
    server = options(
        Mailer.from_url(
            "smtps://h?connections=4&pipelining=no&mechanisms=plain,SCRAM-SHA-256&tls=ca.pem&local_hostname=me.test"
            "&source_address=127.0.0.2&timeouts.reply=2.5&timeouts.total=60&on_partial=raise"
        )
    )
    assert server.pipelining is False
    assert server.mechanisms == ("PLAIN", "SCRAM-SHA-256")
    assert (server.tls, server.local_hostname, server.source_address) == ("ca.pem", "me.test", "127.0.0.2")
    assert server.timeouts == Timeouts(reply=2.5, total=60)


REFUSED_URLS: list[tuple[str, type[Exception], str]] = [
    ("", InvalidConfiguration, "not a URL"),
    ("smtp.example.com", InvalidConfiguration, "not a URL"),
    ("u:pass%word@h", InvalidConfiguration, "not a URL"),
    ("://h", InvalidConfiguration, "not a URL"),
    ("smtp:h", InvalidConfiguration, "not a URL"),
    ("smtp://", InvalidConfiguration, "has no host"),
    ("smtp://u:p@", InvalidConfiguration, "has no host"),
    ("smtp://u:p@:25", InvalidConfiguration, "has no host"),
    ("http://h", UnknownProvider, "'http'"),
    ("gmial://me@gmail.com:p@", UnknownProvider, "nearest: gmail"),
    ("gmail://me@gmail.com:p@smtp.gmail.com", InvalidConfiguration, "has no host and port: the preset"),
    ("gmail://me:p@", InvalidConfiguration, "whole address"),
    ("smtp://h:port", InvalidConfiguration, "port"),
    ("smtp://h:0", InvalidConfiguration, "not a port: 0"),
    ("smtp://h:65536", InvalidConfiguration, "up to 65535"),
    ("smtp://h:-1", InvalidConfiguration, "port"),
    ("smtp://[::1", InvalidConfiguration, "cannot be read"),
    ("smtp://h h", InvalidConfiguration, "not a host name"),
    ("smtp://h/inbox", InvalidConfiguration, "path or fragment"),
    ("smtp://h#x", InvalidConfiguration, "path or fragment"),
    ("smtp://u@h", InvalidConfiguration, "neither"),
    ("smtp://:p@h", InvalidConfiguration, "no username"),
    ("smtp://u:p@h?token=t", InvalidConfiguration, "both"),
    ("smtp://h?conections=2", InvalidConfiguration, "unknown key 'conections'.*(?s:.)*Known: .*connections"),
    ("smtp://h?timeouts=2", InvalidConfiguration, "unknown key 'timeouts'"),
    ("smtp://h?timeouts.x=2", InvalidConfiguration, "unknown key 'timeouts.x'"),
    ("smtp://h?password=x", InvalidConfiguration, "unknown key 'password'"),
    ("smtp://h?connections=many", InvalidConfiguration, "connections of the URL cannot be 'many'"),
    ("smtp://h?connections=", InvalidConfiguration, "connections of the URL cannot be ''"),
    ("smtp://h?connections", InvalidConfiguration, "connections of the URL cannot be ''"),
    ("smtp://h?connections=0", InvalidConfiguration, "connections=0"),
    ("smtp://h?connections=1&connections=2", InvalidConfiguration, "connections is in the URL twice"),
    ("smtp://h?pipelining=maybe", InvalidConfiguration, "pipelining of the URL cannot be 'maybe'"),
    ("smtp://h?timeouts.reply=soon", InvalidConfiguration, "timeouts.reply of the URL cannot be 'soon'"),
    ("smtp://h?timeouts.reply=0", InvalidConfiguration, "reply=0.0"),
    ("smtp://h?timeouts.reply=nan", InvalidConfiguration, "reply=nan"),
    ("smtp://h?timeouts.reply=inf", InvalidConfiguration, "reply=inf"),
    ("smtp://h?timeouts.reply=1&timeouts.reply=2", InvalidConfiguration, "twice"),
    ("smtp://h?mechanisms=", InvalidConfiguration, "mechanisms= is empty"),
    ("smtp://h?mechanisms=NTLM", InvalidConfiguration, "unknown mechanism 'NTLM'"),
    ("smtp://h?on_partial=maybe", InvalidConfiguration, "on_partial='maybe'"),
    ("smtp://h?region=eu", InvalidConfiguration, "unknown option 'region'"),
    ("smtps://h?allow_insecure_auth=yes", InvalidConfiguration, "unknown option 'allow_insecure_auth'"),
    ("smtp://h?default_from=nobody", InvalidAddress, "nobody"),
    ("smtp+plaintext://u:p@h", InvalidConfiguration, "log-in without TLS"),
    ("smtp+plaintext://h?tls=ca.pem", InvalidConfiguration, "tls="),
]


@MAILERS
@pytest.mark.parametrize(("url", "kind", "text"), REFUSED_URLS)
def test_from_url_refuses(mailer: type[Mailer], url: str, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        mailer.from_url(url)


# Letters that no error text and no host has by itself.
PASSWORDS = st.text(st.sampled_from("ßøλ0123456789/?#@:%&=+[]!\\ .;"), min_size=1, max_size=20)
TEMPLATES = [
    "smtp://user:{}@mail.example.com",
    "smtps://user:{}@mail.example.com:port",
    "smtp://user:{}@mail.example.com/path",
    "smtp://user:{}@mail.example.com?connections=many",
    "smtp://user:{}@",
    "gmail://me%40gmail.com:{}@",
    "gmail://me@gmail.com:{}@host",
    "gmail://me:{}@",
    "smtp+plaintext://user:{}@localhost",
    "nobody://user:{}@",
    "user:{}@mail.example.com",
    "user:{}://mail.example.com",
    "smtp://mail.example.com?token={}&connections=many",
]


@given(st.sampled_from(TEMPLATES), PASSWORDS, st.booleans())
@example(TEMPLATES[0], "1?λλλ", False)
@example(TEMPLATES[0], "1?λλλ=1", False)
@example(TEMPLATES[0], "1?connections=λλλ", False)
@example(TEMPLATES[0], "/λλλ", False)
@example(TEMPLATES[0], "[λλλ", False)
@example(TEMPLATES[0], "1]λλλ[", False)
@example(TEMPLATES[10], "λλλ://", False)
def test_no_password_is_shown(template: str, password: str, encoded: bool) -> None:
    password = f"λλλ{password}λλλ"
    url = template.format(quote(password, safe="") if encoded else password)
    try:
        text = repr(Mailer.from_url(url))
    except (InvalidConfiguration, UnknownProvider) as error:
        text = f"{error}{error!r}"
    assert "λλλ" not in text
    assert quote("λλλ") not in text


@given(PASSWORDS, PASSWORDS)
def test_any_encoded_name_and_password_is_read_back(username: str, password: str) -> None:
    url = f"smtp://{quote(username, safe='')}:{quote(password, safe='')}@h"
    assert made(Mailer.from_url(url))[3:5] == (username, password)


# -- from_env ----------------------------------------------------------------------

VARIABLES = {"SMTP_HOST": "h", "SMTP_USERNAME": "u", "SMTP_PASSWORD": SECRET}

ENVIRONMENTS: list[tuple[dict[str, str], Made]] = [
    ({"SMTP_URL": "smtps://u:p@h"}, Made(TLS, "h", 465, "u", "p", None)),
    ({"SMTP_URL": "smtps://u:p@h", "SMTP_HOST": "x", "SMTP_PORT": "1"}, Made(TLS, "h", 465, "u", "p", None)),
    ({"SMTP_URL": "smtp://h", "SMTP_FROM": "Me <me@x.com>"}, Made(STARTTLS, "h", 587, None, None, "Me <me@x.com>")),
    (
        {"SMTP_URL": "gmail://me@gmail.com:p@", "SMTP_FROM": "x@x.com"},
        Made(TLS, "smtp.gmail.com", 465, "me@gmail.com", "p", "x@x.com"),
    ),
    ({"SMTP_HOST": "h"}, Made(STARTTLS, "h", 587, None, None, None)),
    (VARIABLES, Made(STARTTLS, "h", 587, "u", SECRET, None)),
    (VARIABLES | {"SMTP_PORT": "465"}, Made(TLS, "h", 465, "u", SECRET, None)),
    (VARIABLES | {"SMTP_PORT": "465", "SMTP_SECURITY": "starttls"}, Made(STARTTLS, "h", 465, "u", SECRET, None)),
    (VARIABLES | {"SMTP_PORT": "25"}, Made(STARTTLS, "h", 25, "u", SECRET, None)),
    (VARIABLES | {"SMTP_SECURITY": "TLS"}, Made(TLS, "h", 465, "u", SECRET, None)),
    (VARIABLES | {"SMTP_SECURITY": "", "SMTP_PORT": ""}, Made(STARTTLS, "h", 587, "u", SECRET, None)),
    ({"SMTP_HOST": "h", "SMTP_USERNAME": "", "SMTP_PASSWORD": ""}, Made(STARTTLS, "h", 587, None, None, None)),
    ({"SMTP_HOST": "h", "SMTP_SECURITY": "plaintext"}, Made(PLAIN, "h", 25, None, None, None)),
    ({"SMTP_URL": "", "SMTP_HOST": "h", "SMTP_FROM": ""}, Made(STARTTLS, "h", 587, None, None, None)),
]


@MAILERS
@pytest.mark.parametrize(("environ", "expected"), ENVIRONMENTS)
def test_from_env(
    mailer: type[Mailer], environ: dict[str, str], expected: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made(mailer.from_env(environ)) == expected
    for name in ("URL", "HOST", "PORT", "USERNAME", "PASSWORD", "SECURITY", "FROM"):
        monkeypatch.delenv(f"SMTP_{name}", raising=False)
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    assert made(mailer.from_env()) == expected


@MAILERS
@pytest.mark.parametrize(
    ("environ", "kind", "text"),
    [
        ({}, InvalidConfiguration, "neither SMTP_URL nor SMTP_HOST is set"),
        ({"SMTP_PORT": "25"}, InvalidConfiguration, "neither"),
        (VARIABLES | {"SMTP_PORT": "submission"}, InvalidConfiguration, "SMTP_PORT is no port number: 'submission'"),
        (VARIABLES | {"SMTP_PORT": "٤٦٥"}, InvalidConfiguration, "SMTP_PORT"),
        (VARIABLES | {"SMTP_PORT": "0"}, InvalidConfiguration, "not a port: 0"),
        (VARIABLES | {"SMTP_PORT": "65536"}, InvalidConfiguration, "not a port: 65536"),
        (VARIABLES | {"SMTP_PORT": "9" * 5000}, InvalidConfiguration, "SMTP_PORT"),
        (VARIABLES | {"SMTP_SECURITY": "ssl"}, InvalidConfiguration, "one of starttls, tls, plaintext"),
        (VARIABLES | {"SMTP_SECURITY": "plaintext"}, InvalidConfiguration, "log-in without TLS"),
        (VARIABLES | {"SMTP_FROM": "nobody"}, InvalidAddress, "nobody"),
        ({"SMTP_HOST": "h", "SMTP_USERNAME": "u"}, InvalidConfiguration, "neither"),
        ({"SMTP_HOST": "h", "SMTP_PASSWORD": SECRET}, InvalidConfiguration, "no username"),
        ({"SMTP_URL": f"smtp://u:{SECRET}@h"}, InvalidConfiguration, "Percent-encode"),
    ],
)
def test_from_env_refuses(mailer: type[Mailer], environ: dict[str, str], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        mailer.from_env(environ)
    assert SECRET not in str(caught.value)


# -- transports --------------------------------------------------------------------

LOGGED_IN: dict[str, Any] = {"username": "u", "password": SECRET}

LOCAL: dict[str, Any] = {"host": "localhost"}

REFUSED_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"user": "u"}, "unknown option 'user'.*(?s:.)*Known: .*username"),
    ({"host": ""}, "not a host name"),
    ({"host": "a b"}, "not a host name"),
    ({"host": "[::1]"}, "without brackets"),
    ({"port": 0}, "not a port: 0"),
    ({"port": 65536}, "not a port: 65536"),
    ({"connections": 0}, "connections=0"),
    ({"connections": -1}, "connections=-1"),
    ({"connections": "4"}, "connections='4'"),
    ({"connections": 1.5}, "connections=1.5"),
    ({"mechanisms": []}, "mechanisms= is empty"),
    ({"mechanisms": "NTLM"}, "unknown mechanism 'NTLM'"),
    ({"mechanisms": ["PLAIN", "NTLM"]}, "unknown mechanism 'NTLM'"),
    ({"timeouts": 10}, "timeouts=10"),
    ({"local_hostname": "a b"}, "EHLO"),
    ({"username": "u"}, "neither"),
    ({"password": SECRET}, "no username"),
    ({"username": "u", "password": SECRET, "token": SECRET}, "both"),
    ({"username": "u", "password": f"{SECRET}\0"}, "NUL"),
]


@pytest.mark.parametrize("kind", [SmtpTlsTransport, SmtpSslTransport, PlaintextSmtpTransport])
@pytest.mark.parametrize(("arguments", "text"), REFUSED_OPTIONS)
def test_options_refused(kind: type[SmtpTlsTransport], arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=text) as caught:
        kind(**LOCAL | arguments)
    assert SECRET not in str(caught.value)


def test_plaintext_wants_to_be_told_twice() -> None:
    with pytest.raises(InvalidConfiguration, match="allow_insecure_auth"):
        PlaintextSmtpTransport("localhost", username="u", password=SECRET)
    assert "'u'" in repr(PlaintextSmtpTransport("localhost", username="u", password=SECRET, allow_insecure_auth=True))
    with pytest.raises(InvalidConfiguration, match="tls="):
        PlaintextSmtpTransport("localhost", tls=ssl.create_default_context())


def test_one_mechanism_as_a_text() -> None:
    mailer = Mailer(SmtpTlsTransport("localhost", mechanisms="plain", username="u", password="p"))
    assert options(mailer).mechanisms == ("PLAIN",)


@pytest.mark.parametrize(
    ("transport", "shown"),
    [
        (SmtpTlsTransport("h", **LOGGED_IN), "SmtpTlsTransport('h', 587, username='u')"),
        (SmtpSslTransport("h", username="u", token=SECRET), "SmtpSslTransport('h', 465, username='u')"),
        (PlaintextSmtpTransport("h"), "PlaintextSmtpTransport('h', 25)"),
    ],
)
def test_reprs_have_no_secret(transport: SmtpTransport, shown: str) -> None:
    assert repr(transport) == shown
    for mailer in (Mailer(transport), AsyncMailer(transport)):
        assert repr(mailer) == f"{type(mailer).__name__}({shown})"
        for text in (repr(mailer.compose()), repr(mailer._delivery), repr(options(mailer))):  # pyright: ignore[reportPrivateUsage]
            assert SECRET not in text


@pytest.mark.parametrize(("one", "other"), [("me@gmail.com", "Me@Gmail.com"), ("u", "U")])
def test_spellings_of_one_account(one: str, other: str) -> None:
    assert (
        SmtpTlsTransport("h", username=one, password="p").account
        == SmtpTlsTransport("H", username=other, password="q").account
    )
