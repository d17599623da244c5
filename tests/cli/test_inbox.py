"""The local inbox: a process of its own, which takes mail and shows it."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from smtpkit import Mailer, Message, PlaintextSmtpTransport
from smtpkit.inbox.mails import Kept, Mails
from smtpkit.preview.exhibit import Exhibit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext

pytest_plugins = ("browser",)

MESSAGE = Message().from_("Ann <ann@example.com>").to("bob@example.com").bcc("eve@example.com").subject("Hé")
_SECONDS = 20


class Running(NamedTuple):
    """An inbox that runs."""

    process: subprocess.Popen[str]
    smtp: str
    page: str

    def told(self) -> Any:
        """The next thing that it says."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, path: str, method: str = "GET", body: str = "", **headers: str) -> http.client.HTTPResponse:
        """What it answers."""
        connection = http.client.HTTPConnection(urlsplit(self.page).netloc, timeout=_SECONDS)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.text = answer.read().decode()  # type: ignore[attr-defined]
        connection.close()
        return answer


@pytest.fixture(scope="module")
def inbox() -> Iterator[Running]:
    """One for the whole module."""
    command = [sys.executable, "-W", "error", "-m", "smtpkit", "inbox", "--smtp-port", "0", "--http-port", "0"]
    with subprocess.Popen([*command, "--keep", "5", "--json"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        yield Running(process, first["smtp"], first["page"])
        process.send_signal(signal.SIGINT)
        assert process.wait(_SECONDS) == 0


def test_what_is_sent_is_told_and_shown(inbox: Running) -> None:
    assert Mailer.from_url(inbox.smtp).send(MESSAGE.text("some words")).ok
    told = inbox.told()
    assert (told["reverse_path"], told["recipients"]) == ("ann@example.com", ["bob@example.com", "eve@example.com"])
    assert told["subject"] == "Hé"
    for path in ("/", f"/mail/{told['number']}"):
        page: Any = inbox.ask(path)
        assert page.status == 200
        assert "some words" in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "no-store" in page.headers["Cache-Control"]


def test_any_log_in_is_good(inbox: Running) -> None:
    port = urlsplit(inbox.smtp).port
    assert port is not None
    transport = PlaintextSmtpTransport("127.0.0.1", port, username="me", password="any", allow_insecure_auth=True)
    with Mailer(transport) as mailer:
        assert mailer.send(MESSAGE).ok
    inbox.told()


REFUSED: list[tuple[str, str, str, dict[str, str], int]] = [
    ("GET", "/", "", {"Host": "evil.example"}, 403),
    ("GET", "/rows", "", {"Host": "evil.example:8025"}, 403),
    ("GET", "/mail/999999", "", {}, 404),
    ("GET", "/mail/x", "", {}, 404),
    ("GET", "/mail/" + "9" * 5000, "", {}, 404),
    ("GET", "/../../etc/passwd", "", {}, 404),
    ("GET", "x://[", "", {}, 404),
    ("GET", "http://evil.example/", "", {}, 403),
    ("GET", "/rows?current=<script>", "", {}, 200),
    ("POST", "/clear", "", {}, 403),
    ("POST", "/clear", "token=guessed", {"Origin": "http://evil.example"}, 403),
    ("POST", "/clear", "x" * 5000, {}, 403),
    ("POST", "/", "", {"Host": "evil.example"}, 403),
    ("PUT", "/", "", {}, 501),
]


@pytest.mark.parametrize(("method", "path", "body", "headers", "status"), REFUSED)
def test_what_others_ask_for(
    inbox: Running, method: str, path: str, body: str, headers: dict[str, str], status: int
) -> None:
    assert inbox.ask(path, method, body, **headers).status == status


def test_the_rows_change_only_if_something_came(inbox: Running) -> None:
    tag = inbox.ask("/rows").headers["ETag"]
    assert inbox.ask("/rows", **{"If-None-Match": tag}).status == 304
    Mailer.from_url(inbox.smtp).send(MESSAGE)
    inbox.told()
    assert inbox.ask("/rows", **{"If-None-Match": tag}).status == 200


def test_the_page_is_live(inbox: Running, chromium: BrowserContext) -> None:
    page = chromium.new_page()
    page.goto(inbox.page)
    Mailer.from_url(inbox.smtp).send(MESSAGE.subject("News").html("<script>document.title='run'</script><p>shown"))
    inbox.told()
    page.locator("#rows").get_by_text("News").click()
    page.frame_locator("iframe").get_by_text("shown").wait_for()
    assert page.locator("a[aria-current=page]").inner_text().count("News") == 1
    assert page.title().startswith("Inbox (")
    for number in range(6):
        Mailer.from_url(inbox.smtp).send(MESSAGE.subject(f"Later {number}"))
        inbox.told()
    page.locator("#rows").get_by_text("Later 5").wait_for()
    assert page.locator("#rows a").count() == 5
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("No mail yet.").wait_for()
    page.close()


def test_a_port_that_is_taken(inbox: Running) -> None:
    port = str(urlsplit(inbox.page).port)
    command = [sys.executable, "-m", "smtpkit", "inbox", "--smtp-port", "0", "--http-port", port]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert "Is an inbox running already?" in ran.stderr


def test_the_oldest_go_first() -> None:
    told: list[Kept] = []
    mails = Mails(3, told.append)
    for number in range(5):
        mails.add(Exhibit(b"Subject: %d\r\n\r\n" % number))
    assert [kept.number for kept in mails.newest_first()] == [5, 4, 3]
    assert [kept.number for kept in told] == [1, 2, 3, 4, 5]
    assert mails.numbered(1) is None
    before = mails.version
    mails.clear()
    assert mails.newest_first() == []
    assert mails.version != before
    assert mails.add(Exhibit(b"x: y\r\n\r\n")).number == 6


def test_large_mails_push_more_of_the_oldest_out() -> None:
    mails = Mails(100, lambda kept: None, most_octets=2500)
    large = Exhibit(b"Subject: x\r\n\r\n" + bytes(1000))
    for _ in range(4):
        mails.add(large)
    assert [kept.number for kept in mails.newest_first()] == [4, 3]
