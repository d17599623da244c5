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


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_input(name: str, data: st.DataObject) -> None:
    """Pieces of the seeds, with anything between them."""
    target: Any = import_module(f"fuzz.{name}")
    seeds: tuple[bytes, ...] = target.SEEDS
    piece = st.sampled_from(seeds).flatmap(
        lambda seed: st.builds(
            lambda start, stop: seed[min(start, stop) : max(start, stop)],
            st.integers(0, len(seed)),
            st.integers(0, len(seed)),
        )
    )
    target.check(b"".join(data.draw(st.lists(piece | st.binary(max_size=8), max_size=6))))
