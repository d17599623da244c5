"""Host names: those of others to addresses, and our own."""

from __future__ import annotations

import re
import socket
import threading
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LookUp", "SocketAddress", "interleaved", "local_name"]

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


class LookUp:
    """The question which addresses a host has.

    The resolver cannot be interrupted. So it is asked in a thread, which is left behind if it does not answer, and
    holds up nobody who ends the program or its event loop.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._found: list[SocketAddress] = []
        self._failure: Exception | None = None

    def begin(self, done: Callable[[], object]) -> None:
        """Ask; ``done`` is called when there is an answer, by another thread where it may take long."""
        if _is_address(self._host):
            self._ask(done)
        else:
            threading.Thread(target=self._ask, args=(done,), name="smtpkit-look-up", daemon=True).start()

    def _ask(self, done: Callable[[], object]) -> None:
        try:
            for family, _, _, _, address in socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM):
                self._found.append((family, address))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        except UnicodeError as error:
            self._failure = socket.gaierror(socket.EAI_NONAME, str(error))
        except Exception as error:
            self._failure = error
        done()

    def addresses(self) -> list[SocketAddress]:
        """Those that were found, in the order to try them.

        Raises:
            OSError: there is no such name, or it has no address.
        """
        if self._failure is not None:
            raise self._failure
        if not self._found:
            raise OSError("the name has no address")
        return interleaved(self._found)


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
