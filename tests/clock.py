"""The virtual time in which mailers wait.

A test module gets the fixture ``clock`` by ``pytest_plugins = ("clock",)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smtpkit.runtime.simulated import SimulatedRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smtpkit.events import Tell
    from smtpkit.runtime.simulated import Peer

__all__ = ["Clock", "clock"]


class Clock:
    """The virtual time of both mailers, in which nothing is left to chance."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.dial: Callable[[str, int], Peer] = self._next_of_those_served
        """Called with host and port; what it raises is what connecting raises."""
        self.runtime = SimulatedRuntime(self._dial)
        self.chance = 0.0
        self._peers: Iterator[Peer] = iter(())
        for module in ("blocking", "aio"):
            monkeypatch.setattr(f"smtpkit.mailer.{module}._runtime", self._made)
        monkeypatch.setattr("smtpkit.stamp.chance", lambda: self.chance)

    def serve(self, peers: Iterator[Peer]) -> None:
        """Connect to each of ``peers`` in turn."""
        self._peers = peers

    def _dial(self, host: str, port: int) -> Peer:
        return self.dial(host, port)

    def _next_of_those_served(self, host: str, port: int) -> Peer:
        peer = next(self._peers, None)
        if peer is None:
            raise ConnectionRefusedError(111, "Connection refused")
        return peer

    def _made(self, tell: Tell | None = None) -> SimulatedRuntime:
        self.runtime.tell = tell
        return self.runtime


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time passes when a mailer waits."""
    return Clock(monkeypatch)
