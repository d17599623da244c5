"""Programs that some tests need, and that not every machine has."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def lacking(reason: str, required: str) -> NoReturn:
    """Skip the test for this ``reason``; where the environment has ``required=1``, fail."""
    if os.environ.get(required) == "1":
        pytest.fail(reason)
    pytest.skip(reason)
