"""Bars from the tables of docs/benchmarks.md: ``python -m benchmarks.plot`` draws them anew from the page as it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

__all__ = ["PLOTS", "Plot", "draw", "illustrated"]

ASSETS = Path(__file__).parents[1] / "docs" / "assets" / "plots"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
IMAGE = re.compile(r"^!\[[^\n]*\]\(assets/plots/[^\n]*\n\n", re.MULTILINE)

WIDTH, LEFT, RIGHT, TOP, STEP, BAR = 720, 250, 80, 58, 30, 18
STYLE = """\
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: #1d2b2a }
.title { font-weight: 600; font-size: 15px }
.figure { font-variant-numeric: tabular-nums }"""
OURS, THEIRS = "#2f6f6a", "#b9c5c4"


class Plot(NamedTuple):
    """Which figures of a table to draw, and how to name them."""

    file: str
    section: str
    """The heading of the table."""
    column: str
    """The column whose figures are drawn, a bar for each row; or ``row`` is set."""
    title: str
    row: str = ""
    """The row whose figures are drawn, a bar for each column."""
    leave_out: str = "goal"
    """Rows or columns with this in their name have no bar."""


PLOTS = (
    Plot(
        "building.svg",
        "Building a message",
        "",
        "Text + HTML, 5 recipients: times as fast as EmailMessage",
        row="text + 4 kB HTML, 5 recipients",
    ),
    Plot(
        "round-trips.svg",
        "Round trips",
        "",
        "Round trips for each further message to 1 recipient (fewer is better)",
        row="each further, `send`",
    ),
    Plot(
        "long-line.svg",
        "Messages per second on a long line",
        "after 20 ms",
        "Messages per second, the server 20 ms away",
    ),
    Plot(
        "one-core.svg",
        "Messages per second on one core",
        "messages/s",
        "Messages per second without delay, client and server on one core",
    ),
    Plot(
        "memory.svg",
        "Memory for an attachment of 100 MiB",
        "MiB",
        "Growth of memory for an attachment of 100 MiB, in MiB (less is better)",
    ),
)


def illustrated(measured: str) -> str:
    """``measured`` with a picture before each table that has one; the pictures are written.

    A table or row that is not there has none: what is measured may change, and a run of minutes must not fail by that.
    """
    ASSETS.mkdir(parents=True, exist_ok=True)
    measured = IMAGE.sub("", measured)
    for plot in PLOTS:
        about, bar, table = _section(measured, plot.section)
        if bars := _bars(plot, table):
            (ASSETS / plot.file).write_text(draw(plot.title, bars), "utf-8")
            image = f"![{plot.title}](assets/plots/{plot.file})\n\n"
            measured = measured.replace(about + bar, about + image + bar, 1)
    return measured


def _section(measured: str, heading: str) -> tuple[str, str, list[list[str]]]:
    """What stands before the table of a section, its first line, and its cells."""
    found = re.search(rf"^## {re.escape(heading)}\n(?:(?!## ).*\n)*?(?=\|)", measured, re.MULTILINE)
    if found is None:
        return "", "", []
    lines = measured[found.end() :].split("\n\n", 1)[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if not line.startswith("|--")]
    return found[0], lines[0], cells


def _bars(plot: Plot, table: list[list[str]]) -> list[tuple[str, float, str]]:
    """For each bar its name, its length and the figure as it stands in the table."""
    if not table:
        return []
    head, *rows = table
    if plot.row:
        chosen = [row for row in rows if row[0] == plot.row]
        pairs = list(zip(head[1:], chosen[0][1:], strict=False)) if chosen else []
    else:
        column = head.index(plot.column) if plot.column in head else 0
        pairs = [(row[0], row[column]) for row in rows if column]
    bars: dict[str, tuple[str, float, str]] = {}
    for name, cell in pairs:
        figure = NUMBER.match(cell)
        if figure and plot.leave_out not in name and name not in bars:
            bars[name] = name, float(figure[0].replace(",", "")), figure[0]
    return list(bars.values())


def draw(title: str, bars: list[tuple[str, float, str]]) -> str:
    """Horizontal bars, all from 0 and on one scale, as SVG."""
    height = TOP + STEP * len(bars) + 8
    scale = (WIDTH - LEFT - RIGHT) / (max(length for _, length, _ in bars) or 1)
    shown = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" rx="10" fill="#fcfdfd" stroke="#dfe6e5"/>',
        f'<text x="20" y="32" class="title">{escape(title)}</text>',
    ]
    for number, (name, length, figure) in enumerate(bars):
        y = TOP + STEP * number
        width = max(length * scale, 1.5)
        color = OURS if name.startswith("smtpkit") else THEIRS
        shown += [
            f'<text x="{LEFT - 10}" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="3" fill="{color}"/>',
            f'<text x="{LEFT + width + 8:.1f}" y="{y + 14}" class="figure">{escape(figure)}</text>',
        ]
    return "\n".join([*shown, "</svg>", ""])


if __name__ == "__main__":
    from benchmarks import document

    document.redraw()
