"""What newcomers get wrong: it raises where it is given, with an error of ours that says what to do."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    Address,
    Attachment,
    DsnRequest,
    Envelope,
    InvalidAddress,
    InvalidHeader,
    InvalidMessage,
    Message,
    RawMessage,
    RecipientDsn,
    SmtpkitError,
    UnreadableAttachment,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtpkit.errors import UsageError

# Their types forbid most of what is tried here.
BASE: Any = Message().from_("ann@example.com").to("bob@example.com")
address: Any = Address
envelope: Any = Envelope
raw: Any = RawMessage
ICS = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n"
DECODE = "Decode it: data.decode"
LEAVE_OUT = "Leave it out where there is none."
WRITE = 'Write it as "ann@example.com" or "Ann <ann@example.com>"'
CHUNKS = "gives chunks of bytes"
EML = 'Path("saved.eml").read_bytes()'

ADDRESSES: list[tuple[Callable[[], object], str, str]] = [
    (lambda: BASE.to("a@x.example, b@x.example"), "To: not a valid address", 'write to("a@example.com", "b@'),
    (lambda: BASE.to("Doe, Ann <ann@x.example>"), "To: not one mailbox", '"Doe, Ann" <ann@example.com>'),
    (lambda: BASE.to(None), "To: an address must be a str, not None", LEAVE_OUT),
    (lambda: BASE.to([None]), "To: an address must be a str, not None", LEAVE_OUT),
    (lambda: BASE.to(b"ann@x.example"), "To: an address must be a str, not bytes", DECODE),
    (lambda: BASE.from_(["ann@x.example"]), "From: an address must be a str, not list", WRITE),
    (lambda: BASE.from_(("Ann", "ann@x.example")), "From: an address must be a str, not tuple", WRITE),
    (lambda: BASE.reply_to(("Ann", "ann@x.example")), "Reply-To: not a valid address: 'Ann'", WRITE),
    (lambda: BASE.return_path(""), "Return-Path: not a valid address: ''", "The null reverse-path is None."),
    (lambda: BASE.return_path("<>"), "Return-Path: not a valid address: ''", "The null reverse-path is None."),
    (lambda: address("Ann <ann@x.example>"), "not a valid address", 'Address.parse("Ann <ann@example.com>")'),
    (lambda: address(None), "an address must be a str, not None", LEAVE_OUT),
    (lambda: address("ann@x.example", None), "the display name must be a str, not None", LEAVE_OUT),
    (lambda: address("ann@x.example", 5), "the display name must be a str, not int", "str(value)"),
    (lambda: envelope("ann@x.example", None), "an address must be a str, not None", LEAVE_OUT),
    (lambda: envelope("ann@x.example", 5), "an address must be a str, not int", WRITE),
    (lambda: raw(b"From: ann@x.example\r\n\r\n", bcc=None), "an address must be a str, not None", LEAVE_OUT),
    (lambda: BASE.dsn("failure", recipient=["x"]), "an address must be a str, not list", WRITE),
]
HEADER: list[tuple[Callable[[], object], str, str]] = [
    (lambda: BASE.subject(None), "the header Subject must be a str, not None", LEAVE_OUT),
    (lambda: BASE.subject(b"Hello"), "the header Subject must be a str, not bytes", DECODE),
    (lambda: BASE.subject("Hello\n"), "the header Subject has a line feed", "one line of text"),
    (lambda: BASE.header("To", "x@x.example"), "To cannot be set with header()", "Use to()."),
    (lambda: BASE.header("Content-Type", "text/plain"), "Content-Type cannot be set", "It follows from the content."),
    (lambda: BASE.header("X-A", 5), "the header X-A must be a str, not int", "str(value)"),
    (lambda: BASE.header(None, "x"), "the name of a header field must be a str, not None", LEAVE_OUT),
    (lambda: BASE.header("X-A:", "x"), "not the name of a header field", "without space or colon"),
    (lambda: BASE.list_unsubscribe("leave@x.example"), "not a URL", "an address goes into mailto="),
    (lambda: BASE.list_unsubscribe(5), "List-Unsubscribe: the URL must be a str, not int", "str(value)"),
    (lambda: BASE.list_unsubscribe(mailto=5), "List-Unsubscribe: mailto must be a str, not int", "str(value)"),
]
CONTENT: list[tuple[Callable[[], object], str, str]] = [
    (lambda: BASE.text(None), "text must be a str, not None", LEAVE_OUT),
    (lambda: BASE.text(b"Hello"), "text must be a str, not bytes", DECODE),
    (lambda: BASE.html(Path("a.html")), "html must be a str, not", 'path.read_text("utf-8")'),
    (lambda: BASE.attach(None), "NoneType cannot be attached", "Give bytes, a path"),
    (lambda: BASE.attach(["a.pdf", "b.pdf"]), "list cannot be attached", "each in a call of its own"),
    (lambda: BASE.attach(b"x", filename=Path("a.txt")), "the file name must be a str, not", "str(path)"),
    (lambda: BASE.attach(b"x", content_type="pdf"), "not a content type: 'pdf'", '"application/pdf"'),
    (lambda: BASE.attach(b"x", content_type=5), "the content type must be a str, not int", "str(value)"),
    (lambda: BASE.attach(b"x", content_type="message/rfc822"), "a file cannot be", "RawMessage(data)"),
    (lambda: BASE.attach(lambda: ["x"]), "the factory of 'attachment' gave str as a chunk", CHUNKS),
    (lambda: BASE.attach(lambda: None), "the factory of 'attachment' gave None", CHUNKS),
    (lambda: BASE.attach(list, size="1"), "size='1' for type", "a number of octets"),
    (lambda: BASE.attach(b"x", size=1), "size=1 for bytes", "of others it is known"),
    (lambda: BASE.embed(b"x", cid=5), "the content id must be a str, not int", "str(value)"),
    (lambda: BASE.embed(b"x", filename="my logo.png"), "not a content id: 'my logo.png'", 'cid="logo"'),
    (lambda: BASE.alternative(None, "text/x-amp-html"), "the alternative must be a str, not None", LEAVE_OUT),
    (lambda: BASE.alternative("x", None), "the content type must be a str, not None", LEAVE_OUT),
    (lambda: BASE.calendar(ICS.encode()), "the calendar must be a str, not bytes", DECODE),
    (lambda: BASE.calendar(ICS, None), "the method must be a str, not None", LEAVE_OUT),
    (lambda: BASE.date(datetime(2026, 11, 2)), "the date has no time zone", "datetime.now(UTC)"),
    (lambda: BASE.date("2026-11-02"), "the date must be a datetime, not str", "datetime.now(UTC)"),
    (lambda: BASE.date(date(2026, 11, 2)), "the date must be a datetime, not date", "datetime.now(UTC)"),
    (lambda: BASE.date(datetime(2026, 11, 2, tzinfo=UTC).timetz()), "not time", "datetime.now(UTC)"),
    (lambda: BASE.message_id(5), "the message id must be a str, not int", "str(value)"),
    (lambda: BASE.in_reply_to(None), "neither a message id nor a mail: None", "references(*ids)"),
    (lambda: BASE.references(["<1@x>", "<2@x>"]), "neither a message id nor a mail: list", "references(*ids)"),
    (lambda: BASE.priority(1), "not a priority: 1", '"high", "normal" or "low"'),
    (lambda: BASE.dsn(["failure"]), "not a time to notify: ['failure']", "Use 'success'"),
    (lambda: BASE.dsn(None), "not a time to notify: None", "Use 'success'"),
    (lambda: DsnRequest(5), "not a time to notify: 5", "Use 'success'"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (lambda: DsnRequest(recipients=["x"]), "recipients= needs RecipientDsn, not str", "RecipientDsn("),  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    (lambda: envelope("a@x.example", "b@x.example", "failure"), "dsn= needs a DsnRequest", "DsnRequest("),
    (lambda: BASE.require_tls("yes"), "require_tls() takes True or False, not str", "require_tls()"),
    (lambda: raw("From: x"), "RawMessage() needs bytes, not str", EML),
    (lambda: raw(b"From: ann@x.example\n\nx"), "a bare line feed", "re.sub("),
    (lambda: BASE.parse("From: x"), "parse() needs bytes, not str", EML),
    (lambda: BASE.parse(None), "parse() needs bytes, not None", EML),
    (lambda: BASE.from_email_message(b"From: x"), "from_email_message() reads an EmailMessage, not bytes", "parse("),
]
FILES: list[tuple[Callable[[], object], str, str]] = [
    (lambda: BASE.attach("no-such.pdf"), "cannot read the attachment 'no-such.pdf'", "The path is seen from"),
    (lambda: BASE.attach("Dear Bob,\nhow are you?"), "cannot read the attachment", "attach(text.encode(), filename="),
    (lambda: BASE.attach("x" * 5000), "cannot read the attachment", "attach(text.encode(), filename="),
]
MISTAKES = [
    (give, error, what, hint)
    for error, table in (
        (InvalidAddress, ADDRESSES),
        (InvalidHeader, HEADER),
        (InvalidMessage, CONTENT),
        (UnreadableAttachment, FILES),
    )
    for give, what, hint in table
]


@pytest.mark.parametrize(("give", "error", "what", "hint"), MISTAKES)
def test_a_mistake_is_explained(give: Callable[[], object], error: type[UsageError], what: str, hint: str) -> None:
    with pytest.raises(error) as caught:
        give()
    assert what in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.stage == "compose"


NO_TEXT: list[object] = [None, 5, 1.5, True, b"x", ["x"], ("x",), {"x": "y"}, Path("x"), object()]
TAKING_TEXT: list[Callable[[Any], object]] = [
    *(BASE.from_, BASE.sender, BASE.subject, BASE.text, BASE.html, BASE.calendar, BASE.message_id, BASE.in_reply_to),
    *(BASE.references, BASE.priority, BASE.auto_submitted, BASE.list_id, address, address.parse, RecipientDsn),
    *(raw, DsnRequest),
    lambda given: BASE.header(given, "x"),
    lambda given: BASE.header("X-A", given),
    lambda given: BASE.list_id("a.example.com", given),
    lambda given: BASE.alternative("x", given),
    lambda given: BASE.calendar(ICS, given),
    lambda given: address("a@x.example", given),
]
TAKING_TEXT_OR_NOTHING: list[Callable[[Any], object]] = [
    lambda given: BASE.attach(b"x", filename=given),
    lambda given: BASE.attach(b"x", content_type=given),
    lambda given: Attachment(b"x", content_id=given),
    lambda given: BASE.list_unsubscribe("https://example.com", given),
    lambda given: BASE.list_unsubscribe(given, "leave@example.com"),
    lambda given: BASE.dsn("failure", envelope_id=given),
    lambda given: BASE.dsn("failure", ret=given),
    lambda given: BASE.dsn("failure", recipient="a@x.example", original_recipient=given),
]


@pytest.mark.parametrize("given", NO_TEXT, ids=lambda given: type(given).__name__)
def test_what_is_no_text_is_refused(given: Any) -> None:
    for give in TAKING_TEXT + ([] if given is None else TAKING_TEXT_OR_NOTHING):
        with pytest.raises(SmtpkitError) as caught:
            give(given)
        assert caught.value.hint
