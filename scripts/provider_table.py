"""Writes docs/providers.md from the presets: ``python scripts/provider_table.py``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from smtpkit.limits.preset import holds
from smtpkit.providers import Registry
from smtpkit.providers.presets import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smtpkit.providers import Provider, SendingLimit

PAGE = Path(__file__).parents[1] / "docs" / "providers.md"

HEAD = """\
---
hide:
  - toc
---

# Providers

<!-- Written by scripts/provider_table.py from smtpkit/providers/presets.json. Do not edit. -->

`Mailer.for_provider("gmail", ...)` takes any name or alias of this page, in any case, and so does a URL:
`gmail://me%40gmail.com:password@`. `Mailer.for_address("me@gmail.com", ...)` knows the {domains:,} domains of the
mailboxes here. For a domain of your own there is [discovery](discovery.md). The endpoint is the first one listed.
Limits in **bold** are counted unless you say otherwise. One that is stated by the provider is enforced: a mail beyond
it is not sent, or waits if it is of an hour or less; any other *warns only*, in the log. Limits that are not bold are
for information: they hold on some plans only, or change with the account's reputation.

## How an entry was judged

- An endpoint is here if somebody who can be named states it: the provider itself (`official`), Mozilla's
  [autoconfig](https://github.com/thunderbird/autoconfig) (`ispdb`),
  [nodemailer](https://github.com/nodemailer/nodemailer), [Symfony](https://github.com/symfony/symfony) or
  [Delta Chat](https://github.com/deltachat/provider-db), or another page (`web`). Hosts and ports by analogy are not.
- *Unverified* marks what rests on a list that cannot be named, or on port 25 in one list: it may be wrong. TLS with a
  verified certificate is required here as everywhere, so that a wrong host gets no password.
- A domain of mailboxes is here if one of those lists gives it to this provider. MX patterns are host names within a
  domain of the provider's own.
- Where sources disagree about a host, the provider's page goes before Mozilla's list, and that before others; other
  ports that are stated come behind as further endpoints.
- Services that are believed closed are not here (DebugMail, Dyn, hot.ee, Openmailbox): their domains may be somebody
  else's tomorrow. Nor are names that mean your own server (Plesk, Zimbra): `cpanel` or
  [discovery](discovery.md) does for these. One that offers no SMTP is here to say so.
- A limit says its unit, window, plan and source. It is counted if it holds for an ordinary account, and enforced if the
  figure is from the provider itself; but for Gmail's 500 and Outlook.com's 300, which are enforced all the same.
- *Checked* is when the entry was last compared with its sources; nobody logged in to each provider.

## All of them

| name | provider | endpoints | user name | password | counted limit | recipients per message |
|---|---|---|---|---|---|---|
"""

USERNAMES = {"address": "whole address", "local-part": "before the `@`", "apikey": "`apikey`", "custom": "as given"}
PASSWORDS = {
    "password": "account's password",
    "app-password": "app password or OAuth2",
    "smtp-password": "SMTP password",
    "api-key": "API key",
    "oauth2-only": "OAuth2 token",
}
WINDOWS = {"rolling-24h": "24 hours (rolling)"}
CERTAINTY = {
    "official": "",
    "third-party-of-official": ", from a copy of the provider's page",
    "two-third-party": ", not from the provider",
    "third-party": ", not from the provider",
}


def render(providers: Iterable[Provider]) -> str:
    """The page as Markdown."""
    found = sorted(providers, key=lambda provider: provider.name)
    domains = sum(len(provider.domains) for provider in found)
    return (
        HEAD.format(domains=domains)
        + "".join(map(_row, found))
        + "".join("\n".join(["", *_section(one), ""]) for one in found)
    )


def _row(provider: Provider) -> str:
    cells = (
        f"[`{provider.name}`](#{provider.name})",
        provider.title + (f" (*{provider.status}*)" if provider.status != "active" else ""),
        "<br>".join(f"`{at.host}` {at.port} {at.security}" for at in provider.endpoints) or "-",
        f"`{provider.username_literal}`" if provider.username_literal else USERNAMES[provider.username],
        PASSWORDS[provider.password_kind],
        "<br>".join(_figure(limit) + _effect(provider, limit) for limit in provider.limits if limit.applies) or "-",
        f"{provider.max_recipients:,}" if provider.max_recipients else "-",
    )
    return f"| {' | '.join(cells)} |\n"


def _section(provider: Provider) -> Iterator[str]:
    yield f"## {provider.name}"
    yield ""
    asks = provider.endpoints and not (provider.without_login and provider.kind == "testing")
    yield f"{provider.password_hint if asks else ''} {provider.notes}".strip()
    yield ""
    for label, names in (
        ("Aliases", provider.aliases),
        ("Regions", [region for region, _ in provider.regions]),
        ("Domains", provider.domains),
        ("MX", provider.mx_patterns),
    ):
        if names:
            yield f"- {label}: {', '.join(f'`{name}`' for name in names)}"
    if provider.max_message_size:
        yield f"- Message size: {provider.max_message_size:,} octets"
    if provider.max_connections:
        yield f"- Connections at a time: {provider.max_connections:,}"
    for limit in provider.limits:
        yield f"- Limit: {_limit(provider, limit)}"
    sources = "; ".join(provider.sources)
    yield f"- Sources ({provider.confidence}, checked {provider.checked}): {sources}"


def _limit(provider: Provider, limit: SendingLimit) -> str:
    figure = f"**{_figure(limit)}**{_effect(provider, limit)}" if limit.applies else _figure(limit)
    plan = f" ({limit.plan})" if limit.plan else ""
    return f"{figure}{plan}{CERTAINTY[limit.evidence]}: {limit.source}"


def _effect(provider: Provider, limit: SendingLimit) -> str:
    """What is said of a limit that a mail may go beyond."""
    return "" if holds(provider, limit) else " (*warns only*)"


def _figure(limit: SendingLimit) -> str:
    unit = limit.unit if limit.count != 1 else limit.unit.removesuffix("s")
    return f"{limit.count:,} {unit} per {WINDOWS.get(limit.window, limit.window)}"


if __name__ == "__main__":
    PAGE.write_text(render(Registry(load)), encoding="utf-8")
