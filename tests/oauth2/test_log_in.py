"""Tokens on their way: a token endpoint, a mailer, and an SMTP server that checks XOAUTH2 and OAUTHBEARER."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from secrecy import assert_hidden
from servers.token_endpoint import CLIENT, Canned, TokenEndpoint
from smtpkit import AsyncMailer, Mailer, Message, PlaintextSmtpTransport, SmtpSslTransport, errors
from smtpkit.oauth2 import RefreshToken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from both import AnyMailer, Both
    from servers.certificates import Certificates
    from servers.smtpd import Smtpd, StartSmtpd
    from smtpkit.runtime.base import Runtime
    from smtpkit.secret import Secret

pytest_plugins = ("both",)

HELLO = Message().from_("ann@example.com").to("bob@example.com").text("Hi")
SECRETS = [CLIENT[1], "r3fresh-0", "acc3ss-1", "acc3ss-2"]
BY_EITHER = pytest.mark.parametrize("server", [["XOAUTH2"], ["OAUTHBEARER"]], indirect=True, ids="+".join)


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with TokenEndpoint() as server:
        yield server


@pytest.fixture
def server(request: pytest.FixtureRequest, smtpd: StartSmtpd, endpoint: TokenEndpoint) -> Smtpd:
    """It takes the tokens that the endpoint gave."""
    mechanisms = getattr(request, "param", ["OAUTHBEARER", "XOAUTH2"])
    return smtpd(security="tls", username="ann@example.com", mechanisms=mechanisms, tokens=endpoint.tokens)


class To:
    """Makes transports to a server."""

    def __init__(self, server: Smtpd, certificates: Certificates) -> None:
        self.server = server
        self.ca_file = str(certificates.ca_file)

    def __call__(self, **options: Any) -> SmtpSslTransport:
        options = {"username": "ann@example.com", "tls": self.ca_file, **options}
        return SmtpSslTransport(self.server.host, self.server.port, **options)


@pytest.fixture
def to(server: Smtpd, certificates: Certificates) -> To:
    return To(server, certificates)


def client(endpoint: TokenEndpoint, **options: Any) -> RefreshToken:
    return RefreshToken(endpoint.url, CLIENT[0], "r3fresh-0", client_secret=CLIENT[1], **options)


def mechanism(server: Smtpd) -> str:
    """The one that is used: XOAUTH2 where both are offered, which more servers have."""
    return "XOAUTH2" if "XOAUTH2" in server.mechanisms else "OAUTHBEARER"


@BY_EITHER
def test_a_client_gets_a_token_for_each_new_connection_and_keeps_it(
    both: Both, server: Smtpd, to: To, endpoint: TokenEndpoint
) -> None:
    mailer = both.mailer(to(token=client(endpoint)))
    assert both.send(mailer, HELLO).ok
    assert both.send(mailer, HELLO).ok
    both.close(mailer)
    assert both.send(mailer, HELLO).ok
    assert server.tried == [(mechanism(server), "acc3ss-1")] * 2
    assert len(endpoint.requests) == 1
    assert {mail.username for mail in server.accepted} == {"ann@example.com"}


@BY_EITHER
def test_a_token_that_was_withdrawn_is_replaced_in_the_same_connection(
    both: Both, server: Smtpd, to: To, endpoint: TokenEndpoint
) -> None:
    mailer = both.mailer(to(token=client(endpoint)))
    assert both.send(mailer, HELLO).ok
    both.close(mailer)
    endpoint.withdraw()
    assert both.send(mailer, HELLO).ok
    assert [token for _, token in server.tried] == ["acc3ss-1", "acc3ss-1", "acc3ss-2"]
    assert server.connections == 2


def test_rotation_and_expiry(both: Both, server: Smtpd, to: To, endpoint: TokenEndpoint) -> None:
    endpoint.rotate, endpoint.expires_in = True, 1
    saved: list[str] = []
    mailer = both.mailer(to(token=client(endpoint, save=saved.append)))
    for _ in range(3):
        assert both.send(mailer, HELLO).ok
        both.close(mailer)
    assert [token for _, token in server.tried] == ["acc3ss-1", "acc3ss-2", "acc3ss-3"]
    assert saved == ["r3fresh-1", "r3fresh-2", "r3fresh-3"]


def test_a_refresh_token_that_is_good_for_nothing(both: Both, server: Smtpd, to: To, endpoint: TokenEndpoint) -> None:
    endpoint.refresh_tokens.clear()
    error = both.receipt(both.mailer(to(token=client(endpoint))), HELLO).error
    assert type(error) is errors.AuthenticationFailed
    assert "'Token has been expired or revoked.'" in str(error)
    assert "log in once more" in (error.hint or "")
    assert server.tried == []
    assert_hidden(error, SECRETS)


# -- who is asked again ---------------------------------------------------------------


class Asked:
    """A source that gives ``answers`` one after the other, and the last one from then on."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.times = 0

    def __call__(self) -> str:
        self.times += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class AskedInLoop(Asked):
    """An asynchronous function."""

    async def __call__(self) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        await asyncio.sleep(0)
        return super().__call__()


