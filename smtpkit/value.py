"""Immutable, slotted values: what ``dataclasses`` gives, at a small part of its import cost.

Stdlib dataclasses load ``inspect`` and spend 0.7 ms on each frozen slotted class, which
is more than the rest of this package takes to import.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, cast, dataclass_transform

from smtpkit.errors import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LONGEST_WAIT", "at_least_1", "from_0_to", "put", "value"]

LONGEST_WAIT = 86400
"""A day, in seconds. The functions of an operating system that wait overflow at some length."""

T = TypeVar("T")

put: Callable[[object, str, object], None] = object.__setattr__
"""Sets a field of a value that is being built: ``put(self, "name", x)``, only in ``__init__``."""


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """Make ``cls`` a value: its annotations become slots, and it cannot change.

    It gets a constructor, equality, a hash, a ``repr`` and pickling from its fields, each
    unless the class writes its own. A class that writes ``__init__`` takes its fields,
    in their order, as arguments and sets them with `put`.
    """
    fields = tuple(cls.__annotations__)
    members = dict(vars(cls))
    defaults = {name: members.pop(name) for name in fields if name in members}
    for name in ("__dict__", "__weakref__"):
        members.pop(name, None)
    members["__slots__"] = fields
    members["__match_args__"] = fields
    members["__fields__"] = staticmethod(_tuple_of(fields))
    for name, method in _METHODS.items():
        members.setdefault(name, method)
    made: Any = type(cls.__name__, cls.__bases__, members)
    if "__init__" not in members:
        made.__init__ = _constructor(made, fields, defaults)
    return cast("type[T]", made)


def _tuple_of(fields: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    if len(fields) == 1:
        get = attrgetter(fields[0])
        return lambda self: (get(self),)
    return attrgetter(*fields)


def _constructor(cls: type, fields: tuple[str, ...], defaults: dict[str, object]) -> Callable[..., None]:
    # Slot descriptors set directly: a third of the time of object.__setattr__.
    scope: dict[str, Any] = {f"set_{name}": vars(cls)[name].__set__ for name in fields}
    scope |= {f"default_{name}": default for name, default in defaults.items()}
    arguments = ", ".join(f"{name}=default_{name}" if name in defaults else name for name in fields)
    body = "; ".join(f"set_{name}(self, {name})" for name in fields)
    exec(f"def __init__(self, {arguments}):\n    {body}", scope)
    made: Callable[..., None] = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _eq(self: Any, other: Any) -> object:
    if type(other) is not type(self):
        return NotImplemented
    return self.__fields__(self) == self.__fields__(other)


def _hash(self: Any) -> int:
    return hash(self.__fields__(self))


def _repr(self: Any) -> str:
    pairs = zip(self.__slots__, self.__fields__(self), strict=True)
    return f"{type(self).__name__}({', '.join(f'{name}={field!r}' for name, field in pairs)})"


def _reduce(self: Any) -> tuple[Any, ...]:
    return (cast("object", type(self)), self.__fields__(self))


def _frozen(self: object, name: str, *_: object) -> None:
    raise AttributeError(f"{type(self).__name__} is immutable: {name!r} cannot be set or deleted")


_METHODS: dict[str, object] = {
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__reduce__": _reduce,
    "__setattr__": _frozen,
    "__delattr__": _frozen,
}


def at_least_1(name: str, number: int) -> int:
    """``number``, if it can be a count.

    Raises:
        InvalidConfiguration: it is below 1, or no whole number.
    """
    if type(number) is not int or number < 1:
        raise InvalidConfiguration(f"{name}={number!r}: a whole number of at least 1 is needed")
    return number


def from_0_to(most: float, name: str, number: object) -> float:
    """``number``, if it is one from 0 to ``most``.

    Raises:
        InvalidConfiguration: it is not.
    """
    if not isinstance(number, (int, float)) or not 0 <= number <= most:
        raise InvalidConfiguration(f"{name}={number!r}: a number from 0 to {most} is needed")
    return number
