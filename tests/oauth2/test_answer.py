"""What authorization servers answer: whatever it is, it is a token or an error of ours, and shows no secret."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smtpkit.errors import SmtpkitError
from smtpkit.oauth2.answer import grant_of, parsed, refusal
from smtpkit.secret import Secret

SECRET = "s3cret-t0ken"

texts = st.one_of(st.text(max_size=40), st.sampled_from([SECRET, f"x{SECRET}\r\n", "\x1b[2J", "bearer", "3600"]))
plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
values = st.one_of(plain, st.lists(plain, max_size=2), st.dictionaries(texts, plain, max_size=2))
names = st.sampled_from(["access_token", "token_type", "expires_in", "refresh_token", "error", "error_description"])


@given(st.dictionaries(names, values, max_size=6))
def test_any_object(answer: dict[str, Any]) -> None:
    found = parsed(json.dumps(answer).encode())
    assert found is not None
    assert SECRET not in repr([each for each in found.values() if not isinstance(each, dict | list)])
    try:
        grant = grant_of(found, "auth.example.com", 1000.0)
    except SmtpkitError as error:
        shown = str(error)
    else:
        shown = repr(grant)
        assert grant.access_token.reveal() == answer["access_token"]
    assert SECRET not in shown
    said = str(refusal(found, "auth.example.com", 400, [Secret(SECRET)]))
    assert SECRET not in said
    assert not {"\x1b", "\r"} & set(said)


@given(st.one_of(st.binary(max_size=200), values.map(lambda each: json.dumps(each).encode())))
def test_any_octets(body: bytes) -> None:
    found = parsed(body)
    assert found is None or isinstance(found, dict)
