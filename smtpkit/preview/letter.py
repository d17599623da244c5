"""One mail as a part of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.mime.parser.markup import remote_references
from smtpkit.mime.parser.reading import read_mail, size_text
from smtpkit.preview.frame import data_url, framed
from smtpkit.preview.template import Html, fill, joined

if TYPE_CHECKING:
    from smtpkit.mime.parser.reading import Part, Reading
    from smtpkit.preview.exhibit import Exhibit

__all__ = ["Letter"]

_DOWNLOADED = 3_000_000
_SHOWN = 300_000
_MAIN = ("From", "Sender", "To", "Cc", "Reply-To", "Date")


class Letter:
    """A mail to be shown: its row in a list, and the whole of it. ``name`` is unique on the page."""

    def __init__(self, exhibit: Exhibit, name: str) -> None:
        self.exhibit = exhibit
        self.name = name
        self.reading: Reading = read_mail(exhibit.data)

    @property
    def subject(self) -> str:
        """Its Subject, or words in its place."""
        return self.reading.field("Subject").strip() or "(no subject)"

    def row(self, href: str, *, current: bool = False) -> Html:
        """Its row in the list of an inbox, a link to ``href``."""
        files = sum(part.attached and part.content_id is None for part in self.reading.files)
        return fill(
            "row",
            href=href,
            current="page" if current else "false",
            sender=_name(self.reading.field("From")) or "(nobody)",
            recipient=f"to {self._recipients()}",
            subject=self.subject,
            size=size_text(len(self.exhibit.data)),
            files=f"{files} file{'' if files == 1 else 's'}" if files else "",
        )

    def article(self, back: str = "") -> Html:
        """All of it. ``back`` is the address of the list that it is in, if it is in one."""
        panes = [
            pane for pane in (self._html(), self._text(), self._header(), self._structure(), self._source()) if pane
        ]
        tabs = [
            fill("tab", name=self.name, view=view, label=label, checked="checked" if number == 0 else "")
            for number, (view, label, _) in enumerate(panes)
        ]
        return fill(
            "letter",
            name=self.name,
            back=fill("back", href=back) if back else "",
            initial=(_name(self.reading.field("From")) or "?")[:1].upper(),
            subject=self.subject,
            main=joined([fill("main", name=name, text=text) for name, text in self._main()]),
            notes=joined(self._notes()),
            tabs=joined(tabs),
            panes=joined([pane for _, _, pane in panes]),
            files=self._files(),
        )

    def _recipients(self) -> str:
        return ", ".join(self.exhibit.recipients) or self.reading.field("To") or "nobody"

    def _main(self) -> list[tuple[str, str]]:
        """What stands above a mail: who, to whom, when."""
        found = [(name, text) for name in _MAIN if (text := self.reading.field(name))]
        exhibit = self.exhibit
        if exhibit.reverse_path is not None:
            found.append(("Envelope", f"<{exhibit.reverse_path}> to {', '.join(exhibit.recipients)}"))
        return found

    def _notes(self) -> list[Html]:
        notes = [fill("note", kind="problem", text=text) for text in (*self.exhibit.notes, *self.reading.defects)]
        remote = remote_references(self.reading.html.text) if self.reading.html else ()
        if remote:
            hosts = sorted({url.partition("//")[2].partition("/")[0] for url in remote})
            more = f" and {len(hosts) - 5} more" if len(hosts) > 5 else ""
            count = f"{len(remote)} remote resource{'' if len(remote) == 1 else 's'}"
            verb = "is" if len(remote) == 1 else "are"
            text = f"{count} {verb} not loaded here, from {', '.join(hosts[:5])}{more}."
            notes.append(fill("note", kind="blocked", text=text))
        return notes

    # -- the views -------------------------------------------------------------

    def _html(self) -> tuple[str, str, Html] | None:
        if self.reading.html is None:
            return None
        return "html", "HTML", fill("pane_html", name=self.name, document=framed(self.reading))

    def _text(self) -> tuple[str, str, Html] | None:
        part = self.reading.text
        if part is None:
            return None
        return "text", "Text", fill("pane_text", text=_cut(part.text))

    def _header(self) -> tuple[str, str, Html]:
        fields = [fill("field", name=name, value=value) for name, value in self.reading.header]
        return "header", "Header", fill("pane_header", fields=joined(fields))

    def _structure(self) -> tuple[str, str, Html]:
        size = size_text(len(self.exhibit.data))
        return "structure", "Structure", fill("pane_structure", size=size, tree=self._tree(self.reading.root))

    def _tree(self, part: Part) -> Html:
        body = self.reading.text is part or self.reading.html is part
        told = [part.filename or "", f"cid:{part.content_id}" if part.content_id else "", "body" if body else ""]
        return fill(
            "node",
            content_type=part.content_type,
            more=" · ".join(filter(None, [*told, part.charset or "", part.encoding])),
            size=f"{len(part.parts)} parts" if part.parts else size_text(len(part.data)),
            children=fill("children", nodes=joined([self._tree(each) for each in part.parts])) if part.parts else "",
        )

    def _source(self) -> tuple[str, str, Html]:
        data = self.exhibit.data
        source = _cut(data[: _SHOWN + 1].decode("utf-8", "replace").replace("\r\n", "\n"), len(data))
        whole = Html("")
        if len(data) <= _DOWNLOADED:
            whole = fill("download", name="mail.eml", label="Download as .eml", url=_octets_url(data))
        return "source", "Source", fill("pane_source", source=source, download=whole, size=size_text(len(data)))

    def _files(self) -> Html:
        files = self.reading.files
        if not files:
            return Html("")
        cards = joined([_card(part, number) for number, part in enumerate(files, 1)])
        count = f"{len(files)} file{'' if len(files) == 1 else 's'}"
        return fill("files", name=self.name, count=count, cards=cards)


def _card(part: Part, number: int) -> Html:
    name = part.filename or (f"cid:{part.content_id}" if part.content_id else f"part {number}")
    small = len(part.data) <= _DOWNLOADED
    inline = "inline" if part.content_id else ""
    return fill(
        "file",
        extension=(name.rpartition(".")[2] if part.filename and "." in name else part.content_type.partition("/")[2])[
            :4
        ],
        name=name,
        about=" · ".join(filter(None, [size_text(len(part.data)), part.content_type, inline])),
        download=fill("download", name=name.replace("/", "_"), label="Download", url=_octets_url(part.data))
        if small
        else "",
    )


def _octets_url(data: bytes) -> str:
    # Of no type that a browser opens by itself.
    return data_url(data, "application/octet-stream")


def _cut(text: str, size: int = 0) -> str:
    """``text``, unless there is more than anybody reads; ``size`` is the octets of the whole, if ``text`` is less."""
    if len(text) <= _SHOWN:
        return text
    return f"{text[:_SHOWN]}\n\n[... and more: {size_text(size or len(text))} in all]"


def _name(field: str) -> str:
    """Who an address field names, in the fewest words."""
    from email.utils import parseaddr

    name, address = parseaddr(field)
    return name or address or field
