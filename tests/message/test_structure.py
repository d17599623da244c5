"""The tree of parts: nothing missing, nothing superfluous, and the same bytes each time."""

from __future__ import annotations

import io
import os
import re
import stat
from datetime import UTC, datetime
from email import message_from_bytes, policy
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpkit import Attachment, InvalidMessage, Mail, Message, UnreadableAttachment

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import MIMEPart

    from smtpkit.attachment import AttachmentSource

Tree: TypeAlias = "str | tuple[str, list[Tree]]"

GOLDEN = Path(__file__).parent / "golden"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000")
BASE = (
    Message()
    .from_("Ann <ann@example.com>")
    .to("Bob <bob@example.com>")
    .subject("Hello")
    .date(datetime(2026, 11, 2, 9, 30, tzinfo=UTC))
    .message_id("<1@example.com>")
)

TEXT, HTML, PNG_TYPE, PDF = "text/plain", "text/html", "image/png", "application/pdf"
ALTERNATIVE: Tree = ("multipart/alternative", [TEXT, HTML])


def tree(part: MIMEPart) -> Tree:
    kind = part.get_content_type()
    return (kind, [tree(each) for each in part.iter_parts()]) if part.is_multipart() else kind


def related(*parts: Tree) -> Tree:
    return "multipart/related", list(parts)


def mixed(*parts: Tree) -> Tree:
    return "multipart/mixed", list(parts)


def made_of(*, text: bool = False, html: bool = False, inline: int = 0, attached: int = 0) -> Message:
    message = BASE
    # In the wrong order on purpose.
    for number in range(attached):
        message = message.attach(b"%PDF-1.4", filename=f"{number}.pdf")
    for number in range(inline):
        message = message.embed(PNG, cid=f"logo{number}", filename=f"{number}.png")
    if html:
        message = message.html('<p>Hello <img src="cid:logo0">')
    if text:
        message = message.text("Hello")
    return message


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (made_of(), TEXT),
        (made_of(text=True), TEXT),
        (made_of(html=True), HTML),
        (made_of(text=True, html=True), ALTERNATIVE),
        (made_of(html=True, inline=1), related(HTML, PNG_TYPE)),
        (made_of(html=True, inline=2), related(HTML, PNG_TYPE, PNG_TYPE)),
        (made_of(text=True, html=True, inline=1), related(ALTERNATIVE, PNG_TYPE)),
        (made_of(attached=1), PDF),
        (made_of(attached=2), mixed(PDF, PDF)),
        (made_of(text=True, attached=1), mixed(TEXT, PDF)),
        (made_of(text=True, attached=2), mixed(TEXT, PDF, PDF)),
        (made_of(html=True, attached=1), mixed(HTML, PDF)),
        (made_of(text=True, html=True, attached=1), mixed(ALTERNATIVE, PDF)),
        (made_of(html=True, inline=1, attached=1), mixed(related(HTML, PNG_TYPE), PDF)),
        (made_of(text=True, html=True, inline=2, attached=2), mixed(related(ALTERNATIVE, *[PNG_TYPE] * 2), PDF, PDF)),
        # Without HTML an inline file is related to nothing.
        (made_of(inline=1), PNG_TYPE),
        (made_of(text=True, inline=1), mixed(TEXT, PNG_TYPE)),
        (made_of(text=True, inline=1, attached=1), mixed(TEXT, PDF, PNG_TYPE)),
        (BASE.text("").html(""), ALTERNATIVE),
    ],
)
def test_structure(message: Message, expected: Tree) -> None:
    assert tree(message.as_email_message()) == expected


each_message = pytest.mark.parametrize(
    "message",
    [
        made_of(text=text, html=html, inline=inline, attached=attached)
        for text, html, inline, attached in product((False, True), (False, True), (0, 1, 2), (0, 1, 2))
    ],
)


@each_message
def test_size_is_known_before(message: Message) -> None:
    content = message.content()
    assert content.size == len(b"".join(content.chunks())) == len(b"".join(content.chunks()))
    assert message.size() == len(message.as_bytes())


@each_message
def test_every_part_is_seven_bit_and_says_how_it_is_encoded(message: Message) -> None:
    data = message.as_bytes()
    assert data.isascii()
    assert data.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", data)
    found = message.as_email_message()
    for part in found.walk():
        assert part.defects == []
        if part.is_multipart():
            assert "Content-Transfer-Encoding" not in part
            assert len(list(part.iter_parts())) > 1
        else:
            assert part["Content-Transfer-Encoding"] in ("7bit", "quoted-printable", "base64")
    assert [part for part in found.walk() if "MIME-Version" in part] == [found]


