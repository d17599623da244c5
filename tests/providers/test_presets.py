"""The data: every preset is complete, consistent and says where it comes from."""

from __future__ import annotations

import json
import re
import runpy
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from smtpkit.errors import UnknownProvider
from smtpkit.providers import Provider, for_mx, get
from smtpkit.providers import provider as model
from smtpkit.providers.presets import load

ROOT = Path(__file__).parents[2]
DATA: dict[str, Any] = json.loads(files("smtpkit.providers").joinpath("presets.json").read_text("utf-8"))
PRESETS = load()
HOST = re.compile(r"(\{domain\}|[a-z0-9]([a-z0-9-]*[a-z0-9])?)(\.(\{domain\}|[a-z0-9]([a-z0-9-]*[a-z0-9])?))*")
DOMAIN = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
EVIDENCE = {"official", "ispdb", "nodemailer", "symfony", "deltachat", "web", "list"}
NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")

every = pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
every_entry = pytest.mark.parametrize("entry", DATA["providers"], ids=lambda entry: entry["name"])


@every
def test_endpoints_and_regions_have_hosts_and_ports(preset: Provider) -> None:
    assert preset.endpoints or preset.status == "no-smtp"
    assert len(set(preset.endpoints)) == len(preset.endpoints)
    for endpoint in preset.endpoints:
        assert HOST.fullmatch(endpoint.host), endpoint
        assert 1 <= endpoint.port <= 65535
        assert endpoint.security in get_args(model.EndpointSecurity)
    # One host and port speaks TLS in one way.
    assert len({(endpoint.host, endpoint.port) for endpoint in preset.endpoints}) == len(preset.endpoints)
    for region, host in preset.regions:
        assert re.fullmatch("[a-z0-9_-]+", region)
        assert HOST.fullmatch(host), host
    if preset.regions:
        assert preset.endpoints[0].host in dict(preset.regions).values()


