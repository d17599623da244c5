"""Waiting for one socket with a deadline."""

from __future__ import annotations

import select
import socket
import sys
import time

__all__ = ["BOTH", "READABLE", "WRITABLE", "ready", "tune", "wait"]

READABLE = 1
WRITABLE = 2
BOTH = READABLE | WRITABLE


_NOTSENT_LOWAT = 25
"""TCP_NOTSENT_LOWAT of Linux, which Python names from 3.12 on."""
_UNSENT = 128 * 1024


def tune(sock: socket.socket) -> None:
    """Make ``sock`` send at once, and tell of progress in steps that a slow line takes in time."""
    # Without it one message costs 44 ms: Nagle's algorithm waits for the delayed ACK.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform == "linux":
        # Otherwise a socket is writable again only when a third of up to 4 MB has gone.
        sock.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _UNSENT)


def wait(sock: socket.socket, events: int, deadline: float) -> int:
    """Wait until ``sock`` is ready for one of ``events``; for which ones.

    A broken connection is ready for everything: the next call on it tells what is wrong.

    Raises:
        TimeoutError: not before ``deadline``.
    """
    seconds = deadline - time.monotonic()
    found = ready(sock, events, seconds) if seconds > 0 else 0
    if not found:
        raise TimeoutError("timed out")
    return found


if hasattr(select, "poll"):

    def ready(sock: socket.socket, events: int, seconds: float) -> int:
        """For which of ``events`` the socket is ready within ``seconds``; 0 for none."""
        poll = select.poll()
        poll.register(sock, (select.POLLIN if events & READABLE else 0) | (select.POLLOUT if events & WRITABLE else 0))
        found = 0
        for _, flags in poll.poll(min(seconds, 86400) * 1000):
            found |= READABLE if flags & select.POLLIN else 0
            found |= WRITABLE if flags & select.POLLOUT else 0
            if flags & ~(select.POLLIN | select.POLLOUT):
                found |= events
        return found

else:  # Windows

    def ready(sock: socket.socket, events: int, seconds: float) -> int:
        """For which of ``events`` the socket is ready within ``seconds``; 0 for none."""
        given = [sock]
        readable, writable, broken = select.select(
            given if events & READABLE else [], given if events & WRITABLE else [], given, min(seconds, 86400)
        )
        return events if broken else (READABLE if readable else 0) | (WRITABLE if writable else 0)
