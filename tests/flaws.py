"""What can go wrong at a server, where, and what it says then instead of its reply."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from smtpkit.runtime.simulated import Act

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtpkit.runtime.simulated import Ending

__all__ = ["ENDINGS", "UNDONE", "Ask", "Fault", "Flaw", "flawed", "refusal"]

Flaw: TypeAlias = Literal[
    "421",
    "421 and no more",
    "4yz",
    "5yz",
    "354",
    "challenges",
    "differing codes",
    "done and closed",
    "doubled",
    "dripping",
    "endless line",
    "endless reply",
    "garbage",
    "late",
    "missing",
    "silence",
    "surplus",
]
ENDINGS: tuple[Ending, ...] = ("close", "reset", "break", "stall")

Ask: TypeAlias = Literal[
    "connect",
    "greeting",
    "EHLO",
    "STARTTLS",
    "tls",
    "AUTH",
    "MAIL",
    "RCPT",
    "DATA",
    "content",
    "chunk",
    "final",
    "RSET",
    "QUIT",
]
"""What a client asks for. ``content`` is the middle of what follows DATA, ``chunk`` a BDAT that is not the last one,
``final`` the dot or the last BDAT."""

_LATE = 40.0
"""Virtual seconds: less than ``Timeouts.reply``."""


class Fault(NamedTuple):
    """What goes wrong on one connection: at an octet that is ``heard`` or ``said``, at a ``reply``, or at what is
    asked for the ``at``-th time, from 0.

    The greeting is reply 0, that to EHLO reply 1. A connection that is lost at an octet of what is said is lost
    for the replies: what was heard is acted upon, to the end.
    """

    where: Literal["heard", "said", "reply"] | Ask
    at: int
    what: Ending | Flaw = "close"


_PIECE = b"x" * 64_000
_LINES = b"250-x\r\n" * 9_000
_PIECES = 1000
"""64 MB: more than two sockets hold, and than any client should take."""
_AT_ONCE = 0.001
"""Virtual seconds from piece to piece."""

_INSTEAD: dict[str, str] = {
    "garbage": "what?",
    "354": "354 go on",
    "4yz": "451 4.3.0 not now",
    "5yz": "554 5.3.0 not ever",
    "challenges": "334 " + "eA==" * 4000,
}
UNDONE = frozenset(_INSTEAD) - {"garbage", "354"}
"""Flaws after which what was asked for is not done."""


def flawed(flaw: str | None, text: str, drip: float = 0.0) -> list[Act]:
    """``text`` as a server says it that has ``flaw``, whose octets may come every ``drip`` virtual seconds."""
    octets = f"{text or 250}\r\n".encode()
    lines = _LINES.replace(b"250", octets[:3])
    ways: dict[str, Callable[[], list[Act]]] = {
        "differing codes": lambda: [Act(b"%b-one\r\n550 two\r\n" % octets[:3])],
        "doubled": lambda: [Act(octets + octets)],
        "dripping": lambda: [Act(bytes([octet]), drip) for octet in octets],
        "endless line": lambda: [Act(octets[:3] + b" "), *[Act(_PIECE, _AT_ONCE)] * _PIECES],
        "endless reply": lambda: [Act(lines), *[Act(lines, _AT_ONCE)] * _PIECES],
        "late": lambda: [Act(octets, _LATE)],
        "missing": list,
        "surplus": lambda: [Act(octets + b"250 2.0.0 for nothing\r\n")],
    }
    if flaw in ways:
        return ways[flaw]()
    return [Act(_INSTEAD[flaw].encode() + b"\r\n" if flaw in _INSTEAD else octets)]


def refusal(stage: str, addresses: list[str]) -> str | None:
    """The code with which one of ``addresses`` wants to be refused at ``stage``."""
    for address in addresses:
        if (found := re.match(rf"{stage}-([45][0-9][0-9])-", address)) is not None:
            return found[1]
    return None
