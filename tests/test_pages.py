"""The pages do what they say: their blocks run, in their order, against a real server that plays Gmail."""

from __future__ import annotations

import ast
import re
import runpy
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import smtpkit
from smtpkit import Provider, providers
from smtpkit.providers import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.certificates import Certificates
    from servers.smtpd import Smtpd, StartSmtpd

ROOT = Path(__file__).parent.parent


@pytest.fixture
def gmail(smtpd: StartSmtpd, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Smtpd]:
    """A server on this machine in the place of Gmail's, with its preset and its rules."""
    server = smtpd(security="tls", username="me@gmail.com", password="abcd efgh", refused=("bob@example.com",))
    real = providers.get("gmail")
    providers.register(
        Provider(
            real.name,
            real.title,
            (Endpoint(server.host, server.port, "tls"),),
            username=real.username,
            password_kind=real.password_kind,
            app_password_url=real.app_password_url,
            limits=real.limits,
            domains=real.domains,
        ),
        replace=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    yield server
    providers.register(real, replace=True)


def blocks(page: str) -> list[str]:
    """The code on a page, each block on the lines where it stands there."""
    text = (ROOT / page).read_text("utf-8")
    found = re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return ["\n" * text.count("\n", 0, each.start(1)) + each[1] for each in found]


def others(page: str) -> list[str]:
    """The code on a page that has a title: it shows other libraries, and is not run."""
    return re.findall(
        r'^```python title="[^"]*"\n(.*?)^```', (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL
    )


def told(block: str) -> str:
    """What a block says it prints, in lines that begin with ``# >``; "..." stands for anything."""
    return "".join(f"{line[4:]}\n" for line in block.splitlines() if line.startswith("# >"))


def run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the blocks of a page in their order, as one script; what they printed."""
    monkeypatch.chdir(tmp_path)
    for file in (ROOT / "examples/files").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    names: dict[str, object] = {"app_password": "abcd efgh"}
    whole = ""
    for block in blocks(page):
        exec(compile(block, page, "exec"), names)  # noqa: S102
        printed = capsys.readouterr().out
        expected = told(block)
        # White space at an end is nothing that a page can show.
        shown = "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())
        silent = page == "README.md" and not expected
        assert silent or OutputChecker().check_output(expected, shown, ELLIPSIS), f"{block.strip()}\nprints\n{shown}"
        whole += printed
    names.clear()  # as when a script ends: its mailers go, and their connections with them
    return whole


def test_the_readme(
    gmail: Smtpd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = run("README.md", tmp_path, monkeypatch, capsys)
    assert len(blocks("README.md")) == 9
    assert "accepted  ann@example.com  250" in printed
    assert "bob@example.com 550 5.1.1" in printed
    assert re.search(r"^(localhost|127\.0\.0\.1) in 0\.\d{3} s, TLSv1\.\d$", printed, re.MULTILINE)
    assert re.search(r"^sent to 1 in 0\.\d{3} s$", printed, re.MULTILINE)
    assert "('bob@example.com',): 1 of 2 recipients were refused" in printed
    assert [mail.rcpt_tos for mail in gmail.accepted] == [
        ("ann@example.com",),
        ("ann@example.com", "archive@example.com"),
        ("ann@example.com",),
        ("ann@example.com",),
        ("ann@example.com",),
        ("ann@example.com",),
    ]
    assert b"report.pdf" in gmail.accepted[0].content


def test_the_first_block_has_ten_lines() -> None:
    assert len(blocks("README.md")[0].strip().splitlines()) == 10


PAGES = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_a_page(
    page: str, gmail: Smtpd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(page, tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("page", [page for page in PAGES if others(page)])
def test_what_a_page_shows_of_others(page: str) -> None:
    for block in others(page):
        tree = ast.parse(block)
        ours = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "smtpkit"]
        assert {name.name for node in ours for name in node.names} <= set(smtpkit.__all__)


@pytest.mark.structure
def test_the_picture_of_the_floors() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "floors_picture.py"))
    picture = (ROOT / "docs" / "assets" / "floors.svg").read_text("utf-8")
    assert picture == script["render"](), "run scripts/floors_picture.py"
