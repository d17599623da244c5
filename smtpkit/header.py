"""The header fields of a message, one method each (RFC 5322 §3.6)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from smtpkit import stamp
from smtpkit.address import Address, mailboxes_of
from smtpkit.errors import InvalidAddress, InvalidHeader, InvalidMessage
from smtpkit.lists import ListMethods
from smtpkit.mime.characters import kind_of
from smtpkit.mime.headers import check_unstructured, checked_name
from smtpkit.mime.identifiers import checked_message_id
from smtpkit.threads import ThreadMethods

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Self

    from smtpkit.address import Mailboxes
    from smtpkit.fields import AutoSubmitted, Level

__all__ = ["HeaderMethods"]


class HeaderMethods(ThreadMethods, ListMethods):
    """What a `Message` says in its header: who, to whom, about what. Every method returns a new message.

    What takes addresses raises `InvalidAddress` for one that is not valid, and names the field.
    """

    __slots__ = ()

    # -- who -----------------------------------------------------------------

    def from_(self, address: str | Address) -> Self:
        """From: the author (RFC 5322 §3.6.2).

        Raises:
            InvalidAddress: not one mailbox.
        """
        return self._with({"from_": _address("From", address)})

    def sender(self, address: str | Address) -> Self:
        """Sender: who sends it for the author, where that is somebody else (RFC 5322 §3.6.2).

        Raises:
            InvalidAddress: not one mailbox.
        """
        return self._with({"sender": _address("Sender", address)})

    def to(self, *addresses: Mailboxes) -> Self:
        """To: each argument is one mailbox, or a list of them (RFC 5322 §3.6.3). Adds to earlier ones.

        Raises:
            InvalidAddress: not one mailbox.
        """
        return self._with({"to": self._fields.get("to", ()) + _addresses("To", addresses)})

    def cc(self, *addresses: Mailboxes) -> Self:
        """Cc: further recipients whom everybody sees. Adds to earlier ones.

        Raises:
            InvalidAddress: not one mailbox.
        """
        return self._with({"cc": self._fields.get("cc", ()) + _addresses("Cc", addresses)})

    def bcc(self, *addresses: Mailboxes) -> Self:
        """Bcc: recipients whom nobody sees. They are in the envelope and never in the content. Adds to earlier ones.

        Raises:
            InvalidAddress: not one mailbox.
        """
        return self._with({"bcc": self._fields.get("bcc", ()) + _addresses("Bcc", addresses)})

    def reply_to(self, *addresses: Mailboxes) -> Self:
        """Reply-To: where answers go (RFC 5322 §3.6.2). Replaces earlier ones.

        Raises:
            InvalidAddress: not one mailbox.
        """
        return self._with({"reply_to": _addresses("Reply-To", addresses)})

    def return_path(self, address: str | Address | None) -> Self:
        """The reverse-path of the envelope, where bounces go (RFC 5321 §4.1.1.2).

        ``None`` is the null reverse-path ``<>``, for mail that shall not bounce (RFC 5321 §4.5.5). Without this
        call it is Sender, else From.
        """
        return self._with({"return_path": None if address is None else _address("Return-Path", address)})

    # -- what ----------------------------------------------------------------

    def subject(self, text: str) -> Self:
        """Subject: one line of text, in any script (RFC 5322 §3.6.5).

        Raises:
            InvalidHeader: no str, CR, LF or NUL, or a word that fits in no line.
        """
        check_unstructured("Subject", text)
        return self._with({"subject": text})

    def header(self, name: str, value: str) -> Self:
        """Add a header field of your own, such as ``X-Campaign``: one line of text, in any script (RFC 5322 §3.6.8).

        Raises:
            InvalidHeader: a name or value with CR, LF or NUL, or a field that has a method of its own.
        """
        own = _OWN_METHOD.get(checked_name(name).lower())
        if own or name.lower().startswith(("content-", "mime-")):
            raise InvalidHeader(f"{name} cannot be set with header()", hint=own or "It follows from the content.")
        check_unstructured(name, value)
        return self._with({"headers": (*self._fields.get("headers", ()), (name, value))})

    def date(self, when: datetime) -> Self:
        """Date: an aware time, whose seconds and zone are kept (RFC 5322 §3.3). Without this call it is the time of
        sending, in UTC.

        Raises:
            InvalidMessage: no datetime, or a naive one.
        """
        if not hasattr(when, "astimezone"):
            raise InvalidMessage(f"the date must be a datetime, not {kind_of(when)}", hint=_DATES)
        if when.utcoffset() is None:
            raise InvalidMessage("the date has no time zone", hint=_DATES)
        return self._with({"date": stamp.date_text(when)})

    def message_id(self, message_id: str) -> Self:
        """Message-ID, with or without its angle brackets (RFC 5322 §3.6.4). Without this call each sending gets a new
        one.

        Raises:
            InvalidMessage: not of the form ``unique@example.com``, in ASCII.
        """
        return self._with({"message_id": checked_message_id(message_id)})

    def priority(self, level: Level) -> Self:
        """How urgent it is, as X-Priority (1, 3, 5) and Importance (RFC 2156 §5.3.4): clients read one or the other.

        Raises:
            InvalidMessage: none of the three.
        """
        if level not in ("high", "normal", "low"):
            raise InvalidMessage(f"not a priority: {level!r:.60}", hint='Use "high", "normal" or "low".')
        return self._with({"priority": level})

    def auto_submitted(self, kind: AutoSubmitted = "auto-generated") -> Self:
        """Auto-Submitted: no person wrote this, so that no robot answers it (RFC 3834 §5).

        ``"auto-generated"`` is news from a program, ``"auto-replied"`` the answer of one. Answers mostly
        have the null reverse-path, too: ``return_path(None)``.

        Raises:
            InvalidMessage: none of the four.
        """
        if kind not in ("auto-generated", "auto-replied", "auto-notified", "no"):
            raise InvalidMessage(f"not a kind of mail: {kind!r:.60}", hint='Use "auto-generated" or "auto-replied".')
        return self._with({"auto_submitted": kind})


_DATES = "Use datetime.now(UTC); a local time gets its zone by .astimezone()."
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
    try:
        return tuple([address for some in given for address in mailboxes_of(some)])
    except InvalidAddress as error:
        raise InvalidAddress(f"{field}: {error.message}", hint=error.hint) from None
