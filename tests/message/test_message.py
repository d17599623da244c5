"""The message that a person writes: fluent, immutable, and clear about what is wrong."""

from __future__ import annotations

import copy
import os
import pickle
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from itertools import repeat
from typing import TYPE_CHECKING

import pytest

from smtpkit import (
    Address,
    InvalidAddress,
    InvalidHeader,
    InvalidMessage,
    Message,
    MissingSender,
    SmtpkitError,
    UnreadableAttachment,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHEN = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
BASE = Message().from_("Ann <ann@example.com>").to("bob@example.com").subject("Hello")
FULL = (
    BASE.sender("office@example.com")
    .cc("cc@example.com")
    .bcc("bcc@example.com")
    .reply_to("help@example.com")
    .return_path("bounce@example.com")
    .text("Hello")
    .html("<p>Hello")
    .attach(b"x", filename="a.pdf")
    .embed(b"y", cid="logo")
    .header("X-Tag", "a")
    .date(WHEN)
    .message_id("1@example.com")
)

ICS = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n"

# Every method with two values.
STEPS: dict[str, tuple[Callable[[Message], Message], Callable[[Message], Message]]] = {
    "from_": (lambda m: m.from_("x@example.com"), lambda m: m.from_("y@example.com")),
    "sender": (lambda m: m.sender("x@example.com"), lambda m: m.sender("y@example.com")),
    "to": (lambda m: m.to("x@example.com"), lambda m: m.to("y@example.com")),
    "cc": (lambda m: m.cc("x@example.com"), lambda m: m.cc("y@example.com")),
    "bcc": (lambda m: m.bcc("x@example.com"), lambda m: m.bcc("y@example.com")),
    "reply_to": (lambda m: m.reply_to("x@example.com"), lambda m: m.reply_to("y@example.com")),
    "return_path": (lambda m: m.return_path("x@example.com"), lambda m: m.return_path(None)),
    "subject": (lambda m: m.subject("x"), lambda m: m.subject("y")),
    "text": (lambda m: m.text("x"), lambda m: m.text("y")),
    "html": (lambda m: m.html("x"), lambda m: m.html("y")),
    "attach": (lambda m: m.attach(b"x"), lambda m: m.attach(b"y")),
    "embed": (lambda m: m.embed(b"x", cid="a"), lambda m: m.embed(b"x", cid="b")),
    "alternative": (lambda m: m.alternative("x", "text/x"), lambda m: m.alternative("y", "text/x")),
    "calendar": (lambda m: m.calendar(ICS), lambda m: m.calendar(ICS + "X:\n")),
    "in_reply_to": (lambda m: m.in_reply_to("x@example.com"), lambda m: m.in_reply_to("y@example.com")),
    "references": (lambda m: m.references("x@example.com"), lambda m: m.references("y@example.com")),
    "priority": (lambda m: m.priority("low"), lambda m: m.priority("high")),
    "auto_submitted": (lambda m: m.auto_submitted(), lambda m: m.auto_submitted("auto-replied")),
    "list_id": (lambda m: m.list_id("a.example.com"), lambda m: m.list_id("a.example.com", "A")),
    "list_unsubscribe": (
        lambda m: m.list_unsubscribe("https://example.com"),
        lambda m: m.list_unsubscribe(mailto="leave@example.com"),
    ),
    "dsn": (lambda m: m.dsn("success"), lambda m: m.dsn("failure", "delay")),
    "require_tls": (lambda m: m.require_tls(), lambda m: m.require_tls(False)),
    "header": (lambda m: m.header("X-Tag", "x"), lambda m: m.header("X-Tag", "y")),
    "date": (lambda m: m.date(WHEN), lambda m: m.date(WHEN + timedelta(1))),
    "message_id": (lambda m: m.message_id("x@example.com"), lambda m: m.message_id("y@example.com")),
}
ADDING = {"to", "cc", "bcc", "alternative", "attach", "embed", "header"}


def field(message: Message, name: str) -> str:
    return str(dict(message.fields)[name])


def text_of(message: Message, name: str) -> str:
    return str(message.as_email_message()[name])


# -- a value -----------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS)
def test_a_template_stays_as_it_is(step: str) -> None:
    one, other = STEPS[step]
    for template in (Message(), FULL):
        before = pickle.dumps(template)
        first, second = one(template), other(template)
        assert pickle.dumps(template) == before
        assert first != second
        assert first == one(template)
        assert hash(first) == hash(one(template))


@pytest.mark.parametrize("step", STEPS)
def test_lists_add_up_and_the_rest_replaces(step: str) -> None:
    one, other = STEPS[step]
    both = other(one(Message()))
    assert (both == other(Message())) is (step not in ADDING)


def test_order_of_the_calls_does_not_matter() -> None:
    one = Message().subject("x").text("y").to("bob@example.com")
    other = Message().to("bob@example.com").text("y").subject("x")
    assert one == other
    assert hash(one) == hash(other)


def test_what_is_looked_at_cannot_be_changed() -> None:
    BASE.fields["subject"] = "Changed"
    assert field(BASE, "subject") == "Hello"
    with pytest.raises(AttributeError):
        BASE.anything = 1  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("message", [Message(), BASE, FULL], ids=["empty", "base", "full"])
def test_copies(message: Message) -> None:
    for twin in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):  # noqa: S301
        assert twin == message
        assert hash(twin) == hash(message)
        assert type(twin) is Message
        assert twin.subject("Other") != message


