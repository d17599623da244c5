"""A child of a fork, which may hang."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["forked"]

_SECONDS = 5.0


def forked(work: Callable[[], object]) -> bool:
    """Whether a child does ``work`` to its end, without an error and in time. It is ended in any case."""
    ending, told = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(ending)
            work()
            code = 0
        finally:
            os._exit(code)
    os.close(told)
    # Its end closes the pipe.
    in_time = bool(select.select([ending], [], [], _SECONDS)[0])
    os.close(ending)
    if not in_time:
        os.kill(child, 9)
    return os.waitpid(child, 0)[1] == 0 and in_time
