"""The mails of the inbox: the last ones, in memory."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

from smtpkit.preview.letter import Letter
from smtpkit.value import at_least_1, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtpkit.preview.exhibit import Exhibit

__all__ = ["Kept", "Mails"]


@value
class Kept:
    """A mail that was received, and which one it is, from 1."""

    number: int
    letter: Letter


class Mails:
    """At most ``most`` mails, and ``most_octets`` of them; what is over pushes the oldest out. Threads share it.

    ``tell`` is called with each new one.

    Raises:
        InvalidConfiguration: ``most`` is below 1.
    """

    def __init__(self, most: int, tell: Callable[[Kept], None], *, most_octets: int = 256 * 1024 * 1024) -> None:
        self._kept: deque[Kept] = deque(maxlen=at_least_1("keep", most))
        self._octets = 0
        self._most_octets = most_octets
        self._received = 0
        self._changes = 0
        self._tell = tell
        self._lock = Lock()

    @property
    def version(self) -> str:
        """Another text after each change."""
        return str(self._changes)

    def add(self, exhibit: Exhibit) -> Kept:
        """Keep a mail."""
        letter = Letter(exhibit, "mail")
        with self._lock:
            self._received += 1
            self._changes += 1
            kept = Kept(self._received, letter)
            if len(self._kept) == self._kept.maxlen:
                self._drop()
            self._kept.append(kept)
            self._octets += len(exhibit.data)
            while self._octets > self._most_octets and len(self._kept) > 1:
                self._drop()
        self._tell(kept)
        return kept

    def _drop(self) -> None:
        self._octets -= len(self._kept.popleft().letter.exhibit.data)

    def clear(self) -> None:
        """Forget them all; numbers go on."""
        with self._lock:
            self._kept.clear()
            self._octets = 0
            self._changes += 1

    def newest_first(self) -> list[Kept]:
        """All of them."""
        with self._lock:
            return list(self._kept)[::-1]

    def numbered(self, number: int) -> Kept | None:
        """The one with that number, if it is still there."""
        return next((kept for kept in self.newest_first() if kept.number == number), None)
