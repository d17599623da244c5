"""One mailbox: addr-spec and display name (RFC 5322 §3.4, RFC 5321 §4.1.2)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, cast

from smtpkit.errors import InvalidAddress
from smtpkit.mime.characters import (
    LONGEST_LINE,
    quoted,
    refuse_breaks,
    refuse_encoded_words,
    require_text,
    shown,
    unquoted,
)
from smtpkit.pattern import Pattern
from smtpkit.value import put, value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Address", "Mailboxes", "listed", "mailboxes_of"]

Mailboxes: TypeAlias = "str | Address | Iterable[str | Address]"
"""One mailbox, or several."""

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# What nearly every address looks like. The validator takes 26-90 µs, this about one; a property
# test holds that the two never disagree. "--" is left to the validator (IDNA, RFC 5890 §2.3.1).
_USUAL = Pattern(
    r'(?:([^\0-\x1f\x7f<>@,;:"\\\ud800-\udfff]*)<)?'
    r"((?!\.|[^@]*\.\.)[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}(?<!\.))@([A-Za-z0-9.-]+)(?(1)>)\Z"
)
"""Display name, local part, domain."""
_USUAL_DOMAIN = Pattern(rf"(?!.*--)(?:{_LABEL}\.)*(?=[0-9-]*[A-Za-z]){_LABEL}\Z")
_LAST_LABEL = Pattern(rf"(?<=[@.])(?=[0-9-]*[A-Za-z])(?!.*--){_LABEL}\Z")

_DIGITS_LAST = Pattern(r"(?:^|\.)[0-9-]+\Z")

_NEEDS_QUOTES = Pattern(r'[()<>@,;:\\".\[\]]')
_AMBIGUOUS = Pattern(r'[<>@,;:"\\]')
_LONGEST = 254
"""Octets of an addr-spec (RFC 5321 §4.5.3.1.3)."""
_FORMS = 'Write it as "ann@example.com" or "Ann <ann@example.com>".'


@value
class Address:
    """One mailbox, such as ``Address("ann@example.com", "Ann")``.

    The domain is lower case; a domain in another script may be given as it is read
    (``bücher.example``) and travels as A-labels (RFC 5890).

    Raises:
        InvalidAddress: ``addr_spec`` is not one valid mailbox. Nothing is looked up.
    """

    addr_spec: str
    """Such as ``ann@example.com`` (RFC 5322 §3.4.1)."""
    display_name: str = ""
    """What people read; any text of one line."""

    def __init__(self, addr_spec: str, display_name: str = "") -> None:
        require_text("an address", addr_spec, InvalidAddress, _FORMS)
        require_text("the display name", display_name, InvalidAddress)
        put(self, "addr_spec", _validated(addr_spec))
        put(self, "display_name", refuse_breaks("the display name", display_name, InvalidAddress))

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read one mailbox: ``ann@example.com``, ``Ann <ann@example.com>``, ``"Doe, Ann" <ann@example.com>``.

        Raises:
            InvalidAddress: it is none, more than one, or could be read in two ways.
        """
        require_text("an address", text, InvalidAddress, _FORMS)
        return _parsed(text)

    @classmethod
    def of(cls, given: str | Address) -> Address:
        """``given`` itself, or what `parse` makes of it."""
        if isinstance(given, Address):
            return given
        return _parsed(given) if type(given) is str else cls.parse(given)

    @property
    def local_part(self) -> str:
        """What stands before the ``@``."""
        return self.addr_spec.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """What stands after the ``@``, as it is read."""
        return self.addr_spec.rpartition("@")[2]

    @property
    def ascii_domain(self) -> str:
        """The domain as it travels: A-labels (RFC 5890)."""
        domain = self.domain
        return domain if domain.isascii() else _a_labels(domain)

    @property
    def mailbox(self) -> str:
        """The address as it travels in MAIL and RCPT (RFC 5321 §4.1.2), without angle brackets."""
        return self.addr_spec if self.addr_spec.isascii() else f"{self.local_part}@{self.ascii_domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the local part is not ASCII, which only servers with SMTPUTF8 take (RFC 6531)."""
        return not self.addr_spec.isascii() and not self.local_part.isascii()

    def __str__(self) -> str:
        name = self.display_name
        if not name:
            return self.addr_spec
        if _NEEDS_QUOTES.search(name) or name != name.strip():
            name = quoted(name)
        return f"{name} <{self.addr_spec}>"


def _parsed(text: str) -> Address:
    usual = _USUAL.match(text) if len(text) <= _LONGEST and "=?" not in text else None
    if usual:
        name, local, domain = usual.groups("")
        if usual_domain := _usual_domain(domain):
            address = object.__new__(Address)
            put(address, "addr_spec", f"{local}@{usual_domain}")
            put(address, "display_name", name.strip())
            return address
    # No mailbox is longer than a line.
    if len(text) > LONGEST_LINE:
        raise _too_long(text)
    text = text.strip()
    if "<" not in text and ">" not in text:
        return Address(text)
    name, addr_spec = _split(refuse_breaks("the address", text, InvalidAddress))
    return Address(addr_spec, name)


