"""One test for both mailers: what `Mailer` does and what `AsyncMailer` does, called the same way.

A test module gets the fixture ``both`` by ``pytest_plugins = ("both",)``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar, cast

import pytest

from smtpkit import (
    AsyncBatch,
    AsyncDraft,
    AsyncMailer,
    Batch,
    Draft,
    Envelope,
    Mailer,
    Message,
    Receipt,
    SmtpkitError,
    Transport,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator
    from types import TracebackType

    from smtpkit.delivery import AnyMessage
    from smtpkit.diagnose import Report

T = TypeVar("T")

AnyMailer: TypeAlias = "Mailer | AsyncMailer"
Kind: TypeAlias = Literal["sync", "async"]

_SECONDS = 30.0


class Both:
    """Either mailer. Those that it makes are closed when the test ends."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.type: type[Mailer | AsyncMailer] = Mailer if kind == "sync" else AsyncMailer
        self.runner = asyncio.Runner()
        self._made: list[AnyMailer] = []

    def mailer(self, transport: Transport, **options: Any) -> AnyMailer:
        """A mailer over ``transport``."""
        return self.keep(self.type(transport, **options))

    def keep(self, mailer: AnyMailer) -> AnyMailer:
        """Close ``mailer`` when the test ends."""
        self._made.append(mailer)
        return mailer

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of ``coroutine``, in the one event loop of this test."""

        async def limited() -> T:
            async with asyncio.timeout(_SECONDS):
                return await coroutine

        return self.runner.run(limited())

    def send(self, mailer: AnyMailer, message: AnyMessage, *, envelope: Envelope | None = None) -> Receipt:
        """What ``send`` returns or raises."""
        if isinstance(mailer, Mailer):
            return mailer.send(message, envelope=envelope)
        return self.wait(mailer.send(message, envelope=envelope))

    def check(self, mailer: AnyMailer, **options: Any) -> Report:
        """What ``check`` returns or raises."""
        if isinstance(mailer, Mailer):
            return mailer.check(**options)
        return self.wait(mailer.check(**options))

    def receipt(self, mailer: AnyMailer, message: AnyMessage) -> Receipt:
        """What came of ``message``, also if it failed."""
        try:
            return self.send(mailer, message)
        except SmtpkitError as error:
            if error.receipt is None:
                raise
            return error.receipt

    def send_draft(self, draft: Message, *, envelope: Envelope | None = None) -> Receipt:
        """What ``send`` of a draft returns or raises."""
        if isinstance(draft, Draft):
            return draft.send(envelope=envelope)
        return self.wait(cast("AsyncDraft", draft).send(envelope=envelope))

    def send_many(self, mailer: AnyMailer, messages: Iterable[AnyMessage], **options: Any) -> Receipts:
        """The batch, as an iterator."""
        return Receipts(self, mailer.send_many(messages, **options))

    def close(self, mailer: AnyMailer) -> None:
        """Close it now."""
        if isinstance(mailer, Mailer):
            mailer.close()
        else:
            self.wait(mailer.close())

    def end(self) -> None:
        """Close everything."""
        try:
            for mailer in self._made:
                self.close(mailer)
        finally:
            self.runner.close()


class Receipts:
    """A batch of either kind, as an iterator and context manager."""

    def __init__(self, both: Both, batch: Batch | AsyncBatch) -> None:
        self.batch = batch
        self._both = both

    def __iter__(self) -> Iterator[Receipt]:
        return self

    def __next__(self) -> Receipt:
        if isinstance(self.batch, Batch):
            return next(self.batch)
        batch = self.batch

        async def following() -> Receipt | None:
            return await anext(batch, None)

        receipt = self._both.wait(following())
        if receipt is None:
            raise StopIteration
        return receipt

    def __enter__(self) -> Self:
        if isinstance(self.batch, Batch):
            assert self.batch.__enter__() is self.batch
        else:
            assert self._both.wait(self.batch.__aenter__()) is self.batch
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self.batch, Batch):
            self.batch.__exit__(kind, error, trace)
        else:
            self._both.wait(self.batch.__aexit__(kind, error, trace))


@pytest.fixture(params=("sync", "async"))
def both(request: pytest.FixtureRequest) -> Iterator[Both]:
    """Runs the test with `Mailer`, and again with `AsyncMailer`."""
    driver = Both(request.param)
    try:
        yield driver
    finally:
        driver.end()
