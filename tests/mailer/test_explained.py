"""What a send says of a server's reply: what it means at that provider, what to do, where to read more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scripted import Player, steps
from servers.answering import answering
from servers.wiretap import Wiretap
from smtpkit import Message, PlaintextSmtpTransport, providers

if TYPE_CHECKING:
    from both import Both
    from clock import Clock

pytest_plugins = ("both", "clock")

MESSAGE = Message().from_("me@example.com").to("ann@example.com").text("Hi")
LATER = "This may pass: the same mail can be sent again"

ROWS: list[tuple[str | None, dict[str, str], list[str], list[str]]] = [
    ("gmail", {"AUTH": "535 5.7.8 Username and Password not accepted."},
     ["takes only an app password", "https://support.google.com/mail/?p=BadCredentials",
      "make one at https://myaccount.google.com/apppasswords"], [LATER]),
    ("gmail", {"AUTH": "535 5.7.8 Authentication credentials invalid"},
     ["make one at https://myaccount.google.com/apppasswords"], ["Mailer.for_provider"]),
    ("gmail", {"AUTH": "454 4.7.0 Too many login attempts, please try again later."},
     ["there were too many of them"], ["apppasswords", LATER]),
    (None, {"AUTH": "535 5.7.8 Authentication credentials invalid"}, ["Mailer.for_provider knows which"], [LATER]),
    (None, {"AUTH": "535 what ever"}, ["Mailer.for_provider knows which"], [LATER]),
    ("gmail", {".": "550 5.4.5 Daily user sending limit exceeded."}, ["reached its daily limit"], [LATER]),
    ("amazon_ses", {"MAIL": "454 Throttling failure: Daily message quota exceeded."}, ["used up its quota"], [LATER]),
    ("zoho", {"MAIL": "550 5.4.6 Unusual sending activity detected. Please try after sometime"},
     ["This may mean: Zoho has stopped", "UnblockMe"], [LATER]),
    (None, {"RCPT": "550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown"},
     ["The recipient does not exist."], [LATER]),
    (None, {"RCPT": "450 4.2.0 Greylisted, try again in 300 seconds"},
     ["greylisting", f"{LATER} after 300 seconds"], []),
    (None, {"MAIL": "421 4.7.0 Too many connections from your host"}, ["connections=..."], [LATER]),
    (None, {"MAIL": "451 4.3.0 a reply that nobody has collected"}, [f"{LATER} later."], []),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "answers", "told", "not_told"), ROWS, ids=lambda each: str(each)[:40])
def test_a_reply_is_explained(
    both: Both, provider: str | None, answers: dict[str, str], told: list[str], not_told: list[str]
) -> None:
    whose = None if provider is None else providers.get(provider)
    login: dict[str, Any] = {"username": "me@example.com", "password": "x", "allow_insecure_auth": True}
    with Wiretap(answering(answers, [])) as server:
        mailer = both.mailer(PlaintextSmtpTransport("127.0.0.1", server.port, **login), provider=whose)
        error = both.receipt(mailer, MESSAGE).error
        both.close(mailer)
    assert error is not None
    for text in told:
        assert text in (error.hint or "")
    for text in not_told:
        assert text not in (error.hint or "")
    assert str(error.reply) in str(error)


@pytest.mark.parametrize(
    ("host", "username", "said"),
    [
        ("smtp.gmail.com", "me@gmail.com", "Gmail takes an app password"),
        ("SMTP.Gmail.com", "me@example.com", "Google Workspace takes an app password"),
        ("email-smtp.eu-west-1.amazonaws.com", "AKIA", "Amazon SES takes a password made for SMTP"),
        ("smtp.example.com", "me@example.com", "Mailer.for_provider knows which"),
        ("127.0.0.1", "me@example.com", "Mailer.for_provider knows which"),
    ],
)
def test_a_provider_is_known_by_its_host(both: Both, clock: Clock, host: str, username: str, said: str) -> None:
    script = "S: 220 hi\nC~ EHLO .*\nS: 250-hi\nS: 250 AUTH PLAIN\nC~ AUTH .*\nS: 535 5.0.0 no\nC: QUIT\nS: 221 bye"
    clock.serve(Player(steps(script)[0]) for _ in range(1))
    transport = PlaintextSmtpTransport(host, 587, username=username, password="x", allow_insecure_auth=True)
    error = both.receipt(both.mailer(transport), MESSAGE).error
    assert said in ((error and error.hint) or "")