def test_differs_from_other_things() -> None:
    assert Message() != 1
    assert Message() != {}


def test_a_message_travels_to_another_process() -> None:
    program = (
        "import pickle, sys; from smtpkit import Message;"
        "message = pickle.load(sys.stdin.buffer);"
        "sys.stdout.buffer.write(pickle.dumps((message.text('changed'), message.as_bytes())))"
    )
    message = BASE.completed().text("Grüße")
    ran = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(message), capture_output=True, check=True)
    changed, data = pickle.loads(ran.stdout)  # noqa: S301
    assert changed == message.text("changed")
    assert data == message.as_bytes()


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (Message(), "<Message '' to nobody>"),
        (BASE, "<Message 'Hello' to bob@example.com>"),
        (
            BASE.cc("c@example.com").bcc("d@example.com", "e@example.com", "f@example.com"),
            "<Message 'Hello' to bob@example.com, c@example.com, d@example.com and 2 more>",
        ),
    ],
)
def test_repr(message: Message, shown: str) -> None:
    assert repr(message) == shown


def test_repr_stays_short() -> None:
    message = (
        BASE.subject("word " * 100 + "end").text("x" * 10_000).attach(bytes(10_000)).to(*repeat("b@example.com", 99))
    )
    assert len(repr(message)) < 200


# -- who ---------------------------------------------------------------------


def test_ways_to_give_recipients() -> None:
    ann, bob = Address("ann@example.com"), Address("bob@example.com", "Bob")
    expected = Message().to(ann, bob)
    assert Message().to("ann@example.com", "Bob <bob@example.com>") == expected
    assert Message().to([ann, bob]) == expected
    assert Message().to(each for each in ("ann@example.com", bob)) == expected
    assert Message().to(ann).to(bob) == expected
    assert Message().to([ann], bob) == expected
    assert Message().to().to([]) == Message().to()


@pytest.mark.parametrize(
    ("give", "field"),
    [
        (Message().from_, "From"),
        (Message().sender, "Sender"),
        (Message().to, "To"),
        (Message().cc, "Cc"),
        (Message().bcc, "Bcc"),
        (Message().reply_to, "Reply-To"),
        (Message().return_path, "Return-Path"),
    ],
)
def test_a_bad_address_names_its_field(give: Callable[[str], Message], field: str) -> None:
    with pytest.raises(InvalidAddress, match=f"^{field}: not a valid address: 'bob'") as caught:
        give("bob")
    assert caught.value.hint


def test_a_bad_address_in_a_list_names_its_field() -> None:
    with pytest.raises(InvalidAddress, match="To: not a valid address: 'bob'"):
        Message().to(["ok@example.com", "bob"])


