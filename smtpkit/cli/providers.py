"""List the providers that smtpkit knows, or tell all about one.

  python -m smtpkit providers
  python -m smtpkit providers gmail
  python -m smtpkit providers --json | jq '.[].name'

A provider's name is the scheme of a URL (gmail://me%40gmail.com:password@) and what Mailer.for_provider takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.cli.output import plain, print_json, print_table
from smtpkit.errors import UnknownProvider

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from smtpkit.providers.provider import Provider, SendingLimit

_WIDTH = 85
SUMMARY = "list the providers that are known, or tell all about one"


def configure(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="the name of one, an alias, or an address of its domain"
    )
    parser.add_argument("--json", action="store_true", help="print JSON: a list, or one object")


def run(arguments: Namespace) -> int:
    """Print them, or the one."""
    from smtpkit import providers

    if arguments.name is not None:
        provider = known_provider(arguments.name)
        if arguments.json:
            print_json(provider)
        else:
            print("\n".join(_lines(provider)))
        return 0
    found = sorted(providers.registry, key=lambda each: each.name)
    if arguments.json:
        print_json(plain(found))
        return 0
    print_table(("NAME", "PROVIDER", "ENDPOINT", "PASSWORD", "LIMIT"), map(_row, found))
    return 0


def known_provider(name: str) -> Provider:
    """The provider that ``name`` is the name of, or an address at.

    Raises:
        UnknownProvider: there is none.
    """
    from smtpkit import providers

    try:
        return providers.for_address(name) if "@" in name else providers.get(name)
    except UnknownProvider as error:
        hint = (
            '"python -m smtpkit providers" lists those that are known; a server of your own is a URL: smtp://me@host.'
        )
        raise UnknownProvider(error.message, hint=hint) from None


def _row(provider: Provider) -> tuple[str, ...]:
    endpoint = str(provider.endpoints[0]) if provider.endpoints else "-"
    limits = [_figure(limit) for limit in provider.limits if limit.applies]
    return provider.name, provider.title, endpoint, provider.password_kind, "; ".join(limits) or "-"


def _lines(provider: Provider) -> Iterator[str]:
    from textwrap import wrap

    yield f"{provider.title} ({provider.name})"
    for label, values in _facts(provider):
        lines = [line for text in values for line in wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)]
        for number, text in enumerate(lines):
            yield f"  {label if number == 0 else '':<12} {text}"


def _facts(provider: Provider) -> Iterator[tuple[str, list[str]]]:
    yield "endpoints", [str(each) for each in provider.endpoints]
    yield "user name", [provider.username]
    yield "password", [provider.password_hint]
    yield "mechanisms", [", ".join(provider.mechanisms)] if provider.mechanisms else []
    yield "limits", [f"{_figure(limit)}{_about(limit)}" for limit in provider.limits]
    yield "recipients", [f"{provider.max_recipients:,} per message"] if provider.max_recipients else []
    yield "size", [f"{provider.max_message_size:,} octets"] if provider.max_message_size else []
    yield "connections", [f"{provider.max_connections:,} at a time"] if provider.max_connections else []
    yield "aliases", [", ".join(provider.aliases)] if provider.aliases else []
    yield "domains", [", ".join(provider.domains)] if provider.domains else []
    yield "regions", [f"{name}: {host}" for name, host in provider.regions]
    yield "status", [] if provider.status == "active" else [provider.status]
    yield "notes", [provider.notes] if provider.notes else []
    yield "more", [provider.docs_url] if provider.docs_url else []
    yield "sources", [*provider.sources, f"checked {provider.checked}"] if provider.checked else [*provider.sources]


def _figure(limit: SendingLimit) -> str:
    return f"{limit.count:,} {limit.unit} per {limit.window.removeprefix('rolling-')}"


def _about(limit: SendingLimit) -> str:
    about = [limit.plan, "" if limit.applies else "for information"]
    return f" ({', '.join(filter(None, about))})" if any(about) else ""
