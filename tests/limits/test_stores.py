"""The stores: each keeps the promises of `Store`, and its file or server is treated with care."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    AsyncMailer,
    DailyLimit,
    DeliveryError,
    FakeTransport,
    InvalidConfiguration,
    Mailer,
    Message,
    RateLimit,
)
from smtpkit.limits import Count, MemoryStore, RedisStore, Reservation, SqliteStore, Window
from smtpkit.runtime.blocking import BlockingRuntime, run
from smtpkit.testing.stores import check_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from both import Both
    from servers.redis_server import RedisServer
    from smtpkit.runtime.base import Runtime

pytest_plugins = ("both", "servers.redis_server")

MESSAGE = Message().from_("me@example.com").to("ann@example.com").subject("Hello").text("Hi")
HOUR = Window("hour")


def test_memory_keeps_the_promises() -> None:
    check_store(MemoryStore)


def test_sqlite_keeps_the_promises(tmp_path: Path) -> None:
    numbers = iter(range(100))
    stores: list[SqliteStore] = []

    def made() -> SqliteStore:
        stores.append(SqliteStore(tmp_path / f"{next(numbers)}.db"))
        return stores[-1]

    check_store(made)
    for store in stores:
        store.close()


def test_redis_keeps_the_promises(redis_server: RedisServer) -> None:
    def made() -> RedisStore:
        redis_server.flush()
        return RedisStore(redis_server.url, clock="client")

    check_store(made)


def test_redis_keeps_the_promises_by_its_own_clock(redis_server: RedisServer) -> None:
    def made() -> RedisStore:
        redis_server.flush()
        return RedisStore(redis_server.url)

    check_store(made, own_clock=True)


def async_client(server: RedisServer) -> Any:
    import redis.asyncio

    library: Any = redis.asyncio
    return library.Redis.from_url(server.url)


def test_redis_with_an_async_client_keeps_the_promises(redis_server: RedisServer) -> None:
    with asyncio.Runner() as runner:
        client = async_client(redis_server)

        def made() -> RedisStore:
            redis_server.flush()
            return RedisStore(client, clock="client")

        check_store(made, run=runner.run)
        runner.run(client.aclose())


class Wrong(MemoryStore):
    """A store that breaks a promise."""

    def __init__(self, promise: str) -> None:
        super().__init__()
        self._promise = promise

    async def reserve(self, key: str, n: int, window: Window, runtime: Runtime, *, limit: int) -> Reservation:
        if self._promise == "apart":
            key = "one for all"
        if self._promise == "limit":
            limit += 1
        found = await super().reserve(key, n, window, runtime, limit=limit)
        if self._promise == "settled at once":
            await super().settle(found, 0, runtime)
        return found

    async def settle(self, reservation: Reservation, unused: int, runtime: Runtime) -> None:
        if self._promise != "unsettled":
            await super().settle(reservation, 0 if self._promise == "kept" else unused, runtime)

    async def exhaust(self, key: str, window: Window, runtime: Runtime, *, limit: int, until: Any = None) -> None:
        if self._promise != "endless":
            await super().exhaust(key, window, runtime, limit=limit, until=until)

    async def count(self, key: str, window: Window, runtime: Runtime) -> Count:
        if self._promise == "blind":
            return Count(0, None)
        return await super().count(key, window, runtime)


@pytest.mark.parametrize("promise", ["apart", "limit", "settled at once", "unsettled", "kept", "endless", "blind"])
def test_a_broken_promise_is_found(promise: str) -> None:
    with pytest.raises(AssertionError, match="is expected"):
        check_store(lambda: Wrong(promise))


def test_a_file_is_made_when_it_is_first_used(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    limit = DailyLimit(5, path=path)
    mailer = Mailer(FakeTransport(), limits=[limit, RateLimit(5, "hour", path=path)])
    assert (limit.used(), limit.remaining(), limit.resets_at()) == (0, 5, None)
    assert not path.exists()
    mailer.send(MESSAGE)
    assert {each.name for each in tmp_path.iterdir()} == {"mail.db", "mail.db-wal", "mail.db-shm"}
    assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}
    assert [status.used for status in mailer.limits()] == [1, 1]


def test_a_file_is_counted_in_by_all_who_name_it(tmp_path: Path, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = DailyLimit(3, path="mail.db"), DailyLimit(3, path=tmp_path / "mail.db")
    monkeypatch.chdir("/")
    for limit in (first, second, first):
        assert both.send(both.mailer(FakeTransport(), limits=limit), MESSAGE).ok
    assert (first.used(), second.used()) == (3, 3)
    assert not both.receipt(both.mailer(FakeTransport(), limits=second), MESSAGE).ok


def test_an_event_loop_is_not_held_up(tmp_path: Path, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is used in another thread than that of the loop."""
    threads: set[int] = set()
    told = SqliteStore._told  # pyright: ignore[reportPrivateUsage]

    def noting(store: SqliteStore, work: Any) -> Any:
        threads.add(threading.get_ident())
        return told(store, work)

    monkeypatch.setattr(SqliteStore, "_told", noting)
    mailer = both.mailer(FakeTransport(), limits=DailyLimit(3, path=tmp_path / "mail.db"))
    both.send(mailer, MESSAGE)
    if isinstance(mailer, AsyncMailer):
        both.wait(mailer.limits())
    assert (threading.get_ident() in threads) == (both.kind == "sync")