class AsClient(Asked):
    """A client for tokens, as somebody else may write one."""

    async def token(self, runtime: Runtime, refused: Secret | None = None) -> str:
        if refused is not None:
            assert refused.reveal() == "old"
        return self()


SOURCES: dict[str, tuple[Any, list[str], int]] = {
    # what is given, the tokens that are tried, how often it is asked
    "text": ("old", ["old"], 0),
    "a function that has another one": (lambda: Asked("old", "new"), ["old", "new"], 2),
    "a function with the same one": (lambda: Asked("old"), ["old"], 2),
    "a function whose second one is no better": (lambda: Asked("old", "older", "new"), ["old", "older"], 2),
    "an async function": (lambda: AskedInLoop("old", "new"), ["old", "new"], 2),
    "a client": (lambda: AsClient("old", "new"), ["old", "new"], 2),
    "a client with the same one": (lambda: AsClient("old"), ["old"], 2),
}


@BY_EITHER
@pytest.mark.parametrize("name", SOURCES)
def test_a_refused_token_is_replaced_at_most_once(
    name: str, both: Both, server: Smtpd, to: To, endpoint: TokenEndpoint
) -> None:
    given, tried, asked = SOURCES[name]
    source = given() if callable(given) else given
    if isinstance(source, AskedInLoop) and both.kind == "sync":
        pytest.skip("an async function that waits for its loop is for AsyncMailer")
    endpoint.tokens.add("new")
    receipt = both.receipt(both.mailer(to(token=source)), HELLO)
    assert [token for _, token in server.tried] == tried
    assert receipt.ok is (tried[-1] == "new")
    if receipt.error is not None:
        assert type(receipt.error) is errors.AuthenticationFailed
        assert receipt.error.reply is not None
        assert receipt.error.reply.code == 535
        # What the challenge said, which had to be answered for the 535 to come.
        assert "invalid_token" in str(receipt.error)
    assert not isinstance(source, Asked) or source.times == asked


def test_a_source_that_fails_when_it_is_asked_again(both: Both, server: Smtpd, to: To) -> None:
    answers = ["old"]
    receipt = both.receipt(both.mailer(to(token=answers.pop)), HELLO)
    assert "no access token for ann@example.com: IndexError" in str(receipt.error)
    assert len(server.tried) == 1


def test_a_password_that_was_refused_is_not_asked_for_again(
    both: Both, smtpd: StartSmtpd, certificates: Certificates
) -> None:
    server = smtpd(security="tls", username="ann@example.com", password="new")
    source = Asked("old", "new")
    mailer = both.mailer(To(server, certificates)(password=source))
    assert type(both.receipt(mailer, HELLO).error) is errors.AuthenticationFailed
    assert source.times == 1
    # A new connection asks anew: a changed password is found.
    assert both.receipt(mailer, HELLO).ok
    assert source.times == 2


# -- many at a time ------------------------------------------------------------------

MANY = 6


