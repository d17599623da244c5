"""The octets of a mail as a stream whose size is known before it is read."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from smtpkit.errors import UnreadableAttachment
from smtpkit.mime.encodings import BLOCK, base64_blocks, base64_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smtpkit.attachment import Attachment

__all__ = ["Content", "EncodedFile", "Segment"]


_SMALL = 2 * 1024 * 1024


@lru_cache(maxsize=8)
def _encoded(data: bytes) -> bytes:
    """``data`` in base64, kept for the next of the messages that are made from one template."""
    return b"".join(base64_blocks((data,)))


class EncodedFile:
    """A file in base64, read and encoded while it is sent."""

    __slots__ = ("_expected", "attachment", "size")

    def __init__(self, attachment: Attachment) -> None:
        self.attachment: Attachment = attachment
        self._expected = attachment.size
        self.size: int = base64_size(self._expected)

    def chunks(self) -> Iterator[bytes]:
        """The encoded blocks.

        Raises:
            UnreadableAttachment: the file is not as long as it was when the size was announced.
        """
        source = self.attachment.source
        if isinstance(source, bytes) and len(source) <= _SMALL:
            return iter((_encoded(source),))
        return base64_blocks(self._counted())

    def _counted(self) -> Iterator[bytes]:
        left = self._expected
        for block in self.attachment.blocks(BLOCK):
            left -= len(block)
            if left < 0:
                break
            yield block
        if left:
            raise UnreadableAttachment(
                f"the attachment {self.attachment.filename!r} changed while it was sent: "
                f"it had {self._expected} octets before",
                hint="A factory gives as many octets as size= says, each time."
                if callable(self.attachment.source)
                else "Give the bytes instead of the path, or a copy that nobody writes to.",
            )


Segment: TypeAlias = "bytes | EncodedFile"


class Content:
    """Header and body of a mail: 7-bit octets with CRLF line ends, fixed before the wire is touched."""

    __slots__ = ("_segments", "reads_files", "size", "utf8_headers")

    def __init__(self, segments: Iterable[Segment], *, utf8_headers: bool = False) -> None:
        self._segments = tuple(segments)
        self.size: int = 0
        """Octets (RFC 1870 §5: CRLF counted, dot-stuffing not)."""
        self.utf8_headers: bool = utf8_headers
        """Whether a header has an address that only SMTPUTF8 can carry (RFC 6532)."""
        self.reads_files: bool = False
        """Whether reading it touches the disk."""
        for part in self._segments:
            if isinstance(part, bytes):
                self.size += len(part)
            else:
                self.size += part.size
                self.reads_files |= part.attachment.reads_files

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Octets, and files that are read between them."""
        return self._segments

    def chunks(self) -> Iterator[bytes]:
        """The octets, a block at a time."""
        for part in self._segments:
            if isinstance(part, bytes):
                yield part
            else:
                yield from part.chunks()
