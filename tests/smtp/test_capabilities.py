"""What an EHLO reply says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpkit.reply import Reply
from smtpkit.smtp.capabilities import Capabilities


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
    ("line", "limits"),
    [
        ("LIMITS RCPTMAX=100 MAILMAX=50", (100, 50)),
        ("limits rcptmax=1", (1, None)),
        ("LIMITS MAILMAX=7 RCPTDOMAINMAX=3", (None, 7)),
        ("LIMITS RCPTMAX=0", (None, None)),
        ("LIMITS RCPTMAX=007", (None, None)),
        ("LIMITS RCPTMAX=1000000", (None, None)),
        ("LIMITS RCPTMAX=-1 MAILMAX=", (None, None)),
        ("LIMITS RCPTMAX=ten MAILMAX=9", (None, 9)),
        ("LIMITS", (None, None)),
        ("HELP", (None, None)),
    ],
)
def test_limits(line: str, limits: tuple[int | None, int | None]) -> None:
    """RFC 9422 §3: what is malformed is not there."""
    found = offering(line)
    assert (found.limit("RCPTMAX"), found.limit("MAILMAX")) == limits
