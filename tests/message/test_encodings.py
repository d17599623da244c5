"""Bodies: what goes in comes out, in 7 bits and short lines."""

from __future__ import annotations

import re
from base64 import b64decode
from itertools import pairwise
from quopri import decodestring
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smtpkit import InvalidMessage, Message
from smtpkit.mime.encodings import BLOCK, base64_blocks, base64_size, encode_text, normalize_newlines

if TYPE_CHECKING:
    from smtpkit.mime.encodings import TransferEncoding

thorough = settings(max_examples=400, deadline=None)

BASE = Message().from_("ann@example.com").to("bob@example.com")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.lists(
    st.sampled_from(
        [
            "word ",
            "ünï",
            "日本語",
            "🎉",
            "\n",
            "\r",
            "\r\n",
            " ",
            "\t",
            ".",
            "=",
            "=20",
            "From ",
            "\0",
            "\x0c",
            "-" * 60,
            "x" * 500,
            "\u2028",
        ]
    ),
    max_size=40,
).map("".join)


def canonical(text: str) -> bytes:
    """``text`` with CRLF line ends, the last line too."""
    data = re.sub("\r\n|\r|\n", "\r\n", text).encode()
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def decoded(encoding: TransferEncoding, data: bytes) -> bytes:
    match encoding:
        case "7bit":
            return data
        case "quoted-printable":
            return decodestring(data)
        case "base64":
            return b64decode(data)


def encoded(text: str) -> tuple[TransferEncoding, bytes]:
    return encode_text(normalize_newlines(text.encode()))


@thorough
@given(TEXT)
@example("")
@example("\r")
@example("\n\r")
@example("a\r\r\nb")
@example("é" * 500)
@example("x" * 998)
@example("x" * 999)
@example("x" * 998 + "\n" + "y" * 999)
@example("é \n\té\t\n")
@example("é\n.\n..\n")
@example("=" * 200)
@example("é" + " " * 200)
@example("é" + "\t" * 200 + "\n.")
def test_any_text_comes_back(text: str) -> None:
    encoding, data = encoded(text)
    assert decoded(encoding, data) == canonical(text)
    assert data.isascii()
    assert b"\0" not in data
    assert data.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", data)
    assert max(map(len, data.split(b"\r\n"))) <= (998 if encoding == "7bit" else 76)


@thorough
@given(TEXT)
def test_any_text_comes_back_through_a_message(text: str) -> None:
    plain = BASE.text(text).as_email_message()
    assert plain.get_payload(decode=True) == canonical(text)
    # Within a multipart the last line end belongs to the boundary (RFC 2046 §5.1.1).
    both = BASE.text(text).html(text).as_email_message()
    for part, subtype in zip(both.iter_parts(), ("plain", "html"), strict=True):
        assert part.get_content_type() == f"text/{subtype}"
        assert part.get_payload(decode=True) in (canonical(text), canonical(text).removesuffix(b"\r\n"))


@pytest.mark.parametrize("start", ["é", "=", ".", "\0", "", "éé"])
@pytest.mark.parametrize("end", [" ", "\t", "  ", "é ", ".", "=", "é", "", " \t é"])
def test_lines_of_quoted_printable_at_every_length(start: str, end: str) -> None:
    for length in range(60, 160):
        text = f"{start}{'x' * length}{end}\n"
        encoding, data = encoded(text + "é" + "x" * 300)
        assert encoding == "quoted-printable"
        assert max(map(len, data.split(b"\r\n"))) <= 76
        assert decodestring(data).startswith(canonical(text))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("", "7bit"),
        ("Hello", "7bit"),
        ("tabs\tand spaces   \n", "7bit"),
        ("From ann\n.\n..\n>From", "7bit"),
        ("x" * 998, "7bit"),
        ("x" * 999, "quoted-printable"),
        ("short\n" * 500 + "x" * 1500, "quoted-printable"),
        ("a\0b", "quoted-printable"),
        ("a\x7fb", "quoted-printable"),
        ("a\x0cb", "quoted-printable"),
        ("Viele herzliche Grüße aus Köln", "quoted-printable"),
        ("mostly ASCII, one 🎉", "quoted-printable"),
        ("日本語の文章です。", "base64"),
        ("Привет, мир", "base64"),
        ("🎉" * 20, "base64"),
    ],
)
def test_choice(text: str, encoding: TransferEncoding) -> None:
    assert encoded(text)[0] == encoding


@thorough
@given(TEXT)
def test_the_choice_is_the_shorter_one(text: str) -> None:
    encoding, data = encoded(text)
    if encoding == "7bit":
        return
    in_base64 = base64_size(len(canonical(text)))
    in_qp = len(re.sub(rb"[^!-<>-~\r\n ]", b"===", canonical(text)))
    # Soft line breaks and spaces at line ends come on top: near the middle either will do.
    assert len(data) <= 1.1 * min(in_base64, in_qp * 1.04) + 10


@pytest.mark.parametrize("text", ["a  \nb\t\nc ", "é  \né\t\né ", "From x\n.\n", "é\nFrom x\n.\n..\n"])
def test_spaces_dots_and_from_keep_their_meaning(text: str) -> None:
    encoding, data = encoded(text)
    assert decoded(encoding, data) == canonical(text)
    if encoding == "quoted-printable":
        assert not re.search(rb"[ \t]\r\n", data)


@pytest.mark.parametrize("name", ["text", "html"])
def test_a_lone_surrogate_is_refused_where_it_is_given(name: str) -> None:
    with pytest.raises(InvalidMessage, match=f"{name} has a lone surrogate at position 1") as caught:
        getattr(BASE, name)("a\udc80b")
    assert "surrogateescape" in (caught.value.hint or "")


# -- files -------------------------------------------------------------------


def test_base64_size_is_the_real_size() -> None:
    assert [base64_size(length) for length in range(5001)] == [
        len(b"".join(base64_blocks([bytes(length)] if length else []))) for length in range(5001)
    ]


@pytest.mark.parametrize("length", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 100])
def test_large_blocks(length: int) -> None:
    data = bytes(range(256)) * (length // 256) + bytes(length % 256)
    made = b"".join(base64_blocks([data]))
    assert b64decode(made) == data
    assert len(made) == base64_size(length)
    lines = made.split(b"\r\n")
    assert {len(line) for line in lines[:-2]} == {76}
    assert lines[-1] == b""


@thorough
@given(st.binary(max_size=3000), st.lists(st.integers(0, 55), max_size=8))
def test_blocks_may_be_split_at_whole_lines(data: bytes, cuts: list[int]) -> None:
    ends = sorted({0, *(57 * cut for cut in cuts if 57 * cut < len(data)), len(data)})
    blocks = [data[start:end] for start, end in pairwise(ends)]
    assert b"".join(base64_blocks(blocks)) == b"".join(base64_blocks([data]))
