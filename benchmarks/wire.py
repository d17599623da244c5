"""From the client to the server and back: round trips, messages per second, CPU time and memory."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.measure import CHUNKING, PIPELINING, Measured, Setting, in_turn, present
from benchmarks.table import Table, spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.sink import Security

__all__ = ["tables"]

MIB = 1 << 20
LEFT_OUT = "–"

FLIGHTS = """\
How often a client has to wait for the server, for 1 / 10 recipients: counted by the server, which answers 10 ms late.
The greeting and a TLS handshake count, too. Peers see the server with CHUNKING; none of them uses it. `send_many` sends
1000 messages to 1 recipient, `in_flight=16`, and the server answers 5 ms late. Medians of {runs} runs."""
LONG_LINE = """\
Messages per second over one connection to a server that answers after a delay; short mails, each built when it is its
turn. `send_many` and nodemailer's pool have 64 messages at hand (`in_flight=64`). Medians of {runs} runs, with their
range."""
ONE_CORE = """\
Messages per second, and the client's CPU time, over one connection without delay; client and server share one core.
Short mails, each built when it is its turn, but for `sendmail`, which sends the same ready octets each time.
`in_flight=64`, as above. The goals were set on a machine where `sendmail` makes 14,500: they are 1.7, 1.0 and 0.6 times
that. Medians of {runs} runs, with their range."""
MEMORY = """\
By how much resident memory at its peak grows over what it was before: one mail with a file of 100 MiB, attached by its
path where the library takes one. Medians of {runs} runs, with their range."""

SECURITIES: dict[Security, str] = {"plaintext": "plaintext", "starttls": "STARTTLS, log-in", "tls": "TLS, log-in"}
COLUMNS = {
    "smtpkit": ("smtpkit send", CHUNKING),
    "smtpkit, no CHUNKING": ("smtpkit send", PIPELINING),
    "smtplib": ("smtplib send_message", CHUNKING),
    "aiosmtplib": ("aiosmtplib", CHUNKING),
    "nodemailer": ("nodemailer", CHUNKING),
}
FIRST_GOALS = {"plaintext": ("3", "4"), "starttls": ("7", "8"), "tls": ("5", "6")}

LINES = {
    "smtpkit send_many": ("smtpkit send_many", CHUNKING, ("2,500", "500")),
    "smtpkit send_many, no CHUNKING": ("smtpkit send_many", PIPELINING, ("45", "9")),
    "smtplib": ("smtplib send_message", CHUNKING, ("", "")),
    "aiosmtplib": ("aiosmtplib", CHUNKING, ("", "")),
    "nodemailer": ("nodemailer", CHUNKING, ("", "")),
}
DELAYS = {0.02: 1.5, 0.1: 2.5}
"""For each delay the seconds that messages are begun in."""

READY = "smtplib sendmail"
BATCH = "25,000, or 2 times `sendmail`"
SPEED_GOALS = {
    "smtpkit send_many": (BATCH, "0.04"),
    "smtpkit send_many, async": (BATCH, ""),
    "smtpkit send": ("14,000", ""),
    "smtpkit send, async": ("9,000", ""),
    READY: ("", ""),
    "smtplib send_message": ("", ""),
    "aiosmtplib": ("", ""),
    "Django": ("", ""),
    "nodemailer": ("", ""),
}
MEMORY_GOALS = {
    "smtpkit send": "2",
    "smtpkit send, async": "2",
    "smtplib send_message": "",
    "aiosmtplib": "",
    "nodemailer": "",
}


def tables() -> Iterator[Table]:
    """All of them, each as soon as it is measured. They need Linux: its affinity of processes and its /proc."""
    if sys.platform != "linux":
        print("Round trips, speed and memory are left out: they are measured on Linux only.")
        return
    if "nodemailer" not in present(["nodemailer"]):
        print("nodemailer is left out: it needs node and npm.")
    yield flights()
    yield long_line()
    yield one_core()
    yield memory()


def flights(runs: int = 3) -> Table:
    """Round trips to the first accepted message, and for each further one."""
    columns = {name: column for name, column in COLUMNS.items() if present([column[0]])}
    measured = in_turn(
        {
            (security, name, recipients): Setting(peer, offers, security, delay=0.01, recipients=recipients, messages=3)
            for security in SECURITIES
            for name, (peer, offers) in columns.items()
            for recipients in (1, 10)
        },
        runs,
    )
    rows: list[tuple[str, ...]] = []
    for security, shown in SECURITIES.items():
        firsts = (
            " / ".join(_flights([run.connected.first for run in measured[security, name, to]]) for to in (1, 10))
            for name in columns
        )
        rows.append((f"first message: {shown}", *_with_goals(firsts, FIRST_GOALS[security])))
    each = (
        " / ".join(_flights([run.flights_each for run in measured["plaintext", name, to]]) for to in (1, 10))
        for name in columns
    )
    rows.append(("each further, `send`", *_with_goals(each, ("1", "2"))))
    rows.append(("each further, `send_many`", *_with_goals(_batches(columns, runs), ("0.1", "1"))))
    return Table("Round trips", FLIGHTS.format(runs=runs), ("", *_with_goals(columns, ("goal", "goal"))), rows)


def _batches(columns: Iterable[str], runs: int) -> list[str]:
    """Round trips of each further message in a batch; peers have none that differs."""
    measured = in_turn(
        {
            name: Setting("smtpkit send_many", COLUMNS[name][1], delay=0.005, in_flight=16, messages=1000)
            for name in columns
            if name.startswith("smtpkit")
        },
        runs,
    )
    return [
        _flights([run.flights_each for run in measured[name]]) if name in measured else LEFT_OUT for name in columns
    ]


def _flights(counted: Sequence[float]) -> str:
    return spread(counted, ".2g")


def _with_goals(cells: Iterable[str], goals: tuple[str, str]) -> list[str]:
    """Each of smtpkit's two cells followed by its goal."""
    ours, without_chunking, *others = cells
    return [ours, goals[0], without_chunking, goals[1], *others]


