"""Passwords from the keyring of the operating system: ``pip install "smtpkit[keyring]"``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import InvalidConfiguration
from smtpkit.mime.characters import shown

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["from_keyring"]


def from_keyring(service: str, username: str) -> Callable[[], str]:
    """For ``password=``: looks the password up for each new connection, so that a changed one is found.

    It is put there once with ``keyring set SERVICE USERNAME``. Nothing is looked up before a connection is opened.

    Raises:
        InvalidConfiguration: keyring is not installed; when it is asked, also: there is no such password, or no
            keyring that could be opened.
    """
    from importlib.util import find_spec

    if find_spec("keyring") is None:
        raise InvalidConfiguration("keyring is not installed", hint='pip install "smtpkit[keyring]"')

    def look_up() -> str:
        import keyring
        from keyring.errors import KeyringError

        try:
            found = keyring.get_password(service, username)
        except KeyringError as error:
            raise InvalidConfiguration(
                f"the keyring cannot be read: {type(error).__name__}",
                hint="Is it unlocked? A server mostly has none: use SMTP_PASSWORD there, and Mailer.from_env().",
            ) from error
        if found is None:
            raise InvalidConfiguration(
                f"the keyring has no password of {shown(username)} for {shown(service)}",
                hint=f"Put it there: keyring set {service} {username}",
            )
        return found

    return look_up
