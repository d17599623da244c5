"""Questions to DNS, answered by a name server on loopback; and what is read from the answers."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from servers.nameserver import NameServer
from smtpkit.dns import DnsResolver, exchangers, service_targets
from smtpkit.errors import InvalidConfiguration
from smtpkit.runtime.aio import AsyncRuntime
from smtpkit.runtime.blocking import BlockingRuntime
from smtpkit.runtime.driver import run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

ZONE = {
    ("own.example", "MX"): ("20 mx2.own.example.", "10 mx1.own.example."),
    ("_submissions._tcp.own.example", "SRV"): ("0 1 465 smtp.own.example.",),
    ("own.example", "TXT"): ('"v=spf1 include:_spf.example.com " "-all"', '"other"'),
    ("own.example", "A"): ("192.0.2.1",),
    ("xn--bcher-kva.example", "AAAA"): ("2001:db8::1",),
    ("alias.example", "CNAME"): ("own.example.",),
    ("long.example", "TXT"): tuple(f'"{number:03}{"x" * 200}"' for number in range(20)),
}


@pytest.fixture(scope="module")
def server() -> Iterator[NameServer]:
    with NameServer(ZONE) as server:
        yield server


@pytest.fixture(params=["sync", "async"])
def look_up(request: pytest.FixtureRequest, server: NameServer) -> Any:
    def lookup(name: str, kind: Any, seconds: float = 10) -> tuple[str, ...]:
        resolver = DnsResolver(["127.0.0.1"], server.port)
        if request.param == "sync":
            runtime = BlockingRuntime()
            return run(resolver.lookup(name, kind, runtime, runtime.now() + seconds))

        async def looked_up() -> tuple[str, ...]:
            runtime = AsyncRuntime()
            return await resolver.lookup(name, kind, runtime, runtime.now() + seconds)

        return asyncio.run(looked_up())

    return lookup


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("own.example", "MX", {"10 mx1.own.example.", "20 mx2.own.example."}),
        ("OWN.example", "A", {"192.0.2.1"}),
        ("_submissions._tcp.own.example", "SRV", {"0 1 465 smtp.own.example."}),
        ("own.example", "TXT", {"v=spf1 include:_spf.example.com -all", "other"}),
        ("xn--bcher-kva.example", "AAAA", {"2001:db8::1"}),
        ("alias.example", "CNAME", {"own.example."}),
        ("own.example", "AAAA", ()),
        ("nothing.example", "MX", ()),
        # Longer than a datagram: asked again over TCP.
        ("long.example", "TXT", {f"{number:03}{'x' * 200}" for number in range(20)}),
    ],
)
def test_records(look_up: Any, name: str, kind: str, records: Collection[str]) -> None:
    assert sorted(look_up(name, kind)) == sorted(records)


@pytest.mark.parametrize(
    ("name", "kind", "seconds", "error", "said"),
    [
        ("broken.example", "MX", 10, OSError, "DNS has no answer for MX of broken.example"),
        ("silent.example", "MX", 0.2, TimeoutError, "did not answer in time for MX of silent.example"),
        ("own.example", "MX", 0, TimeoutError, "no time left"),
        ("x" * 64 + ".example", "MX", 10, OSError, "A DNS label is > 63 octets long"),
    ],
)
def test_no_answer(look_up: Any, name: str, kind: str, seconds: float, error: type[OSError], said: str) -> None:
    with pytest.raises(error, match=said):
        look_up(name, kind, seconds)


def test_without_dnspython_the_extra_is_named(look_up: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dns.resolver", None)
    with pytest.raises(InvalidConfiguration, match=r'pip install "smtpkit\[dns\]"'):
        look_up("own.example", "MX")


@pytest.mark.parametrize(
    ("records", "hosts"),
    [
        ((), ()),
        (("20 b.example.", "10 A.example.", "10 c.example."), ("a.example", "c.example", "b.example")),
        (("0 .",), ()),
    ],
)
def test_exchangers(records: tuple[str, ...], hosts: tuple[str, ...]) -> None:
    assert exchangers(records) == hosts


@pytest.mark.parametrize(
    ("records", "targets"),
    [
        ((), []),
        (("0 0 0 .",), []),
        (("10 0 587 B.example.", "0 5 465 a.example."), ["a.example:465", "b.example:587"]),
        (("0 0 587 spare.example.", "0 9 587 main.example."), ["main.example:587", "spare.example:587"]),
        (("0 0 587 b.example.", "0 0 587 a.example."), ["a.example:587", "b.example:587"]),
    ],
)
def test_service_targets(records: tuple[str, ...], targets: list[str]) -> None:
    assert [f"{each.host}:{each.port}" for each in service_targets(records, lambda: 0.5)] == targets


def test_weights_are_shares() -> None:
    records = ("0 3 587 a.example.", "0 1 587 b.example.", "0 0 587 c.example.")
    draw = Random(1).random
    first = Counter(service_targets(records, draw)[0].host for _ in range(1000))
    assert 700 < first["a.example"] < 800
    assert first["a.example"] + first["b.example"] == 1000
