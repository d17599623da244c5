"""``python -m fuzz.process TARGET [OPTION | FILE ...]``: one target under libFuzzer, or what it says to files."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

# It has no types.
atheris: Any = import_module("atheris")

if __name__ == "__main__":
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["smtpkit"]):
        target: Any = import_module(f"fuzz.{name}")
    atheris.Setup([name, *options], target.check)
    atheris.Fuzz()
