"""How long importing smtpkit takes, against the standard library's modules for the same work."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from statistics import median

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


def main() -> None:
    """Measure both in turn, so that a busy machine is as unfair to one as to the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs: int = parser.parse_args().runs
    times: dict[str, list[float]] = {OURS: [], THEIRS: []}
    for statement in times:
        seconds(statement)  # writes the .pyc files
    for _ in range(runs):
        for statement, taken in times.items():
            taken.append(seconds(statement))
    print(f"Python {sys.version.split()[0]}, {runs} runs each")
    for statement, taken in times.items():
        print(f"{statement:36} min {min(taken) * 1000:6.1f} ms   median {median(taken) * 1000:6.1f} ms")
    ratios = [f(times[OURS]) / f(times[THEIRS]) for f in (min, median)]
    print(f"{'ratio':36} min {ratios[0]:6.2f}      median {ratios[1]:6.2f}      goal {GOAL}")


if __name__ == "__main__":
    main()
