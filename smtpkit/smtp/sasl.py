"""Authentication: from challenges to answers (RFC 4954, RFC 4422)."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from hashlib import pbkdf2_hmac, sha256
from typing import TYPE_CHECKING, ClassVar, Protocol

from smtpkit.errors import ProtocolError
from smtpkit.secret import SecretOctets
from smtpkit.stamp import nonce
from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smtpkit.secret import Secret

__all__ = ["MECHANISMS", "TOKEN_MECHANISMS", "Login", "Mechanism", "mechanism_for", "usable_mechanisms"]


@value
class Login:
    """What a mechanism needs to know."""

    username: str
    secret: Secret
    host: str
    port: int


class Mechanism(Protocol):
    """One exchange. ``initial`` goes with the command; ``None`` where the server speaks first."""

    def initial(self) -> bytes | None:
        """The initial response."""
        ...

    def answer(self, challenge: bytes) -> bytes:
        """The answer to a challenge."""
        ...

    def verify(self) -> None:
        """Called when the server says that it is satisfied. Raises if it did not prove what it had to."""
        ...


class _OneShot:
    """Mechanisms that say everything in the initial response."""

    ERROR_ANSWER: ClassVar[bytes] = b""

    def __init__(self, login: Login) -> None:
        self.login = login

    def answer(self, challenge: bytes) -> bytes:
        # A challenge after the initial response tells an error; the exchange must be ended in order (RFC 7628 §3.2.3).
        return self.ERROR_ANSWER

    def verify(self) -> None:
        """The client is the one to prove something."""


class Plain(_OneShot):
    """PLAIN (RFC 4616)."""

    def initial(self) -> bytes:
        return SecretOctets(f"\0{self.login.username}\0{self.login.secret.reveal()}".encode())


class XOAuth2(_OneShot):
    """XOAUTH2: Google's and Microsoft's bearer tokens (developers.google.com/gmail/imap/xoauth2-protocol)."""

    def initial(self) -> bytes:
        return SecretOctets(f"user={self.login.username}\1auth=Bearer {self.login.secret.reveal()}\1\1".encode())


class OAuthBearer(_OneShot):
    """OAUTHBEARER (RFC 7628)."""

    ERROR_ANSWER: ClassVar[bytes] = b"\1"

    def initial(self) -> bytes:
        login = self.login
        user = login.username.replace("=", "=3D").replace(",", "=2C")
        where = f"n,a={user},\1host={login.host}\1port={login.port}"
        return SecretOctets(f"{where}\1auth=Bearer {login.secret.reveal()}\1\1".encode())


class LoginMechanism(_OneShot):
    """LOGIN: two prompts, user name and password, whatever their text says (draft-murchison-sasl-login)."""

    def __init__(self, login: Login) -> None:
        super().__init__(login)
        self._answers = [SecretOctets(login.username.encode()), SecretOctets(login.secret.reveal().encode())]

    def initial(self) -> None:
        return None

    def answer(self, challenge: bytes) -> bytes:
        if not self._answers:
            raise _wrong("the server asks for more than user name and password in AUTH LOGIN")
        return self._answers.pop(0)


class CramMd5(_OneShot):
    """CRAM-MD5 (RFC 2195)."""

    def initial(self) -> None:
        return None

    def answer(self, challenge: bytes) -> bytes:
        digest = hmac.new(self.login.secret.reveal().encode(), challenge, "md5").hexdigest()
        return f"{self.login.username} {digest}".encode()


class ScramSha256(_OneShot):
    """SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677): the server proves that it knows the password too."""

    MAX_ITERATIONS = 1_000_000
    """More would only keep the client busy."""

    def __init__(self, login: Login) -> None:
        super().__init__(login)
        user = _prepared(login.username).replace("=", "=3D").replace(",", "=2C")
        self._nonce = nonce()
        self._first = f"n={user},r={self._nonce}"
        self._server_signature: bytes | None = None
        self._verified = False

    def initial(self) -> bytes:
        return f"n,,{self._first}".encode()

    def answer(self, challenge: bytes) -> bytes:
        if self._server_signature is None:
            return self._prove(challenge)
        attributes = _attributes(challenge)
        if "e" in attributes:
            # The server refuses, and says so with its next reply (RFC 5802 §7).
            return b""
        if not hmac.compare_digest(_decoded(attributes.get("v", "")), self._server_signature):
            raise _wrong(
                "the server could not prove that it knows the password (SCRAM-SHA-256)",
                hint="It may be an impostor. The password itself was not sent.",
            )
        self._verified = True
        return b""

    def verify(self) -> None:
        if not self._verified:
            raise _wrong("the server accepted without proving that it knows the password (SCRAM-SHA-256)")

    def _prove(self, challenge: bytes) -> bytes:
        given = _attributes(challenge)
        combined, iterations = given.get("r", ""), given.get("i", "")
        salt = _decoded(given.get("s", ""))
        if not combined.startswith(self._nonce) or combined == self._nonce or "m" in given or not salt:
            raise _wrong("the server's SCRAM-SHA-256 challenge is not valid")
        if not re.fullmatch("[1-9][0-9]{3,6}", iterations) or int(iterations) > self.MAX_ITERATIONS:
            raise _wrong("the server asks for a number of SCRAM-SHA-256 iterations that is not acceptable")
        salted = pbkdf2_hmac("sha256", _prepared(self.login.secret.reveal()).encode(), salt, int(iterations))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        final = f"c=biws,r={combined}"
        signed = f"{self._first},{challenge.decode()},{final}".encode()
        signature = hmac.digest(sha256(client_key).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._server_signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        return f"{final},p={b64encode(proof).decode()}".encode()


def _wrong(message: str, hint: str | None = None) -> ProtocolError:
    return ProtocolError(message, stage="auth", hint=hint)


def _prepared(text: str) -> str:
    """``text`` by SASLprep (RFC 4013), as far as it changes anything: NFKC."""
    if text.isascii():
        return text
    from unicodedata import normalize

    return normalize("NFKC", text)


def _attributes(challenge: bytes) -> dict[str, str]:
    try:
        pairs = [item.partition("=") for item in challenge.decode().split(",")]
    except UnicodeDecodeError:
        raise _wrong("the server's SCRAM-SHA-256 challenge is not UTF-8") from None
    return {name: text for name, _, text in pairs}


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise _wrong("the server's SCRAM-SHA-256 challenge is not valid base64") from None


_CLASSES: dict[str, Callable[[Login], Mechanism]] = {
    "PLAIN": Plain,
    "SCRAM-SHA-256": ScramSha256,
    "LOGIN": LoginMechanism,
    "CRAM-MD5": CramMd5,
    "XOAUTH2": XOAuth2,
    "OAUTHBEARER": OAuthBearer,
}

MECHANISMS = tuple(_CLASSES)
"""The mechanisms that smtpkit knows."""

TOKEN_MECHANISMS = ("XOAUTH2", "OAUTHBEARER")
"""Those that take an OAuth 2 access token in place of a password, in order of preference."""

_OVER_TLS = ("PLAIN", "SCRAM-SHA-256", "LOGIN", "CRAM-MD5")
"""PLAIN first: one round trip, and over verified TLS nobody listens."""

_WITHOUT_TLS = ("SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN")
"""Those that don't send the password first."""


def usable_mechanisms(
    offered: Iterable[str], *, token: bool, encrypted: bool, wanted: tuple[str, ...] | None
) -> list[str]:
    """Which of the ``offered`` mechanisms to try, in order; never one that was not offered.

    ``token`` says that the secret is an access token. ``wanted`` restricts and orders them.
    """
    preferred: tuple[str, ...] = TOKEN_MECHANISMS if token else _OVER_TLS if encrypted else _WITHOUT_TLS
    if wanted is not None:
        # A password is no token: neither is ever sent as the other.
        preferred = tuple(name for name in wanted if name in preferred)
    available = set(offered)
    usable = [name for name in preferred if name in available]
    if wanted is None and "PLAIN" in usable:
        # Where PLAIN is there, LOGIN is the same in three round trips, and CRAM-MD5 is broken.
        usable = [name for name in usable if name not in ("LOGIN", "CRAM-MD5") or not encrypted]
    return usable


def mechanism_for(name: str, login: Login) -> Mechanism:
    """The exchange of the mechanism ``name``."""
    return _CLASSES[name](login)
