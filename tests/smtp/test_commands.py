"""Commands as octets: one line each, whatever is given; and content as DATA has it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smtpkit.errors import ProtocolError
from smtpkit.secret import Secret
from smtpkit.smtp import commands

if TYPE_CHECKING:
    from collections.abc import Callable

MAKERS: dict[str, Callable[[str], bytes]] = {
    "ehlo": commands.ehlo,
    "helo": commands.helo,
    "mail": commands.mail,
    "rcpt": commands.rcpt,
    "auth_line": lambda text: commands.auth_line(Secret(text)),
    "mechanism": lambda text: commands.auth(text, None),
    "initial": lambda text: commands.auth("PLAIN", Secret(text)),
    "mail utf8": lambda text: commands.mail(text, smtputf8=True),
    "rcpt utf8": lambda text: commands.rcpt(text, utf8=True),
    "ret": lambda text: commands.mail("a@b.test", ret=text),
    "envelope id": lambda text: commands.mail("a@b.test", envelope_id=text),
    "notify": lambda text: commands.rcpt("a@b.test", notify=["SUCCESS", text]),
    "original recipient": lambda text: commands.rcpt("a@b.test", original_recipient=text),
}


@pytest.mark.parametrize("name", MAKERS)
@given(st.text(max_size=20))
@example("a\r\nRCPT TO:<b@c.test>")
@example("a\nb")
@example("a\0b")
@example("a\x7f")
@example("a\u0085b")
@example("jörg@a.test")
def test_a_command_is_one_line_or_refused(name: str, text: str) -> None:
    printable = all(" " <= char <= "~" for char in text)
    utf8 = "utf8" in name and not any(
        char < " " or "\x7f" <= char < "\xa0" or "\ud800" <= char < "\ue000" for char in text
    )
    if not (printable or utf8):
        with pytest.raises(ProtocolError):
            MAKERS[name](text)
        return
    line = MAKERS[name](text)
    assert line.endswith(b"\r\n")
    assert not set(line[:-2]) & {0x0A, 0x0D, 0x00}
    assert line.isascii() or utf8


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (commands.DATA, b"DATA\r\n"),
        (commands.RSET, b"RSET\r\n"),
        (commands.QUIT, b"QUIT\r\n"),
        (commands.STARTTLS, b"STARTTLS\r\n"),
        (commands.ehlo("[127.0.0.1]"), b"EHLO [127.0.0.1]\r\n"),
        (commands.mail(""), b"MAIL FROM:<>\r\n"),
        (commands.mail("a@b.test", size=0), b"MAIL FROM:<a@b.test> SIZE=0\r\n"),
        (
            commands.mail("jörg@b.test", size=9, eight_bit=True, smtputf8=True),
            "MAIL FROM:<jörg@b.test> SIZE=9 BODY=8BITMIME SMTPUTF8\r\n".encode(),
        ),
        (
            commands.mail("", ret="HDRS", envelope_id="a b+c=d~!", require_tls=True),
            b"MAIL FROM:<> RET=HDRS ENVID=a+20b+2Bc+3Dd~! REQUIRETLS\r\n",
        ),
        (
            commands.rcpt("a@b.test", notify=["SUCCESS", "DELAY"], original_recipient="rfc822;a+b@c.test"),
            b"RCPT TO:<a@b.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@c.test\r\n",
        ),
        (commands.rcpt("jörg@b.test", utf8=True), "RCPT TO:<jörg@b.test>\r\n".encode()),
        (commands.auth("LOGIN", None), b"AUTH LOGIN\r\n"),
        (commands.auth("EXTERNAL", Secret("")), b"AUTH EXTERNAL =\r\n"),
        (commands.auth_line(Secret("")), b"\r\n"),
    ],
)
def test_the_form_of_a_command(made: bytes, line: bytes) -> None:
    assert made == line


# -- dot-stuffing ------------------------------------------------------------------

PARTS = st.lists(st.sampled_from([b"\r\n", b".", b"..", b"a", b"\r\n.", b"\r\n.\r\n"]), max_size=12).map(b"".join)
WILD = st.lists(st.sampled_from([b"\r", b"\n", b".", b"a"]), max_size=12).map(b"".join)
CUTS = st.sets(st.integers(1, 30))


def split(content: bytes, cuts: set[int]) -> list[bytes]:
    at = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    return [content[start:stop] for start, stop in pairwise(at)]


def unstuffed(wire: bytes) -> bytes:
    """Content as a server that goes by the letter of RFC 5321 §4.5.2 reads it."""
    assert wire.endswith(b".\r\n")
    lines = wire.removesuffix(b".\r\n").split(b"\r\n")
    assert b"." not in lines, "the content ended early"
    return b"\r\n".join(line.removeprefix(b".") for line in lines)


@given(PARTS, CUTS)
@example(b"", set())
@example(b".", set())
@example(b"a\r\n.b\r\n", {2})
@example(b"a\r\n.b\r\n", {3})
@example(b"a\r\n.\r\n", {1, 2, 3, 4, 5, 6})
def test_what_is_stuffed_comes_out_the_same_whatever_its_chunks(content: bytes, cuts: set[int]) -> None:
    wire = b"".join(commands.stuffed([content]))
    assert b"".join(commands.stuffed(split(content, cuts))) == wire
    assert unstuffed(wire) == (content if not content or content.endswith(b"\r\n") else content + b"\r\n")


@given(WILD, CUTS)
@example(b"a\n", {1})
@example(b"a\n.\n", {2})
@example(b"a\r", {1})
@example(b"\n", set())
def test_nothing_but_the_end_looks_like_the_end(content: bytes, cuts: set[int]) -> None:
    """Bare line ends too: some servers take them for line ends (SMTP smuggling)."""
    wire = b"".join(commands.stuffed(split(content, cuts)))
    assert wire == b"".join(commands.stuffed([content]))
    assert wire == b".\r\n" or wire.endswith(b"\r\n.\r\n")
    before = b"\r\n" + wire[:-3]
    for line_end in (b"\r\n", b"\n"):
        assert b"\n." + line_end not in before


@given(PARTS, CUTS)
def test_the_final_dot_comes_with_the_last_chunk(content: bytes, cuts: set[int]) -> None:
    pieces = list(commands.stuffed(split(content, cuts)))
    assert all(pieces)
    assert len(pieces) == max(1, len(split(content, cuts)))