@each_message
def test_boundaries_stand_only_where_they_part(message: Message) -> None:
    data = message.as_bytes()
    found: MIMEPart = message_from_bytes(data, policy=policy.default)
    multiparts = [part for part in found.walk() if part.is_multipart()]
    assert len({part.get_boundary() for part in multiparts}) == len(multiparts)
    for part in multiparts:
        boundary = part.get_boundary() or ""
        assert 0 < len(boundary) <= 70
        # In the Content-Type, before each part and at the end.
        assert data.count(boundary.encode()) == 2 + len(list(part.iter_parts()))


def test_boundaries_belong_to_the_message() -> None:
    template = Message().from_("ann@example.com").text("Hello").html("<p>Hello")
    one, other = template.completed(), template.completed()
    assert one.as_bytes() == one.as_bytes()
    assert one.as_email_message().get_boundary() != other.as_email_message().get_boundary()


def test_no_text_ends_a_part() -> None:
    message = made_of(html=True).completed()
    boundary = message.text("x").as_email_message().get_boundary()
    hostile = message.text(f"x\n--{boundary}--\n--{boundary}\nContent-Type: text/html\n\nevil")
    parts = list(hostile.as_email_message().iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert f"--{boundary}--" in parts[0].get_content()


def test_related_names_the_type_of_its_root() -> None:
    for message, root in (
        (made_of(html=True, inline=1), HTML),
        (made_of(text=True, html=True, inline=1), "multipart/alternative"),
    ):
        assert message.as_email_message().get_param("type") == root


def test_the_html_finds_its_image_by_content_id() -> None:
    found = BASE.html('<img src="cid:logo@example.com">').embed(PNG, cid="logo@example.com").as_email_message()
    image = list(found.iter_parts())[1]
    assert (image["Content-ID"], image.get_content_disposition()) == ("<logo@example.com>", "inline")
    assert image.get_payload(decode=True) == PNG


def test_an_image_is_known_by_its_file_name_where_no_cid_is_given() -> None:
    found = BASE.html('<img src="cid:logo.png">').embed(PNG, filename="logo.png").as_email_message()
    assert list(found.iter_parts())[1]["Content-ID"] == "<logo.png>"


@pytest.mark.parametrize("cid", ["", "a b", "<logo>", "lögo", "a\tb", 'a"b', "x" * 256])
def test_what_cannot_be_a_content_id(cid: str) -> None:
    with pytest.raises(InvalidMessage, match="not a content id") as caught:
        BASE.embed(PNG, cid=cid)
    assert "cid:logo" in (caught.value.hint or "")


def test_bcc_is_never_in_the_content() -> None:
    message = made_of(text=True, html=True, inline=1, attached=1).bcc("Hidden <hidden@secret.example>")
    assert b"idden" not in message.as_bytes()
    assert b"idden" not in Mail(message).as_bytes()
    assert "hidden@secret.example" in [each.addr_spec for each in Mail(message).envelope.recipients]


# -- files -------------------------------------------------------------------


def attached(message: Message) -> MIMEPart:
    return next(iter(message.text("x").as_email_message().iter_attachments()))


def test_what_can_be_attached(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(PNG)
    with path.open("rb") as file:
        sources: list[AttachmentSource] = [PNG, bytearray(PNG), memoryview(PNG), str(path), path, file, io.BytesIO(PNG)]
        for source in sources:
            part = attached(BASE.attach(source))
            assert part.get_payload(decode=True) == PNG
            assert part.get_content_type() == "application/octet-stream"
            name = "data.bin" if source in (str(path), path, file) else "attachment"
            assert part.get_filename() == name
            assert part.get_content_disposition() == "attachment"


def test_bytes_that_change_later_do_not_change_the_message() -> None:
    data = bytearray(b"before")
    message = BASE.attach(data)
    data[:] = b"after!"
    assert attached(message).get_payload(decode=True) == b"before"


def test_a_path_is_read_when_the_message_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_text("before")
    message = BASE.attach(path)
    path.write_text("a longer text than before")
    assert attached(message).get_payload(decode=True) == b"a longer text than before"


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x")
    with path.open() as file, pytest.raises(InvalidMessage, match="opened as text") as caught:
        BASE.attach(file)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert '"rb"' in (caught.value.hint or "")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path, reason in (
        (tmp_path / "missing.pdf", "No such file or directory"),
        (tmp_path, "not a file"),
        (fifo, "not a file"),
        (Path("/dev/null"), "not a file"),
        (tmp_path / "a.pdf" / "b.pdf", "No such file or directory"),
        ("a\0b", "null"),
        ("x" * 5000, "name too long"),
    ):
        for give in (BASE.attach, BASE.embed):
            with pytest.raises(UnreadableAttachment, match=f"(?i)cannot read the attachment .*{reason}") as caught:
                give(path)
            assert isinstance(caught.value, OSError)


def test_a_relative_path_says_where_it_was_looked_for() -> None:
    with pytest.raises(UnreadableAttachment) as caught:
        BASE.attach("missing.pdf")
    assert repr(str(Path.cwd())) in (caught.value.hint or "")


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pdf"
    path.touch()

    # Root may read every file, and tests often run as root.
    def refuse(path: str, mode: int) -> bool:
        return False

    monkeypatch.setattr(os, "access", refuse)
    with pytest.raises(UnreadableAttachment, match="no permission to read it"):
        BASE.attach(path)


@pytest.mark.parametrize("after", [0, 1, 99_999, 100_001, 500_000])
@pytest.mark.parametrize("before", [0, 100_000])
def test_a_file_that_changes_while_it_is_sent(tmp_path: Path, before: int, after: int) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(before))
    mail = Mail(BASE.attach(path))
    path.write_bytes(bytes(after))
    if before == after:
        assert len(mail.as_bytes()) == mail.size
        return
    received: list[bytes] = []
    with pytest.raises(UnreadableAttachment, match=f"'a.bin' changed while .* had {before} octets") as caught:
        received.extend(mail.chunks())
    assert len(b"".join(received)) <= mail.size
    assert caught.value.hint


def test_a_file_that_is_gone_when_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x")
    message = BASE.attach(path)
    mail = Mail(message)
    path.unlink()
    for use in (message.size, message.as_bytes, mail.as_bytes, lambda: Mail(message)):
        with pytest.raises(UnreadableAttachment, match="No such file"):
            use()


@pytest.mark.parametrize(
    ("given_name", "filename"),
    [
        ("report.pdf", "report.pdf"),
        ("/etc/passwd", "passwd"),
        ("../../up.pdf", "up.pdf"),
        ("C:\\Users\\Ann\\report.pdf", "report.pdf"),
        ("a/b\\c.pdf", "c.pdf"),
        ("a\\b/c.pdf", "c.pdf"),
    ],
)
def test_a_file_name_is_never_a_path(given_name: str, filename: str) -> None:
    assert attached(BASE.attach(b"x", filename=given_name)).get_filename() == filename


@pytest.mark.parametrize("filename", ["", "/", "a/", "a\\", ".", "..", "a/.."])
def test_what_is_no_file_name(filename: str) -> None:
    with pytest.raises(InvalidMessage, match="not a file name") as caught:
        BASE.attach(b"x", filename=filename)
    assert "report.pdf" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [
        ("a.pdf", "application/pdf"),
        ("a.PDF", "application/pdf"),
        ("a.tar.gz", "application/gzip"),
        ("photo.jpeg", "image/jpeg"),
        ("a.csv", "text/csv"),
        ("logo.svg", "image/svg+xml"),
        ("mail.eml", "application/octet-stream"),
        ("noextension", "application/octet-stream"),
        ("pdf", "application/pdf"),
        ("a.unknown", "application/octet-stream"),
        ("a.", "application/octet-stream"),
    ],
)
def test_content_type_by_name(filename: str, content_type: str) -> None:
    assert Attachment(b"x", filename).content_type == content_type


