"""Which commands fly together: optimism is earned (RFC 2920)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from smtpkit.smtp.capabilities import Capabilities

__all__ = ["Flight", "Step", "flights"]

Step: TypeAlias = Literal["MAIL", "RCPT", "DATA", "CONTENT"]
Flight: TypeAlias = tuple[Step, ...]
"""Steps whose commands go out in one write, before any of their replies is read."""


@lru_cache(maxsize=64)
def flights(capabilities: Capabilities, *, recipients: int, pipelining: bool) -> tuple[Flight, ...]:
    """The flights of one transaction. A pure function: the same arguments give the same flights.

    ``pipelining=False`` switches off what the server offers. DATA ends a group (RFC 2920
    §3.1) and waits for the replies to RCPT, so that no content goes out for nobody.
    """
    rcpt: list[Step] = ["RCPT"] * recipients
    if pipelining and "PIPELINING" in capabilities:
        return ("MAIL", *rcpt), ("DATA",), ("CONTENT",)
    return ("MAIL",), *((step,) for step in rcpt), ("DATA",), ("CONTENT",)
