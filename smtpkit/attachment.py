"""A file that travels with a message (RFC 2183)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from smtpkit.content_types import checked_content_type, guess_content_type
from smtpkit.errors import InvalidMessage, SmtpkitError, UnreadableAttachment
from smtpkit.mime.characters import kind_of, refuse_breaks, refuse_encoded_words, require_text, shown
from smtpkit.mime.enclosed import enclosed, enclosed_as
from smtpkit.pattern import Pattern
from smtpkit.value import put, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from smtpkit.message import Message
    from smtpkit.mime.enclosed import AnyMail
    from smtpkit.raw import RawMessage

__all__ = ["Attachment", "AttachmentSource", "BinaryFile", "ChunkFactory"]


class BinaryFile(Protocol):
    """An open file whose ``read()`` gives bytes."""

    def read(self) -> bytes:
        """All that is left of it."""
        ...


_CONTENT_ID = Pattern(r"[!#-;=?-\[\]-~]{1,255}\Z")

_CHUNKS = "It is called without arguments and gives chunks of bytes: a list of them, or yield."

ChunkFactory: TypeAlias = "Callable[[], Iterable[bytes]]"
"""Called each time the mail is read; gives the same octets each time, in chunks of any length."""

AttachmentSource: TypeAlias = (
    "bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryFile | ChunkFactory | AnyMail"
)
"""Bytes, the path of a file, an open binary file, a factory of chunks, or another mail."""


@value
class Attachment:
    """A file of a message. With a ``content_id`` it is inline, shown where the HTML has ``cid:`` and that id.

    A path is looked at when it is given and read when the message is sent; an open file is
    read when it is given. A factory of chunks is called when the message is sent if its ``size``
    in octets is given, else at once. A mail becomes ``message/rfc822`` (RFC 2046 §5.2.1), and one with
    UTF-8 headers ``message/global`` (RFC 6532 §3.7).

    Raises:
        UnreadableAttachment: the path is no file that can be read.
        InvalidMessage: a file name, content type or content id that no mail can carry.
    """

    source: bytes | str | ChunkFactory | Message | RawMessage
    """The octets, or where they come from: a path, a factory, a mail."""
    filename: str
    """Without a path."""
    content_type: str
    """With its parameters (RFC 2045 §5.1)."""
    content_id: str | None
    """Without angle brackets (RFC 2392); None for a file that is not inline."""
    stated_size: int | None
    """Octets, as they were told of a factory."""

    def __init__(
        self,
        source: AttachmentSource,
        filename: str | None = None,
        content_type: str | None = None,
        content_id: str | None = None,
        size: int | None = None,
    ) -> None:
        data, own_name, own_type = _opened(source, size)
        # Whatever path a name came with is nobody else's business, and a trap for who saves it.
        given = own_name if filename is None else filename
        require_text("the file name", given, InvalidMessage)
        name = given.replace("\\", "/").rpartition("/")[2]
        refuse_breaks("the file name", name, InvalidMessage)
        if name in ("", ".", ".."):
            raise InvalidMessage(f"not a file name: {shown(given)}", hint='Give one as "report.pdf".')
        if content_id is not None:
            _check_content_id(content_id)
        put(self, "source", data)
        put(self, "filename", name)
        if own_type is None:
            own_type = checked_content_type(content_type or guess_content_type(name))
        elif content_type not in (None, own_type):
            raise InvalidMessage(
                f"a mail cannot be {shown(content_type)}: this one is {own_type}", hint="Give it without content_type."
            )
        put(self, "content_type", own_type)
        put(self, "content_id", content_id)
        put(self, "stated_size", size)

    def inline(self, content_id: str) -> Attachment:
        """The same file, to be shown in the HTML by ``content_id``."""
        return Attachment(self.source, self.filename, self.content_type, content_id, self.stated_size)

    @property
    def size(self) -> int:
        """Octets, as of now.

        Raises:
            UnreadableAttachment: the file is gone.
        """
        source = self.source
        if isinstance(source, bytes):
            return len(source)
        if isinstance(source, str):
            return _size(source)
        return (self.stated_size or 0) if callable(source) else source.size()

    @property
    def mail(self) -> Message | RawMessage | None:
        """The mail, if it is one."""
        return None if isinstance(self.source, (bytes, str)) or callable(self.source) else self.source

    @property
    def reads_files(self) -> bool:
        """Whether reading it touches the disk, or calls a factory that may."""
        return not isinstance(self.source, bytes) if self.mail is None else self.mail.content().reads_files

    def blocks(self, length: int) -> Iterator[bytes]:
        """The octets in blocks of ``length``, the last one shorter.

        Raises:
            UnreadableAttachment: they cannot be read any more.
            InvalidMessage: a factory gives something else than bytes.
        """
        source = self.source
        if isinstance(source, bytes):
            return _cut((source,), length)
        if isinstance(source, str):
            return _read(source, length)
        return _cut(_given(source, self.filename) if callable(source) else source.chunks(), length)

    def __repr__(self) -> str:
        held = repr(self.source) if isinstance(self.source, str) else f"{self.size} octets"
        inline = f", content_id={self.content_id!r}" if self.content_id else ""
        return f"Attachment({held}, filename={self.filename!r}, content_type={self.content_type!r}{inline})"


def _check_content_id(content_id: str) -> None:
    require_text("the content id", content_id, InvalidMessage)
    if not _CONTENT_ID.match(content_id):
        raise InvalidMessage(
            f"not a content id: {shown(content_id)}",
            hint='Give one as cid="logo"; in the HTML it stands as src="cid:logo".',
        )
    refuse_encoded_words("the content id", content_id, InvalidMessage)


def _opened(
    source: AttachmentSource, size: int | None
) -> tuple[bytes | str | ChunkFactory | Message | RawMessage, str, str | None]:
    """The octets or where they come from, the file's own name, and the content type that a mail has."""
    if size is not None and (type(size) is not int or size < 0 or not callable(source)):
        raise InvalidMessage(
            f"size={size!r} for {kind_of(source)}",
            hint="It is a number of octets, and only for a factory of chunks: of others it is known.",
        )
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source), "attachment", None
    if isinstance(source, (str, os.PathLike)):
        path: str = os.fspath(source)  # pyright: ignore[reportUnknownVariableType]
        _size(path)
        # Whoever changes the working directory before it is sent means the same file.
        return os.path.abspath(path), os.path.basename(path), None
    if callable(source):
        # A mail announces its size before its content, so that what has no size must be read first.
        return source if size is not None else b"".join(_given(source, "attachment")), "attachment", None
    read: Callable[[], object] | None = getattr(source, "read", None)
    if read is None:
        mail = enclosed(cast("AnyMail", source))
        content_type, name = enclosed_as(mail)
        return mail, name, content_type
    data = read()
    if not isinstance(data, bytes):
        raise InvalidMessage("an attachment was opened as text", hint='Open it with mode "rb".')
    given = getattr(source, "name", None)
    return data, given if isinstance(given, str) else "attachment", None