def test_what_the_server_said_is_known_to_other_processes(tmp_path: Path, both: Both) -> None:
    ours, theirs = DailyLimit(5, path=tmp_path / "mail.db"), DailyLimit(5, path=tmp_path / "mail.db")
    run(ours.exhausted("this transport", BlockingRuntime()))
    assert not both.receipt(both.mailer(FakeTransport(), limits=theirs), MESSAGE).ok
    assert theirs.remaining() == 0


def test_rows_that_no_window_has_are_dropped(tmp_path: Path) -> None:
    store, runtime = SqliteStore(tmp_path / "mail.db"), BlockingRuntime()
    for n in range(20):
        run(store.reserve(f"account {n}", 1, HOUR, runtime, limit=5))
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE counts SET time = time - 33 * 86400 * 1000000")
    db.close()
    store.close()
    run(SqliteStore(store.path).reserve("another", 1, HOUR, runtime, limit=5))
    db = sqlite3.connect(store.path)
    assert db.execute("SELECT count(*) FROM counts").fetchone() == (1,)
    assert db.execute("SELECT * FROM totals").fetchall() == [("another", 1)]
    db.close()


def test_a_file_of_a_later_version(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "mail.db")
    db.execute("PRAGMA user_version = 2")
    db.close()
    mailer = Mailer(FakeTransport(), limits=DailyLimit(5, path=tmp_path / "mail.db"))
    with pytest.raises(DeliveryError, match="later smtpkit"):
        mailer.send(MESSAGE)


def no_directory(path: Path) -> Path:
    return path / "not" / "there.db"


def no_database(path: Path) -> Path:
    (path / "mail.db").write_text("this is a text" * 100)
    return path / "mail.db"


def a_directory(path: Path) -> Path:
    return path


@pytest.mark.parametrize("place", [no_directory, no_database, a_directory])
def test_a_file_that_cannot_be_used(both: Both, tmp_path: Path, place: Callable[[Path], Path]) -> None:
    fake = FakeTransport()
    mailer = both.mailer(fake, limits=DailyLimit(5, path=place(tmp_path)))
    with pytest.raises(DeliveryError, match="cannot be counted") as caught:
        both.send(mailer, MESSAGE)
    assert caught.value.stage == "limit"
    assert caught.value.safe_to_retry
    assert not fake.outbox


