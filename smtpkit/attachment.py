"""A file that travels with a message (RFC 2183)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol, TypeAlias

from smtpkit.content_types import checked_content_type, guess_content_type
from smtpkit.errors import InvalidMessage, UnreadableAttachment
from smtpkit.mime.characters import refuse_breaks, shown
from smtpkit.pattern import Pattern
from smtpkit.value import put, value

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Attachment", "AttachmentSource", "BinaryFile"]


class BinaryFile(Protocol):
    """An open file whose ``read()`` gives bytes."""

    def read(self) -> bytes:
        """All that is left of it."""
        ...


_CONTENT_ID = Pattern(r"[!#-;=?-\[\]-~]{1,255}\Z")

AttachmentSource: TypeAlias = "bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryFile"
"""Bytes, the path of a file, or an open binary file."""


@value
class Attachment:
    """A file of a message. With a ``content_id`` it is inline, shown where the HTML has ``cid:`` and that id.

    A path is looked at when it is given and read when the message is sent; an open file is
    read when it is given.

    Raises:
        UnreadableAttachment: the path is no file that can be read.
        InvalidMessage: a file name, content type or content id that no mail can carry.
    """

    source: bytes | str
    """The octets, or the path to read them from."""
    filename: str
    content_type: str
    content_id: str | None

    def __init__(
        self,
        source: AttachmentSource,
        filename: str | None = None,
        content_type: str | None = None,
        content_id: str | None = None,
    ) -> None:
        data, own_name = _opened(source)
        # Whatever path a name came with is nobody else's business, and a trap for who saves it.
        given = own_name if filename is None else filename
        name = given.replace("\\", "/").rpartition("/")[2]
        refuse_breaks("the file name", name, InvalidMessage)
        if name in ("", ".", ".."):
            raise InvalidMessage(f"not a file name: {shown(given)}", hint='Give one as "report.pdf".')
        if content_id is not None and not _CONTENT_ID.match(content_id):
            raise InvalidMessage(
                f"not a content id: {shown(content_id)}",
                hint='Give one as cid="logo"; in the HTML it stands as src="cid:logo".',
            )
        put(self, "source", data)
        put(self, "filename", name)
        put(self, "content_type", checked_content_type(content_type or guess_content_type(name)))
        put(self, "content_id", content_id)

    def inline(self, content_id: str) -> Attachment:
        """The same file, to be shown in the HTML by ``content_id``."""
        return Attachment(self.source, self.filename, self.content_type, content_id)

    @property
    def size(self) -> int:
        """Octets, as of now.

        Raises:
            UnreadableAttachment: the file is gone.
        """
        return len(self.source) if isinstance(self.source, bytes) else _size(self.source)

    def blocks(self, length: int) -> Iterator[bytes]:
        """The octets in blocks of ``length``, the last one shorter.

        Raises:
            UnreadableAttachment: the file cannot be read any more.
        """
        if isinstance(self.source, bytes):
            for start in range(0, len(self.source), length):
                yield self.source[start : start + length]
            return
        try:
            with open(self.source, "rb") as file:
                while block := file.read(length):
                    yield block
        except OSError as error:
            raise _unreadable(self.source, error.strerror or str(error)) from error

    def __repr__(self) -> str:
        held = f"{len(self.source)} octets" if isinstance(self.source, bytes) else repr(self.source)
        inline = f", content_id={self.content_id!r}" if self.content_id else ""
        return f"Attachment({held}, filename={self.filename!r}, content_type={self.content_type!r}{inline})"


def _opened(source: AttachmentSource) -> tuple[bytes | str, str]:
    """The octets or the path, and the file's own name."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source), "attachment"
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        _size(path)
        return path, os.path.basename(path)
    data = source.read()
    if not isinstance(data, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidMessage("an attachment was opened as text", hint='Open it with mode "rb".')
    name = getattr(source, "name", None)
    return data, name if isinstance(name, str) else "attachment"


def _size(path: str) -> int:
    try:
        size = os.stat(path).st_size
    except (OSError, ValueError) as error:
        raise _unreadable(path, getattr(error, "strerror", None) or str(error)) from error
    if not os.path.isfile(path):
        raise _unreadable(path, "not a file")
    if not os.access(path, os.R_OK):
        raise _unreadable(path, "no permission to read it")
    return size


def _unreadable(path: str, reason: str) -> UnreadableAttachment:
    return UnreadableAttachment(
        f"cannot read the attachment {shown(path)}: {reason}",
        hint=f"The path is seen from {os.getcwd()!r}." if not os.path.isabs(path) else None,
    )
