"""Where passwords and tokens come from: one connection at a time asks, and those that wait get the same answer."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from smtpkit.errors import AuthenticationFailed, InvalidConfiguration, SmtpkitError, TimedOut
from smtpkit.runtime.aio import AsyncRuntime
from smtpkit.secret import Secret
from smtpkit.smtp.source import Source

MANY = 5


class Asked:
    """Counts how often it is asked, and answers when the gate is open: as a function, async function or client."""

    def __init__(self, answer: object = "s3cret") -> None:
        self.times = 0
        self.gate = threading.Event()
        self._answer = answer

    def by_function(self) -> Any:
        self.times += 1
        assert self.gate.wait(10)
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer

    async def by_async_function(self) -> Any:
        return await asyncio.to_thread(self.by_function)

    async def token(self, runtime: object, refused: object = None) -> Any:
        return await asyncio.to_thread(self.by_function)


class AsyncObject:
    """What is called asynchronously, and is no function."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    async def __call__(self) -> Any:
        return await self._asked.by_async_function()


def given(asked: Asked, kind: str) -> Any:
    kinds: dict[str, Any] = {
        "function": asked.by_function,
        "async function": asked.by_async_function,
        "async object": AsyncObject(asked),
        "client": asked,
    }
    return kinds[kind]


def together(asked: Asked, kind: str, *, cancelled: bool = False) -> list[Any]:
    """What as many tasks get that ask together."""
    source = Source("token", given(asked, kind))

    async def all_of_them() -> list[Any]:
        runtime = AsyncRuntime()
        tasks = [asyncio.ensure_future(source.ask("ann", runtime, 10)) for _ in range(MANY)]
        await asyncio.sleep(0)  # in which each of them begins, and waits
        if cancelled:
            tasks[0].cancel()
        asked.gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(all_of_them())


KINDS = pytest.mark.parametrize("kind", ["function", "async function", "async object", "client"])


@KINDS
def test_who_waits_gets_the_same_answer(kind: str) -> None:
    asked = Asked()
    assert together(asked, kind) == [Secret("s3cret")] * MANY
    assert asked.times == 1


@KINDS
@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (OSError("no way"), AuthenticationFailed, "no access token for ann: OSError('no way')"),
        (InvalidConfiguration("log in"), InvalidConfiguration, "log in"),
        ("", InvalidConfiguration, "token is empty"),
        ("x\n", InvalidConfiguration, "control character"),
    ],
)
def test_who_waits_gets_the_same_error(kind: str, answer: object, error: type[Exception], text: str) -> None:
    asked = Asked(answer)
    found = together(asked, kind)
    assert {type(each) for each in found} == {error}
    assert all(text in str(each) for each in found)
    assert {each.temporary for each in found if isinstance(each, SmtpkitError)} == {isinstance(answer, OSError)}
    assert len({id(each) for each in found}) == MANY
    assert asked.times == 1


@KINDS
def test_who_waits_asks_if_the_one_who_asked_was_cancelled(kind: str) -> None:
    asked = Asked()
    found = together(asked, kind, cancelled=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [Secret("s3cret")] * (MANY - 1)
    assert asked.times in (1, 2), "the first one may not have begun"


def test_who_waits_for_too_long_gives_up() -> None:
    asked = Asked()
    source = Source("password", asked.by_async_function)

    async def two() -> BaseException | Secret:
        runtime = AsyncRuntime()
        first = asyncio.ensure_future(source.ask("ann", runtime, 10))
        await asyncio.sleep(0)
        second = await asyncio.gather(source.ask("ann", runtime, 0.01), return_exceptions=True)
        asked.gate.set()
        assert await first == Secret("s3cret")
        return second[0]

    error = asyncio.run(two())
    assert isinstance(error, TimedOut)
    assert "the password of ann" in str(error)


def test_each_asks_anew_when_the_answer_has_come() -> None:
    asked = Asked()
    asked.gate.set()
    source = Source("token", asked.by_async_function)

    async def twice() -> list[Secret]:
        runtime = AsyncRuntime()
        return [await source.ask("ann", runtime, 10), await source.ask("ann", runtime, 10)]

    assert asyncio.run(twice()) == [Secret("s3cret")] * 2
    assert asked.times == 2
