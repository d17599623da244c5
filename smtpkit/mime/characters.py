"""What text may stand in a header field: the one place that refuses line breaks there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import InvalidMessage
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from smtpkit.errors import UsageError

__all__ = [
    "LONGEST_LINE",
    "ONE_LINE",
    "kind_of",
    "quoted",
    "refuse_breaks",
    "refuse_encoded_words",
    "require_bytes",
    "require_text",
    "shown",
    "unquoted",
]

ONE_LINE = "Header fields are one line of text. Remove line breaks from values that come from outside."
"""What to do about a line break."""
LONGEST_LINE = 998
"""Characters of a line without CRLF (RFC 5322 §2.1.1)."""

_BREAKS = Pattern(r"[\r\n\0\ud800-\udfff]")
_ENCODED_WORD = Pattern(r"=\?[^?]*\?[BbQq]\?")
_QUOTED_STRING = Pattern(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = Pattern(r"\\(.)")
_NAMES = {"\r": "a carriage return", "\n": "a line feed", "\0": "a NUL character"}


def require_text(what: str, given: object, error: type[UsageError], hint: str = "Convert it: str(value).") -> None:
    """Raise ``error`` if ``given`` is no ``str``; ``hint`` says how it is written."""
    if isinstance(given, str):
        return
    if given is None:
        hint = "Leave it out where there is none."
    elif isinstance(given, (bytes, bytearray)):
        hint = 'Decode it: data.decode("utf-8").'
    elif hasattr(given, "__fspath__"):
        hint = 'Give the name as str(path), or what is in the file as path.read_text("utf-8").'
    raise error(f"{what} must be a str, not {kind_of(given)}", hint=hint)


def require_bytes(what: str, given: object) -> None:
    """Raise `InvalidMessage` if ``given`` is no mail as octets; ``what`` takes it."""
    if not isinstance(given, (bytes, bytearray)):
        raise InvalidMessage(
            f"{what} needs bytes, not {kind_of(given)}",
            hint='A saved mail is read by Path("saved.eml").read_bytes(); the octets of a message are as_bytes().',
        )


def kind_of(given: object) -> str:
    """What ``given`` is, for an error message."""
    return "None" if given is None else type(given).__name__


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
            hint=ONE_LINE,
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


def quoted(text: str) -> str:
    """``text`` as a quoted-string (RFC 5322 §3.2.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unquoted(text: str) -> tuple[str, str] | None:
    """What the quoted-string says that ``text`` begins with, and what follows it; None where there is none."""
    found = _QUOTED_STRING.match(text)
    return (_ESCAPE.sub(r"\1", found[1]), text[found.end() :]) if found else None
