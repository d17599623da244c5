"""The SMTP transports: what they take, refuse and show."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from made import options
from smtpkit import (
    AsyncMailer,
    InvalidConfiguration,
    Mailer,
    PlaintextSmtpTransport,
    SmtpSslTransport,
    SmtpTlsTransport,
)

if TYPE_CHECKING:
    from smtpkit.transports.smtp import SmtpTransport

SECRET = "c0rrect/horse:battery@staple?#%[]"

LOGGED_IN: dict[str, Any] = {"username": "u", "password": SECRET}

LOCAL: dict[str, Any] = {"host": "localhost"}

REFUSED_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"user": "u"}, "unknown option 'user'.*(?s:.)*Known: .*username"),
    ({"pipelining": "no"}, "pipelining='no'(?s:.)*True or False"),
    ({"chunking": 0}, "chunking=0"),
    ({"timeout": 5}, "unknown option 'timeout'(?s:.)*Known: timeouts, chunking, connections, "),
    ({"host": None}, "host name is text"),
    ({"port": "587"}, "not a port: '587'"),
    ({"host": ""}, "not a host name"),
    ({"host": "a b"}, "not a host name"),
    ({"host": "[::1]"}, "without brackets"),
    ({"host": "localhost:587"}, "not a host name: 'localhost:587'(?s:.)*The port is an argument of its own"),
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
    ({"local_hostname": ""}, "EHLO"),
    ({"local_hostname": "a\r\nMAIL FROM:<b>"}, "EHLO"),
    ({"local_hostname": "a\n"}, "EHLO"),
    ({"local_hostname": "a\0"}, "EHLO"),
    ({"local_hostname": "münchen.example"}, "EHLO"),
    ({"local_hostname": b"a"}, "EHLO"),
    ({"tls": False}, "tls="),
    ({"tls": True}, "tls="),
    ({"tls": ""}, "tls="),
    ({"username": "u"}, "neither"),
    ({"password": SECRET}, "no username"),
    ({"username": "u", "password": SECRET, "token": SECRET}, "both"),
    ({"username": "u", "password": f"{SECRET}\0"}, "NUL"),
    ({"username": "u\0v", "password": SECRET}, "NUL"),
    ({"username": "u\1auth=Bearer x", "token": SECRET}, "username has a control character"),
    ({"username": "u\n", "password": SECRET}, "username has a control character"),
    ({"username": "u", "token": f"{SECRET}\n"}, "token has a control character(?s:.)*strip"),
    ({"username": "u", "token": f"{SECRET}\1host=x"}, "token has a control character"),
    ({"username": "u", "token": f"{SECRET}\0"}, "NUL"),
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
