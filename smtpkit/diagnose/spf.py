"""SPF (RFC 7208): whether the record of a domain can be used, and lets a provider send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.diagnose.report import Step
from smtpkit.value import value

if TYPE_CHECKING:
    from smtpkit.diagnose.questions import Questions

__all__ = ["SpfFact", "check_spf", "spf_fact"]

_MOST_LOOK_UPS = 10
"""RFC 7208 §4.6.4. With more the record counts as broken."""

_LOOKING_UP = ("include", "a", "mx", "ptr", "exists", "redirect")
"""Terms that take a look-up (RFC 7208 §4.6.4)."""


@value
class SpfFact:
    """What the SPF record of a customer's domain has to include."""

    includes: tuple[str, ...]
    """Any one of them; the first is what to write."""
    needed: bool
    """Whether the reverse-path is of the domain of From, so that SPF looks there at all."""
    source: str


_GOOGLE = SpfFact(("_spf.google.com",), True, "https://support.google.com/a/answer/33786")
_MICROSOFT = SpfFact(
    ("spf.protection.outlook.com",),
    True,
    "https://learn.microsoft.com/defender-office-365/email-authentication-spf-configure",
)
_ZOHO = SpfFact(
    ("zohomail.com", "one.zoho.com", "zoho.com", "zohomail.eu", "zoho.eu", "zohomail.in", "zoho.in", "zohomail.com.au",
     "zoho.com.au", "zohomail.jp", "zoho.jp"),
    True,
    "https://www.zoho.com/mail/help/adminconsole/spf-configuration.html",
)  # fmt: skip
_SENDGRID = SpfFact(("sendgrid.net",), False, "https://support.sendgrid.com/hc/en-us/articles/21415314709147")
# The sending domain's record is verified by Mailgun before it sends at all; From may be of the domain above.
_MAILGUN = SpfFact(
    ("mailgun.org",), False, "https://www.mailgun.com/blog/white-labeling-dns-records-your-customers-tips-tricks/"
)
_AMAZON = SpfFact(
    ("amazonses.com",), False, "https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-spf.html"
)
_FACTS = {
    "amazon_ses": _AMAZON,
    "gmail": _GOOGLE,
    "google_workspace": _GOOGLE,
    "google_workspace_relay": _GOOGLE,
    "mailgun": _MAILGUN,
    "mailgun_eu": _MAILGUN,
    "microsoft365": _MICROSOFT,
    "sendgrid": _SENDGRID,
}


def spf_fact(provider: str | None) -> SpfFact | None:
    """What is known of the provider of that name."""
    if provider is not None and (provider == "zoho" or provider.startswith("zoho_")):
        return _ZOHO
    return _FACTS.get(provider or "")


async def check_spf(questions: Questions, domain: str, provider: str | None, title: str) -> Step:
    """Whether the record of ``domain`` can be used, and has what ``provider`` needs."""
    fact = spf_fact(provider)
    records = await _records(questions, domain)
    if not records:
        return _missing(domain, fact, title)
    record, *others = records
    if others:
        hint = "Make them one record, with all include: in it. Receivers take several for none (RFC 7208 §4.5)."
        return Step("spf", "failed", f"{len(records)} SPF records, and there may be one", hint, domain)
    walk = _Walk(questions)
    await walk.go(domain, record)
    return _verdict(domain, record, walk, fact, title)


def _missing(domain: str, fact: SpfFact | None, title: str) -> Step:
    if fact is not None and not fact.needed:
        text = f"no record, and {title} needs none there: its mails bounce to another domain"
        return Step("spf", "ok", text, None, domain)
    terms = f"include:{fact.includes[0]}" if fact is not None else "mx"
    hint = f'Publish a TXT record at {domain}: "v=spf1 {terms} ~all".'
    if fact is None:
        hint = f"{hint[:-1]}, with what your provider says in place of mx, if its servers are not those of your MX."
    return Step("spf", "warning", "no SPF record: receivers trust its mail less", hint, domain)


def _verdict(domain: str, record: str, walk: _Walk, fact: SpfFact | None, title: str) -> Step:
    terms = record.lower().split()[1:]
    if walk.look_ups > _MOST_LOOK_UPS:
        hint = "Remove an include: that nobody needs any more. Receivers count the record as broken (RFC 7208 §4.6.4)."
        text = f"{record} takes more than {_MOST_LOOK_UPS} look-ups in DNS"
        return Step("spf", "warning", text, hint, domain)
    if any(term in ("all", "+all") for term in terms):
        return Step("spf", "warning", f"{record} lets everybody send", "End it with ~all or -all.", domain)
    if fact is not None and fact.needed and not walk.seen & set(fact.includes):
        hint = f"Write include:{fact.includes[0]} into the record, before its all. See {fact.source}"
        return Step("spf", "warning", f"{record} does not let {title} send", hint, domain)
    if not any(term.lstrip("+-~?") == "all" or term.startswith("redirect=") for term in terms):
        return Step("spf", "warning", f"{record} says nothing of other senders", "End it with ~all or -all.", domain)
    return Step("spf", "ok", record, None, domain)


class _Walk:
    """The record of a domain and those that it includes."""

    def __init__(self, questions: Questions) -> None:
        self.look_ups = 0
        self.seen: set[str] = set()
        """Domains that are included, at whatever depth."""
        self._questions = questions

    async def go(self, domain: str, record: str) -> None:
        """Count what ``record`` takes, up to one too many: so it ends, also in a circle."""
        for term in record.lower().split()[1:]:
            name, _, target = term.lstrip("+-~?").replace("redirect=", "redirect:", 1).partition(":")
            if name.partition("/")[0] not in _LOOKING_UP:
                continue
            self.look_ups += 1
            if self.look_ups > _MOST_LOOK_UPS:
                return
            # With a macro the domain depends on the mail.
            if name in ("include", "redirect") and target and "%" not in target:
                self.seen.add(target.rstrip("."))
                for included in (await _records(self._questions, target))[:1]:
                    await self.go(target, included)


async def _records(questions: Questions, domain: str) -> tuple[str, ...]:
    """The SPF records among the TXT records (RFC 7208 §4.5)."""
    found = await questions.ask(domain, "TXT")
    return tuple(record for record in found if record.lower() == "v=spf1" or record.lower().startswith("v=spf1 "))
