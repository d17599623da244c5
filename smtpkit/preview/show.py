"""The pages: one mail, or an inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from smtpkit.preview.exhibit import exhibit_of
from smtpkit.preview.letter import Letter
from smtpkit.preview.template import Html, fill, joined, read

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path
    from typing import TypeGuard

    from smtpkit.preview.exhibit import Exhibit, Viewable

__all__ = ["inbox_page", "mail_page", "page", "render", "show"]


def show(
    message: Viewable | Iterable[Viewable],
    *,
    open: bool = True,  # noqa: A002
    path: str | os.PathLike[str] | None = None,
) -> Path:
    """Write a page that shows ``message`` and open it in the browser; several messages are shown as an inbox.

    The page is one file and works offline. It shows the header, the text, the HTML with its inline images, the files,
    the tree of parts and the source. Nothing of the mail can run there, and nothing is loaded from anywhere: what the
    HTML would load is named instead. A message that is not finished, or a mail that is broken, is shown with a note.

    ::

        show(Message().subject("Hello").html("<h1>Hello</h1>"))
        show(fake.outbox)
        show("saved.eml", open=False).read_text()

    Args:
        message: a `Message`, `Mail`, `RawMessage` or ``EmailMessage``, octets, the path of an .eml file, or several.
        open: whether to open the page in the browser.
        path: where to write it; without it, a new file in the directory for temporary files, which only you can read.

    Raises:
        InvalidMessage: it is no mail in any form.
        UnreadableAttachment: a file cannot be read.
    """
    from pathlib import Path

    html = render(message)
    written = _temporary(html) if path is None else Path(path).absolute()
    if path is not None:
        written.write_text(html, encoding="utf-8")
    if open:
        import webbrowser

        webbrowser.open(written.as_uri())
    return written


def render(message: Viewable | Iterable[Viewable]) -> str:
    """The HTML of the page that `show` writes. Raises as it does."""
    if _is_one(message):
        return mail_page(exhibit_of(message))
    return inbox_page([exhibit_of(each) for each in cast("Iterable[Viewable]", message)])


def _is_one(message: Any) -> TypeGuard[Viewable]:
    """Whether it is not several. An e-mail of the standard library can be iterated over: it gives names of fields."""
    if hasattr(message, "as_bytes") or hasattr(message, "__fspath__") or not hasattr(message, "__iter__"):
        return True
    return isinstance(message, (str, bytes, bytearray))


def mail_page(exhibit: Exhibit) -> str:
    """The page of one mail."""
    letter = Letter(exhibit, "mail")
    return page(letter.subject, "single", letter.article())


def inbox_page(exhibits: list[Exhibit]) -> str:
    """The page of several mails, the last one first."""
    letters = [Letter(exhibit, f"mail-{number}") for number, exhibit in enumerate(exhibits, 1)][::-1]
    rows = joined([letter.row(f"#{letter.name}") for letter in letters])
    articles = joined([letter.article("#inbox") for letter in letters])
    body = fill("inbox", count=str(len(letters)), rows=rows, articles=articles or fill("empty", hint=""), more="")
    marks = [fill("highlight_first"), *(fill("highlight", name=letter.name) for letter in letters)]
    return page(f"Inbox ({len(letters)})", "inbox", body, joined(marks))


_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
)


def page(title: str, kind: str, body: Html, head: str = "", policy: str = _POLICY) -> str:
    """A whole page of this look; ``head`` is more for its head, ``policy`` its Content-Security-Policy."""
    return (
        fill("page", title=title, kind=kind, policy=policy, style=Html(read("style.css")), head=head, body=body) + "\n"
    )


def _temporary(html: str) -> Path:
    from pathlib import Path
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile("w", encoding="utf-8", prefix="smtpkit-", suffix=".html", delete=False) as file:
        file.write(html)
    return Path(file.name)
