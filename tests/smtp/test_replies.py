"""Octets to replies: in any pieces, within bounds, and who else may be speaking."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smtpkit.errors import ProtocolError
from smtpkit.reply import Reply
from smtpkit.smtp.replies import ReplyParser

LINE_END = st.sampled_from([b"\r\n", b"\n"])
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
REPLY = st.builds(Reply, st.integers(200, 599), st.lists(TEXT, min_size=1, max_size=4).map(tuple))


def written(reply: Reply, end: bytes = b"\r\n") -> bytes:
    last = len(reply.lines) - 1
    return b"".join(
        f"{reply.code}{' ' if number == last else '-'}{line}".encode() + end for number, line in enumerate(reply.lines)
    )


def parsed(pieces: list[bytes]) -> tuple[list[Reply], str | None]:
    """The replies, and the error that ended them."""
    parser = ReplyParser()
    replies: list[Reply] = []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (reply := parser.next()) is not None:
                replies.append(reply)
    except ProtocolError as error:
        return replies, error.message
    return replies, None


@given(st.lists(st.tuples(REPLY, LINE_END), max_size=4), st.sets(st.integers(0, 200)))
def test_any_pieces_give_the_same_replies(said: list[tuple[Reply, bytes]], cuts: set[int]) -> None:
    stream = b"".join(written(reply, end) for reply, end in said)
    at = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[start:stop] for start, stop in pairwise(at)]
    assert parsed(pieces) == ([reply for reply, _ in said], None)


@given(st.binary(max_size=60))
@example(b"250-a\r\n550 b\r\n")
@example(b"250 ok\r\nHTTP/1.1 400 Bad\r\n")
@example(b"\x15\x03\x03\x00\x02\x02\x0a")
def test_any_octets_give_the_same_whole_or_one_by_one(stream: bytes) -> None:
    replies, error = parsed([stream])
    again, error_again = parsed([bytes([octet]) for octet in stream])
    assert again == replies
    assert (error is None) == (error_again is None)


@pytest.mark.parametrize(
    ("octets", "reply", "enhanced", "text"),
    [
        (b"250 ok\r\n", Reply(250, ("ok",)), None, "ok"),
        (b"250\r\n", Reply(250, ("",)), None, ""),
        (b"250 \r\n", Reply(250, ("",)), None, ""),
        (b"250-a\r\n250\r\n", Reply(250, ("a", "")), None, "a"),
        (b"550-5.1.1 no such\n550 5.1.1 user\n", Reply(550, ("5.1.1 no such", "5.1.1 user")), "5.1.1", "no such user"),
        (b"450 5.1.1 odd\r\n", Reply(450, ("5.1.1 odd",)), None, "5.1.1 odd"),
        (b"250 2.0.0\r\n", Reply(250, ("2.0.0",)), "2.0.0", ""),
        ("250 größe\r\n".encode(), Reply(250, ("größe",)), None, "größe"),
        ("250 größe\r\n".encode("latin-1"), Reply(250, ("größe",)), None, "größe"),
    ],
)
def test_a_reply(octets: bytes, reply: Reply, enhanced: str | None, text: str) -> None:
    assert parsed([octets]) == ([reply], None)
    assert (reply.enhanced_code, reply.text) == (enhanced, text)


@pytest.mark.parametrize("octets", [b"", b"2", b"250-ok\r\n", b"250 ok", b"250 ok\r", b"250-ok\r\n250 o"])
def test_a_reply_that_is_not_complete(octets: bytes) -> None:
    parser = ReplyParser()
    parser.feed(octets)
    assert parser.next() is None
    assert parser.pending == bool(octets)


@pytest.mark.parametrize(
    ("octets", "complaint"),
    [
        (b"250-a\r\n251 b\r\n", "different codes"),
        (b"250-a\r\n550-b\r\n", "different codes"),
        (b"hello\r\n", "not a reply"),
        (b"\r\n", "not a reply"),
        (b"25 ok\r\n", "not a reply"),
        (b"2500 ok\r\n", "not a reply"),
        (b"150 ok\r\n", "not a reply"),
        (b"650 ok\r\n", "not a reply"),
        (b"250+ok\r\n", "not a reply"),
        (b"HTTP/1.1 400 Bad Request\r\n", "an HTTP server"),
        (b"<html>\n", "an HTTP server"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "an SSH server"),
        (b"* OK IMAP4rev1 ready\r\n", "an IMAP server"),
        (b"+OK POP3 ready\r\n", "a POP3 server"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "a TLS server"),
        (b"\x15\x03\x03\x00\x02\x02\x0a", "a TLS server"),
        (b"* " + b"x" * 70_000, "an IMAP server"),
        (b"250 ok\r\n* OK\r\n", "not a reply"),
    ],
)
@pytest.mark.parametrize("octet_by_octet", [False, True])
def test_what_is_no_reply(octets: bytes, complaint: str, octet_by_octet: bool) -> None:
    pieces = [bytes([octet]) for octet in octets] if octet_by_octet and len(octets) < 1000 else [octets]
    _, error = parsed(pieces)
    assert complaint in (error or "")


@pytest.mark.parametrize("lines", [511, 512, 513])
def test_a_reply_has_at_most_512_lines(lines: int) -> None:
    replies, error = parsed([b"250-x\r\n" * (lines - 1) + b"250 x\r\n"])
    assert (len(replies), bool(error)) == ((1, False) if lines <= 512 else (0, True))


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 200_000])
@pytest.mark.parametrize("lines", [1, 3])
@pytest.mark.parametrize("chunk", [1000, 10**6])
def test_a_reply_has_at_most_64_kib(size: int, lines: int, chunk: int) -> None:
    first = b"220 hello\r\n"
    reply = b"250-x\r\n" * (lines - 1)
    reply += b"250 " + b"x" * (size - len(reply) - 6) + b"\r\n"
    assert len(reply) == size
    stream = first + reply + first
    replies, error = parsed([stream[start : start + chunk] for start in range(0, len(stream), chunk)])
    assert (len(replies), bool(error)) == ((3, False) if size <= 65_536 else (1, True))


def test_a_line_that_never_ends_is_not_collected() -> None:
    parser = ReplyParser()
    parser.feed(b"250 ok\r\n250 ")
    assert parser.next() is not None
    for _ in range(63):
        parser.feed(b"x" * 1024)
        assert parser.next() is None
    parser.feed(b"x" * 1024)
    with pytest.raises(ProtocolError, match="octets"):
        parser.next()
