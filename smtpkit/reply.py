"""What a server answers (RFC 5321 §4.2, RFC 3463)."""

from __future__ import annotations

import re

from smtpkit.value import value

__all__ = ["Reply"]

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: |$)")


@value
class Reply:
    """One SMTP reply: a three-digit code and one or more lines of text."""

    code: int
    lines: tuple[str, ...] = ("",)

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

    def __str__(self) -> str:
        said = " ".join(part for part in (str(self.code), self.enhanced_code, self.text) if part)
        # It goes into errors and logs: a server does not get to write on somebody's terminal.
        return said if said.isprintable() else "".join([sign if sign.isprintable() else " " for sign in said])
