"""`RefreshToken` and a token endpoint on loopback: expiry, rotation, failure, slow answers, many at a time."""

from __future__ import annotations

import asyncio
import logging
import pickle
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from secrecy import assert_hidden, chain
from servers.token_endpoint import CLIENT, Canned, TokenEndpoint
from smtpkit import errors, providers
from smtpkit.oauth2 import RefreshToken
from smtpkit.runtime.aio import AsyncRuntime
from smtpkit.runtime.blocking import BlockingRuntime, run
from smtpkit.runtime.simulated import SimulatedRuntime
from smtpkit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers.certificates import Certificates

SECRETS = [CLIENT[1], "r3fresh-0", "r3fresh-1", "acc3ss-1", b64encode(f"{CLIENT[0]}:{CLIENT[1]}".encode()).decode()]


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with TokenEndpoint() as server:
        yield server


def client(endpoint: TokenEndpoint, **options: Any) -> RefreshToken:
    given: dict[str, Any] = {"client_secret": CLIENT[1], **options}
    return RefreshToken(given.pop("token_url", endpoint.url), CLIENT[0], "r3fresh-0", **given)


def clock() -> SimulatedRuntime:
    """Time that passes when it is told to."""

    def dial(host: str, port: int) -> Any:
        raise OSError("nothing is simulated but time")

    return SimulatedRuntime(dial)


def ask(source: RefreshToken, runtime: SimulatedRuntime, refused: str | None = None) -> str:
    return run(source.token(runtime, None if refused is None else Secret(refused))).reveal()


def failure(source: RefreshToken) -> errors.SmtpkitError:
    with pytest.raises(errors.SmtpkitError) as caught:
        ask(source, clock())
    return caught.value


# -- what is asked -------------------------------------------------------------------

BODY = {"grant_type": "refresh_token", "refresh_token": "r3fresh-0"}
SHOWN = {"client_id": CLIENT[0], "client_secret": CLIENT[1]}


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({}, {**BODY, **SHOWN}),
        ({"client_secret": None}, {**BODY, "client_id": CLIENT[0]}),
        ({"scope": "https://mail.google.com/ x"}, {**BODY, **SHOWN, "scope": "https://mail.google.com/ x"}),
        ({"client_auth": "basic"}, {**BODY, **SHOWN, "basic": "yes"}),
    ],
)
def test_a_request_as_rfc_6749_has_it(endpoint: TokenEndpoint, options: dict[str, Any], fields: dict[str, str]) -> None:
    assert ask(client(endpoint, **options), clock()) == "acc3ss-1"
    assert endpoint.requests == [fields]


def test_endpoint_and_scope_of_the_registry(monkeypatch: pytest.MonkeyPatch, endpoint: TokenEndpoint) -> None:
    known = providers.OAuth2("https://a.test/authorize", endpoint.url, "the scope")
    providers.register(providers.Provider("token_mail", "Token Mail", (), oauth2=known))
    try:
        source = RefreshToken.for_provider("token_mail", CLIENT[0], "r3fresh-0", client_secret=CLIENT[1])
        assert ask(source, clock()) == "acc3ss-1"
        assert endpoint.requests[0]["scope"] == "the scope"
    finally:
        providers.unregister("token_mail")


@pytest.mark.parametrize("name", [each.name for each in providers.registry if each.oauth2 is not None])
def test_every_provider_with_an_endpoint(name: str) -> None:
    assert repr(RefreshToken.for_provider(name, "c", "r3fresh-0")).startswith("RefreshToken('https://")


def test_https_with_the_systems_cas(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    with TokenEndpoint(certificates) as secured:
        assert isinstance(failure(client(secured)), errors.CertificateUntrusted)
        assert secured.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
        assert ask(client(secured), clock()) == "acc3ss-1"


# -- expiry --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires_in", "after", "requests"),
    [
        (3600, 0, 1),
        (3600, 3539, 1),
        (3600, 3540, 2),  # a minute before it expires
        (3600, 9999, 2),
        ("3600", 3539, 1),
        ("3600", 3541, 2),
        (10, 0, 2),
        (None, 10_000_000, 1),  # not told: good until it is refused
        ("soon", 10_000_000, 1),
    ],
)
def test_a_token_is_kept_until_it_is_about_to_expire(
    endpoint: TokenEndpoint, expires_in: object, after: float, requests: int
) -> None:
    endpoint.expires_in = expires_in
    source, runtime = client(endpoint), clock()
    ask(source, runtime)
    runtime.advance(after)
    assert ask(source, runtime) == f"acc3ss-{requests}"
    assert len(endpoint.requests) == requests


