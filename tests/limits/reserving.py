"""A process that sends as fast as it can, until it is killed: ``python reserving.py STORE LIMIT``.

It prints ``r`` before it reserves, ``g`` when that was granted, ``b`` when it gave it back, ``f`` when it is full.
"""

from __future__ import annotations

import os
import sys

from smtpkit import Mail, Message, Outcome, Receipt
from smtpkit.limits import DailyLimit, Limit, RedisStore, SqliteStore
from smtpkit.runtime.blocking import BlockingRuntime, run

MESSAGE = Message().from_("me@example.com").to("ann@example.com").subject("Hello").text("Hi")


def say(letter: bytes) -> None:
    os.write(1, letter)


def send(limit: Limit, number: int) -> None:
    """One mail; every fifth is refused."""
    runtime = BlockingRuntime()
    say(b"r")
    reservation = run(limit.reserve("me", Mail(MESSAGE), runtime))
    if not reservation.granted:
        say(b"f")
        return
    say(b"g")
    refused = number % 5 == 0
    receipt = Receipt(MESSAGE, {"ann@example.com": Outcome("refused" if refused else "accepted")})
    run(limit.settle(reservation, receipt, runtime))
    if refused:
        say(b"b")


def main(where: str, count: int) -> None:
    """Send until killed, or until the input ends."""
    store = RedisStore(where) if where.startswith("redis:") else SqliteStore(where)
    limit = DailyLimit(count, store=store, on_limit="warn")
    sys.stdin.readline()
    for number in range(1, 100_000):
        send(limit, number)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
