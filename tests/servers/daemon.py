"""A mail server as a child process of ours, in a private directory, with mailboxes that are read here."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

if TYPE_CHECKING:
    from types import TracebackType

    from servers.certificates import Certificates

SECONDS = 20.0
"""How long a server may take for what it usually does at once."""

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
"""Where to look for programs of servers, also if this is not root's shell."""


class Delivered(NamedTuple):
    """A mail in the mailbox of one recipient."""

    trace: bytes
    """The header fields that the server put in front, its Received among them."""
    content: bytes
    """What was sent, its line ends made CRLF again."""
    sender: str
    """The reverse-path, as the server understood it."""
    recipient: str


class Daemon(ABC):
    """A server that runs within ``with``, stays in the foreground, and is stopped by its process id.

    It offers STARTTLS on ``port``.
    """

    host = "localhost"
    name: ClassVar[str]
    refused: ClassVar[str] = "nobody@example.com"
    """A recipient that it answers 550 to."""
    refused_sender: ClassVar[str] = "refused@example.com"
    """A sender that it answers 550 to."""

    def __init__(self, certificates: Certificates, *, ports: int = 1) -> None:
        self.certificates = certificates
        self.ports = _free_ports(ports)
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: Path | None = None

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 with STARTTLS."""
        return self.ports[0]

    @property
    def directory(self) -> Path:
        """Everything that this server reads and writes."""
        assert self._directory is not None, f"{self.name} is not running"
        return self._directory

    @property
    def pem_file(self) -> Path:
        """Its private key and certificate chain."""
        return self.directory / "server.pem"

    @property
    def log_file(self) -> Path:
        """Where it logs."""
        return self.directory / "log"

    def log(self) -> str:
        """What it logged so far."""
        with suppress(FileNotFoundError):
            return self.log_file.read_text(errors="replace")
        return ""

    @abstractmethod
    def copies(self, marker: bytes) -> list[Delivered]:
        """The mails with ``marker`` that are in the mailboxes now, in no order: one for each recipient."""

    @abstractmethod
    def message_ids(self) -> list[str]:
        """The Message-IDs of the mails that it took, in the order in which it took them."""

    def delivered(self, marker: bytes, *, count: int = 1, seconds: float = SECONDS) -> list[Delivered]:
        """The mails that contain ``marker``, as soon as there are ``count`` of them."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.copies(marker)
            if len(found) >= count:
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(found)} of {count} mails with {marker!r} after {seconds} s:\n{self.log()}")
            time.sleep(0.02)

    def __enter__(self) -> Self:
        # Not pytest's directory for this: the users that servers run as may not enter that.
        self._directory = Path(tempfile.mkdtemp(prefix="smtpkit-server-"))
        try:
            self._directory.chmod(0o755)
            self._lay_out()
            self._process = self._start()
            self._wait_for_greetings()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _lay_out(self) -> None:
        """Write what the server needs into the private directory."""
        shutil.copy(self.certificates.pem_file(), self.pem_file)

    @abstractmethod
    def _command(self) -> list[str]:
        """What runs the server in the foreground."""

    def _start(self) -> subprocess.Popen[bytes]:
        # Its parts share its process group, which is ended with it.
        return subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, start_new_session=True)

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        """Tell it, and its parts, to end."""
        os.killpg(process.pid, signal.SIGTERM)

    def _greeting_ports(self) -> list[int]:
        """The ports where a greeting comes in plaintext as soon as it runs."""
        return self.ports

    def _wait_for_greetings(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + SECONDS
        for port in self._greeting_ports():
            while not _greets(port):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} did not start:\n{self.log()}")
                time.sleep(0.02)

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._stop(self._process)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(SECONDS)
            # What is left of its parts.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(SECONDS)
        # A part that is still ending may remove its files at the same time.
        shutil.rmtree(self.directory, ignore_errors=True)


class Maildir:
    """A mailbox. Its files do not change: each is read once to see what it has at its beginning."""

    def __init__(self) -> None:
        self._beginnings: dict[Path, bytes] = {}

    def holding(self, directory: Path, marker: bytes) -> list[bytes]:
        """The mails in ``directory`` with ``marker`` in their first 64 KiB."""
        for path in (directory / "new").glob("*"):
            if path not in self._beginnings:
                with path.open("rb") as file:
                    self._beginnings[path] = file.read(65536)
        return [path.read_bytes() for path, beginning in self._beginnings.items() if marker in beginning]


def trace_field(trace: bytes, name: str) -> str:
    """The value of the first header field ``name``, which must be there and be of one line."""
    found = re.search(rf"^{name}: (.*)$".encode(), trace, re.MULTILINE)
    assert found is not None, trace
    return found[1].decode()


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
            return connection.recv(3) == b"220"
    except ConnectionError:
        return False


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
