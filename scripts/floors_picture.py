"""Draws docs/assets/floors.svg from the table in tests/test_floors.py: ``python scripts/floors_picture.py``."""

from __future__ import annotations

import ast
from pathlib import Path
from textwrap import wrap
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "assets" / "floors.svg"

TITLES = {
    0: ("Values", "what a mail is, and what became of it"),
    1: ("The wire, and the world", "bytes of SMTP; sockets, TLS, clocks"),
    2: ("The conversation", "commands out, replies in"),
    3: ("Connections", "opened, kept, shared"),
    4: ("Transports", "where mail goes"),
    5: ("Delivery", "the order of one send"),
    6: ("Mailers", "what you import"),
    7: ("Integrations", "other programs and frameworks"),
}
WIDTH, LEFT, LINE, MARGIN = 860, 300, 20, 12
COLORS = ("#eef4f3", "#f2f0f8")
STYLE = """\
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: #1d2b2a }
.name { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
.number { font-weight: 600; font-size: 22px; fill: #2f6f6a }
.title { font-weight: 600 }
.about { font-size: 12px; fill: #5b6b6a }"""


def floors() -> dict[int, list[str]]:
    """The modules of each floor that are there."""
    tree = ast.parse((ROOT / "tests" / "test_floors.py").read_text("utf-8"))
    tables = [
        each.value for each in tree.body if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "FLOORS"
    ]
    table: dict[int, str] = ast.literal_eval(tables[0])
    return {floor: [name for name in names.split() if exists(name)] for floor, names in table.items()}


def exists(name: str) -> bool:
    path = ROOT.joinpath("smtpkit", *name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def render() -> str:
    """The picture: the top floor first, as in a house."""
    y = MARGIN
    shown: list[str] = []
    for floor, names in sorted(floors().items(), reverse=True):
        if not names:
            continue
        lines = wrap(" · ".join(name.replace("-", "_") for name in sorted(names)), 74)
        height = max(60, LINE * len(lines) + 26)
        title, about = TITLES[floor]
        shown += [
            (
                f'<rect x="{MARGIN}" y="{y}" width="{WIDTH - 2 * MARGIN}" height="{height}" rx="6"'
                f' fill="{COLORS[floor % 2]}"/>'
            ),
            f'<text x="30" y="{y + 36}" class="number">{floor}</text>',
            f'<text x="62" y="{y + 26}" class="title">{escape(title)}</text>',
            f'<text x="62" y="{y + 45}" class="about">{escape(about)}</text>',
        ]
        shown += [
            f'<text x="{LEFT}" y="{y + 28 + LINE * number}" class="name">{escape(line)}</text>'
            for number, line in enumerate(lines)
        ]
        y += height + 6
    frame = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 34}" role="img">',
        "<title>The floors of smtpkit: imports only go down</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{y + 34}" rx="10" fill="#fcfdfd" stroke="#dfe6e5"/>',
    ]
    below = f'<text x="30" y="{y + 20}" class="about">↓ imports only go down: a module knows none above it</text>'
    return "\n".join([*frame, *shown, below, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(render(), "utf-8")
