"""What a mail must be like that a test looks for, and what is told when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypedDict, cast

from smtpkit.address import Address
from smtpkit.mime.characters import shown
from smtpkit.testing.matching import contains, equals, is_mailbox, is_matcher, wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from smtpkit.mail import Mail
    from smtpkit.testing.matching import Matcher
    from smtpkit.testing.reading import Reading

__all__ = ["Criteria", "Wanted", "fitting", "missed"]

Mailboxes: TypeAlias = "Matcher | Address | Collection[Matcher | Address]"


class Wanted(TypedDict, total=False):
    """What `Mailbox.sent` looks for, by keyword. A mail must fit all of it.

    Each takes a string, a regular expression, which is searched for, or a function that gets the value.
    """

    to: Mailboxes
    """A recipient of the envelope (To, Cc or Bcc), or several of them, who must all be recipients."""
    from_: Matcher | Address
    """The mailbox of From."""
    subject: Matcher
    """The whole subject."""
    text_contains: Matcher
    """Something in the plain text."""
    html_contains: Matcher
    """Something in the HTML."""
    attachment: Matcher
    """The name of an attached or embedded file; a function gets the `ReceivedFile`."""
    header: tuple[str, Matcher]
    """The name of a header field, and its whole value."""


class Criterion(NamedTuple):
    """One thing that is wanted, and whether a mail has it."""

    name: str
    wanted: str
    fits: bool
    found: str
    """What the mail has instead."""

    @property
    def nearness(self) -> float:
        """1 if it fits; else less, the more so the less it looks like what is wanted."""
        from difflib import SequenceMatcher

        return 1.0 if self.fits else SequenceMatcher(None, self.wanted, self.found).ratio() / 2


class Criteria:
    """All that is wanted of one mail."""

    def __init__(self, wanted: Wanted) -> None:
        unknown = sorted(set(wanted) - set(_CHECKS))
        if unknown:
            raise TypeError(f"nothing can be looked for by {unknown[0]}=; known: {', '.join(_CHECKS)}")
        self._wanted: dict[str, Any] = dict(wanted)
        for name, matcher in self._wanted.items():
            _check(name, matcher)

    def __str__(self) -> str:
        return ", ".join(f"{name}={_told(matcher)}" for name, matcher in self._wanted.items())

    def judge(self, reading: Reading) -> list[Criterion]:
        """Each of them, for one mail."""
        found: list[Criterion] = []
        for name, matcher in self._wanted.items():
            fits, seen = _CHECKS[name](matcher, reading)
            found.append(Criterion(name, _told(matcher), fits, seen))
        return found


def fitting(criteria: Criteria, readings: Iterable[Reading]) -> list[Mail]:
    """The mails that have all that is wanted."""
    return [each.mail for each in readings if all(criterion.fits for criterion in criteria.judge(each))]


def missed(criteria: Criteria, readings: Sequence[Reading]) -> str:
    """Which mail came nearest to what is wanted, and what is the matter with it; then what there is."""
    if not readings:
        return "nothing was sent"
    judged = [(each, criteria.judge(each)) for each in readings]
    nearest, criteria_of = max(judged, key=lambda each: sum(criterion.nearness for criterion in each[1]))
    lines = [f"nearest: {summary(nearest)}"] if criteria_of else []
    for name, wish, fits, found in criteria_of:
        lines.append(f"  fits    {name}: {found}" if fits else f"  DIFFERS {name}: {found}, not {wish}")
    return "\n".join([*lines, *listed(readings)])


def listed(readings: Sequence[Reading]) -> list[str]:
    """All mails, a line each."""
    count = f"{len(readings)} mail{'s' if len(readings) > 1 else ''}"
    return [f"sent, {count} in all:", *(f"  {n}. {summary(each)}" for n, each in enumerate(readings, 1))]


def summary(reading: Reading) -> str:
    """A mail in few words."""
    return f"{shown(reading.subject)} to {', '.join(reading.recipients)}"


def _told(matcher: object) -> str:
    return f"[{', '.join(map(wanted, several))}]" if (several := _several(matcher)) is not None else wanted(matcher)


def _several(matcher: object) -> list[Any] | None:
    """What a list, tuple or set has; ``None`` for anything else."""
    return list(cast("list[Any]", matcher)) if isinstance(matcher, (list, tuple, set, frozenset)) else None


def _check(name: str, matcher: Any) -> None:
    """Refuse what cannot be looked for: it would be found nowhere, or everywhere."""
    several = _several(matcher) if name in ("to", "header") else None
    if name == "header" and (several is None or len(several) != 2 or not isinstance(several[0], str)):
        raise TypeError(f'header={matcher!r}: a name and a value are needed, such as ("X-Campaign", "autumn")')
    if several == []:
        raise ValueError(f"{name}={matcher!r}: every mail goes to all of nobody")
    for each in [matcher] if several is None else several:
        if not is_matcher(each) and not (name in ("to", "from_") and isinstance(each, Address)):
            raise TypeError(f"{name}={each!r}: a string, a regular expression or a function is needed")


def _to(matcher: Any, reading: Reading) -> tuple[bool, str]:
    several = _several(matcher)
    each_of = [matcher] if several is None else several
    fits = all(any(is_mailbox(one, name) for name in reading.recipients) for one in each_of)
    return fits, ", ".join(reading.recipients)


def _from(matcher: Any, reading: Reading) -> tuple[bool, str]:
    field: Any = reading.email["From"]
    found = [each.addr_spec for each in getattr(field, "addresses", ())]
    return any(is_mailbox(matcher, each) for each in found), reading.sender


def _subject(matcher: Matcher, reading: Reading) -> tuple[bool, str]:
    return equals(matcher, reading.subject), repr(reading.subject)


def _body(matcher: Matcher, body: str | None, kind: str) -> tuple[bool, str]:
    if body is None:
        return False, f"no {kind}"
    return contains(matcher, body), shown(body)


def _attachment(matcher: Any, reading: Reading) -> tuple[bool, str]:
    by_file = not hasattr(matcher, "search") and callable(matcher)
    fits = any(matcher(each) if by_file else equals(matcher, each.filename) for each in reading.files)
    return fits, ", ".join(repr(each.filename) for each in reading.files) or "no files"


def _header(matcher: tuple[str, Matcher], reading: Reading) -> tuple[bool, str]:
    name, value = matcher
    found = [str(each) for each in reading.email.get_all(name, [])]
    return any(equals(value, each) for each in found), ", ".join(map(repr, found)) or f"no {name}"


_CHECKS: dict[str, Callable[[Any, Reading], tuple[bool, str]]] = {
    "to": _to,
    "from_": _from,
    "subject": _subject,
    "text_contains": lambda matcher, reading: _body(matcher, reading.text, "plain text"),
    "html_contains": lambda matcher, reading: _body(matcher, reading.html, "HTML"),
    "attachment": _attachment,
    "header": _header,
}
