"""An SMTP server that throws mail away and counts what that cost, in a process of its own on loopback.

It can answer as late as a server at the far end of a long line, and counts *flights*: the
round trips that a client waits for. `benchmarks.sink.connection` says what exactly is counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

__all__ = ["PASSWORD", "USERNAME", "Connected", "Report", "Security", "Sink"]

Security: TypeAlias = Literal["plaintext", "starttls", "tls"]

USERNAME = "ann"
PASSWORD = "correct horse battery"  # noqa: S105 - of a server that lives for seconds

_ROOT = Path(__file__).parents[2]


class Connected(NamedTuple):
    """One connection to the sink."""

    messages: int
    """Accepted ones."""
    octets: int
    """Those of accepted content: dots stuffed, without the lone dot."""
    refused: int
    """Commands that were not what a server wants to hear, answered with 5yz."""
    flights: int
    """Round trips so far."""
    first: int
    """Round trips up to the answer that accepted the first message, and that one."""
    last: int
    """The same for the last message so far."""


class Report(NamedTuple):
    """What the sink counted so far."""

    connections: tuple[Connected, ...]

    @property
    def messages(self) -> int:
        return sum(each.messages for each in self.connections)

    @property
    def refused(self) -> int:
        return sum(each.refused for each in self.connections)


class Sink:
    """Runs the server within ``with``; it ends by itself when this process does, or after ``lifetime`` seconds.

    Args:
        offers: what EHLO answers, such as ``"PIPELINING"``; STARTTLS and AUTH are added where they hold.
        security: "starttls" and "tls" also want a log-in with PLAIN.
        ca_file: where the certificate of its CA, made on the spot, is to be written. TLS needs it.
        delay: seconds between the arrival of octets and the answer to them.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        offers: Iterable[str] = (),
        *,
        security: Security = "plaintext",
        ca_file: Path | None = None,
        delay: float = 0,
        lifetime: int = 120,
    ) -> None:
        options = ["--security", security, "--delay", str(delay), "--lifetime", str(lifetime)]
        self._options = [*options, *(["--ca-file", str(ca_file)] if ca_file else []), "--offers", *offers]
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "benchmarks.sink", *self._options]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self.port = int(self._line())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def report(self) -> Report:
        """What it counted so far."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(b"report\n")
        self._process.stdin.flush()
        return Report(tuple(Connected(**each) for each in json.loads(self._line())))

    def _line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the sink ended with code {self._process.wait()}")
        return line

    def _stop(self) -> None:
        # With its standard input closed it ends.
        if self._process is not None:
            self._process.communicate()
