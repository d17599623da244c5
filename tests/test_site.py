"""What the build of the site finds in its pages: links that lead nowhere, and what is loaded from elsewhere."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"

FOUND: list[tuple[str, list[str]]] = [
    ('<a href="b.html#there">', []),
    ('<a href="sub/c.html">', []),
    ('<a href="#here">', []),
    ('<a href="https://example.com/">', []),
    ('<img src="data:image/png;base64,AA==">', []),
    ('<a href="b.html#gone">', ["a.html: b.html#gone leads nowhere"]),
    ('<a href="d.html">', ["a.html: d.html leads nowhere"]),
    ('<a href="#gone">', ["a.html: #gone leads nowhere"]),
    ('<img src="gone.svg">', ["a.html: gone.svg leads nowhere"]),
    ('<img src="https://example.com/a.png">', ["a.html: loads https://example.com/a.png from elsewhere"]),
    ('<script src="//example.com/a.js">', ["a.html: loads //example.com/a.js from elsewhere"]),
    (
        '<link rel="stylesheet" href="//example.com/a.css">',
        ["a.html: loads //example.com/a.css from elsewhere"],
    ),
]


@pytest.mark.parametrize(("html", "found"), FOUND)
def test_links(html: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.html").write_text('<a href="../b.html#there">')
    (tmp_path / "b.html").write_text('<h2 id="there">')
    (tmp_path / "a.html").write_text(f'<h2 id="here">{html}')
    assert runpy.run_path(str(SCRIPTS / "links.py"))["troubles"](tmp_path) == found


def test_fonts_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@font-face{src:url(https://example.com/a.woff2)} a{background:url(b.png)}")
    assert runpy.run_path(str(SCRIPTS / "links.py"))["troubles"](tmp_path) == [
        "a.css: loads url(https://example.com/a.woff2 from elsewhere"
    ]


NAMES: list[tuple[str, list[str]]] = [
    ("import smtplib\nserver = smtplib.SMTP('a', timeout=1)\nserver.starttls(context=None)", []),
    (
        "import smtplib\nwith smtplib.SMTP('a', time_out=1) as s:\n    s.send('a')",
        ["smtplib.SMTP takes no time_out="],
    ),
    ("import smtplib\nwith smtplib.SMTP('a') as server:\n    server.start_tls()", ["there is no server.start_tls"]),
    ("from email.message import EmailMessages", ["email.message has no EmailMessages"]),
    ("import nowhere_installed\nnowhere_installed.send()", []),
]


@pytest.mark.parametrize(("code", "found"), NAMES)
def test_names_of_others(code: str, found: list[str], tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(f'# Page\n\n```python title="Before"\n{code}\n```\n')
    troubles = runpy.run_path(str(SCRIPTS / "peers.py"))["troubles"](tmp_path)
    assert troubles == [f"page.md, Before: {each}" for each in found]
