"""Hints for replies: each is found by the reply that it is for, and none is guessed as a certainty."""

from __future__ import annotations

from time import process_time
from typing import get_args

import pytest

from smtpkit import Reply
from smtpkit.providers.hints import Category, Hint, all_hints, find

HINTS = all_hints()
OF_PROVIDERS = [(hint, name) for hint in HINTS for name in hint.providers or (None, "gmail", "no_such_provider")]


def example(hint: Hint) -> Reply:
    code, _, text = hint.example.partition(" ")
    return Reply(int(code), (text,))


def test_there_are_as_many_as_were_collected() -> None:
    assert len(HINTS) == 132
    assert sum(hint.verified for hint in HINTS) == 113


@pytest.mark.parametrize(("hint", "provider"), OF_PROVIDERS, ids=lambda each: getattr(each, "example", each))
def test_a_hint_is_found_by_the_reply_that_it_is_for(hint: Hint, provider: str | None) -> None:
    found = find(example(hint), provider)
    assert found is not None
    # What anybody says, a provider may say in a way that is known more exactly.
    assert found is hint or (not hint.providers and found.providers and found.category == hint.category)


@pytest.mark.parametrize("hint", [hint for hint in HINTS if hint.providers], ids=lambda hint: hint.example)
def test_what_one_provider_means_is_not_told_of_another(hint: Hint) -> None:
    found = find(example(hint), "no_such_provider")
    assert found is None or not found.providers


@pytest.mark.parametrize("hint", HINTS, ids=lambda hint: hint.example)
def test_a_hint_is_written_for_people(hint: Hint) -> None:
    assert hint.category in get_args(Category)
    for sentence in (hint.meaning, hint.fix):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
    assert hint.url.startswith(("https://", "http://"))
    assert hint.source
    assert hint.url in hint.text
    assert hint.text.startswith("This may mean: ") is not hint.verified


CASES = [
    ("gmail", Reply(535, ("5.7.8 Username and Password not accepted. Go to", "5.7.8 ...")), "auth"),
    ("google_workspace", Reply(550, ("5.4.5 Some other words for it",)), "quota"),
    ("google_workspace_relay", Reply(550, ("5.4.5 Daily SMTP relay limit exceeded for user.",)), "quota"),
    ("amazon_ses", Reply(454, ("Throttling failure: Maximum sending rate exceeded.",)), "rate"),
    ("amazon_ses", Reply(454, ("Throttling failure: Daily message quota exceeded.",)), "quota"),
    ("zoho_eu", Reply(550, ("5.4.6 Unusual sending activity detected. Please try after sometime",)), "quota"),
    ("icloud", Reply(550, ("5.7.1 me@icloud.com: You have exceeded your daily sending limit.",)), "quota"),
    ("outlook", Reply(554, ("5.2.2 The sender's submission quota was exceeded",)), "quota"),
    (None, Reply(550, ("5.1.1 <nobody@example.com>: not here",)), "recipient"),
    (None, Reply(554, ("5.3.4 no",)), "size"),
    (None, Reply(550, ("Sender's domain does not exist",)), None),
    (None, Reply(250, ("2.1.5 user unknown, but taken",)), None),
    ("gmail", Reply(550, ("",)), None),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "reply", "category"), CASES)
def test_what_a_reply_is_about(provider: str | None, reply: Reply, category: Category | None) -> None:
    found = find(reply, provider)
    assert (found and found.category) == category


def test_a_provider_goes_before_what_anybody_says() -> None:
    reply = Reply(535, ("Authentication failed",))
    assert find(reply) is not find(reply, "zoho")
    assert find(reply, "no_such_provider") is find(reply)


@pytest.mark.parametrize("hint", HINTS, ids=lambda hint: hint.example)
def test_a_server_cannot_make_the_search_long(hint: Hint) -> None:
    began = process_time()
    for text in (hint.example * 2000, hint.example[4:24] * 5000, "recipient " * 10_000, "domain\t \t" * 10_000):
        hint.pattern.search(text.lower())
        find(Reply(int(hint.example[:3]), (text,)), hint.providers[0] if hint.providers else None)
    assert process_time() - began < 2
