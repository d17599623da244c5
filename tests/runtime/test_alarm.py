"""Work that a thread does when it is time: what is held then, and a child that has no such thread."""

from __future__ import annotations

import os
import threading

import pytest

from forks import forked
from smtpkit.runtime.blocking import BlockingRuntime, run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


class Owner:
    """Its work takes until it is let go."""

    def __init__(self) -> None:
        self.working, self.over = threading.Event(), threading.Event()

    async def work(self) -> None:
        self.working.set()
        self.over.wait(5)


def test_a_fork_while_it_works() -> None:
    owner = Owner()
    alarm = BlockingRuntime().alarm(0.01, owner.work)

    def child() -> None:
        run(alarm.clear())
        alarm.set()
        run(alarm.clear())
        alarm.close()

    alarm.set()
    assert owner.working.wait(5)
    ended = forked(child)
    owner.over.set()
    alarm.close()
    assert ended
