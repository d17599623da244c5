"""Which commands fly together: the table reads like the policy in docs/architecture.md."""

from __future__ import annotations

import pytest

from smtpkit.smtp.capabilities import Capabilities
from smtpkit.smtp.policy import SMALL, Situation, flights

OFFERED = {
    "nothing": Capabilities(),
    "PIPELINING": Capabilities((("PIPELINING", ()),)),
    "CHUNKING": Capabilities((("CHUNKING", ()),)),
    "both": Capabilities((("PIPELINING", ()), ("CHUNKING", ()))),
}
USUAL = "1 recipient"
SITUATIONS: dict[str, tuple[int, int, float, bool, bool]] = {
    USUAL: (1, 2000, 0.1, False, False),
    "2 recipients": (2, 2000, 0.1, False, False),
    "2 recipients, all or nothing": (2, 2000, 0.1, True, False),
    "1 recipient, all or nothing": (1, 2000, 0.1, True, False),
    "as large as may fly": (1, SMALL, 0.1, False, False),
    "too large to fly": (1, SMALL + 1, 0.1, False, False),
    "long silence": (1, 2000, 5.0, False, False),
    "a moment ago": (1, 2000, 4.9, False, False),
    "after a refusal": (1, 2000, 0.1, False, True),
    "all or nothing after a refusal": (2, 2000, 0.1, True, True),
}
PLANS = [
    ("nothing", USUAL, "MAIL / RCPT / DATA / CONTENT"),
    ("nothing", "2 recipients", "MAIL / RCPT / RCPT / DATA / CONTENT"),
    ("nothing", "after a refusal", "RSET / MAIL / RCPT / DATA / CONTENT"),
    ("PIPELINING", USUAL, "MAIL RCPT DATA / CONTENT"),
    ("PIPELINING", "2 recipients", "MAIL RCPT RCPT DATA / CONTENT"),
    ("PIPELINING", "1 recipient, all or nothing", "MAIL RCPT DATA / CONTENT"),
    ("PIPELINING", "2 recipients, all or nothing", "MAIL RCPT RCPT / DATA / CONTENT"),
    ("PIPELINING", "too large to fly", "MAIL RCPT DATA / CONTENT"),
    ("PIPELINING", "long silence", "MAIL RCPT DATA / CONTENT"),
    ("PIPELINING", "after a refusal", "RSET MAIL RCPT DATA / CONTENT"),
    ("CHUNKING", USUAL, "MAIL / RCPT / BDAT"),
    ("CHUNKING", "2 recipients", "MAIL / RCPT / RCPT / BDAT"),
    ("both", USUAL, "MAIL RCPT BDAT"),
    ("both", "2 recipients", "MAIL RCPT RCPT BDAT"),
    ("both", "1 recipient, all or nothing", "MAIL RCPT BDAT"),
    ("both", "2 recipients, all or nothing", "MAIL RCPT RCPT / BDAT"),
    ("both", "as large as may fly", "MAIL RCPT BDAT"),
    ("both", "too large to fly", "MAIL RCPT / BDAT"),
    ("both", "a moment ago", "MAIL RCPT BDAT"),
    ("both", "long silence", "MAIL RCPT / BDAT"),
    ("both", "after a refusal", "RSET MAIL RCPT BDAT"),
    ("both", "all or nothing after a refusal", "RSET MAIL RCPT RCPT / BDAT"),
]


@pytest.mark.parametrize(("offered", "situation", "plan"), PLANS)
def test_the_plan(offered: str, situation: str, plan: str) -> None:
    found = flights(OFFERED[offered], Situation.of(*SITUATIONS[situation]))
    assert " / ".join(" ".join(flight) for flight in found) == plan


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(
    ("options", "same_as"),
    [
        ({"pipelining": False, "chunking": False}, "nothing"),
        ({"pipelining": False}, "CHUNKING"),
        ({"chunking": False}, "PIPELINING"),
    ],
)
def test_what_is_switched_off_is_not_used(situation: str, options: dict[str, bool], same_as: str) -> None:
    given = Situation.of(*SITUATIONS[situation])
    assert flights(OFFERED["both"], given, **options) == flights(OFFERED[same_as], given)
