"""What a server answers."""

from __future__ import annotations

import pytest

from smtpkit import Reply


@pytest.mark.parametrize(
    ("reply", "code", "text", "whole"),
    [
        (Reply(250), None, "", "250"),
        (Reply(250, ("OK",)), None, "OK", "250 OK"),
        (Reply(250, ("2.1.5 OK",)), "2.1.5", "OK", "250 2.1.5 OK"),
        (Reply(250, ("2.1.5",)), "2.1.5", "", "250 2.1.5"),
        (Reply(550, ("5.1.1 No such", "5.1.1 user here")), "5.1.1", "No such user here", "550 5.1.1 No such user here"),
        (Reply(550, ("5.1.1 No such", "user here")), "5.1.1", "No such user here", "550 5.1.1 No such user here"),
        (Reply(452, ("4.5.3 Too many",)), "4.5.3", "Too many", "452 4.5.3 Too many"),
        # The class must be the reply's own (RFC 2034 §4).
        (Reply(550, ("4.1.1 odd",)), None, "4.1.1 odd", "550 4.1.1 odd"),
        (Reply(250, ("2.1 OK",)), None, "2.1 OK", "250 2.1 OK"),
        (Reply(550, ("5.1.1234 long",)), None, "5.1.1234 long", "550 5.1.1234 long"),
        (Reply(550, ("see 5.1.1 below",)), None, "see 5.1.1 below", "550 see 5.1.1 below"),
        (Reply(354, ("3.0.0 go",)), None, "3.0.0 go", "354 3.0.0 go"),
        # What is shown cannot move somebody's cursor.
        (Reply(550, ("a\x1b[31m\rb",)), None, "a\x1b[31m\rb", "550 a [31m b"),
        (Reply(550, ("Größe überschritten",)), None, "Größe überschritten", "550 Größe überschritten"),
    ],
)
def test_codes_and_text(reply: Reply, code: str | None, text: str, whole: str) -> None:
    assert (reply.enhanced_code, reply.text, str(reply)) == (code, text, whole)


@pytest.mark.parametrize(
    ("code", "positive", "temporary"),
    [
        (200, True, False),
        (250, True, False),
        (299, True, False),
        (354, False, False),
        (400, False, True),
        (421, False, True),
        (499, False, True),
        (500, False, False),
        (599, False, False),
    ],
)
def test_severity(code: int, positive: bool, temporary: bool) -> None:
    reply = Reply(code)
    assert (reply.positive, reply.temporary) == (positive, temporary)
