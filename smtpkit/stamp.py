"""Where the Date and Message-ID of a mail, and chance, come from: the only clock and random source below the runtime.

Tests replace these functions to get the same each time.
"""

from __future__ import annotations

import os
import time
from binascii import hexlify
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["chance", "date_text", "message_id", "nonce", "now_text"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def date_text(when: datetime) -> str:
    """An aware ``when`` as ``Mon, 02 Nov 2026 09:30:00 +0100`` (RFC 5322 §3.3)."""
    from datetime import timedelta, timezone

    # An offset has whole minutes here; those of old local times have seconds too.
    minute = timedelta(minutes=1)
    offset = when.utcoffset() or timedelta()
    when = when.astimezone(timezone(offset // minute * minute))
    # No strftime: its names follow the locale.
    return (
        f"{_DAYS[when.weekday()]}, {when.day:02d} {_MONTHS[when.month - 1]} {when.year:04d} {when:%H:%M:%S} {when:%z}"
    )


def now_text() -> str:
    """The date of now, in UTC."""
    return _text_of_second(int(time.time()))


@lru_cache(maxsize=2)
def _text_of_second(second: int) -> str:
    now = time.gmtime(second)
    day = f"{_DAYS[now.tm_wday]}, {now.tm_mday:02d} {_MONTHS[now.tm_mon - 1]} {now.tm_year:04d}"
    return f"{day} {now.tm_hour:02d}:{now.tm_min:02d}:{now.tm_sec:02d} +0000"


class _Process:
    """A random token of this process and a counter: unique without asking the system each time."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.token = hexlify(os.urandom(8)).decode()
        # Numbers of one length, so that two renderings of a message are equally long.
        self.counter = count(10**8)


_process: _Process | None = None


def _started() -> _Process:
    global _process
    _process = _Process()
    if hasattr(os, "register_at_fork"):
        # Without this a child of a fork goes on with its parent's token and counter.
        os.register_at_fork(after_in_child=_process.renew)
    return _process


def message_id(domain: str) -> str:
    """A new message id (RFC 5322 §3.6.4), with its angle brackets, in the ASCII ``domain``."""
    process = _process or _started()
    # The time is for machines that are copied while they run.
    return f"<{int(time.time())}.{next(process.counter)}.{process.token}@{domain}>"


def nonce() -> str:
    """A random text that nobody can guess (RFC 5802 §5.1)."""
    return hexlify(os.urandom(18)).decode()


def chance() -> float:
    """A random number from 0 to below 1: those who failed at one time do not all come back at one time."""
    return int.from_bytes(os.urandom(4)) / 2**32
