"""What can be shown, and what the page says of it."""

from __future__ import annotations

import stat
from email.message import EmailMessage
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smtpkit import (
    Envelope,
    FakeTransport,
    FileTransport,
    InvalidMessage,
    Mail,
    Mailer,
    Message,
    RawMessage,
    UnreadableAttachment,
)
from smtpkit.preview import render, show

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MESSAGE = (
    Message()
    .from_("Ann <ann@example.com>")
    .to("bob@example.com")
    .bcc("eve@example.com")
    .subject("Hé <b>")
    .text("plain words")
    .html("<p>html words")
    .attach(b"1,2\n", filename="items.csv")
)


def email() -> EmailMessage:
    """The same, as one of the standard library."""
    made = EmailMessage()
    made["From"], made["To"], made["Bcc"] = "Ann <ann@example.com>", "bob@example.com", "eve@example.com"
    made["Subject"] = "Hé <b>"
    made.set_content("plain words")
    made.add_alternative("<p>html words", subtype="html")
    made.add_attachment(b"1,2\n", maintype="text", subtype="csv", filename="items.csv")
    return made


def saved(directory: Path) -> Path:
    """The same, in a file."""
    Mailer(FileTransport(directory)).send(MESSAGE)
    return next(directory.iterdir())


FORMS: list[tuple[str, Callable[[Path], Any]]] = [
    ("a message", lambda _: MESSAGE),
    ("a mail", lambda _: Mail(MESSAGE)),
    ("octets for sending", lambda _: RawMessage(MESSAGE.as_bytes(), bcc=["eve@example.com"])),
    ("the standard library's", lambda _: email()),
    ("a path", saved),
    ("a path as text", lambda directory: str(saved(directory))),
    ("octets", lambda directory: saved(directory).read_bytes()),
    ("a list", lambda _: [MESSAGE]),
    ("a generator", lambda _: (each for each in [MESSAGE])),
]


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_every_form_of_a_mail(name: str, form: Callable[[Path], Any], tmp_path: Path) -> None:
    page = render(form(tmp_path))
    assert "Hé &lt;b&gt;" in page
    assert "plain words" in page
    assert "&lt;p&gt;html words" in page
    assert "items.csv" in page
    assert "data:application/octet-stream;base64,MSwyCg==" in page
    assert "&lt;ann@example.com&gt; to bob@example.com, eve@example.com" in page
    assert 'class="note' not in page, name


def test_an_outbox() -> None:
    fake = FakeTransport()
    mailer = Mailer(fake)
    for number in (1, 2):
        mailer.send(MESSAGE.subject(f"Number {number}"))
    page = render(fake.outbox)
    assert page.index("Number 2") < page.index("Number 1")
    assert "<title>Inbox (2)</title>" in page
    assert "No mail yet." in render([])


def test_the_file_is_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = show(MESSAGE)
    assert opened == [path.as_uri()]
    assert path.parent == tmp_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert show(MESSAGE, open=False, path=tmp_path / "own.html") == tmp_path / "own.html"
    assert len(opened) == 1


def test_nothing_is_loaded_by_the_page_itself() -> None:
    page = render(MESSAGE)
    assert "default-src 'none'" in unescape(page)
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page


def nested(depth: int) -> bytes:
    """Multiparts in one another."""
    return "".join(f"Content-Type: multipart/mixed; boundary={n}\r\n\r\n--{n}\r\n" for n in range(depth)).encode()


