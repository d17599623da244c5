"""Where a password or token does not show: not in errors, not in the variables of our frames, logs and pickles."""

from __future__ import annotations

import copy
import logging
import pickle
import re
from base64 import b64encode
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest

import secrecy
from scripted import ALL, Way, each_way, play
from smtpkit import (
    AsyncMailer,
    Envelope,
    InvalidConfiguration,
    Mail,
    Mailer,
    Message,
    PlaintextSmtpTransport,
    SmtpkitError,
    SmtpSslTransport,
    SmtpTlsTransport,
    Tls,
    UnknownProvider,
    UsageError,
)
from smtpkit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime
    from smtpkit.transports.smtp import SmtpTransport

SECRET = "pa55word-t0ken"


def b64(text: str) -> str:
    return b64encode(text.encode()).decode()


PLAIN = b64(f"\0ann\0{SECRET}")
XOAUTH2 = b64(f"user=ann\1auth=Bearer {SECRET}\1\1")
FORMS = [SECRET, b64(SECRET), PLAIN, XOAUTH2]
MAIL = "C: MAIL FROM:<a@a.test>\nS: 250 ok\nC: RCPT TO:<b@b.test>\nS: 250 ok\nC: DATA\nS: 354 go\ncontent\nS: 250 ok\n"


def hello(mechanisms: str) -> str:
    return f"S: 220 mail.test\nC: EHLO me.test\nS: 250-mail.test\nS: 250 AUTH {mechanisms}\n"


def assert_hidden(error: BaseException | None) -> None:
    """No form of the secret is in what ``error`` says, has, comes from or was raised in."""
    secrecy.assert_hidden(error, FORMS)


def sent(transcript: str, way: Way, **options: Any) -> Receipt:
    async def one(transport: SmtpTransport, runtime: Runtime) -> Receipt:
        mail = Mail(Message().from_("a@a.test").text("Hi"), Envelope("a@a.test", ["b@b.test"]))
        return await transport.send(mail, runtime)

    given: dict[str, Any] = {"username": "ann", "password": SECRET, **options}
    return play(transcript, way, one, **given)


TOKEN: dict[str, Any] = {"password": None, "token": SECRET}
ASKED: dict[str, Any] = {"password": None, "token": lambda: SECRET}
SCRAM: dict[str, Any] = {"mechanisms": ["SCRAM-SHA-256"]}
DENIED = b64('{"status":"invalid","token":"' + SECRET + '"}')
AUTH_PLAIN = f"{hello('PLAIN')}C: AUTH PLAIN {PLAIN}\n"
AUTH_LOGIN = f"{hello('LOGIN')}C: AUTH LOGIN\nS: 334 {b64('Username:')}\nC: {b64('ann')}\nS: 334\nC: {b64(SECRET)}\n"
AUTH_XOAUTH2 = f"{hello('XOAUTH2')}C: AUTH XOAUTH2 {XOAUTH2}\n"

