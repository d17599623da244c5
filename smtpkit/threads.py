"""Which mails a message answers (RFC 5322 §3.6.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from smtpkit.errors import InvalidMessage
from smtpkit.fields import BaseMessage
from smtpkit.mime.characters import kind_of
from smtpkit.mime.identifiers import message_ids
from smtpkit.raw import RawMessage

if TYPE_CHECKING:
    from email.message import EmailMessage
    from typing import Self

__all__ = ["Original", "ThreadMethods"]

Original: TypeAlias = "str | BaseMessage | RawMessage | EmailMessage"
"""A message id, or the mail that has it."""


class ThreadMethods(BaseMessage):
    """How a message says what it answers."""

    __slots__ = ()

    def in_reply_to(self, *originals: Original) -> Self:
        """In-Reply-To: what this answers, as message ids or as the mails themselves (RFC 5322 §3.6.4).

        References follows from it, unless `references` is called: the References of an original
        that is given as a mail, then its id.

        Raises:
            InvalidMessage: not a message id, or a mail without one.
        """
        ids = message_ids("In-Reply-To", [_id_of(each) for each in originals])
        thread = [id_ for each in originals for id_ in _thread_of(each)]
        return self._with({"in_reply_to": ids, "thread": message_ids("References", [*thread, *ids])})

    def references(self, *originals: Original) -> Self:
        """References: the mails of this conversation, the oldest first (RFC 5322 §3.6.4).

        A text may be the References field of another mail, with several ids.

        Raises:
            InvalidMessage: not a message id, or a mail without one.
        """
        return self._with({"references": message_ids("References", [_id_of(each) for each in originals])})


def _id_of(original: Original) -> str:
    if isinstance(original, str):
        return original
    found = original.fields.get("message_id") if isinstance(original, BaseMessage) else _value(original, "Message-ID")
    if not found:
        raise InvalidMessage(
            "the original has no Message-ID",
            hint="A Message gets its id when it is sent: use receipt.message_id, or completed() before sending.",
        )
    return found


def _thread_of(original: Original) -> tuple[str, ...]:
    """What the References of an answer begin with, without the original's own id."""
    if isinstance(original, str):
        return ()
    if isinstance(original, BaseMessage):
        given = original.fields
        return given.get("references") or given.get("thread", ())
    found = _value(original, "References") or _value(original, "In-Reply-To")
    return message_ids("References", [found]) if found else ()


def _value(original: RawMessage | EmailMessage, name: str) -> str | None:
    """What the header of ``original`` says in the field ``name``."""
    if isinstance(original, RawMessage):
        return next((value for each, value in original.header_fields if each.lower() == name.lower()), None)
    if not hasattr(original, "get_all"):  # pyright: ignore[reportUnnecessaryComparison]
        raise InvalidMessage(
            f"neither a message id nor a mail: {kind_of(original)}",
            hint="Give each as an argument of its own: references(*ids).",
        )
    try:
        found = original.get(name)
        return None if found is None else str(found)
    except Exception as error:  # the parser of the standard library fails in many ways
        raise InvalidMessage(f"the {name} of the original cannot be read", hint="Give its id as a text.") from error
