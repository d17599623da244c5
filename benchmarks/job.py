"""What a client's process is to do, and what it says about it, as JSON."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.mails import Mail

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from benchmarks.sink import Security

__all__ = ["Job", "Result"]


class Job(NamedTuple):
    """Short mails to send: one that does not count, for all that is done once, and then those that do."""

    port: int
    security: Security
    ca_file: str | None
    in_flight: int
    messages: int | None
    """How many; ``None`` for as many as there is time for."""
    seconds: float
    """How long at most new ones are begun."""
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    attachment: str | None
    """The path of a file that is attached to all mails that count."""

    @classmethod
    def from_json(cls, text: str) -> Job:
        given = cls(**json.loads(text))
        return given._replace(to=tuple(given.to))

    def to_json(self) -> str:
        return json.dumps(self._asdict())

    @property
    def first(self) -> Mail:
        """The mail that does not count."""
        return Mail(self.sender, self.to, self.subject, self.text)

    def mails(self) -> Iterator[Mail]:
        """Those that count; the time runs from when the first is asked for."""
        base = self.first._replace(file=Path(self.attachment) if self.attachment else None)
        end = perf_counter() + self.seconds
        for number in count() if self.messages is None else range(self.messages):
            if perf_counter() > end:
                return
            yield base._replace(text=f"{self.text}{number}")

    def context(self) -> ssl.SSLContext | None:
        """TLS that trusts the sink."""
        if self.ca_file is None:
            return None
        import ssl

        return ssl.create_default_context(cafile=self.ca_file)


class Result(NamedTuple):
    """What the mails that count cost their client."""

    seconds: float
    cpu: float
    """Seconds of CPU time, system calls included."""
    grown: int
    """Octets by which resident memory at its peak was above what it was before."""
