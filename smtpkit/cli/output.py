"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["plain", "print_json", "print_table"]


def print_json(data: object) -> None:
    """One line of JSON on standard output, at once."""
    import json

    print(json.dumps(plain(data), ensure_ascii=False), flush=True)


def plain(data: object) -> Any:
    """``data`` in the types of JSON: a value of this package by its fields."""
    if isinstance(data, Mapping):
        pairs: Mapping[object, object] = cast("Any", data)
        return {str(key): plain(each) for key, each in pairs.items()}
    if isinstance(data, (list, tuple)):
        several: Sequence[object] = cast("Any", data)
        return [plain(each) for each in several]
    if data is None or isinstance(data, (str, int, float, bool)):
        return data
    fields: tuple[str, ...] = getattr(data, "__match_args__", ())
    return {name: plain(getattr(data, name)) for name in fields} if fields else str(data)


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as what is in them."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())
