"""A mailer's configuration in text: URLs and environment variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit.errors import InvalidConfiguration
from smtpkit.mime.characters import shown
from smtpkit.secret import Secret
from smtpkit.smtp.timeouts import Timeouts
from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["SCHEMES", "Configuration"]

SCHEMES = {"smtp": "starttls", "smtps": "tls", "smtp+plaintext": "plaintext"}
"""URL schemes that name no provider, and the security that each stands for."""

_HINT = 'Such as "smtps://user:password@smtp.example.com", or "gmail://me%40gmail.com:password@".'


@value
class Configuration:
    """What a URL or the environment says."""

    scheme: str
    """One of `SCHEMES`, or the name of a provider."""
    host: str | None
    port: int | None
    username: str | None
    password: Secret | None
    options: tuple[tuple[str, Any], ...] = ()
    """Keyword arguments of the mailer and its transport."""

    @classmethod
    def from_url(cls, url: str) -> Configuration:
        """Read a URL. Errors never repeat it: it may have a password.

        Raises:
            InvalidConfiguration: it cannot be read.
        """
        from urllib.parse import parse_qsl, unquote, urlsplit

        scheme, colon, _ = url.partition("://")
        if not colon:
            raise InvalidConfiguration("not a URL: it has no ://", hint=_HINT)
        try:
            # Providers' names may have an underscore, which urlsplit takes for no scheme.
            parts = urlsplit("smtp" + url[len(scheme) :])
            port = parts.port
        except ValueError as error:
            raise InvalidConfiguration(
                f"the {scheme}:// URL cannot be read: {_without_details(error)}",
                hint="Percent-encode the user name and the password: urllib.parse.quote(password, safe='').",
            ) from None
        if parts.path not in ("", "/") or parts.fragment:
            raise InvalidConfiguration(
                f"the {scheme}:// URL has a path or fragment",
                hint="Percent-encode / and # in user name and password: urllib.parse.quote(password, safe='').",
            )
        return cls(
            scheme.lower(),
            parts.hostname,
            port,
            unquote(parts.username) if parts.username else None,
            Secret(unquote(parts.password)) if parts.password else None,
            _options(parse_qsl(parts.query, keep_blank_values=True)),
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Configuration:
        """Read ``SMTP_URL``, or ``SMTP_HOST`` and the others; and ``SMTP_FROM``.

        Raises:
            InvalidConfiguration: one is missing or cannot be used.
        """
        sender = environ.get("SMTP_FROM")
        more = (("default_from", sender),) if sender else ()
        if url := environ.get("SMTP_URL"):
            found = cls.from_url(url)
            return cls(found.scheme, found.host, found.port, found.username, found.password, found.options + more)
        if not (host := environ.get("SMTP_HOST")):
            raise InvalidConfiguration(
                "neither SMTP_URL nor SMTP_HOST is set", hint=f"SMTP_URL is one line of configuration. {_HINT}"
            )
        port = environ.get("SMTP_PORT")
        if port is not None and not (port.isascii() and port.isdigit()):
            raise InvalidConfiguration(f"SMTP_PORT is not a number: {shown(port)}")
        security = environ.get("SMTP_SECURITY") or ("tls" if port == "465" else "starttls")
        schemes = {name: scheme for scheme, name in SCHEMES.items()}
        if security not in schemes:
            raise InvalidConfiguration(
                f"SMTP_SECURITY is {shown(security)}", hint=f"It is one of {', '.join(schemes)}."
            )
        password = environ.get("SMTP_PASSWORD")
        return cls(
            schemes[security],
            host,
            int(port) if port else None,
            environ.get("SMTP_USERNAME") or None,
            Secret(password) if password else None,
            more,
        )


def _without_details(error: ValueError) -> str:
    # The rest of the text may be a part of the password.
    return "the port is not a number" if "ort" in str(error) else "it is not valid"


def _boolean(text: str) -> bool:
    try:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
    except KeyError:
        raise ValueError("true or false is needed") from None


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


_READERS: dict[str, Callable[[str], object]] = {
    "allow_insecure_auth": _boolean,
    "connections": int,
    "default_from": str,
    "domain": str,
    "local_hostname": str,
    "mechanisms": _names,
    "on_partial": str,
    "pipelining": _boolean,
    "region": str,
    "security": str,
    "source_address": str,
    "tls": str,
    "token": str,
}


def _options(pairs: list[tuple[str, str]]) -> tuple[tuple[str, object], ...]:
    options: dict[str, object] = {}
    seconds: dict[str, Any] = {}
    for key, text in pairs:
        name = key.removeprefix("timeouts.")
        known = name in Timeouts.__match_args__ if name != key else name in _READERS
        if not known:
            names = ", ".join([*_READERS, *(f"timeouts.{name}" for name in Timeouts.__match_args__)])
            raise InvalidConfiguration(f"unknown key {shown(key)} in the URL", hint=f"Known: {names}.")
        try:
            if name != key:
                seconds[name] = float(text)
            else:
                options[key] = _READERS[key](text)
        except ValueError as error:
            raise InvalidConfiguration(f"the key {key} of the URL cannot be {shown(text)}: {error}") from None
    if seconds:
        options["timeouts"] = Timeouts(**seconds)
    return tuple(options.items())
