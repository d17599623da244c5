"""Discovery with a real name server, web server and mail server on this machine, each known by its certificate."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from servers.nameserver import NameServer
from servers.smtpd import Smtpd
from smtpkit import Mailer, Message, UnknownProvider, discover, discover_async
from smtpkit.dns import DnsResolver
from smtpkit.runtime.aio import AsyncRuntime
from smtpkit.runtime.blocking import BlockingRuntime

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from servers.certificates import Certificates

both = pytest.mark.parametrize("way", ["sync", "async"])

CONFIG = b"""\
<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1"><emailProvider id="shop.example"><domain>shop.example</domain>
  <incomingServer type="imap"><hostname>imap.host.example</hostname><port>993</port></incomingServer>
  <outgoingServer type="smtp">
    <hostname>smtp.host.example</hostname><port>465</port><socketType>SSL</socketType>
    <username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication>
  </outgoingServer>
</emailProvider></clientConfig>
"""


class Hosts:
    """A certificate for these hosts, by a CA of its own."""

    def __init__(self, directory: Path, *names: str) -> None:
        self.ca_file = directory / "ca.pem"
        self._pem = directory / "hosts.pem"
        ca = trustme.CA()
        ca.cert_pem.write_to_path(str(self.ca_file))
        ca.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(self._pem))

    def server_context(self, name: str) -> ssl.SSLContext:
        import ssl

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._pem)
        return context


GONE = threading.Event()
"""Set when nobody waits for what drips."""


class Page(BaseHTTPRequestHandler):
    """Has the configuration, at the one place."""

    def do_GET(self) -> None:
        found = (self.headers["Host"], self.path) == ("autoconfig.shop.example", "/mail/config-v1.1.xml")
        self.send_response(200 if found else 404)
        self.end_headers()
        if self.headers["Host"] == "autoconfig.slow.example":
            self._drip()
        self.wfile.write(CONFIG if found else b"")

    def _drip(self) -> None:
        """An octet now and then, until nobody reads any more."""
        with suppress(OSError):
            while not GONE.wait(0.02):
                self.wfile.write(b" ")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Not into the output of the tests."""


NAMES = ("mail.own.example", "smtp.host.example", "autoconfig.shop.example", "autoconfig.slow.example")


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Hosts:
    return Hosts(tmp_path_factory.mktemp("hosts"), *NAMES)


@pytest.fixture(scope="module")
def resolver() -> Iterator[DnsResolver]:
    with NameServer({("own.example", "MX"): ("10 mail.own.example.",)}) as server:
        yield DnsResolver(["127.0.0.1"], server.port)


@pytest.fixture
def mail(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Smtpd]:
    """The mail server of all hosts at 465; the web server is at 443."""
    certificates: Certificates = hosts  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    GONE.clear()
    web = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    web.socket = hosts.server_context("server").wrap_socket(web.socket, server_side=True)
    thread = threading.Thread(target=web.serve_forever, args=(0.01,))
    thread.start()
    with Smtpd(certificates, security="tls", username="me@own.example", password="secret") as server:
        for runtime in (BlockingRuntime, AsyncRuntime):
            _map(monkeypatch, runtime, {465: server.port})
        _map_web(monkeypatch, web.server_port)
        yield server
    GONE.set()
    web.shutdown()
    web.server_close()
    thread.join()


def _map(monkeypatch: pytest.MonkeyPatch, runtime: type[Any], ports: dict[int, int]) -> None:
    real = runtime.connect

    async def connect(self: Any, host: str, port: int, source: str | None, deadline: float) -> Any:
        if port not in ports:
            raise ConnectionRefusedError(111, "Connection refused")
        return await real(self, "127.0.0.1", ports[port], source, deadline)

    monkeypatch.setattr(runtime, "connect", connect)


def _map_web(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    real = socket.create_connection

    def connect(to: tuple[str, int], timeout: float, source: Any) -> socket.socket:
        assert to[1] == 443
        return real(("127.0.0.1", port), timeout, source)

    monkeypatch.setattr(socket, "create_connection", connect)


def found_by(way: str, address: str, **options: Any) -> Any:
    if way == "sync":
        return discover(address, **options)
    return asyncio.run(discover_async(address, **options))


@both
def test_a_mail_host_that_shows_its_certificate(way: str, mail: Smtpd, resolver: DnsResolver, hosts: Hosts) -> None:
    found = found_by(way, "me@own.example", resolver=resolver, tls=hosts.ca_file)
    assert found.how == "mail-host"
    with Mailer.for_provider(found.provider, found.address, "secret", tls=hosts.ca_file) as mailer:
        mailer.send(Message().to("ann@example.com").text("Hello"))
    assert [accepted.username for accepted in mail.accepted] == ["me@own.example"]


@both
def test_the_file_for_mail_programs(way: str, mail: Smtpd, resolver: DnsResolver, hosts: Hosts) -> None:
    found = found_by(way, "me@shop.example", resolver=resolver, tls=hosts.ca_file)
    assert (found.how, found.provider.username) == ("autoconfig", "local-part")
    assert [*map(str, found.provider.endpoints)] == ["smtp.host.example:465 (tls)"]


@both
def test_a_web_site_that_drips_is_not_waited_for(way: str, mail: Smtpd, resolver: DnsResolver, hosts: Hosts) -> None:
    began = time.monotonic()
    with pytest.raises(UnknownProvider, match=r"autoconfig\.slow\.example/.* did not answer in time") as caught:
        found_by(way, "me@slow.example", resolver=resolver, tls=hosts.ca_file, timeout=0.5)
    assert caught.value.temporary
    assert time.monotonic() - began < 5


@both
@pytest.mark.parametrize("domain", ["other.example", "own.example"])
def test_who_shows_no_certificate_for_the_name_is_not_believed(
    way: str, domain: str, mail: Smtpd, resolver: DnsResolver, hosts: Hosts, certificates: Certificates
) -> None:
    # Of the one domain there is no certificate, and of the other one only by a CA that is not trusted here.
    ca_file = hosts.ca_file if domain == "other.example" else certificates.ca_file
    with pytest.raises(UnknownProvider, match=rf"certificate of mail\.{domain}:465"):
        found_by(way, f"me@{domain}", resolver=resolver, tls=ca_file)
    assert not mail.accepted
