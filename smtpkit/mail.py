"""The mail object of RFC 5321 §2.3.1: an envelope and content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.address import listed
from smtpkit.envelope import Envelope
from smtpkit.mime.content import Content
from smtpkit.raw import RawMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smtpkit.address import Address
    from smtpkit.message import Message

__all__ = ["Mail"]


class Mail:
    """What a transport sends. Its content is fixed: the same octets each time it is read.

    ``envelope`` is taken from the message where it is not given; one that is given still has
    the `Message.dsn` and `Message.require_tls` of the message, unless it asks for something itself.

    Raises:
        MissingSender: the message has no From.
        NoRecipients: there is nobody to send to.
        UnreadableAttachment: a file is gone.
    """

    __slots__ = ("_content", "all_or_nothing", "deadline", "envelope", "message", "plain", "size")

    def __init__(
        self,
        message: Message | RawMessage,
        envelope: Envelope | None = None,
        *,
        all_or_nothing: bool = False,
        deadline: float = float("inf"),
    ) -> None:
        self.message: Message | RawMessage = message.completed()
        """The message with its Date and Message-ID; one that is given as octets is as it was given."""
        self.envelope: Envelope = Envelope.of(message) if envelope is None else envelope.with_requests(message)
        self.all_or_nothing: bool = all_or_nothing
        """Whether nobody is to get it if somebody is refused."""
        self.deadline: float = deadline
        """When all that is done to send it must be over, in the time of `Runtime.now`."""
        self._content: Content = self.message.content()
        self.size: int = self._content.size
        """Octets of the content (RFC 1870 §5)."""
        addresses = (*self.envelope.recipients, self.envelope.reverse_path)
        self.plain: bool = not (
            self.needs_8bitmime
            or self.envelope.dsn
            or self.envelope.require_tls
            or [each for each in addresses if each is not None and not each.addr_spec.isascii()]
        )
        """Whether it needs no extension of SMTP: ASCII addresses, 7-bit content, nothing asked for in the envelope."""

    @property
    def message_id(self) -> str:
        """The Message-ID, in angle brackets; empty if a `RawMessage` has none."""
        return self.message.fields.get("message_id", "")

    @property
    def needs_smtputf8(self) -> bool:
        """Whether a header has an address or text that only a server with SMTPUTF8 can carry (RFC 6531)."""
        return self._content.utf8_headers

    @property
    def needs_8bitmime(self) -> bool:
        """Whether there are octets over 127, which only a server with 8BITMIME can carry (RFC 6152)."""
        return self.needs_smtputf8 or (isinstance(self.message, RawMessage) and self.message.eight_bit)

    @property
    def reads_files(self) -> bool:
        """Whether reading the content touches the disk."""
        return self._content.reads_files

    def chunks(self) -> Iterator[bytes]:
        """The content, a block at a time; files are read as they are needed.

        Raises:
            UnreadableAttachment: a file cannot be read any more, or changed its size.
        """
        return self._content.chunks()

    def as_bytes(self) -> bytes:
        """The content at once."""
        return b"".join(self.chunks())

    def hold(self) -> None:
        """Read the files now, so that the content stays when they are gone."""
        self._content = Content([self.as_bytes()], utf8_headers=self._content.utf8_headers)

    def only(self, recipients: Iterable[Address]) -> Mail:
        """The same mail for some of its recipients: the same octets, and what its envelope asks for.

        Raises:
            NoRecipients: there are none.
        """
        fewer = Mail.__new__(Mail)
        for name in Mail.__slots__:
            setattr(fewer, name, getattr(self, name))
        mine = self.envelope
        fewer.envelope = Envelope(mine.reverse_path, recipients, mine.dsn, mine.require_tls)
        return fewer

    def __repr__(self) -> str:
        return f"<Mail {self.message_id} to {listed(self.envelope.recipients)}>"
