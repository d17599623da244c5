"""A name server on loopback, over UDP and TCP, that answers from a table."""

from __future__ import annotations

import socketserver
import threading
from typing import TYPE_CHECKING, Self, TypeAlias, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

__all__ = ["NameServer", "Zone"]

Zone: TypeAlias = "Mapping[tuple[str, str], tuple[str, ...]]"
"""Records in the form of a zone file, by name (no dot at its end) and type."""

_DATAGRAM = 512


class NameServer:
    """Answers on one free port of 127.0.0.1, within ``with``.

    Names that begin with ``broken.`` get SERVFAIL, and those with ``silent.`` nothing.
    """

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.asked: list[tuple[str, str]] = []
        """Names and types, in order."""
        self._tcp = _Tcp(self)
        self.port: int = self._tcp.server_address[1]
        self._udp = _Udp(self, self.port)
        self._threads = [threading.Thread(target=each.serve_forever, args=(0.01,)) for each in (self._tcp, self._udp)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in (self._tcp, self._udp):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    def answer(self, data: bytes) -> dns.message.Message | None:
        """To the question in ``data``; ``None``: silence."""
        question = dns.message.from_wire(data)
        asked = question.question[0]
        name = asked.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind))
        if name.startswith("silent."):
            return None
        answer = dns.message.make_response(question, recursion_available=True)
        if name.startswith("broken."):
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif records := self.zone.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *records))
        elif name not in {known for known, _ in self.zone}:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, server: NameServer) -> None:
        self.nameserver = server
        super().__init__(("127.0.0.1", 0), _TcpHandler)


class _Udp(socketserver.UDPServer):
    def __init__(self, server: NameServer, port: int) -> None:
        self.nameserver = server
        super().__init__(("127.0.0.1", port), _UdpHandler)


class _TcpHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = int.from_bytes(self.rfile.read(2))
        if length and (answer := cast("_Tcp", self.server).nameserver.answer(self.rfile.read(length))) is not None:
            wire = answer.to_wire(max_size=65535)
            self.wfile.write(len(wire).to_bytes(2) + wire)


class _UdpHandler(socketserver.DatagramRequestHandler):
    def handle(self) -> None:
        answer = cast("_Udp", self.server).nameserver.answer(self.rfile.read())
        if answer is None:
            return
        wire = answer.to_wire(max_size=65535)
        if len(wire) > _DATAGRAM:
            answer.flags |= dns.flags.TC
            answer.answer = []
            wire = answer.to_wire()
        self.wfile.write(wire)
