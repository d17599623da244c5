"""What a provider's reply means: read from ``hints.json``, next to this file, when the first reply is to be explained.

An entry has the fields of `Hint`, without those that are empty. ``pattern`` is searched, in any case, in the reply as
`Reply` shows it, with its codes; ``example`` is a reply that it is for.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from smtpkit.pattern import Pattern
from smtpkit.value import value

if TYPE_CHECKING:
    from smtpkit.providers.provider import Provider
    from smtpkit.reply import Reply

__all__ = ["Category", "Hint", "all_hints", "find"]

Category: TypeAlias = Literal[
    "address", "auth", "authentication-dns", "connections", "content", "policy", "protocol", "quota", "rate",
    "recipient", "recipient-count", "relay", "reputation", "sender", "size", "temporary", "tls",
]  # fmt: skip
"""What it is about. ``quota``: what may be sent in an hour or a day is used up; ``rate``: too much in a short time."""

_LOOKED_AT = 1000
"""Characters of a reply: what matters stands at its beginning, and nobody can make the search long."""


@value
class Hint:
    """What a reply of a server means, and what to do about it."""

    meaning: str
    fix: str
    url: str
    """Where more is said about it."""
    category: Category
    retryable: bool
    """Whether the same mail may be taken later without a change."""
    providers: tuple[str, ...]
    """Names of those that reply so; empty if anybody may."""
    code: int | None
    enhanced: str | None
    pattern: Pattern[str]
    example: str
    source: str
    """Where the reply is stated."""
    verified: bool
    """Whether the source has been seen to say so. If not, the hint is a guess, and says "may"."""
    window: Literal["hour", "day", "month"] | None = None
    """Of a quota whose reply does not say how long it counts."""

    @property
    def text(self) -> str:
        """All of it, as it stands in an error."""
        meaning = self.meaning if self.verified else f"This may mean: {self.meaning}"
        return f"{meaning} {self.fix} See {self.url}"


def find(reply: Reply, provider: Provider | str | None = None) -> Hint | None:
    """The hint that fits ``reply`` best: what is known of ``provider`` (or its name) goes before what anybody may say,
    and the same code, enhanced code and words before others. ``None`` if nothing is known."""
    name = provider if provider is None or isinstance(provider, str) else provider.name
    said = str(reply)[:_LOOKED_AT].lower()
    best: tuple[int, Hint] | None = None
    for hint in _hints_of(name, reply.code // 100):
        fits = _fits(hint, reply, said)
        if fits and (best is None or fits > best[0]):
            best = fits, hint
    return None if best is None else best[1]


def _fits(hint: Hint, reply: Reply, said: str) -> int:
    """How well: 0 for not at all."""
    found = hint.pattern.search(said)
    if found is None:
        return 0
    exactness = 4 * bool(hint.providers) + 2 * (hint.code == reply.code)
    exactness += hint.enhanced is not None and hint.enhanced == reply.enhanced_code
    # Of two that are as exact, that which recognised more of the words.
    return exactness * (_LOOKED_AT + 1) + len(found[0])


@cache
def _hints_of(provider: str | None, severity: int) -> tuple[Hint, ...]:
    """Those that may be for a reply of ``provider`` whose code begins with ``severity``."""
    return tuple(
        hint
        for hint in all_hints()
        if (not hint.providers or provider in hint.providers) and (hint.code is None or hint.code // 100 == severity)
    )


@cache
def all_hints() -> tuple[Hint, ...]:
    """All of them, in the order of the file."""
    import json
    from pkgutil import get_data

    # What JSON holds is known only to the test of its schema.
    entries: list[dict[str, Any]] = json.loads(get_data("smtpkit.providers", "hints.json") or b"")["hints"]
    return tuple(map(_hint, entries))


def _hint(entry: dict[str, Any]) -> Hint:
    fields: dict[str, Any] = {"code": None, "enhanced": None} | entry
    fields["providers"] = tuple(entry.get("providers", ()))
    fields["pattern"] = Pattern(entry["pattern"])
    return Hint(**fields)
