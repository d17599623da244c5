"""Mailers from environment variables."""

from __future__ import annotations

import pytest

from made import Made, made
from smtpkit import (
    AsyncMailer,
    InvalidAddress,
    InvalidConfiguration,
    Mailer,
    PlaintextSmtpTransport,
    SmtpSslTransport,
    SmtpTlsTransport,
)

MAILERS = pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])
TLS, STARTTLS, PLAIN = SmtpSslTransport, SmtpTlsTransport, PlaintextSmtpTransport
SECRET = "c0rrect/horse:battery@staple?#%[]"

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
        (
            VARIABLES | {"SMTP_SECURITY": "ssl"},
            InvalidConfiguration,
            r"tls \(465\), starttls \(587\) and plaintext \(25\)",
        ),
        (VARIABLES | {"SMTP_SECURITY": "plaintext"}, InvalidConfiguration, "log-in without TLS"),
        (VARIABLES | {"SMTP_FROM": "nobody"}, InvalidAddress, "nobody"),
        ({"SMTP_HOST": "h", "SMTP_USERNAME": "u"}, InvalidConfiguration, "neither"),
        ({"SMTP_HOST": "h", "SMTP_PASSWORD": SECRET}, InvalidConfiguration, "no username(?s:.)*SMTP_USERNAME"),
        ({"SMTP_URL": f"smtp://u:{SECRET}@h"}, InvalidConfiguration, "Percent-encode"),
    ],
)
def test_from_env_refuses(mailer: type[Mailer], environ: dict[str, str], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        mailer.from_env(environ)
    assert SECRET not in str(caught.value)
