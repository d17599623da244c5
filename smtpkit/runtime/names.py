"""Host names: those of others to addresses, and our own."""

from __future__ import annotations

import re
import socket
import threading
import time
from typing import TypeAlias

__all__ = ["SocketAddress", "interleaved", "local_name", "look_up"]

SocketAddress: TypeAlias = "tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]"

_QUALIFIED = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]\Z")


def local_name(address: tuple[object, ...] | None) -> str:
    """What an end with this socket address may call itself in EHLO (RFC 5321 §4.1.4).

    No DNS is asked: ``socket.getfqdn`` may take seconds and finds nothing on most machines.
    """
    name = socket.gethostname()
    if _QUALIFIED.match(name):
        return name
    host = str(address[0]).partition("%")[0] if address else "127.0.0.1"
    return f"[IPv6:{host}]" if ":" in host else f"[{host}]"


def look_up(host: str, port: int, seconds: float) -> list[SocketAddress]:
    """The addresses of ``host``, in the order to try them.

    Raises:
        TimeoutError: the resolver does not answer. It cannot be interrupted, so that it is
            asked in a thread, which is then left behind.
        OSError: there is no such name.
    """
    found: list[SocketAddress] = []
    failures: list[OSError | UnicodeError] = []

    def ask() -> None:
        try:
            for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                found.append((family, address))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        except (OSError, UnicodeError) as error:
            failures.append(error)

    if _is_address(host):
        ask()
    else:
        asking = threading.Thread(target=ask, name="smtpkit-look-up", daemon=True)
        asking.start()
        deadline = time.monotonic() + seconds
        asking.join(max(deadline - time.monotonic(), 0))
        if asking.is_alive():
            raise TimeoutError("the name was not resolved in time")
    if failures:
        error = failures[0]
        raise error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, str(error))
    return interleaved(found)


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return True
    return False


def interleaved(addresses: list[SocketAddress]) -> list[SocketAddress]:
    """``addresses`` with the families in turn, the first one first (RFC 8305 §4)."""
    if not addresses:
        return []
    first = addresses[0][0]
    mine = [address for address in addresses if address[0] == first]
    others = [address for address in addresses if address[0] != first]
    ordered: list[SocketAddress] = []
    for number in range(max(len(mine), len(others))):
        ordered += mine[number : number + 1] + others[number : number + 1]
    return ordered