def test_a_token_that_was_refused_is_not_given_again(endpoint: TokenEndpoint) -> None:
    source, runtime = client(endpoint), clock()
    assert ask(source, runtime) == "acc3ss-1"
    assert ask(source, runtime, refused="acc3ss-1") == "acc3ss-2"
    # Somebody who has the old one yet gets the new one, and nobody is asked.
    assert ask(source, runtime, refused="acc3ss-1") == "acc3ss-2"
    assert len(endpoint.requests) == 2


# -- rotation ------------------------------------------------------------------------


def test_rotated_refresh_tokens_are_used_and_saved(endpoint: TokenEndpoint) -> None:
    endpoint.rotate = True
    saved: list[str] = []
    source, runtime = client(endpoint, save=saved.append), clock()
    for number in (1, 2, 3):
        assert ask(source, runtime) == f"acc3ss-{number}"
        assert saved[-1] == f"r3fresh-{number}"
        runtime.advance(3600 * number)
    assert [fields["refresh_token"] for fields in endpoint.requests] == ["r3fresh-0", "r3fresh-1", "r3fresh-2"]


def test_one_that_stays_is_not_saved(endpoint: TokenEndpoint) -> None:
    saved: list[str] = []
    source, runtime = client(endpoint, save=saved.append), clock()
    ask(source, runtime)
    ask(source, runtime, refused="acc3ss-1")
    assert saved == []


def test_save_may_be_async(endpoint: TokenEndpoint) -> None:
    endpoint.rotate = True
    saved: list[str] = []

    async def save(token: str) -> None:
        await asyncio.sleep(0)
        saved.append(token)

    async def one() -> Secret:
        return await client(endpoint, save=save).token(AsyncRuntime())

    assert asyncio.run(one()) == Secret("acc3ss-1")
    assert saved == ["r3fresh-1"]


