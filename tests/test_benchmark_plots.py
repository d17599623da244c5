"""The pictures of the benchmarks have the figures of their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import plot
from benchmarks.document import PAGE
from benchmarks.plot import PLOTS
from benchmarks.table import Table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "ASSETS", tmp_path)


MEMORY = Table(
    "Memory for an attachment of 100 MiB",
    "What was done.",
    ("", "MiB", "goal"),
    [("smtpkit send", "0.2", "2"), ("aiosmtplib", "1,941.8 (941.8 to 2,941.9)", ""), ("a peer", "–", "")],
).markdown()


def test_a_bar_for_each_figure(tmp_path: Path) -> None:
    page = plot.illustrated(f"Before.\n\n{MEMORY}")
    picture = (tmp_path / "memory.svg").read_text("utf-8")
    assert page.count("](assets/plots/memory.svg)\n\n|") == 1
    assert [each for each in (">0.2<", ">1,941.8<", ">smtpkit send<", ">a peer<") if each in picture] == [
        ">0.2<",
        ">1,941.8<",
        ">smtpkit send<",
    ]


def test_drawing_again_changes_nothing() -> None:
    page = plot.illustrated(MEMORY)
    assert plot.illustrated(page) == page != MEMORY


def test_what_was_not_measured_has_no_picture(tmp_path: Path) -> None:
    other = MEMORY.replace("| MiB", "| GiB")
    assert plot.illustrated(other) == other
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("each", PLOTS, ids=lambda each: each.file)
def test_the_page_shows_its_own_figures(each: plot.Plot, tmp_path: Path) -> None:
    plot.illustrated(PAGE.read_text("utf-8"))
    kept = PAGE.parent / "assets" / "plots" / each.file
    assert (tmp_path / each.file).read_text("utf-8") == kept.read_text("utf-8"), "run python -m benchmarks.plot"
