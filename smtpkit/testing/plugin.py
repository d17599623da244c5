"""The pytest plugin: fixtures, which load the rest of smtpkit when a test asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from smtpkit.testing import FakeTransport, ScriptedServer

__all__ = ["mailbox", "message_snapshot", "smtp_server"]


@pytest.fixture
def mailbox() -> Iterator[FakeTransport]:
    """A `FakeTransport` that gets the mail of every mailer while the test runs: application code needs no change."""
    from smtpkit.testing import FakeTransport

    with FakeTransport() as fake:
        yield fake


@pytest.fixture
def smtp_server() -> Iterator[ScriptedServer]:
    """A real SMTP server on this machine, with STARTTLS and log-in: `ScriptedServer`."""
    from smtpkit.testing import ScriptedServer

    with ScriptedServer() as server:
        yield server


@pytest.fixture
def message_snapshot() -> Callable[[Any], str]:
    """``message_snapshot(message)``: its text without what differs from run to run."""
    from smtpkit.testing import snapshot

    return snapshot
