"""Several servers in one line of configuration."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hiding import PASSWORDS, hidden_in_url
from made import limits, sender
from smtpkit import (
    AsyncMailer,
    FailoverTransport,
    InvalidAddress,
    InvalidConfiguration,
    Mailer,
    Retry,
    RoundRobinTransport,
    UnknownProvider,
)

MAILERS = pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])

A, B = "SmtpTlsTransport('a', 587)", "SmtpTlsTransport('b', 587)"
GMAIL = "SmtpSslTransport('smtp.gmail.com', 465, username='me@gmail.com')"
SENDGRID = "SmtpSslTransport('smtp.sendgrid.net', 465, username='apikey')"

COMPOSED: list[tuple[str, str]] = [
    ("failover(smtp://a smtps://b)", f"FailoverTransport({A}, SmtpSslTransport('b', 465), rest=60)"),
    ("roundrobin(smtp://a)", f"RoundRobinTransport({A}, rest=60)"),
    (
        " failover( smtp://a:2525\n\tsmtp+plaintext://b/ )?rest=2.5 ",
        "FailoverTransport(SmtpTlsTransport('a', 2525), PlaintextSmtpTransport('b', 25), rest=2.5)",
    ),
    (
        "failover(roundrobin(smtp://a smtp://b)?rest=5 smtp://u:p@a?connections=2)?rest=9",
        f"FailoverTransport(RoundRobinTransport({A}, {B}, rest=5.0), {A[:-1]}, username='u'), rest=9.0)",
    ),
    ("failover(gmail://me%40gmail.com:p@ sendgrid://:key@)", f"FailoverTransport({GMAIL}, {SENDGRID}, rest=60)"),
]


@MAILERS
@pytest.mark.parametrize(("url", "expected"), COMPOSED)
def test_from_url(mailer: type[Mailer], url: str, expected: str) -> None:
    assert repr(mailer.from_url(url).transport) == expected
    assert repr(mailer.from_env({"SMTP_URL": url}).transport) == expected


def test_what_is_for_the_whole() -> None:
    url = "failover(smtp://a gmail://me@gmail.com:p@)?default_from=me%40x.com&on_partial=raise&retry.attempts=2"
    mailer: Any = Mailer.from_url(url)
    assert isinstance(mailer.transport, FailoverTransport)
    assert (sender(mailer), mailer._delivery._on_partial, mailer._delivery._retry) == ("me@x.com", "raise", Retry(2))
    assert limits(mailer) == []
    from_env = Mailer.from_env({"SMTP_URL": "roundrobin(smtp://a smtp://b)", "SMTP_FROM": "me@x.com"})
    assert isinstance(from_env.transport, RoundRobinTransport)
    assert sender(from_env) == "me@x.com"


REFUSED: list[tuple[str, type[Exception], str]] = [
    ("failover()", InvalidConfiguration, r"failover\(\) has no URL"),
    ("failover( )?rest=3", InvalidConfiguration, "has no URL"),
    ("failover(smtp://a", InvalidConfiguration, r"does not end with \)"),
    ("failover(roundrobin(smtp://a)", InvalidConfiguration, r"does not end with \)"),
    ("failover(smtp://a) smtp://b", InvalidConfiguration, r"does not end with \)"),
    ("failover(smtp://a)rest=3", InvalidConfiguration, r"does not end with \)"),
    ("failover(smtp://a))", InvalidConfiguration, r"does not end with \)"),
    ("failover(smtp://a, smtp://b)", InvalidConfiguration, "parted by spaces"),
    ("failover(smtp://a,smtp://b)", InvalidConfiguration, "parted by spaces(?s:.)*smtps://a.test smtps://b.test"),
    ("failover(gmail://me%40x.com:p@,smtp://b)", InvalidConfiguration, "parted by spaces"),
    ("failover(smtp://a,roundrobin(smtp://b smtp://c))", InvalidConfiguration, "parted by spaces"),
    ("failover(a.example.com b.example.com)", UnknownProvider, r"failover\(...\)(?s:.)*smtps://"),
    ("failover(smtp://a gmial://me:p@)", UnknownProvider, r"failover\(...\)(?s:.)*smtps://"),
    ("failover(smtp://a smtp://)", InvalidConfiguration, "has no host"),
    ("failover(smtp://a smtp://u@b)", InvalidConfiguration, "neither"),
    ("failover(smtp://a)?connections=2", InvalidConfiguration, "no option connections(?s:.)*each URL"),
    ("failover(smtp://a)?rest=soon", InvalidConfiguration, "rest of the URL cannot be 'soon'"),
    ("failover(smtp://a)?rest=-1", InvalidConfiguration, "rest=-1"),
    ("failover(smtp://a)?other=1", InvalidConfiguration, "unknown key 'other'"),
    ("failover(smtp://a)?default_from=nobody", InvalidAddress, "nobody"),
    ("failover(smtp://a?default_from=me@x.com)", InvalidConfiguration, r"all of failover\(...\)"),
    ("failover(roundrobin(smtp://a)?retry.attempts=2)", InvalidConfiguration, r"retry is for all(?s:.)*\?retry="),
    ("smtp://a?rest=3", InvalidConfiguration, "unknown option 'rest'"),
    ("shuffle(smtp://a smtp://b)", InvalidConfiguration, "not a URL"),
]


@MAILERS
@pytest.mark.parametrize(("url", "kind", "text"), REFUSED)
def test_from_url_refuses(mailer: type[Mailer], url: str, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        mailer.from_url(url)


TEMPLATES = [
    "failover(smtp://user:{}@mail.example.com)",
    "failover(smtps://a smtp://user:{}@mail.example.com smtps://b)?rest=3",
    "roundrobin(failover(smtps://user:{}@a smtps://b) smtps://c)",
    "failover(smtp://user:{}@mail.example.com:port)",
    "failover(smtp://user:{}@mail.example.com?connections=many)",
    "failover(gmail://me%40gmail.com:{}@ smtp://a)",
    "failover(nobody://user:{}@)",
    "failover(smtp://user:{}@a",
    "failover(user:{}@mail.example.com)",
    "failover(smtp://mail.example.com?token={}&connections=many)",
]


@given(st.sampled_from(TEMPLATES), PASSWORDS, st.booleans())
@example(TEMPLATES[0], "1 λλλ://", False)
@example(TEMPLATES[0], "1 x://λλλ?y ", False)
@example(TEMPLATES[0], "1?λλλ ", False)
@example(TEMPLATES[0], "1)?λλλ", False)
@example(TEMPLATES[0], "1)λλλ", False)
@example(TEMPLATES[1], "1(λλλ", False)
@example(TEMPLATES[1], "1,x://λλλ", False)
def test_no_password_is_shown(template: str, password: str, encoded: bool) -> None:
    hidden_in_url(template, password, encoded=encoded)


@pytest.mark.parametrize("password", ["1 word://x", "1?word x", "1 word@x", "1)?word", "1(word x://y"])
def test_no_piece_of_a_password_is_shown(password: str) -> None:
    with pytest.raises((InvalidConfiguration, UnknownProvider)) as caught:
        Mailer.from_url(f"failover(smtp://user:{password}@a smtp://b)")
    assert "word" not in str(caught.value).replace("password", "")


@given(PASSWORDS, PASSWORDS)
def test_any_encoded_password_is_read(first: str, second: str) -> None:
    urls = " ".join(f"smtp://u:{quote(password, safe='')}@h" for password in (first, second))
    transport: Any = Mailer.from_url(f"failover({urls})").transport
    assert [each._server.credentials.password.reveal() for each in transport.transports] == [first, second]
