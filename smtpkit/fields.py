"""The header fields of a message, one method each (RFC 5322 §3.6)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from smtpkit import stamp
from smtpkit.address import Address
from smtpkit.errors import InvalidAddress, InvalidHeader, InvalidMessage
from smtpkit.mime.characters import refuse_breaks, require_text
from smtpkit.mime.headers import check_unstructured, checked_name
from smtpkit.mime.identifiers import checked_list_id, checked_message_id, message_ids, unsubscribe_urls

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from email.message import EmailMessage
    from typing import Self

    from smtpkit.alternative import Alternative
    from smtpkit.attachment import Attachment
    from smtpkit.dsn import DsnRequest

__all__ = ["AutoSubmitted", "Fields", "HeaderMethods", "Mailboxes", "Original"]


Mailboxes: TypeAlias = "str | Address | Iterable[str | Address]"
"""One mailbox, or several."""

AutoSubmitted: TypeAlias = Literal["auto-generated", "auto-replied", "auto-notified", "no"]
"""How a mail came about (RFC 3834 §5, RFC 5436 §2.7.1)."""


class Fields(TypedDict, total=False):
    """What was given to a `Message`, by the name of its method. What was not given is not there."""

    from_: Address
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    return_path: Address | None
    dsn: DsnRequest
    require_tls: bool
    subject: str
    text: str
    html: str
    alternatives: tuple[Alternative, ...]
    calendar: Alternative
    attachments: tuple[Attachment, ...]
    headers: tuple[tuple[str, str], ...]
    date: str
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    thread: tuple[str, ...]
    """What References is, as long as nobody gave it."""
    priority: Literal["high", "normal", "low"]
    auto_submitted: AutoSubmitted
    list_id: tuple[str, str]
    """The id, and the name that people read."""
    list_unsubscribe: str
    one_click: bool


Original: TypeAlias = "str | HeaderMethods | EmailMessage"
"""A message id, or the mail that has it."""


class HeaderMethods:
    """What a `Message` says in its header: who, to whom, about what. Every method returns a new message."""

    # One dict behind one slot: a fluent call costs 0.4 µs, with dataclasses.replace 6 to 15.
    __slots__ = ("_fields",)
    _fields: Fields

    def __init__(self) -> None:
        self._fields = {}

    @classmethod
    def of(cls, fields: Fields) -> Self:
        """The message with these fields, which must come from another one's `fields`."""
        new = cls.__new__(cls)
        new._fields = fields
        return new

    @property
    def fields(self) -> Fields:
        """What was given so far, as a copy."""
        return self._fields.copy()

    def _with(self, fields: Fields) -> Self:
        new = object.__new__(type(self))
        new._fields = {**self._fields, **fields}
        return new

    # -- who -----------------------------------------------------------------

    def from_(self, address: str | Address) -> Self:
        """From: the author (RFC 5322 §3.6.2)."""
        return self._with({"from_": _address("From", address)})

    def sender(self, address: str | Address) -> Self:
        """Sender: who sends it for the author, where that is somebody else."""
        return self._with({"sender": _address("Sender", address)})

    def to(self, *addresses: Mailboxes) -> Self:
        """To: each argument is one mailbox, or a list of them."""
        return self._with({"to": self._fields.get("to", ()) + _addresses("To", addresses)})

    def cc(self, *addresses: Mailboxes) -> Self:
        """Cc: further recipients whom everybody sees."""
        return self._with({"cc": self._fields.get("cc", ()) + _addresses("Cc", addresses)})

    def bcc(self, *addresses: Mailboxes) -> Self:
        """Bcc: recipients whom nobody sees. They are in the envelope and never in the content."""
        return self._with({"bcc": self._fields.get("bcc", ()) + _addresses("Bcc", addresses)})

    def reply_to(self, *addresses: Mailboxes) -> Self:
        """Reply-To: where answers go. Replaces earlier ones."""
        return self._with({"reply_to": _addresses("Reply-To", addresses)})

    def return_path(self, address: str | Address | None) -> Self:
        """The reverse-path of the envelope, where bounces go (RFC 5321 §4.1.1.2).

        ``None`` is the null reverse-path ``<>``. Without this call it is Sender, else From.
        """
        return self._with({"return_path": None if address is None else _address("Return-Path", address)})

    # -- what ----------------------------------------------------------------

    def subject(self, text: str) -> Self:
        """Subject: one line of text, in any script."""
        check_unstructured("Subject", text)
        return self._with({"subject": text})

    def header(self, name: str, value: str) -> Self:
        """Add a header field of your own, such as ``X-Campaign``.

        Raises:
            InvalidHeader: a name or value with CR, LF or NUL, or a field that has a method of its own.
        """
        own = _OWN_METHOD.get(checked_name(name).lower())
        if own or name.lower().startswith(("content-", "mime-")):
            raise InvalidHeader(f"{name} cannot be set with header()", hint=own or "It follows from the content.")
        check_unstructured(name, value)
        return self._with({"headers": (*self._fields.get("headers", ()), (name, value))})

    def date(self, when: datetime) -> Self:
        """Date: an aware time. Without this call it is the time of sending, in UTC."""
        if not hasattr(when, "utcoffset"):
            raise InvalidMessage(f"the date is a datetime, and {type(when).__name__} was given")
        if when.utcoffset() is None:
            raise InvalidMessage("the date has no time zone", hint="Use datetime.now(timezone.utc) or .astimezone().")
        return self._with({"date": stamp.date_text(when)})

    def message_id(self, message_id: str) -> Self:
        """Message-ID, with or without its angle brackets. Without this call each sending gets a new one."""
        return self._with({"message_id": checked_message_id(message_id)})

    # -- threads and lists ---------------------------------------------------

    def in_reply_to(self, *originals: Original) -> Self:
        """In-Reply-To: what this answers, as message ids or as the mails themselves (RFC 5322 §3.6.4).

        References follows from it, unless `references` is called: the References of an original
        that is given as a mail, then its id.

        Raises:
            InvalidMessage: not a message id, or a mail without one.
        """
        ids = message_ids("In-Reply-To", [_id_of(each) for each in originals])
        thread = [id_ for each in originals for id_ in _thread_of(each)]
        return self._with({"in_reply_to": ids, "thread": tuple(dict.fromkeys([*thread, *ids]))})

    def references(self, *originals: Original) -> Self:
        """References: the mails of this conversation, the oldest first (RFC 5322 §3.6.4).

        A text may be the References field of another mail, with several ids.

        Raises:
            InvalidMessage: not a message id, or a mail without one.
        """
        return self._with({"references": message_ids("References", [_id_of(each) for each in originals])})

    def priority(self, level: Literal["high", "normal", "low"]) -> Self:
        """How urgent it is, as X-Priority (1, 3, 5) and Importance (RFC 2156 §5.3.4): clients read one or the other."""
        if level not in ("high", "normal", "low"):
            raise InvalidMessage(f"not a priority: {level!r:.60}", hint='Use "high", "normal" or "low".')
        return self._with({"priority": level})

    def auto_submitted(self, kind: AutoSubmitted = "auto-generated") -> Self:
        """Auto-Submitted: no person wrote this, so that no robot answers it (RFC 3834 §5).

        ``"auto-generated"`` is news from a program, ``"auto-replied"`` the answer of one. Answers mostly
        have the null reverse-path, too: ``return_path(None)``.
        """
        if kind not in ("auto-generated", "auto-replied", "auto-notified", "no"):
            raise InvalidMessage(f"not a kind of mail: {kind!r}", hint='Use "auto-generated" or "auto-replied".')
        return self._with({"auto_submitted": kind})

    def list_id(self, identifier: str, name: str = "") -> Self:
        """List-ID: the list that this mail belongs to, by which people sort it (RFC 2919).

        ``identifier`` looks like a host name in a domain of yours, such as ``news.example.com``.

        Raises:
            InvalidMessage: it does not.
            InvalidHeader: a name with CR, LF or NUL.
        """
        require_text("the id of a list", identifier, InvalidMessage)
        require_text("the name of a list", name, InvalidHeader)
        return self._with(
            {"list_id": (checked_list_id(identifier), refuse_breaks("the name of a list", name, InvalidHeader))}
        )

    def list_unsubscribe(self, url: str | None = None, mailto: str | None = None, *, one_click: bool = True) -> Self:
        """List-Unsubscribe: how to leave a list, by web page, by mail or both (RFC 2369 §3.2).

        With an https ``url`` and ``one_click`` the mail also has List-Unsubscribe-Post (RFC 8058): your page
        must then unsubscribe on a POST without asking, and the DKIM signature must cover both fields.

        Raises:
            InvalidHeader: neither is given, a URL that cannot stand there, or one click without https.
            InvalidAddress: ``mailto`` has no valid address.
        """
        value = unsubscribe_urls(url, mailto, one_click)
        return self._with({"list_unsubscribe": value, "one_click": one_click and url is not None})