def test_a_token_that_could_not_be_saved_is_given_again(
    endpoint: TokenEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.rotate = True
    saved: list[str] = []

    def save(token: str) -> None:
        if not caplog.records:
            raise OSError("disk full")
        saved.append(token)

    source, runtime = client(endpoint, save=save), clock()
    assert ask(source, runtime) == "acc3ss-1"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "disk full" in caplog.text
    assert ask(source, runtime) == "acc3ss-1"
    assert saved == ["r3fresh-1"]
    assert len(endpoint.requests) == 1
    assert not [secret for secret in SECRETS if secret in caplog.text.replace("raise", "")]


# -- failure -------------------------------------------------------------------------

LONG = b'{"access_token":"' + b"x" * 300_000 + b'"}'
FAILURES: list[tuple[int, bytes | dict[str, Any], type[errors.SmtpkitError], bool, str]] = [
    (400, {"error": "invalid_grant", "error_description": "revoked"}, errors.AuthenticationFailed, False, "revoked"),
    (400, {"error": "invalid_grant"}, errors.AuthenticationFailed, False, "log in once more"),
    (401, {"error": "invalid_client"}, errors.AuthenticationFailed, False, "client secret"),
    (400, {"error": "unauthorized_client"}, errors.AuthenticationFailed, False, "registered"),
    (400, {"error": "unsupported_grant_type"}, errors.AuthenticationFailed, False, "URL"),
    (400, {"error": "invalid_scope"}, errors.AuthenticationFailed, False, "scope"),
    (400, {"error": "invalid_request"}, errors.AuthenticationFailed, False, "client id"),
    (400, {"error": "temporarily_unavailable"}, errors.AuthenticationFailed, True, "may pass"),
    (400, {"error": "something_else"}, errors.AuthenticationFailed, False, "something_else"),
    (400, {"error": "x\x1b[2J\r\n"}, errors.AuthenticationFailed, False, r"x\x1b[2J"),
    (400, {"error": "x", "error_description": "r3fresh-0 of " + CLIENT[1]}, errors.AuthenticationFailed, False, "***"),
    (503, b"<html>busy</html>", errors.AuthenticationFailed, True, "HTTP 503"),
    (429, b"", errors.AuthenticationFailed, True, "HTTP 429"),
    (404, b"<html>no such page</html>", errors.AuthenticationFailed, False, "URL of a token endpoint"),
    (302, b"", errors.AuthenticationFailed, False, "HTTP 302"),
    (200, b"<html>log in here</html>", errors.AuthenticationFailed, False, "HTTP 200"),
    (200, b"[1]", errors.AuthenticationFailed, False, "HTTP 200"),
    (200, b"[" * 100_000, errors.AuthenticationFailed, False, "HTTP 200"),
    (200, b"\xff\xfe", errors.AuthenticationFailed, False, "HTTP 200"),
    (200, {}, errors.ProtocolError, False, "without a bearer token"),
    (200, {"access_token": None}, errors.ProtocolError, False, "without a bearer token"),
    (200, {"access_token": 5, "token_type": "Bearer"}, errors.ProtocolError, False, "without a bearer token"),
    (200, {"access_token": "acc3ss-1", "token_type": "mac"}, errors.ProtocolError, False, "without a bearer token"),
    (200, {"access_token": ""}, errors.InvalidConfiguration, False, "token is empty"),
    (200, {"access_token": "acc3ss-1\n"}, errors.InvalidConfiguration, False, "control character"),
    (200, LONG, errors.ProtocolError, False, "more than 262144 octets"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "temporary", "text"), FAILURES)
def test_an_answer_that_is_no_token(
    endpoint: TokenEndpoint,
    status: int,
    body: bytes | dict[str, Any],
    kind: type[errors.SmtpkitError],
    temporary: bool,
    text: str,
) -> None:
    elsewhere = (("Location", f"{endpoint.base}/elsewhere"),) if status == 302 else ()
    endpoint.canned.append(Canned(status, body, elsewhere))
    error = failure(client(endpoint))
    assert type(error) is kind, error
    assert error.temporary is temporary
    assert text in str(error)
    assert "\x1b" not in str(error)
    assert len(endpoint.requests) == 1
    assert_hidden(error, SECRETS)
    for secret in SECRETS:
        assert secret.encode() not in pickle.dumps(error)


def test_after_a_failure_it_is_asked_anew(endpoint: TokenEndpoint) -> None:
    endpoint.canned.append(Canned(503, b""))
    source, runtime = client(endpoint), clock()
    with pytest.raises(errors.AuthenticationFailed):
        ask(source, runtime)
    assert ask(source, runtime) == "acc3ss-1"


def test_nobody_is_there() -> None:
    with TokenEndpoint() as gone:
        pass
    error = failure(client(gone))
    assert type(error) is errors.ConnectFailed
    assert (error.stage, error.temporary) == ("auth", True)
    assert_hidden(error, SECRETS)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://auth.example.com/token", "https://"),
        ("ftp://localhost/token", "https://"),
        ("http://localhost.example.com/token", "https://"),
        ("http://127.0.0.1.example.com/token", "https://"),
        ("https://user:pass@auth.example.com/token", "not the URL"),
        ("https:///token", "not the URL"),
        ("https://a.test:x/", "not the URL"),
        ("auth.example.com", "not the URL"),
        ("", "not the URL"),
        (None, "not the URL"),
        ("https://a.test/\r\nx", "not the URL"),
    ],
)
def test_where_no_secret_is_sent(url: Any, text: str, endpoint: TokenEndpoint) -> None:
    with pytest.raises(errors.InvalidConfiguration, match=text) as caught:
        client(endpoint, token_url=url)
    assert_hidden(caught.value, SECRETS)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"client_auth": "jwt"}, "client_auth='jwt'"),
        ({"save": "file"}, "save="),
        ({"timeout": 0}, "timeout=0"),
        ({"client_secret": ""}, "client secret is empty"),
        ({"client_secret": b"x"}, "client secret is text, and bytes"),
    ],
)
def test_arguments_that_cannot_be(endpoint: TokenEndpoint, options: dict[str, Any], text: str) -> None:
    with pytest.raises(errors.InvalidConfiguration, match=text):
        client(endpoint, **options)


@pytest.mark.parametrize("given", ["", None, 5])
def test_a_refresh_token_that_cannot_be(endpoint: TokenEndpoint, given: Any) -> None:
    with pytest.raises(errors.InvalidConfiguration, match="refresh token"):
        RefreshToken(endpoint.url, "c", given)


def test_a_client_shows_nothing_and_is_not_pickled(endpoint: TokenEndpoint) -> None:
    source = client(endpoint)
    ask(source, clock())
    assert not [secret for secret in SECRETS if secret in f"{source!r} {vars(source)}"]
    with pytest.raises(errors.UsageError, match="cannot be pickled"):
        pickle.dumps(source)


# -- slow ----------------------------------------------------------------------------


def test_an_endpoint_that_does_not_answer(endpoint: TokenEndpoint) -> None:
    endpoint.gate.clear()
    error = failure(client(endpoint, timeout=0.1))
    assert type(error) is errors.TimedOut
    assert (error.stage, error.temporary) == ("auth", True)
    assert_hidden(error, SECRETS)


# -- many at a time ------------------------------------------------------------------

MANY = 8


def in_threads(work: Callable[[], Any], endpoint: TokenEndpoint) -> list[Any]:
    with ThreadPoolExecutor(MANY) as pool:
        waiting = [pool.submit(work) for _ in range(MANY)]
        assert endpoint.asked.wait(10)
        endpoint.gate.set()
        return [each.exception() or each.result() for each in waiting]


