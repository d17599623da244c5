"""A provider's endpoint, user name and password hint."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from made import made
from smtpkit import Mailer
from smtpkit.errors import InvalidConfiguration
from smtpkit.providers import Endpoint, OAuth2, Provider, SendingLimit, get

TLS = Endpoint("smtp.example.com", 465, "tls")
STARTTLS = Endpoint("smtp.example.com", 587, "starttls")


@pytest.mark.parametrize(
    ("name", "asked", "endpoint"),
    [
        ("gmail", {}, ("smtp.gmail.com", 465, "tls")),
        ("gmail", {"security": "starttls"}, ("smtp.gmail.com", 587, "starttls")),
        ("gmail", {"domain": "example.com"}, ("smtp.gmail.com", 465, "tls")),
        ("google_workspace", {}, ("smtp.gmail.com", 465, "tls")),
        ("google_workspace_relay", {}, ("smtp-relay.gmail.com", 587, "starttls")),
        ("outlook", {}, ("smtp-mail.outlook.com", 587, "starttls")),
        ("microsoft365", {}, ("smtp.office365.com", 587, "starttls")),
        ("zoho", {}, ("smtp.zoho.com", 465, "tls")),
        ("zoho", {"region": "eu"}, ("smtp.zoho.eu", 465, "tls")),
        ("zoho", {"region": "in"}, ("smtp.zoho.in", 465, "tls")),
        ("zoho", {"region": "au"}, ("smtp.zoho.com.au", 465, "tls")),
        ("zoho", {"region": "jp"}, ("smtp.zoho.jp", 465, "tls")),
        ("zoho", {"region": "cn"}, ("smtp.zoho.com.cn", 465, "tls")),
        ("zoho", {"region": "ca"}, ("smtp.zohocloud.ca", 465, "tls")),
        ("zoho", {"region": "sa", "security": "starttls"}, ("smtp.zoho.sa", 587, "starttls")),
        ("zoho_eu", {}, ("smtp.zoho.eu", 465, "tls")),
        ("zoho_pro", {"region": "us"}, ("smtppro.zoho.com", 465, "tls")),
        ("zoho_pro", {"region": "EU"}, ("smtppro.zoho.eu", 465, "tls")),
        ("cpanel", {"domain": "example.com"}, ("mail.example.com", 465, "tls")),
        ("cpanel", {"domain": "Example.COM"}, ("mail.example.com", 465, "tls")),
        ("cpanel", {"domain": "bücher.example"}, ("mail.xn--bcher-kva.example", 465, "tls")),
        ("sendgrid", {}, ("smtp.sendgrid.net", 465, "tls")),
        ("sendgrid", {"region": "eu"}, ("smtp.eu.sendgrid.net", 465, "tls")),
        ("mailgun", {"region": "us"}, ("smtp.mailgun.org", 465, "tls")),
        ("mailgun", {"region": "eu", "security": "starttls"}, ("smtp.eu.mailgun.org", 587, "starttls")),
        ("mailgun_eu", {}, ("smtp.eu.mailgun.org", 465, "tls")),
        ("amazon_ses", {}, ("email-smtp.us-east-1.amazonaws.com", 465, "tls")),
        ("amazon_ses", {"region": "eu-west-1"}, ("email-smtp.eu-west-1.amazonaws.com", 465, "tls")),
        ("amazon_ses", {"region": "eu-south-1"}, ("email-smtp.eu-south-1.amazonaws.com", 465, "tls")),
        ("amazon_ses", {"region": "eu_west_1"}, ("email-smtp.eu-west-1.amazonaws.com", 465, "tls")),
    ],
)
def test_endpoint(name: str, asked: dict[str, Any], endpoint: tuple[str, int, str]) -> None:
    found = get(name).endpoint(**asked)
    assert (found.host, found.port, found.security) == endpoint


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("gmail://me%40gmail.com:secret@", "smtp.gmail.com"),
        ("google_workspace://me%40example.com:secret@", "smtp.gmail.com"),
        ("google_workspace_relay://", "smtp-relay.gmail.com"),
        ("outlook://me%40outlook.com:secret@", "smtp-mail.outlook.com"),
        ("microsoft365://me%40example.com:secret@", "smtp.office365.com"),
        ("zoho://me%40zoho.eu:secret@?region=eu", "smtp.zoho.eu"),
        ("zoho-pro://me%40example.com:secret@?region=in", "smtppro.zoho.in"),
        ("cpanel://me%40example.com:secret@", "mail.example.com"),
        ("own_domain://me%40example.com:secret@?domain=example.org", "mail.example.org"),
        ("sendgrid://:secret@", "smtp.sendgrid.net"),
        ("mailgun://postmaster%40example.com:secret@", "smtp.mailgun.org"),
        ("mailgun://postmaster%40example.com:secret@?region=eu", "smtp.eu.mailgun.org"),
        ("mailgun_eu://postmaster%40example.com:secret@", "smtp.eu.mailgun.org"),
        ("ses://AKIAEXAMPLE:secret@?region=ap-south-1", "email-smtp.ap-south-1.amazonaws.com"),
        ("resend://:secret@", "smtp.resend.com"),
        ("mailpit://", "localhost"),
    ],
)
def test_a_provider_in_a_url(url: str, host: str) -> None:
    assert made(Mailer.from_url(url)).host == host


@pytest.mark.parametrize(
    ("name", "asked", "said", "hint"),
    [
        ("amazon_ses", {"region": "eu-west-9"}, "no region 'eu-west-9'; known: eu-west-", "SmtpTlsTransport"),
        ("sendgrid", {"region": "ue"}, "known: eu, global", "host"),
        ("mailgun", {"region": ""}, "no region ''; known: us, eu", "host"),
        ("gmail", {"region": "eu"}, "Gmail has no regions", "Leave region out"),
        ("cpanel", {}, "needs your domain for its host, mail.{domain}", 'domain="example.com"'),
        ("cpanel", {"domain": ""}, "needs your domain", 'domain="example.com"'),
        ("cpanel", {"domain": "me@example.com"}, "not a domain: 'me@example.com'", "name alone"),
        ("cpanel", {"domain": "https://example.com/"}, "not a domain", "name alone"),
        ("cpanel", {"domain": "example.com\r\nRSET"}, "not a domain: 'example.com\\r\\nRSET'", "name alone"),
        ("cpanel", {"domain": "[192.0.2.1]"}, "not a domain", "name alone"),
        ("outlook", {"security": "tls"}, "no endpoint with security='tls'", "smtp-mail.outlook.com:587 (starttls)"),
    ],
)
def test_what_cannot_be_chosen_is_explained(name: str, asked: dict[str, Any], said: str, hint: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        get(name).endpoint(**asked)
    assert said in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_provider_without_smtp_says_so() -> None:
    with pytest.raises(InvalidConfiguration, match=r"Quiet offers no SMTP\nHint: Use its web page\."):
        Provider("quiet", "Quiet", (), notes="Use its web page.").endpoint()


@pytest.mark.parametrize(
    ("port", "security", "said"),
    [
        (25, "plaintext", "only for this machine"),
        (0, "tls", "not a port: 0"),
        (65536, "tls", "not a port"),
        (465, "ssl", "'ssl'"),
        (25, "none", "'none'"),
    ],
)
def test_an_endpoint_has_a_port_and_tls(port: int, security: Any, said: str) -> None:
    with pytest.raises(InvalidConfiguration, match=said):
        Endpoint("smtp.example.com", port, security)


@pytest.mark.parametrize(
    ("rule", "given", "login"),
    [
        ("address", "me@example.com", "me@example.com"),
        ("address", None, None),
        ("local-part", "me@example.com", "me"),
        ("local-part", "me", "me"),
        ("local-part", None, None),
        ("custom", "AKIAEXAMPLE", "AKIAEXAMPLE"),
        ("custom", "me@example.com", "me@example.com"),
        ("custom", None, None),
        ("apikey", None, "apikey"),
        ("apikey", "me@example.com", "apikey"),
        ("literal", None, "resend"),
        ("literal", "me@example.com", "resend"),
    ],
)
def test_login(rule: Any, given: str | None, login: str | None) -> None:
    assert Provider("example", "Example", (TLS,), username=rule, username_literal="resend").login(given) == login


@pytest.mark.parametrize("given", ["me", "", "@gmail.com", "me@"])
def test_an_address_is_needed_where_the_rule_says_so(given: str) -> None:
    with pytest.raises(InvalidConfiguration, match="Gmail takes the whole address") as caught:
        get("gmail").login(given)
    assert "me@gmail.com" in (caught.value.hint or "")


OAUTH2 = OAuth2("https://example.com/authorize", "https://example.com/token", "smtp")
PAGE = {"app_password_url": "https://example.com/make"}
DOCS = {"docs_url": "https://example.com/docs"}


@pytest.mark.parametrize(
    ("facts", "hint"),
    [
        (
            {"password_kind": "app-password", **PAGE},
            "an app password, not the account's password: make one at {make}.",
        ),
        (
            {"password_kind": "app-password", **DOCS},
            "an app password, not the account's password: see {docs}.",
        ),
        (
            {"password_kind": "app-password"},
            "an app password, not the account's password.",
        ),
        (
            {"password_kind": "api-key", **PAGE, **DOCS},
            "an API key as password, not the account's password: make one at {make}.",
        ),
        (
            {"password_kind": "smtp-password", **DOCS},
            "a password made for SMTP, not the account's password: see {docs}.",
        ),
        (
            {"password_kind": "oauth2-only"},
            "an OAuth2 access token, not a password: pass token=, such as a RefreshToken(...) of smtpkit.oauth2.",
        ),
        (
            {"password_kind": "oauth2-only", "oauth2": OAUTH2},
            "an OAuth2 access token, not a password: pass token= with a client of smtpkit.oauth2: {client}.",
        ),
        ({**PAGE}, "the account's password, or with two-factor login an app password: make one at {make}."),
        ({**DOCS}, "the mailbox's own password."),
    ],
)
def test_password_hint(facts: dict[str, Any], hint: str) -> None:
    said = hint.format(
        make="https://example.com/make",
        docs="https://example.com/docs",
        client="RefreshToken.for_provider('example', ...)",
    )
    assert Provider("example", "Example", (TLS,), **facts).password_hint == f"Example takes {said}"


@pytest.mark.parametrize(
    "made",
    [
        TLS,
        SendingLimit(500, "messages", "rolling-24h", applies=True),
        OAUTH2,
        Provider("example", "Example", (TLS, STARTTLS), regions=(("eu", "smtp.example.eu"),), oauth2=OAUTH2),
        get("amazon_ses"),
    ],
)
def test_values_are_immutable_and_can_be_hashed_copied_and_pickled(made: Any) -> None:
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == made  # noqa: S301
    assert hash(copy.copy(made)) == hash(made)
    with pytest.raises(AttributeError):
        made.host = made.count = made.scope = made.name = None


def test_replace_gives_a_copy_with_changes() -> None:
    mine = get("gmail").replace(name="my_gmail", aliases=(), domains=(), max_connections=2)
    assert (mine.name, mine.max_connections, mine.endpoints) == ("my_gmail", 2, get("gmail").endpoints)
    assert mine.replace() == mine
    with pytest.raises(TypeError, match="endpoint"):
        mine.replace(endpoint=TLS)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_without_tls_there_is_only_this_machine(host: str) -> None:
    assert Endpoint(host, 1025, "plaintext").security == "plaintext"


def test_an_endpoint_reads_as_host_port_and_security() -> None:
    assert str(STARTTLS) == "smtp.example.com:587 (starttls)"
