"""PostalMime, which reads mail in Node.js: one process for as many mails as you like.

It succeeds mailparser, whose README says that it is in maintenance mode and recommends this one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

_HERE = Path(__file__).parent
_SECONDS = 120.0
"""After so long the process ends, whatever it does."""


def find_node() -> str | None:
    """The path of Node.js, if it is here and `make npm` was run."""
    return shutil.which("node") if (_HERE / "node_modules" / "postal-mime").is_dir() else None


class PostalMime:
    """The process, running within ``with``."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, _HERE / "read.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._end = Timer(_SECONDS, self._process.kill)

    def read(self, mail: bytes) -> Any:
        """What it reads in ``mail``: its ``Email``, with attachments in base64 and all header fields decoded."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b64encode(mail).decode() + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        self._end.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.cancel()
        self._process.communicate()
