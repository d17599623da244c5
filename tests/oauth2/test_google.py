"""Google's clients: google-auth itself, at a token endpoint on loopback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from secrecy import assert_hidden
from servers.token_endpoint import CLIENT, Canned, TokenEndpoint
from smtpkit import errors
from smtpkit.oauth2 import GoogleRefreshToken, GoogleServiceAccount
from smtpkit.runtime.blocking import BlockingRuntime, run
from smtpkit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from smtpkit.oauth2.client import Client

pytest.importorskip("google.auth")

ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with TokenEndpoint() as server:
        yield server


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def ask(source: Client, refused: str | None = None) -> str:
    return run(source.token(BlockingRuntime(), None if refused is None else Secret(refused))).reveal()


def failure(source: Client) -> errors.SmtpkitError:
    with pytest.raises(errors.SmtpkitError) as caught:
        ask(source)
    return caught.value


def installed_app(endpoint: TokenEndpoint, **options: Any) -> GoogleRefreshToken:
    return GoogleRefreshToken(CLIENT[0], CLIENT[1], "r3fresh-0", token_url=endpoint.url, **options)


def account(endpoint: TokenEndpoint, private_key: str) -> dict[str, str]:
    """What a key file has in it."""
    return {
        "type": "service_account",
        "client_email": "robot@project.iam.gserviceaccount.com",
        "client_id": "1234",
        "private_key_id": "abcd",
        "private_key": private_key,
        "token_uri": endpoint.url,
    }


def claims(assertion: str) -> dict[str, Any]:
    """What a JWT claims; its signature is not looked at."""
    from base64 import urlsafe_b64decode

    payload = assertion.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def test_an_installed_app(endpoint: TokenEndpoint) -> None:
    source = installed_app(endpoint)
    assert ask(source) == ask(source) == "acc3ss-1"
    assert ask(source, refused="acc3ss-1") == "acc3ss-2"
    fields = {"grant_type": "refresh_token", "refresh_token": "r3fresh-0"}
    assert endpoint.requests == [{**fields, "client_id": CLIENT[0], "client_secret": CLIENT[1]}] * 2


def test_a_rotated_refresh_token(endpoint: TokenEndpoint) -> None:
    endpoint.rotate = True
    saved: list[str] = []
    source = installed_app(endpoint, save=saved.append)
    assert ask(source) == "acc3ss-1"
    assert ask(source, refused="acc3ss-1") == "acc3ss-2"
    assert saved == ["r3fresh-1", "r3fresh-2"]


def test_a_token_that_expires_at_once_is_not_kept(endpoint: TokenEndpoint) -> None:
    endpoint.expires_in = 5
    source = installed_app(endpoint)
    assert [ask(source), ask(source)] == ["acc3ss-1", "acc3ss-2"]


@pytest.mark.parametrize("form", ["mapping", "path", "text"])
def test_a_service_account_with_delegation(
    endpoint: TokenEndpoint, private_key: str, form: str, tmp_path: Path
) -> None:
    path = tmp_path / "key.json"
    content = account(endpoint, private_key)
    path.write_text(json.dumps(content))
    key: Any = {"mapping": content, "path": path, "text": str(path)}[form]
    source = GoogleServiceAccount(key, "ann@example.com")
    assert ask(source) == ask(source) == "acc3ss-1"
    (fields,) = endpoint.requests
    assert fields["grant_type"] == ASSERTION
    found = claims(fields["assertion"])
    assert (found["sub"], found["scope"]) == ("ann@example.com", "https://mail.google.com/")
    assert found["iss"] == "robot@project.iam.gserviceaccount.com"


def test_refusals_are_explained_and_show_nothing(endpoint: TokenEndpoint, private_key: str) -> None:
    denied = {
        "error": "unauthorized_client",
        "error_description": "Client is unauthorized to retrieve access tokens using this method",
    }
    sources: list[tuple[Client, dict[str, Any], str]] = [
        (installed_app(endpoint), {"error": "invalid_grant"}, "log in once more"),
        (GoogleServiceAccount(account(endpoint, private_key), "ann@example.com"), denied, "Client is unauthorized"),
    ]
    secrets = [CLIENT[1], "r3fresh-0", private_key.splitlines()[1]]
    for source, answer, text in sources:
        endpoint.canned.append(Canned(400, answer))
        error = failure(source)
        assert type(error) is errors.AuthenticationFailed
        assert text in str(error)
        assert_hidden(error, secrets)


def test_the_network_fails_in_our_own_words(endpoint: TokenEndpoint) -> None:
    endpoint.gate.clear()
    assert type(failure(installed_app(endpoint, timeout=0.1))) is errors.TimedOut


WRONG: list[tuple[Callable[[Path], Any], str]] = [
    (lambda directory: GoogleServiceAccount(directory / "missing.json", "a@b.test"), "cannot read the key file"),
    (lambda directory: GoogleServiceAccount({"type": "authorized_user"}, "a@b.test"), "no JSON key of a service"),
    (lambda directory: GoogleServiceAccount({"private_key": "pr1vate"}, "a@b.test"), "no JSON key of a service"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_key_that_cannot_be(number: int, tmp_path: Path) -> None:
    make, text = WRONG[number]
    error = failure(make(tmp_path))
    assert type(error) is errors.InvalidConfiguration
    assert text in str(error)
    assert_hidden(error, ["pr1vate"])


def test_a_subject_is_needed() -> None:
    with pytest.raises(errors.InvalidConfiguration, match="subject="):
        GoogleServiceAccount("key.json", "")
