"""A mail server with a configuration of its own and a queue, which outlasts its failures."""

from __future__ import annotations

import os
import signal
import socket
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Literal, TypeAlias

from servers.daemon import SECONDS, Daemon

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.certificates import Certificates

MtaName: TypeAlias = Literal["postfix", "exim"]
StartMta: TypeAlias = "Callable[[MtaName, str], Mta]"
"""Starts one with such settings, for one test: the fixture ``mta``."""


class Mta(Daemon):
    """A `Daemon` that keeps what it took in a queue until it is delivered."""

    def __init__(self, certificates: Certificates, settings: str = "", *, ports: int = 1) -> None:
        super().__init__(certificates, ports=ports)
        self.settings = settings
        """Lines of its configuration, besides those that it always has."""

    def kill(self) -> None:
        """End it and all its parts at once, whatever they are at."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(SECONDS)
        self._poll(lambda: not any(_listens(port) for port in self.ports), "its ports are open")

    def restart(self, settings: str = "") -> None:
        """Start it again after `kill`: with the same ports, what it has in its queue, and other ``settings``."""
        self.settings = settings
        self._configure()
        self._process = self._start()
        self._wait_for_greetings()

    def deliver_all(self) -> None:
        """Have delivered what waits in its queue, and wait until that is empty."""
        self._run_queue()
        self._poll(lambda: not self._queued(), "its queue is not empty")

    def _poll(self, done: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{otherwise} after {SECONDS} s:\n{self.log()}")
            time.sleep(0.02)

    @abstractmethod
    def _run_queue(self) -> None:
        """Try to deliver what waits."""

    @abstractmethod
    def _queued(self) -> int:
        """How many mails wait."""

    @abstractmethod
    def _configure(self) -> None:
        """Write the configuration."""


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
