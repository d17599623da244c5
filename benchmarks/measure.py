"""One client and one sink, each in a process of its own, and what both saw."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from benchmarks import mails
from benchmarks.job import Job, Result
from benchmarks.peers import installed
from benchmarks.sink import PASSWORD, USERNAME, Connected, Security, Sink

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    Key = TypeVar("Key")

__all__ = ["CHUNKING", "PIPELINING", "Measured", "Setting", "in_turn", "present"]

ROOT = Path(__file__).parents[1]
NODE = ROOT / "benchmarks" / "node"
PIPELINING = ("PIPELINING", "SIZE 209715200", "8BITMIME", "SMTPUTF8")
CHUNKING = (*PIPELINING, "CHUNKING")
MOST_SECONDS = 90


class Setting(NamedTuple):
    """What is measured."""

    peer: str
    offers: tuple[str, ...] = CHUNKING
    security: Security = "plaintext"
    delay: float = 0
    """Seconds from a question to its answer."""
    pinned: bool = False
    """Client and sink share one core."""
    recipients: int = 1
    in_flight: int = 1
    messages: int | None = None
    seconds: float = 60
    attachment: Path | None = None

    def job(self, port: int, ca_file: Path | None) -> Job:
        to = tuple(f"ann{number}@example.com" for number in range(self.recipients))
        return Job(
            port=port,
            security=self.security,
            ca_file=str(ca_file) if ca_file else None,
            in_flight=self.in_flight,
            messages=self.messages,
            seconds=self.seconds,
            sender=mails.SHORT.sender,
            to=to,
            subject=mails.SHORT.subject,
            text=mails.SHORT.text,
            attachment=str(self.attachment) if self.attachment else None,
        )


class Measured(NamedTuple):
    """One run."""

    result: Result
    connected: Connected

    @property
    def messages(self) -> int:
        """Those that count: not the first."""
        return self.connected.messages - 1

    @property
    def per_second(self) -> float:
        return self.messages / self.result.seconds

    @property
    def cpu(self) -> float:
        """The client's seconds per 1000 messages."""
        return self.result.cpu / self.messages * 1000

    @property
    def flights_each(self) -> float:
        """Round trips for each message after the first."""
        return (self.connected.last - self.connected.first) / self.messages


def in_turn(settings: Mapping[Key, Setting], runs: int) -> dict[Key, list[Measured]]:
    """Each setting ``runs`` times; they take turns, so that a busy machine is unfair to all."""
    measured: dict[Key, list[Measured]] = {key: [] for key in settings}
    for _ in range(runs):
        for key, setting in settings.items():
            measured[key].append(measure(setting))
    return measured


def present(peers: Iterable[str]) -> list[str]:
    """Those of ``peers`` that are installed here."""
    return [peer for peer in peers if (has_nodemailer() if peer == "nodemailer" else installed(peer))]


def has_nodemailer() -> bool:
    return bool(shutil.which("node")) and (NODE / "node_modules" / "nodemailer").is_dir()


def measure(setting: Setting) -> Measured:
    """One run.

    Raises:
        RuntimeError: the client failed, or the sink saw something else than mail over one connection.
    """
    with tempfile.TemporaryDirectory() as directory, core(pinned=setting.pinned):
        ca_file = None if setting.security == "plaintext" else Path(directory, "ca.pem")
        with Sink(setting.offers, security=setting.security, ca_file=ca_file, delay=setting.delay) as sink:
            command = client_of(setting.peer, setting.job(sink.port, ca_file))
            ran = subprocess.run(
                command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=MOST_SECONDS, check=False
            )
            report = sink.report()
    if ran.returncode or report.refused or len(report.connections) != 1:
        raise RuntimeError(f"{setting}: exit code {ran.returncode}, {report}")
    return Measured(Result(**json.loads(ran.stdout)), report.connections[0])


def client_of(peer: str, job: Job) -> list[str]:
    if peer == "nodemailer":
        return ["node", str(NODE / "client.mjs"), job.to_json(), USERNAME, PASSWORD]
    return [sys.executable, "-m", "benchmarks.client", peer, job.to_json()]


@contextmanager
def core(*, pinned: bool) -> Generator[None]:
    """Processes that are started within have one core, the same for all, if they are to be ``pinned``."""
    ours = os.sched_getaffinity(0)
    if pinned:
        os.sched_setaffinity(0, {max(ours)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)
