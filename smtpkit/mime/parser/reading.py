"""A mail as its reader has it: whatever the octets are, something can be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit.errors import SmtpkitError
from smtpkit.mime.encodings import normalize_newlines
from smtpkit.mime.parser.content_type import unfolded
from smtpkit.mime.parser.header import decoded_text
from smtpkit.mime.parser.parts import filename_of, octets_of, tree_of
from smtpkit.pattern import Pattern
from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

__all__ = ["Part", "Reading", "read_mail", "size_text"]

_TOKENS = Pattern(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+\Z")
_DEEPEST = 50


@value
class Part:
    """A node of the tree of parts (RFC 2045 §2.4)."""

    content_type: str
    """Without its parameters, in lower case."""
    charset: str | None
    encoding: str
    """The Content-Transfer-Encoding."""
    filename: str | None
    content_id: str | None
    """Without angle brackets (RFC 2392)."""
    attached: bool
    """Whether it is a file and no body."""
    data: bytes
    """Its octets, the encoding undone; none for a multipart."""
    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        """Its octets as text, in the charset that it names or else a likely one; LF line ends."""
        data = normalize_newlines(self.data)
        for charset in (self.charset, "utf-8", "cp1252"):
            try:
                return data.decode(charset or "ascii").replace("\r\n", "\n")
            except (LookupError, ValueError):
                continue
        return data.decode("latin-1").replace("\r\n", "\n")

    def leaves(self) -> Iterator[Part]:
        """The parts that have content, in their order."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


@value
class Reading:
    """What is in a mail."""

    header: tuple[tuple[str, str], ...]
    """Names and values, unfolded and decoded, in their order."""
    root: Part
    defects: tuple[str, ...]
    """Sentences about what is wrong with its form."""

    def field(self, name: str) -> str:
        """The first field of that name; empty if there is none."""
        return next((value for key, value in self.header if key.lower() == name.lower()), "")

    @property
    def text(self) -> Part | None:
        """The body in plain text."""
        return self._body("text/plain")

    @property
    def html(self) -> Part | None:
        """The body in HTML."""
        return self._body("text/html")

    @property
    def files(self) -> tuple[Part, ...]:
        """All parts but these two: attachments, inline files, other forms of the content."""
        bodies = (self.text, self.html)
        return tuple(part for part in self.root.leaves() if not any(part is body for body in bodies))

    def _body(self, content_type: str) -> Part | None:
        leaves = self.root.leaves()
        return next((part for part in leaves if part.content_type == content_type and not part.attached), None)


def read_mail(data: bytes) -> Reading:
    """What is in a mail. It never raises: what cannot be taken apart is one part, of plain text."""
    try:
        root = tree_of(data)
        header = tuple((name, _readable(name, unfolded(str(value)))) for name, value in root.raw_items())
        return Reading(header, _part(root), tuple(dict.fromkeys(_defects(root))))
    except Exception as error:  # the parser of the standard library fails in many ways
        whole = Part("text/plain", None, "", None, None, attached=False, data=data)
        return Reading((), whole, (f"The mail cannot be taken apart ({type(error).__name__}), and is shown as text.",))


def size_text(size: int) -> str:
    """A number of octets for people, such as ``12.3 kB``."""
    if size < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    number = float(size)
    for unit in ("kB", "MB"):
        number /= 1000
        if number < 999.95:
            return f"{number:.1f} {unit}"
    return f"{number / 1000:.1f} GB"


def _part(part: EmailMessage, depth: int = 0) -> Part:
    content_type = part.get_content_type().lower()
    children: tuple[Any, ...] = tuple(part.iter_parts()) if part.is_multipart() and depth < _DEEPEST else ()
    filename = filename_of(part)
    content_id = next((str(value) for name, value in part.raw_items() if name.lower() == "content-id"), "")
    return Part(
        content_type if _TOKENS.match(content_type) else "application/octet-stream",
        part.get_content_charset(),
        unfolded(str(next((value for name, value in part.raw_items() if _is_encoding(name)), "7bit"))).lower(),
        filename,
        unfolded(content_id).removeprefix("<").removesuffix(">") or None,
        attached=part.get_content_disposition() == "attachment" or filename is not None,
        data=b"" if children else octets_of(part),
        parts=tuple(_part(child, depth + 1) for child in children if hasattr(child, "walk")),
    )


def _is_encoding(name: str) -> bool:
    return name.lower() == "content-transfer-encoding"


def _readable(name: str, value: str) -> str:
    try:
        return decoded_text(name, value) if "=?" in value else value
    except SmtpkitError:
        return value


def _defects(root: EmailMessage) -> Iterator[str]:
    for part in root.walk():
        for defect in part.defects:
            said = (type(defect).__doc__ or type(defect).__name__).strip().partition("\n")[0]
            yield said if said.endswith(".") else f"{said}."
