"""Connections that do not come about: the hint says what it comes from, whatever the runtime."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from scripted import Player, simulated, steps
from smtpkit import Message, PlaintextSmtpTransport, SmtpkitError, SmtpSslTransport, SmtpTlsTransport
from smtpkit.errors import ConnectFailed, ConnectionLost, Stage, TimedOut
from smtpkit.mail import Mail
from smtpkit.runtime.driver import run
from smtpkit.runtime.simulated import SimulatedRuntime
from smtpkit.transports.attempt import transmit

if TYPE_CHECKING:
    from both import Both
    from smtpkit.transports.smtp import SmtpTransport

pytest_plugins = ("both",)

MESSAGE = Message().from_("me@example.com").to("ann@example.com").text("Hi")


def failing(error: OSError) -> SimulatedRuntime:
    def dial(host: str, port: int) -> NoReturn:
        raise error

    return SimulatedRuntime(dial)


NOBODY = [
    (TimeoutError("timed out"), 25, TimedOut, "connect", "mostly block port 25"),
    (TimeoutError("timed out"), 587, TimedOut, "connect", "Is the port right?"),
    (ConnectionRefusedError(111, "Connection refused"), 25, ConnectFailed, "connect", "mostly block port 25"),
    (ConnectionRefusedError(111, "Connection refused"), 465, ConnectFailed, "connect", "Is the server running"),
    (OSError(101, "Network is unreachable"), 587, ConnectFailed, "connect", "Is the server running"),
    (socket.gaierror(-2, "Name or service not known"), 587, ConnectFailed, "resolve", "nslookup mail.example.com."),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "port", "error", "stage", "hint"), NOBODY)
def test_nobody_answers(cause: OSError, port: int, error: type[SmtpkitError], stage: Stage, hint: str) -> None:
    transport = PlaintextSmtpTransport("mail.example.com", port)
    caught = run(transmit(transport, Mail(MESSAGE), failing(cause))).error
    assert caught is not None
    assert type(caught) is error
    assert caught.stage == stage
    assert hint in (caught.hint or "")


SPOKEN: list[tuple[type[SmtpTransport], str, type[SmtpkitError], str, str | None]] = [
    (SmtpTlsTransport, "stall", TimedOut, "greeting", "wants TLS from the first byte (mostly 465"),
    (SmtpTlsTransport, "close", ConnectionLost, "greeting", "may refuse this client's address. A port that wants TLS"),
    (SmtpSslTransport, "C~ .*\nstall", TimedOut, "tls", "is it one for STARTTLS (mostly 587)?"),
    (SmtpSslTransport, "tls\nstall", TimedOut, "greeting", None),
    (SmtpSslTransport, "tls\nclose", ConnectionLost, "greeting", "it may refuse this client's address."),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "transcript", "error", "stage", "hint"), SPOKEN)
def test_somebody_is_silent_or_goes(
    kind: Any, transcript: str, error: type[SmtpkitError], stage: Stage, hint: str | None
) -> None:
    runtime = simulated([Player(script) for script in steps(transcript)])
    transport = kind("mail.example.com", tls=None)
    caught = run(transmit(transport, Mail(MESSAGE), runtime)).error
    assert caught is not None
    assert type(caught) is error
    assert caught.stage == stage
    assert (caught.hint is None) == (hint is None)
    assert (hint or "") in (caught.hint or "")


def test_a_name_that_does_not_resolve(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    mailer = both.mailer(SmtpTlsTransport("smtp"))
    error = both.receipt(mailer, MESSAGE).error
    assert isinstance(error, ConnectFailed)
    assert error.stage == "resolve"
    assert "the host name smtp was not found" in error.message
    assert "It has no domain: is it whole?" in (error.hint or "")
    [failed] = both.check(mailer, sender="me@example.test").failed
    assert (failed.name, failed.hint) == ("resolve", error.hint)