@every
def test_words_are_those_of_the_model(preset: Provider) -> None:
    assert preset.kind in get_args(model.Kind)
    assert preset.status in get_args(model.ProviderStatus)
    assert preset.confidence in get_args(model.Confidence)
    assert preset.username in get_args(model.UsernameRule)
    assert preset.password_kind in get_args(model.PasswordKind)
    assert (preset.username == "literal") == (preset.username_literal is not None)
    assert set(preset.mechanisms) <= {"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "CRAM-MD5", "SCRAM-SHA-256"}
    assert preset.password_kind != "oauth2-only" or preset.oauth2
    assert ("XOAUTH2" in preset.mechanisms) == (preset.oauth2 is not None)


@every
def test_every_limit_says_where_it_is_stated(preset: Provider) -> None:
    for limit in preset.limits:
        assert limit.count > 0
        assert limit.unit in get_args(model.LimitUnit)
        assert limit.window in get_args(model.LimitWindow)
        assert limit.evidence in get_args(model.Evidence)
        assert limit.source
        assert limit.plan
    for most in (preset.max_recipients, preset.max_message_size, preset.max_connections):
        assert most is None or most > 0


@every
def test_every_preset_has_title_sources_date_and_page(preset: Provider) -> None:
    assert preset.title
    assert preset.sources
    assert date.fromisoformat(preset.checked).isoformat() == preset.checked
    pages = [preset.docs_url, preset.app_password_url]
    pages += [preset.oauth2.authorize_url, preset.oauth2.token_url] if preset.oauth2 else []
    for page in pages:
        assert page is None or (urlsplit(page).scheme == "https" and urlsplit(page).hostname), page
    assert preset.oauth2 is None or preset.oauth2.source


@every
def test_names_and_patterns_are_written_in_one_way(preset: Provider) -> None:
    for name in (preset.name, *preset.aliases):
        assert NAME.fullmatch(name), name
    for domain in preset.domains:
        assert DOMAIN.fullmatch(domain), domain
    for pattern in preset.mx_patterns:
        re.compile(pattern)


@every
def test_a_preset_can_be_compared_hashed_and_offers_its_first_endpoint(preset: Provider) -> None:
    assert preset in {preset}
    if preset.endpoints:
        assert preset.endpoint(domain="example.com").port == preset.endpoints[0].port


def test_no_name_alias_or_domain_is_there_twice() -> None:
    names = [name for preset in PRESETS for name in (preset.name, *preset.aliases)]
    domains = [domain for preset in PRESETS for domain in preset.domains]
    assert len(set(names)) == len(names)
    assert len(set(domains)) == len(domains)


@every_entry
def test_the_file_has_no_empty_field_and_evidence_for_each_endpoint(entry: dict[str, Any]) -> None:
    assert not [field for field, fact in entry.items() if fact in (None, "", [], {})]
    for endpoint in entry.get("endpoints", []):
        assert endpoint.keys() == {"host", "port", "security", "evidence"}
        assert set(endpoint["evidence"]) <= EVIDENCE
        assert endpoint["evidence"]
        assert endpoint["evidence"] != ["list"] or entry["status"] == "unverified"


@pytest.mark.parametrize(
    ("name", "enforced"),
    [
        ("gmail", {(500, "messages", "rolling-24h")}),
        ("outlook", {(300, "messages", "day")}),
        ("google_workspace", {(2000, "messages", "rolling-24h"), (10000, "recipients", "rolling-24h")}),
        ("google_workspace_relay", {(10000, "messages", "rolling-24h")}),
        ("microsoft365", {(10000, "recipients", "day")}),
    ],
)
def test_limits_of_ordinary_accounts_apply(name: str, enforced: set[tuple[int, str, str]]) -> None:
    preset = next(preset for preset in PRESETS if preset.name == name)
    assert {(limit.count, limit.unit, limit.window) for limit in preset.limits if limit.applies} == enforced


@pytest.mark.parametrize("name", ["zoho", "zoho_pro", "cpanel", "sendgrid", "mailgun", "mailgun_eu", "amazon_ses"])
def test_limits_of_a_plan_or_by_reputation_are_for_information(name: str) -> None:
    preset = next(preset for preset in PRESETS if preset.name == name)
    assert not [limit for limit in preset.limits if limit.applies]


def test_regions_of_amazon_ses_are_in_their_hosts() -> None:
    regions = get("amazon_ses").regions
    assert len(regions) == 20
    assert all(host == f"email-smtp.{region}.amazonaws.com" for region, host in regions)


def test_there_are_as_many_as_the_page_says() -> None:
    assert len(PRESETS) > 180
    assert sum(len(preset.domains) for preset in PRESETS) > 1000


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("aspmx.l.google.com", "google_workspace"),
        ("ALT1.ASPMX.L.GOOGLE.COM.", "google_workspace"),
        ("aspmx2.googlemail.com", "google_workspace"),
        ("example-com.mail.protection.outlook.com", "microsoft365"),
        ("mx.zoho.eu", "zoho_pro"),
        ("mx2.zoho.com", "zoho_pro"),
        ("in1-smtp.messagingengine.com", "fastmail"),
        ("mx1.privateemail.com", "namecheap"),
        ("mx01.mail.icloud.com", "icloud"),
        ("smtpin.rzone.de", "strato"),
        ("www1.your-server.de", "hetzner"),
        ("mx3.mail.ovh.net", "ovh"),
        ("aspmx1.migadu.com", "migadu"),
        ("mx.yandex.net", "yandex"),
    ],
)
def test_a_host_that_takes_mail_belongs_to_one_provider(host: str, name: str) -> None:
    assert for_mx(host).name == name
    taking = [
        preset.name
        for preset in PRESETS
        if any(re.fullmatch(pattern, host.rstrip(".").lower()) for pattern in preset.mx_patterns)
    ]
    assert taking == [name]
    with pytest.raises(UnknownProvider):
        for_mx(f"{host.rstrip('.')}.example.com")


def test_the_file_has_its_one_form() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "preset_file.py"))
    text = (ROOT / "smtpkit" / "providers" / "presets.json").read_text("utf-8")
    assert text == script["render"](DATA), "run scripts/preset_file.py"


def test_the_page_of_providers_is_up_to_date() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "provider_table.py"))
    page = (ROOT / "docs" / "providers.md").read_text("utf-8")
    assert page == script["render"](PRESETS), "run scripts/provider_table.py"
