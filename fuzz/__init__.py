"""Coverage-guided fuzzing of all that reads what others wrote: ``make fuzz``.

Each target is a module with ``SEEDS``, where the fuzzer begins, and ``check(data)``, which raises where a promise is
broken.
"""

from __future__ import annotations

__all__ = ["TARGETS"]

TARGETS = ("replies", "capabilities", "sasl", "address", "header", "mime")
