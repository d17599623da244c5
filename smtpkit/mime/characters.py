"""Which characters may stand in a header field: the one place that refuses line breaks there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from smtpkit.errors import UsageError

__all__ = ["refuse_breaks", "refuse_encoded_words", "require_text", "shown"]

_BREAKS = Pattern(r"[\r\n\0\ud800-\udfff]")
_ENCODED_WORD = Pattern(r"=\?[^?]*\?[BbQq]\?")
_NAMES = {"\r": "a carriage return", "\n": "a line feed", "\0": "a NUL character"}


def require_text(what: str, given: object, error: type[UsageError]) -> None:
    """Raise ``error`` if ``given`` is no ``str``: mostly a value that is not there."""
    if not isinstance(given, str):
        raise error(f"{what} is text, and {type(given).__name__} was given", hint="Give a str.")


def refuse_breaks(what: str, text: str, error: type[UsageError]) -> str:
    """Return ``text``, or raise ``error`` if it has CR, LF, NUL or a lone surrogate.

    With one of these a header field could end early and what follows become a field of
    its own (header injection).
    """
    found = _BREAKS.search(text)
    if found:
        name = _NAMES.get(found[0], "a lone surrogate")
        raise error(
            f"{what} has {name} at position {found.start()}: {shown(text)}",
            hint="Header fields are one line of text. Remove line breaks from values that come from outside.",
        )
    return text


def refuse_encoded_words(what: str, text: str, error: type[UsageError]) -> None:
    """Raise ``error`` if ``text``, which is never encoded, has what looks like an encoded-word.

    RFC 2047 §5 has none in addresses, ids and parameters. Many readers decode it there all the same, to another
    address or a line break.
    """
    if "=?" in text and _ENCODED_WORD.search(text):
        raise error(
            f"{what} has an encoded-word, which may not stand there (RFC 2047 §5): {shown(text)}",
            hint="Values that come from outside may be made to mislead those who read the mail. Take another one.",
        )


def shown(text: str, limit: int = 60) -> str:
    """``text`` quoted for an error message, cut if long."""
    return repr(text) if len(text) <= limit else f"{text[:limit]!r}... ({len(text)} characters)"
