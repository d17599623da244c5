"""Counts on a Redis server: for several machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from smtpkit.errors import DeliveryError, InvalidConfiguration
from smtpkit.limits.store import Count, Reservation
from smtpkit.secret import Secret, not_pickled

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from smtpkit.limits.window import Window
    from smtpkit.runtime.base import Runtime

__all__ = ["RedisStore"]

_Clock: TypeAlias = Literal["server", "client"]
# The clients of redis-py are typed for both kinds at once, with results that may be either.
_Client: TypeAlias = Any

# A key has a sorted set of "n:id" by time, in microseconds, and the sum of those n. Numbers become texts by "%.0f":
# Lua itself writes no more than 14 digits.
_SCRIPT = """
local counts, total, last = KEYS[1], KEYS[2], KEYS[3]
local order, now, seconds = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local begins, ends, kept = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local function text(number) return string.format("%.0f", number) end
if now < 0 then
    local time = redis.call("TIME")
    now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
if order ~= "settle" and seconds == 0 and (now < begins or now >= ends) then
    return {"calendar", text(now)}
end
local function add(n, id, time)
    redis.call("ZADD", counts, text(time), text(n) .. ":" .. id)
    redis.call("INCRBY", total, text(n))
    redis.call("PEXPIRE", counts, text(kept))
    redis.call("PEXPIRE", total, text(kept))
end
local function remove(member)
    redis.call("ZREM", counts, member)
    redis.call("DECRBY", total, string.match(member, "^%d+"))
end
if order == "settle" then
    local member, n, id = ARGV[7], tonumber(ARGV[8]), ARGV[9]
    if redis.call("ZSCORE", counts, member) then
        kept = redis.call("PTTL", total)
        remove(member)
        if n > 0 then add(n, id, now) end
    end
    return {"settled", text(now)}
end
local since = seconds > 0 and now - seconds or begins - 1
for _, member in ipairs(redis.call("ZRANGEBYSCORE", counts, "-inf", text(since))) do remove(member) end
local used = tonumber(redis.call("GET", total) or "0")
local function leaving(n)
    local first = 0
    while true do
        local found = redis.call("ZRANGE", counts, first, first + 99, "WITHSCORES")
        if #found == 0 then return "" end
        for i = 1, #found, 2 do
            n = n - tonumber(string.match(found[i], "^%d+"))
            if n <= 0 then return text(tonumber(found[i + 1])) end
        end
        first = first + 100
    end
end
if order == "count" then
    return {"counted", text(now), text(used), used > 0 and leaving(1) or ""}
end
local n, limit, time = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
if order == "exhaust" then
    if time >= 0 then n = limit else n, time = limit - used, now end
    if n <= 0 then return {"exhausted", text(now)} end
elseif used + n > limit then
    return {"full", text(now), text(used), n <= limit and leaving(used + n - limit) or ""}
else
    time = time + now
