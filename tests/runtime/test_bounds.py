"""What a server can make us keep."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from smtpkit.runtime.aio import AsyncStream
from smtpkit.smtp.commands import stuffed

if TYPE_CHECKING:
    from typing import Any


class _Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.reading = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


def test_a_server_that_talks_to_nobody_is_not_heard() -> None:
    async def scenario() -> None:
        stream = AsyncStream(asyncio.get_running_loop())
        transport = _Transport()
        stream.connection_made(transport)
        stream.data_received(b"x" * 1_000_000)
        assert transport.reading
        stream.data_received(b"x" * 100_000)
        assert not transport.reading
        assert sum([len(await stream.read(0)) for _ in range(17)]) == 1_100_000
        assert transport.reading

    asyncio.run(scenario())


def test_no_write_of_content_is_large() -> None:
    content = b"Subject: x\r\n\r\n" + b"0123456789abcde\r\n" * 100_000
    pieces = list(stuffed([content]))
    assert max(map(len, pieces)) <= 64 * 1024 + 5
    assert b"".join(pieces) == content + b".\r\n"
