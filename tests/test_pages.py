"""The pages do what they say: their blocks run, in their order, against a real server that plays Gmail."""

from __future__ import annotations

import ast
import os
import re
import runpy
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

import smtpkit
from servers.token_endpoint import CLIENT, TokenEndpoint
from smtpkit import Provider, oauth2, providers
from smtpkit.dns import DnsResolver
from smtpkit.providers import Endpoint
from zone import Zone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.certificates import Certificates
    from servers.smtpd import Smtpd, StartSmtpd

ROOT = Path(__file__).parent.parent

DNS = {
    "MX gmail.com": ("5 gmail-smtp-in.l.google.com.",),
    "TXT gmail.com": ("v=spf1 redirect=_spf.google.com",),
    "TXT _dmarc.gmail.com": ("v=DMARC1; p=none; sp=quarantine",),
    "MX example.com": ("10 mail.example.com.",),
    "TXT example.com": ("v=spf1 mx -all",),
}


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """What a page puts into the environment does not stay there."""
    with patch.dict(os.environ):
        yield


@pytest.fixture
def gmail(smtpd: StartSmtpd, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Smtpd]:
    """A server on this machine in the place of Gmail's, with its preset and its rules."""
    server = smtpd(security="tls", username="me@gmail.com", password="abcdefghijklmnop", refused=("bob@example.com",))
    real = providers.get("gmail")
    providers.register(
        Provider(
            real.name,
            real.title,
            (Endpoint(server.host, server.port, "tls"),),
            username=real.username,
            password_kind=real.password_kind,
            app_password_url=real.app_password_url,
            oauth2=real.oauth2,
            limits=real.limits,
            domains=real.domains,
        ),
        replace=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    monkeypatch.setattr(DnsResolver, "lookup", Zone(DNS).lookup)
    yield server
    providers.register(real, replace=True)


SECRETS = {"client_id": CLIENT[0], "client_secret": CLIENT[1], "refresh_token": "r3fresh-0"} | dict.fromkeys(
    ("app_password", "api_key", "smtp_password", "mailbox_password"), "abcdefghijklmnop"
)


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
    names: dict[str, object] = dict(SECRETS)
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
    assert len(blocks("README.md")) == 11
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


def test_the_keys_of_a_url_are_all_told() -> None:
    with pytest.raises(smtpkit.InvalidConfiguration) as caught:
        smtpkit.Mailer.from_url("smtp://localhost?other=1")
    known = (caught.value.hint or "").removeprefix("Known: ").rstrip(".").split(", ")
    page = (ROOT / "docs/guide/configuration.md").read_text("utf-8")
    assert len(known) > 40
    assert [key for key in known if f"`{key}`" not in page] == []


PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "docs").rglob("*.md"))
    if path.parent != ROOT / "docs/providers"  # those have servers of their own
]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_a_page(
    page: str, gmail: Smtpd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(page, tmp_path, monkeypatch, capsys)


PROVIDER_PAGES = sorted(path.stem for path in (ROOT / "docs/providers").glob("*.md"))

LOGINS = {
    "gmail": "me@gmail.com",
    "outlook": "me@outlook.com",
    "sendgrid": "apikey",
    "mailgun": "postmaster@mg.example.com",
    "amazon_ses": "AKIAIOSFODNN7EXAMPLE",
}


@pytest.fixture
def tokens(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenEndpoint]:
    """An authorization server on this machine in the place of Google's and Microsoft's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    with TokenEndpoint(certificates) as endpoint:
        for client in (oauth2.MicrosoftDeviceCode, oauth2.MicrosoftClientCredentials):
            monkeypatch.setitem(client.__init__.__kwdefaults__ or {}, "authority", endpoint.base)
        yield endpoint


@pytest.fixture
def stand_in(
    request: pytest.FixtureRequest, smtpd: StartSmtpd, tokens: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Smtpd]:
    """A server on this machine in the place of a provider's, with its preset and a log-in as it wants."""
    name: str = request.getfixturevalue("name")
    real = providers.get(name)
    ways = () if real.password_kind == "oauth2-only" else ("LOGIN", "PLAIN")
    server = smtpd(
        security="tls",
        username=LOGINS.get(name, "me@example.com"),
        password="abcdefghijklmnop",
        mechanisms=("XOAUTH2", *ways),
        tokens=tokens.tokens,
    )
    changes: dict[str, Any] = {"endpoints": (Endpoint(server.host, server.port, "tls"),)}
    changes["regions"] = tuple((region, server.host) for region, _ in real.regions)
    if real.oauth2 is not None:
        known = real.oauth2
        changes["oauth2"] = providers.OAuth2(known.authorize_url, tokens.url, known.scope, known.source)
    providers.register(real.replace(**changes), replace=True)
    monkeypatch.setattr(DnsResolver, "lookup", Zone(DNS).lookup)
    yield server
    providers.register(real, replace=True)


@pytest.mark.parametrize("name", PROVIDER_PAGES)
def test_a_page_of_a_provider(
    name: str,
    stand_in: Smtpd,
    tokens: TokenEndpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = f"docs/providers/{name}.md"
    run(page, tmp_path, monkeypatch, capsys)
    assert stand_in.accepted
    assert bool(tokens.tokens) is ("smtpkit.oauth2" in (ROOT / page).read_text("utf-8"))
    if name == "outlook":
        # The second run has what the first one kept, and asks nobody.
        run(page, tmp_path, monkeypatch, capsys)
        assert tokens.requests[-1]["grant_type"] == "refresh_token"


@pytest.mark.parametrize("name", PROVIDER_PAGES)
def test_a_page_of_a_provider_says_where_its_facts_are_from(name: str) -> None:
    text = (ROOT / f"docs/providers/{name}.md").read_text("utf-8")
    assert re.search(r"^Checked on \d{4}-\d\d-\d\d: .*https://", text, re.MULTILINE)
    assert providers.get(name).name == name


def test_every_provider_of_the_guide_has_a_page() -> None:
    assert [
        *("amazon_ses", "cpanel", "gmail", "google_workspace", "mailgun", "microsoft365", "outlook", "sendgrid", "zoho")
    ] == PROVIDER_PAGES


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


@pytest.mark.structure
def test_the_reference_has_every_public_name() -> None:
    pages = [path.read_text("utf-8") for path in (ROOT / "docs/reference").glob("*.md")]
    shown = {name for page in pages for name in re.findall(r"^::: smtpkit\.([\w.]+)$", page, re.MULTILINE)}
    whole = [module for module in ("errors", "events", "limits", "oauth2", "providers") if module in shown]
    shown.update(name for module in whole for name in getattr(smtpkit, module).__all__)
    missing = sorted(set(smtpkit.__all__) - shown)
    assert not missing, f"add lines such as '::: smtpkit.{missing[0]}' to a page of docs/reference"
