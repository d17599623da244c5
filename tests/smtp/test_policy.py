"""Which commands fly together: the table reads like the policy in docs/architecture.md."""

from __future__ import annotations

from typing import Any

import pytest

from smtpkit.smtp.policy import flights

OFFERED = {
    "nothing": {"pipelining": False, "chunking": False},
    "PIPELINING": {"pipelining": True, "chunking": False},
    "CHUNKING": {"pipelining": False, "chunking": True},
    "both": {"pipelining": True, "chunking": True},
}
USUAL = "1 recipient"
SITUATIONS: dict[str, dict[str, Any]] = {
    USUAL: {"recipients": 1},
    "2 recipients": {"recipients": 2},
    "2 recipients, all or nothing": {"recipients": 2, "all_or_nothing": True},
    "1 recipient, all or nothing": {"recipients": 1, "all_or_nothing": True},
    "too large to fly": {"recipients": 1, "small": False},
    "long silence": {"recipients": 1, "heard_lately": False},
    "after a refusal": {"recipients": 1, "unclean": True},
    "all or nothing after a refusal": {"recipients": 2, "all_or_nothing": True, "unclean": True},
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
    ("both", "too large to fly", "MAIL RCPT / BDAT"),
    ("both", "long silence", "MAIL RCPT / BDAT"),
    ("both", "after a refusal", "RSET MAIL RCPT BDAT"),
    ("both", "all or nothing after a refusal", "RSET MAIL RCPT RCPT / BDAT"),
]


@pytest.mark.parametrize(("offered", "situation", "plan"), PLANS)
def test_the_plan(offered: str, situation: str, plan: str) -> None:
    found = flights(**OFFERED[offered], **SITUATIONS[situation])
    assert " / ".join(" ".join(flight) for flight in found) == plan
