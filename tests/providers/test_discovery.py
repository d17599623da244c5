"""The mail server of an address, found in a network that is simulated: names, web sites and servers."""

from __future__ import annotations

import asyncio
import socket
import ssl
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made import made
from scripted import Player, steps
from smtpkit import (
    Discovered,
    InvalidAddress,
    InvalidConfiguration,
    Mailer,
    Provider,
    Tls,
    UnknownProvider,
    discover,
    discover_async,
    insecure_tls,
)
from smtpkit.runtime import aio, blocking
from smtpkit.runtime.simulated import Act, SimulatedRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from smtpkit.runtime.base import Runtime
    from smtpkit.runtime.simulated import Peer

ME = "me@own.example"
AUTO = "autoconfig.own.example"
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"


def xml(*servers: str) -> bytes:
    """A configuration of these servers, the first in the order of preference."""
    found = "".join(f'<outgoingServer type="smtp">{server}</outgoingServer>' for server in servers)
    text = f'<clientConfig version="1.1"><emailProvider id="own.example">{found}</emailProvider></clientConfig>'
    return text.encode()


def server(host: str, port: int, security: str, username: str = "%EMAILADDRESS%", *methods: str) -> str:
    authentication = "".join(f"<authentication>{method}</authentication>" for method in methods)
    return (
        f"<hostname>{host}</hostname><port>{port}</port><socketType>{security}</socketType>"
        f"<username>{username}</username>{authentication}"
    )


OWN = xml(server("smtp.own.example", 465, "SSL"))


