"""Reads the providers that this package knows from ``presets.json``, next to this file.

An entry has the fields of `Provider`, without those that are empty. ``like`` names an
earlier entry that gives what is left out, except what belongs to one provider alone.
``evidence`` at an endpoint says who states it; it is there for those who keep the file.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from smtpkit.providers.provider import Endpoint, OAuth2, Provider, SendingLimit

__all__ = ["load"]

# What JSON holds is known only to the test of its schema.
_Entry: TypeAlias = dict[str, Any]

_ITS_OWN = ("name", "title", "aliases", "domains", "regions", "mx_patterns", "like")
_LISTS = ("mechanisms", "domains", "aliases", "mx_patterns", "sources", "quirks")


def load() -> tuple[Provider, ...]:
    """All presets, in the order of the file. Reads it anew at each call."""
    import json
    from pkgutil import get_data

    # Works from a zip too, and loads in less than half the time of importlib.resources.
    data: _Entry = json.loads(get_data("smtpkit.providers", "presets.json") or b"")
    entries: dict[str, _Entry] = {}
    for entry in data["providers"]:
        model: _Entry = entries[entry["like"]] if "like" in entry else {}
        inherited = {field: fact for field, fact in model.items() if field not in _ITS_OWN}
        entries[entry["name"]] = {"checked": data["checked"]} | inherited | entry
    return tuple(map(_provider, entries.values()))


def _provider(entry: _Entry) -> Provider:
    fields = {field: fact for field, fact in entry.items() if field != "like"}
    fields |= {field: tuple(fields[field]) for field in _LISTS if field in fields}
    fields["endpoints"] = tuple(Endpoint(at["host"], at["port"], at["security"]) for at in fields["endpoints"])
    fields["limits"] = tuple(SendingLimit(**limit) for limit in fields.get("limits", ()))
    fields["regions"] = tuple(fields.get("regions", {}).items())
    if "oauth2" in fields:
        fields["oauth2"] = OAuth2(**fields["oauth2"])
    return Provider(**fields)
