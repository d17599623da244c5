"""Content-transfer-encodings (RFC 2045 §6): 7bit, quoted-printable and base64."""

from __future__ import annotations

from binascii import b2a_base64, b2a_qp
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.mime.characters import LONGEST_LINE
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "BLOCK",
    "TransferEncoding",
    "base64_blocks",
    "base64_size",
    "encode_text",
    "normalize_newlines",
    "overlong_line",
]

TransferEncoding: TypeAlias = Literal["7bit", "quoted-printable", "base64"]

BLOCK = 57 * 840
"""Octets of a file that are encoded at a time: 840 lines of 76 characters, just under the 64 KiB of one write."""

_PLAIN = bytes([9, 10, 13, *range(32, 127)])
_OVERLONG_END = Pattern(rb"(=(?:20|09))(?<=[^\r\n]{77})(?=\r\n)")


def normalize_newlines(data: bytes) -> bytes:
    """``data`` with every bare CR and bare LF made a CRLF."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.replace(b"\n", b"\r\n")


def encode_text(data: bytes) -> tuple[TransferEncoding, bytes]:
    """The shortest encoding of a text with CRLF line ends, and the text in it.

    7bit where it is ASCII without control characters, lines over 998 octets, or what could be
    taken for a boundary; else quoted-printable or base64, whichever is shorter. Every line of the result, the
    last one too, ends with CRLF.
    """
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    if data.isascii() and not data.translate(None, _PLAIN) and b"--=_" not in data and overlong_line(data) is None:
        return "7bit", data
    printable = _quoted_printable(data)
    if len(printable) <= base64_size(len(data)):
        return "quoted-printable", printable
    return "base64", b"".join(base64_blocks([data]))


def overlong_line(data: bytes) -> int | None:
    """Where the first line over 998 octets begins, found by jumps from line end to line end."""
    start = 0
    while len(data) - start > LONGEST_LINE:
        end = data.rfind(b"\r\n", start, start + LONGEST_LINE + 2)
        if end < 0:
            return start
        start = end + 2
    return None


def _quoted_printable(data: bytes) -> bytes:
    # b2a_qp takes its soft line breaks from the first line end of the text, which is CRLF here. It
    # does not count what it adds to encode a space before a line end, so that such a line may be too long.
    encoded = b2a_qp(data, istext=True)
    # Looked for from the end, which takes half the time.
    if data.rfind(b" \r\n") >= 0 or (b"\t" in data and b"\t\r\n" in data):
        return _OVERLONG_END.sub(rb"=\r\n\1", encoded)
    return encoded


def base64_size(size: int) -> int:
    """Octets of `base64_blocks` for ``size`` octets."""
    characters = (size + 2) // 3 * 4
    return characters + (characters + 75) // 76 * 2


def base64_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """``blocks`` in base64 with lines of 76 characters, each ended by CRLF.

    Every block but the last is a multiple of 57 octets, so that lines come out whole.
    """
    for block in blocks:
        for start in range(0, len(block), BLOCK):
            yield _lines(block[start : start + BLOCK])


def _lines(block: bytes) -> bytes:
    text = b2a_base64(block, newline=False)
    whole, rest = divmod(len(text), 76)
    # One unpack and one join: three times as fast as slicing or binascii line by line.
    lines = _cutter(whole).unpack_from(text)
    ended = b"\r\n".join(lines) + b"\r\n" if whole else b""
    return ended + text[-rest:] + b"\r\n" if rest else ended


@lru_cache(maxsize=16)
def _cutter(lines: int) -> Struct:
    return Struct("76s" * lines)