# The standard library breaks off where it reads these.
BAD_IDS = ["<)1@x>", "<:@x>", "<[a]@x>", "<,a@x>", "<a@[x>", "<a@(x)>", "<a@[x]y>"]


@pytest.mark.parametrize("good", ["1@[192.0.2.1]", "1@[IPv6:2001:db8::1]", "a:b(c),d@x.example", "!a@x]"])
def test_a_message_id_is_read_back(good: str) -> None:
    message = Message().from_("ann@example.com").message_id(good).text("x")
    assert message.as_email_message()["Message-ID"].startswith("<")
    assert Message.parse(message.as_bytes()).fields.get("message_id") == f"<{good}>"


@pytest.mark.parametrize(
    ("give", "error", "what"),
    [
        (lambda: Message().subject("a\nb"), InvalidHeader, "the header Subject has a line feed at position 1"),
        (lambda: Message().header("X-Tag", "a\rb"), InvalidHeader, "the header X-Tag has a carriage return"),
        (lambda: Message().text("\udc80"), InvalidMessage, "text has a lone surrogate"),
        (lambda: Message().html("\udc80"), InvalidMessage, "html has a lone surrogate"),
        (lambda: Message().attach("missing.pdf"), UnreadableAttachment, "cannot read the attachment 'missing.pdf'"),
        (lambda: Message().embed("missing.png"), UnreadableAttachment, "cannot read the attachment 'missing.png'"),
        (lambda: Message().attach(b"", filename="a\nb"), InvalidMessage, "the file name has a line feed"),
        (lambda: Message().attach(b"", content_type="pdf"), InvalidMessage, "not a content type: 'pdf'"),
        (lambda: Message().embed(b"", cid="a b"), InvalidMessage, "not a content id: 'a b'"),
        (lambda: Message().date(datetime(2026, 11, 2)), InvalidMessage, "the date has no time zone"),
        (lambda: Message().message_id("1"), InvalidMessage, "not a message id: '1'"),
        *((lambda each=each: Message().message_id(each), InvalidMessage, "not a message id") for each in BAD_IDS),
    ],
)
def test_bad_input_is_refused_where_it_is_given(
    give: Callable[[], Message], error: type[SmtpkitError], what: str
) -> None:
    with pytest.raises(error, match=re.escape(what)) as caught:
        give()
    assert caught.value.stage == "compose"
    assert caught.value.hint


# -- Date and Message-ID -----------------------------------------------------


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (WHEN, "Mon, 02 Nov 2026 09:30:00 +0000"),
        (datetime(2026, 1, 31, 23, 59, 59, 999_999, UTC), "Sat, 31 Jan 2026 23:59:59 +0000"),
        (WHEN.astimezone(timezone(timedelta(hours=5, minutes=45))), "Mon, 02 Nov 2026 15:15:00 +0545"),
        (WHEN.astimezone(timezone(-timedelta(hours=9, minutes=30))), "Mon, 02 Nov 2026 00:00:00 -0930"),
        # RFC 5322 has no seconds in an offset.
        (WHEN.astimezone(timezone(timedelta(minutes=19, seconds=32))), "Mon, 02 Nov 2026 09:49:00 +0019"),
        (WHEN.astimezone(timezone(-timedelta(minutes=19, seconds=32))), "Mon, 02 Nov 2026 09:10:00 -0020"),
    ],
)
def test_date(when: datetime, text: str) -> None:
    message = BASE.date(when)
    assert text_of(message, "Date") == text
    assert message.as_email_message()["Date"].datetime == when.replace(microsecond=0)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("<1@example.com>", "<1@example.com>"),
        ("1@example.com", "<1@example.com>"),
        (" <1.a-b_c=d+e@mail.example.com> ", "<1.a-b_c=d+e@mail.example.com>"),
        ("<x@[192.0.2.1]>", "<x@[192.0.2.1]>"),
    ],
)
def test_message_id(given: str, written: str) -> None:
    assert text_of(BASE.message_id(given), "Message-ID") == written


