"""Nothing gets out of its field: whatever is given, it is refused, or there as text and nothing else.

What a harmless text gives at the same place is what a hostile one gives: the same fields, recipients and parts.
"""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest

from entrances import BASE, ENTRANCES
from shapes import assert_inert, mailboxes
from smtpkit import Envelope, InvalidAddress, InvalidHeader, InvalidMessage, RawMessage

if TYPE_CHECKING:
    from email.message import Message as AnyEmail

CONTROLS = [
    *map(chr, range(32)),
    "\x7f",
    "\x85",
    "\xa0",
    "\u2028",
    "\u2029",
    "\u200b",
    "\u202e",
    "\ufeff",
    "\udc80",
    "\r\n",
    "\n ",
    "\r\n\r\n",
    "\r\n.\r\n",
]
ENCODED = [
    "=?utf-8?q?a=0D=0ABcc:_eve=40example.com?=",
    "=?utf-8?q?a=0ABcc=3A_eve=40example=2Ecom?=",
    "=?utf-8?b?DQpCY2M6IGV2ZUBleGFtcGxlLmNvbQ==?=",
    "=?utf-8?Q?a=0D?= =?utf-8?Q?=0ABcc:_eve=40example.com?=",
    "=?iso-8859-1*en?q?=0A=0A?=",
    "=?utf-7?q?+AA0ACg-Bcc:_eve=40example.com?=",
    "=?utf-16?b?DQAKAEIAYwBjADoA?=",
    "=?utf-8?q?=22=2C_eve=40example=2Ecom=2C_=22?=",
    "=?utf-8?q?=3Ceve=40example=2Ecom=3E?=",
    "%0D%0ABcc:%20eve@example.com",
    "utf-8''%0D%0ABcc%3A%20eve@example.com",
    "&#13;&#10;Bcc: eve@example.com",
    "a=\r\nBcc: eve@example.com",
    "\\r\\nBcc: eve@example.com",
    "嘊嘍Bcc: eve@example.com",
]
LOOKALIKES = [
    'a"; filename="evil.exe',
    "a; filename=evil.exe",
    "a; filename*=utf-8''evil.exe; name*0=evil",
    'a"; boundary="b"; charset="utf-7',
    "multipart/mixed; boundary=b",
    "message/rfc822",
    "a, eve@example.com",
    "a; eve@example.com",
    "<eve@example.com>",
    "a> <eve@example.com",
    'a" <eve@example.com>, "b',
    'a\\" <eve@example.com>, \\"b',
    "Team: eve@example.com, fay@example.com;",
    "(eve@example.com)",
    "a@b.example>, <eve@example.com",
    "@relay.example:eve",
    "a\\",
    '"',
    "--=_mixed_1",
    "--=_alternative_1--",
    "Bcc: eve@example.com",
    ": eve@example.com",
    ">, <mailto:eve@example.com",
    "> SIZE=1 RET=FULL",
    ".",
]
HUGE = ["x" * 100_000, "x " * 5_000, "é" * 5_000, '"' * 10_000, "a@" * 5_000, "=?" * 5_000, "🎉\t" * 2_000]


def assert_nothing_gets_out(entrance: str, text: str) -> None:
    message = assert_inert(entrance, text)
    if message is not None:
        found = [each.addr_spec for each in Envelope.of(message).recipients]
        for kind in (policy.default, policy.compat32):
            email: AnyEmail[Any, Any] = message_from_bytes(message.as_bytes(), policy=kind)
            found += [spec for specs in mailboxes(email).values() for spec in specs]
        assert "eve@example.com" not in found


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_controls(entrance: str, control: str) -> None:
    for text in (
        f"a{control}Bcc: eve@example.com",
        f"{control}Bcc: x",
        f"a{control}",
        f"a{control}{control}b",
        control,
    ):
        assert_nothing_gets_out(entrance, text)


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_lookalikes(entrance: str) -> None:
    for text in (*ENCODED, *LOOKALIKES):
        assert_nothing_gets_out(entrance, text)


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_huge(entrance: str) -> None:
    for text in HUGE:
        assert_nothing_gets_out(entrance, text)


@pytest.mark.parametrize("control", ["\r", "\n", "\r\n", "\0", "\udc80", "\r\n "], ids=ascii)
@pytest.mark.parametrize("entrance", [name for name, entrance in ENTRANCES.items() if entrance.one_line])
def test_line_breaks_are_refused(entrance: str, control: str) -> None:
    with pytest.raises((InvalidHeader, InvalidAddress, InvalidMessage)):
        ENTRANCES[entrance].give(f"a{control}b")


NEVER_ENCODED = [
    *("from", "to", "cc in brackets", "bcc", "reply-to quoted", "message id", "message id domain", "unsubscribe url"),
    *("unsubscribe mailto", "unsubscribe mailto query", "quoted parameter", "alternative charset", "content id"),
    *("list id", "list id in brackets"),
]


@pytest.mark.parametrize("entrance", NEVER_ENCODED)
@pytest.mark.parametrize("text", ["=?utf-8?q?x?=", "a=?ISO-8859-1*en?B?eA==?=", "=?x?q?"])
def test_encoded_words_are_refused_where_nothing_is_encoded(entrance: str, text: str) -> None:
    with pytest.raises((InvalidHeader, InvalidAddress, InvalidMessage)):
        ENTRANCES[entrance].give(text)


@pytest.mark.parametrize(
    "break_", ["=?utf-8?q?=0A?=", "=?utf-8?b?DQo=?=", "=?utf-16?b?DQAKAA==?=", "=?UTF-7?q?+AA0ACg-?="]
)
def test_ids_of_other_mails_hide_no_line_break(break_: str) -> None:
    for entrance in ("in-reply-to", "in-reply-to mail", "references"):
        with pytest.raises(InvalidMessage, match="not a message id"):
            ENTRANCES[entrance].give(break_)
        if entrance == "references":
            with pytest.raises(InvalidMessage, match="not a message id"):
                ENTRANCES[entrance].give(f"{break_[:-2]} ?=")
        for harmless in ("=?utf-8?q?x?=", "=?utf-8?b?x?="):
            assert ENTRANCES[entrance].give(harmless).as_bytes()


def test_the_ids_of_several_mails_hide_no_line_break() -> None:
    first = RawMessage(b"Message-ID: <0@x>\r\nReferences: <=?utf-8?q?a=0D>\r\n\r\n")
    assert BASE.in_reply_to(first).as_bytes()
    with pytest.raises(InvalidMessage, match="not a message id, but a line break"):
        BASE.in_reply_to(first, "<b?=@x>")
