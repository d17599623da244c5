"""Which commands fly together: optimism is earned (RFC 2920, RFC 3030)."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

__all__ = ["LATELY", "SMALL", "Flight", "Step", "flights"]

Step: TypeAlias = Literal["RSET", "MAIL", "RCPT", "DATA", "CONTENT", "BDAT", "CHUNK", "DOT"]
"""``CONTENT`` is what follows DATA, ``BDAT`` the last chunk. A large content has ``CHUNK`` before it, and one without
a recipient is a ``DOT``: both are no part of a plan."""
Flight: TypeAlias = tuple[Step, ...]
"""Steps whose commands go out in one write, before any of their replies is read."""

SMALL = 64 * 1024
"""Octets of the largest content that flies with its MAIL: what is lost if the server does not want it."""

LATELY = 5.0
"""Seconds after a reply in which a connection is trusted to be alive: content that is handed to a dead one is
*uncertain*, and MAIL alone is not."""


@lru_cache(maxsize=256)
def flights(
    *,
    pipelining: bool,
    chunking: bool,
    recipients: int,
    small: bool = True,
    heard_lately: bool = True,
    all_or_nothing: bool = False,
    unclean: bool = False,
) -> tuple[Flight, ...]:
    """The flights of one transaction. A pure function: the same arguments give the same flights.

    DATA ends a group (RFC 2920 §3.1), and the content follows its reply. BDAT has the content with it (RFC 3030
    §2), and so the whole transaction can be one flight.

    Args:
        pipelining: whether the server offers PIPELINING, and it is not switched off.
        chunking: the same for CHUNKING.
        recipients: how many are asked for.
        small: whether the content has at most `SMALL` octets.
        heard_lately: whether the server said something within `LATELY` seconds.
        all_or_nothing: whether the content may go out only if every recipient was accepted.
        unclean: whether the server may hold a transaction that did not end, or one is under way.
    """
    opening: list[Step] = []
    if unclean:
        opening.append("RSET")
    opening.append("MAIL")
    opening.extend("RCPT" for _ in range(recipients))
    if not pipelining:
        each: list[Flight] = [(step,) for step in opening]
        return (*each, ("BDAT",)) if chunking else (*each, ("DATA",), ("CONTENT",))
    if all_or_nothing and recipients > 1:
        return (tuple(opening), ("BDAT",)) if chunking else (tuple(opening), ("DATA",), ("CONTENT",))
    if not chunking:
        return (*opening, "DATA"), ("CONTENT",)
    if small and heard_lately:
        return ((*opening, "BDAT"),)
    return tuple(opening), ("BDAT",)
