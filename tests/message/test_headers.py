"""Header fields: folded, encoded where they must be, and read back as they were given."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from email.header import decode_header
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smtpkit import Address, InvalidHeader, Message

if TYPE_CHECKING:
    from collections.abc import Callable

thorough = settings(max_examples=300, deadline=None)

BASE = (
    Message()
    .from_("ann@example.com")
    .to("bob@example.com")
    .date(datetime(2026, 11, 2, 9, 30, tzinfo=UTC))
    .message_id("<1@example.com>")
)
FIELDS = ["From", "To", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]

ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0")
TEXT = st.text(ANY, max_size=120) | st.lists(
    st.sampled_from(
        ["word", "ünï", "日本語", "🎉", " ", "   ", "=?utf-8?q?x?=", "=?", "?=", '"', "\\", "\t", "x" * 90]
    ),
    max_size=20,
).map("".join)


def lines(message: Message) -> list[bytes]:
    """The lines of the header, as they travel."""
    return message.as_bytes().partition(b"\r\n\r\n")[0].split(b"\r\n")


def names(message: Message) -> list[str]:
    return message.as_email_message().keys()


def field(message: Message, name: str) -> str:
    """The field of that name as one line, as it travels."""
    unfolded = b"\n".join(lines(message)).replace(b"\n ", b" ").decode()
    return next(line for line in unfolded.split("\n") if line.startswith(f"{name}:"))


def assert_well_formed(message: Message) -> None:
    for line in lines(message):
        assert re.fullmatch(rb"[!-9;-~]+: ?[ -~\x80-\xff]*| +[!-~\x80-\xff][ -~\x80-\xff]*", line), line
        assert len(line) <= 998
        words = re.findall(rb"=\?utf-8\?[bq]\?[!-~]*?\?=", line)
        assert not words or len(line) <= 76
        assert all(len(word) <= 75 for word in words)


def decoded(value: str) -> str:
    """The text of encoded-words, each decoded on its own: none may split a character (RFC 2047 §5)."""
    words = re.findall(r"=\?utf-8\?[bq]\?[!-~]*?\?=", value)
    pieces = [piece for word in words for piece, _ in decode_header(word)]
    return "".join(piece if isinstance(piece, str) else piece.decode("utf-8") for piece in pieces)


# -- texts -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Hello", "Subject: Hello"),
        ("", "Subject:"),
        ("a  b", "Subject: a  b"),
        ("1 = 2? 50%", "Subject: 1 = 2? 50%"),
        ("Grüße", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?="),
        ("日本語の件名を付けてみる", "Subject: =?utf-8?b?5pel5pys6Kqe44Gu5Lu25ZCN44KS5LuY44GR44Gm44G/44KL?="),
        ("日本語", "Subject: =?utf-8?q?=E6=97=A5=E6=9C=AC=E8=AA=9E?="),
        ("🎉 sale", "Subject: =?utf-8?q?=F0=9F=8E=89_sale?="),
        (" a", "Subject: =?utf-8?q?_a?="),
        ("a ", "Subject: =?utf-8?q?a_?="),
        ("   ", "Subject: =?utf-8?q?___?="),
        ("a\tb", "Subject: =?utf-8?q?a=09b?="),
        ("a\x7fb\x1b", "Subject: =?utf-8?q?a=7Fb=1B?="),
        ("a\x85b\u2028c", "Subject: =?utf-8?q?a=C2=85b=E2=80=A8c?="),
        ("=?utf-8?q?x?=", "Subject: =?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?="),
        ("a_b=?", "Subject: =?utf-8?q?a=5Fb=3D=3F?="),
    ],
)
def test_subject(text: str, line: str) -> None:
    message = BASE.subject(text)
    assert field(message, "Subject") == line
    assert message.as_email_message()["Subject"] == text


# The parser of the standard library splits at every line end that str.splitlines knows, after decoding: it
# is asked for the field as it travels, and the encoded-words are decoded here.
@thorough
@given(TEXT)
@example("a" * 900)
@example("🎉" * 40)
@example(" " * 100)
@example("a" + " " * 100 + "b")
def test_any_subject_is_read_back(text: str) -> None:
    message = BASE.subject(text).header("X-Text", text)
    assert_well_formed(message)
    for name in ("Subject", "X-Text"):
        value = field(message, name)[len(name) + 2 :]
        assert (decoded(value) if "=?" in value else value) == text
    assert names(message)[:6] == ["From", "To", "Subject", "Date", "Message-ID", "X-Text"]


@thorough
@given(TEXT)
def test_any_subject_is_read_back_by_the_standard_library(text: str) -> None:
    found = BASE.subject(text).header("X-Text", text).as_email_message()
    assert (found["Subject"], found["X-Text"]) == (text, text)


@pytest.mark.parametrize("length", range(1, 55))
@pytest.mark.parametrize("text", ["é" * 50, "🎉" * 30, "plain words " * 20 + "é", "words of a line " * 10 + "end"])
def test_long_names_leave_room_for_words(length: int, text: str) -> None:
    name = "X" * length
    message = BASE.header(name, text)
    assert_well_formed(message)
    assert message.as_email_message()[name] == text


@pytest.mark.parametrize("text", ["word " * 40 + "end", "a" * 60 + " " + "b" * 70 + " c", "é " * 100, "x " * 500 + "x"])
def test_lines_are_folded_early(text: str) -> None:
    assert max(map(len, lines(BASE.subject(text)))) <= 78
    assert len(lines(BASE.subject(text))) > len(lines(BASE))


@pytest.mark.parametrize("length", [78, 500, 998 - len("X-Token: ")])
def test_a_long_word_stays_whole(length: int) -> None:
    message = BASE.header("X-Token", "a" * length)
    assert b"X-Token: " + b"a" * length in lines(message)


@pytest.mark.parametrize(
    "give",
    [
        lambda: BASE.header("X-Token", "a" * (999 - len("X-Token: "))),
        lambda: BASE.header("X-Token", "short " + "a" * 998),
        lambda: BASE.subject("a" * 1000),
    ],
)
def test_a_word_that_fits_no_line_is_refused_where_it_is_given(give: Callable[[], Message]) -> None:
    with pytest.raises(InvalidHeader, match="has a word of more than 998 characters") as caught:
        give()
    assert "space" in (caught.value.hint or "")


@pytest.mark.parametrize("unit", ["é", "🎉", "é ", "a ", "=?", "\té", "\\é"])
def test_a_megabyte_of_text_is_written_in_linear_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit.encode()))
    started = time.perf_counter()
    message = Message().subject(text).from_(Address("ann@example.com", text))
    size = message.size()
    # It takes a tenth of this: work that grows with the square of the text takes much longer.
    assert time.perf_counter() - started < 5
    assert size > 1_000_000


def test_references_are_folded_and_never_encoded() -> None:
    ids = [f"<{number:040x}@example.com>" for number in range(30)]
    message = BASE.references(" ".join(ids))
    assert field(message, "References") == "References: " + " ".join(ids)
    assert max(map(len, lines(message))) <= 78


# -- fields of one's own ------------------------------------------------------


@pytest.mark.parametrize("name", ["", " ", "X Y", "X:", "X\t", "Ü", "X\r\nBcc", "X" * 55, "\x7f"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidHeader, match="not the name of a header field") as caught:
        BASE.header(name, "x")
    assert "X-Campaign" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("From", "from_()"),
        ("SENDER", "sender()"),
        ("To", "to()"),
        ("cc", "cc()"),
        ("Bcc", "bcc()"),
        ("Reply-To", "reply_to()"),
        ("Return-Path", "return_path()"),
        ("subject", "subject()"),
        ("Date", "date()"),
        ("Message-Id", "message_id()"),
        ("Content-Type", "content"),
        ("Content-Transfer-Encoding", "content"),
        ("Content-Disposition", "content"),
        ("MIME-Version", "content"),
    ],
)
def test_fields_with_a_method_of_their_own(name: str, method: str) -> None:
    with pytest.raises(InvalidHeader, match=f"{name} cannot be set with header") as caught:
        BASE.header(name, "x")
    assert method in (caught.value.hint or "")


def test_a_field_may_be_there_twice() -> None:
    message = BASE.header("X-Tag", "a").header("X-Tag", "b")
    assert message.as_email_message().get_all("X-Tag") == ["a", "b"]


# -- names and addresses -----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("", "From: ann@example.com"),
        ("Ann", "From: Ann <ann@example.com>"),
        ("Ann Doe", "From: Ann Doe <ann@example.com>"),
        ("Ann B. Doe", 'From: "Ann B. Doe" <ann@example.com>'),
        ("Doe, Ann", 'From: "Doe, Ann" <ann@example.com>'),
        ('the "A" \\', 'From: "the \\"A\\" \\\\" <ann@example.com>'),
        ("Ann (sales)", 'From: "Ann (sales)" <ann@example.com>'),
        ("Ann <eve@x.example>", 'From: "Ann <eve@x.example>" <ann@example.com>'),
        ("Änne", "From: =?utf-8?q?=C3=84nne?= <ann@example.com>"),
        ("山田太郎", "From: =?utf-8?q?=E5=B1=B1=E7=94=B0=E5=A4=AA=E9=83=8E?= <ann@example.com>"),
        ("=?utf-8?q?x?=", "From: =?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?= <ann@example.com>"),
        ('Ä (x), "y" <z@a.example>', None),
    ],
)
def test_display_name(name: str, line: str | None) -> None:
    message = BASE.from_(Address("ann@example.com", name))
    assert line is None or field(message, "From") == line
    found = message.as_email_message()["From"].addresses[0]
    assert (found.addr_spec, found.display_name) == ("ann@example.com", name)


# What the standard library does to a name in an address, unlike other readers: a TAB or a run of spaces becomes
# one space, and it has a space more between two encoded-words (RFC 2047 §6.2 has none). So the names are read here
# from the field as it travels, and by the standard library where its errors do not count.
@thorough
@given(TEXT)
@example("a\tb")
@example("x" * 2000)
@example("x" * 60 + " " + "y" * 61)
@example(" a ")
def test_any_display_name_is_read_back(name: str) -> None:
    message = BASE.from_(Address("ann@example.com", name)).reply_to(Address("bob@example.com", name), "eve@example.com")
    assert_well_formed(message)
    assert max(map(len, lines(message))) <= 78
    value = field(message, "From").removeprefix("From: ")
    assert (decoded(value) if "=?" in value else Address.parse(value).display_name) == name
    found = message.as_email_message()
    assert [each.addr_spec for each in found["Reply-To"].addresses] == ["bob@example.com", "eve@example.com"]
    assert [without_spaces(each.display_name) for each in found["From"].addresses] == [without_spaces(name)]


def without_spaces(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_address_lists_are_folded_between_mailboxes() -> None:
    people = [Address(f"person{number}@example.com", f"Person {number}") for number in range(100)]
    message = BASE.cc(people)
    assert max(map(len, lines(message))) <= 78
    found = message.as_email_message()["Cc"].addresses
    assert [(each.addr_spec, each.display_name) for each in found] == [(p.addr_spec, p.display_name) for p in people]


def test_long_addresses_stay_whole() -> None:
    end = ".".join(["x" * 60] * 3) + ".example"
    long, spaced = f"{'a' * 60}@{end}", f'"a, {"b " * 20}"@{end}'
    message = BASE.to(Address(long, "Ann"), long, Address(spaced, "Ann Doe"), spaced)
    assert_well_formed(message)
    assert f" <{spaced}>,".encode() in lines(message)
    found = message.as_email_message()["To"].addresses
    assert [each.addr_spec for each in found] == ["bob@example.com", long, long, spaced, spaced]


@pytest.mark.parametrize("spec", ['"a b"@example.com', "ann@[192.0.2.1]", "ann@[IPv6:2001:db8::1]"])
def test_addresses_that_readers_split_stand_in_angle_brackets(spec: str) -> None:
    assert field(BASE.from_(spec), "From") == f"From: <{spec}>"
    assert BASE.from_(spec).as_email_message()["From"].addresses[0].addr_spec == spec


def test_domains_travel_as_a_labels() -> None:
    message = BASE.from_("Ann <ann@bücher.example>")
    assert field(message, "From") == "From: Ann <ann@xn--bcher-kva.example>"


def test_a_local_part_in_another_script_needs_utf8_headers() -> None:
    message = BASE.to("Änne <änne@bücher.example>")
    assert "To: bob@example.com, =?utf-8?q?=C3=84nne?= <änne@bücher.example>\r\n".encode() in message.as_bytes()
    assert message.content().utf8_headers
    assert not BASE.content().utf8_headers


# -- file names --------------------------------------------------------------


@pytest.mark.parametrize(
    ("filename", "parameter"),
    [
        ("report.pdf", "filename=report.pdf"),
        ("my report.pdf", 'filename="my report.pdf"'),
        ('a"b.pdf', 'filename="a\\"b.pdf"'),
        ("it's 100%.pdf", 'filename="it\'s 100%.pdf"'),
        ("a;b=c.pdf", 'filename="a;b=c.pdf"'),
        ("Übersicht.pdf", "filename*=utf-8''%C3%9Cbersicht.pdf"),
        (" a.pdf", "filename*=utf-8''%20a.pdf"),
        ("=?utf-8?q?x?=.pdf", "filename*=utf-8''%3D%3Futf-8%3Fq%3Fx%3F%3D.pdf"),
    ],
)
def test_file_name(filename: str, parameter: str) -> None:
    message = BASE.text("x").attach(b"x", filename=filename)
    unfolded = message.as_bytes().replace(b"\r\n ", b" ")
    assert f"\r\nContent-Disposition: attachment; {parameter}\r\n".encode() in unfolded


@thorough
@given(st.text(ANY.filter(lambda found: found not in "/\\"), min_size=1, max_size=120))
@example("日本語" * 40 + ".txt")
@example("x" * 500)
@example("a  b")
def test_any_file_name_is_read_back(filename: str) -> None:
    if filename in (".", ".."):
        return
    message = BASE.attach(b"x", filename=filename)
    data = message.text("x").as_bytes()
    assert max(map(len, data.split(b"\r\n"))) <= 78
    # get_filename() takes the spaces off both ends; the parameter has them.
    part = next(iter(message.text("x").as_email_message().iter_attachments()))
    assert part["Content-Disposition"].params["filename"] == filename
