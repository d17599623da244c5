"""Passwords from a keyring."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import InvalidConfiguration, Mailer, Message, SmtpSslTransport, from_keyring, oauth2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers.certificates import Certificates
    from servers.smtpd import StartSmtpd

keyring = pytest.importorskip("keyring")

HELLO = Message().from_("ann@example.com").to("bob@example.com").text("Hi")


@pytest.fixture
def kept() -> Iterator[dict[tuple[str, str], str]]:
    """What is in the keyring."""
    from keyring.backend import KeyringBackend

    passwords: dict[tuple[str, str], str] = {}

    class InMemory(KeyringBackend):
        priority = 1  # pyright: ignore[reportAssignmentType]

        def get_password(self, service: str, username: str) -> str | None:
            return passwords.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            passwords[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del passwords[service, username]

    before = keyring.get_keyring()
    in_memory: Any = InMemory
    keyring.set_keyring(in_memory())
    yield passwords
    keyring.set_keyring(before)


def test_it_is_looked_up_for_each_connection(
    kept: dict[tuple[str, str], str], smtpd: StartSmtpd, certificates: Certificates
) -> None:
    server = smtpd(security="tls", username="ann", password="second")
    transport = SmtpSslTransport(
        server.host,
        server.port,
        username="ann",
        password=from_keyring("mail", "ann"),
        tls=str(certificates.ca_file),
    )
    with Mailer(transport) as mailer:
        with pytest.raises(InvalidConfiguration, match="keyring set mail ann"):
            mailer.send(HELLO)
        keyring.set_password("mail", "ann", "second")
        assert mailer.send(HELLO).ok


def test_one_that_cannot_be_opened(kept: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring.errors import KeyringLocked

    def locked(*_: str) -> str:
        raise KeyringLocked("no")

    monkeypatch.setattr(keyring.get_keyring(), "get_password", locked)
    with pytest.raises(InvalidConfiguration, match="KeyringLocked") as caught:
        from_keyring("mail", "ann")()
    assert caught.value.hint


EXTRAS: list[tuple[str, str, Callable[[], Any]]] = [
    ("keyring", "keyring", lambda: from_keyring("mail", "ann")),
    ("google", "google", lambda: oauth2.GoogleRefreshToken("c", "s", "r")),
    ("google", "google", lambda: oauth2.GoogleServiceAccount("key.json", "a@b.test")),
    ("msal", "microsoft", lambda: oauth2.MicrosoftRefreshToken("c", "r")),
    ("msal", "microsoft", lambda: oauth2.MicrosoftClientCredentials("c", "s", "t")),
    ("msal", "microsoft", lambda: oauth2.MicrosoftDeviceCode("c")),
]


@pytest.mark.parametrize("number", range(len(EXTRAS)))
def test_a_library_that_is_not_installed(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module, extra, use = EXTRAS[number]
    real = sys.meta_path

    class Without:
        """Finds no such module."""

        def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
            if name.partition(".")[0] == module:
                return None
            return next((spec for each in real if (spec := each.find_spec(name, path, target))), None)

    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without()])
    with pytest.raises(InvalidConfiguration) as caught:
        use()
    assert caught.value.hint == f'pip install "smtpkit[{extra}]"'
