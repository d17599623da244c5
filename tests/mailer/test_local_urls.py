"""URLs of transports that need no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from made import sender
from smtpkit import AsyncMailer, FileTransport, InvalidConfiguration, Mailer, Retry

if TYPE_CHECKING:
    from pathlib import Path

MAILERS = pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])

FILES: list[tuple[str, str, str]] = [
    ("file:./outbox", "{here}/outbox", "eml"),
    ("FILE:outbox", "{here}/outbox", "eml"),
    ("file:my%20mails", "{here}/my mails", "eml"),
    ("file:/var/mail/app", "/var/mail/app", "eml"),
    ("file:///var/mail/app?format=maildir", "/var/mail/app", "maildir"),
    ("file://localhost/var/mail/app", "/var/mail/app", "eml"),
]


@MAILERS
@pytest.mark.parametrize(("url", "directory", "kind"), FILES)
def test_a_directory(
    mailer: type[Mailer], url: str, directory: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for made in (mailer.from_url(url), mailer.from_env({"SMTP_URL": url})):
        transport = made.transport
        assert isinstance(transport, FileTransport)
        assert (transport.directory, transport.format) == (directory.format(here=tmp_path), kind)
    assert not list(tmp_path.iterdir())


@MAILERS
@pytest.mark.parametrize(
    ("url", "expected"), [("console:", "ConsoleTransport()"), ("console://?stream=stderr", "ConsoleTransport()")]
)
def test_the_console(mailer: type[Mailer], url: str, expected: str) -> None:
    assert repr(mailer.from_url(url).transport) == expected


def test_options_of_the_mailer() -> None:
    mailer = Mailer.from_url("file:x?default_from=me%40example.com&retry.attempts=2")
    assert sender(mailer) == "me@example.com"
    assert mailer._delivery._retry == Retry(2)  # pyright: ignore[reportPrivateUsage]
    assert sender(Mailer.from_env({"SMTP_URL": "console:", "SMTP_FROM": "me@example.com"})) == "me@example.com"


def test_in_a_composition() -> None:
    transport = Mailer.from_url("failover(smtp://a file:/var/mail/late)").transport
    assert repr(transport) == "FailoverTransport(SmtpTlsTransport('a', 587), FileTransport('/var/mail/late'), rest=60)"


WRONG: list[tuple[str, str]] = [
    ("file:", "a file: URL needs a directory"),
    ("file://", "a file: URL needs a directory"),
    ("file://example.com/var", "a file: URL is of this machine"),
    ("file:x?format=mbox", "format='mbox'"),
    ("file:x?stream=stdout", "a file: URL has no option stream"),
    ("file:x?connections=4", "a file: URL has no option connections"),
    ("file:x?nonsense=4", "unknown key 'nonsense'"),
    ("console:stdout", "a console: URL takes nothing but options"),
    ("console:?stream=tty", "stream=tty of a console: URL"),
    ("smtps://example.com?format=eml", "unknown option 'format'"),
]


@pytest.mark.parametrize(("url", "text"), WRONG)
def test_what_cannot_be(url: str, text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=text) as caught:
        Mailer.from_url(url)
    assert caught.value.hint
