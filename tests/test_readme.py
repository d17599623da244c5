"""The README does what it says: its blocks run, in their order, against a real server that plays Gmail."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smtpkit import Provider, providers
from smtpkit.providers import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.certificates import Certificates
    from servers.smtpd import Smtpd, StartSmtpd

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)


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
        ),
        replace=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    yield server
    providers.register(real, replace=True)


def test_the_readme(
    gmail: Smtpd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.pdf").write_bytes((ROOT / "examples/files/report.pdf").read_bytes())
    (tmp_path / "logo.png").write_bytes((ROOT / "examples/files/logo.png").read_bytes())
    names: dict[str, object] = {"app_password": "abcd efgh"}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102
    names.clear()  # as when a script ends: its mailers go, and their connections with them
    printed = capsys.readouterr().out
    assert len(BLOCKS) == 9
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
    ]
    assert b"report.pdf" in gmail.accepted[0].content


def test_the_first_block_has_ten_lines() -> None:
    assert len(BLOCKS[0].strip().splitlines()) == 10
