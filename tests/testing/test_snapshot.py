"""A snapshot is the same in every run, and tells all that differs for a reader."""

from __future__ import annotations

from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import Mail, Message, RawMessage
from smtpkit.testing import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = Message().from_("shop@example.com").to("ann@example.com").subject("Hello").text("Hi").html("<p>Hi")
FULL = BASE.attach(b"1", filename="a.bin").embed(b"2", cid="logo", filename="b.png")
LONG = Message().from_("shop@an-uncommonly-long-name-of-a-domain-that-folds.example.com").to("ann@example.com")


def email() -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = "shop@example.com", "ann@example.com"
    made.set_content("Hi")
    made.add_attachment(b"1", maintype="application", subtype="pdf", filename="a.pdf")
    return made


MADE: dict[str, Callable[[], Any]] = {
    "message": lambda: BASE,
    "parts in parts": lambda: FULL,
    "mail": lambda: Mail(FULL),
    "octets": lambda: RawMessage(FULL.completed().as_bytes()),
    "email": email,
    "template": lambda: Message().to("ann@example.com").text("Hi"),
    "thread": lambda: BASE.message_id("1@example.com").references("1@example.com"),
    "long id": lambda: LONG,
}


@pytest.mark.parametrize("name", MADE)
def test_it_is_the_same_each_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = snapshot(MADE[name]())
    monkeypatch.setattr("smtpkit.stamp.now_text", lambda: "Sun, 01 Nov 2026 09:30:00 +0000")
    assert snapshot(MADE[name]()) == first
    assert "\r" not in first
    assert "Date: <date>\n" in first
    assert "Message-ID: <message-id>\n" in first


def test_an_id_that_is_named_again() -> None:
    assert "References: <message-id>\n" in snapshot(MADE["thread"]())


@pytest.mark.parametrize(
    "other",
    [FULL.text("Ho"), FULL.subject("Other"), FULL.cc("bob@example.com"), FULL.attach(b"1", filename="c.bin"), BASE],
    ids=["text", "subject", "recipient", "file", "structure"],
)
def test_what_differs_shows(other: Message) -> None:
    assert snapshot(other) != snapshot(FULL)


def test_a_body_is_left_alone() -> None:
    assert "\nDate: 1\nMessage-ID: 2\n" in snapshot(BASE.text("Date: 1\nMessage-ID: 2\n"))