FAILURES: dict[str, tuple[str, dict[str, Any]]] = {
    "PLAIN 535": (f"{AUTH_PLAIN}S: 535 5.7.8 no", {}),
    "PLAIN after SCRAM": (f"{hello('PLAIN SCRAM-SHA-256')}C~ AUTH S.*\nS: 504 no\nC: AUTH PLAIN {PLAIN}\nS: 535 no",
                          {"mechanisms": ["SCRAM-SHA-256", "PLAIN"]}),
    "PLAIN reset": (f"{AUTH_PLAIN}reset", {}),
    "PLAIN closed": (f"{AUTH_PLAIN}close", {}),
    "PLAIN broken": (f"{hello('PLAIN')}break", {}),
    "PLAIN stalled": (f"{AUTH_PLAIN}stall", {}),
    "PLAIN not taken": (f"{hello('PLAIN')}stall", {}),
    "PLAIN 250": (f"{AUTH_PLAIN}S: 250 fine", {}),
    "PLAIN surplus": (f"{AUTH_PLAIN}S: 504 no\nS: 250 {PLAIN}\nrest", {}),
    "PLAIN endless": (f"{AUTH_PLAIN}" + f"S: 334 {b64(SECRET)}\nC: \n" * 8 + f"S: 334 {PLAIN}\nrest", {}),
    "LOGIN 535": (f"{AUTH_LOGIN}S: 535 no", {}),
    "LOGIN asks for more": (f"{AUTH_LOGIN}S: 334 {b64(SECRET)}\nrest", {}),
    "LOGIN reset": (f"{AUTH_LOGIN}reset", {}),
    "XOAUTH2 535": (f"{AUTH_XOAUTH2}S: 334 {DENIED}\nC: \nS: 535 no", TOKEN),
    "XOAUTH2 reset": (f"{AUTH_XOAUTH2}reset", ASKED),
    "XOAUTH2 535, asked": (f"{AUTH_XOAUTH2}S: 535 no", ASKED),
    "SCRAM garbled": (f"{hello('SCRAM-SHA-256')}C~ AUTH .*\nS: 334 {b64('r=x,s=y,i=z')}\nrest", SCRAM),
    "SCRAM closed": (f"{hello('SCRAM-SHA-256')}C~ AUTH .*\nclose", SCRAM),
    "a bad token": (hello("XOAUTH2"), {"password": None, "token": lambda: f"{SECRET}\n"}),
    "no token": (hello("XOAUTH2"), {"password": None, "token": lambda: ""}),
    # Servers that say it all again.
    "echo in 535": (f"{AUTH_PLAIN}S: 535 5.7.8 {PLAIN} is {SECRET} or {b64(SECRET)}", {}),
    "echo in 535 of two lines": (f"{AUTH_PLAIN}S: 535-{PLAIN}\nS: 535 {SECRET}", {}),
    "echo in 421": (f"{AUTH_PLAIN}S: 421 4.7.0 {PLAIN} is {SECRET}", {}),
    "echo in 354": (f"{AUTH_PLAIN}S: 354 {PLAIN} is {SECRET}", {}),
    "echo of the line": (f"{AUTH_PLAIN}S: AUTH PLAIN {PLAIN}\nrest", {}),
    "echo of the password": (f"{AUTH_LOGIN}S: {b64(SECRET)}\nrest", {}),
    "echo of the token": (f"{AUTH_XOAUTH2}S: 535 {XOAUTH2} is {SECRET}", TOKEN),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "way"),
    [
        pytest.param(name, way, id=f"{name}-{'-'.join(way)}")
        for name, (transcript, _) in FAILURES.items()
        for way in each_way(transcript)
        if way.delivery == "whole" or "surplus" not in name
    ],
)
def test_a_failed_log_in_shows_nothing(name: str, way: Way, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    transcript, options = FAILURES[name]
    receipt = sent(transcript, way, **options)
    assert receipt.error is not None
    assert receipt.error.stage in ("auth", "configure")
    assert_hidden(receipt.error)
    for record in caplog.records:
        for form in FORMS:
            assert form not in f"{record.getMessage()} {record.args}"
    for form in FORMS:
        assert form.encode() not in pickle.dumps(receipt.error)


# -- the log -------------------------------------------------------------------------

LOGGED: list[tuple[str, dict[str, Any], str]] = [
    (
        f"{AUTH_LOGIN}S: 235 ok\n{MAIL}",
        {},
        """
        C: AUTH LOGIN
        S: 334 <challenge>
        C: <secret>
        S: 334 <challenge>
        C: <secret>
        """,
    ),
    (f"{AUTH_PLAIN}S: 235 ok\n{MAIL}", {}, "C: AUTH PLAIN <secret>"),
    (f"{AUTH_XOAUTH2}S: 235 ok\n{MAIL}", TOKEN, "C: AUTH XOAUTH2 <secret>"),
]


@pytest.mark.parametrize("way", ALL, ids="-".join)
@pytest.mark.parametrize(("transcript", "options", "exchange"), LOGGED)
def test_the_wire_log_is_complete_but_for_secrets(
    way: Way, transcript: str, options: dict[str, Any], exchange: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "smtpkit.wire")
    receipt = sent(transcript, way, **options)
    assert receipt.ok, receipt.error
    said = [record.getMessage() for record in caplog.records if record.name == "smtpkit.wire"]
    offered = transcript.partition("S: 250 AUTH ")[2].partition("\n")[0]
    # The content may be written in several pieces.
    assert [line for line, _ in groupby(re.sub("<[0-9]+ octets", "<all octets", line) for line in said)] == [
        *("S: 220 mail.test", "C: EHLO me.test", f"S: 250 mail.test AUTH {offered}"),
        *(line.strip() for line in exchange.strip().splitlines()),
        *("S: 235 ok", "C: MAIL FROM:<a@a.test>", "S: 250 ok", "C: RCPT TO:<b@b.test>", "S: 250 ok", "C: DATA"),
        *("S: 354 go", "C: <all octets>", "S: 250 ok", "C: QUIT", "S: 221 bye"),
    ]


@pytest.mark.parametrize("way", ALL[:3], ids="-".join)
def test_a_short_password_does_not_change_what_the_server_says_later(way: Way) -> None:
    transcript = f"{hello('PLAIN')}C: AUTH PLAIN {b64(chr(0) + 'ann' + chr(0) + '1')}\nS: 235 ok\n{MAIL}"
    receipt = sent(transcript.replace("content\nS: 250 ok", "content\nS: 250 queued as 123"), way, password="1")
    reply = receipt.accepted["b@b.test"].reply
    assert reply is not None
    assert reply.text == "queued as 123"


@pytest.mark.parametrize("way", ALL[:3], ids="-".join)
def test_what_a_server_offers_does_not_write_on_a_terminal(way: Way) -> None:
    receipt = sent(hello("X\x1b[2JY NTLM " + "A" * 30), way)
    assert receipt.error is not None
    assert receipt.error.message.endswith("it has: NTLM")


# -- configuration -------------------------------------------------------------------

WRONG: list[Callable[[], object]] = [
    lambda: SmtpTlsTransport("localhost", username="u", password=SECRET, token=SECRET),
    lambda: SmtpTlsTransport("localhost", password=SECRET),
    lambda: SmtpTlsTransport("local host", username="u", password=SECRET),
    lambda: SmtpSslTransport("localhost", username="u", password=f"{SECRET}\0"),
    lambda: SmtpSslTransport("localhost", username="u", token=f"{SECRET}\n"),
    lambda: SmtpSslTransport("localhost", username="u", password=SECRET, timeout=3),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    lambda: PlaintextSmtpTransport("localhost", username="u", password=SECRET),
    lambda: PlaintextSmtpTransport("localhost", username="u", password=SECRET, tls="ca.pem"),
    lambda: Tls(client_key_password=SECRET),
    lambda: Tls("", client_certificate="a.pem", client_key_password=SECRET),
]
WRONG_MAILERS: list[Callable[[type[Mailer | AsyncMailer]], object]] = [
    lambda kind: kind.for_provider("gmial", "me@gmail.com", SECRET),
    lambda kind: kind.for_provider("gmail", "me", SECRET),
    lambda kind: kind.for_provider("gmail", "me@gmail.com", SECRET, token=SECRET),
    lambda kind: kind.for_provider("gmail", "me@gmail.com", SECRET, connections=0),
    lambda kind: kind.for_address("me@example.com", SECRET),
    lambda kind: kind.for_address("me@gmail.com", f"{SECRET}\0"),
    lambda kind: kind.for_provider("gmail", "me@gmail.com", secret_access_key=SECRET),
    lambda kind: kind.for_provider("amazon_ses", "AKIA", secret_access_key=SECRET),
    lambda kind: kind.for_provider("amazon_ses", "AKIA", secret_access_key=f"{SECRET}\n", region="eu-west-1"),
    lambda kind: kind.for_provider("amazon_ses", "AKIA", SECRET, secret_access_key=SECRET, region="eu-west-1"),
    lambda kind: kind.from_env({"SMTP_HOST": "h", "SMTP_TOKEN": SECRET}),
    lambda kind: kind.from_env({"SMTP_HOST": "h", "SMTP_PASSWORD": SECRET}),
    lambda kind: kind.from_env({"SMTP_HOST": "h h", "SMTP_USERNAME": "u", "SMTP_PASSWORD": SECRET}),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_transport_that_cannot_be_shows_nothing(number: int) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        WRONG[number]()
    assert_hidden(caught.value)


@pytest.mark.parametrize("kind", [Mailer, AsyncMailer])
@pytest.mark.parametrize("number", range(len(WRONG_MAILERS)))
def test_a_mailer_that_cannot_be_shows_nothing(kind: type[Mailer | AsyncMailer], number: int) -> None:
    with pytest.raises((InvalidConfiguration, UnknownProvider)) as caught:
        WRONG_MAILERS[number](kind)
    if "from_env" not in WRONG_MAILERS[number].__code__.co_names:
        # The environment is a dictionary of its caller.
        assert_hidden(caught.value)
    assert SECRET not in f"{caught.value}{caught.value!r}"


NOT_PICKLED: list[Callable[[], Any]] = [
    lambda: SmtpTlsTransport("localhost", username="u", password=SECRET),
    lambda: PlaintextSmtpTransport("localhost"),
    lambda: Mailer(SmtpSslTransport("localhost", username="u", token=SECRET)),
    lambda: AsyncMailer.from_url(f"smtps://u:{SECRET}@localhost"),
    lambda: Tls(client_certificate="me.pem", client_key_password=SECRET),
    lambda: Secret(SECRET),
]


@pytest.mark.parametrize("number", range(len(NOT_PICKLED)))
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_has_a_secret_is_not_pickled(number: int, protocol: int) -> None:
    with pytest.raises(UsageError, match="cannot be pickled") as caught:
        pickle.dumps(NOT_PICKLED[number](), protocol)
    assert caught.value.hint


def test_a_setting_without_a_secret_is_pickled() -> None:
    tls = Tls("ca.pem", client_certificate="me.pem")
    assert pickle.loads(pickle.dumps(tls)) == tls  # noqa: S301


def test_a_copy_of_a_setting_has_its_secret() -> None:
    tls = Tls(client_certificate="me.pem", client_key_password=SECRET)
    assert copy.deepcopy(tls) == copy.copy(tls) == tls


def test_a_secret_shows_nothing() -> None:
    secret = Secret(SECRET)
    for text in (str(secret), repr(secret), f"{secret}", f"{[secret]}", "%s" % secret):  # noqa: UP031
        assert text in ("Secret(***)", "[Secret(***)]")
    assert secret == Secret(SECRET) != Secret("")
    assert not isinstance(secret, SmtpkitError)