@pytest.mark.parametrize(
    "given",
    [
        "",
        "<>",
        "1",
        "@",
        "a@",
        "@b",
        "a b@example.com",
        "<a@b> <c@d>",
        "a@b@c",
        "ä@example.com",
        '"a"@b',
        "x" * 998 + "@b",
    ],
)
def test_what_is_no_message_id(given: str) -> None:
    with pytest.raises((InvalidMessage, InvalidHeader)) as caught:
        BASE.message_id(given)
    assert caught.value.hint


def test_completed() -> None:
    completed = BASE.completed()
    assert completed.completed() is completed
    assert field(completed, "subject") == "Hello"
    assert {*completed.fields} - {*BASE.fields} == {"date", "message_id"}
    assert re.fullmatch(r"<[0-9a-f.]+@example\.com>", field(completed, "message_id"))
    assert field(BASE.message_id("1@x.example").completed(), "message_id") == "<1@x.example>"
    assert field(BASE.date(WHEN).completed(), "date") == "Mon, 02 Nov 2026 09:30:00 +0000"
    assert abs(completed.as_email_message()["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_message_id_is_in_the_domain_of_the_author() -> None:
    completed = BASE.from_("ann@bücher.example").completed()
    assert field(completed, "message_id").endswith("@xn--bcher-kva.example>")


def test_a_message_needs_an_author() -> None:
    message = Message().to("bob@example.com")
    for use in (message.completed, message.as_bytes, message.size, message.content, message.as_email_message):
        with pytest.raises(MissingSender, match="the message has no From") as caught:
            use()
        assert "from_(" in (caught.value.hint or "")
        assert "SMTP_FROM" in (caught.value.hint or "")


def ids(count: int) -> list[str]:
    return [field(BASE.completed(), "message_id") for _ in range(count)]


def test_message_ids_are_unique() -> None:
    assert len(set(ids(10_000))) == 10_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_message_ids_are_unique_after_a_fork() -> None:
    program = """
import os, sys
from smtpkit import Message
message = Message().from_("ann@example.com")
message.completed()
for _ in range(3):
    if os.fork() == 0:
        break
else:
    for _ in range(3):
        os.wait()
# At once, so that the processes do not write between each other's lines.
os.write(1, "".join(message.completed().fields["message_id"] + "\\n" for _ in range(100)).encode())
"""
    ran = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    found = ran.stdout.split()
    assert len(found) == 400
    # The token at the end is each process's own: time and counter alone could meet.
    assert len({each.rpartition(".")[0].rpartition("@")[0].rpartition(".")[2] for each in found}) == 4
    assert len(set(found)) == 400


# -- the result --------------------------------------------------------------


def test_chunks_are_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(200_000))
    message = FULL.attach(path)
    content = message.content()
    chunks = list(content.chunks())
    assert max(map(len, chunks)) < 100_000
    assert sum(map(len, chunks)) == content.size == message.size()
    assert b"".join(content.chunks()) == b"".join(chunks)


def test_as_email_message() -> None:
    found = FULL.as_email_message()
    assert [found[name] for name in ("From", "Sender", "To", "Cc", "Reply-To", "Subject", "X-Tag", "Message-ID")] == [
        "Ann <ann@example.com>",
        "office@example.com",
        "bob@example.com",
        "cc@example.com",
        "help@example.com",
        "Hello",
        "a",
        "<1@example.com>",
    ]
    assert "Bcc" not in found
    assert "Return-Path" not in found
    body = found.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == "Hello"


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("from_", (None,)),
        ("to", (None,)),
        ("to", (["a@example.com", None],)),
        ("cc", (5,)),
        ("subject", (None,)),
        ("text", (None,)),
        ("text", (b"",)),
        ("html", (None,)),
        ("header", ("X-A", 5)),
        ("date", ("2024",)),
        ("attach", (None,)),
    ],
)
def test_what_is_not_there_is_our_own_error(method: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(UsageError):
        getattr(Message(), method)(*arguments)


def test_a_relative_path_means_the_same_file_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"here")
    message = Message().from_("a@example.com").attach("a.txt")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert message.as_email_message().get_content() == "here"
