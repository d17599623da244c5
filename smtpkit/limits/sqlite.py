"""Counts in a file: for the processes of one machine.

WAL, since it needs one flush to disk for a reservation where a rollback journal needs four, and since a process that
is killed leaves nothing that others have to wait for. Its price is two more files beside it (``-wal``, ``-shm``), and
that it works on file systems of this machine alone: not on NFS.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from smtpkit.errors import DeliveryError, InvalidConfiguration
from smtpkit.limits.store import Count, Reservation
from smtpkit.runtime.lock import ForkSafeLock

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from smtpkit.limits.window import Window
    from smtpkit.runtime.base import Runtime

    T = TypeVar("T")

__all__ = ["SqliteStore"]

_VERSION = 1
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS counts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, time INTEGER NOT NULL, n INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS counts_in_order ON counts (key, time, n);
CREATE TABLE IF NOT EXISTS totals (key TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS counted AFTER INSERT ON counts BEGIN
    INSERT OR IGNORE INTO totals VALUES (new.key, 0);
    UPDATE totals SET n = n + new.n WHERE key = new.key;
END;
CREATE TRIGGER IF NOT EXISTS changed AFTER UPDATE OF n ON counts BEGIN
    UPDATE totals SET n = n + new.n - old.n WHERE key = new.key;
END;
CREATE TRIGGER IF NOT EXISTS forgotten AFTER DELETE ON counts BEGIN
    UPDATE totals SET n = n - old.n WHERE key = old.key;
    DELETE FROM totals WHERE key = old.key AND n = 0;
END;
"""
# Times are in microseconds: floating point numbers would not come back as they were.

_BUSY = 10.0
"""Seconds to wait for other processes; each of them is done in a few milliseconds."""
_SWITCHES = 100
"""Attempts to switch to WAL while other processes do the same."""
_KEPT = 32 * 86400
"""Seconds: no window is longer."""
_SWEEP = 3600.0
"""Seconds between two looks for accounts that are gone."""

_inherited: list[sqlite3.Connection] = []
"""Of the parent of a fork: to close them is the parent's business, and would harm it."""


