"""Each preset against a server on this machine that plays it: its host by TLS, its mechanisms, user name and size."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from servers.smtpd import Smtpd
from smtpkit import ContentRefused, Mailer, Message, NoCommonMechanism, providers
from smtpkit.runtime.blocking import BlockingRuntime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.certificates import Certificates
    from smtpkit.providers import Provider

PRESETS = [preset for preset in providers.registry if preset.endpoints]
HOSTS = {preset.endpoint(domain="example.org").host for preset in PRESETS}
ME = "me@example.org"

every = pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)


class Hosts:
    """One certificate for the hosts of all presets."""

    def __init__(self, directory: Path) -> None:
        self.ca_file = directory / "ca.pem"
        ca = trustme.CA()
        ca.cert_pem.write_to_path(str(self.ca_file))
        self._pem = directory / "hosts.pem"
        ca.issue_cert(*sorted(HOSTS)).private_key_and_cert_chain_pem.write_to_path(str(self._pem))

    def server_context(self, name: str) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._pem)
        return context


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Hosts:
    return Hosts(tmp_path_factory.mktemp("hosts"))


@pytest.fixture(scope="module")
def servers(hosts: Hosts) -> Iterator[dict[str, Smtpd]]:
    """One for each kind of TLS, which all presets share."""
    certificates: Certificates = hosts  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    with (
        Smtpd(certificates, security="tls", tokens=("secret",)) as tls,
        Smtpd(certificates, security="starttls", tokens=("secret",)) as starttls,
        Smtpd(certificates, security="plaintext") as plaintext,
    ):
        yield {"tls": tls, "starttls": starttls, "plaintext": plaintext}


def play(preset: Provider, servers: dict[str, Smtpd], monkeypatch: pytest.MonkeyPatch) -> Smtpd:
    """The server that plays ``preset``, at its host and port."""
    endpoint = preset.endpoint(domain="example.org")
    server = servers[endpoint.security]
    server.accepted.clear()
    server.username, server.password, server.size = None, "secret", preset.max_message_size
    if endpoint.security != "plaintext":
        server.username = preset.login(ME)
    server.mechanisms = frozenset(preset.mechanisms or ("PLAIN", "LOGIN"))
    if preset.password_kind == "oauth2-only":
        server.mechanisms = frozenset(("XOAUTH2",))
    real = BlockingRuntime.connect

    async def connect(runtime: BlockingRuntime, host: str, port: int, source: str | None, deadline: float) -> Any:
        assert (host, port) == (endpoint.host, endpoint.port)
        return await real(runtime, "127.0.0.1", server.port, source, deadline)

    monkeypatch.setattr(BlockingRuntime, "connect", connect)
    return server


def mailer_for(preset: Provider, server: Smtpd, hosts: Hosts, **options: Any) -> Mailer:
    if server.security == "plaintext":
        return Mailer.for_provider(preset.name, default_from=ME, **options)
    secret = "token" if preset.password_kind == "oauth2-only" else "password"
    given: dict[str, Any] = {secret: "secret", "domain": "example.org", "default_from": ME, "tls": hosts.ca_file}
    return Mailer.for_provider(preset.name, ME, **given | options)


@every
def test_a_preset_sends(
    preset: Provider, servers: dict[str, Smtpd], hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = play(preset, servers, monkeypatch)
    mailer = mailer_for(preset, server, hosts)
    mailer.send(Message().to("ann@example.com").text("Hello"))
    mailer.close()
    (accepted,) = server.accepted
    assert accepted.rcpt_tos == ("ann@example.com",)
    assert accepted.username == server.username
    assert accepted.encrypted == (server.security != "plaintext")


@every
def test_the_server_goes_by_its_own_size(
    preset: Provider, servers: dict[str, Smtpd], hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = play(preset, servers, monkeypatch)
    server.size = 100
    mailer = mailer_for(preset, server, hosts)
    with pytest.raises(ContentRefused):
        mailer.send(Message().to("ann@example.com").text("Hello" * 100))
    mailer.close()
    assert not server.accepted


@pytest.mark.parametrize("name", ["outlook", "microsoft365"])
def test_a_password_where_only_a_token_will_do(
    name: str, servers: dict[str, Smtpd], hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = providers.get(name)
    server = play(preset, servers, monkeypatch)
    mailer = Mailer.for_provider(name, ME, "secret", tls=hosts.ca_file)
    with pytest.raises(NoCommonMechanism, match=r"OAuth ?2 access token"):
        mailer.send(Message().to("ann@example.com").text("Hello"))
    mailer.close()
    assert not server.accepted
