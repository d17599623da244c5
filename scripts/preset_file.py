"""Writes presets.json in its one form, so that changes of it are easy to read: ``python scripts/preset_file.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "smtpkit" / "providers" / "presets.json"

ONE_PER_LINE = ("endpoints", "limits", "sources")
LISTS = ("domains", "aliases")
WIDTH = 118


def render(data: dict[str, Any]) -> str:
    """The file's text: an entry is a block, a field a line, and each endpoint, limit and source one of its own."""
    entries = ",\n".join(f"    {{\n{_fields(entry)}\n    }}" for entry in data["providers"])
    return f'{{\n  "checked": "{data["checked"]}",\n  "providers": [\n{entries}\n  ]\n}}\n'


def _fields(entry: dict[str, Any]) -> str:
    return ",\n".join(f'      "{name}": {_value(name, fact)}' for name, fact in entry.items())


def _value(name: str, fact: Any) -> str:
    if name in ("regions", "oauth2"):
        return "{\n" + ",\n".join(f'        "{key}": {_inline(each)}' for key, each in fact.items()) + "\n      }"
    if name in ONE_PER_LINE:
        return "[\n" + ",\n".join(f"        {_inline(each)}" for each in fact) + "\n      ]"
    if name in LISTS and len(_inline(fact)) + len(name) + 10 > WIDTH:
        return "[\n" + ",\n".join(_wrapped([_inline(each) for each in fact])) + "\n      ]"
    return _inline(fact)


def _wrapped(items: list[str]) -> list[str]:
    lines = [" " * 8 + items[0]]
    for item in items[1:]:
        if len(lines[-1]) + len(item) + 2 < WIDTH:
            lines[-1] += f", {item}"
        else:
            lines.append(" " * 8 + item)
    return lines


def _inline(fact: Any) -> str:
    return json.dumps(fact, ensure_ascii=False)


if __name__ == "__main__":
    FILE.write_text(render(json.loads(FILE.read_text("utf-8"))), "utf-8")
