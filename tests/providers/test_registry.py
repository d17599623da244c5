"""Providers found by name, alias, domain and address; registered and removed."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest

from smtpkit import providers
from smtpkit.address import Address
from smtpkit.errors import InvalidAddress, InvalidConfiguration, UnknownProvider
from smtpkit.providers import Endpoint, Provider, Registry

HERE = (Endpoint("smtp.example.com", 465, "tls"),)
ONE = Provider("one", "One", HERE, aliases=("uno", "first"), domains=("one.example", "*.one.example"))
TWO = Provider("two", "Two", HERE, aliases=("dos",), domains=("two.example",))


def registry_of(*given: Provider) -> Registry:
    return Registry(lambda: given)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("gmail", "gmail"),
        ("GMail", "gmail"),
        (" gmail ", "gmail"),
        ("google-mail", "gmail"),
        ("Google Workspace", "google_workspace"),
        ("google.workspace", "google_workspace"),
        ("gsuite", "google_workspace"),
        ("smtp-relay-gmail", "google_workspace_relay"),
        ("hotmail", "outlook"),
        ("Outlook.com", "outlook"),
        ("office365", "microsoft365"),
        ("ses", "amazon_ses"),
        ("zoho-pro", "zoho_pro"),
        ("custom", "cpanel"),
    ],
)
def test_get(asked: str, name: str) -> None:
    assert providers.get(asked).name == name
    assert asked in providers.registry


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [("gmial", "gmail"), ("send_grid", "sendgrid"), ("mailgum", "mailgun"), ("Micro-soft 365", "microsoft365")],
)
def test_an_unknown_name_gives_the_nearest(asked: str, nearest: str) -> None:
    with pytest.raises(UnknownProvider, match=rf"no provider is called .*; nearest: .*\b{nearest}\b") as caught:
        providers.get(asked)
    assert "register(Provider" in (caught.value.hint or "")
    assert "SmtpTlsTransport" in (caught.value.hint or "")
    assert isinstance(caught.value, LookupError)
    assert asked not in providers.registry


@pytest.mark.parametrize("asked", ["", "xyzzy", "q" * 100_000])
def test_a_name_near_to_none_gives_no_guess(asked: str) -> None:
    with pytest.raises(UnknownProvider) as caught:
        providers.get(asked)
    assert "nearest" not in caught.value.message
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("me@gmail.com", "gmail"),
        ("Me <me@GMAIL.com>", "gmail"),
        (Address("me@googlemail.com"), "gmail"),
        ("me@hotmail.co.uk", "outlook"),
        ("me@contoso.onmicrosoft.com", "microsoft365"),
        ("me@zoho.com", "zoho"),
        ("me@zohomail.eu", "zoho_eu"),
        ("me@zoho.com.cn", "zoho_cn"),
    ],
)
def test_for_address(address: str | Address, name: str) -> None:
    assert providers.for_address(address).name == name


@pytest.mark.parametrize("address", ["me@example.com", "me@mail.gmail.com", "me@onmicrosoft.com", "me@localhost"])
def test_a_domain_that_is_nobodys_is_unknown(address: str) -> None:
    with pytest.raises(UnknownProvider, match="no provider is known for the domain") as caught:
        providers.for_address(address)
    assert "google_workspace" in (caught.value.hint or "")


def test_a_mistyped_domain_gives_the_nearest() -> None:
    with pytest.raises(UnknownProvider, match=r"domain 'gmial\.com'; nearest: gmail\.com"):
        providers.for_address("me@gmial.com")


@pytest.mark.parametrize("address", ["", "gmail.com", "a@gmail.com, b@gmail.com", "me@gmail.com\r\nx"])
def test_what_is_no_address_is_not_looked_up(address: str) -> None:
    with pytest.raises(InvalidAddress):
        providers.for_address(address)


@pytest.mark.parametrize(
    ("domain", "name"),
    [("one.example", "one"), ("ONE.example.", "one"), ("a.b.one.example", "one"), ("two.example", "two")],
)
def test_for_domain(domain: str, name: str) -> None:
    assert registry_of(ONE, TWO).for_domain(domain).name == name


def test_a_registered_provider_is_found_by_all_its_names() -> None:
    registry = Registry()
    assert len(registry) == 0
    registry.register(ONE)
    registry.register(ONE)
    assert [*registry] == [ONE]
    assert registry.get("ONE") is registry.get("uno") is registry.for_domain("one.example") is ONE
    assert "First" in registry
    assert 1 not in registry


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"name": "one"}, "the name 'one' belongs to One"),
        ({"name": "ONE"}, "the name 'ONE' belongs to One"),
        ({"name": "uno"}, "the name 'uno' belongs to One"),
        ({"name": "three", "aliases": ("one",)}, "the name 'one' belongs to One"),
        ({"name": "three", "aliases": ("First",)}, "the name 'First' belongs to One"),
        ({"name": "three", "domains": ("one.example",)}, "the domain 'one.example' belongs to One"),
        ({"name": "-"}, None),
        ({"name": " "}, "needs a name"),
    ],
)
def test_nothing_is_taken_over_unasked(facts: dict[str, Any], said: str | None) -> None:
    registry = registry_of(ONE, TWO)
    new = Provider(title="New", endpoints=HERE, **facts)
    if said is None:
        registry.register(new)
        assert [*registry] == [ONE, TWO, new]
        return
    with pytest.raises(InvalidConfiguration, match=said):
        registry.register(new)
    assert [*registry] == [ONE, TWO]
    assert registry.for_domain("one.example") is registry.get("uno") is ONE


def test_replace_takes_a_name_over_with_all_that_belonged_to_it() -> None:
    registry = registry_of(ONE, TWO)
    new = Provider("one", "New", HERE)
    registry.register(new, replace=True)
    assert [*registry] == [TWO, new]
    assert "uno" not in registry
    with pytest.raises(UnknownProvider):
        registry.for_domain("one.example")


def test_replace_takes_an_alias_or_a_domain_and_leaves_the_rest() -> None:
    registry = registry_of(ONE, TWO)
    new = Provider("three", "New", HERE, aliases=("uno",), domains=("two.example",))
    registry.register(new, replace=True)
    assert [*registry] == [ONE, TWO, new]
    assert registry.get("uno") is registry.for_domain("two.example") is new
    assert registry.get("first") is ONE
    assert registry.get("dos") is TWO


def test_the_last_one_added_takes_the_mail() -> None:
    mine = Provider("mine", "Mine", HERE, mx_patterns=(r"mx\d?\.one\.example",))
    registry = registry_of(ONE.replace(mx_patterns=(r"(.*\.)?one\.example",)), TWO)
    assert registry.for_mx("MX1.one.example.").name == "one"
    registry.register(mine)
    assert registry.for_mx("mx1.one.example") is mine
    assert registry.for_mx("in.one.example").name == "one"
    registry.unregister("mine")
    assert registry.for_mx("mx1.one.example").name == "one"
    for host in ("mx1.one.example.org", "", "mx.two.example"):
        with pytest.raises(UnknownProvider, match="take mail at"):
            registry.for_mx(host)


def test_by_the_host_that_lets_mail_out() -> None:
    at = Endpoint("smtp.shared.example", 465, "tls")
    homes = Provider("homes", "Homes", (at,), domains=("homes.example",))
    firms = Provider("firms", "Firms", (at,), mx_patterns=("mx.firms.example",), regions=(("eu", "eu.firms.example"),))
    trap = Provider("trap", "Trap", (Endpoint("trap.example", 465, "tls"),), kind="testing")
    registry = registry_of(homes, firms, trap)
    assert registry.for_host("SMTP.shared.example.") is firms
    assert registry.for_host("smtp.shared.example", domain="Homes.example") is homes
    assert registry.for_host("eu.firms.example", "smtp.shared.example") is firms
    for hosts in (("trap.example",), ("smtp.shared.example", "other.example"), ()):
        with pytest.raises(UnknownProvider):
            registry.for_host(*hosts)


def test_an_mx_pattern_is_a_regular_expression() -> None:
    with pytest.raises(InvalidConfiguration, match="'mx\\(', which is no regular expression"):
        registry_of().register(TWO.replace(mx_patterns=("mx(",)))


def test_unregister() -> None:
    registry = registry_of(ONE, TWO)
    registry.unregister("Uno")
    assert [*registry] == [TWO]
    assert len(registry) == 1
    for lookup in (registry.get, registry.unregister):
        with pytest.raises(UnknownProvider):
            lookup("one")
    with pytest.raises(UnknownProvider):
        registry.for_domain("a.one.example")


def test_the_functions_of_the_module_are_those_of_the_one_registry() -> None:
    providers.register(ONE.replace(mx_patterns=("mx.one.example",)))
    try:
        assert providers.for_mx("mx.one.example") is providers.get("one")
        assert providers.get("one") is providers.registry.get("uno")
        assert providers.for_domain("one.example") is providers.for_address("me@one.example")
    finally:
        providers.unregister("one")
    assert "one" not in providers.registry


def test_iteration_shows_the_moment_it_began() -> None:
    registry = registry_of(ONE, TWO)
    for provider in registry:
        registry.unregister(provider.name)
    assert [*registry] == []


def test_threads_load_once_and_see_everything() -> None:
    loads: list[None] = []
    many = tuple(Provider(f"p{number}", "P", HERE) for number in range(500))

    def load() -> tuple[Provider, ...]:
        loads.append(None)
        return many

    registry = Registry(load)
    start = threading.Barrier(8)
    found: list[Provider] = []

    def look() -> None:
        start.wait()
        found.append(registry.get("p499"))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [many[-1]] * 8
    assert len(loads) == 1


def test_a_load_that_failed_is_tried_again() -> None:
    answers: list[Any] = [OSError("gone"), (ONE,)]

    def load() -> tuple[Provider, ...]:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer  # type: ignore[no-any-return]

    registry = Registry(load)
    with pytest.raises(OSError, match="gone"):
        registry.get("one")
    assert registry.get("one") is ONE


def test_nothing_is_read_at_import() -> None:
    code = (
        "import sys; before = set(sys.modules); opened = [];"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' else None);"
        "import smtpkit.providers;"
        "heavy = {'json', 'difflib', 'importlib.resources', 'email_validator', 'inspect', 'dataclasses'};"
        "assert not heavy & (set(sys.modules) - before), heavy & (set(sys.modules) - before);"
        "assert not [path for path in opened if path.endswith('.json')], opened;"
        "smtpkit.providers.get('gmail'); assert [path for path in opened if path.endswith('presets.json')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_names() -> None:
    assert set(providers.__all__) == {
        "Discovered", "Endpoint", "OAuth2", "Provider", "Registry", "SendingLimit",
        "discover", "discover_async", "for_address", "for_domain", "for_host", "for_mx", "get",
        "register", "registry", "unregister",
    }  # fmt: skip
