"""What a server answers (RFC 5321 §4.2, RFC 3463)."""

from __future__ import annotations

import re

from smtpkit.pattern import Pattern
from smtpkit.value import value

__all__ = ["Reply"]

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: |$)")

_RETRY_AFTER = Pattern(
    r"(?i)\b(?:again|back|retry|wait|greylisted)(?: (?:in|for|after|at least|another))* "
    r"(?:(\d{1,2}):(\d\d):(\d\d)|(\d{1,6}) ?(s|m|h|secs?|mins?|seconds?|minutes?|hours?))(?![\w:])"
)
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@value
class Reply:
    """One SMTP reply: a three-digit code and one or more lines of text."""

    code: int
    """Three digits, such as 250 (RFC 5321 §4.2.1)."""
    lines: tuple[str, ...] = ("",)
    """The text of each line, with its enhanced status code."""

    @property
    def enhanced_code(self) -> str | None:
        """The enhanced status code such as ``"5.1.1"`` (RFC 3463), where the reply starts with one."""
        found = _ENHANCED.match(self.lines[0])
        return found[1] if found and found[1][0] == str(self.code)[0] else None

    @property
    def text(self) -> str:
        """The text without codes, its lines joined by one space."""
        code = self.enhanced_code
        if code is None:
            return " ".join(self.lines).strip()
        return " ".join(line.removeprefix(code).strip() for line in self.lines).strip()

    @property
    def positive(self) -> bool:
        """Whether the command was carried out: 2yz (RFC 5321 §4.2.1)."""
        return 200 <= self.code <= 299

    @property
    def temporary(self) -> bool:
        """Whether the same command may succeed later: 4yz."""
        return 400 <= self.code <= 499

    @property
    def retry_after(self) -> float | None:
        """Seconds after which the server wants to be asked again, where a temporary reply says so in words.

        No standard has a form for it. What is understood are texts such as ``try again in 300 seconds``, ``please wait
        5 minutes`` and ``come back in 00:05:00``.
        """
        found = _RETRY_AFTER.search(self.text) if self.temporary else None
        if found is None:
            return None
        hours, minutes, seconds, number, unit = found.groups()
        if unit is None:
            return float(int(hours) * 3600 + int(minutes) * 60 + int(seconds))
        return float(int(number) * _SECONDS[unit[0].lower()])

    def __str__(self) -> str:
        said = " ".join(part for part in (str(self.code), self.enhanced_code, self.text) if part)
        # It goes into errors and logs: a server does not get to write on somebody's terminal.
        return said if said.isprintable() else "".join([sign if sign.isprintable() else " " for sign in said])
