"""How long importing smtpkit takes, against the standard library's modules for the same work."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median

from benchmarks.table import Table, spread

__all__ = ["tables"]

OURS = "from smtpkit import Mailer, Message"
THEIRS = "import smtplib, email.message"
GOAL = 0.75

CODE = """
from time import perf_counter
begin = perf_counter()
{statement}
print(perf_counter() - begin)
"""


def seconds(statement: str) -> float:
    """The time ``statement`` takes in a fresh interpreter, without the start of the interpreter."""
    code = CODE.format(statement=statement)
    # As users have it: compiled at the first import, and not again at each.
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)


def tables(runs: int = 15) -> list[Table]:
    """Measure both in turn, so that a busy machine is as unfair to one as to the other."""
    times: dict[str, list[float]] = {OURS: [], THEIRS: []}
    for statement in times:
        seconds(statement)  # writes the .pyc files
    for _ in range(runs):
        for statement, taken in times.items():
            taken.append(seconds(statement) * 1000)
    ratio = median(times[OURS]) / median(times[THEIRS])
    rows = [(f"`{statement}`", spread(taken, ".1f"), "") for statement, taken in times.items()]
    rows.append(("the first over the second", f"{ratio:.2f}", f"{GOAL}"))
    about = (
        f"Milliseconds in a fresh interpreter, {runs} runs each in turn: the median, and from where to where they went."
    )
    return [Table("Importing", about, ("", "median (range)", "goal"), rows)]
