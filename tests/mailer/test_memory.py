"""Memory does not grow with an attachment: it is a stream, from the file to the socket."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from memory import MIB, at_most
from servers.sink import Sink
from smtpkit import Message, PlaintextSmtpTransport

if TYPE_CHECKING:
    from pathlib import Path

    from both import Both

pytest_plugins = ("both",)


@pytest.fixture
def large(tmp_path: Path) -> Message:
    """A message with a file of 100 MiB, which takes no room on the disk."""
    path = tmp_path / "large.bin"
    path.touch()
    os.truncate(path, 100 * MIB)
    return Message().from_("ann@example.com").to("bob@example.com").text("Hi").attach(path).completed()


def test_chunks(large: Message) -> None:
    with at_most(2 * MIB):
        length = sum(map(len, large.chunks()))
    assert length == large.size() > 130 * MIB


def test_sending(both: Both, large: Message) -> None:
    with Sink() as sink:
        mailer = both.mailer(PlaintextSmtpTransport(sink.host, sink.port))
        both.send(mailer, Message().from_("ann@example.com").to("bob@example.com"))  # loads what is loaded once
        before = sink.octets
        with at_most(2 * MIB):
            both.send(mailer, large)
        assert sink.octets - before == large.size() + len(".\r\n")
        both.close(mailer)
