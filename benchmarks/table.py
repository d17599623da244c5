"""Figures as a table of Markdown, with how far they were from each other."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Table", "spread"]


class Table(NamedTuple):
    """One table; its first column has the names of the rows."""

    title: str
    about: str
    """What was done, and how the figures are to be read."""
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def markdown(self) -> str:
        """The heading, the text and the table, columns in line for who reads it as it is."""
        lines = [self.head, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        shown = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
        shown.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join([f"## {self.title}", "", self.about, "", *shown, ""])


def spread(figures: Sequence[float], form: str = ",.0f") -> str:
    """The median, and from where to where they went where that shows."""
    middle, least, most = (format(figure, form) for figure in (median(figures), min(figures), max(figures)))
    return middle if least == most else f"{middle} ({least} to {most})"
