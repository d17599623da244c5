"""Which commands fly together: optimism is earned (RFC 2920, RFC 3030)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from smtpkit.value import value

if TYPE_CHECKING:
    from smtpkit.smtp.capabilities import Capabilities

__all__ = ["SMALL", "Flight", "Situation", "Step", "flights"]

Step: TypeAlias = Literal["RSET", "MAIL", "RCPT", "DATA", "CONTENT", "BDAT", "CHUNK", "DOT"]
"""``CONTENT`` is what follows DATA, ``BDAT`` the last chunk. A large content has ``CHUNK`` before it, and one without
a recipient is a ``DOT``: both are no part of a plan."""
Flight: TypeAlias = tuple[Step, ...]
"""Steps whose commands go out in one write, before any of their replies is read."""

SMALL = 64 * 1024
"""Octets of the largest content that flies with its MAIL: what is lost if the server does not want it."""

_LATELY = 5.0
"""Seconds after a reply in which a connection is trusted to be alive: content that is handed to a dead one is
*uncertain*, and MAIL alone is not."""


@value
class Situation:
    """What a transaction depends on, besides the server's capabilities. Few values, so that plans are kept."""

    recipients: int
    small: bool
    """Whether the content has at most `SMALL` octets."""
    heard_lately: bool
    """Whether the connection is trusted to be alive."""
    all_or_nothing: bool
    """Whether the content may go out only if every recipient was accepted."""
    unclean: bool = False
    """Whether the server may hold a transaction that was not finished, or one is under way."""

    @classmethod
    def of(cls, recipients: int, size: int, silence: float, all_or_nothing: bool, unclean: bool) -> Situation:
        """``size`` is that of the content in octets, ``silence`` seconds since the last reply."""
        return cls(recipients, size <= SMALL, silence < _LATELY, all_or_nothing and recipients > 1, unclean)


@lru_cache(maxsize=256)
def flights(
    capabilities: Capabilities, situation: Situation, *, pipelining: bool = True, chunking: bool = True
) -> tuple[Flight, ...]:
    """The flights of one transaction. A pure function: the same arguments give the same flights.

    ``pipelining=False`` and ``chunking=False`` switch off what the server offers. DATA ends a group
    (RFC 2920 §3.1), and the content follows its reply. BDAT has the content with it (RFC 3030 §2), and so
    the whole transaction can be one flight.
    """
    bdat = chunking and "CHUNKING" in capabilities
    opening: list[Step] = []
    if situation.unclean:
        opening.append("RSET")
    opening.append("MAIL")
    opening.extend("RCPT" for _ in range(situation.recipients))
    if not (pipelining and "PIPELINING" in capabilities):
        each: list[Flight] = [(step,) for step in opening]
        return (*each, ("BDAT",)) if bdat else (*each, ("DATA",), ("CONTENT",))
    if situation.all_or_nothing:
        return (tuple(opening), ("BDAT",)) if bdat else (tuple(opening), ("DATA",), ("CONTENT",))
    if not bdat:
        return (*opening, "DATA"), ("CONTENT",)
    if situation.small and situation.heard_lately:
        return ((*opening, "BDAT"),)
    return tuple(opening), ("BDAT",)
