"""What ``check`` says of the sender's domain in DNS, by which receivers tell mail from spam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from smtpkit import FakeTransport, Provider, SmtpTlsTransport, providers
from smtpkit.errors import InvalidConfiguration
from zone import Zone

if TYPE_CHECKING:
    from both import Both
    from smtpkit.diagnose import Report, Step, StepName

pytest_plugins = ("both",)

SENDER = "me@shop.example.com"
SPF, DMARC = "TXT shop.example.com", "TXT _dmarc.shop.example.com"
GOOGLE = ("v=spf1 include:_spf.google.com ~all",)
MANY = ("v=spf1 " + " ".join(f"include:{number}.example.net" for number in range(11)) + " -all",)


class Row(NamedTuple):
    """What DNS has, and what is said of it."""

    step: StepName
    status: str
    text: str
    hint: str | None
    records: dict[str, Any]
    provider: str | None = None


ROWS = [
    Row("mx", "ok", "takes mail at a.test, b.test", None, {"MX shop.example.com": ("20 b.test.", "10 a.test.")}),
    Row("mx", "warning", "null MX", "can be answered", {"MX shop.example.com": ("0 .",)}),
    Row("mx", "warning", "no MX record", "spelled right", {}),
    Row("spf", "ok", GOOGLE[0], None, {SPF: GOOGLE}, "google_workspace"),
    Row("spf", "ok", "redirect", None, {SPF: ("v=spf1 redirect=_spf.google.com",)}, "gmail"),
    Row("spf", "ok", "include:all.test", None,
        {SPF: ("v=spf1 include:all.test -all",), "TXT all.test": ("V=SPF1 include:zoho.eu -all",)}, "zoho_eu"),
    Row("spf", "ok", "~all", None, {SPF: ("google-site-verification=x", "v=spf1 mx ~all", "v=spf10 no")}),
    Row("spf", "ok", "bounce to another domain", None, {}, "sendgrid"),
    Row("spf", "ok", "v=spf1 mx -all", None, {SPF: ("v=spf1 mx -all",)}, "amazon_ses"),
    Row("spf", "warning", "no SPF record", "include:_spf.google.com ~all", {}, "google_workspace"),
    Row("spf", "warning", "no SPF record", "v=spf1 mx ~all", {}),
    Row("spf", "warning", "does not let Google Workspace send", "include:_spf.google.com", {SPF: ("v=spf1 mx -all",)},
        "google_workspace"),
    Row("spf", "warning", "does not let Microsoft 365 send", "include:spf.protection.outlook.com", {SPF: GOOGLE},
        "microsoft365"),
    Row("spf", "warning", "does not let Zoho Mail send", "include:zohomail.com", {SPF: GOOGLE}, "zoho"),
    Row("spf", "failed", "2 SPF records", "one record", {SPF: ("v=spf1 mx -all", *GOOGLE)}),
    Row("spf", "warning", "more than 10 look-ups", "Remove an include:", {SPF: MANY}),
    Row("spf", "warning", "more than 10 look-ups", "Remove", {SPF: ("v=spf1 include:shop.example.com -all",)}),
    Row("spf", "warning", "lets everybody send", "-all", {SPF: ("v=spf1 +all",)}),
    Row("spf", "warning", "lets everybody send", "-all", {SPF: ("v=spf1 mx all",)}),
    Row("spf", "warning", "says nothing of other senders", "-all", {SPF: ("v=spf1 a mx",)}),
    Row("spf", "warning", "DNS could not be asked: broken", "name server", {SPF: OSError("broken")}),
    Row("spf", "skipped", 'pip install "smtpkit[dns]"', None,
        {SPF: InvalidConfiguration("questions to DNS need dnspython", hint='Install: pip install "smtpkit[dns]".')}),
    Row("dkim", "ok", "there is a key", None, {"TXT s1._domainkey.shop.example.com": ("v=DKIM1; p=MIGf",)}),
    Row("dkim", "warning", "is revoked", "new key", {"TXT s1._domainkey.shop.example.com": ("v=DKIM1; p=",)}),
    Row("dkim", "warning", "no key at s1._domainkey.shop.example.com", "publish it", {}),
    Row("dmarc", "ok", "policy reject", None, {DMARC: ("v=DMARC1; p=reject",)}),
    Row("dmarc", "ok", "let pass all the same", None, {DMARC: ("v=DMARC1;p=none;rua=mailto:a@b.test",)}),
    Row("dmarc", "ok", "policy quarantine, for 20 % of the mail; SPF and DKIM must be of exactly this domain", None,
        {DMARC: ("v=DMARC1; p=quarantine; pct=20; aspf=s; adkim=s",)}),
    Row("dmarc", "ok", "policy quarantine, by the record of example.com", None,
        {"TXT _dmarc.example.com": ("v=DMARC1; p=reject; sp=quarantine",)}),
    Row("dmarc", "ok", "policy reject, by the record of example.com", None,
        {"TXT _dmarc.example.com": ("v=DMARC1; p=reject",)}),
    Row("dmarc", "warning", "no DMARC record", "_dmarc.shop.example.com", {}),
    Row("dmarc", "warning", "2 DMARC records", "Keep one", {DMARC: ("v=DMARC1; p=none", "v=DMARC1; p=reject")}),
    Row("dmarc", "warning", "no policy that can be used", "p=none", {DMARC: ("v=DMARC1; rua=mailto:a@b.test",)}),
]  # fmt: skip


def report(both: Both, records: dict[str, Any], provider: str | None = None, sender: str = SENDER) -> Report:
    whose = None if provider is None else _provider(provider)
    mailer = both.mailer(FakeTransport(), provider=whose)
    return both.check(mailer, sender=sender, dkim_selector="s1", resolver=Zone(records))


def _provider(name: str) -> Provider:
    if name == "zoho_eu":
        return Provider("zoho_eu", "Zoho Mail (EU)", ())
    return providers.get(name)


def found(both: Both, row: Row) -> Step:
    step = report(both, row.records, row.provider).step(row.step)
    assert step is not None
    return step


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.step}: {row.text}")
def test_what_is_said_of_a_domain(both: Both, row: Row) -> None:
    step = found(both, row)
    assert (step.status, step.subject) == (row.status, "shop.example.com")
    assert row.text in step.text
    assert (step.hint is None) == (row.hint is None)
    assert (row.hint or "") in (step.hint or "")


def test_a_domain_that_nobody_finds_is_not_looked_up(both: Both) -> None:
    zone = Zone({})
    for domain in ("localhost", "mail.test", "printer.local", "[127.0.0.1]"):
        both.check(both.mailer(FakeTransport()), sender=f"me@{domain}", resolver=zone)
    assert zone.asked == []


def test_a_domain_is_asked_for_as_it_travels(both: Both) -> None:
    zone = Zone({})
    both.check(both.mailer(FakeTransport()), sender="me@bücher.example", resolver=zone)
    assert zone.asked[0] == "MX xn--bcher-kva.example"


ALIGNED = [
    ("me@shop.example.com", "me@shop.example.com", None, "ok", "fits the account"),
    ("me@shop.example.com", "me@example.org", None, "warning", "through the account of me@example.org"),
    ("me@example.com", "postmaster@mg.example.com", "mailgun", "ok", "fits the account"),
    ("me@shop.example.com", "me@example.com", None, "ok", "fits the account"),
    ("me@notexample.com", "me@example.com", None, "warning", "through the account"),
    ("me@gmail.com", "apikey", "sendgrid", "warning", "is a mailbox of Gmail, and the mail goes out through"),
    ("me@gmail.com", "me@gmail.com", "gmail", "ok", "fits the account"),
]


@pytest.mark.parametrize(("sender", "username", "provider", "status", "text"), ALIGNED)
def test_whether_from_fits_the_account(
    both: Both, sender: str, username: str, provider: str | None, status: str, text: str
) -> None:
    # Nobody listens there: what is said of the domain does not depend on it.
    transport = SmtpTlsTransport("127.0.0.1", 1, username=username, password="x")
    mailer = both.mailer(transport, provider=None if provider is None else providers.get(provider))
    step = both.check(mailer, sender=sender, resolver=Zone({})).step("alignment")
    assert step is not None
    assert step.status == status
    assert text in step.text
