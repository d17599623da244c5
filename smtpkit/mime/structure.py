"""From the fields of a message to its content: header fields and the tree of parts (RFC 2045, 2046, 2387)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit import stamp
from smtpkit.mime.content import Content, EncodedFile
from smtpkit.mime.encodings import encode_text, normalize_newlines
from smtpkit.mime.headers import address_list, parameter, structured, unstructured

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from smtpkit.address import Address
    from smtpkit.attachment import Attachment
    from smtpkit.message import Fields
    from smtpkit.mime.content import Segment

    Part: TypeAlias = tuple[list[str], list[Segment]]

__all__ = ["render"]


def render(fields: Fields) -> Content:
    """The content of a message that has From, Date and Message-ID. Bcc is not in it."""
    utf8 = any(address.needs_smtputf8 for address in _header_addresses(fields))
    head, body = _body(fields)
    lines = [*_header_fields(fields, utf8), "MIME-Version: 1.0", *head]
    start = "\r\n".join(lines) + "\r\n\r\n"
    return Content([start.encode(), *body], utf8_headers=utf8)


def _header_addresses(fields: Fields) -> Iterator[Address]:
    if "from_" in fields:
        yield fields["from_"]
    if "sender" in fields:
        yield fields["sender"]
    for group in (fields.get("reply_to", ()), fields.get("to", ()), fields.get("cc", ())):
        yield from group


def _header_fields(fields: Fields, utf8: bool) -> list[str]:
    lines: list[str] = []
    if "from_" in fields:
        lines.append(address_list("From", (fields["from_"],), utf8))
    if "sender" in fields:
        lines.append(address_list("Sender", (fields["sender"],), utf8))
    for name, addresses in (
        ("Reply-To", fields.get("reply_to")),
        ("To", fields.get("to")),
        ("Cc", fields.get("cc")),
    ):
        if addresses:
            lines.append(address_list(name, addresses, utf8))
    if "subject" in fields:
        lines.append(unstructured("Subject", fields["subject"]))
    for name, text in (("Date", fields.get("date")), ("Message-ID", fields.get("message_id"))):
        if text:
            lines.append(structured(name, text))
    lines += [unstructured(name, text) for name, text in fields.get("headers", ())]
    return lines


def _body(fields: Fields) -> Part:
    """mixed > related > alternative, each only where there is more than one part for it."""
    files = fields.get("attachments", ())
    has_html = "html" in fields
    inline = [_file(file) for file in files if file.content_id is not None and has_html]
    attached = [_file(file) for file in files if file.content_id is None or not has_html]
    texts: list[Part] = []
    if "text" in fields or not (has_html or attached):
        texts.append(_text("plain", fields.get("text", "")))
    if "html" in fields:
        texts.append(_text("html", fields["html"]))
    # Plain text first: the last part that can be shown is the one that is (RFC 2046 §5.1.4).
    shown = [_multipart("alternative", texts)] if texts else []
    related = [_multipart("related", [*shown, *inline])] if shown else []
    return _multipart("mixed", [*related, *attached])


def _multipart(subtype: str, parts: list[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    boundary = stamp.boundary()
    content_type = f'multipart/{subtype}; boundary="{boundary}"'
    if subtype == "related":
        root = parts[0][0][0].partition(": ")[2].partition(";")[0]
        content_type += f'; type="{root}"'
    segments: list[Segment] = []
    for head, body in parts:
        segments.append(("\r\n".join([f"--{boundary}", *head]) + "\r\n\r\n").encode())
        segments += body
    segments.append(f"--{boundary}--\r\n".encode())
    return [structured("Content-Type", content_type)], _joined(segments)


def _joined(segments: Iterable[Segment]) -> list[Segment]:
    """``segments`` with neighbours that are bytes made one."""
    joined: list[Segment] = []
    for segment in segments:
        if joined and isinstance(segment, bytes) and isinstance(joined[-1], bytes):
            joined[-1] += segment
        else:
            joined.append(segment)
    return joined


def _text(subtype: str, text: str) -> Part:
    encoding, data = encode_text(normalize_newlines(text.encode()))
    return [f"Content-Type: text/{subtype}; charset=utf-8", f"Content-Transfer-Encoding: {encoding}"], [data]


def _file(file: Attachment) -> Part:
    disposition = "attachment" if file.content_id is None else "inline"
    head = [
        structured("Content-Type", file.content_type),
        "Content-Transfer-Encoding: base64",
        structured("Content-Disposition", f"{disposition}; {parameter('filename', file.filename)}"),
    ]
    if file.content_id is not None:
        head.append(structured("Content-ID", f"<{file.content_id}>"))
    return head, [EncodedFile(file)]
