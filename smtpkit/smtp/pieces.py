"""The content of a mail, a write at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.smtp import commands

if TYPE_CHECKING:
    from smtpkit.mail import Mail
    from smtpkit.runtime.base import Runtime

__all__ = ["Pieces", "whole"]


async def whole(mail: Mail, runtime: Runtime) -> bytes:
    """All of the content at once. Files are read where nobody else has to wait for them."""
    return await runtime.call(mail.as_bytes) if mail.reads_files else mail.as_bytes()


class Pieces:
    """The content as DATA has it, or ``chunked`` as BDAT does; its files are read while it is sent."""

    def __init__(self, mail: Mail, runtime: Runtime, *, chunked: bool) -> None:
        self.last: bool = False
        """Whether the piece that `next` gave is the last one."""
        self._pieces = (commands.chunked if chunked else commands.stuffed)(mail.chunks())
        self._runtime = runtime
        self._reads_files = mail.reads_files
        self._following: bytes | None = None

    async def next(self) -> bytes | None:
        """The next piece; ``None`` at the end.

        Raises:
            UnreadableAttachment: a file cannot be read any more, or changed its size.
        """
        if self.last:
            return None
        piece = await self._taken() if self._following is None else self._following
        self._following = await self._taken()
        self.last = self._following is None
        return piece

    async def _taken(self) -> bytes | None:
        return await self._runtime.call(next, self._pieces, None) if self._reads_files else next(self._pieces, None)
