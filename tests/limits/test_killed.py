"""32 processes with one limit, killed at random: never more than it, and nothing is lost but what they had reserved."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from smtpkit.limits import DailyLimit, RedisStore, SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.redis_server import RedisServer
    from smtpkit.limits import Store

pytest_plugins = ("servers.redis_server",)

PROCESSES = 32
LIMIT = 1500
PROGRAM = Path(__file__).with_name("reserving.py")


class Sender:
    """One of the processes, and what it said."""

    def __init__(self, where: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), where, str(LIMIT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.said = b""

    def begin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    @property
    def said_by(self) -> IO[bytes]:
        """Where it speaks."""
        assert self.process.stdout is not None
        return self.process.stdout

    def hear(self) -> None:
        """What it has said meanwhile."""
        while select.select([self.said_by], [], [], 0)[0]:
            said = os.read(self.said_by.fileno(), 65536)
            if not said:
                return
            self.said += said

    def end(self) -> None:
        """Kill it, in the middle of whatever it does, and hear the rest."""
        self.process.kill()
        with self.process:
            self.said += self.said_by.read()

    @property
    def held(self) -> int:
        """What the provider may have got, at most: granted and not given back."""
        return self.said.count(b"g") - self.said.count(b"b")

    @property
    def under_way(self) -> bool:
        """Whether it was killed with a mail for which it had reserved, or was about to."""
        return not self.said.endswith((b"f", b"b"))


def killed(where: str) -> list[Sender]:
    """All senders, after they were killed at random times; the last ones when there is no more room."""
    chance = random.Random(7)
    senders = [Sender(where) for _ in range(PROCESSES)]
    try:
        for sender in senders:
            sender.begin()
        _hear(senders, until=lambda said: said.count(b"g") > LIMIT // 20)
        for sender in chance.sample(senders, PROCESSES // 2):
            _hear(senders, seconds=chance.random() * 0.05)
            sender.end()
        _hear(senders, until=lambda said: b"rfrf" in said)
    finally:
        for sender in senders:
            if sender.process.returncode is None:
                sender.end()
    return senders


def _hear(senders: list[Sender], *, seconds: float = 30, until: Callable[[bytes], bool] | None = None) -> None:
    """Hear what the senders say: for some seconds, or until they said something."""
    deadline = time.monotonic() + seconds
    alive = [each for each in senders if each.process.returncode is None]
    while time.monotonic() < deadline:
        for sender in alive:
            sender.hear()
        if until is not None and until(b"".join(each.said for each in alive)):
            return
        select.select([each.said_by for each in alive], [], [], 0.02)


def check(where: str, store: Store) -> None:
    senders = killed(where)
    limit = DailyLimit(LIMIT, store=store)
    assert {each.process.returncode for each in senders} == {-signal.SIGKILL}, "one ended by itself"
    held = sum(each.held for each in senders)
    lost = sum(each.under_way for each in senders)
    assert held <= LIMIT, f"{held} mails for a limit of {LIMIT}"
    # What is counted and nobody holds is what the killed ones had reserved: one mail each.
    assert held - lost <= limit.used("me") <= min(held + lost, LIMIT)
    assert held >= LIMIT - 2 * PROCESSES, "the limit was not reached"
    assert sum(bool(each.held) for each in senders) > PROCESSES // 2, "most of them never sent"


def test_with_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    check(str(path), SqliteStore(path))


def test_with_redis(redis_server: RedisServer) -> None:
    redis_server.flush()
    check(redis_server.url, RedisStore(redis_server.url))
