"""What an EHLO reply says, and which flights follow from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpkit.reply import Reply
from smtpkit.smtp.capabilities import Capabilities
from smtpkit.smtp.policy import Flight, flights


def offering(*lines: str) -> Capabilities:
    return Capabilities.of(Reply(250, ("mail.test greets you", *lines)))


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ("SIZE 1000", 1000),
        ("size 1000", 1000),
        ("SIZE 1000 2000", 1000),
        ("SIZE", None),
        ("SIZE 0", None),
        ("SIZE -1", None),
        ("SIZE many", None),
        ("SIZE 1e6", None),
        ("SIZE ١٢", None),
        ("SIZE ²", None),
        ("SIZE 99999999999999999999", 99999999999999999999),
        ("SIZE " + "9" * 5000, None),
        ("SIZED 10", None),
    ],
)
def test_size(line: str, size: int | None) -> None:
    assert offering(line).max_size == size


@pytest.mark.parametrize(
    ("lines", "mechanisms"),
    [
        (["AUTH PLAIN LOGIN"], ("PLAIN", "LOGIN")),
        (["auth plain"], ("PLAIN",)),
        (["AUTH=LOGIN PLAIN"], ("LOGIN", "PLAIN")),
        (["auth=login"], ("LOGIN",)),
        (["AUTH PLAIN", "AUTH=PLAIN LOGIN"], ("PLAIN", "LOGIN")),
        (["AUTH"], ()),
        (["AUTH="], ()),
        (["XAUTH=PLAIN"], ()),
        (["X-NOTE AUTH=PLAIN"], ()),
    ],
)
def test_mechanisms(lines: list[str], mechanisms: tuple[str, ...]) -> None:
    assert offering(*lines).mechanisms == mechanisms


def test_the_first_line_is_a_greeting() -> None:
    capabilities = Capabilities.of(Reply(250, ("STARTTLS", "PIPELINING", "", "  ")))
    assert ("STARTTLS" in capabilities, "pipelining" in capabilities, "PIPELINING" in capabilities) == (
        False,
        False,
        True,
    )


def test_a_huge_list_is_cut() -> None:
    assert len(offering(*(f"X{number}" for number in range(500))).keywords) == 100


@given(st.lists(st.text(max_size=10), max_size=10))
def test_no_line_is_too_odd(lines: list[str]) -> None:
    capabilities = offering(*lines)
    assert capabilities.max_size is None or capabilities.max_size > 0
    assert capabilities == offering(*lines)


@pytest.mark.parametrize(
    ("offered", "switched_on", "recipients", "expected"),
    [
        # With PIPELINING, MAIL and all RCPT fly together; DATA waits for their replies (RFC 2920 §3.1).
        (True, True, 1, [("MAIL", "RCPT"), ("DATA",), ("CONTENT",)]),
        (True, True, 3, [("MAIL", "RCPT", "RCPT", "RCPT"), ("DATA",), ("CONTENT",)]),
        # Without it, or where it is switched off, each command waits.
        (False, True, 2, [("MAIL",), ("RCPT",), ("RCPT",), ("DATA",), ("CONTENT",)]),
        (True, False, 2, [("MAIL",), ("RCPT",), ("RCPT",), ("DATA",), ("CONTENT",)]),
        (False, False, 1, [("MAIL",), ("RCPT",), ("DATA",), ("CONTENT",)]),
    ],
)
def test_flights(offered: bool, switched_on: bool, recipients: int, expected: list[Flight]) -> None:
    capabilities = offering("PIPELINING") if offered else offering("8BITMIME")
    assert list(flights(capabilities, recipients=recipients, pipelining=switched_on)) == expected
