"""Real sending is forbidden where a test suite says so, and mail is never swallowed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from servers.token_endpoint import TokenEndpoint
from smtpkit import (
    Batch,
    FakeTransport,
    InvalidConfiguration,
    Mailer,
    Message,
    NetworkForbidden,
    PlaintextSmtpTransport,
    discover,
)
from smtpkit.oauth2 import RefreshToken
from smtpkit.runtime.blocking import BlockingRuntime, run
from smtpkit.runtime.loopback import Loopback
from smtpkit.testing import ScriptedServer, forbid_network
from smtpkit.testing.conversation import Session
from zone import Zone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from both import Both

pytest_plugins = ("both",)

ANN = Message().from_("shop@example.com").to("ann@example.com").subject("Hello").text("Hi")


class Elsewhere(Loopback):
    """A server on loopback that the guard does not know to be one of ours."""

    def __init__(self) -> None:
        self.behind = ScriptedServer(security="plaintext", username=None)
        super().__init__(lambda host, port: Session(self.behind))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    monkeypatch.setattr("smtpkit.runtime.loopback.open_port", id)
    with Elsewhere() as server:
        yield server


def transport(server: Elsewhere) -> PlaintextSmtpTransport:
    return PlaintextSmtpTransport(server.host, server.port)


def test_forbidden(elsewhere: Elsewhere, both: Both) -> None:
    mailer = both.mailer(transport(elsewhere))
    with forbid_network(), pytest.raises(NetworkForbidden, match=r"nothing is sent to 127\.0\.0\.1:") as caught:
        both.send(mailer, ANN)
    error = caught.value
    assert (error.stage, error.temporary, error.safe_to_retry) == ("connect", False, True)
    assert error.receipt is not None
    assert list(error.receipt.not_sent) == ["ann@example.com"]
    assert elsewhere.behind.accepted == []
    assert both.send(mailer, ANN).ok


def test_a_connection_that_was_open_before_is_not_used(elsewhere: Elsewhere, both: Both) -> None:
    mailer = both.mailer(transport(elsewhere))
    assert both.send(mailer, ANN).ok
    guard = forbid_network()
    with pytest.raises(NetworkForbidden):
        both.send(mailer, ANN)
    assert [type(each.error) for each in both.send_many(mailer, [ANN, ANN], in_flight=2)] == [NetworkForbidden] * 2
    guard.allow()
    guard.allow()
    assert both.send(mailer, ANN).ok
    assert len(elsewhere.behind.accepted) == 2


@pytest.mark.parametrize(("value", "forbids"), [("1", True), ("yes", True), ("0", False), ("", False), ("No", False)])
def test_by_the_environment(
    value: str, forbids: bool, elsewhere: Elsewhere, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTPKIT_FORBID_NETWORK", value)
    receipt = both.receipt(both.mailer(transport(elsewhere)), ANN)
    assert isinstance(receipt.error, NetworkForbidden) is forbids
    assert "SMTPKIT_FORBID_NETWORK must not be set" in str(receipt.error) or receipt.ok


def test_tokens_and_the_files_of_discovery_are_not_asked_for_either() -> None:
    with TokenEndpoint() as endpoint, forbid_network():
        with pytest.raises(NetworkForbidden, match="nothing is sent to localhost:"):
            run(RefreshToken(endpoint.url, "client", "refresh-token").token(BlockingRuntime()))
        with pytest.raises(NetworkForbidden, match="nothing is sent to autoconfig"):
            discover("me@own.example", resolver=Zone({}))
        assert endpoint.requests == []


def test_names_are_not_even_looked_up(both: Both) -> None:
    with forbid_network(), pytest.raises(NetworkForbidden):
        both.send(both.mailer(PlaintextSmtpTransport("nobody.invalid")), ANN)


def test_allowed_servers(elsewhere: Elsewhere, both: Both) -> None:
    mailer = both.mailer(transport(elsewhere))
    with forbid_network(allow=["127.0.0.1"]):
        assert both.send(mailer, ANN).ok
        with forbid_network(allow=f"127.0.0.1:{elsewhere.port}"):
            assert both.send(mailer, ANN).ok
            with forbid_network(allow=["127.0.0.1:1"]), pytest.raises(NetworkForbidden):
                both.send(mailer, ANN)


def test_what_cannot_be_allowed() -> None:
    wrong: list[Any] = [[25], [None]]
    for allow in wrong:
        with pytest.raises(InvalidConfiguration, match="allow="):
            forbid_network(allow=allow)


def test_in_threads(elsewhere: Elsewhere) -> None:
    mailer = Mailer(transport(elsewhere))
    with forbid_network(), ThreadPoolExecutor(2) as pool:
        receipts = list(pool.map(Batch.__next__, [mailer.send_many([ANN]) for _ in range(4)]))
    assert {type(each.error) for each in receipts} == {NetworkForbidden}


def test_servers_and_fakes_of_the_test_are_allowed(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTPKIT_FORBID_NETWORK", "1")
    with forbid_network(), ScriptedServer() as server:
        mailer = both.mailer(server.transport())
        assert both.send(mailer, ANN).ok
        both.close(mailer)
        assert both.send(both.mailer(FakeTransport().refuse_recipient("bob@example.com")), ANN).ok