def test_a_file_that_another_program_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtpkit.limits.sqlite._BUSY", 0.01)
    limit = DailyLimit(5, path=tmp_path / "mail.db")
    mailer = Mailer(FakeTransport(), limits=limit)
    mailer.send(MESSAGE)
    db = sqlite3.connect(tmp_path / "mail.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    with pytest.raises(DeliveryError, match="locked") as caught:
        mailer.send(MESSAGE)
    assert caught.value.temporary
    db.execute("ROLLBACK")
    db.close()
    mailer.send(MESSAGE)
    assert limit.used() == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_of_a_fork_opens_the_file_anew(tmp_path: Path) -> None:
    limit = DailyLimit(5, path=tmp_path / "mail.db")
    mailer = Mailer(FakeTransport(), limits=limit)
    mailer.send(MESSAGE)
    child = os.fork()
    if not child:
        code = 1
        try:
            inherited = limit._store._connection  # type: ignore[attr-defined]  # pyright: ignore
            both_sent = mailer.send(MESSAGE).ok and mailer.send(MESSAGE).ok
            code = 0 if both_sent and limit._store._connection is not inherited else 2  # type: ignore[attr-defined]  # pyright: ignore
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    mailer.send(MESSAGE)
    assert limit.used() == 4


BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: DailyLimit(5, path=5), "path of a file"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (lambda: DailyLimit(5, path=""), "path of a file"),
    (lambda: DailyLimit(5, path=":memory:"), "path of a file"),
    (lambda: DailyLimit(5, path="mail.db", store=MemoryStore()), "give one of them"),
    (lambda: RedisStore(5), "a client of redis-py"),
    (lambda: RedisStore("redis://localhost", clock="mine"), "server"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (lambda: DailyLimit(5, path="mail.db").used(), "Name the account"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "text"), BAD)
def test_bad_arguments(make: Callable[[], object], text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=text):
        make()


def test_redis_counts_for_both_mailers(both: Both, redis_server: RedisServer) -> None:
    redis_server.flush()
    limit = DailyLimit(2, store=RedisStore(redis_server.url))
    mailer = both.mailer(FakeTransport(), limits=limit)
    assert [receipt.ok for receipt in both.send_many(mailer, [MESSAGE] * 3)] == [True, True, False]
    assert (limit.used(), limit.remaining()) == (2, 0)


def test_redis_keys_expire(redis_server: RedisServer) -> None:
    redis_server.flush()
    store, runtime = RedisStore(redis_server.url), BlockingRuntime()
    run(store.settle(run(store.reserve("a", 2, HOUR, runtime, limit=5)), 1, runtime))
    keys = redis_server.client.keys("*")
    assert len(keys) == 3
    assert all(86400_000 < redis_server.client.pttl(key) <= (2 * 3600 + 86400) * 1000 for key in keys)


class Astray(BlockingRuntime):
    """The clock of this machine is some days wrong."""

    __slots__ = ("days",)

    def __init__(self, days: int) -> None:
        super().__init__()
        self.days = days

    def timestamp(self) -> float:
        return super().timestamp() + self.days * 86400


@pytest.mark.parametrize("days", [-3, 3])
def test_redis_has_another_day_than_we_have(redis_server: RedisServer, days: int) -> None:
    redis_server.flush()
    store, day = RedisStore(redis_server.url), Window("calendar-day")
    old, before = RedisStore(redis_server.url, clock="client"), Astray(-2)
    run(old.settle(run(old.reserve("a", 3, day, before, limit=5)), 0, before))
    assert run(store.reserve("a", 4, day, Astray(days), limit=5)).granted
    astray = run(store.reserve("a", 2, day, Astray(days), limit=5))
    assert (astray.granted, astray.used) == (False, 4)
    assert astray.room_at == day.leaves(astray.now, astray.now)


def test_a_redis_server_that_is_not_there(both: Both) -> None:
    fake = FakeTransport()
    store = RedisStore("redis://:hidden@127.0.0.1:1/0")
    with pytest.raises(DeliveryError, match="Is the server there") as caught:
        both.send(both.mailer(fake, limits=DailyLimit(5, store=store)), MESSAGE)
    assert "hidden" not in f"{caught.value}{store!r}"
    assert not fake.outbox


def test_an_async_client_needs_an_async_mailer(redis_server: RedisServer) -> None:
    client = async_client(redis_server)
    mailer = Mailer(FakeTransport(), limits=DailyLimit(5, store=RedisStore(client)))
    with pytest.raises(InvalidConfiguration, match="URL serves everywhere"):
        mailer.send(MESSAGE)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "redis", None)
    mailer = Mailer(FakeTransport(), limits=DailyLimit(5, store=RedisStore("redis://localhost")))
    with pytest.raises(InvalidConfiguration, match=r"pip install .smtpkit\[redis\]"):
        mailer.send(MESSAGE)
