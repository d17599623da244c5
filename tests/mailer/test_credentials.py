"""What a provider makes of a log-in: passwords made from keys, those that look wrong, those that are asked for."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from made import made, options
from smtpkit import AsyncMailer, AuthenticationFailed, InvalidConfiguration, Mailer, Message, Provider, providers
from smtpkit.providers import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from both import Both
    from servers.certificates import Certificates
    from servers.smtpd import Smtpd, StartSmtpd

pytest_plugins = ("both",)

MAILERS = pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])
# The key of AWS's own examples.
KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
HELLO = Message().from_("me@gmail.com").to("bob@example.com").text("Hi")


@MAILERS
@pytest.mark.parametrize(
    ("region", "host", "password"),
    [
        ("us-east-1", "email-smtp.us-east-1.amazonaws.com", "BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9"),
        ("eu-west-1", "email-smtp.eu-west-1.amazonaws.com", "BMW5RDrXmmVs0lV7GpI4oLkHXpZ4stDsk6q91z1g38Pk"),
        ("EU_WEST_1", "email-smtp.eu-west-1.amazonaws.com", "BMW5RDrXmmVs0lV7GpI4oLkHXpZ4stDsk6q91z1g38Pk"),
    ],
)
def test_amazon_ses(mailer: type[Mailer], region: str, host: str, password: str) -> None:
    found = made(mailer.for_provider("amazon_ses", "AKIAEXAMPLE", secret_access_key=KEY, region=region))
    assert (found.host, found.username, found.password) == (host, "AKIAEXAMPLE", password)


def test_amazon_ses_in_a_url() -> None:
    url = f"amazon_ses://AKIAEXAMPLE@?region=us-east-1&secret_access_key={KEY.replace('/', '%2F')}"
    assert made(Mailer.from_url(url)).password == "BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9"


@MAILERS
@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("amazon_ses", {}, r"needs region=.*eu-west-1"),
        ("amazon_ses", {"region": "mars-1"}, "no region 'mars-1'"),
        ("amazon_ses", {"region": "eu-west-1", "password": "x"}, "takes the place of password="),
        ("amazon_ses", {"region": "eu-west-1", "token": "x"}, "takes the place of password="),
        ("amazon_ses", {"region": "eu-west-1", "secret_access_key": ""}, "secret_access_key is empty"),
        ("amazon_ses", {"region": "eu-west-1", "secret_access_key": b"x"}, "secret_access_key is text, and bytes"),
        ("amazon_ses", {"region": "eu-west-1", "secret_access_key": f"{KEY}\n"}, "control character"),
        ("gmail", {}, "Gmail has no secret access keys"),
    ],
)
def test_a_secret_access_key_that_cannot_be_used(
    mailer: type[Mailer], name: str, arguments: dict[str, Any], text: str
) -> None:
    arguments = {"secret_access_key": KEY, **arguments}
    with pytest.raises(InvalidConfiguration, match=text) as caught:
        mailer.for_provider(name, "me@gmail.com", **arguments)
    assert KEY not in str(caught.value)


# -- passwords that look wrong --------------------------------------------------------

APP_PASSWORD = "abcdefghijklmnop"
SENDGRID = "SG." + "x" * 66
SES = "BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9"
LOOKS: list[tuple[str, str, str, str | None]] = [
    # provider, what is given, what is used, what is said
    ("gmail", APP_PASSWORD, APP_PASSWORD, None),
    ("gmail", "abcd efgh ijkl mnop", APP_PASSWORD, None),
    ("gmail", " abcd efgh ijkl mnop\n", APP_PASSWORD, None),
    ("gmail", "abcd\u00a0efgh\u00a0ijkl\u00a0mnop", APP_PASSWORD, None),
    ("google_workspace", "abcd efgh ijkl mnop", APP_PASSWORD, None),
    # What is not shown like that is left as it is: it may be right.
    ("gmail", "abcd efgh ijkl mno", "abcd efgh ijkl mno", "16 lower-case letters"),
    ("gmail", "Hunter2!", "Hunter2!", "16 lower-case letters"),
    ("gmail", "Abcdefghijklmnop", "Abcdefghijklmnop", "16 lower-case letters"),
    ("sendgrid", SENDGRID, SENDGRID, None),
    ("sendgrid", "hunter2", "hunter2", '"SG."'),
    ("sendgrid", SENDGRID[:-1], SENDGRID[:-1], "69 characters"),
    ("amazon_ses", SES, SES, None),
    ("amazon_ses", KEY, KEY, "secret_access_key="),
    ("outlook", "hunter2", "hunter2", "takes OAuth 2 tokens"),
    ("microsoft365", "hunter2", "hunter2", "takes OAuth 2 tokens"),
    # Of these nothing is known.
    ("zoho", "abcd efgh ijkl mnop", "abcd efgh ijkl mnop", None),
    ("cpanel", "hunter2", "hunter2", None),
]


@pytest.mark.parametrize(("name", "given", "used", "said"), LOOKS)
def test_how_a_password_looks(
    name: str, given: str, used: str, said: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert made(Mailer.for_provider(name, "me@example.com", given)).password == used
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == (said is not None)
    assert said is None or said in warned[0]
    assert not [line for line in warned if given in line]


@pytest.fixture
def playing(smtpd: StartSmtpd, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Smtpd]:
    """A server in Gmail's place."""
    server = smtpd(security="tls", username="me@gmail.com", password=APP_PASSWORD)
    real = providers.get("gmail")
    local = Provider(
        real.name,
        real.title,
        (Endpoint(server.host, server.port, "tls"),),
        username="address",
        password_kind="app-password",
        app_password_url=real.app_password_url,
    )
    providers.register(local, replace=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    yield server
    providers.register(real, replace=True)


@pytest.mark.usefixtures("playing")
def test_the_error_says_that_the_password_of_the_account_was_given(both: Both) -> None:
    mailer = both.keep(both.type.for_provider("gmail", "me@gmail.com", "Hunter2!"))
    error = both.receipt(mailer, HELLO).error
    assert type(error) is AuthenticationFailed
    assert "an app password has 16 lower-case letters" in error.message
    assert "https://myaccount.google.com/apppasswords" in (error.hint or "")
    assert "Hunter2!" not in str(error)


async def _asked_async() -> str:
    await asyncio.sleep(0)
    return "abcd efgh ijkl mnop"


SOURCES: list[Callable[[], Any]] = [lambda: "abcd efgh ijkl mnop", _asked_async]


@pytest.mark.usefixtures("playing")
@pytest.mark.parametrize("number", range(len(SOURCES)))
def test_a_password_that_is_asked_for_is_looked_at_too(both: Both, number: int) -> None:
    if number and both.kind == "sync":
        pytest.skip("an async function that waits for its loop is for AsyncMailer")
    mailer = both.keep(both.type.for_provider("gmail", "me@gmail.com", SOURCES[number]))
    assert both.send(mailer, HELLO).ok


# -- from the environment -------------------------------------------------------------

ENVIRONMENTS: list[tuple[dict[str, str], str, str | None]] = [
    # the environment, the secret, and the kind that it is of
    ({"SMTP_HOST": "h.test", "SMTP_USERNAME": "u", "SMTP_TOKEN": "t"}, "t", "token"),
    ({"SMTP_HOST": "h.test", "SMTP_USERNAME": "u", "SMTP_PASSWORD": "p"}, "p", "password"),
    ({"SMTP_URL": "smtps://u@h.test", "SMTP_PASSWORD": "p/@:%41"}, "p/@:%41", "password"),
    ({"SMTP_URL": "smtps://u@h.test", "SMTP_TOKEN": "t"}, "t", "token"),
    ({"SMTP_URL": "gmail://me%40gmail.com@", "SMTP_TOKEN": "t"}, "t", "token"),
    ({"SMTP_URL": "gmail://me%40gmail.com@", "SMTP_PASSWORD": "abcd efgh ijkl mnop"}, APP_PASSWORD, "password"),
    ({"SMTP_URL": "sendgrid://@", "SMTP_PASSWORD": SENDGRID}, SENDGRID, "password"),
    # What is in the URL goes before.
    ({"SMTP_URL": "smtps://u:mine@h.test", "SMTP_PASSWORD": "p"}, "mine", "password"),
    ({"SMTP_URL": "smtps://u@h.test?token=mine", "SMTP_PASSWORD": "p"}, "mine", "token"),
]


@pytest.mark.parametrize(("environ", "secret", "kind"), ENVIRONMENTS)
def test_secrets_of_the_environment(environ: dict[str, str], secret: str, kind: str) -> None:
    mailer = Mailer.from_env(environ)
    assert made(mailer).password == secret
    assert (options(mailer).credentials.token is not None) is (kind == "token")


@pytest.mark.parametrize(
    "url",
    ["smtp+plaintext://localhost", "google_workspace_relay://@", "failover(smtps://u:p@a.test smtps://u:p@b.test)"],
)
def test_who_wants_no_log_in_gets_none_from_the_environment(url: str) -> None:
    assert "username='me'" not in repr(Mailer.from_env({"SMTP_URL": url, "SMTP_PASSWORD": "p", "SMTP_TOKEN": "t"}))


def test_a_password_and_a_token_are_one_too_many() -> None:
    with pytest.raises(InvalidConfiguration, match="got both"):
        Mailer.from_env({"SMTP_URL": "smtps://u@h.test", "SMTP_PASSWORD": "p", "SMTP_TOKEN": "t"})
