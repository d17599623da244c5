"""A Redis server on a private port, that keeps nothing.

A test module gets the fixture ``redis_server`` by ``pytest_plugins = ("servers.redis_server",)``.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from needs import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["RedisServer", "redis_server"]


class RedisServer:
    """A running server, and a client to look into it."""

    def __init__(self, program: str, directory: Path) -> None:
        import redis

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}/0"
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [program, *options, "--dir", str(directory)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        library: Any = redis
        self.client = library.Redis.from_url(self.url)
        self._await(redis.ConnectionError)

    def _await(self, not_there: type[Exception]) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                self.client.ping()
                return
            except not_there:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.stop()
                    raise
                time.sleep(0.02)

    def flush(self) -> None:
        """Empty it."""
        self.client.flushall()

    def stop(self) -> None:
        """End it."""
        self.client.close()
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for the whole run."""
    program = shutil.which("redis-server")
    if program is None:
        lacking("redis-server is not installed here", "SMTPKIT_REQUIRE_REDIS")
    server = RedisServer(program, tmp_path_factory.mktemp("redis"))
    try:
        yield server
    finally:
        server.stop()
