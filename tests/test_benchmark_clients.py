"""The clients of the benchmarks do what their tables say: seen by the sink, in few messages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.measure import Setting, measure
from benchmarks.peers import PEERS
from benchmarks.table import Table, spread

if TYPE_CHECKING:
    from pathlib import Path

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="clients are measured on Linux")


@on_linux
@pytest.mark.parametrize(("recipients", "first", "each"), [(1, 6, 4), (3, 8, 6)])
def test_the_round_trips_of_smtplib(recipients: int, first: int, each: int) -> None:
    """Greeting and EHLO; then MAIL, each RCPT, DATA and the content wait one after the other."""
    run = measure(Setting("smtplib send_message", delay=0.01, recipients=recipients, messages=2))
    assert (run.connected.first, run.flights_each, run.messages) == (first, each, 2)


@on_linux
@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.startswith("smtpkit")])
def test_a_client_of_smtpkit_sends_what_it_is_told_to(tmp_path: Path, peer: str) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(bytes(1 << 20))
    run = measure(Setting(peer, security="tls", in_flight=4, messages=3, attachment=path))
    assert run.messages == 3
    assert run.connected.octets > 3 * path.stat().st_size * 4 / 3
    assert run.per_second > 0
    assert run.cpu > 0


def test_a_table() -> None:
    table = Table("Speed", "One run.", ("", "messages/s"), [("ours", spread([1500.0])), ("theirs", spread([1, 9, 2]))])
    assert table.markdown() == (
        "## Speed\n\nOne run.\n\n"
        "|        | messages/s |\n|--------|------------|\n| ours   | 1,500      |\n| theirs | 2 (1 to 9) |\n"
    )
