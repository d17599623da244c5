"""What the fuzzer begins with, and some thousand inputs made of it: all of that without the fuzzer."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name: str) -> None:
    target: Any = import_module(f"fuzz.{name}")
    for seed in target.SEEDS:
        target.check(seed)


def _cut(seed: bytes, start: int, stop: int) -> bytes:
    start, stop = start % (len(seed) + 1), stop % (len(seed) + 1)
    return seed[min(start, stop) : max(start, stop)]


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_input(name: str, data: st.DataObject) -> None:
    """Pieces of the seeds, with anything between them."""
    target: Any = import_module(f"fuzz.{name}")
    seeds: tuple[bytes, ...] = target.SEEDS
    piece = st.builds(_cut, st.sampled_from(seeds), st.integers(0, 10_000), st.integers(0, 10_000))
    target.check(b"".join(data.draw(st.lists(piece | st.binary(max_size=8), max_size=6))))