end
local id = text(now) .. "-" .. text(redis.call("INCR", last))
redis.call("PEXPIRE", last, text(kept))
add(n, id, time)
return {"granted", text(now), text(used), text(n) .. ":" .. id}
"""

_TIMEOUTS = {"socket_timeout": 10.0, "socket_connect_timeout": 10.0}


class RedisStore:
    """A `Store` on a Redis server (5 or newer), for all who use the same one; each operation is one script.

    Keys begin with ``smtpkit:`` and expire when nothing counts any more. How well the server keeps them is its
    configuration's matter: ``appendonly yes``, and no eviction. If it cannot be asked, nothing is sent.

    Args:
        server: a URL such as ``"redis://:password@host:6379/0"``, or a client of redis-py. A ``redis.Redis`` serves
            both mailers (`AsyncMailer` asks it in a thread), a ``redis.asyncio.Redis`` an `AsyncMailer` in its loop.
        clock: whose time counts. The ``"server"``'s is the same for all machines; ``"client"`` takes that of each.

    Raises:
        InvalidConfiguration: ``server`` is neither, or the ``redis`` extra is not installed.
    """

    def __init__(self, server: str | _Client, *, clock: _Clock = "server") -> None:
        if clock not in ("server", "client"):
            raise InvalidConfiguration(f"RedisStore(clock={clock!r})", hint='It is "server" or "client".')
        if isinstance(server, str):
            given, server = Secret(server), None
            self._connect: Callable[[], _Client] = lambda: _connected(given)
        else:
            client, server = server, None
            if not hasattr(client, "register_script"):
                raise InvalidConfiguration(
                    f"RedisStore({type(client).__name__})", hint='Give it "redis://host", or a client of redis-py.'
                )
            self._connect = lambda: client
        self._clock: _Clock = clock
        self._client: _Client = None
        self._script: _Client = None

    def __reduce__(self) -> NoReturn:
        raise not_pickled("a RedisStore")

    async def reserve(self, key: str, n: int, window: Window, runtime: Runtime, *, limit: int) -> Reservation:
        """Count ``n``, if there is room. Raises `DeliveryError` if the server cannot be asked."""
        word, now, used, more = await self._run("reserve", key, window, runtime, n, limit, _micro(window.flight))
        time = now + window.flight
        if word == "granted":
            return Reservation(key, n, time, True, int(used), now, id=more)
        room_at = window.leaves(int(more) / 1e6, now) if more else None
        return Reservation(key, n, time, False, int(used), now, room_at)

    async def settle(self, reservation: Reservation, unused: int, runtime: Runtime) -> None:
        """Count what was used of it now."""
        left = max(reservation.n - unused, 0)
        name = reservation.id.partition(":")[2]
        await self._run("settle", reservation.key, None, runtime, reservation.id, left, name)

    async def exhaust(
        self, key: str, window: Window, runtime: Runtime, *, limit: int, until: float | None = None
    ) -> None:
        """Count what is missing to ``limit``."""
        time = -1 if until is None else _micro(window.entering(until))
        await self._run("exhaust", key, window, runtime, 0, limit, time)

    async def count(self, key: str, window: Window, runtime: Runtime) -> Count:
        """What is counted now."""
        _, now, used, first = await self._run("count", key, window, runtime)
        return Count(int(used), window.leaves(int(first) / 1e6, now) if first else None)

    async def _run(
        self, order: str, key: str, window: Window | None, runtime: Runtime, *more: object
    ) -> tuple[str, float, str, str]:
        """What the script answers: a word, the time, and two numbers or names."""
        now = runtime.timestamp()
        while True:
            asked = -1 if self._clock == "server" else _micro(now)
            answer = await self._answer(key, [order, asked, *_bounds(window, now), *more], runtime)
            word, time, *found = [each.decode() if isinstance(each, bytes) else str(each) for each in answer]
            if word != "calendar":
                number, more_of_it = [*found, "", ""][:2]
                return word, int(time) / 1e6, number, more_of_it
            # The server has another day than we have.
            now = int(time) / 1e6

    async def _answer(self, key: str, arguments: list[object], runtime: Runtime) -> list[Any]:
        # In one slot of a cluster.
        name = f"smtpkit:{{{key}}}"
        keys = [name, f"{name}:total", f"{name}:last"]
        from_client = self._script_of(self._client_now())
        try:
            if _is_async(self._client):
                answer: list[Any] = await from_client(keys=keys, args=arguments)
            else:
                answer = await runtime.call(from_client, keys=keys, args=arguments)
        except RuntimeError as cause:
            raise InvalidConfiguration(
                f"the redis.asyncio client of a RedisStore cannot be used here: {cause}",
                hint="It serves an AsyncMailer in the event loop that it was first used in; a URL serves everywhere.",
            ) from cause
        except _redis().exceptions.RedisError as cause:
            raise DeliveryError(
                f"the limits on the Redis server cannot be counted: {cause}",
                stage="limit",
                temporary=True,
                hint="Nothing was sent. Is the server there, and does it take the log-in?",
            ) from cause
        return answer

    def _client_now(self) -> _Client:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _script_of(self, client: _Client) -> _Client:
        if self._script is None:
            self._script = client.register_script(_SCRIPT)
        return self._script

    def __repr__(self) -> str:
        return f"RedisStore(clock={self._clock!r})"


def _bounds(window: Window | None, now: float) -> list[int]:
    """Of ``window``: its length, or 0 for one of a calendar; its begin and end; milliseconds for which it is kept."""
    if window is None:
        return [0, 0, 0, 0]
    kept = int(2 * window.longest + 86400) * 1000
    if window.seconds is not None:
        return [_micro(window.seconds), 0, 0, kept]
    return [0, _micro(window.since(now)) + 1, _micro(window.leaves(now, now)), kept]


def _connected(url: Secret) -> _Client:
    library = _redis()
    try:
        return library.Redis.from_url(url.reveal(), **_TIMEOUTS)
    except ValueError:
        hint = 'Such as "redis://:password@host:6379/0"; "rediss://" is with TLS, "unix://" a socket.'
        raise InvalidConfiguration("the URL of the Redis server cannot be used", hint=hint) from None


def _redis() -> Any:
    """The library, when it is needed."""
    try:
        import redis
    except ImportError as missing:
        raise InvalidConfiguration(
            "RedisStore needs the library redis, which is not installed", hint='pip install "smtpkit[redis]"'
        ) from missing
    return redis


def _is_async(client: _Client) -> bool:
    library = _redis().asyncio
    return isinstance(client, (library.Redis, library.RedisCluster))


def _micro(moment: float) -> int:
    return round(moment * 1e6)