@pytest.mark.parametrize(
    "content_type",
    [
        "application/pdf",
        "text/plain; charset=iso-8859-1",
        'text/x; a="b c"; d=e',
        "application/vnd.a+json",
        "Image/PNG",
    ],
)
def test_content_type_as_given(content_type: str) -> None:
    message = BASE.attach(b"x", filename="a.bin", content_type=content_type)
    assert f"\r\nContent-Type: {content_type}\r\n".encode() in message.as_bytes()


@pytest.mark.parametrize(
    "content_type",
    [
        " ",
        "pdf",
        "application/",
        "/pdf",
        "a/b/c",
        "a b/c",
        "a/b;",
        "a/b; c",
        "a/b; c=",
        'a/b; c="',
        "a/b; c=d e",
        "ä/b",
        "a/b\r\nBcc: x",
    ],
)
def test_what_is_no_content_type(content_type: str) -> None:
    with pytest.raises(InvalidMessage, match="not a content type") as caught:
        BASE.attach(b"x", content_type=content_type)
    assert "application/pdf" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "content_type", ["multipart/mixed", "Multipart/Mixed; boundary=x", "message/rfc822", "message/partial"]
)
def test_what_no_file_can_be(content_type: str) -> None:
    with pytest.raises(InvalidMessage, match="a file cannot be") as caught:
        BASE.attach(b"x", content_type=content_type)
    assert "application/octet-stream" in (caught.value.hint or "")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=4))
