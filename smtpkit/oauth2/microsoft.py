"""Microsoft's tokens, by its own library: ``pip install "smtpkit[microsoft]"``.

msal has an HTTP client that can be replaced: ours is `smtpkit.runtime.http`, bounded in time and size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit.errors import AuthenticationFailed, InvalidConfiguration, SmtpkitError
from smtpkit.oauth2.answer import grant_of, hide, refusal
from smtpkit.oauth2.client import Client, given_secret
from smtpkit.oauth2.msal_http import MsalHttp
from smtpkit.oauth2.registered import scopes_of
from smtpkit.secret import Secret, hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smtpkit.oauth2.answer import Grant
    from smtpkit.oauth2.client import Save

__all__ = ["MicrosoftClientCredentials", "MicrosoftDeviceCode", "MicrosoftRefreshToken"]

_HOST = "Microsoft"

_AUTHORITY = "https://login.microsoftonline.com"

_OF_APPLICATION = "https://outlook.office365.com/.default"
"""The scope of an application without a user. Source: https://learn.microsoft.com/exchange/client-developer/
legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth, "client credentials grant flow"."""


class _Microsoft(Client):
    """What they share: an application of msal, made when it is first needed, since it asks for its endpoints then."""

    def __init__(
        self,
        client_id: str,
        client_secret: Secret | None,
        tenant: str,
        *,
        authority: str,
        save: Save | None,
        timeout: float,
    ) -> None:
        super().__init__(save=save, timeout=timeout)
        _library()
        self._client_id = client_id
        self._client_secret = client_secret
        self._authority = f"{authority.rstrip('/')}/{tenant}"
        self._checked = authority == _AUTHORITY
        self._made: Any = None

    def _request(self, now: float) -> Grant:
        found = self._answered()
        if isinstance(found, SmtpkitError):
            raise found
        if "access_token" not in found:
            raise refusal(found, _HOST, secrets=[self._refresh_token, self._client_secret])
        return grant_of(found, _HOST, now)

    def _answered(self) -> dict[str, Any] | SmtpkitError:
        """The answer, its secrets hidden. It does not raise: msal's own frames have them."""
        try:
            return hide(self._asked(self._application()))
        except SmtpkitError as error:
            return error.with_traceback(None)
        except (ValueError, RuntimeError) as error:
            # Such as a tenant that is not known; the text has the authority's answer, and no secrets.
            return AuthenticationFailed(
                f"{_HOST} gave no access token: {type(error).__name__} at {self._authority}",
                hint="Check the tenant: its id or domain, or for personal accounts consumers.",
            )

    def _application(self) -> Any:
        import msal  # type: ignore[import-untyped,unused-ignore]

        if self._made is None:
            options: dict[str, Any] = {
                "authority": self._authority,
                "http_client": MsalHttp(self._timeout),
                # msal asks login.microsoftonline.com about authorities that it does not know.
                "instance_discovery": None if self._checked else False,
            }
            if self._client_secret is None:
                self._made = msal.PublicClientApplication(self._client_id, **options)
            else:
                self._made = msal.ConfidentialClientApplication(
                    self._client_id, client_credential=self._client_secret.reveal(), **options
                )
        return self._made

    def _asked(self, application: Any) -> Mapping[str, Any]:
        """What msal answers."""
        raise NotImplementedError

    def _refreshed(self, application: Any) -> Mapping[str, Any]:
        assert self._refresh_token is not None
        found: Mapping[str, Any] = application.acquire_token_by_refresh_token(
            self._refresh_token.reveal(), scopes_of("microsoft365")
        )
        return found

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._client_id!r}, ...)"


class MicrosoftRefreshToken(_Microsoft):
    """For a mailbox at Outlook.com or Microsoft 365 whose owner has logged in.

    Args:
        client_id: of the application that is registered at https://entra.microsoft.com.
        refresh_token: what the log-in with the scopes of ``providers.get("outlook").oauth2`` gave.
        tenant: the organisation's id or domain, ``"consumers"`` for Outlook.com, or ``"common"`` for either.
        client_secret: none for a public client, such as a program on a desktop.
        save: called with each new refresh token, before it is used; Microsoft rotates them.
        authority: of a national cloud, such as ``"https://login.microsoftonline.us"``.
        timeout: seconds for a request.

    Raises:
        InvalidConfiguration: an argument that cannot be, or msal is not installed.
    """

    def __init__(
        self,
        client_id: str,
        refresh_token: str,
        *,
        tenant: str = "common",
        client_secret: str | None = None,
        save: Save | None = None,
        authority: str = _AUTHORITY,
        timeout: float = 30.0,
    ) -> None:
        secrets = hidden(refresh_token=refresh_token, client_secret=client_secret)
        refresh_token = client_secret = ""
        secret = given_secret("client secret", secrets["client_secret"], optional=True)
        super().__init__(client_id, secret, tenant, authority=authority, save=save, timeout=timeout)
        self._refresh_token = self._saved = given_secret("refresh token", secrets["refresh_token"])

    def _asked(self, application: Any) -> Mapping[str, Any]:
        return self._refreshed(application)


