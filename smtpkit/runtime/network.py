"""Whether anything may be sent from this process: a guard for test suites."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING

from smtpkit.errors import NetworkForbidden

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["VARIABLE", "Ban", "open_port", "permit", "shut_port"]

VARIABLE = "SMTPKIT_FORBID_NETWORK"
"""The environment variable that forbids real sending, for as long as it is set to anything but a no."""

_NO = ("", "0", "false", "no", "off")

_bans: list[Ban] = []
_ours: set[int] = set()
"""Ports of this machine on which a test server of this process listens."""
_lock = Lock()


class Ban:
    """Nothing is sent to any host but ``allowed`` ones, from now until `lift`."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self.allowed: frozenset[str] = frozenset(name.lower() for name in allowed)
        with _lock:
            _bans.append(self)

    def lift(self) -> None:
        """It ends. May be called again."""
        with _lock:
            if self in _bans:
                _bans.remove(self)

    def forbids(self, host: str, port: int) -> bool:
        """Whether this server is none of those that are allowed."""
        return not self.allowed & {host.lower(), f"{host.lower()}:{port}"}


def permit(host: str, port: int) -> None:
    """Let pass what is sent to this server.

    Raises:
        NetworkForbidden: a `Ban` is in force, or the environment says so, and it is no test server of this process.
    """
    by_environment = VARIABLE in os.environ and os.environ[VARIABLE].strip().lower() not in _NO
    if not (_bans or by_environment) or (port in _ours and host in ("localhost", "127.0.0.1")):
        return
    if by_environment:
        raise NetworkForbidden(
            f"{VARIABLE} is set: nothing is sent to {host}:{port}",
            hint="In tests use the fixture mailbox, a FakeTransport or a ScriptedServer. "
            f"In production {VARIABLE} must not be set.",
        )
    if any(ban.forbids(host, port) for ban in tuple(_bans)):
        raise NetworkForbidden(
            f"forbid_network() is in force: nothing is sent to {host}:{port}",
            hint="Use the fixture mailbox, a FakeTransport or a ScriptedServer, "
            f'or allow this server: forbid_network(allow=["{host}:{port}"]).',
        )


def open_port(port: int) -> None:
    """A test server of this process listens there: it is always allowed."""
    with _lock:
        _ours.add(port)


def shut_port(port: int) -> None:
    """It does not listen there any more."""
    with _lock:
        _ours.discard(port)
