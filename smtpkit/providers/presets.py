"""Reads the providers that this package knows from ``presets.json``, next to this file.

An entry has the fields of `Provider`, without those that are empty. ``like`` names an
earlier entry that gives what is left out, except what belongs to one provider alone.
``evidence`` at an endpoint says who states it; it is there for those who keep the file.
How an entry was judged is told in docs/providers.md.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from smtpkit.providers.provider import Endpoint, OAuth2, Provider, SendingLimit
from smtpkit.providers.registry import Listed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["listed", "load"]

# What JSON holds is known only to the test of its schema.
_Entry: TypeAlias = dict[str, Any]

_ITS_OWN = ("name", "title", "aliases", "domains", "regions", "mx_patterns", "like")
_LISTS = ("mechanisms", "domains", "aliases", "mx_patterns", "sources", "quirks")


def load() -> tuple[Provider, ...]:
    """All presets, in the order of the file. Reads it anew at each call."""
    return tuple(each.provider for each in listed())


def listed() -> Iterator[Listed]:
    """All presets as they are found, in the order of the file: each becomes a `Provider` when it is asked for."""
    import json
    from pkgutil import get_data

    # Works from a zip too, and loads in less than half the time of importlib.resources.
    data: _Entry = json.loads(get_data("smtpkit.providers", "presets.json") or b"")
    entries: dict[str, _Entry] = {entry["name"]: entry for entry in data["providers"]}
    for name, entry in entries.items():
        names = (name, *entry.get("aliases", ()))
        yield Listed(
            names,
            tuple(entry.get("domains", ())),
            tuple(entry.get("mx_patterns", ())),
            partial(_made, entry, entries, data["checked"]),
        )


def _made(entry: _Entry, entries: dict[str, _Entry], checked: str) -> Provider:
    return _provider({"checked": checked} | _whole(entry, entries))


def _whole(entry: _Entry, entries: dict[str, _Entry]) -> _Entry:
    """``entry`` with what the one that it is ``like`` gives it."""
    if "like" not in entry:
        return entry
    model = _whole(entries[entry["like"]], entries)
    return {field: fact for field, fact in model.items() if field not in _ITS_OWN} | entry


def _provider(entry: _Entry) -> Provider:
    fields = {field: fact for field, fact in entry.items() if field != "like"}
    fields |= {field: tuple(fields[field]) for field in _LISTS if field in fields}
    endpoints = fields.get("endpoints", ())
    fields["endpoints"] = tuple(Endpoint(at["host"], at["port"], at["security"]) for at in endpoints)
    fields["limits"] = tuple(SendingLimit(**limit) for limit in fields.get("limits", ()))
    fields["regions"] = tuple(fields.get("regions", {}).items())
    if "oauth2" in fields:
        fields["oauth2"] = OAuth2(**fields["oauth2"])
    return Provider(**fields)