def answer(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    head = "".join(f"{field}\r\n" for field in fields)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def moved(to: str) -> bytes:
    return answer(b"", "301 Moved", f"Location: {to}")


class Site:
    """A web server that has one answer."""

    certificate = b""

    def __init__(self, answer: bytes) -> None:
        self.asked = b""
        self._answer = answer

    def secure(self) -> bool:
        return True

    def hear(self, data: bytes) -> Iterable[Act]:
        self.asked += data
        if not self.asked.endswith(b"\r\n\r\n"):
            return []
        return [Act(self._answer, ending="close")]


class Untrusted(Site):
    """Somebody else, by a certificate of their own."""

    def __init__(self) -> None:
        super().__init__(b"")

    def secure(self) -> bool:
        error = ssl.SSLCertVerificationError(1, "hostname mismatch")
        error.verify_code, error.verify_message = 62, "Hostname mismatch."
        raise error


class Mute(Site):
    """It takes the connection, and says nothing."""

    def hear(self, data: bytes) -> Iterable[Act]:
        return []


def smtp(security: Literal["tls", "starttls"], *extensions: str) -> Callable[[], Peer]:
    lines = ["own.example", *extensions]
    ehlo = "\n".join(f"S: 250{'-' if line is not lines[-1] else ' '}{line}" for line in lines)
    secured = f"C~ EHLO .*\n{ehlo}"
    if security == "tls":
        script = f"tls\nS: 220 hi\n{secured}"
    else:
        script = f"S: 220 hi\nC~ EHLO .*\nS: 250-own\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\ntls\n{secured}"
    return lambda: Player(steps(script)[0])


class Names(dict[tuple[str, str], Any]):
    """A resolver that knows these, and keeps what it was asked."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        super().__init__({(key.split(" ")[0], key.split(" ")[1]): records for key, records in known.items()})
        self.asked: list[str] = []

    async def lookup(self, name: str, kind: str, runtime: Runtime, deadline: float) -> tuple[str, ...]:
        self.asked.append(f"{name} {kind}")
        found = self.get((name, kind), self.get(("*", "*"), ()))
        if isinstance(found, TimeoutError):
            await runtime.sleep(deadline - runtime.now())
        if isinstance(found, OSError):
            raise found
        return tuple(found)


class World(NamedTuple):
    """What there is: names in DNS, and who answers at which host and port."""

    names: Mapping[str, Any] = {}
    peers: Mapping[str, Callable[[], Peer]] = {}


def site(body: bytes) -> Callable[[], Peer]:
    return lambda: Site(body)


class Wire:
    """A `Peer` as a socket, for the HTTP client of the standard library."""

    def __init__(self, peer: Peer, runtime: SimulatedRuntime, seconds: float) -> None:
        self.peer = peer
        self.closed = False
        self.secured_for = ""
        self._runtime = runtime
        self._seconds = seconds
        self._said = b""

    def setsockopt(self, *_: object) -> None:
        """There is nothing to set."""

    def sendall(self, data: bytes) -> None:
        self._said += b"".join(act.data for act in self.peer.hear(data))

    def makefile(self, mode: str) -> BytesIO:
        if not self._said:
            self._runtime.advance(self._runtime.now() + self._seconds)
            raise TimeoutError("timed out")
        return BytesIO(self._said)

    def close(self) -> None:
        self.closed = True


class Verifying(ssl.SSLContext):
    """Nobody has a certificate in a simulation: a peer says itself whether it is believed."""

    def wrap_socket(self, sock: Any, *_: Any, server_hostname: Any = None, **__: Any) -> Any:
        sock.peer.secure()
        sock.secured_for = server_hostname
        return sock


VERIFYING = Verifying(ssl.PROTOCOL_TLS_CLIENT)


class Network:
    """A `World` at work."""

    def __init__(self, world: World) -> None:
        self.resolver = Names(world.names)
        self.dialled: list[str] = []
        self.peers: list[Any] = []
        self.wires: list[Wire] = []
        self._world = world
        self.runtime = SimulatedRuntime(self._dial)

    def _dial(self, host: str, port: int) -> Peer:
        self.dialled.append(f"{host}:{port}")
        peer = self._world.peers.get(f"{host}:{port}", self._world.peers.get("*"))
        if peer is None:
            raise ConnectionRefusedError(111, "Connection refused")
        self.peers.append(peer())
        return self.peers[-1]  # type: ignore[no-any-return]

    def _connect(self, to: tuple[str, int], timeout: float, *_: object) -> Wire:
        self.wires.append(Wire(self._dial(*to), self.runtime, timeout))
        return self.wires[-1]

    def discover(self, way: str, address: Any, **options: Any) -> Discovered:
        def made_runtime(*_: object) -> SimulatedRuntime:
            return self.runtime

        given: dict[str, Any] = {"resolver": self.resolver, "tls": VERIFYING} | options
        with (
            patch.object(blocking, "BlockingRuntime", made_runtime),
            patch.object(aio, "AsyncRuntime", made_runtime),
            patch.object(socket, "create_connection", self._connect),
        ):
            try:
                if way == "sync":
                    return discover(address, **given)
                return asyncio.run(discover_async(address, **given))
            finally:
                connections: list[Any] = [*self.runtime.streams, *self.wires]
                assert all(each.closed for each in connections), "a connection was left open"


both = pytest.mark.parametrize("way", ["sync", "async"])

SRV = "_submission._tcp.own.example SRV"
SRVS = "_submissions._tcp.own.example SRV"
LOGIN = "AUTH PLAIN"

FOUND: dict[str, tuple[World, str, str, str | None, list[str], str]] = {
    # World, address; how, provider (None: made of what was found), endpoints, a part of what is said
    "domain": (World(), "me@gmail.com", "domain", "gmail", ["smtp.gmail.com:465 (tls)"], "gmail.com is a domain"),
    "domain of an own host": (World(), "me@inbox.eu", "domain", "inbox_lv", [], "inbox.eu is"),
    "mx": (
        World({"own.example MX": ("20 other.example.", "10 ASPMX.L.Google.com.")}),
        ME, "mx", "google_workspace", ["smtp.gmail.com:465 (tls)"], "aspmx.l.google.com takes the mail of own.example",
    ),
    "mx behind one that nobody knows": (
        World({"own.example MX": ("10 filter.example.", "20 own-example.mail.protection.outlook.com.")}),
        ME, "mx", "microsoft365", ["smtp.office365.com:587 (starttls)"], "own-example.mail.protection.outlook.com",
    ),
    "mx of a region": (
        World({"own.example MX": ("10 mx.zoho.eu.",)}),
        ME, "mx", "zoho_pro", ["smtppro.zoho.eu:465 (tls)", "smtppro.zoho.eu:587 (starttls)"], "mx.zoho.eu",
    ),
    "mx of an international domain": (
        World({"xn--bcher-kva.example MX": ("10 in1-smtp.messagingengine.com.",)}),
        "me@Bücher.example", "mx", "fastmail", ["smtp.fastmail.com:465 (tls)"], "xn--bcher-kva.example",
    ),
    "srv": (
        World({
            "own.example MX": ("0 .",),
            SRV: ("10 0 587 b.own.example.", "0 1 1587 Own.example."),
            SRVS: ("0 0 465 smtp.own.example.",),
        }),
        ME, "srv", None,
        ["smtp.own.example:465 (tls)", "own.example:1587 (starttls)", "b.own.example:587 (starttls)"],
        "SRV records of own.example name smtp.own.example, own.example, b.own.example",
    ),
    "srv, one service is not offered": (
        World({SRV: ("0 0 0 .",), SRVS: ("0 0 465 smtp.own.example.",)}),
        ME, "srv", None, ["smtp.own.example:465 (tls)"], "",
    ),
    "srv of a provider": (
        World({SRVS: ("0 1 465 smtp.fastmail.com.",)}),
        ME, "srv", "fastmail", ["smtp.fastmail.com:465 (tls)"], "name smtp.fastmail.com",
    ),
    "srv of many, rather the one for own domains": (
        World({SRVS: ("0 1 465 smtp.gmail.com.",)}), ME, "srv", "google_workspace", ["smtp.gmail.com:465 (tls)"], "",
    ),
    "autoconfig": (
        World({}, {f"{AUTO}:443": site(answer(OWN))}),
        ME, "autoconfig", None, ["smtp.own.example:465 (tls)"], "https://autoconfig.own.example/mail/config-v1.1.xml",
    ),
    "autoconfig, though DNS is dead": (
        World({"* *": TimeoutError("no answer")}, {f"{AUTO}:443": site(answer(OWN))}),
        ME, "autoconfig", None, ["smtp.own.example:465 (tls)"], "",
    ),
    "autoconfig in place of srv that leads elsewhere": (
        World({SRVS: ("0 0 465 smtp.evil.example.",)}, {f"{AUTO}:443": site(answer(OWN))}),
        ME, "autoconfig", None, ["smtp.own.example:465 (tls)"], "",
    ),
    "autoconfig at its other place": (
        World({}, {f"{AUTO}:443": site(answer(b"", "404 Not Found")), "own.example:443": site(answer(OWN))}),
        ME, "autoconfig", None, ["smtp.own.example:465 (tls)"], f"https://own.example{WELL_KNOWN}",
    ),
    "autoconfig behind redirects": (
        World({}, {
            f"{AUTO}:443": site(moved("https://config.host.example:8443/own?x=1")),
            "config.host.example:8443": site(moved("/real")),
        } | {"own.example:443": site(answer(OWN))}),
        ME, "autoconfig", None, ["smtp.own.example:465 (tls)"], f"https://own.example{WELL_KNOWN}",
    ),
    "autoconfig of a hosting company": (
        World({}, {f"{AUTO}:443": site(answer(
            xml(server("mail.host.example", 587, "plain"), server("mail.host.example", 587, "STARTTLS"),
                server("mail.host.example", 465, "SSL"), server("old.host.example", 465, "SSL", "%EMAILLOCALPART%"))
        ))}),
        ME, "autoconfig", None, ["mail.host.example:587 (starttls)", "mail.host.example:465 (tls)"], "",
    ),
    "autoconfig of a provider": (
        World({}, {f"{AUTO}:443": site(answer(xml(server("smtp.fastmail.com", 465, "SSL"))))}),
        ME, "autoconfig", "fastmail", ["smtp.fastmail.com:465 (tls)"], "",
    ),
    "autoconfig with a placeholder": (
        World({}, {f"{AUTO}:443": site(answer(xml(server("mail.%EMAILDOMAIN%", 465, "SSL"))))}),
        ME, "autoconfig", None, ["mail.own.example:465 (tls)"], "",
    ),
    "mail host by TLS": (
        World({}, {"mail.own.example:465": smtp("tls", LOGIN)}),
        ME, "mail-host", None, ["mail.own.example:465 (tls)"], "mail.own.example:465 answers, with a certificate",
    ),
    "mail host by STARTTLS": (
        World({}, {"mail.own.example:587": smtp("starttls", LOGIN)}),
        ME, "mail-host", None, ["mail.own.example:587 (starttls)"], "mail.own.example:587 answers",
    ),
    "mail host that takes log-ins elsewhere": (
        World({}, {"mail.own.example:465": smtp("tls"), "mail.own.example:587": smtp("starttls", LOGIN)}),
        ME, "mail-host", None, ["mail.own.example:587 (starttls)"], "",
    ),
}  # fmt: skip


@both
@pytest.mark.parametrize("case", FOUND)
def test_found(case: str, way: str) -> None:
    world, address, how, name, endpoints, said = FOUND[case]
    network = Network(world)
    found = network.discover(way, address)
    assert found.how == how
    assert found.provider.name == (name or found.address.rpartition("@")[2])
    assert [*map(str, found.provider.endpoints)][: len(endpoints)] == endpoints
    assert name or len(found.provider.endpoints) == len(endpoints)
    assert said in found.said
    assert str(found).endswith(found.said)
    # It is what a mailer is made of.
    mailer = made(Mailer.for_provider(found.provider, found.address, "secret"))
    assert mailer.host == found.provider.endpoint(domain=found.address.rpartition("@")[2]).host


def test_the_registry_needs_no_network() -> None:
    network = Network(World())
    network.discover("sync", "Me <me@GoogleMail.com>")
    assert not network.resolver.asked
    assert not network.dialled


@both
def test_the_steps_come_in_their_order(way: str) -> None:
    network = Network(World())
    with pytest.raises(UnknownProvider) as caught:
        network.discover(way, ME)
    assert network.resolver.asked == ["own.example MX", SRVS, SRV]
    assert network.dialled == [f"{AUTO}:443", "own.example:443", "mail.own.example:465", "mail.own.example:587"]
    said = caught.value.message.removeprefix("no server was found for 'me@own.example': ").split("; ")
    assert [line.partition(":")[0] for line in said] == [
        "its domain is none that providers are known by",
        "its mail goes to nobody, which no provider is known by",
        "it has no SRV records",
        "https",
        "https",
        "no connection to mail.own.example",
        "no connection to mail.own.example",
    ]
    assert "Ask those who run" in (caught.value.hint or "")
    assert not caught.value.temporary


REFUSED: dict[str, tuple[World, str]] = {
    "srv leads elsewhere": (
        World({SRVS: ("0 0 465 smtp.evil.example.",)}),
        r"DNS can be forged: if that is right, pass trusted_hosts=\['smtp.evil.example'\]",
    ),
    "srv leads to a name that only ends alike": (World({SRVS: ("0 0 465 smtp.notown.example.",)}), "can be forged"),
    "srv leads to a trap for tests": (World({SRVS: ("0 0 1025 localhost.",)}), "localhost, which is outside"),
    "srv leads to no host name": (World({SRVS: (r"0 0 465 a\032b.own.example.",)}), "no server was found"),
    "a redirect from HTTPS": (
        World({}, {f"{AUTO}:443": site(moved("http://autoconfig.own.example/x"))}), "leads away from HTTPS",
    ),
    "redirects without end": (World({}, {f"{AUTO}:443": site(moved("/again"))}), "redirects more than 3 times"),
    "entities that grow": (
        World({}, {f"{AUTO}:443": site(answer(b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'))}), "document type",
    ),
    "entities in another encoding": (
        World({}, {f"{AUTO}:443": site(answer('<!DOCTYPE x [<!ENTITY a "a">]><x>&a;</x>'.encode("utf-16")))}),
        "document type",
    ),
    "too large": (World({}, {f"{AUTO}:443": site(answer(OWN + b" " * 70000))}), "more than 65536 octets"),
    "no XML": (World({}, {f"{AUTO}:443": site(answer(b"<html><br></html>"))}), "it is no XML"),
    "no HTTP": (World({}, {f"{AUTO}:443": site(b"220 smtp.own.example ESMTP\r\n")}), "does not speak HTTP"),
    "an answer cut off": (
        World({}, {f"{AUTO}:443": site(answer(OWN, "200 OK", "Content-Length: 5000"))}),
        "does not speak HTTP: IncompleteRead",
    ),
    "no servers": (World({}, {f"{AUTO}:443": site(answer(xml()))}), "no SMTP server with TLS"),
    "none with TLS": (
        World({}, {f"{AUTO}:443": site(answer(xml(server("smtp.own.example", 25, "plain"))))}), "server with TLS",
    ),
    "no port": (World({}, {f"{AUTO}:443": site(answer(xml(server("a.example", 99999, "SSL"))))}), "not a port: 99999"),
    "no host": (
        World({}, {f"{AUTO}:443": site(answer(xml(server("a b.example", 465, "SSL"))))}), "not a host: 'a b.example'",
    ),
    "a redirect to no URL": (World({}, {f"{AUTO}:443": site(moved("https://a:b/"))}), "no URL"),
    "a redirect with white space": (World({}, {f"{AUTO}:443": site(moved("https://own.example/ x"))}), "no URL"),
    "a redirect with a password": (World({}, {f"{AUTO}:443": site(moved("https://a:b@own.example/"))}), "no URL"),
    "a redirect to nowhere": (World({}, {f"{AUTO}:443": site(answer(b"", "301 Moved"))}), "the answer of .* is 301"),
    "a web site of somebody else": (
        World({}, {f"{AUTO}:443": Untrusted}), f"certificate of {AUTO}:443 is for another host",
    ),
    "a mail host of somebody else": (
        World({}, {"mail.own.example:465": Untrusted}), "certificate of mail.own.example:465 is for another host",
    ),
    "a mail host without log-in": (World({}, {"mail.own.example:465": smtp("tls")}), "465 takes no log-in"),
    "a mail host without TLS": (
        World({}, {"mail.own.example:587": lambda: Player(steps("S: 220 hi\nC~ EHLO .*\nS: 250 own")[0])}), "STARTTLS",
    ),
}  # fmt: skip


@both
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_trusted_or_read_is_not_used_and_told(case: str, way: str) -> None:
    world, said = REFUSED[case]
    with pytest.raises(UnknownProvider, match=said):
        Network(world).discover(way, ME)


@both
def test_a_domain_that_takes_no_mail_from_programs(way: str) -> None:
    network = Network(World({SRV: ("0 0 0 .",)}, {"*": site(answer(OWN))}))
    with pytest.raises(UnknownProvider, match="SRV records say that it takes no mail from programs"):
        network.discover(way, ME)
    assert not network.dialled


@both
@pytest.mark.parametrize("trusted", ["smtp.host.example", ["x.example", "SMTP.host.example."]])
def test_hosts_outside_of_the_domain_that_are_trusted(way: str, trusted: Any) -> None:
    network = Network(World({SRVS: ("0 0 465 smtp.host.example.",)}))
    found = network.discover(way, ME, trusted_hosts=trusted)
    assert [*map(str, found.provider.endpoints)] == ["smtp.host.example:465 (tls)"]


@pytest.mark.parametrize(
    ("written", "methods", "login", "password_kind"),
    [
        ("%EMAILADDRESS%", (), "me@own.example", "password"),
        ("%EMAILLOCALPART%", ("password-cleartext",), "me", "password"),
        ("", (), "me@own.example", "password"),
        ("%EMAILLOCALPART%.own", (), "me.own", "password"),
        ("%EMAILADDRESS%", ("OAuth2", "password-cleartext"), "me@own.example", "password"),
        ("%EMAILADDRESS%", ("OAuth2",), "me@own.example", "oauth2-only"),
    ],
)
def test_the_user_name_and_the_password_of_autoconfig(
    written: str, methods: tuple[str, ...], login: str, password_kind: str
) -> None:
    body = xml(server("smtp.own.example", 465, "SSL", written, *methods))
    found = Network(World({}, {f"{AUTO}:443": site(answer(body))})).discover("sync", ME)
    assert found.provider.login(ME) == login
    assert found.provider.password_kind == password_kind


def test_what_is_asked_over_https_names_the_domain_and_not_the_address() -> None:
    network = Network(World({}, {f"{AUTO}:443": site(answer(OWN))}))
    network.discover("sync", ME)
    (peer,) = network.peers
    first, *fields = peer.asked.decode().rstrip().split("\r\n")
    assert first == "GET /mail/config-v1.1.xml HTTP/1.1"
    assert "Host: autoconfig.own.example" in fields
    assert "me@" not in peer.asked.decode()
    (wire,) = network.wires
    assert wire.secured_for == AUTO


@both
def test_nothing_takes_longer_than_asked_for(way: str) -> None:
    world = World({"* *": TimeoutError("no answer")}, {"*": lambda: Mute(b"")})
    network = Network(world)
    with pytest.raises(UnknownProvider) as caught:
        network.discover(way, ME, timeout=20)
    assert caught.value.temporary
    assert network.runtime.now() <= 20
    network = Network(world)
    with pytest.raises(UnknownProvider):
        network.discover(way, ME)
    assert network.runtime.now() <= 30


@both
@pytest.mark.parametrize(
    ("address", "error", "said"),
    [
        ("own.example", InvalidAddress, "own.example"),
        ("me@[192.0.2.1]", InvalidConfiguration, "IP address in place of a domain"),
        ("me@tuta.com", InvalidConfiguration, "offers no SMTP"),
        (None, InvalidAddress, "must be a str"),
    ],
)
def test_addresses_that_cannot_be(address: Any, error: type[Exception], said: str, way: str) -> None:
    network = Network(World())
    with pytest.raises(error, match=said):
        network.discover(way, address)
    assert not network.dialled


@both
@pytest.mark.parametrize("tls", [Tls(fingerprints="a" * 64), insecure_tls(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)])
def test_nobody_is_believed_without_a_certificate_for_the_name(tls: Any, way: str) -> None:
    with pytest.raises(InvalidConfiguration, match="a certificate for the name"):
        Network(World()).discover(way, ME, tls=tls)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=200).map(answer),
        st.text(max_size=50).map(
            lambda to: answer(b"", "302 Found").replace(
                b"\r\n\r\n", b"\r\nLocation: " + to.encode(errors="replace") + b"\r\n\r\n"
            )
        ),
        st.tuples(st.integers(0, len(OWN)), st.integers(0, len(OWN)), st.binary(max_size=8)).map(
            lambda cut: answer(OWN[: cut[0]] + cut[2] + OWN[cut[1] :])
        ),
    )
)
@settings(max_examples=300, deadline=None)
def test_whatever_a_web_site_says_it_is_read_or_refused(said: bytes) -> None:
    network = Network(World({}, {f"{AUTO}:443": site(said)}))
    try:
        found = network.discover("sync", ME)
    except UnknownProvider as error:
        assert f"{AUTO}/mail" in error.message  # noqa: PT017
    else:
        assert found.how == "autoconfig"
        Mailer.for_provider(found.provider, found.address, token="secret")


def test_a_found_provider_reads_as_such() -> None:
    found = Network(World({SRVS: ("0 0 465 smtp.own.example.",)})).discover("sync", ME)
    assert str(found) == (
        "me@own.example: own.example, smtp.own.example:465 (tls): the SRV records of own.example name smtp.own.example"
    )
    assert isinstance(found.provider, Provider)
    assert found.provider.needs_login
