"""What a sender asks to be told about the delivery of a mail (RFC 3461)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from smtpkit.address import Address
from smtpkit.errors import InvalidAddress, InvalidMessage
from smtpkit.fields import recipients_of
from smtpkit.mime.characters import kind_of, require_text, shown
from smtpkit.pattern import Pattern
from smtpkit.value import put, value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtpkit.fields import Fields

__all__ = ["DsnRequest", "Notify", "RecipientDsn", "Returned", "pointless_requests", "xtext"]

Notify: TypeAlias = Literal["success", "failure", "delay", "never"]
"""When the sender is told: NOTIFY (RFC 3461 §4.1)."""

Returned: TypeAlias = Literal["full", "headers"]
"""How much of the mail comes back with a failure: RET (RFC 3461 §4.3)."""

_TIMES: tuple[Notify, ...] = ("success", "failure", "delay", "never")
_PRINTABLE = Pattern(r"[ -~]+\Z")
_TYPED = Pattern(r"[A-Za-z0-9-]+;[ -~]+\Z")
_LONGEST_ENVELOPE_ID = 100
"""Characters of xtext (RFC 3461 §4.4)."""
_LONGEST_ORIGINAL = 500
"""Characters of xtext, with its type (RFC 3461 §4.2)."""
_ENCODED = {ord(character): f"+{ord(character):02X}" for character in " +="}


def xtext(text: str) -> str:
    """Printable ASCII as the value of a parameter: space, ``+`` and ``=`` as ``+`` and two digits (RFC 3461 §4)."""
    return text.translate(_ENCODED)


@value
class RecipientDsn:
    """What is asked for one recipient.

    Args:
        recipient: the mailbox that it is about.
        notify: ``"success"``, ``"failure"``, ``"delay"``, each if it is wanted, or ``"never"``.
        original_recipient: what is told to the sender as the address that was written to, with its
            type: ``rfc822;annie@example.com``. An address without a type is of type rfc822.

    Raises:
        InvalidMessage: times that do not go together, or an original recipient that cannot travel.
        InvalidAddress: an address that is none.
    """

    recipient: Address
    notify: tuple[Notify, ...]
    original_recipient: str | None

    def __init__(
        self,
        recipient: str | Address,
        notify: Notify | Iterable[Notify] = (),
        original_recipient: str | Address | None = None,
    ) -> None:
        put(self, "recipient", Address.of(recipient))
        put(self, "notify", _times(notify))
        put(self, "original_recipient", None if original_recipient is None else _typed(original_recipient))


@value
class DsnRequest:
    """The delivery status notifications that are asked for with one mail; a part of its `Envelope`.

    Args:
        notify: the times for everybody who is not in ``recipients``; without any the servers decide, and
            mostly tell of failures.
        ret: how much of the mail comes back, ``"full"`` or ``"headers"``.
        envelope_id: comes back in each notification, and so names the mail.
        recipients: those for whom something else is asked.

    Raises:
        InvalidMessage: times that do not go together, or an envelope id that cannot travel.
    """

    notify: tuple[Notify, ...]
    ret: Returned | None
    """How much of the mail comes back with a failure; the servers decide where it is None."""
    envelope_id: str | None
    """Printable ASCII, up to 100 characters as xtext (RFC 3461 §4.4)."""
    recipients: tuple[RecipientDsn, ...]
    """Recipients for whom something else is asked, each once."""

    def __init__(
        self,
        notify: Notify | Iterable[Notify] = (),
        ret: Returned | None = None,
        envelope_id: str | None = None,
        recipients: Iterable[RecipientDsn] = (),
    ) -> None:
        if ret not in (None, "full", "headers"):
            raise InvalidMessage(f"not a part of the mail to return: {ret!r:.60}", hint='Use "full" or "headers".')
        put(self, "notify", _times(notify))
        put(self, "ret", ret)
        put(self, "envelope_id", None if envelope_id is None else _checked_envelope_id(envelope_id))
        recipients = tuple(recipients)
        for each in recipients:
            if not isinstance(each, RecipientDsn):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise InvalidMessage(
                    f"recipients= needs RecipientDsn, not {kind_of(each)}",
                    hint='Write RecipientDsn("ann@example.com", "success").',
                )
        put(self, "recipients", tuple({each.recipient.addr_spec: each for each in recipients}.values()))

    def with_recipient(self, asked: RecipientDsn) -> DsnRequest:
        """The request in which that recipient has what is ``asked``."""
        return DsnRequest(self.notify, self.ret, self.envelope_id, (*self.recipients, asked))

    def for_recipient(self, recipient: Address) -> RecipientDsn:
        """What is asked for ``recipient``."""
        for each in self.recipients:
            if each.recipient.addr_spec == recipient.addr_spec:
                return each if each.notify else RecipientDsn(recipient, self.notify, each.original_recipient)
        return RecipientDsn(recipient, self.notify)


def pointless_requests(fields: Fields) -> tuple[str, ...]:
    """A sentence for each recipient of a request who is none of the mail."""
    asked = fields["dsn"].recipients if "dsn" in fields else ()
    known = {address.addr_spec for address in recipients_of(fields)} if asked else set[str]()
    return tuple(
        f"dsn(recipient={shown(each.recipient.addr_spec)}): this is no recipient of the mail"
        for each in asked
        if each.recipient.addr_spec not in known
    )


def _times(given: Notify | Iterable[Notify]) -> tuple[Notify, ...]:
    """What was given, each once and in the order of the standard."""
    one = isinstance(given, str) or not hasattr(given, "__iter__")
    times: tuple[Any, ...] = (given,) if one else tuple(given)
    unknown = [each for each in times if each not in _TIMES]
    if unknown:
        raise InvalidMessage(
            f"not a time to notify: {unknown[0]!r:.60}",
            hint=f"Use {', '.join(map(repr, _TIMES[:-1]))}, or 'never' alone.",
        )
    if "never" in times and len(set(times)) > 1:
        raise InvalidMessage("'never' goes with no other time to notify (RFC 3461 §4.1)", hint="Give it alone.")
    return tuple(each for each in _TIMES if each in times)


def _checked_envelope_id(given: str) -> str:
    require_text("an envelope id", given, InvalidMessage)
    if not _PRINTABLE.match(given) or len(xtext(given)) > _LONGEST_ENVELOPE_ID:
        raise InvalidMessage(
            f"not an envelope id: {shown(given)}",
            hint="It is printable ASCII of up to 100 characters, in which a space, + or = counts for three.",
        )
    return given


def _typed(given: str | Address) -> str:
    """The original recipient with its type."""
    if not isinstance(given, str) or not _TYPED.match(given):
        try:
            given = f"rfc822;{Address.of(given).mailbox}"
        except InvalidAddress as error:
            raise InvalidAddress(f"the original recipient: {error.message}", hint=error.hint) from None
    if not given.isascii() or len(xtext(given)) > _LONGEST_ORIGINAL:
        raise InvalidMessage(
            f"not an original recipient: {shown(given)}",
            hint='It is "ann@example.com" or "rfc822;ann@example.com", in ASCII and up to 500 characters.',
        )
    return given