def mailboxes_of(given: Mailboxes) -> tuple[Address, ...]:
    """The mailboxes that were ``given``, one or several.

    Raises:
        InvalidAddress: one of them is none.
    """
    if isinstance(given, str):
        return (_parsed(given),)
    # What is neither one nor several is for `Address` to refuse.
    if isinstance(given, (Address, bytes)) or not hasattr(given, "__iter__"):
        return (Address.of(cast("str", given)),)
    return tuple([Address.of(each) for each in given])


def listed(addresses: Sequence[Address]) -> str:
    """The first three of them, for a ``repr``."""
    more = [f"and {len(addresses) - 3} more"] if len(addresses) > 3 else []
    return " ".join([", ".join([address.addr_spec for address in addresses[:3]]) or "nobody", *more])


def _split(text: str) -> tuple[str, str]:
    """Display name and addr-spec of a mailbox with angle brackets."""
    found = unquoted(text)
    if found:
        name, rest = found[0], found[1].lstrip()
    else:
        at = text.find("<")
        name, rest = text[:at].rstrip(), text[at:]
        if _AMBIGUOUS.search(name):
            raise _ambiguous(text)
    if not (rest.startswith("<") and rest.endswith(">")) or rest.count("<") > 1 or rest.count(">") > 1:
        raise _ambiguous(text)
    return name, rest[1:-1].strip()


def _too_long(text: str) -> InvalidAddress:
    return InvalidAddress(
        f"not an address, too long: {shown(text)}",
        hint="An address has up to 254 characters. Give several as arguments of their own.",
    )


def _ambiguous(text: str) -> InvalidAddress:
    return InvalidAddress(
        f"not one mailbox: {shown(text)}",
        hint='Give each mailbox as an argument of its own; quote a name with special characters: \'"Doe, Ann" '
        '<ann@example.com>\', or Address("ann@example.com", "Doe, Ann").',
    )


def _validated(addr_spec: str) -> str:
    usual = _USUAL.match(addr_spec) if len(addr_spec) <= _LONGEST and "=?" not in addr_spec else None
    if usual and usual[1] is None and (usual_domain := _usual_domain(usual[3])):
        return f"{usual[2]}@{usual_domain}"
    return _validated_slowly(addr_spec)


@lru_cache(maxsize=256)
def _usual_domain(domain: str) -> str | None:
    """``domain`` in lower case, if it is one that needs no validator."""
    return domain.lower() if _USUAL_DOMAIN.match(domain) else None


@lru_cache(maxsize=1024)
def _validated_slowly(addr_spec: str) -> str:
    """What the fast path does not know: quoted local parts, literals, other scripts, and all that is wrong."""
    if len(addr_spec) > LONGEST_LINE:
        raise _too_long(addr_spec)
    from email_validator import EmailNotValidError

    refuse_breaks("the address", addr_spec, InvalidAddress)
    refuse_encoded_words("the address", addr_spec, InvalidAddress)
    try:
        local, domain, _ = _normalized(addr_spec)
    except EmailNotValidError as error:
        # It lists the characters that it does not like, each time they are there.
        raise InvalidAddress(
            f"not a valid address: {shown(addr_spec)}: {error!s:.200}", hint=_hint(addr_spec)
        ) from None
    if _DIGITS_LAST.search(domain):
        raise InvalidAddress(
            f"not a valid address: {shown(addr_spec)}: the domain ends with digits only, as IP addresses do",
            hint="An IP address needs brackets, as in ann@[192.0.2.1].",
        )
    kept = f"{_kept(addr_spec.rpartition('@')[0], local)}@{domain}"
    # A backslash may have hidden it.
    refuse_encoded_words("the address", kept, InvalidAddress)
    return kept


def _normalized(addr_spec: str) -> tuple[str, str, str]:
    """Local part, domain and the domain in A-labels, as email-validator writes them."""
    from email_validator import validate_email

    # It refuses special-use domains (RFC 6761), and internal relays use them: so it is asked
    # with a last label of the same length that means nothing.
    label = _LAST_LABEL.search(addr_spec)
    length = len(label[0]) if label else 0
    kept, ending = addr_spec[: len(addr_spec) - length], addr_spec[len(addr_spec) - length :].lower()
    found = validate_email(
        kept + "x" * length,
        check_deliverability=False,
        allow_quoted_local=True,
        allow_domain_literal=True,
        globally_deliverable=False,
    )
    domain, ascii_domain = found.domain, found.ascii_domain
    return (
        found.local_part,
        domain[: len(domain) - length] + ending,
        ascii_domain[: len(ascii_domain) - length] + ending,
    )


def _kept(given: str, normalized: str) -> str:
    # The validator writes some well-known names in lower case; only the receiver may do that (RFC 5321 §2.4).
    return given if given.isascii() and given.lower() == normalized.lower() else normalized


def _hint(addr_spec: str) -> str:
    if "," in addr_spec or ";" in addr_spec:
        return 'One argument is one mailbox: write to("a@example.com", "b@example.com").'
    if "(" in addr_spec:
        return 'Comments are not read. Write a name as "Ann <ann@example.com>".'
    if not addr_spec:
        return 'Write it as "ann@example.com", or leave it out where there is none. The null reverse-path is None.'
    if "<" in addr_spec:
        return 'Use Address("ann@example.com", "Ann"), or Address.parse("Ann <ann@example.com>").'
    return _FORMS


@lru_cache(maxsize=1024)
def _a_labels(domain: str) -> str:
    return _normalized(f"a@{domain}")[2]
