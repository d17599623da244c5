"""Text into every field of a message: refused, or there as text and nothing else."""

from __future__ import annotations

from email.header import decode_header
from typing import TYPE_CHECKING

from entrances import ENTRANCES
from shapes import assert_inert

if TYPE_CHECKING:
    from smtpkit import Message

__all__ = ["SEEDS", "check"]

# A path would be one of this machine, and another content type is another shape.
_NAMES = [name for name in ENTRANCES if name not in ("path", "content type")]
_TEXTS = {"subject": "Subject", "header": "X-Text"}

# The first octet chooses the entrance, the others are the text.
SEEDS = (
    *(bytes([number]) + ENTRANCES[name].harmless.encode() for number, name in enumerate(_NAMES)),
    *(bytes([number]) + "Grüße, 日本語 🎉\tx".encode() for number in range(len(_NAMES))),
    *(bytes([number]) + b'a"; x="b\r\nBcc: eve@example.com' for number in range(len(_NAMES))),
    *(bytes([number]) + b"=?utf-8?q?a=0D=0ABcc:_eve?=" for number in range(len(_NAMES))),
)


def check(data: bytes) -> None:
    """The text may have lone surrogates, as that of file names has."""
    name = _NAMES[data[0] % len(_NAMES)] if data else "subject"
    text = data[1:].decode(errors="surrogateescape")
    message = assert_inert(name, text)
    if message is not None and name in _TEXTS:
        assert _read(message, _TEXTS[name]) == text


def _read(message: Message, name: str) -> str:
    """The text of a field, decoded by the standard library."""
    head = message.as_bytes().partition(b"\r\n\r\n")[0].decode().replace("\r\n ", " ")
    value = next(line for line in head.split("\r\n") if line.startswith(f"{name}:")).partition(":")[2].removeprefix(" ")
    pieces = [piece if isinstance(piece, str) else piece.decode() for piece, _ in decode_header(value)]
    return "".join(pieces)
