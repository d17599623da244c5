"""Octets to replies: any pieces give the same ones, and none is out of bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import ProtocolError
from smtpkit.smtp.replies import ReplyParser

if TYPE_CHECKING:
    from smtpkit.reply import Reply

__all__ = ["SEEDS", "check"]

SEEDS = (
    b"\x03220 mail.example.com ESMTP\r\n250-mail.example.com\r\n250-SIZE 1000\r\n250 AUTH PLAIN\r\n",
    b"\x01550-5.1.1 no such\n550 5.1.1 user\n421 4.3.0 closing\r\n",
    b"\x07250-a\r\n251 b\r\n354\r\n334 \xc3\xbc\r\n334 \xfc\r\n",
    b"\x02HTTP/1.1 400 Bad Request\r\n",
    b"\x02* OK IMAP4rev1 ready\r\n+OK\r\nSSH-2.0\r\n<html>",
    b"\x01\x15\x03\x01\x00\x02\x02\x46",
)


def check(data: bytes) -> None:
    """The first octet says how long the pieces are, the others are what the server sends."""
    length, stream = (data[0] or 256, data[1:]) if data else (1, b"")
    whole = _parsed([stream])
    assert _parsed([stream[start : start + length] for start in range(0, len(stream), length)]) == whole
    for reply in whole[0]:
        _check_reply(reply)


def _parsed(pieces: list[bytes]) -> tuple[list[Reply], bool]:
    """The replies, and whether an error ended them."""
    parser = ReplyParser()
    replies: list[Reply] = []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (reply := parser.next()) is not None:
                replies.append(reply)
    except ProtocolError as error:
        assert error.message.isprintable()
        return replies, True
    return replies, False


def _check_reply(reply: Reply) -> None:
    assert 200 <= reply.code <= 599
    assert 1 <= len(reply.lines) <= 512
    assert sum(map(len, reply.lines)) <= 64 * 1024
    assert not any("\n" in line for line in reply.lines)
    assert str(reply).isprintable()
    assert reply.enhanced_code is None or reply.enhanced_code[0] == str(reply.code)[0]
    assert reply.text == reply.text.strip()
