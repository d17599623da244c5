"""Regular expressions that are compiled when they are first used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, AnyStr, Generic

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pattern"]


class Pattern(Generic[AnyStr]):
    """A regular expression that costs nothing at import: compiling all of ours took half of the time of that.

    Afterwards its methods are those of the compiled one.
    """

    if TYPE_CHECKING:
        match: Callable[[AnyStr], re.Match[AnyStr] | None]
        search: Callable[[AnyStr], re.Match[AnyStr] | None]
        findall: Callable[[AnyStr], list[AnyStr]]
        sub: Callable[[AnyStr | Callable[[re.Match[AnyStr]], AnyStr], AnyStr], AnyStr]

    def __init__(self, expression: AnyStr) -> None:
        self._expression: AnyStr = expression

    def __getattr__(self, name: str) -> object:
        # Only for what is not there yet: the second use goes straight to the compiled method.
        if name.startswith("_"):
            raise AttributeError(name)
        method = getattr(re.compile(self._expression), name)
        setattr(self, name, method)
        return method
