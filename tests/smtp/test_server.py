"""Which settings of a server can work, and what the others are told."""

from __future__ import annotations

import copy
import pickle
import ssl
from pathlib import Path
from typing import Any

import pytest

from smtpkit.errors import InvalidConfiguration
from smtpkit.smtp.credentials import Credentials
from smtpkit.smtp.server import Server
from smtpkit.smtp.timeouts import Timeouts

NAMES = ("connect", "greeting", "reply", "progress", "final_reply", "acquire", "total")
ANN = Credentials.of("ann", "pa55word", None)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), 1e12, 86401, "5", b"5", [5]])
def test_a_timeout_is_a_positive_number(name: str, seconds: object) -> None:
    with pytest.raises(InvalidConfiguration, match=name):
        Timeouts(**{name: seconds})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_only_the_total_may_be_left_out() -> None:
    assert Timeouts(total=None) == Timeouts()
    for name in NAMES[:-1]:
        with pytest.raises(InvalidConfiguration, match=name):
            Timeouts(**{name: None})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_timeouts_are_values() -> None:
    timeouts = Timeouts(connect=0.5, total=20)
    assert copy.deepcopy(timeouts) == pickle.loads(pickle.dumps(timeouts)) == timeouts  # noqa: S301
    assert timeouts != Timeouts()
    assert len({timeouts, Timeouts(connect=0.5, total=20)}) == 1


def test_the_defaults_do_not_make_uncertainty() -> None:
    """RFC 5321 §4.5.3.2.6: giving up on the final reply early leaves it open whether a mail was accepted."""
    assert Timeouts().final_reply == 600


@pytest.mark.parametrize(
    "host", ["", ".", "a..b", ".a.test", "a b", "a\nb", "a\0b", "http://a.test", "ann@a.test", "[::1]", "<a>", "x" * 64]
)
def test_a_host_that_cannot_be(host: str) -> None:
    with pytest.raises(InvalidConfiguration, match="not a host name") as caught:
        Server(host, 587, "starttls").checked()
    assert caught.value.hint


@pytest.mark.parametrize("host", ["a.test", "a.test.", "localhost", "::1", "fe80::1%eth0", "127.0.0.1", "büro.test"])
def test_a_host_that_can_be(host: str) -> None:
    server = Server(host, 587, "starttls")
    assert server.checked() == server


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"port": 0}, "not a port"),
        ({"port": 65536}, "not a port"),
        ({"port": "587"}, "not a port: '587'"),
        ({"port": None}, "not a port"),
        ({"port": True}, "not a port"),
        ({"host": None}, "host name is text, not NoneType"),
        ({"host": b"a.test"}, "host name is text, not bytes"),
        ({"tls": True}, "tls=True"),
        ({"tls": False}, "tls=False"),
        ({"tls": 5}, "tls=5"),
        ({"tls": ""}, "tls=''"),
        ({"local_hostname": 5}, "EHLO"),
        ({"source_address": "nonsense"}, "source_address='nonsense' is not an IP address"),
        ({"source_address": ""}, "source_address"),
        ({"source_address": 5}, "source_address"),
        ({"source_address": "192.0.2.1:25"}, "source_address"),
        ({"mechanisms": ("PLAIN", "DIGEST-MD5")}, "unknown mechanism 'DIGEST-MD5'"),
        ({"security": "plaintext", "credentials": ANN}, "without TLS"),
        ({"local_hostname": ""}, "EHLO"),
        ({"local_hostname": "a b"}, "EHLO"),
        ({"local_hostname": "a\r\nMAIL"}, "EHLO"),
        ({"local_hostname": "büro"}, "EHLO"),
    ],
)
def test_settings_that_cannot_work(options: dict[str, Any], complaint: str) -> None:
    settings: dict[str, Any] = {"host": "a.test", "port": 587, "security": "starttls", **options}
    with pytest.raises(InvalidConfiguration, match=complaint) as caught:
        Server(**settings).checked()
    assert caught.value.stage == "configure"
    assert "pa55word" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"tls": ssl.create_default_context()},
        {"tls": "ca.pem"},
        {"tls": Path("ca.pem")},
        {"source_address": "192.0.2.1"},
        {"source_address": "fe80::1%eth0"},
    ],
)
def test_settings_that_can_work(options: dict[str, Any]) -> None:
    server = Server("a.test", 587, "starttls", **options)
    assert server.checked() == server


def test_log_in_without_tls_has_to_be_asked_for() -> None:
    server = Server("a.test", 25, "plaintext", ANN, allow_insecure_auth=True)
    assert server.checked() == server


@pytest.mark.parametrize(
    ("username", "password", "token", "complaint"),
    [
        (None, "pa55word", None, "no username"),
        ("", "pa55word", None, "username is empty"),
        ("ann", "", None, "password is empty"),
        ("ann", None, "", "token is empty"),
        (b"ann", "pa55word", None, "username is text, and bytes"),
        ("ann", b"pa55word", None, "password is text, and bytes"),
        ("ann", 5, None, "password is text, and int"),
        ("ann", None, b"pa55word", "token is text, and bytes"),
        (None, None, "pa55word", "no username"),
        ("ann", None, None, "neither"),
        ("ann", "pa55word", "pa55word", "both"),
        ("ann\0", "pa55word", None, "username has"),
        ("ann", "pa55word\0", None, "password has"),
        ("ann", "pa55word\udce9", None, "password has"),
        ("ann", None, "pa55word\udce9", "token has"),
    ],
)
def test_credentials_that_cannot_work(username: Any, password: Any, token: Any, complaint: str) -> None:
    with pytest.raises(InvalidConfiguration, match=complaint) as caught:
        Credentials.of(username, password, token)
    assert "pa55word" not in str(caught.value)
    assert caught.value.__context__ is None


def test_no_credentials() -> None:
    assert Credentials.of(None, None, None) is None


@pytest.mark.parametrize("given", [{"password": "pa55word", "token": None}, {"password": None, "token": "pa55word"}])
def test_a_secret_does_not_show(given: dict[str, Any]) -> None:
    credentials = Credentials.of("ann", **given)
    server = Server("a.test", 587, "starttls", credentials)
    for shown in (repr(credentials), str(credentials), repr(server), f"{server}"):
        assert "pa55word" not in shown
    assert credentials == Credentials.of("ann", **given)