PROBLEMS: list[tuple[Any, str]] = [
    (Message().subject("x").to("a@example.com"), "Not ready to be sent: the message has no From."),
    (Message().from_("a@example.com"), "Not ready to be sent: nobody to send to."),
    (Message().from_("a@x.com").to("b@x.com").html('<img src="cid:logo">'), "cid:logo"),
    (b"Subject: x\nFrom: a@example.com\n\nbare line feeds", "It cannot be sent as it is: a bare line feed"),
    (b"no header at all", "It cannot be sent as it is: the data has no header"),
    (b"", "It cannot be sent as it is: the data has no header"),
    (b"\xff\xfe\0\r\r\n", "It cannot be sent as it is"),
    (
        b"From: a@b.com\r\nTo: c@d.com\r\nContent-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\nhi\r\n--x--\r\n",
        "It cannot be sent as a Message, but as a RawMessage it can: a multipart/signed",
    ),
    (b"Content-Type: multipart/mixed; boundary=x\r\n\r\nnever begins", "start boundary was never found"),
    (b"Content-Type: text/plain; charset=nonsense\r\n\r\nstill \xe4 text", "still ä text"),
    (b"Subject: =?nonsense?q?x?=\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!", "=?nonsense?q?x?="),
    (b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" * 3000, "multipart/mixed"),
    (nested(60), "multipart/mixed"),
    (nested(1500), "The mail cannot be taken apart"),
    (b"Content-Type: text/plain; charset=ascii\r\n\r\n\x81 in no charset", "\x81 in no charset"),
]


@pytest.mark.parametrize(("given", "text"), PROBLEMS)
def test_what_is_broken_or_not_finished_is_shown_with_a_note(given: Any, text: str) -> None:
    assert text in unescape(render(given))
    assert text in unescape(render([given]))


@pytest.mark.parametrize("given", [None, 7, object(), [None], [["a.eml"]]])
def test_what_is_no_mail(given: Any) -> None:
    with pytest.raises(InvalidMessage, match="cannot show"):
        render(given)


def test_a_path_without_a_mail(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAttachment, match="cannot read the mail"):
        render(tmp_path / "gone.eml")


def test_the_null_reverse_path() -> None:
    assert "&lt;&gt; to b@example.com" in render(Mail(MESSAGE, Envelope(None, ["b@example.com"])))


def test_a_long_text_and_a_long_source_are_cut() -> None:
    page = render(MESSAGE.text("word " * 100_000))
    assert "[... and more: 500.0 kB in all]" in page
    assert len(page) < 3_000_000


def test_large_files_are_named_and_not_carried() -> None:
    page = render(MESSAGE.attach(bytes(3_000_001), filename="large.bin"))
    assert "large.bin" in page
    assert "3.0 MB" in page
    assert len(page) < 700_000


def test_an_image_that_is_named_very_often_is_not_put_in_each_time() -> None:
    mail = MESSAGE.html('<img src="cid:a">' * 2000 + '<img src="cid:b">')
    mail = mail.embed(bytes(99_999), cid="a", content_type="image/png")
    page = render(mail.embed(b"small", cid="b", content_type="image/png"))
    assert (page.count("data:image/png;base64,AAAA"), page.count("data:image/png;base64,c21hbGw=")) == (500, 1)


REMOTE: list[tuple[str, str | None]] = [
    ('<img src="https://a.example/x.png">', "1 remote resource is not loaded here, from a.example."),
    (
        "<td background='//b.example/x'><img srcset='http://c.example/1 1x, http://c.example/2 2x'>",
        "3 remote resources",
    ),
    ("<p style=\"background: url('https://d.example/x')\">", "from d.example."),
    (
        "<style>@import 'https://e.example/x'; p { background: url(https://f.example/y) }</style>",
        "e.example, f.example",
    ),
    ('<link rel="stylesheet" href="https://g.example/x">', "g.example"),
    (
        "".join(f'<img src="https://{n}.example/x">' for n in range(8)),
        "from 0.example, 1.example, 2.example, 3.example,",
    ),
    ('<a href="https://h.example/x">x</a> https://i.example <img src="cid:x"><img src="data:,">', None),
    ("<![broken <img src='https://j.example/x'", None),
    ("<img\nALT='a>b' SRC = https://k.example/x>", "k.example"),
    ('<img src="https://l.example/x" never ends', "l.example"),
    ("<!-- <img src='https://m.example/x'> -->", None),
    ("<textarea><img src='https://n.example/x'></textarea>", None),
    ("<script>'<img src=https://o.example/x>'</script>", None),
    ('<img src="&#104;ttps://p.example/x">', "p.example"),
    ("<style>p { color: red }</style ><img src=https://q.example/x>", "q.example"),
]


@pytest.mark.parametrize(("html", "text"), REMOTE)
def test_remote_content_is_named(html: str, text: str | None) -> None:
    page = render(MESSAGE.html(html))
    if text is None:
        assert "not loaded here" not in page
    else:
        assert text in page


@given(st.binary(max_size=300), st.sampled_from(["text/html", "multipart/mixed; boundary=x", "message/rfc822", "a"]))
@example(b"\r\n\r\n\xed\xa0\x80", "text/html; charset=utf-7")
@example(b"\r\n\r\n<!\r\n<![x", "text/html")
@example(b"Content-Disposition: attachment; filename*=x'y'%ff\r\n\r\n", "text/plain")
@example(b"Content-ID: \xff\r\nContent-Transfer-Encoding: \xff\r\n\r\n", "text/html")
def test_whatever_the_octets_are_there_is_a_page(tail: bytes, content_type: str) -> None:
    page = render(b"Content-Type: " + content_type.encode() + b"\r\n" + tail)
    assert page.encode().endswith(b"</html>\n")
