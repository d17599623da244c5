"""What a server says it can do (EHLO, RFC 5321 §4.1.1.1)."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from smtpkit.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from smtpkit.reply import Reply

__all__ = ["Capabilities"]

_MAX_KEYWORDS = 100
"""A server with more extensions than this is playing; the rest is not looked at."""

_NUMBER = re.compile(r"[1-9][0-9]{0,5}\Z")
"""As RFC 9422 §3 has it: 1 to 6 digits, and no 0."""

_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}\Z")
"""As RFC 4422 §3.1 has it."""

_OLD_AUTH = re.compile(r"\A *AUTH=", re.IGNORECASE)


@value
class Capabilities:
    """The extensions of one server, each keyword in upper case with its parameters."""

    keywords: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    @classmethod
    def of(cls, reply: Reply) -> Capabilities:
        """Read an EHLO reply: its first line is a greeting, every other an extension."""
        found: dict[str, tuple[str, ...]] = {}
        for line in reply.lines[1 : _MAX_KEYWORDS + 1]:
            # Some old servers write AUTH=LOGIN instead of AUTH LOGIN.
            words = _OLD_AUTH.sub("AUTH ", line).split()
            if words:
                keyword = words[0].upper()
                found[keyword] = found.get(keyword, ()) + tuple(words[1:])
        return cls(MappingProxyType(found))

    def get(self, keyword: str) -> tuple[str, ...] | None:
        """The parameters of ``keyword``; ``None`` if the server does not have it."""
        return self.keywords.get(keyword)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """Authentication mechanisms in upper case, as offered (RFC 4954 §3). What can be none is not there."""
        return _unique(name for each in self.get("AUTH") or () if _MECHANISM.match(name := each.upper()))

    def limit(self, name: str) -> int | None:
        """``RCPTMAX`` or ``MAILMAX``, where the server states it (LIMITS, RFC 9422). What is malformed is not there."""
        for parameter in self.get("LIMITS") or ():
            key, _, number = parameter.partition("=")
            if key.upper() == name and _NUMBER.match(number):
                return int(number)
        return None

    @property
    def max_size(self) -> int | None:
        """Octets of the largest content the server takes; ``None`` for no limit (RFC 1870 §4)."""
        parameters = self.get("SIZE")
        number = parameters[0] if parameters else ""
        return int(number) or None if number.isascii() and number.isdigit() and len(number) <= 20 else None


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