def _cut(chunks: Iterable[bytes], length: int) -> Iterator[bytes]:
    """``chunks`` of any length as blocks of ``length``, the last one shorter."""
    held = b""
    for chunk in chunks:
        held = held + chunk if held else chunk
        if len(held) >= length:
            end = len(held) - len(held) % length
            for start in range(0, end, length):
                yield held[start : start + length]
            held = held[end:]
    if held:
        yield held


def _read(path: str, length: int) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            while block := file.read(length):
                yield block
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _given(factory: ChunkFactory, filename: str) -> Iterator[bytes]:
    try:
        chunks = factory()
        if not hasattr(chunks, "__iter__"):
            raise InvalidMessage(f"the factory of {filename!r} gave {kind_of(chunks)}", hint=_CHUNKS)
        for chunk in chunks:
            if not isinstance(chunk, (bytes, bytearray, memoryview)):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise InvalidMessage(f"the factory of {filename!r} gave {kind_of(chunk)} as a chunk", hint=_CHUNKS)
            yield bytes(chunk)
    except SmtpkitError:
        raise
    except Exception as error:
        # Whatever it is: a batch goes on behind it, and its mail was certainly not sent.
        raise UnreadableAttachment(f"the factory of {filename!r} raised {type(error).__name__}: {error}") from error


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
        hint=None
        if os.path.isabs(path)
        else f"The path is seen from {os.getcwd()!r}. A text itself is attached as bytes, with a name: "
        'attach(text.encode(), filename="notes.txt").',
    )
