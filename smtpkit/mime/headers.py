"""Header fields: folding, encoded-words and parameters (RFC 5322 §2.2, RFC 2047, RFC 2231)."""

from __future__ import annotations

from binascii import b2a_base64
from functools import lru_cache
from typing import TYPE_CHECKING

from smtpkit.errors import InvalidHeader
from smtpkit.mime.characters import LONGEST_LINE, quoted, refuse_breaks, require_text, shown
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit.address import Address

__all__ = ["address_list", "check_unstructured", "checked_name", "list_id", "parameter", "structured", "unstructured"]

_FOLD = 76
"""Characters of a line: up to 78 (RFC 5322 §2.1.1), and 76 with an encoded-word in it (RFC 2047 §2)."""

_WORD = Pattern(r" *[^ ]+(?: +\Z)?")
# An addr-spec stays whole: readers do not agree on a line break in the quotes of its local part.
_MAILBOX_WORD = Pattern(r" *(?:<.*|[^ ]+)")
# Not longer, so that an encoded-word of one character fits on the line of its name.
_NAME = Pattern(r"[!-9;-~]{1,54}\Z")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,60}"
_ATOMS = Pattern(rf"(?!.*=\?){_ATOM}(?: {_ATOM})*\Z")
# Without * ' and %, which readers of RFC 2231 take for its own signs even in a plain parameter.
_TOKEN = Pattern(r"[A-Za-z0-9!#$&+.^_`{|}~-]{1,60}\Z")
# Readers do not agree on spaces at the ends of a quoted-string, nor on runs of them: these are encoded.
_QUOTABLE = Pattern(r"(?!.*(?:=\?|  ))(?! )[ -~]{1,60}(?<! )\Z")

_Q_LITERAL = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q = [chr(octet) if octet in _Q_LITERAL else "_" if octet == 32 else f"={octet:02X}" for octet in range(256)]
_Q_OF_LATIN_1 = dict(enumerate(_Q))
_ATTRIBUTE_CHARS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~")
_PERCENT = [chr(octet) if octet in _ATTRIBUTE_CHARS else f"%{octet:02X}" for octet in range(256)]


def checked_name(name: str) -> str:
    """``name``, if it can be the name of a header field: printable ASCII without a colon.

    Raises:
        InvalidHeader: it cannot.
    """
    require_text("the name of a header field", name, InvalidHeader)
    if not _NAME.match(name):
        raise InvalidHeader(
            f"not the name of a header field: {shown(name)}",
            hint="Names are up to 54 printable ASCII characters without space or colon, such as X-Campaign.",
        )
    return name


def unstructured(name: str, text: str) -> str:
    """``Name: text``, folded, with encoded-words where the text is not plain ASCII (RFC 5322 §3.2.5).

    Raises:
        InvalidHeader: a line break or NUL, or a word over 998 characters.
    """
    if _plain(text):
        return _line(name, text)
    refuse_breaks(f"the header {name}", text, InvalidHeader)
    # White space between encoded-words is not part of the text (RFC 2047 §6.2).
    return _packed(name, [f" {word}" for word in _encoded_words(name, text)])


def _plain(text: str) -> bool:
    """Whether ``text`` may stand as it is: printable ASCII that is no encoded-word, no space at an end."""
    # A third of the time of a regular expression.
    return text.isascii() and text.isprintable() and "=?" not in text and text == text.strip(" ") != ""


def check_unstructured(name: str, text: str) -> None:
    """Raise what `unstructured` would, without encoding."""
    require_text(f"the header {name}", text, InvalidHeader)
    if _plain(text):
        _line(name, text)
    else:
        refuse_breaks(f"the header {name}", text, InvalidHeader)


def structured(name: str, text: str) -> str:
    """``Name: text`` folded at spaces, never encoded: message ids, URLs, dates.

    Raises:
        InvalidHeader: not ASCII, a line break, or a word that fits in no line.
    """
    refuse_breaks(f"the header {name}", text, InvalidHeader)
    if not text.isascii():
        raise InvalidHeader(f"the header {name} takes ASCII only: {shown(text)}")
    return _line(name, text)


def _line(name: str, text: str) -> str:
    if len(name) + 2 + len(text) <= _FOLD:
        return f"{name}: {text}"
    return _packed(name, _words(f" {text}"))


def _words(text: str) -> list[str]:
    """``text`` cut before spaces: every word with the spaces before it, so that joining gives it back."""
    return _WORD.findall(text)


def _packed(name: str, words: Iterable[str]) -> str:
    """``Name:`` and ``words``, as many on a line as fit; each begins with the space to fold at."""
    lines: list[str] = []
    line = start = f"{name}:"
    for word in words:
        if len(line) + len(word) > _FOLD and line is not start:
            lines.append(line)
            line = ""
        line += word
    lines.append(line)
    if max(map(len, lines)) > LONGEST_LINE:
        raise InvalidHeader(
            f"the header {name} has a word of more than {LONGEST_LINE} characters, which fits in no line",
            hint="Put a space into it where it may be broken.",
        )
    return "\r\n".join(lines)


