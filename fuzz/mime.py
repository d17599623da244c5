"""Octets to a mail: what is read is written so that it is read again, and octets stay as they are."""

from __future__ import annotations

import re
from contextlib import suppress
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

from smtpkit import Address, Envelope, Mail, Message, RawMessage, SmtpkitError
from smtpkit.mime.generate import generated

if TYPE_CHECKING:
    from email.message import Message as AnyEmail

__all__ = ["SEEDS", "check"]

_HEAD = "From: Ann <ann@example.com>\nTo: bob@example.com\nMessage-ID: <1@example.com>\n"
_RELATED = f"""{_HEAD}MIME-Version: 1.0
Content-Type: multipart/related; boundary=b

--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=
--c
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: 8bit

<p>ü
--c--
--b
Content-Type: image/png; name="a.png"
Content-ID: <a>
Content-Disposition: inline; filename=a.png
Content-Transfer-Encoding: base64

AAEC
--b--
"""
_ENCLOSED = f"""{_HEAD}Content-Type: multipart/mixed; boundary=b

--b

x
--b
Content-Disposition: attachment; filename*0*=utf-8''%C3%BC; filename*1=b.txt
Content-Type: message/rfc822

{_HEAD}
Hi
--b--"""
_LIST = f"""{_HEAD}List-ID: News <n.x.com>
List-Unsubscribe: <https://x.com/>, <mailto:a@x.com>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
Auto-Submitted: auto-replied

x"""
_CALENDAR = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR"
SEEDS = tuple(
    text.replace("\n", "\r\n").encode("latin-1")
    for text in (
        f"{_HEAD}Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nDate: Mon, 02 Nov 2026 09:30:00 +0100\n\nHi\n.\n",
        f"{_HEAD}Reply-To: Team: a@x.example;\nX-Priority: 1 (Highest)\nReferences: <0@x> <1@x>\n folded\n\nx",
        _LIST,
        _RELATED,
        _RELATED.replace("related", "mixed"),
        _ENCLOSED,
        f"{_HEAD}Content-Type: text/calendar; method=REQUEST\n\n{_CALENDAR}",
        f"{_HEAD}Content-Type: multipart/signed; boundary=b\n\n--b\n\nx\n--b--\n",
        f"{_HEAD}Cc: =?utf-8?q?a=0D=0Ab?= =?utf-8?q?c?= <b@x>\nSubject: =?utf-16?b?DQAKAA==?= ü\n\nÿ",
        f"{_HEAD}Resent-To: a@x.example\nSender: a@x.example, b@x.example\n\n",
    )
)


def check(data: bytes) -> None:
    """Only errors of ours, and promises kept."""
    _check_raw(data)
    _check_parsed(data)
    for kind in (policy.default, policy.compat32):
        _check_email(data, kind)


def _check_raw(data: bytes) -> None:
    with suppress(SmtpkitError):
        raw = RawMessage(data)
        assert Mail(raw, Envelope("ann@example.com", ["bob@example.com"])).as_bytes() == raw.as_bytes() == data
        assert _broken(data) is None
        assert "\n" not in repr((raw, raw.fields))
        raw.addresses()


def _check_parsed(data: bytes) -> None:
    try:
        message = Message.parse(data)
    except SmtpkitError:
        return
    if "from_" not in message.fields:
        message = message.from_("ann@example.com")
    message = message.completed()
    written = message.as_bytes()
    assert _broken(written) is None
    again = Message.parse(written)
    # The last line end of a text is the encoding's.
    if not any(str(message.fields.get(body, "")).endswith(("\n", "\r")) for body in ("text", "html")):
        assert again.as_bytes() == written


def _check_email(data: bytes, kind: Any) -> None:
    """The standard library's reading of it, which has no line break where none was, is sent or refused."""
    email: AnyEmail[Any, Any] = message_from_bytes(data, policy=kind)
    with suppress(SmtpkitError):
        data, _ = generated(email, Address("ann@example.com"))
        assert _broken(RawMessage(data).as_bytes()) is None
    with suppress(SmtpkitError):
        Message.from_email_message(email)


def _broken(data: bytes) -> re.Match[bytes] | None:
    """What SMTP does not carry."""
    return re.search(rb"\r(?!\n)|(?<!\r)\n|\0", data)