def in_tasks(work: Callable[[], Any], endpoint: TokenEndpoint) -> list[Any]:
    async def all_of_them() -> list[Any]:
        tasks = [asyncio.ensure_future(work()) for _ in range(MANY)]
        async with asyncio.timeout(10):
            # The event loop is not held up: or this would never come to open the gate.
            await endpoint.was_asked()
            endpoint.gate.set()
            return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(all_of_them())


def several(kind: str, source: RefreshToken, endpoint: TokenEndpoint) -> list[Any]:
    endpoint.gate.clear()
    if kind == "threads":
        return in_threads(lambda: run(source.token(BlockingRuntime())), endpoint)

    async def one() -> Secret:
        return await source.token(AsyncRuntime())

    return in_tasks(one, endpoint)


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_many_share_one_request(endpoint: TokenEndpoint, kind: str) -> None:
    assert several(kind, client(endpoint), endpoint) == [Secret("acc3ss-1")] * MANY
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("kind", ["tasks"])
def test_many_share_one_failure(endpoint: TokenEndpoint, kind: str) -> None:
    endpoint.canned.append(Canned(400, {"error": "invalid_grant"}))
    found = several(kind, client(endpoint), endpoint)
    assert {type(each) for each in found} == {errors.AuthenticationFailed}
    assert len({id(each) for each in found}) == MANY, "an error that several raise has the traceback of all"
    assert len(endpoint.requests) == 1
    for each in found:
        assert_hidden(each, SECRETS)


def test_threads_and_event_loops_share_one_request(endpoint: TokenEndpoint) -> None:
    endpoint.gate.clear()
    source = client(endpoint)

    async def of_loop() -> Secret:
        return await source.token(AsyncRuntime())

    works: list[Callable[[], Secret]] = [lambda: run(source.token(BlockingRuntime())), lambda: asyncio.run(of_loop())]
    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(work) for work in works * 3]
        assert endpoint.asked.wait(10)
        endpoint.gate.set()
        assert [each.result(10) for each in waiting] == [Secret("acc3ss-1")] * 6
    assert len(endpoint.requests) == 1


def test_what_a_cancelled_one_asked_for_is_not_lost(endpoint: TokenEndpoint) -> None:
    """A refresh token that is rotated is good for one request: who takes over waits for the answer to that one."""
    endpoint.gate.clear()
    endpoint.rotate = True
    saved: list[str] = []
    source = client(endpoint, save=saved.append)

    async def both() -> Secret:
        first = asyncio.ensure_future(source.token(AsyncRuntime()))
        await endpoint.was_asked()
        second = asyncio.ensure_future(source.token(AsyncRuntime()))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0.01)  # in which the second one takes over
        endpoint.gate.set()
        async with asyncio.timeout(10):
            return await second

    assert asyncio.run(both()) == Secret("acc3ss-1")
    assert len(endpoint.requests) == 1
    assert saved == ["r3fresh-1"]


def test_a_refresh_token_that_nobody_waited_for_is_saved(endpoint: TokenEndpoint) -> None:
    endpoint.gate.clear()
    endpoint.rotate = True
    saved: list[str] = []
    done = threading.Event()

    def save(token: str) -> None:
        saved.append(token)
        done.set()

    source = client(endpoint, save=save)

    async def cancelled() -> None:
        task = asyncio.ensure_future(source.token(AsyncRuntime()))
        await endpoint.was_asked()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        endpoint.gate.set()

    asyncio.run(cancelled())
    assert done.wait(10)
    assert saved == ["r3fresh-1"]
    assert run(source.token(BlockingRuntime())) == Secret("acc3ss-1")


def test_an_async_save_that_was_cancelled_is_done_again(endpoint: TokenEndpoint) -> None:
    endpoint.rotate = True
    saved: list[str] = []
    begun = asyncio.Event()

    async def save(token: str) -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        saved.append(token)

    source = client(endpoint, save=save)

    async def twice() -> Secret:
        task = asyncio.ensure_future(source.token(AsyncRuntime()))
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await source.token(AsyncRuntime())

    assert asyncio.run(twice()) == Secret("acc3ss-1")
    assert saved == ["r3fresh-1"]
    assert len(endpoint.requests) == 1


def test_an_event_loop_that_ended_leaves_nobody_waiting(endpoint: TokenEndpoint) -> None:
    endpoint.gate.clear()
    source = client(endpoint)

    async def begin() -> None:
        task = asyncio.ensure_future(source.token(AsyncRuntime()))
        await endpoint.was_asked()
        endpoint.gate.set()
        assert not task.done()

    asyncio.run(begin())
    assert run(source.token(BlockingRuntime())).reveal().startswith("acc3ss-")


def test_errors_have_causes_of_ours_alone(endpoint: TokenEndpoint) -> None:
    endpoint.canned.append(Canned(400, {"error": "invalid_grant"}))
    assert [type(each).__module__ for each in chain(failure(client(endpoint)))] == ["smtpkit.errors"]
