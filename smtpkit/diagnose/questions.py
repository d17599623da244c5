"""Questions to DNS, within a time for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtpkit.dns import RecordType, Resolver
    from smtpkit.runtime.base import Runtime

__all__ = ["Questions"]

_ONE = 5.0
"""Seconds for one question."""


class Questions:
    """What is asked of ``resolver`` until ``deadline``."""

    def __init__(self, resolver: Resolver, runtime: Runtime, deadline: float) -> None:
        self._resolver = resolver
        self._runtime = runtime
        self._deadline = deadline

    async def ask(self, name: str, kind: RecordType) -> tuple[str, ...]:
        """The records of ``name``. Raises as `Resolver.lookup`."""
        until = min(self._deadline, self._runtime.now() + _ONE)
        return await self._resolver.lookup(name, kind, self._runtime, until)
