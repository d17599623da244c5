"""The measured part of docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import plot

__all__ = ["conditions", "redraw", "write"]

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BEGIN = "<!-- Measured by `make bench` from here on. Do not edit. -->\n"
END = "<!-- Measured up to here. -->\n"


def conditions() -> str:
    """When and where this is measured."""
    node = shutil.which("node")
    versions = [f"Python {platform.python_version()}"]
    if node:
        found = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
        versions.append(f"Node.js {found.stdout.strip().removeprefix('v')}")
    load = os.getloadavg()[0]
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {platform.system()} {platform.machine()}, {os.cpu_count()} cores,"
        f" load {load:.1f} before it began, {', '.join(versions)}.\n"
    )


def write(measured: str) -> None:
    """Put ``measured`` where the last measurement was, with its pictures."""
    head, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n{plot.illustrated(measured)}\n{END}{tail}", "utf-8")


def redraw() -> None:
    """Draw the pictures anew from the figures that stand on the page."""
    measured = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    write(measured.removeprefix("\n").removesuffix("\n"))
