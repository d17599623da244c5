"""Several threads that do the same at once, to see whether it stands that."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

__all__ = ["all_at_once"]


def all_at_once(count: int, work: Callable[[], T]) -> list[T]:
    """What ``work`` gives in each of ``count`` threads. What one raises is raised."""
    found: list[T] = []
    failures: list[BaseException] = []
    barrier = threading.Barrier(count)

    def one() -> None:
        try:
            barrier.wait()
            found.append(work())
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return found
