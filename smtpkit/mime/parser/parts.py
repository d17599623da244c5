"""The tree of parts of a mail, taken apart (RFC 2045, RFC 2046)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from smtpkit.errors import InvalidMessage
from smtpkit.mime.characters import kind_of, shown
from smtpkit.mime.enclosed import GLOBAL, RFC822
from smtpkit.mime.encodings import encode_text, normalize_newlines
from smtpkit.mime.parser.content_type import content_type_of, unfolded
from smtpkit.mime.parser.header import with_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from email.message import Message as AnyEmail

    from smtpkit.attachment import Attachment
    from smtpkit.message import Message

    M = TypeVar("M", bound=Message)

__all__ = ["filename_of", "message_from", "message_parsed", "octets_of", "tree_of"]

_AS_IT_IS = "RawMessage(data) sends it as it is."


def message_from(empty: M, source: AnyEmail[Any, Any]) -> M:
    """``empty`` with all that is in ``source``, which stays as it is.

    Raises:
        InvalidHeader: a header has a line break.
        InvalidMessage: no mail, or one with something that a `Message` cannot represent.
    """
    from copy import deepcopy

    from smtpkit.mime.generate import check_values, octets, write_addresses

    if not hasattr(source, "walk"):  # pyright: ignore[reportUnnecessaryComparison]
        raise InvalidMessage(
            f"from_email_message() reads an EmailMessage, not {kind_of(source)}",
            hint="Octets are read by Message.parse(data).",
        )
    check_values(source)
    own = deepcopy(source)
    write_addresses(own)
    # As octets, which is the one form that all of its policies and versions agree on.
    return message_parsed(empty, octets(own, utf8=True))


def message_parsed(empty: M, data: bytes) -> M:
    """``empty`` with all that is in a saved mail. Raises as `message_from`."""
    try:
        root = tree_of(data)
        header = [(name, unfolded(str(value))) for name, value in root.raw_items()]
        return _without_invitation(_with_part(with_header(empty, header), root, is_form=True, related=False))
    except RecursionError:
        raise InvalidMessage("there are too many multiparts in one another", hint=_AS_IT_IS) from None
    except UnicodeError:
        # An encoded-word in UTF-7 can be half a surrogate pair, on which the parser of the standard library fails.
        raise InvalidMessage("the header of a part has an encoded-word that is no text", hint=_AS_IT_IS) from None


def tree_of(data: bytes) -> EmailMessage:
    """The parts of a mail; an enclosed mail is not taken apart."""
    from email import message_from_bytes, policy
    from email.message import EmailMessage

    class Part(EmailMessage):
        def get_content_maintype(self) -> str:
            # The parser of the standard library takes an enclosed mail apart, base64 or not; its octets are wanted.
            found = super().get_content_maintype()
            return "application" if found == "message" else found

    return message_from_bytes(data, Part, policy=policy.default)


# -- the tree ----------------------------------------------------------------------


def _with_part(message: M, part: EmailMessage, *, is_form: bool, related: bool) -> M:
    """``message`` with a part; ``is_form``: the content in some form stands there, and not a file beside it."""
    kind = part.get_content_type()
    if kind.startswith("multipart/") and part.is_multipart():
        subtype = part.get_content_subtype()
        if subtype not in ("mixed", "related", "alternative"):
            raise InvalidMessage(f"a {kind} cannot be taken apart and stay what it is", hint=_AS_IT_IS)
        for number, child in enumerate(_children(part)):
            form = subtype == "alternative" or (is_form and number == 0)
            message = _with_part(message, child, is_form=form, related=related or subtype == "related")
        return message
    if kind in (RFC822, GLOBAL):
        return _with_mail(message, part, related)
    if kind.startswith(("message/", "multipart/")):
        raise InvalidMessage(f"a part {kind} cannot be a part of a Message", hint=_AS_IT_IS)
    return _with_content(message, part, related) if is_form or _is_body(part) else _with_file(message, part, related)


def _children(part: EmailMessage) -> Iterator[EmailMessage]:
    children: Any = part.iter_parts()
    yield from children


def _is_body(part: EmailMessage) -> bool:
    return part.get_content_type() in ("text/plain", "text/html") and not _is_file(part)


def _is_file(part: EmailMessage) -> bool:
    return part.get_content_disposition() == "attachment" or filename_of(part) is not None


def filename_of(part: EmailMessage) -> str | None:
    """The name of the file that a part is, if it has one."""
    return part.get_filename() or None


def octets_of(part: EmailMessage) -> bytes:
    """What is in a part, its transfer encoding undone."""
    data: object = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


# -- forms of the content ----------------------------------------------------------


def _with_content(message: M, part: EmailMessage, related: bool) -> M:
    if _is_body(part):
        return _with_text(message, part)
    is_calendar = part.get_content_type() == "text/calendar"
    # Some name the calendar that clients shall act on.
    if is_calendar and part.get_param("method") and part.get_content_disposition() != "attachment":
        return _with_calendar(message, part)
    if is_calendar or _is_file(part) or _content_id(part, related):
        return _with_file(message, part, related)
    return message.alternative(_form(part), content_type_of(part))


def _with_text(message: M, part: EmailMessage) -> M:
    name = "html" if part.get_content_subtype() == "html" else "text"
    if name in message.fields:
        raise _second(part)
    text = _text(part)
    return message.html(text) if name == "html" else message.text(text)


def _with_calendar(message: M, part: EmailMessage) -> M:
    if "calendar" in message.fields:
        raise _second(part)
    try:
        return message.calendar(_text(part), str(part.get_param("method")))
    except InvalidMessage as error:
        raise InvalidMessage(error.message, hint=_AS_IT_IS) from None


def _second(part: EmailMessage) -> InvalidMessage:
    return InvalidMessage(
        f"there are two bodies of type {part.get_content_type()}, and a Message has one", hint=_AS_IT_IS
    )


def _text(part: EmailMessage) -> str:
    charset, data = part.get_content_charset("ascii"), octets_of(part)
    try:
        text = data.decode("utf-8" if charset in ("ascii", "us-ascii") else charset)
    except (LookupError, ValueError) as error:
        raise InvalidMessage(
            f"the {part.get_content_type()} body is not in {shown(charset)}: {error}", hint=_AS_IT_IS
        ) from None
    # The last line end is the encoding's (a text always travels with one).
    return text.replace("\r\n", "\n").removesuffix("\n")


def _form(part: EmailMessage) -> str | bytes:
    """The content of an alternative: text if it came as text does, else octets."""
    data = octets_of(part)
    try:
        text = data.decode() if part.get_content_charset() in ("utf-8", "utf8") else None
    except UnicodeDecodeError:
        text = None
    encoding = str(part.get("content-transfer-encoding", "7bit")).strip().lower()
    # Octets travel in base64 always, and text where that is shorter.
    if text is None or (encoding == "base64" and not (data.endswith(b"\r\n") and encode_text(data)[0] == "base64")):
        return data
    return _text(part)


def _without_invitation(message: M) -> M:
    """``message`` without the file that `Message.calendar` adds."""
    from smtpkit.alternative import invitation

    fields = message.fields
    if "calendar" not in fields:
        return message
    copy = invitation(fields["calendar"])
    files = fields.get("attachments", ())
    found = [number for number, file in enumerate(files) if _is_copy(file, copy)]
    if not found:
        return message
    fields["attachments"] = (*files[: found[-1]], *files[found[-1] + 1 :])
    if not fields["attachments"]:
        del fields["attachments"]
    return type(message).of(fields)


def _is_copy(file: Attachment, invite: Attachment) -> bool:
    """Whether a file is the ``invite``, line ends aside."""
    if (file.filename, file.content_type) != (invite.filename, invite.content_type):
        return False
    one, other = (b"".join(each.blocks(1 << 16)) for each in (file, invite))
    return normalize_newlines(one).strip(b"\r\n") == other.strip(b"\r\n")


# -- files -------------------------------------------------------------------------


def _with_file(message: M, part: EmailMessage, related: bool) -> M:
    data, name, content_type = octets_of(part), filename_of(part), content_type_of(part)
    cid = _content_id(part, related)
    if cid:
        return message.embed(data, cid=cid, filename=name, content_type=content_type)
    return message.attach(data, filename=name, content_type=content_type)


def _with_mail(message: M, part: EmailMessage, related: bool) -> M:
    from smtpkit.raw import RawMessage

    cid = _content_id(part, related)
    try:
        mail = RawMessage(normalize_newlines(octets_of(part)))
        if cid:
            return message.embed(mail, cid=cid, filename=filename_of(part))
        return message.attach(mail, filename=filename_of(part))
    except InvalidMessage as error:
        raise InvalidMessage(f"an enclosed mail: {error.message}", hint=_AS_IT_IS) from None


def _content_id(part: EmailMessage, related: bool) -> str | None:
    """By what the HTML shows a file, if it does."""
    values = [unfolded(str(value)) for name, value in part.raw_items() if name.lower() == "content-id"]
    if not values or (part.get_content_disposition() == "attachment" and not related):
        return None
    return values[0].strip().removeprefix("<").removesuffix(">") or None