def long_line(runs: int = 3) -> Table:
    """Messages per second on a long line."""
    lines = {name: line for name, line in LINES.items() if present([line[0]])}
    measured = in_turn(
        {
            (name, delay): Setting(peer, offers, delay=delay, in_flight=64, seconds=seconds)
            for name, (peer, offers, _) in lines.items()
            for delay, seconds in DELAYS.items()
        },
        runs,
    )
    rows: list[tuple[str, ...]] = []
    for name, (_, _, goals) in lines.items():
        figures = (_speed(measured[name, delay]) for delay in DELAYS)
        rows.append((name, *(cell for pair in zip(figures, goals, strict=True) for cell in pair)))
    head = ("", *(cell for delay in DELAYS for cell in (f"after {delay * 1000:.0f} ms", "goal")))
    return Table("Messages per second on a long line", LONG_LINE.format(runs=runs), head, rows)


def one_core(runs: int = 5) -> Table:
    """Messages per second, and CPU time, where nothing but the client and the server counts."""
    peers = present(SPEED_GOALS)
    measured = in_turn({peer: Setting(peer, pinned=True, in_flight=64, seconds=0.8) for peer in peers}, runs)
    rows: list[tuple[str, ...]] = []
    for peer in peers:
        speed_goal, cpu_goal = SPEED_GOALS[peer]
        # Of runs that followed each other: a busy machine was busy for both.
        pairs = zip(measured[peer], measured[READY], strict=True)
        times = f"{median(run.per_second / ready.per_second for run, ready in pairs):.2f}"
        cpu = spread([run.cpu for run in measured[peer]], ".3f")
        rows.append((peer, _speed(measured[peer]), times, speed_goal, cpu, cpu_goal))
    head = ("", "messages/s", "times `sendmail`", "goal", "client's CPU seconds per 1000", "goal")
    return Table("Messages per second on one core", ONE_CORE.format(runs=runs), head, rows)


def _speed(measured: Sequence[Measured]) -> str:
    figures = [run.per_second for run in measured]
    return spread(figures, ",.0f" if median(figures) >= 100 else ",.1f")


def memory(runs: int = 3) -> Table:
    """How memory grows with the attachment."""
    peers = present(MEMORY_GOALS)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "data.bin")
        with path.open("wb") as file:
            file.truncate(100 * MIB)
        measured = in_turn({peer: Setting(peer, messages=1, attachment=path) for peer in peers}, runs)
    rows = [
        (peer, spread([run.result.grown / MIB for run in measured[peer]], ",.1f"), MEMORY_GOALS[peer]) for peer in peers
    ]
    return Table("Memory for an attachment of 100 MiB", MEMORY.format(runs=runs), ("", "MiB", "goal"), rows)