class SqliteStore:
    """A `Store` in a file, for all processes of a machine that name the same one, by the machine's clock.

    The file is made when it is first used, for the eyes of its user alone. What a process reserved stays counted
    if it is killed. It is to be on a disk of this machine.

    Args:
        path: the file. Its directory has to be there.

    Raises:
        InvalidConfiguration: ``path`` is no path.
    """

    _connection: sqlite3.Connection | None = None

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            found = os.fsdecode(path)
        except TypeError:
            found = ""
        if found == "" or found.startswith(":"):
            raise InvalidConfiguration(f"path={path!r}", hint='It is the path of a file, such as "mail.db".')
        # A process may change its directory.
        self.path: str = os.path.abspath(found)
        self._lock = ForkSafeLock()
        self._pid = 0
        self._swept = 0.0

    @property
    def place(self) -> object:
        """The same for two stores that are one."""
        return os.path.realpath(self.path)

    async def reserve(self, key: str, n: int, window: Window, runtime: Runtime, *, limit: int) -> Reservation:
        """Count ``n``, if there is room. Raises `DeliveryError` if the file cannot be used."""

        def work(db: sqlite3.Connection) -> Reservation:
            now = runtime.timestamp()
            self._sweep(db, now)
            used = _forget(db, key, window, now)
            time = now + window.flight
            if used + n > limit:
                blocked_by = _leaving(db, key, used + n - limit) if n <= limit else None
                room_at = None if blocked_by is None else window.leaves(blocked_by, now)
                return Reservation(key, n, time, False, used, now, room_at)
            return Reservation(key, n, time, True, used, now, id=str(_add(db, key, time, n)))

        return await runtime.call(self._changed, work, durably=True)

    async def settle(self, reservation: Reservation, unused: int, runtime: Runtime) -> None:
        """Count what was used of it now."""

        def work(db: sqlite3.Connection) -> None:
            if unused >= reservation.n:
                db.execute("DELETE FROM counts WHERE id = ?", (reservation.id,))
            else:
                now = _micro(runtime.timestamp())
                db.execute("UPDATE counts SET time = ?, n = n - ? WHERE id = ?", (now, unused, reservation.id))

        # If the machine loses its power now, it counts a little longer.
        await runtime.call(self._changed, work, durably=False)

    async def exhaust(
        self, key: str, window: Window, runtime: Runtime, *, limit: int, until: float | None = None
    ) -> None:
        """Count what is missing to ``limit``."""

        def work(db: sqlite3.Connection) -> None:
            now = runtime.timestamp()
            used = _forget(db, key, window, now)
            if until is not None:
                _add(db, key, window.entering(until), limit)
            elif used < limit:
                _add(db, key, now, limit - used)

        await runtime.call(self._changed, work, durably=True)

    async def count(self, key: str, window: Window, runtime: Runtime) -> Count:
        """What is counted now. A file that is not there is not made."""

        def work(db: sqlite3.Connection) -> Count:
            now = runtime.timestamp()
            query = "SELECT coalesce(sum(n), 0), min(time) FROM counts WHERE key = ? AND time > ?"
            used, first = db.execute(query, (key, _micro(window.since(now)))).fetchone()
            return Count(used, None if first is None else window.leaves(first / 1e6, now))

        def look() -> Count:
            return self._told(work) if os.path.exists(self.path) else Count(0, None)

        return await runtime.call(look)

    def close(self) -> None:
        """Close the file. It is opened again when it is needed."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None and self._pid == os.getpid():
                connection.close()
            elif connection is not None:
                _inherited.append(connection)

    def __del__(self) -> None:
        if self._connection is not None:
            self.close()

    def _changed(self, work: Callable[[sqlite3.Connection], T], *, durably: bool) -> T:
        """What ``work`` gives, as one transaction that has the file for itself."""

        def alone(db: sqlite3.Connection) -> T:
            db.execute(f"PRAGMA synchronous = {'FULL' if durably else 'NORMAL'}")
            db.execute("BEGIN IMMEDIATE")
            try:
                found = work(db)
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
            return found

        return self._told(alone)

    def _told(self, work: Callable[[sqlite3.Connection], T]) -> T:
        import sqlite3

        with self._lock:
            try:
                return work(self._connected())
            except (sqlite3.Error, OSError) as cause:
                self.close()
                raise DeliveryError(
                    f"the limits in {self.path} cannot be counted: {cause}",
                    stage="limit",
                    temporary=isinstance(cause, sqlite3.OperationalError),
                    hint="Nothing was sent. It has to be on a disk of this machine, and writable like its directory.",
                ) from cause

    def _connected(self) -> sqlite3.Connection:
        """The connection of this process."""
        if self._connection is not None and self._pid == os.getpid():
            return self._connection
        self.close()
        import sqlite3

        # SQLite would make it for everyone to read; its two companions get the same rights.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600))
        # Any thread may come, one at a time.
        db = sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            _prepare(db)
        except BaseException:
            db.close()
            raise
        self._connection, self._pid = db, os.getpid()
        return db

    def _sweep(self, db: sqlite3.Connection, now: float) -> None:
        if now - self._swept >= _SWEEP or now < self._swept:
            self._swept = now
            db.execute("DELETE FROM counts WHERE time <= ?", (_micro(now - _KEPT),))

    def __repr__(self) -> str:
        return f"SqliteStore({self.path!r})"


def _prepare(db: sqlite3.Connection) -> None:
    """Set the file up, or see that it is ours."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise DeliveryError(
            "the file of limits was written by a later smtpkit, or by another program", stage="limit",
            hint="Update smtpkit, or give the limits another path.",
        )  # fmt: skip
    (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        _to_wal(db)
    if version < _VERSION:
        db.executescript(f"{_SCHEMA}PRAGMA user_version = {_VERSION}; COMMIT;")


def _to_wal(db: sqlite3.Connection) -> None:
    """Switch to WAL, which does not wait for others by itself."""
    import sqlite3

    for attempt in range(_SWITCHES):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if attempt + 1 == _SWITCHES:
                raise
            # Another process does it, or makes its schema: for this lock we wait until that is done.
            db.execute("BEGIN IMMEDIATE")
            db.execute("COMMIT")


def _forget(db: sqlite3.Connection, key: str, window: Window, now: float) -> int:
    """Drop what has left the window, and say what is in it."""
    db.execute("DELETE FROM counts WHERE key = ? AND time <= ?", (key, _micro(window.since(now))))
    found = db.execute("SELECT n FROM totals WHERE key = ?", (key,)).fetchone()
    return found[0] if found else 0


def _add(db: sqlite3.Connection, key: str, time: float, n: int) -> int:
    made = db.execute("INSERT INTO counts (key, time, n) VALUES (?, ?, ?)", (key, _micro(time), n)).lastrowid
    assert made is not None
    return made


def _leaving(db: sqlite3.Connection, key: str, n: int) -> float | None:
    """The time of the count with which ``n`` have left the window."""
    for time, count in db.execute("SELECT time, n FROM counts WHERE key = ? ORDER BY time", (key,)):
        n -= count
        if n <= 0:
            return float(time / 1e6)
    return None


def _micro(moment: float) -> int:
    return round(moment * 1e6)
