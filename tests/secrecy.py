"""Whether a secret shows itself: in what an error says and has, and in the variables of our frames."""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

__all__ = ["assert_hidden", "chain"]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and all that it comes from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def shown(found: object) -> str:
    """Its ``repr``; one that is being made when an error is raised may have none."""
    with suppress(AttributeError):
        return repr(found)
    return ""


def variables(trace: TracebackType | None) -> Iterator[tuple[str, str]]:
    """What the variables of our frames show, and what the attributes of our objects among them do."""
    for frame, _ in traceback.walk_tb(trace):
        if not str(frame.f_globals["__name__"]).startswith("smtpkit"):
            continue
        for name, found in frame.f_locals.items():
            where = f"{name} in {frame.f_code.co_qualname}"
            yield where, shown(found)
            kind = cast("type[object]", type(found))
            if kind.__module__.startswith("smtpkit"):
                slots = getattr(kind, "__slots__", ())
                held = {each: getattr(found, each, None) for each in slots if each != "_text"}
                yield where, shown({**held, **getattr(found, "__dict__", {})})


def assert_hidden(error: BaseException | None, forms: Iterable[str]) -> None:
    """None of the ``forms`` of a secret is in what ``error`` says, has, comes from or was raised in."""
    assert error is not None
    forms = tuple(forms)
    for each in chain(error):
        said = [("str", str(each)), ("repr", repr(each)), ("args", repr(each.args)), ("__dict__", repr(vars(each)))]
        said += [("note", note) for note in getattr(each, "__notes__", ())]
        for where, text in (*said, *variables(each.__traceback__)):
            for form in forms:
                assert form not in text, where
