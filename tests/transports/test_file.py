"""Mail into a directory, and onto the terminal."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from mailbox import Maildir
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    ConsoleTransport,
    DeliveryError,
    Envelope,
    FileTransport,
    InvalidConfiguration,
    Mailer,
    Message,
    RawMessage,
    UnreadableAttachment,
)

if TYPE_CHECKING:
    from pathlib import Path

    from both import Both

pytest_plugins = ("both",)

MESSAGE = (
    Message()
    .from_("Shop <shop@example.com>")
    .to("Ann Müller <ann@example.com>", "bob@example.com")
    .bcc("archive@example.com")
    .return_path("bounces@example.com")
    .subject("Café")
    .date(datetime(2026, 11, 2, 9, 30, tzinfo=UTC))
    .message_id("<1@example.com>")
    .text("Hi\n.\nthere")
)
ENVELOPE = (
    b"Return-Path: <bounces@example.com>\r\n"
    b"Envelope-To: ann@example.com,\r\n bob@example.com,\r\n archive@example.com\r\n"
)


def test_an_eml_is_the_envelope_and_the_mail(both: Both, tmp_path: Path) -> None:
    mailer = both.mailer(FileTransport(tmp_path / "new" / "outbox"))
    receipt = both.send(mailer, MESSAGE)
    assert list(receipt.accepted) == ["ann@example.com", "bob@example.com", "archive@example.com"]
    (path,) = (tmp_path / "new" / "outbox").iterdir()
    assert path.read_bytes() == ENVELOPE + MESSAGE.as_bytes()
    assert {outcome.queue_id for outcome in receipt.outcomes.values()} == {path.name}


def test_names_sort_in_the_order_of_the_mails(both: Both, tmp_path: Path) -> None:
    mailer = both.mailer(FileTransport(tmp_path))
    sent = [both.send(mailer, MESSAGE.message_id(f"<{number}@example.com>")) for number in range(20)]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [receipt.outcomes["bob@example.com"].queue_id for receipt in sent]
    assert all(name.endswith(".eml") for name in names)


def test_the_envelope_is_not_read_back_as_header(tmp_path: Path) -> None:
    Mailer(FileTransport(tmp_path)).send(MESSAGE)
    (path,) = tmp_path.iterdir()
    assert b"archive" not in Message.parse(path.read_bytes()).as_bytes()


def test_the_null_reverse_path_and_octets(both: Both, tmp_path: Path) -> None:
    raw = RawMessage(b"From: me@example.com\r\nTo: ann@example.com\r\n\r\nno line end")
    both.send(both.mailer(FileTransport(str(tmp_path))), MESSAGE.return_path(None))
    both.send(both.mailer(FileTransport(str(tmp_path))), raw)
    first, second = sorted(tmp_path.iterdir())
    assert first.read_bytes().startswith(b"Return-Path: <>\r\n")
    assert second.read_bytes().endswith(raw.as_bytes())


def test_a_maildir(both: Both, tmp_path: Path) -> None:
    mailer = both.mailer(FileTransport(tmp_path / "deep" / "mail", format="maildir"))
    receipt = both.send(mailer, MESSAGE)
    box = Maildir(tmp_path / "deep" / "mail", create=False)
    (key,) = box.keys()
    assert receipt.outcomes["ann@example.com"].queue_id == key
    assert box.get_bytes(key) == (ENVELOPE + MESSAGE.as_bytes()).replace(b"\r\n", b"\n")


@pytest.mark.parametrize("kind", ["eml", "maildir"])
def test_nothing_is_left_of_what_cannot_be_written(both: Both, tmp_path: Path, kind: Any) -> None:
    (tmp_path / "taken").write_text("a file")
    mailer = both.mailer(FileTransport(tmp_path / "taken" / "outbox", format=kind))
    with pytest.raises(DeliveryError, match="cannot write the mail into") as caught:
        both.send(mailer, MESSAGE)
    assert caught.value.safe_to_retry
    assert caught.value.hint is not None
    assert len(caught.value.recipients) == 3


@pytest.mark.parametrize("kind", ["eml", "maildir"])
def test_nothing_is_left_of_a_mail_whose_file_is_gone(both: Both, tmp_path: Path, kind: Any) -> None:
    file, outbox = tmp_path / "a.bin", tmp_path / "outbox"
    file.write_bytes(b"x" * 100_000)
    message = MESSAGE.attach(file)
    mailer = both.mailer(FileTransport(outbox, format=kind))
    both.send(mailer, message)
    before = sum(len(files) for _, _, files in os.walk(outbox))
    file.write_bytes(b"shorter")
    with pytest.raises(UnreadableAttachment, match="changed while it was sent"):
        both.send(both.mailer(_Shrinking(FileTransport(outbox, format=kind), file)), message)
    assert sum(len(files) for _, _, files in os.walk(outbox)) == before


class _Shrinking:
    """Cuts a file off between the making of a mail and its writing."""

    def __init__(self, transport: FileTransport, file: Path) -> None:
        self.transport, self.file = transport, file

    async def send(self, mail: Any, runtime: Any) -> Any:
        self.file.write_bytes(b"")
        return await self.transport.send(mail, runtime)

    async def close(self, runtime: Any) -> None:
        """Nothing is open."""


def test_the_directory_is_that_of_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    transport = FileTransport("outbox")
    monkeypatch.chdir("/")
    assert transport.directory == str(tmp_path / "outbox")
    assert repr(transport) == f"FileTransport({str(tmp_path / 'outbox')!r})"


WRONG: list[tuple[Any, Any, str]] = [
    ("", "eml", "directory=''"),
    (None, "eml", "directory=None"),
    (b"outbox", "eml", "directory=b'outbox'"),
    ("outbox", "mbox", "format='mbox'"),
]


@pytest.mark.parametrize(("directory", "kind", "text"), WRONG)
def test_what_cannot_be(directory: Any, kind: Any, text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=text):
        FileTransport(directory, format=kind)


# -- the console -------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


CARD = """\
│ From:     Shop <shop@example.com>
│ To:       Ann Müller <ann@example.com>, bob@example.com
│ Subject:  Café
│ Date:     Mon, 02 Nov 2026 09:30:00 +0000
│ Envelope: <bounces@example.com> to ann@example.com, bob@example.com, archive@example.com
"""


def test_a_card(both: Both) -> None:
    stream = io.StringIO()
    receipt = both.send(both.mailer(ConsoleTransport(stream)), MESSAGE.attach(b"1,2\n", filename="items.csv"))
    assert receipt.ok
    assert CARD in stream.getvalue()
    assert "│ Hi\n│ .\n│ there\n" in stream.getvalue()
    assert "│ items.csv  text/csv  4 bytes\n" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_html_is_shown_as_text_where_there_is_no_other() -> None:
    stream = io.StringIO()
    html = "<style>p{}</style><h1>Hello</h1><p>Your <b>order</b><br>is here<script>no()</script>"
    Mailer(ConsoleTransport(stream)).send(Message().from_("a@example.com").to("b@example.com").html(html))
    assert "│ Hello\n│ \n│ Your order\n│ is here\n" in stream.getvalue()


def test_a_mail_cannot_steer_the_terminal() -> None:
    stream = Terminal()
    raw = b"From: \x1b]0;title\x07me@example.com\r\nSubject: =?utf-8?q?=1B[2J?=\r\n\r\n\x1b[31mred\x9b1m\r\n"
    mail = RawMessage(raw)
    Mailer(ConsoleTransport(stream, color=False)).send(mail, envelope=Envelope("a@example.com", ["b@example.com"]))
    assert r"│ \x1b[31mred" in stream.getvalue()
    assert stream.getvalue().replace("\n", "").isprintable()


COLORED: list[tuple[type[io.StringIO], bool | None, dict[str, str], bool]] = [
    (Terminal, None, {"NO_COLOR": "", "TERM": "xterm"}, True),
    (Terminal, None, {"NO_COLOR": "1", "TERM": "xterm"}, False),
    (Terminal, None, {"NO_COLOR": "", "TERM": "dumb"}, False),
    (Terminal, False, {"NO_COLOR": "", "TERM": "xterm"}, False),
    (io.StringIO, None, {"NO_COLOR": "", "TERM": "xterm"}, False),
    (io.StringIO, True, {"NO_COLOR": "1", "TERM": "dumb"}, True),
]


@pytest.mark.parametrize(("kind", "color", "environ", "colored"), COLORED)
def test_colours(
    kind: type[io.StringIO],
    color: bool | None,
    environ: dict[str, str],
    colored: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    stream = kind()
    Mailer(ConsoleTransport(stream, color=color)).send(MESSAGE)
    assert ("\x1b[" in stream.getvalue()) is colored


def test_a_long_text_is_cut() -> None:
    stream = io.StringIO()
    Mailer(ConsoleTransport(stream)).send(MESSAGE.text("line\n" * 100))
    assert stream.getvalue().count("│ line\n") == 40
    assert "│ ... 60 more lines\n" in stream.getvalue()


def test_a_stream_that_cannot_show_everything() -> None:
    octets = io.BytesIO()
    with io.TextIOWrapper(octets, encoding="ascii", write_through=True) as stream:
        Mailer(ConsoleTransport(stream)).send(MESSAGE)
        assert b"Ann M?ller" in octets.getvalue()


def test_standard_error_as_it_is_then(capsys: pytest.CaptureFixture[str]) -> None:
    mailer = Mailer.from_url("console:")
    mailer.send(MESSAGE)
    assert CARD in capsys.readouterr().err


def test_a_closed_stream_is_no_mail_sent(both: Both) -> None:
    stream = io.StringIO()
    stream.close()
    with pytest.raises(DeliveryError, match="cannot write on the console") as caught:
        both.send(both.mailer(ConsoleTransport(stream)), MESSAGE)
    assert caught.value.safe_to_retry


def test_something_that_is_no_stream() -> None:
    broken: Any = "stdout"
    with pytest.raises(InvalidConfiguration, match="stream='stdout'"):
        ConsoleTransport(broken)
