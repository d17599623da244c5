"""What a domain says of itself in DNS, asked through dnspython: the extra ``dns``."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from smtpkit.errors import InvalidConfiguration
from smtpkit.pattern import Pattern
from smtpkit.stamp import chance
from smtpkit.value import put, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smtpkit.runtime.base import Runtime

__all__ = ["DnsResolver", "RecordType", "Resolver", "ServiceTarget", "exchangers", "is_host_name", "service_targets"]

_HOST = Pattern(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9-]{1,63}\Z")

RecordType: TypeAlias = Literal["A", "AAAA", "CNAME", "MX", "SRV", "TXT"]


class Resolver(Protocol):
    """Whoever answers questions about names: `DnsResolver`, or one of your own, as in tests."""

    async def lookup(self, name: str, kind: RecordType, runtime: Runtime, deadline: float) -> tuple[str, ...]:
        """The records of ``name`` (A-labels, no dot at its end); none if there is no such name or record.

        Each is in the form of a zone file (RFC 1035 §5), such as ``10 mx.example.com.`` for MX and
        ``0 1 587 smtp.example.com.`` for SRV; TXT is the text itself, its strings joined (RFC 7208 §3.3).

        Raises:
            OSError: nobody answered; ``TimeoutError`` if not before ``deadline``, a time of `Runtime.now`.
        """
        ...


@value
class DnsResolver:
    """Asks the name servers that this machine is configured with, or ``nameservers`` (IP addresses).

    Answers are not verified (DNSSEC): who controls the network can forge them.
    """

    nameservers: tuple[str, ...]
    port: int

    def __init__(self, nameservers: Iterable[str] = (), port: int = 53) -> None:
        put(self, "nameservers", tuple(nameservers))
        put(self, "port", port)

    async def lookup(self, name: str, kind: RecordType, runtime: Runtime, deadline: float) -> tuple[str, ...]:
        """As in `Resolver.lookup`.

        Raises:
            InvalidConfiguration: dnspython is not installed.
            OSError: nobody answered; ``TimeoutError`` if not in time.
        """
        seconds = deadline - runtime.now()
        if seconds <= 0:
            raise TimeoutError(f"no time left to ask DNS for {kind} of {name}")
        return await runtime.call(self._ask, name, kind, seconds)

    def _ask(self, name: str, kind: RecordType, seconds: float) -> tuple[str, ...]:
        try:
            import dns.exception
            import dns.name
            import dns.resolver
        except ImportError as error:
            raise InvalidConfiguration(
                "questions to DNS need dnspython", hint='Install it: pip install "smtpkit[dns]".'
            ) from error
        try:
            asked = dns.resolver.Resolver(configure=not self.nameservers)
            if self.nameservers:
                asked.nameservers, asked.port = list(self.nameservers), self.port
            # Absolute, so that no search domain of this machine is tried.
            absolute = dns.name.from_text(name, dns.name.root)
            answer = asked.resolve(absolute, kind, lifetime=seconds, raise_on_no_answer=False)
            return tuple(_text(record) for record in answer)
        except dns.resolver.NXDOMAIN:
            return ()
        except dns.exception.Timeout as error:
            raise TimeoutError(f"DNS did not answer in time for {kind} of {name}") from error
        except dns.exception.DNSException as error:
            raise OSError(f"DNS has no answer for {kind} of {name}: {error}") from error


@value
class ServiceTarget:
    """A host and port that an SRV record names (RFC 2782)."""

    host: str
    port: int
    priority: int
    weight: int

    @property
    def order(self) -> tuple[int, int, str, int]:
        """By priority, without weight first (RFC 2782)."""
        return (self.priority, self.weight, self.host, self.port)


def is_host_name(text: str) -> bool:
    """Whether it is made of letters, digits and hyphens, with dots between (RFC 1123 §2.1)."""
    return _HOST.match(text) is not None and len(text) <= 253


def exchangers(records: Iterable[str]) -> tuple[str, ...]:
    """The hosts of MX records, the most preferred first; none for a domain that takes no mail (RFC 7505)."""
    found = sorted((int(preference), host.rstrip(".").lower()) for preference, host in map(str.split, records))
    return tuple(host for _, host in found if is_host_name(host))


def service_targets(records: Iterable[str], draw: Callable[[], float] = chance) -> tuple[ServiceTarget, ...]:
    """The targets of SRV records in the order to try them; none if the service is not offered, whose target is ``.``.

    By priority, and within one by chance in proportion to the weights (RFC 2782): ``draw`` gives numbers from 0 to
    below 1. What is no host name is left out.
    """
    left = sorted((each for each in map(_target, records) if is_host_name(each.host)), key=lambda each: each.order)
    ordered: list[ServiceTarget] = []
    while left:
        equals = [each for each in left if each.priority == left[0].priority]
        sums = [*accumulate(each.weight for each in equals)]
        chosen = equals[bisect_left(sums, draw() * sums[-1])]
        left.remove(chosen)
        ordered.append(chosen)
    return tuple(ordered)


def _target(record: str) -> ServiceTarget:
    priority, weight, port, host = record.split()
    return ServiceTarget(host.rstrip(".").lower(), int(port), int(priority), int(weight))


def _text(record: object) -> str:
    strings: tuple[bytes, ...] | None = getattr(record, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("utf-8", "replace")
    return str(record)
