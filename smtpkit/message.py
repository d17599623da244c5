"""The message that a person writes: fields, bodies, files (RFC 5322)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit import stamp
from smtpkit.address import listed
from smtpkit.alternative import calendar_alternative, other_alternative
from smtpkit.attachment import Attachment
from smtpkit.body import Body
from smtpkit.dsn import DsnRequest, RecipientDsn, pointless_requests
from smtpkit.errors import InvalidMessage, MissingSender
from smtpkit.fields import Fields, recipients_of
from smtpkit.header import HeaderMethods
from smtpkit.mime.characters import kind_of, require_bytes, shown
from smtpkit.mime.references import problems
from smtpkit.mime.structure import render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from email.message import Message as AnyEmail
    from typing import Any, Self

    from smtpkit.address import Address
    from smtpkit.attachment import AttachmentSource
    from smtpkit.dsn import Notify, Returned
    from smtpkit.mime.content import Content

__all__ = ["Fields", "Message"]


class Message(HeaderMethods):
    """An e-mail, immutable: every method returns a new message, so that a half-built one is a template.

    Recipients, files and headers add up; everything else replaces what was there. Bad input
    raises where it is given.

    ::

        base = Message().from_("Shop <shop@example.com>").subject("Your order")
        mails = [base.to(address).text("On its way.") for address in customers]
    """

    __slots__ = ()

    # -- bodies and files ----------------------------------------------------

    def text(self, text: str) -> Self:
        """The body as plain text, with line ends of any kind.

        Raises:
            InvalidMessage: no str, or one with a lone surrogate.
        """
        return self._with({"text": Body.of("text", text)})

    def html(self, html: str) -> Self:
        """The body as HTML. Give `text` too: it is shown where HTML is not (RFC 2046 §5.1.4).

        Raises:
            InvalidMessage: no str, or one with a lone surrogate.
        """
        return self._with({"html": Body.of("html", html)})

    def alternative(self, content: str | bytes, content_type: str) -> Self:
        """Add another form of the content, such as ``text/x-amp-html`` (RFC 2046 §5.1.4).

        It stands after the plain text and before the HTML, as AMP requires: clients that do not know it
        show the HTML. Text travels as UTF-8.

        Raises:
            InvalidMessage: a content type with a method of its own, such as `html`, or that no mail can carry.
        """
        added = other_alternative(content, content_type)
        return self._with({"alternatives": (*self._fields.get("alternatives", ()), added)})

    def calendar(self, ics: str, method: str = "REQUEST") -> Self:
        """An invitation, its answer or its end: an iCalendar object whose METHOD is ``method`` (RFC 5546, RFC 6047).

        It is the last alternative, which clients show with their buttons, and the file ``invite.ics``.

        Raises:
            InvalidMessage: no iCalendar object, or one with another METHOD or without.
        """
        return self._with({"calendar": calendar_alternative(ics, method)})

    def attach(
        self,
        source: AttachmentSource,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        size: int | None = None,
    ) -> Self:
        """Add a file: bytes, a path, an open binary file, a factory of chunks of bytes, or another mail.

        A path is looked at now and read when the mail is sent; what a factory gives is streamed if its
        ``size`` is told, else read now.

        A mail becomes ``message.eml`` (``message/rfc822``, RFC 2046 §5.2.1), or ``message.u8msg`` where its
        headers are in UTF-8 (``message/global``, RFC 6532 §3.7).

        Args:
            source: the octets, or where they come from.
            filename: what the recipient sees; without it the path's own.
            content_type: guessed from the file name where it is not given. Octets stay as they are, and only
                you know the charset of a text: ``"text/csv; charset=utf-8"``.
            size: octets that a factory will give.

        Raises:
            UnreadableAttachment: the path is no file that can be read.
            InvalidMessage: a file name, content type or mail that no mail can carry.
        """
        return self._attached(Attachment(source, filename, content_type, None, size))

    def embed(
        self,
        source: AttachmentSource,
        *,
        cid: str | None = None,
        filename: str | None = None,
        content_type: str | None = None,
    ) -> Self:
        """Add an inline file, such as an image that the HTML shows by ``src="cid:logo"`` (RFC 2392).

        Args:
            source: bytes, a path or an open binary file.
            cid: its id in the HTML; the file name where it is not given.
            filename: what the recipient sees when it is saved; without it the path's own.
            content_type: guessed from the file name where it is not given.

        Raises:
            UnreadableAttachment: the path is no file that can be read.
            InvalidMessage: another file has this ``cid``, or no mail can carry it, the name or the type.
        """
        file = Attachment(source, filename, content_type)
        file = file.inline(file.filename if cid is None else cid)
        if any(each.content_id == file.content_id for each in self._fields.get("attachments", ())):
            raise InvalidMessage(
                f"two files cannot both be cid:{file.content_id}",
                hint='Name them apart: embed(..., cid="logo2"). One file can be shown more than once.',
            )
        return self._attached(file)

    def _attached(self, attachment: Attachment) -> Self:
        return self._with({"attachments": (*self._fields.get("attachments", ()), attachment)})

    def problems(self) -> tuple[str, ...]:
        """Sentences about what was surely not meant so, though it can be sent: ``cid:`` without a file, a file
        without ``cid:``, notifications about somebody who is no recipient.
        """
        return problems(self._fields) + pointless_requests(self._fields)

    # -- the envelope --------------------------------------------------------

    def dsn(
        self,
        *notify: Notify,
        recipient: str | Address | None = None,
        original_recipient: str | Address | None = None,
        ret: Returned | None = None,
        envelope_id: str | None = None,
    ) -> Self:
        """Ask to be told what becomes of the mail after it was accepted (RFC 3461).

        The notification goes to the reverse-path. A server that does not offer DSN gets the mail without the
        request; `Receipt.notes` says so.

        Args:
            notify: ``"success"``, ``"failure"``, ``"delay"``, each if it is wanted, or ``"never"``.
            recipient: whom this is about; without it, everybody for whom nothing else is asked.
            original_recipient: what ``recipient`` is called in the notification.
            ret: how much of the mail comes back: ``"full"`` or ``"headers"``.
            envelope_id: comes back in the notification, so that you know which mail it is about.

        Raises:
            InvalidMessage: what cannot be asked so.
            InvalidAddress: one of the addresses is not valid.
        """
        before = self._fields.get("dsn") or DsnRequest()
        if recipient is None:
            if original_recipient is not None:
                raise InvalidMessage("an original recipient belongs to one recipient", hint="Give recipient=, too.")
            request = DsnRequest(notify, ret, envelope_id, before.recipients)
        elif ret is not None or envelope_id is not None:
            raise InvalidMessage(
                "ret and envelope_id are of the whole mail", hint="Give them in another dsn(...), without recipient=."
            )
        else:
            request = before.with_recipient(RecipientDsn(recipient, notify, original_recipient))
        if not notify and original_recipient is ret is envelope_id is None:
            raise InvalidMessage("nothing is asked for", hint='Say when you want to be told: dsn("failure", "delay").')
        return self._with({"dsn": request})

    def require_tls(self, required: bool = True) -> Self:
        """Deliver it over verified TLS on its whole way, or not at all (REQUIRETLS, RFC 8689).

        It is not sent, with `RequireTlsUnsupported`, unless this connection has verified TLS and the server
        offers REQUIRETLS.

        Raises:
            InvalidMessage: ``required`` is neither True nor False.
        """
        if not isinstance(required, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidMessage(
                f"require_tls() takes True or False, not {kind_of(required)}",
                hint="Write require_tls(), or leave it out.",
            )
        return self._with({"require_tls": required})

    # -- the result ----------------------------------------------------------

    def completed(self) -> Self:
        """The message with a Date and a Message-ID; itself if it has both.

        Raises:
            MissingSender: there is no From.
        """
        given = self._fields
        author = given.get("from_")
        if author is None:
            raise MissingSender(
                "the message has no From",
                hint="Call from_(...), or give the mailer a default_from=... (in the environment SMTP_FROM).",
            )
        if "date" in given and "message_id" in given:
            return self
        domain = author.ascii_domain
        return self._with(
            {
                "date": given.get("date") or stamp.now_text(),
                "message_id": given.get("message_id") or stamp.message_id(domain),
            }
        )

    def content(self) -> Content:
        """The message as it travels, of known size, to be read once or more.

        Raises:
            MissingSender: there is no From.
            UnreadableAttachment: a file is gone.
        """
        return render(self.completed()._fields)

    def as_bytes(self) -> bytes:
        """The message as it travels: 7-bit MIME with CRLF line ends, attachments included.

        Only an address with a local part in another script puts UTF-8 into the header (RFC 6532).

        Raises:
            MissingSender: there is no From.
            UnreadableAttachment: a file cannot be read any more, or changed its size meanwhile.
        """
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """The octets of `as_bytes`, a block at a time; files are read as they are needed. Raises as `as_bytes`."""
        return self.content().chunks()

    def size(self) -> int:
        """Octets of `as_bytes`, without reading the files (RFC 1870 §5). Raises as `content`."""
        return self.content().size

    def as_email_message(self) -> EmailMessage:
        """The message as the standard library's ``EmailMessage``, its files read. Raises as `as_bytes`."""
        from email import message_from_bytes, policy

        return message_from_bytes(self.as_bytes(), policy=policy.default)

    @classmethod
    def from_email_message(cls, email: AnyEmail[Any, Any]) -> Self:
        """What a message of the standard library says. Trace fields and signatures are left out.

        Raises:
            InvalidHeader: a field has a line break.
            InvalidMessage: no such message, or it has something that a `Message` cannot say, such as a signed part.
        """
        from smtpkit.mime.parser.parts import message_from

        return message_from(cls.of({}), email)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a saved mail (an ``.eml`` file) as `from_email_message` does; `RawMessage` sends one as it is.

        Enclosed mails come back as `RawMessage`, octet for octet. Trace fields and signatures are left out.

        Raises:
            InvalidMessage: no bytes, or a mail with something that a `Message` cannot say, such as a signed part.
        """
        from smtpkit.mime.parser.parts import message_parsed

        require_bytes("parse()", data)
        return message_parsed(cls.of({}), data)

    def __reduce__(self) -> tuple[object, ...]:
        return Message.of, (self._fields,)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return self._fields == other._fields

    def __hash__(self) -> int:
        return hash(tuple(sorted(self._fields.items(), key=lambda field: field[0])))

    def __repr__(self) -> str:
        given = self._fields
        return f"<{type(self).__name__} {shown(given.get('subject', ''))} to {listed(recipients_of(given))}>"
