"""From the fields of a message to its content: header fields and the tree of parts (RFC 2045, 2046, 2387)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.alternative import invitation
from smtpkit.body import Body
from smtpkit.mime.content import Content, EncodedFile
from smtpkit.mime.enclosed import RFC822
from smtpkit.mime.encodings import base64_blocks
from smtpkit.mime.headers import address_list, list_id, parameter, structured, unstructured
from smtpkit.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from smtpkit.alternative import Alternative
    from smtpkit.attachment import Attachment
    from smtpkit.fields import Fields
    from smtpkit.message import Message
    from smtpkit.mime.content import Segment
    from smtpkit.raw import RawMessage

    Part: TypeAlias = tuple[list[str], list[Segment]]

__all__ = ["ascii_name", "render"]


def render(fields: Fields) -> Content:
    """The content of a message that has From, Date and Message-ID. Bcc is not in it.

    The same fields give the same octets.
    """
    part_fields, body = _body(fields)
    head = _head(fields, part_fields, utf8=False)
    utf8 = not head.isascii()
    if utf8:
        # Only a local part in another script does that: then all addresses stay as they are read (RFC 6532).
        head = _head(fields, part_fields, utf8=True)
    return Content([head.encode(), *body], utf8_headers=utf8)


def _head(fields: Fields, part_fields: list[str], utf8: bool) -> str:
    return "\r\n".join([*_header_fields(fields, utf8), "MIME-Version: 1.0", *part_fields, "", ""])


def _header_fields(fields: Fields, utf8: bool) -> list[str]:
    lines = [address_list("From", (fields["from_"],), utf8)] if "from_" in fields else []
    if "sender" in fields:
        lines.append(address_list("Sender", (fields["sender"],), utf8))
    if reply_to := fields.get("reply_to"):
        lines.append(address_list("Reply-To", reply_to, utf8))
    if to := fields.get("to"):
        lines.append(address_list("To", to, utf8))
    if cc := fields.get("cc"):
        lines.append(address_list("Cc", cc, utf8))
    if "subject" in fields:
        lines.append(unstructured("Subject", fields["subject"]))
    lines.append(f"Date: {fields.get('date', '')}")
    lines.append(f"Message-ID: {fields.get('message_id', '')}")
    if not _RARE.isdisjoint(fields):
        lines += _rare_fields(fields)
    lines += [unstructured(name, text) for name, text in fields.get("headers", ())]
    return lines


_RARE = frozenset(("in_reply_to", "references", "priority", "auto_submitted", "list_id", "list_unsubscribe"))
_X_PRIORITY = {"high": "1", "normal": "3", "low": "5"}


def _rare_fields(fields: Fields) -> list[str]:
    lines: list[str] = []
    if ids := fields.get("in_reply_to"):
        lines.append(structured("In-Reply-To", " ".join(ids)))
    if ids := fields.get("references") or fields.get("thread"):
        lines.append(structured("References", " ".join(ids)))
    if "priority" in fields:
        lines += [f"X-Priority: {_X_PRIORITY[fields['priority']]}", f"Importance: {fields['priority']}"]
    if "auto_submitted" in fields:
        lines.append(f"Auto-Submitted: {fields['auto_submitted']}")
    if "list_id" in fields:
        lines.append(list_id(*fields["list_id"]))
    if "list_unsubscribe" in fields:
        lines.append(structured("List-Unsubscribe", fields["list_unsubscribe"]))
        if fields.get("one_click"):
            lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return lines


def _body(fields: Fields) -> Part:
    """mixed > related > alternative, each only where there is more than one part for it."""
    files = fields.get("attachments", ())
    has_html = "html" in fields
    others = fields.get("alternatives", ())
    calendar = fields.get("calendar")
    texts: list[Part] = []
    # Plain text first: the last part that can be shown is the one that is (RFC 2046 §5.1.4).
    if "text" in fields or not (has_html or files or others or calendar):
        texts.append(_text("Content-Type: text/plain; charset=utf-8", fields.get("text", "")))
    if others:
        texts += [_alternative(each) for each in others]
    if "html" in fields:
        texts.append(_text("Content-Type: text/html; charset=utf-8", fields["html"]))
    if calendar:
        head, body = _alternative(calendar)
        # The last line end before a boundary belongs to the boundary, and each line of a calendar has its own.
        texts.append((head, [*body, b"\r\n"]))
        files = (*files, invitation(calendar))
    if len(texts) + len(files) == 1:
        return (texts or [_file(file) for file in files])[0]
    mark = _mark(fields.get("message_id", ""), files)
    inline = [_one_of(file) for file in files if file.content_id is not None and has_html]
    attached = [_one_of(file) for file in files if file.content_id is None or not has_html]
    shown = [_multipart("alternative", mark, texts)] if texts else []
    related = [_multipart("related", mark, [*shown, *inline])] if shown else []
    return _multipart("mixed", mark, [*related, *attached])


_NOT_IN_BOUNDARIES = Pattern(r"[^A-Za-z0-9._-]+")


def _mark(message_id: str, files: Iterable[Attachment]) -> str:
    """What tells the boundaries of this message from those of another one, also of mails in ``files``."""
    own = mark = _NOT_IN_BOUNDARIES.sub("", message_id[1:].partition("@")[0])[:48]
    mails = [mail for file in files if (mail := _unencoded(file))]
    inner = [segment for mail in mails for segment in mail.content().segments if isinstance(segment, bytes)]
    number = 0
    while any(f"_{mark}".encode() in segment for segment in inner):
        number += 1
        mark = f"{number}_{own}"
    return mark


def _multipart(subtype: str, mark: str, parts: list[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    # "=_" occurs neither in quoted-printable nor in base64, and text with "--=_" is not left as it is.
    boundary = f"=_{subtype}_{mark}"
    content_type = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"'
    if subtype == "related":
        root = parts[0][0][0].partition(": ")[2].partition(";")[0]
        content_type += f';\r\n type="{root}"'
    segments: list[Segment] = []
    for head, body in parts:
        segments.append("\r\n".join([f"--{boundary}", *head, "", ""]).encode())
        segments += body
    segments.append(f"--{boundary}--\r\n".encode())
    return [content_type], _joined(segments)


def _joined(segments: Iterable[Segment]) -> list[Segment]:
    """``segments`` with neighbours that are bytes made one."""
    joined: list[Segment] = []
    neighbours: list[bytes] = []
    for segment in segments:
        if isinstance(segment, bytes):
            neighbours.append(segment)
        else:
            joined += [b"".join(neighbours), segment]
            neighbours.clear()
    return [*joined, b"".join(neighbours)]


def _alternative(given: Alternative) -> Part:
    if isinstance(given.content, str):
        return _text(structured("Content-Type", given.content_type), given.content)
    head = [structured("Content-Type", given.content_type), "Content-Transfer-Encoding: base64"]
    return head, [b"".join(base64_blocks((given.content,)))]


def _text(type_field: str, text: str) -> Part:
    encoding, data = (text if isinstance(text, Body) else Body.of("the body", text)).encoded
    return [type_field, f"Content-Transfer-Encoding: {encoding}"], [data]


def _unencoded(file: Attachment) -> Message | RawMessage | None:
    """The mail whose octets stand in the outer one as they are."""
    return file.mail if file.content_type == RFC822 else None


def _file(file: Attachment) -> Part:
    mail = _unencoded(file)
    return _file_head(file), [EncodedFile(file)] if mail is None else [*mail.content().segments]


def _one_of(file: Attachment) -> Part:
    """A file as one of several parts."""
    head, body = _file(file)
    # The last line end before a boundary belongs to the boundary, and a mail keeps its own.
    return head, [*body, b"\r\n"] if _unencoded(file) else body


def _file_head(file: Attachment) -> list[str]:
    disposition = "attachment" if file.content_id is None else "inline"
    filename = parameter("filename", file.filename)
    content_type = file.content_type
    # The name once more in ASCII, for clients that do not know RFC 2231. It is no `filename` beside `filename*`:
    # many readers, the standard library's old policy among them, would take that one and lose the real name.
    if filename.startswith("filename*") and not _NAMED.search(content_type):
        content_type += f"; {parameter('name', ascii_name(file.filename))}"
    head = [
        structured("Content-Type", content_type),
        f"Content-Transfer-Encoding: {'7bit' if _unencoded(file) else 'base64'}",
        structured("Content-Disposition", f"{disposition}; {filename}"),
    ]
    if file.content_id is not None:
        head.append(structured("Content-ID", f"<{file.content_id}>"))
    return head


_NAMED = Pattern(r"(?i);\s*name=")
_NO_PLAIN_NAME = Pattern(r"[^A-Za-z0-9._+-]+")


def ascii_name(filename: str) -> str:
    """A name of ASCII letters that is like ``filename``: short, and without spaces, where it would be folded."""
    from unicodedata import normalize

    # One by one: what is thrown away below, the marks after a letter, takes quadratic time to be put in order.
    plain = "".join([normalize("NFKD", each) for each in filename]).encode("ascii", "ignore").decode()
    stem, dot, extension = _NO_PLAIN_NAME.sub("_", plain).rpartition(".")
    if not dot:
        stem, extension = extension, ""
    return f"{stem[:40].strip('._') or 'attachment'}{dot}{extension[:12]}".rstrip(".")
