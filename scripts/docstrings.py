"""How the reference shows docstrings: examples as Python, public names as links, the fields of values as a list."""

# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUntypedBaseClass=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

import re
from typing import Any

import griffe  # in the extra `docs`

import smtpkit

LITERAL = re.compile(r"^( *)::\n\n((?:\1 +.*(?:\n|\Z)|\n)+)", re.MULTILINE)
"""A block of code after ``::``, as reStructuredText has it."""
QUOTED = re.compile(r"(?<![`\w])`([A-Z]\w*)(\.\w+)?`(?!`)")
"""A name in single backticks."""


class Docstrings(griffe.Extension):  # type: ignore[misc]
    """Puts a docstring into Markdown before it is read."""

    def on_instance(self, *, obj: Any, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = linked(fenced(obj.docstring.value))

    def on_class(self, *, cls: Any, **_: Any) -> None:
        """List the fields of a value or a TypedDict: each under a heading of its own would be a long page."""
        values = any(str(each.value) == "value" for each in cls.decorators)
        if not cls.docstring or not (values or any("Options" in str(each) for each in (cls.name, *cls.bases))):
            return
        fields = {name: each for name, each in cls.members.items() if each.is_attribute and is_field(each)}
        rows = [row(each) for each in fields.values() if each.docstring or "__init__" not in cls.members]
        for name in fields:
            del cls.members[name]
        if rows:
            cls.docstring.value = "\n".join([cls.docstring.value, "", "Attributes:", *rows])


def is_field(attribute: Any) -> bool:
    """Whether it is one by its annotation, and no property."""
    return attribute.annotation is not None and "property" not in attribute.labels


def row(attribute: Any) -> str:
    """A line of a section ``Attributes``."""
    about = attribute.docstring.value if attribute.docstring else ""
    return f"    {attribute.name} ({attribute.annotation}): {' '.join(about.split())}"


def fenced(text: str) -> str:
    """``text`` with its literal blocks as blocks of Python."""

    def fence(found: re.Match[str]) -> str:
        margin, block = found[1], found[2].rstrip("\n")
        inner = min(len(line) - len(line.lstrip()) for line in block.splitlines() if line.strip())
        lines = [f"{margin}{line[inner:]}".rstrip() for line in block.splitlines()]
        language = "text" if "──" in block else "python"
        return "\n".join([f"{margin}```{language}", *lines, f"{margin}```", "", ""])

    return LITERAL.sub(fence, text)


def linked(text: str) -> str:
    """``text`` with the public names as links to where the reference has them."""

    def link(found: re.Match[str]) -> str:
        name, member = found[1], found[2] or ""
        if name not in smtpkit.__all__:
            return found[0]
        home = "smtpkit.errors" if name in smtpkit.errors.__all__ else "smtpkit"
        # A field is in the list of its class.
        fields = getattr(getattr(smtpkit, name), "__match_args__", ())
        return f"[{found[0]}][{home}.{name}{'' if member[1:] in fields else member}]"

    return QUOTED.sub(link, text)
