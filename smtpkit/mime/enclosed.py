"""A mail within another one (RFC 2046 §5.2.1, RFC 6532 §3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from smtpkit.errors import InvalidMessage

if TYPE_CHECKING:
    from email.message import EmailMessage

    from smtpkit.message import Message
    from smtpkit.raw import RawMessage

__all__ = ["GLOBAL", "RFC822", "AnyMail", "enclosed", "enclosed_as"]

AnyMail: TypeAlias = "Message | RawMessage | EmailMessage"
"""A mail of this library or the standard library's."""

RFC822 = "message/rfc822"
"""A mail with ASCII headers. It may not be encoded, and so must be 7-bit itself (RFC 2046 §5.2.1)."""
GLOBAL = "message/global"
"""A mail with UTF-8 headers, in any encoding (RFC 6532 §3.7)."""


def enclosed(source: AnyMail) -> Message | RawMessage:
    """The mail as it will travel within another one.

    Raises:
        InvalidMessage: it is no mail, or one that neither type can carry.
    """
    from smtpkit.message import Message
    from smtpkit.raw import RawMessage

    if isinstance(source, Message):
        return source.completed()
    if not isinstance(source, RawMessage):
        from smtpkit.mime.generate import generated

        if not hasattr(source, "get_content_type"):  # pyright: ignore[reportUnnecessaryComparison]
            raise InvalidMessage(
                f"{type(source).__name__} cannot be attached",
                hint="Give bytes, a path, an open binary file, a factory of chunks, or a mail; several files each in a "
                "call of its own.",
            )
        source = RawMessage(generated(source, None)[0])
    if source.eight_bit and not source.utf8_headers:
        raise InvalidMessage(
            f"a mail with 8-bit octets in its body cannot be {RFC822} (RFC 2046 §5.2.1)",
            hint='Attach its octets as a file: attach(mail.as_bytes(), filename="message.eml").',
        )
    return source


def enclosed_as(mail: Message | RawMessage) -> tuple[str, str]:
    """The content type of an enclosed mail, and the file name it has where none is given."""
    # The extension is the one that RFC 6532 §3.7 suggests.
    return (GLOBAL, "message.u8msg") if mail.content().utf8_headers else (RFC822, "message.eml")
