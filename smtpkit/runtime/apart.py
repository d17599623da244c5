"""An event loop of its own, in a thread of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from smtpkit.runtime.aio import AsyncRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import TypeVar

    from smtpkit.runtime.base import Runtime

    T = TypeVar("T")

__all__ = ["run_apart"]


def run_apart(action: Callable[[Runtime], Coroutine[Any, Any, T]]) -> T:
    """What ``action`` returns or raises in an event loop for it alone; the caller may run in one itself."""

    async def acted() -> T:
        return await action(AsyncRuntime())

    with ThreadPoolExecutor(1, "smtpkit-apart") as executor:
        return executor.submit(lambda: asyncio.run(acted())).result()
