"""The command line: what it prints, and its exit codes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import Message
from smtpkit.cli.main import COMMANDS, main

if TYPE_CHECKING:
    from servers.certificates import Certificates
    from servers.smtpd import StartSmtpd

MAIL = ["send", "ann@example.com", "--from", "me@example.com", "-s", "Hello"]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"    {name}" in told for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_teaches(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    told = capsys.readouterr().out
    assert f"  python -m smtpkit {command}" in told
    assert "--json" in told


def test_it_runs_as_a_module_and_loads_one_command_alone() -> None:
    code = (
        "import sys, runpy; sys.argv = ['smtpkit', 'providers', 'gmail']\n"
        "try: runpy.run_module('smtpkit', run_name='__main__')\n"
        "finally: print(sorted(name for name in sys.modules if name.startswith('smtpkit.cli.')))"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert "Gmail (gmail)" in ran.stdout
    assert "['smtpkit.cli.main', 'smtpkit.cli.output', 'smtpkit.cli.providers']" in ran.stdout


@pytest.mark.parametrize(
    ("called", "name"), [("/bin/smtpkit", "smtpkit"), ("smtpkit/__main__.py", "python -m smtpkit")]
)
def test_usage_has_the_name_by_which_it_was_called(
    called: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", [called, "send"])
    assert main() == 2
    assert f"usage: {name} send [-h]" in capsys.readouterr().err


def test_it_is_a_command_of_its_own() -> None:
    command = Path(sys.executable).with_name("smtpkit")
    ran = [
        subprocess.run([command, *line], check=False, capture_output=True, text=True, timeout=60)
        for line in (["providers", "gmail"], ["providers", "gmial"])
    ]
    assert [each.returncode for each in ran] == [0, 2]
    assert "Gmail (gmail)" in ran[0].stdout


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("smtpkit 0.")


# -- send --------------------------------------------------------------------------


def test_send_writes_what_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMTP_URL", f"file:{tmp_path}/outbox")
    monkeypatch.setenv("SMTP_FROM", "Shop <shop@example.com>")
    (tmp_path / "a.csv").write_text("1,2\n")
    (tmp_path / "page.html").write_text("<p>häuser", "utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO("from standard input\n"))
    line = ["send", "Ann <ann@example.com>", "bob@example.com", "-s", "Hé", "--cc", "c@example.com"]
    line += ["--bcc", "d@example.com", "--reply-to", "e@example.com", "--header", "X-Campaign: autumn"]
    line += ["-a", f"{tmp_path}/a.csv", "--html-file", f"{tmp_path}/page.html", "--text-file", "-"]
    assert main(line) == 0
    assert capsys.readouterr().out.count("accepted") == 5
    (path,) = (tmp_path / "outbox").iterdir()
    mail: Any = Message.parse(path.read_bytes()).fields
    assert [str(each) for each in mail["to"]] == ["Ann <ann@example.com>", "bob@example.com"]
    assert (str(mail["from_"]), mail["subject"], mail["text"]) == (
        "Shop <shop@example.com>",
        "Hé",
        "from standard input",
    )
    assert (mail["html"], mail["headers"]) == ("<p>häuser", (("X-Campaign", "autumn"),))
    assert mail["attachments"][0].filename == "a.csv"
    assert b"d@example.com" in path.read_bytes().partition(b"From:")[0]


def test_options_and_recipients_come_in_any_order(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["send", "a@x.org", "-s", "Hello", "b@x.org", "--url", "console:?stream=stdout", "--from", "me@x.org"]
    assert main([*line, "-t", "Hi", "c@x.org"]) == 0
    assert "To:       a@x.org, b@x.org, c@x.org" in capsys.readouterr().out


def test_text_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("piped words\n"))
    assert main([*MAIL, "--url", "console:?stream=stdout"]) == 0
    assert "│ piped words" in capsys.readouterr().out


def test_exit_codes_of_send(
    smtpd: StartSmtpd,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    server = smtpd(security="tls", refused=("bob@example.com",))
    url = f"smtps://localhost:{server.port}"
    assert main([*MAIL, "-t", "x", "--url", url]) == 0
    assert main(["send", "bob@example.com", *MAIL[1:], "-t", "x", "--url", url]) == 3
    assert "bob@example.com" in capsys.readouterr().err
    assert main(["send", "bob@example.com", "--from", "me@example.com", "-t", "x", "--url", url, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["error"]["kind"], told["error"]["temporary"]) == (False, "RecipientsRefused", False)
    assert told["outcomes"]["bob@example.com"]["reply"]["code"] == 550
    server.stop()
    assert main([*MAIL, "-t", "x", "--url", url]) == 75
    assert "no connection" in capsys.readouterr().err


WRONG: list[tuple[list[str], str]] = [
    ([], "COMMAND"),
    (["sned"], "invalid choice: 'sned'"),
    (["send"], "TO"),
    (["send", "ann", "--url", "console:", "-t", "x"], "not a valid address: 'ann'"),
    (["send", "ann@example.com", "--url", "console:", "-t", "x"], "the message has no From"),
    ([*MAIL, "-t", "x"], "neither SMTP_URL nor SMTP_HOST is set"),
    ([*MAIL, "-t", "x", "--url", "smpt://x"], "smpt"),
    ([*MAIL, "--url", "console:", "--text", "x", "--text-file", "y"], "both --text and --text-file"),
    ([*MAIL, "--url", "console:", "--text-file", "-", "--html-file", "-"], "cannot both come from standard input"),
    ([*MAIL, "--url", "console:", "--text-file", "/gone.txt"], "cannot read /gone.txt"),
    ([*MAIL, "--url", "console:", "-t", "x", "-a", "/gone.pdf"], "cannot read the attachment '/gone.pdf'"),
    ([*MAIL, "--url", "console:", "-t", "x", "--header", "nonsense"], "--header 'nonsense' has no colon"),
    ([*MAIL, "--url", "console:"], "there is no text"),
    (["providers", "gmial"], "'gmial'"),
    (["preview", "/gone.eml"], "cannot read the mail '/gone.eml'"),
    (["inbox", "--keep", "0"], "keep=0"),
    (["preview", "{mail}", "--output", "/gone/page.html"], "cannot write the page /gone/page.html"),
    (["inbox", "--smtp-port", "x"], "'x' is no port"),
    (["inbox", "--http-port", "70000"], "'70000' is no port"),
    (["inbox", "x"], "unrecognized arguments: x"),
    (["check", "gmial"], '"python -m smtpkit providers" lists'),
    (["check", "console:", "--timeout", "-1"], "timeout=-1.0"),
]


@pytest.mark.parametrize(("line", "text"), WRONG)
def test_wrong_arguments_are_exit_code_2(
    line: list[str], text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mail = tmp_path / "saved.eml"
    mail.write_bytes(b"Subject: x\r\n\r\n")
    for name in ("SMTP_URL", "SMTP_HOST", "SMTP_FROM"):
        monkeypatch.delenv(name, raising=False)
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert main([each.format(mail=mail) for each in line]) == 2
    assert text in capsys.readouterr().err


# -- providers ---------------------------------------------------------------------


def test_providers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers"]) == 0
    table = capsys.readouterr().out
    assert "gmail " in table
    assert "500 messages per 24h" in table
    assert main(["providers", "--json"]) == 0
    names = [each["name"] for each in json.loads(capsys.readouterr().out)]
    assert names == sorted(names) == [line.split()[0] for line in table.splitlines()[1:]]


@pytest.mark.parametrize("name", ["gmail", "GMAIL", "me@gmail.com"])
def test_one_provider(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers", name]) == 0
    assert "app password" in capsys.readouterr().out
    assert main(["providers", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["endpoints"][0]["host"] == "smtp.gmail.com"


# -- preview -----------------------------------------------------------------------


def test_preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    page = tmp_path / "page.html"
    for number in (1, 2):
        mail = Message().from_("a@example.com").to("b@example.com").subject(f"Number {number}")
        (tmp_path / f"{number}.eml").write_bytes(mail.as_bytes())
    assert main(["preview", str(tmp_path / "1.eml"), "-o", str(page)]) == 0
    assert "<title>Number 1</title>" in page.read_text("utf-8")
    assert opened == [page.as_uri()]
    assert main(["preview", str(tmp_path), "-o", str(page), "--no-open", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"page": str(page), "mails": 2}
    assert "<title>Inbox (2)</title>" in page.read_text("utf-8")
    assert len(opened) == 1
