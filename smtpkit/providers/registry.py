"""Providers found by name, by alias, by the domain of an address and by the host that takes its mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.address import Address
from smtpkit.errors import InvalidConfiguration, UnknownProvider
from smtpkit.mime.characters import shown
from smtpkit.providers.provider import THIS_MACHINE
from smtpkit.runtime.lock import ForkSafeLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from smtpkit.providers.provider import Provider

__all__ = ["Listed", "Registry"]

_TO_UNDERSCORE = str.maketrans("-. ", "___")
_HOST_HINT = 'give the host itself: SmtpTlsTransport("mail.example.com", ...)'


def _text(what: str, given: object) -> str:
    if not isinstance(given, str):
        raise InvalidConfiguration(f"{what} is text, not {type(given).__name__}")
    return given


def _name_key(name: str) -> str:
    return _text("the name of a provider", name).strip().lower().translate(_TO_UNDERSCORE)


def _domain_key(domain: str) -> str:
    return _text("a domain", domain).strip().rstrip(".").lower()


class Listed:
    """What a provider is found by. It is made when it is asked for: all of them at once take several milliseconds."""

    __slots__ = ("_made", "_make", "domains", "mx_patterns", "names")

    def __init__(
        self,
        names: tuple[str, ...],
        domains: tuple[str, ...],
        mx_patterns: tuple[str, ...],
        make: Callable[[], Provider],
    ) -> None:
        self.names: tuple[str, ...] = names
        """Its name, and its aliases."""
        self.domains: tuple[str, ...] = domains
        self.mx_patterns: tuple[str, ...] = mx_patterns
        self._make = make
        self._made: dict[str, Provider] = {}

    @classmethod
    def of(cls, provider: Provider) -> Listed:
        """For a provider that is there already."""
        return cls((provider.name, *provider.aliases), provider.domains, provider.mx_patterns, lambda: provider)

    @property
    def provider(self) -> Provider:
        """The provider, the same one each time."""
        name = self.names[0]
        # Threads may make it twice; the first one stays.
        return self._made.get(name) or self._made.setdefault(name, self._make())

    def takes_mail_at(self, host: str) -> bool:
        """Whether one of its patterns matches ``host`` as a whole."""
        import re

        return any(re.fullmatch(pattern, host) for pattern in self.mx_patterns)


class Registry:
    """Providers by name, domain and MX host. One registry may be shared by threads.

    ``load`` gives the providers to begin with; it is called once, at the first use.
    Names are found in any case, with ``-``, ``.`` or a space for ``_``.
    """

    def __init__(self, load: Callable[[], Iterable[Provider | Listed]] = tuple) -> None:
        self._load: Callable[[], Iterable[Provider | Listed]] | None = load
        self._lock = ForkSafeLock()
        self._providers: dict[str, Listed] = {}
        self._names: dict[str, Listed] = {}
        self._domains: dict[str, Listed] = {}

    def get(self, name: str) -> Provider:
        """The provider of that name or alias.

        Raises:
            UnknownProvider: there is none. The text has the nearest names.
        """
        self._loaded()
        found = self._names.get(_name_key(name))
        if found is None:
            nearest = _nearest(_name_key(name), self._names)
            raise UnknownProvider(
                f"no provider is called {shown(name)}{nearest}",
                hint=f"Register it with smtpkit.providers.register(Provider(...)), or {_HOST_HINT}.",
            )
        return found.provider

    def for_domain(self, domain: str) -> Provider:
        """The provider whose mailboxes have that domain. Nothing is looked up in DNS.

        Raises:
            UnknownProvider: no provider lists the domain.
        """
        self._loaded()
        key = _domain_key(domain)
        found = self._domains.get(key)
        parent = key
        while found is None and "." in parent:
            parent = parent.partition(".")[2]
            found = self._domains.get(f"*.{parent}")
        if found is None:
            nearest = _nearest(key, self._domains)
            raise UnknownProvider(
                f"no provider is known for the domain {shown(domain)}{nearest}",
                hint="The provider of a domain of your own is not known from its name: name it "
                f'(such as "google_workspace" or "microsoft365"), let smtpkit.discover(...) ask DNS, or {_HOST_HINT}.',
            )
        return found.provider

    def for_address(self, address: str | Address) -> Provider:
        """The provider of a mailbox such as ``me@gmail.com``, by its domain. Nothing is looked up in DNS.

        Raises:
            InvalidAddress: it is not one mailbox.
            UnknownProvider: no provider lists its domain.
        """
        if not isinstance(address, Address):
            address = Address.parse(_text("an address", address))
        return self.for_domain(address.domain)

    def for_mx(self, host: str) -> Provider:
        """The provider whose host this is, which takes the mail of a domain of its customers (an MX record's).

        Nothing is looked up in DNS. Of several that match, the one that was added last.

        Raises:
            UnknownProvider: no provider has such a host.
        """
        self._loaded()
        key = _domain_key(host)
        with self._lock:
            known = tuple(self._providers.values())
        found = next((each for each in reversed(known) if each.takes_mail_at(key)), None)
        if found is None:
            raise UnknownProvider(
                f"no provider is known to take mail at {shown(host)}", hint=f"If you know it, name it, or {_HOST_HINT}."
            )
        return found.provider

    def for_host(self, *hosts: str, domain: str = "") -> Provider:
        """The provider that lets mail out at ``hosts``, such as ``smtp.gmail.com``: at all of them.

        Of several, the one whose mailboxes have ``domain``, or rather one that has domains of its customers.

        Raises:
            UnknownProvider: no provider has such hosts.
        """
        keys = frozenset(map(_domain_key, hosts))
        # On this machine it may be anybody's.
        if not keys or keys & {*THIS_MACHINE}:
            found: list[Provider] = []
        else:
            found = [each for each in self if each.kind != "testing" and keys <= each.hosts]
        if not found:
            raise UnknownProvider(
                f"no provider is known by {', '.join(map(shown, hosts))}", hint="Its own documentation says more of it."
            )
        return min(found, key=lambda each: (_domain_key(domain) not in each.domains, not each.mx_patterns))

    def register(self, provider: Provider, *, replace: bool = False) -> None:
        """Add a provider, so that it is found by its name, aliases and domains.

        With ``replace`` it takes them over where others have them: a provider that loses its
        name is dropped, one that loses an alias or a domain stays without it.

        Raises:
            InvalidConfiguration: it has no name, or an MX pattern that is no regular expression, or
                without ``replace`` another provider has its name, an alias or a domain.
        """
        if not _name_key(provider.name):
            raise InvalidConfiguration("a provider needs a name", hint='Such as Provider("example", ...).')
        _check_patterns(provider)
        with self._lock:
            self._loaded()
            taken = None if replace else self._taken(provider)
            if taken:
                raise InvalidConfiguration(
                    f"provider {shown(provider.name)} cannot be registered: {taken}",
                    hint="Choose another, or pass replace=True to take it over.",
                )
            self._add(Listed.of(provider))

    def unregister(self, name: str) -> None:
        """Remove the provider of that name or alias.

        Raises:
            UnknownProvider: there is none.
        """
        with self._lock:
            found = self.get(name)
            self._drop(self._providers[_name_key(found.name)])

    def __iter__(self) -> Iterator[Provider]:
        """The providers of this moment, in the order in which they were added."""
        self._loaded()
        with self._lock:
            known = tuple(self._providers.values())
        return iter([each.provider for each in known])

    def __len__(self) -> int:
        self._loaded()
        return len(self._providers)

    def __contains__(self, name: object) -> bool:
        """Whether `get` finds the name."""
        self._loaded()
        return isinstance(name, str) and _name_key(name) in self._names

    def _loaded(self) -> None:
        if self._load is None:
            return
        with self._lock:
            # Another thread may have loaded meanwhile. Readers without the lock come here until all is in.
            if self._load is not None:
                for provider in self._load():
                    self._add(provider if isinstance(provider, Listed) else Listed.of(provider))
                self._load = None

    def _taken(self, provider: Provider) -> str | None:
        """Which name or domain of ``provider`` another one has, in words."""
        for name in (provider.name, *provider.aliases):
            owner = self._names.get(_name_key(name))
            if owner is not None and owner.provider != provider:
                return f"the name {shown(name)} belongs to {owner.provider.title}"
        for domain in provider.domains:
            owner = self._domains.get(_domain_key(domain))
            if owner is not None and owner.provider != provider:
                return f"the domain {shown(domain)} belongs to {owner.provider.title}"
        return None

    def _add(self, provider: Listed) -> None:
        names = [*map(_name_key, provider.names)]
        for name in names:
            if name in self._providers:
                self._drop(self._providers[name])
        self._providers[names[0]] = provider
        self._names.update(dict.fromkeys(names, provider))
        self._domains.update(dict.fromkeys(map(_domain_key, provider.domains), provider))

    def _drop(self, provider: Listed) -> None:
        # New dictionaries, since others may be reading these without the lock.
        self._providers = {key: other for key, other in self._providers.items() if other is not provider}
        self._names = {key: other for key, other in self._names.items() if other is not provider}
        self._domains = {key: other for key, other in self._domains.items() if other is not provider}


def _check_patterns(provider: Provider) -> None:
    import re

    for pattern in provider.mx_patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise InvalidConfiguration(
                f"mx_patterns of {shown(provider.name)} has {shown(pattern)}, which is no regular expression: {error}"
            ) from None


def _nearest(key: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    # Comparing takes quadratic time, and no name is longer than a domain may be.
    found = get_close_matches(key, tuple(known), n=3, cutoff=0.7) if len(key) <= 253 else []
    return f"; nearest: {', '.join(found)}" if found else ""