def _encoded_words(name: str, text: str) -> list[str]:
    """``text`` as encoded-words in UTF-8 (RFC 2047 §2), each short enough to follow ``Name:`` on its line."""
    room = _FOLD - len(name) - len(": =?utf-8?q??=")
    if 0 < len(text) <= room and len(in_q := _in_q(text)) <= room:
        return [f"=?utf-8?q?{in_q}?="]
    data = text.encode()
    words: list[str] = []
    start = 0
    while start < len(data):
        # An encoded-word of `room` characters never holds more octets than that; the one after shows where they end.
        taken, word = _encoded_word(data[start : start + room + 1], room)
        words.append(word)
        start += taken
    return words


# A sender's name and a subject are the same in many mails.
@lru_cache(maxsize=256)
def _in_q(text: str) -> str:
    # Octets are made characters, so that one call encodes them all.
    return text.encode().decode("latin-1").translate(_Q_OF_LATIN_1)


def _encoded_word(data: bytes, room: int) -> tuple[int, str]:
    """As much of ``data`` as fits ``room`` characters, in Q, which people can read, or in B where B holds more."""
    in_b = _whole_characters(data, room // 4 * 3)
    in_q, length = 0, 0
    for octet in data[:room]:
        length += len(_Q[octet])
        if length > room:
            break
        in_q += 1
    in_q = _whole_characters(data, in_q)
    if in_q >= in_b:
        return in_q, f"=?utf-8?q?{''.join([_Q[octet] for octet in data[:in_q]])}?="
    return in_b, f"=?utf-8?b?{b2a_base64(data[:in_b], newline=False).decode()}?="


def _whole_characters(data: bytes, end: int) -> int:
    """``end``, or less, so that no UTF-8 character is split there (RFC 2047 §5)."""
    while end < len(data) and data[end] & 0xC0 == 0x80:
        end -= 1
    return min(end, len(data))


def address_list(name: str, addresses: Iterable[Address], utf8: bool = False) -> str:
    """``Name: mailbox, mailbox``, folded between mailboxes (RFC 5322 §3.4).

    ``utf8`` leaves the addr-specs in their own script, for servers with SMTPUTF8 (RFC 6532).
    """
    items = [_mailbox(name, address, utf8) for address in addresses]
    line = f"{name}: {', '.join(items)}"
    if len(line) <= _FOLD:
        return line
    words: list[str] = []
    for item in items:
        word = f" {item},"
        words.extend([word] if len(name) + 1 + len(word) <= _FOLD else _MAILBOX_WORD.findall(word))
    words[-1] = words[-1][:-1]
    return _packed(name, words)


def _mailbox(name: str, address: Address, utf8: bool) -> str:
    spec = address.addr_spec if utf8 else address.mailbox
    if address.display_name:
        return _named(name, address.display_name, spec)
    # Bare, PostalMime 4.0 takes the quotes off, and the colon of an IPv6 address for that of a group.
    return f"<{spec}>" if '"' in spec or "[" in spec else spec


def list_id(identifier: str, phrase: str) -> str:
    """``List-ID: phrase <identifier>`` (RFC 2919 §3)."""
    return _line("List-ID", _named("List-ID", phrase, identifier) if phrase else f"<{identifier}>")


def _named(name: str, phrase: str, spec: str) -> str:
    if phrase.isascii():
        if _ATOMS.match(phrase):
            return f"{phrase} <{spec}>"
        if _QUOTABLE.match(phrase):
            return f"{quoted(phrase)} <{spec}>"
    return f"{' '.join(_encoded_words(name, phrase))} <{spec}>"


def parameter(name: str, text: str) -> str:
    """``name=text`` for Content-Type and Content-Disposition, by RFC 2231 where it is not plain ASCII.

    A long one becomes ``name*0*=utf-8''...; name*1*=...``; the spaces are where to fold.
    """
    refuse_breaks(f"the parameter {name}", text, InvalidHeader)
    if _TOKEN.match(text):
        return f"{name}={text}"
    if _QUOTABLE.match(text):
        return f"{name}={quoted(text)}"
    # By characters, since many readers decode each piece on its own.
    encoded = ["".join([_PERCENT[octet] for octet in character.encode()]) for character in text]
    if sum(map(len, encoded)) <= 60:
        return f"{name}*=utf-8''{''.join(encoded)}"
    parts: list[str] = []
    piece = "utf-8''"
    for character in encoded:
        if len(piece) + len(character) > 60:
            parts.append(piece)
            piece = ""
        piece += character
    parts.append(piece)
    return "; ".join(f"{name}*{number}*={part}" for number, part in enumerate(parts))
