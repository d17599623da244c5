"""How much memory something takes."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["MIB", "at_most", "left_at_most"]

MIB = 1024 * 1024


@contextmanager
def at_most(octets: int) -> Generator[None]:
    """Fails if what Python holds grows by more, at any moment."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - before <= octets, f"{peak - before} octets"


@contextmanager
def left_at_most(octets: int) -> Generator[None]:
    """Fails if what Python holds is more at the end, when what nobody needs is gone."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before <= octets, f"{after - before} octets"
