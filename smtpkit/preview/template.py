"""The page's HTML is in files beside this one; what is put into it is escaped here, and nowhere else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from string import Template

__all__ = ["Html", "fill", "joined", "read"]


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def fill(template: str, /, **values: str) -> Html:
    """The ``template`` with its ``$names`` replaced. Every value that is not `Html` is escaped."""
    return Html(_template(template).substitute({key: _escaped(text) for key, text in values.items()}))


def joined(pieces: list[Html]) -> Html:
    """Pieces of HTML, one behind the other."""
    return Html("".join(pieces))


@cache
def read(name: str) -> str:
    """The text of a file beside the templates."""
    from pkgutil import get_data

    return (get_data("smtpkit.preview", f"templates/{name}") or b"").decode()


@cache
def _template(name: str) -> Template:
    from string import Template

    return Template(read(f"{name}.html").rstrip("\n"))


def _escaped(text: str) -> str:
    from html import escape

    if isinstance(text, Html):
        return text
    # What no HTML can have becomes the sign for it.
    return escape(text.encode("utf-8", "replace").decode().replace("\0", "\ufffd"))
