"""The text of a body (RFC 2045 §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import InvalidMessage
from smtpkit.mime.characters import require_text
from smtpkit.mime.encodings import encode_text, normalize_newlines

if TYPE_CHECKING:
    from smtpkit.mime.encodings import TransferEncoding

__all__ = ["Body"]


class Body(str):
    """A text that knows how it travels: it is encoded where it is given, once for all messages of a template."""

    __slots__ = ("encoded",)
    encoded: tuple[TransferEncoding, bytes]
    """The transfer encoding, and the text in it: UTF-8, lines ended by CRLF."""

    @classmethod
    def of(cls, name: str, text: str) -> Body:
        """``text``; ``name`` is what errors call it.

        Raises:
            InvalidMessage: it is no text, or has a lone surrogate.
        """
        require_text(name, text, InvalidMessage)
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            raise InvalidMessage(
                f"{name} has a lone surrogate at position {error.start}, which no encoding can carry",
                hint='Such text mostly comes from decoding with errors="surrogateescape".',
            ) from None
        body = cls(text)
        body.encoded = encode_text(normalize_newlines(data))
        return body

    def __reduce__(self) -> tuple[object, ...]:
        return Body.of, ("the body", str(self))
