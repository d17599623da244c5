"""What the domain of the sender says of itself in DNS, by which receivers tell mail from spam."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.diagnose.report import Step
from smtpkit.diagnose.spf import check_spf
from smtpkit.dns import exchangers
from smtpkit.errors import SmtpkitError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smtpkit.diagnose.questions import Questions
    from smtpkit.diagnose.report import StepName
    from smtpkit.providers.provider import Provider

__all__ = ["check_domain"]


async def check_domain(
    questions: Questions, domain: str, provider: Provider | None, selector: str | None
) -> tuple[Step, ...]:
    """MX, SPF, DKIM and DMARC of ``domain``."""
    name = None if provider is None else provider.name
    title = "the provider" if provider is None else provider.title
    looks: tuple[tuple[StepName, Callable[[], Awaitable[Step]]], ...] = (
        ("mx", lambda: _mx(questions, domain)),
        ("spf", lambda: check_spf(questions, domain, name, title)),
        ("dkim", lambda: _dkim(questions, domain, selector)),
        ("dmarc", lambda: _dmarc(questions, domain)),
    )
    return tuple([await _looked(step, look, domain) for step, look in looks])


async def _looked(name: StepName, look: Callable[[], Awaitable[Step]], domain: str) -> Step:
    try:
        return await look()
    except SmtpkitError as error:
        # dnspython is missing: its hint says how to get it.
        return Step(name, "skipped", f"{error.message}. {error.hint or ''}".strip(), None, domain)
    except OSError as error:
        hint = "Does this machine reach a name server? Run the check again."
        return Step(name, "warning", f"DNS could not be asked: {error}", hint, domain)


async def _mx(questions: Questions, domain: str) -> Step:
    records = await questions.ask(domain, "MX")
    hosts = exchangers(records)
    if hosts:
        return Step("mx", "ok", f"takes mail at {', '.join(hosts[:3])}", None, domain)
    if records:
        text = "says that it takes no mail (null MX): many receivers refuse mail from such a domain"
        return Step("mx", "warning", text, "Send from a domain that can be answered (RFC 7505 §4.2).", domain)
    text = "no MX record: answers and bounces may not arrive, and some receivers refuse its mail"
    return Step("mx", "warning", text, "Is the domain spelled right? Then publish where it takes mail.", domain)


async def _dkim(questions: Questions, domain: str, selector: str | None) -> Step:
    if selector is None:
        text = 'not looked for: give dkim_selector="...", the s= of DKIM-Signature in a mail that has arrived'
        return Step("dkim", "skipped", text, None, domain)
    name = f"{selector}._domainkey.{domain}"
    records = await questions.ask(name, "TXT")
    keys = [tag for record in records if (tag := _tags(record).get("p")) is not None]
    if not keys:
        hint = f"Have your provider show the record for {name}, and publish it. Is the selector right?"
        return Step("dkim", "warning", f"no key at {name}: signatures with it do not count", hint, domain)
    if not all(keys):
        hint = "Have the provider make a new key, and publish that (RFC 6376 §3.6.1)."
        return Step("dkim", "warning", f"the key at {name} is revoked: its p= is empty", hint, domain)
    return Step("dkim", "ok", f"there is a key at {name}", None, domain)


async def _dmarc(questions: Questions, domain: str) -> Step:
    """RFC 7489 §6.6.3; the organisational domain is looked for by going up, without a list of public suffixes."""
    labels = domain.split(".")
    # At most five, as RFC 7489's successor walks: a name may have a hundred labels.
    for above in (".".join(labels[at:]) for at in range(max(len(labels) - 1, 1))[:5]):
        records = [
            each for each in await questions.ask(f"_dmarc.{above}", "TXT") if each.lower().startswith("v=dmarc1")
        ]
        if len(records) > 1:
            hint = "Keep one of them: receivers take several for none (RFC 7489 §6.6.3)."
            return Step("dmarc", "warning", f"{len(records)} DMARC records at _dmarc.{above}", hint, domain)
        if records:
            return _policy(domain, above, records[0])
    hint = f'Publish a TXT record at _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:postmaster@{domain}".'
    text = "no DMARC record: Gmail, Yahoo and Microsoft want one of those who send many mails"
    return Step("dmarc", "warning", text, hint, domain)


def _policy(domain: str, above: str, record: str) -> Step:
    tags = _tags(record)
    policy = tags.get("p" if above == domain else "sp") or tags.get("p")
    if policy not in ("none", "quarantine", "reject"):
        hint = "Write p=none, p=quarantine or p=reject (RFC 7489 §6.3)."
        return Step("dmarc", "warning", f"the record has no policy that can be used: {record}", hint, domain)
    text = f"policy {policy}"
    text += "" if above == domain else f", by the record of {above}"
    text += f", for {tags['pct']} % of the mail" if tags.get("pct", "100") != "100" else ""
    strict = [name for name, tag in (("SPF", "aspf"), ("DKIM", "adkim")) if tags.get(tag) == "s"]
    text += f"; {' and '.join(strict)} must be of exactly this domain" if strict else ""
    text += "; mail that fails is let pass all the same" if policy == "none" else ""
    return Step("dmarc", "ok", text, None, domain)


def _tags(record: str) -> dict[str, str]:
    """``tag=value`` separated by semicolons (RFC 6376 §3.2, RFC 7489 §6.3)."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): text.strip() for name, _, text in pairs if name.strip()}
