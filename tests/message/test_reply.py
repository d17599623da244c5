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


RETRY_AFTER: list[tuple[str, float | None]] = [
    # milter-greylist tells the time like this.
    ("451 4.7.1 Greylisting in action, please come back in 00:05:00", 300),
    ("451 4.7.1 Greylisting in action, please come back in 01:00:09", 3609),
    # postgrey's --greylist-text as NixOS has it, and rspamd's and others' of that form
    ("450 4.2.0 <ann@example.com>: Recipient address rejected: Greylisted for 300 seconds", 300),
    ("450 4.2.0 Sender address rejected: Greylisted for 55 sec.", 55),
    ("451 4.7.1 <ann@example.com>: Recipient address rejected: Greylisted, try again in 300 seconds", 300),
    # msndr.net
    ("450 Too many messages. Try again in 92 seconds.", 92),
    ("421 4.7.0 Too many connections, please wait 5 minutes", 300),
    ("421 4.7.0 please wait at least another 2 min", 120),
    ("454 4.7.0 Throttled: retry after 30s", 30),
    ("454 4.7.0 Too many log-ins. Try again in 1 hour.", 3600),
    # Nothing to rely on: no time, no unit, a time of something else, a range, a part of a number.
    ("451 4.7.1 Greylisting in action, please come back later", None),
    ("454 4.7.0 Too many login attempts, please try again later.", None),
    ("421 4.7.0 Try again later, closing connection.", None),
    ("450 4.7.1 You may send 20 mails in 60 seconds", None),
    ("421 idle for 300 seconds, goodbye", None),
    ("451 try again in 30", None),
    ("451 try again in 5-10 minutes", None),
    ("451 try again in 0.5 hours", None),
    ("451 try again in 5 months", None),
    ("451 try again in 12345678 seconds", None),
    ("451 try again in 00:05:00:00", None),
    # A refusal for good is not for waiting.
    ("550 Too many messages. Try again in 92 seconds.", None),
    ("250 try again in 5 seconds", None),
]


@pytest.mark.parametrize(("said", "seconds"), RETRY_AFTER)
def test_retry_after(said: str, seconds: float | None) -> None:
    code, _, text = said.partition(" ")
    assert Reply(int(code), (text,)).retry_after == seconds


def test_retry_after_on_two_lines() -> None:
    assert Reply(450, ("4.7.1 Greylisted, try again", "4.7.1 in 5 minutes")).retry_after == 300
