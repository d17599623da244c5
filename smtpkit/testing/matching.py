"""Whether a text is the one that is looked for: by string, regular expression or callable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from smtpkit.address import Address
from smtpkit.errors import InvalidAddress

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Matcher", "contains", "equals", "is_mailbox", "is_matcher", "wanted"]

Matcher: TypeAlias = "str | re.Pattern[str] | Callable[[Any], object]"
"""A string, a regular expression that is searched for, or a function that says yes or no."""


def is_matcher(given: object) -> bool:
    """Whether something can be looked for by it: `None`, octets and numbers are mistakes."""
    if isinstance(given, re.Pattern):
        return isinstance(cast("Any", given).pattern, str)
    return isinstance(given, str) or callable(given)


def equals(matcher: Matcher, text: str) -> bool:
    """Whether ``text`` is the string, has the expression in it, or pleases the function."""
    if isinstance(matcher, str):
        return text == matcher
    return _otherwise(matcher, text)


def contains(matcher: Matcher, text: str) -> bool:
    """Whether ``text`` has the string or the expression in it, or pleases the function."""
    if isinstance(matcher, str):
        return matcher in text
    return _otherwise(matcher, text)


def is_mailbox(matcher: Matcher | Address, addr_spec: str) -> bool:
    """Whether ``addr_spec`` is this mailbox; with or without a name, the domain in any case."""
    if isinstance(matcher, str):
        try:
            matcher = Address.parse(matcher)
        except InvalidAddress:
            # Such as the name of a mailbox without a domain.
            return matcher == addr_spec
    if not isinstance(matcher, Address):
        return _otherwise(matcher, addr_spec)
    # By its name on the wire, too: a domain in another script travels in ASCII.
    return _folded(addr_spec) in (_folded(matcher.addr_spec), _folded(matcher.mailbox))


def wanted(matcher: object) -> str:
    """How a failed assertion shows what was looked for."""
    if isinstance(matcher, re.Pattern):
        return f"re.compile({cast('re.Pattern[str]', matcher).pattern!r})"
    return repr(matcher) if isinstance(matcher, str) else getattr(matcher, "__qualname__", str(matcher))


def _otherwise(matcher: re.Pattern[str] | Callable[[Any], object], text: str) -> bool:
    if isinstance(matcher, re.Pattern):
        return matcher.search(text) is not None
    return bool(matcher(text))


def _folded(addr_spec: str) -> str:
    local, at, domain = addr_spec.rpartition("@")
    return f"{local}{at}{domain.lower()}"
