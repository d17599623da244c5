"""The options in the query of a URL: keyword arguments of a mailer and its transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit import errors
from smtpkit.errors import DeliveryError, InvalidConfiguration
from smtpkit.mime.characters import shown
from smtpkit.retry import Retry
from smtpkit.secret import Secret
from smtpkit.smtp.timeouts import Timeouts
from smtpkit.tls import Tls

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtpkit.limits.daily import DailyLimit

__all__ = ["ENCODE", "options"]

ENCODE = "Percent-encode the user name and the password: urllib.parse.quote(password, safe='')."


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError("not true or false")
    return _BOOLEANS[text.lower()]


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

_READERS: dict[str, Callable[[str], object]] = {
    "allow_insecure_auth": _boolean,
    "chunking": _boolean,
    "connections": int,
    "default_from": str,
    "domain": str,
    "format": str,
    "local_hostname": str,
    "mechanisms": _names,
    "messages_per_connection": int,
    "on_partial": str,
    "pipelining": _boolean,
    "redirect_to": str,
    "region": str,
    "rest": float,
    "secret_access_key": Secret,
    "security": str,
    "source_address": str,
    "stream": str,
    "tls": str,
    "token": Secret,
}


def _kinds(text: str) -> list[type[DeliveryError]]:
    found = [getattr(errors, name, None) for name in _names(text)]
    kinds = [each for each in found if isinstance(each, type) and issubclass(each, DeliveryError)]
    if len(kinds) < len(found):
        raise ValueError("not the names of errors")
    return kinds


_GROUPS: dict[str, dict[str, Callable[[str], object]]] = {
    "timeouts": dict.fromkeys(Timeouts.__match_args__, float),
    "tls": {
        "ca_file": str,
        "client_certificate": str,
        "client_key": str,
        "fingerprints": _names,
        "minimum_version": str,
    },
    "limits": {"daily": int, "unit": str, "window": str, "path": str, "on_limit": str},
    "retry": {"attempts": int, "wait": float, "max_wait": float, "jitter": float, "on": _kinds, "uncertain": str},
}
"""Options whose value has parts, each with a key of its own such as ``timeouts.reply``."""


def options(query: str, *, secret: bool = False) -> tuple[tuple[str, object], ...]:
    """The keyword arguments that a query gives. If it may be ``secret``, errors do not repeat it.

    Raises:
        InvalidConfiguration: a key that is not known, or is there twice, or a value that cannot be.
    """
    from urllib.parse import parse_qsl

    # With an @ it may be the end of a password that has a question mark.
    secret = secret or "@" in query or "token" in query or "secret" in query
    found: dict[str, Any] = {}
    parts: dict[str, dict[str, Any]] = {}
    for key, text in parse_qsl(query, keep_blank_values=True):
        group, dot, name = key.rpartition(".")
        reader = (_GROUPS.get(group, {}) if dot else _READERS).get(name)
        if reader is None:
            raise _unknown(key, secret=secret)
        values = parts.setdefault(group, {}) if dot else found
        if name in values:
            raise InvalidConfiguration(f"the key {key} is in the URL twice")
        try:
            values[name] = reader(text)
        except ValueError:
            value = "what it is" if secret else shown(text)
            raise InvalidConfiguration(f"the key {key} of the URL cannot be {value}") from None
    if parts.get("limits", {}).keys() == {"path"}:
        # Of the limits that the provider's preset has.
        found["limits_path"] = parts.pop("limits")["path"]
    for group, kind in (("timeouts", Timeouts), ("retry", Retry), ("tls", Tls), ("limits", _daily)):
        if group in parts and group in found:
            raise InvalidConfiguration(f"the URL has the key {group} and keys that begin with {group}.")
        if group in parts:
            found[group] = kind(**parts[group])
    return tuple(found.items())


def _daily(*, daily: int | None = None, **more: Any) -> DailyLimit:
    # Not at import: few limits are in a URL.
    from smtpkit.limits.daily import DailyLimit

    if daily is None:
        raise InvalidConfiguration("the URL has keys that begin with limits. and no limits.daily")
    return DailyLimit(daily, **more)


def _unknown(key: str, *, secret: bool) -> InvalidConfiguration:
    from difflib import get_close_matches

    names = [*_READERS, *(f"{group}.{name}" for group, readers in _GROUPS.items() for name in readers)]
    near = "" if secret else "".join(f"; nearest: {name}" for name in get_close_matches(key[:40], names, 1))
    return InvalidConfiguration(
        f"unknown key {'' if secret else shown(key) + ' '}in the URL{near}",
        hint=f"Known: {', '.join(names)}. {ENCODE if secret else ''}".rstrip(),
    )
