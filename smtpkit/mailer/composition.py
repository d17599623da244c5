"""Several URLs in one line: ``failover(smtps://... smtps://...)``, ``roundrobin(...)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import InvalidConfiguration, UnknownProvider
from smtpkit.mailer.configuration import LOCAL, OF_MAILER, SCHEMES, Configuration, provider_of
from smtpkit.mailer.options import options
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["composition_of"]

_OPENING = Pattern(r"\s*(failover|roundrobin)\(")

_COMMA = Pattern(r",(?:[A-Za-z][A-Za-z0-9+._-]*://|(?:failover|roundrobin)\()")

_ENCODE = "Percent-encode user names and passwords, ( and ) and spaces too: urllib.parse.quote(password, safe='')."


def composition_of(text: str) -> Configuration | None:
    """What a composition says; ``None`` if ``text`` is none, but one URL. Errors never repeat it.

    Raises:
        InvalidConfiguration: it cannot be read.
        UnknownProvider: a URL in it is neither SMTP nor a provider's.
    """
    opening = _OPENING.match(text)
    if opening is None:
        return None
    name = opening[1]
    words, query = _words(name, text[opening.end() :])
    members = tuple(_member(name, word) for word in words)
    if not members:
        raise InvalidConfiguration(f"{name}() has no URL", hint=f'Such as "{name}(smtps://a.test smtps://b.test)".')
    given = options(query)
    unknown = sorted({key for key, _ in given} - {"rest", *OF_MAILER})
    if unknown:
        raise InvalidConfiguration(f"{name}(...) has no option {unknown[0]}", hint="Give it to each URL that needs it.")
    return Configuration(name, None, None, None, None, given, members)


def _words(name: str, text: str) -> tuple[Iterator[str], str]:
    """What stands up to the closing parenthesis, parted by spaces that are in no further parentheses; and the query."""
    words = [""]
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            rest = text[at + 1 :].strip()
            if rest and not rest.startswith("?"):
                break
            return filter(None, words), rest[1:]
        if sign.isspace() and not depth:
            words.append("")
        else:
            words[-1] += sign
    raise InvalidConfiguration(f"{name}(...) does not end with ) or )?key=value", hint=_ENCODE)


def _member(name: str, url: str) -> Configuration:
    """What one of the URLs in ``name(...)`` says. It may be a piece of a password that has a space."""
    if url.endswith(",") or _COMMA.search(url):
        raise InvalidConfiguration(
            f"the URLs in {name}(...) are parted by spaces, not by commas",
            hint=f'Such as "{name}(smtps://a.test smtps://b.test)". {_ENCODE}',
        )
    if not _OPENING.match(url) and url.partition(":")[0].lower() not in LOCAL:
        _refuse_unknown(name, url.partition("://")[0])
    found = Configuration.from_url(url, secret=True)
    for option, _ in found.options:
        if option in OF_MAILER:
            hint = f"Write it behind the parenthesis: {name}(...)?{option}=..."
            raise InvalidConfiguration(f"{option} is for all of {name}(...)", hint=hint)
        if option == "limits_path":
            hint = f"Write one behind the parenthesis: {name}(...)?limits.daily=500&limits.path=..."
            raise InvalidConfiguration(f"limits of presets do not hold in {name}(...)", hint=hint)
    return found


def _refuse_unknown(name: str, scheme: str) -> None:
    if scheme.lower() in SCHEMES:
        return
    try:
        provider_of(scheme)
    except UnknownProvider as error:
        text = f"something in {name}(...) is not the URL of SMTP or of a provider"
        raise UnknownProvider(text, hint=f"{error.hint} {_ENCODE}") from None
