"""URLs of transports that need no server: ``file:./outbox``, ``console:``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit.errors import InvalidConfiguration
from smtpkit.mailer.configuration import LOCAL, OF_MAILER, Configuration
from smtpkit.mailer.options import options
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from smtpkit.transports.base import Transport

__all__ = ["local_of", "local_transport"]

_OPENING = Pattern(r"(?i)(file|console):")
_HINT = 'Such as "file:./outbox", "file:///var/mail/app?format=maildir" or "console:?stream=stdout".'


def local_of(url: str, *, secret: bool = False) -> Configuration | None:
    """What a URL says that begins with ``file:`` or ``console:``; ``None`` for another.

    If it may be ``secret``, a piece of a password that has a space, errors do not repeat it.

    Raises:
        InvalidConfiguration: it cannot be read.
    """
    opening = _OPENING.match(url)
    if opening is None:
        return None
    scheme = opening[1].lower()
    rest, _, query = url[opening.end() :].partition("?")
    given = options(query, secret=secret)
    unknown = sorted({key for key, _ in given} - {LOCAL[scheme], *OF_MAILER})
    if unknown:
        raise InvalidConfiguration(f"a {scheme}: URL has no option{'' if secret else ' ' + unknown[0]}", hint=_HINT)
    path = _path(rest) if scheme == "file" else rest.removeprefix("//")
    if bool(path) is not (scheme == "file"):
        needs = "needs a directory" if scheme == "file" else "takes nothing but options"
        raise InvalidConfiguration(f"a {scheme}: URL {needs}", hint=_HINT)
    return Configuration(scheme, path or None, None, None, None, given)


def local_transport(scheme: str, path: str | None, given: dict[str, Any]) -> Transport:
    """The transport for one of `LOCAL`; its option is taken out of ``given``.

    Raises:
        InvalidConfiguration: an option that cannot be used.
    """
    if scheme == "file":
        from smtpkit.transports.file import FileTransport

        return FileTransport(path or "", format=given.pop("format", "eml"))
    import sys

    from smtpkit.transports.console import ConsoleTransport

    name = given.pop("stream", "stderr")
    if name not in ("stdout", "stderr"):
        raise InvalidConfiguration(f"stream={name} of a console: URL", hint="It is stdout or stderr.")
    return ConsoleTransport(sys.stdout if name == "stdout" else None)


def _path(rest: str) -> str:
    """The path of a ``file:`` URL (RFC 8089 §2), or one that is seen from the working directory."""
    from urllib.parse import unquote

    if not rest.startswith("//"):
        return unquote(rest)
    host, slash, path = rest[2:].partition("/")
    if host.lower() not in ("", "localhost"):
        raise InvalidConfiguration(
            "a file: URL is of this machine, and this one names another",
            hint="file:./outbox is seen from the working directory, and file:///var/mail/app from the root.",
        )
    return unquote(slash + path)
