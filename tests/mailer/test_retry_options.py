"""How retries are asked for."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from attempted import Scripted
from smtpkit import (
    ConnectFailed,
    DeliveryError,
    InvalidConfiguration,
    Mailer,
    Message,
    Retry,
    SmtpkitError,
    TimedOut,
)

if TYPE_CHECKING:
    from both import Both
    from clock import Clock

pytest_plugins = ("both", "clock")

ONE = Message().from_("me@example.com").to("ann@example.com").text("Hi")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"attempts": 0}, "attempts=0"),
    ({"attempts": 2.5}, "attempts=2.5"),
    ({"wait": -1}, "wait=-1"),
    ({"wait": "1"}, "wait='1'"),
    ({"max_wait": float("nan")}, "max_wait=nan"),
    ({"max_wait": 86401}, "max_wait=86401"),
    ({"jitter": 1.5}, "jitter=1.5"),
    ({"on": ()}, "on="),
    ({"on": "ConnectFailed"}, "on='ConnectFailed'"),
    ({"on": (OSError,)}, "on=.*OSError"),
    ({"on": SmtpkitError}, "on=.*SmtpkitError"),
    ({"uncertain": "maybe"}, "uncertain='maybe'"),
]


@pytest.mark.parametrize(("arguments", "text"), REFUSED)
def test_arguments_that_cannot_be(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=text):
        Retry(**arguments)


def test_it_is_a_value() -> None:
    retry = Retry(5, on=[ConnectFailed])
    assert retry == pickle.loads(pickle.dumps(retry)) == Retry(5, on=ConnectFailed)  # noqa: S301
    assert Retry() == Retry(3, 1.0, 60.0, 0.5, DeliveryError, "keep")


def test_a_number_is_no_retry(both: Both) -> None:
    wrong: Any = 3
    with pytest.raises(InvalidConfiguration, match=r"retry=3(?s:.)*Retry\(attempts=3\)"):
        both.mailer(Scripted("250"), retry=wrong)


URL = "smtp+plaintext://localhost:1?retry.attempts=2&retry.wait=4&retry.jitter=0"


def test_wherever_a_mailer_comes_from(both: Both, clock: Clock) -> None:
    given = Retry(2, wait=4, jitter=0)
    mailers = [
        both.type.from_url(URL),
        both.type.from_env({"SMTP_URL": URL}),
        both.type.for_provider("gmail", "me@gmail.com", "pw", retry=given, limits=()),
        both.type.for_address("me@gmail.com", "pw", retry=given, limits=()),
        both.type.from_url("sendgrid://:key@?retry.attempts=2&retry.wait=4&retry.jitter=0"),
    ]
    for mailer in mailers:
        began = clock.runtime.now()
        with pytest.raises(ConnectFailed) as caught:
            both.send(both.keep(mailer), ONE)
        assert caught.value.receipt is not None
        assert (caught.value.receipt.attempts, clock.runtime.now() - began) == (2, 4)


KEYS: list[tuple[str, Retry]] = [
    ("retry.attempts=5", Retry(5)),
    ("retry.max_wait=300&retry.wait=0.5", Retry(wait=0.5, max_wait=300)),
    ("retry.on=ConnectFailed,TimedOut&retry.uncertain=retry", Retry(on=(ConnectFailed, TimedOut), uncertain="retry")),
]


@pytest.mark.parametrize(("query", "expected"), KEYS)
def test_keys_of_a_url(query: str, expected: Retry) -> None:
    mailer: Any = Mailer.from_url(f"smtp://h?{query}")
    assert mailer._delivery._retry == expected


REFUSED_KEYS: list[tuple[str, str]] = [
    ("retry=3", "unknown key 'retry'.*(?s:.)*retry.attempts"),
    ("retry.times=3", "unknown key 'retry.times'"),
    ("retry.attempts=many", "retry.attempts of the URL cannot be 'many'"),
    ("retry.attempts=0", "attempts=0"),
    ("retry.attempts=2&retry.attempts=2", "twice"),
    ("retry.on=OSError", "retry.on of the URL cannot be 'OSError'"),
    ("retry.on=", "on="),
    ("retry.uncertain=x", "uncertain='x'"),
]


@pytest.mark.parametrize(("query", "text"), REFUSED_KEYS)
def test_keys_that_cannot_be(query: str, text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=text):
        Mailer.from_url(f"smtp://h?{query}")