_OWN_METHOD = {
    "from": "Use from_().",
    "sender": "Use sender().",
    "to": "Use to().",
    "cc": "Use cc().",
    "bcc": "Use bcc(): such recipients are in the envelope only.",
    "reply-to": "Use reply_to().",
    "resent-bcc": "It would be seen by everybody.",
    "return-path": "Use return_path(): it is part of the envelope.",
    "subject": "Use subject().",
    "date": "Use date().",
    "message-id": "Use message_id().",
    "in-reply-to": "Use in_reply_to().",
    "references": "Use references().",
    "x-priority": "Use priority().",
    "importance": "Use priority().",
    "auto-submitted": "Use auto_submitted().",
    "list-id": "Use list_id().",
    "list-unsubscribe": "Use list_unsubscribe().",
    "list-unsubscribe-post": "Use list_unsubscribe(): it adds this for an https URL.",
}


# A sender is the same in many mails.
_sender = lru_cache(maxsize=64)(Address.parse)


def _address(field: str, given: str | Address) -> Address:
    try:
        return _sender(given) if type(given) is str else Address.of(given)
    except InvalidAddress as error:
        raise InvalidAddress(f"{field}: {error.message}", hint=error.hint) from None


def _addresses(field: str, given: Iterable[Mailboxes]) -> tuple[Address, ...]:
    each = [one for some in given for one in ((some,) if isinstance(some, (str, Address)) else _several(some))]
    try:
        return tuple([Address.of(one) for one in each])
    except InvalidAddress as error:
        raise InvalidAddress(f"{field}: {error.message}", hint=error.hint) from None


def _several(given: Any) -> Iterable[Any]:
    # What is neither one nor several is for `Address` to refuse.
    return given if hasattr(given, "__iter__") else (given,)


def _id_of(original: Original) -> str:
    if isinstance(original, str):
        return original
    found = original.fields.get("message_id") if isinstance(original, HeaderMethods) else original.get("Message-ID")
    if not found:
        raise InvalidMessage(
            "the original has no Message-ID",
            hint="A Message gets its id when it is sent: use receipt.message_id, or completed() before sending.",
        )
    return str(found)


def _thread_of(original: Original) -> tuple[str, ...]:
    """What the References of an answer begin with, without the original's own id."""
    if isinstance(original, str):
        return ()
    if isinstance(original, HeaderMethods):
        given = original.fields
        return given.get("references") or given.get("thread", ())
    found = original.get("References") or original.get("In-Reply-To")
    return message_ids("References", [str(found)]) if found else ()