def tell_when_connected(server: Smtpd, endpoint: TokenEndpoint) -> Callable[[], bool]:
    """Opens the gate of the endpoint once all connections are there, and somebody has asked."""

    def ready() -> bool:
        if server.connections == MANY and endpoint.asked.is_set():
            endpoint.gate.set()
        return endpoint.gate.is_set()

    return ready


def send_by_threads(mailer: Mailer, ready: Callable[[], bool]) -> list[Any]:
    with ThreadPoolExecutor(MANY) as pool:
        sent = [pool.submit(mailer.send, HELLO) for _ in range(MANY)]
        deadline = time.monotonic() + 10
        while not ready():
            assert time.monotonic() < deadline
            assert not [each for each in sent if each.done()]
            time.sleep(0.001)
        found = [each.result(10) for each in sent]
    mailer.close()
    return found


def send_by_tasks(mailer: AsyncMailer, ready: Callable[[], bool]) -> list[Any]:
    async def all_of_them() -> list[Any]:
        async with asyncio.timeout(10), mailer:
            sent = [asyncio.ensure_future(mailer.send(HELLO)) for _ in range(MANY)]
            # The loop goes on while the endpoint keeps its answer: or nobody would open the gate.
            while not ready():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            return await asyncio.gather(*sent)

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("kind", [Mailer, AsyncMailer])
def test_connections_that_open_together_share_one_request(
    kind: type[AnyMailer], server: Smtpd, to: To, endpoint: TokenEndpoint
) -> None:
    endpoint.gate.clear()
    mailer = kind(to(token=client(endpoint), connections=MANY))
    ready = tell_when_connected(server, endpoint)
    receipts = send_by_threads(mailer, ready) if isinstance(mailer, Mailer) else send_by_tasks(mailer, ready)
    assert all(receipt.ok for receipt in receipts)
    assert server.tried == [("XOAUTH2", "acc3ss-1")] * MANY
    assert len(endpoint.requests) == 1


def test_one_client_serves_mailers_of_both_kinds(server: Smtpd, to: To, endpoint: TokenEndpoint) -> None:
    source = client(endpoint)

    async def one() -> bool:
        async with AsyncMailer(to(token=source)) as mailer:
            return (await mailer.send(HELLO)).ok

    with Mailer(to(token=source)) as mailer:
        assert mailer.send(HELLO).ok
    assert asyncio.run(one())
    assert len(endpoint.requests) == 1


def test_many_connections_whose_token_was_withdrawn_share_the_next_one(
    server: Smtpd, to: To, endpoint: TokenEndpoint
) -> None:
    source = client(endpoint)
    mailer = Mailer(to(token=source, connections=MANY))
    assert mailer.send(HELLO).ok
    mailer.close()
    endpoint.withdraw()
    with ThreadPoolExecutor(MANY) as pool:
        assert all(receipt.ok for receipt in pool.map(mailer.send, [HELLO] * MANY))
    mailer.close()
    assert len(endpoint.requests) == 2


# -- what is given wrongly ------------------------------------------------------------


def test_a_client_given_as_password_is_told_where_it_belongs(endpoint: TokenEndpoint) -> None:
    with pytest.raises(errors.InvalidConfiguration, match="token="):
        PlaintextSmtpTransport("localhost", username="ann", password=client(endpoint))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_slow_endpoint(both: Both, server: Smtpd, to: To, endpoint: TokenEndpoint) -> None:
    endpoint.gate.clear()
    error = both.receipt(both.mailer(to(token=client(endpoint, timeout=0.1))), HELLO).error
    assert type(error) is errors.TimedOut
    assert error.temporary
    assert server.tried == []
    endpoint.canned.clear()


def test_a_busy_endpoint_may_be_tried_again(both: Both, server: Smtpd, to: To, endpoint: TokenEndpoint) -> None:
    endpoint.canned.append(Canned(503, b""))
    mailer = both.mailer(to(token=client(endpoint)))
    error = both.receipt(mailer, HELLO).error
    assert error is not None
    assert error.temporary
    assert error.safe_to_retry
    assert both.send(mailer, HELLO).ok
