"""``python -m smtpkit check``, called as it is by a shell."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import Provider, providers
from smtpkit.cli.main import COMMANDS, main
from smtpkit.providers import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.certificates import Certificates
    from servers.smtpd import Smtpd, StartSmtpd

PASSWORD = "pass word@"
USERNAME = "me@shop.test"


@pytest.fixture
def server(smtpd: StartSmtpd, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Smtpd]:
    """A provider ``shop`` on this machine. Its domain is in no DNS."""
    server = smtpd(username=USERNAME, password=PASSWORD)
    endpoint = Endpoint("localhost", server.port, "starttls")
    providers.register(
        Provider("shop", "Shop", (endpoint,), username="address", domains=("shop.test",), kind="mailbox")
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    for name in ("SMTP_URL", "SMTP_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    yield server
    providers.unregister("shop")


def url(server: Smtpd, login: str = "") -> str:
    return f"smtp://{login}localhost:{server.port}"


WAYS: list[tuple[list[str], dict[str, str]]] = [
    (["shop", USERNAME], {"SMTP_PASSWORD": PASSWORD}),
    ([USERNAME], {"SMTP_PASSWORD": PASSWORD}),
    (["shop", USERNAME, "--password-env", "SECRET"], {"SECRET": PASSWORD}),
    (["URL me%40shop.test@"], {"SMTP_PASSWORD": PASSWORD}),
    (["URL me%40shop.test:pass%20word%40@"], {}),
    ([], {"SMTP_URL": "URL me%40shop.test:pass%20word%40@"}),
    (["URL ", "--sender", USERNAME], {}),
]


@pytest.mark.parametrize(("arguments", "environment"), WAYS)
def test_ways_to_name_an_account(
    server: Smtpd, arguments: list[str], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def filled(text: str) -> str:
        return url(server, text.removeprefix("URL ")) if text.startswith("URL ") else text

    for name, text in environment.items():
        monkeypatch.setenv(name, filled(text))
    logged_in = arguments[:1] != ["URL "]
    assert main(["check", *map(filled, arguments)]) == int(not logged_in)
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith("All is well." if logged_in else "1 thing keeps mail from going out")
    assert (f"logged in as {USERNAME}" in printed.out) is logged_in
    assert PASSWORD not in printed.out
    assert server.accepted == []


def test_for_programs(server: Smtpd, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "wrong")
    assert main(["check", "shop", USERNAME, "--json", "--timeout", "5"]) == 1
    read = json.loads(capsys.readouterr().out)
    assert [step["name"] for step in read["steps"] if step["status"] == "failed"] == ["login"]


def test_the_password_is_asked_for_on_a_terminal(
    server: Smtpd, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return PASSWORD

    monkeypatch.setattr("getpass.getpass", getpass)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert main(["check", USERNAME]) == 0
    assert asked == [f"Password of {USERNAME}: "]
    assert PASSWORD not in capsys.readouterr().out


MISTAKES: list[tuple[list[str], str]] = [
    (["shop", USERNAME], "the variable SMTP_PASSWORD is not set"),
    (["shop", USERNAME, "--password-env", "NOT_SET"], "the variable NOT_SET is not set"),
    (["shop", USERNAME, "--token-env", "NOT_SET"], "the variable NOT_SET is not set"),
    (["no_such_provider", USERNAME], "no provider is called 'no_such_provider'"),
    (["someone@no-such-provider.test"], "no-such-provider.test"),
    ([], "SMTP_HOST"),
    (["smtp://localhost:1", "--sender", "no address"], "no address"),
]


@pytest.mark.parametrize(("arguments", "told"), MISTAKES)
def test_what_cannot_be_looked_at(
    server: Smtpd, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *arguments]) == 2
    printed = capsys.readouterr()
    assert told in printed.err
    assert printed.out == ""


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--no-such-option"]) == 2
    assert "usage: python -m smtpkit" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert "check" in COMMANDS
    assert main(["check", "--help"]) == 0
    assert "Exit codes:" in capsys.readouterr().out


def test_as_a_module() -> None:
    command: list[Any] = [sys.executable, "-W", "error", "-m", "smtpkit", "check", "--help"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    assert "python -m smtpkit check me@gmail.com" in ran.stdout
