"""DNS as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtpkit.dns import RecordType
    from smtpkit.runtime.base import Runtime

__all__ = ["Zone"]


class Zone:
    """A `Resolver` that answers from ``records`` by ``"MX example.com"``, with no record for the rest."""

    def __init__(self, records: Mapping[str, tuple[str, ...] | Exception]) -> None:
        self.records = dict(records)
        self.asked: list[str] = []

    async def lookup(self, name: str, kind: RecordType, runtime: Runtime, deadline: float) -> tuple[str, ...]:
        assert runtime.now() <= deadline
        self.asked.append(f"{kind} {name}")
        found = self.records.get(f"{kind} {name}", ())
        if isinstance(found, Exception):
            raise found
        return found
