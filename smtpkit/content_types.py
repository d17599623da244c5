"""Content types by file name, from the IANA registry and without reading the system's files.

The standard library's ``mimetypes`` reads what each system has installed, so that the same
program would send different mails on different machines.
"""

from __future__ import annotations

from smtpkit.errors import InvalidMessage
from smtpkit.mime.characters import refuse_encoded_words, require_text, shown
from smtpkit.pattern import Pattern

__all__ = ["checked_content_type", "guess_content_type"]

_BY_EXTENSION = {
    "7z": "application/x-7z-compressed",
    "aac": "audio/aac",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "bz2": "application/x-bzip2",
    "css": "text/css",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "epub": "application/epub+zip",
    "flac": "audio/flac",
    "gif": "image/gif",
    "gz": "application/gzip",
    "heic": "image/heic",
    "htm": "text/html",
    "html": "text/html",
    "ico": "image/vnd.microsoft.icon",
    "ics": "text/calendar",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "log": "text/plain",
    "m4a": "audio/mp4",
    "md": "text/markdown",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "ogg": "audio/ogg",
    "p7m": "application/pkcs7-mime",
    "p7s": "application/pkcs7-signature",
    "parquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "ps": "application/postscript",
    "rar": "application/vnd.rar",
    "rtf": "application/rtf",
    "svg": "image/svg+xml",
    "tar": "application/x-tar",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "tsv": "text/tab-separated-values",
    "txt": "text/plain",
    "vcf": "text/vcard",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "xz": "application/x-xz",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "zip": "application/zip",
    "zst": "application/zstd",
}

_TOKEN = r"[A-Za-z0-9!#$&^_.+-]+"
_CONTENT_TYPE = Pattern(rf'{_TOKEN}/{_TOKEN}(?: *; *{_TOKEN}=(?:{_TOKEN}|"[ !#-\[\]-~]*"))*\Z')


def guess_content_type(filename: str) -> str:
    """The content type for a file of that name; ``application/octet-stream`` where it is not known."""
    return _BY_EXTENSION.get(filename.rpartition(".")[2].lower(), "application/octet-stream")


def checked_content_type(content_type: str) -> str:
    """``content_type``, if it can stand in a header (RFC 2045 §5.1).

    Raises:
        InvalidMessage: it cannot, or it is a multipart or message type, which no file can be given as.
    """
    require_text("the content type", content_type, InvalidMessage)
    if not _CONTENT_TYPE.match(content_type):
        raise InvalidMessage(f"not a content type: {shown(content_type)}", hint='Write it as in "application/pdf".')
    refuse_encoded_words("the content type", content_type, InvalidMessage)
    if content_type.lower().startswith(("multipart/", "message/")):
        raise InvalidMessage(
            f"a file cannot be {shown(content_type)}: such parts may not be encoded (RFC 2046 §5.2.1)",
            hint='Attach a mail as RawMessage(data), and other octets as "application/octet-stream".',
        )
    return content_type
