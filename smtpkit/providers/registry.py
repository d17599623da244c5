"""Providers found by name, by alias and by the domain of an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.address import Address
from smtpkit.errors import InvalidConfiguration, UnknownProvider
from smtpkit.mime.characters import shown
from smtpkit.runtime.lock import ForkSafeLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from smtpkit.providers.provider import Provider

__all__ = ["Registry"]

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


class Registry:
    """Providers by name and domain. One registry may be shared by threads.

    ``load`` gives the providers to begin with; it is called once, at the first use.
    Names are found in any case, with ``-``, ``.`` or a space for ``_``.
    """

    def __init__(self, load: Callable[[], Iterable[Provider]] = tuple) -> None:
        self._load: Callable[[], Iterable[Provider]] | None = load
        self._lock = ForkSafeLock()
        self._providers: dict[str, Provider] = {}
        self._names: dict[str, Provider] = {}
        self._domains: dict[str, Provider] = {}

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
        return found

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
                f'(such as "google_workspace" or "microsoft365"), or {_HOST_HINT}.',
            )
        return found

    def for_address(self, address: str | Address) -> Provider:
        """The provider of a mailbox such as ``me@gmail.com``, by its domain. Nothing is looked up in DNS.

        Raises:
            InvalidAddress: it is not one mailbox.
            UnknownProvider: no provider lists its domain.
        """
        if not isinstance(address, Address):
            address = Address.parse(_text("an address", address))
        return self.for_domain(address.domain)

    def register(self, provider: Provider, *, replace: bool = False) -> None:
        """Add a provider, so that it is found by its name, aliases and domains.

        With ``replace`` it takes them over where others have them: a provider that loses its
        name is dropped, one that loses an alias or a domain stays without it.

        Raises:
            InvalidConfiguration: it has no name, or without ``replace`` another provider has
                its name, an alias or a domain.
        """
        if not _name_key(provider.name):
            raise InvalidConfiguration("a provider needs a name", hint='Such as Provider("example", ...).')
        with self._lock:
            self._loaded()
            taken = None if replace else self._taken(provider)
            if taken:
                raise InvalidConfiguration(
                    f"provider {shown(provider.name)} cannot be registered: {taken}",
                    hint="Choose another, or pass replace=True to take it over.",
                )
            self._add(provider)

    def unregister(self, name: str) -> None:
        """Remove the provider of that name or alias.

        Raises:
            UnknownProvider: there is none.
        """
        with self._lock:
            self._drop(self.get(name))

    def __iter__(self) -> Iterator[Provider]:
        """The providers of this moment, in the order in which they were added."""
        self._loaded()
        with self._lock:
            return iter(tuple(self._providers.values()))

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
                    self._add(provider)
                self._load = None

    def _taken(self, provider: Provider) -> str | None:
        """Which name or domain of ``provider`` another one has, in words."""
        for name in (provider.name, *provider.aliases):
            owner = self._names.get(_name_key(name))
            if owner is not None and owner != provider:
                return f"the name {shown(name)} belongs to {owner.title}"
        for domain in provider.domains:
            owner = self._domains.get(_domain_key(domain))
            if owner is not None and owner != provider:
                return f"the domain {shown(domain)} belongs to {owner.title}"
        return None

    def _add(self, provider: Provider) -> None:
        names = [_name_key(name) for name in (provider.name, *provider.aliases)]
        for name in names:
            if name in self._providers:
                self._drop(self._providers[name])
        self._providers[names[0]] = provider
        self._names.update(dict.fromkeys(names, provider))
        self._domains.update(dict.fromkeys(map(_domain_key, provider.domains), provider))

    def _drop(self, provider: Provider) -> None:
        # New dictionaries, since others may be reading these without the lock.
        self._providers = {key: other for key, other in self._providers.items() if other is not provider}
        self._names = {key: other for key, other in self._names.items() if other is not provider}
        self._domains = {key: other for key, other in self._domains.items() if other is not provider}


def _nearest(key: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    # Comparing takes quadratic time, and no name is longer than a domain may be.
    found = get_close_matches(key, tuple(known), n=3, cutoff=0.7) if len(key) <= 253 else []
    return f"; nearest: {', '.join(found)}" if found else ""