def test_any_files_come_back(files: list[bytes]) -> None:
    message = BASE.text("x")
    for data in files:
        message = message.attach(data)
    assert message.size() == len(message.as_bytes())
    assert [part.get_payload(decode=True) for part in message.as_email_message().iter_attachments()] == files


# -- golden files ------------------------------------------------------------

GOLDENS: dict[str, Callable[[], Message]] = {
    "text": lambda: BASE.text("Hello Bob,\n\n.a dot\nFrom a friend\n"),
    "unicode": lambda: (
        BASE.from_("Änne Müller <ann@bücher.example>")
        .to('"Doe, Bob" <bob@example.com>')
        .cc("山田太郎 <yamada@example.jp>", *(f"Person {number} <person{number}@example.com>" for number in range(5)))
        .subject("Grüße aus Köln, und eine lange Zeile, die gefaltet werden muss: 🎉🎉🎉")
        .text("Schöne Grüße und viele Worte, damit die Zeile länger als sechsundsiebzig Zeichen wird. \n")
        .header("X-Campaign", "Frühling")
    ),
    "alternative": lambda: BASE.text("Hello").html("<p>Hello"),
    "related": lambda: (
        BASE.text("Hello").html('<p>Hello <img src="cid:logo">').embed(PNG, cid="logo", filename="logo.png")
    ),
    "calendar": lambda: (
        BASE.text("Lunch?")
        .html("<p>Lunch?")
        .calendar(
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1@example.com\n"
            "DTSTAMP:20261102T093000Z\nDTSTART:20261103T120000Z\nSUMMARY:Lunch\nORGANIZER:mailto:ann@example.com\n"
            "ATTENDEE;RSVP=TRUE:mailto:bob@example.com\nEND:VEVENT\nEND:VCALENDAR\n"
        )
    ),
    "list": lambda: (
        BASE.text("News")
        .list_unsubscribe("https://example.com/leave?id=12345", "leave@example.com?subject=leave")
        .priority("low")
        .in_reply_to("0@example.com")
        .references("a-first-one@example.com", "a-second-one@example.com", "0@example.com")
    ),
    "enclosed": lambda: BASE.text("See below").attach(
        BASE.subject("Grüße").message_id("<0@example.com>").text("Hello").html("<p>Hello"), filename="greeting.eml"
    ),
    "mixed": lambda: (
        BASE.text("Hello").attach(b"%PDF-1.4\n" * 20, filename="Übersicht 2026.pdf").attach(b"", filename="empty.txt")
    ),
    "everything": lambda: (
        BASE.text("Hello")
        .html('<p>Hello <img src="cid:logo">')
        .embed(PNG, cid="logo", filename="logo.png")
        .attach(b"%PDF-1.4\n", filename="my report.pdf")
        .attach(b"a,b\n", filename="日本語のとても長いファイル名は分けて書かれます.csv")
        .bcc("hidden@example.com")
        .reply_to("help@example.com")
        .sender("office@example.com")
        .header("X-Campaign", "autumn")
    ),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_golden(name: str) -> None:
    made = GOLDENS[name]().as_bytes()
    path = GOLDEN / f"{name}.eml"
    if os.environ.get("SMTPKIT_WRITE_GOLDEN") == "1":
        path.write_bytes(made)
    assert made.decode() == path.read_bytes().decode()


def test_golden_files_are_all_tested() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(GOLDENS)
    assert all(stat.S_ISREG(path.stat().st_mode) for path in GOLDEN.iterdir())
