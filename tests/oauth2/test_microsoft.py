"""Microsoft's clients: msal itself, at an authority on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secrecy import assert_hidden
from servers.token_endpoint import CLIENT, Canned, TokenEndpoint
from smtpkit import errors
from smtpkit.oauth2 import MicrosoftClientCredentials, MicrosoftDeviceCode, MicrosoftRefreshToken
from smtpkit.runtime.blocking import BlockingRuntime, run
from smtpkit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.certificates import Certificates
    from smtpkit.oauth2.client import Client

pytest.importorskip("msal")

SCOPE = "https://outlook.office.com/SMTP.Send"
SECRETS = [CLIENT[1], "r3fresh-0", "acc3ss-1"]


@pytest.fixture
def endpoint(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenEndpoint]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    with TokenEndpoint(certificates) as server:
        yield server


def ask(source: Client, refused: str | None = None) -> str:
    return run(source.token(BlockingRuntime(), None if refused is None else Secret(refused))).reveal()


def failure(source: Client) -> errors.SmtpkitError:
    with pytest.raises(errors.SmtpkitError) as caught:
        ask(source)
    return caught.value


def mailbox(endpoint: TokenEndpoint, **options: Any) -> MicrosoftRefreshToken:
    return MicrosoftRefreshToken(CLIENT[0], "r3fresh-0", authority=endpoint.base, **options)


def application(endpoint: TokenEndpoint, **options: Any) -> MicrosoftClientCredentials:
    return MicrosoftClientCredentials(CLIENT[0], CLIENT[1], "example.com", authority=endpoint.base, **options)


def script(endpoint: TokenEndpoint, **options: Any) -> MicrosoftDeviceCode:
    return MicrosoftDeviceCode(CLIENT[0], authority=endpoint.base, **options)


@pytest.mark.parametrize("secret", [None, CLIENT[1]])
def test_a_refresh_token_and_its_successors(endpoint: TokenEndpoint, secret: str | None) -> None:
    endpoint.rotate = True
    saved: list[str] = []
    source = mailbox(endpoint, client_secret=secret, save=saved.append)
    assert ask(source) == ask(source) == "acc3ss-1"
    assert ask(source, refused="acc3ss-1") == "acc3ss-2"
    assert saved == ["r3fresh-1", "r3fresh-2"]
    assert [fields["refresh_token"] for fields in endpoint.requests] == ["r3fresh-0", "r3fresh-1"]
    assert SCOPE in endpoint.requests[0]["scope"].split()
    assert endpoint.requests[0].get("client_secret") == secret


def test_an_application_without_a_user(endpoint: TokenEndpoint) -> None:
    source = application(endpoint)
    assert ask(source) == ask(source) == "acc3ss-1"
    assert ask(source, refused="acc3ss-1") == "acc3ss-2"
    asked = [(fields["grant_type"], fields["scope"]) for fields in endpoint.requests]
    assert asked == [("client_credentials", "https://outlook.office365.com/.default")] * 2
    assert endpoint.requests[0]["client_secret"] == CLIENT[1]


def test_a_script_asks_its_user_once(endpoint: TokenEndpoint) -> None:
    shown: list[str] = []
    saved: list[str] = []
    source = script(endpoint, prompt=shown.append, save=saved.append)
    source.log_in()
    assert ask(source) == "acc3ss-1"
    assert shown == ["Enter ABCD-EFGH"]
    assert saved == ["r3fresh-1"]
    # The next token, and the next run of the script, need nobody.
    assert ask(source, refused="acc3ss-1") == "acc3ss-2"
    assert ask(script(endpoint, prompt=shown.append, refresh_token="r3fresh-1")) == "acc3ss-3"
    assert len(shown) == 1


@pytest.mark.parametrize("kept", [None, "", "0ld"])
def test_a_script_without_a_good_refresh_token_asks(
    endpoint: TokenEndpoint, kept: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(script(endpoint, refresh_token=kept)) == "acc3ss-1"
    assert capsys.readouterr().err == "Enter ABCD-EFGH\n"


EXPIRED = {"error": "invalid_grant", "error_description": "AADSTS700082: The refresh token has expired: r3fresh-0"}
DENIED = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}


@pytest.mark.parametrize(
    ("make", "answer", "texts"),
    [
        (mailbox, EXPIRED, ["AADSTS700082", "log in once more"]),
        (application, DENIED, ["AADSTS7000215", "client secret"]),
        (script, {"error": "access_denied"}, ["access_denied", "did not allow it"]),
        (mailbox, {"error": "temporarily_unavailable"}, ["may pass"]),
    ],
)
def test_refusals_are_explained_and_show_nothing(
    endpoint: TokenEndpoint, make: Any, answer: dict[str, str], texts: list[str]
) -> None:
    endpoint.canned.append(Canned(400, answer))
    error = failure(make(endpoint))
    assert type(error) is errors.AuthenticationFailed
    assert error.temporary is (answer["error"] == "temporarily_unavailable")
    assert not [text for text in texts if text not in str(error)], error
    assert_hidden(error, SECRETS)


def test_the_network_fails_in_our_own_words(endpoint: TokenEndpoint) -> None:
    endpoint.gate.clear()
    error = failure(mailbox(endpoint, timeout=0.2))
    assert type(error) is errors.TimedOut
    assert_hidden(error, SECRETS)


def test_an_authority_that_is_not_there(endpoint: TokenEndpoint) -> None:
    endpoint.discoverable = False
    error = failure(mailbox(endpoint, tenant="nobody.example"))
    assert type(error) is errors.AuthenticationFailed
    assert "tenant" in (error.hint or "")


@pytest.mark.parametrize("tenant", ["common", "consumers", "organizations"])
def test_an_application_has_a_tenant(tenant: str) -> None:
    with pytest.raises(errors.InvalidConfiguration, match="tenant="):
        MicrosoftClientCredentials("c", "s", tenant)


@pytest.mark.parametrize(
    "make",
    [
        lambda: MicrosoftRefreshToken("c", ""),
        lambda: MicrosoftRefreshToken("c", "r", client_secret=""),
        lambda: MicrosoftClientCredentials("c", "", "t"),
    ],
)
def test_an_empty_secret(make: Any) -> None:
    with pytest.raises(errors.InvalidConfiguration, match="is empty"):
        make()