class MicrosoftClientCredentials(_Microsoft):
    """For the mailboxes of a Microsoft 365 organisation: an application of its own, and no user at hand.

    An administrator gives the application the permission ``SMTP.SendAsApp``, registers its service principal in
    Exchange Online and allows it the mailbox: https://learn.microsoft.com/exchange/client-developer/legacy-protocols/
    how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth

    Args:
        client_id: of the application that is registered at https://entra.microsoft.com.
        client_secret: the value of a client secret (not its id).
        tenant: the organisation's id or domain.
        authority: of a national cloud, such as ``"https://login.microsoftonline.us"``.
        timeout: seconds for a request.

    Raises:
        InvalidConfiguration: an argument that cannot be, or msal is not installed.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        tenant: str,
        *,
        authority: str = _AUTHORITY,
        timeout: float = 30.0,
    ) -> None:
        secrets = hidden(client_secret=client_secret)
        client_secret = ""
        if tenant in ("common", "consumers", "organizations"):
            raise InvalidConfiguration(
                f"tenant={tenant!r} is none of its own", hint="An application without a user has one: its id or domain."
            )
        secret = given_secret("client secret", secrets["client_secret"])
        super().__init__(client_id, secret, tenant, authority=authority, save=None, timeout=timeout)

    def _asked(self, application: Any) -> Mapping[str, Any]:
        # We keep the token, and ask for another one only when it is of no use any more.
        application.remove_tokens_for_client()
        found: Mapping[str, Any] = application.acquire_token_for_client([_OF_APPLICATION])
        return found


class MicrosoftDeviceCode(_Microsoft):
    """For scripts: the user logs in with a code, in any browser (RFC 8628), and the script goes on then.

    Call `log_in` when the script begins: a server does not wait for so long. With a ``refresh_token`` that ``save=``
    has kept nobody is asked, until it is refused.

    Args:
        client_id: of the application that is registered at https://entra.microsoft.com, which allows public clients.
        tenant: the organisation's id or domain, ``"consumers"`` for Outlook.com, or ``"common"`` for either.
        refresh_token: from last time, if there is one.
        save: called with each new refresh token, before it is used.
        prompt: shows the user what to do; without it, it is written to standard error.
        authority: of a national cloud, such as ``"https://login.microsoftonline.us"``.
        timeout: seconds for a request. The code is good for 15 minutes or so.

    Raises:
        InvalidConfiguration: an argument that cannot be, or msal is not installed.
    """

    def __init__(
        self,
        client_id: str,
        *,
        tenant: str = "common",
        refresh_token: str | None = None,
        save: Save | None = None,
        prompt: Callable[[str], object] | None = None,
        authority: str = _AUTHORITY,
        timeout: float = 30.0,
    ) -> None:
        secrets = hidden(refresh_token=refresh_token)
        refresh_token = None
        super().__init__(client_id, None, tenant, authority=authority, save=save, timeout=timeout)
        # A script that begins has nothing yet, perhaps an empty variable or file.
        if secrets["refresh_token"] not in (None, Secret("")):
            self._refresh_token = self._saved = given_secret("refresh token", secrets["refresh_token"])
        self._prompt = prompt or _to_standard_error

    def log_in(self) -> None:
        """Get a token now, so that the user is asked before a server waits. Blocks.

        Raises:
            AuthenticationFailed: nobody logged in, or it was not allowed.
        """
        from smtpkit.runtime.blocking import BlockingRuntime, run

        run(self.token(BlockingRuntime()))

    def _asked(self, application: Any) -> Mapping[str, Any]:
        if self._refresh_token is not None:
            found = self._refreshed(application)
            if found.get("error") not in ("invalid_grant", "interaction_required"):
                return found
        flow = application.initiate_device_flow(scopes_of("microsoft365"))
        if "user_code" not in flow:
            answer: Mapping[str, Any] = flow
            return answer
        self._prompt(flow["message"])
        granted: Mapping[str, Any] = application.acquire_token_by_device_flow(flow)
        return granted


def _to_standard_error(text: str) -> None:
    import sys

    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _library() -> None:
    from importlib.util import find_spec

    if find_spec("msal") is None:
        raise InvalidConfiguration("msal is not installed", hint='pip install "smtpkit[microsoft]"')
