"""What a server for tests is told to do instead of taking mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from smtpkit.address import Address
from smtpkit.errors import InvalidConfiguration
from smtpkit.mime.characters import shown
from smtpkit.pattern import Pattern
from smtpkit.testing.matching import is_mailbox, is_matcher
from smtpkit.value import at_least_1, from_0_to

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Self

    from smtpkit.testing.matching import Matcher

__all__ = ["Deed", "Rule", "Script", "Scripted", "When"]

When: TypeAlias = Literal["greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "content"]
"""The stage of `SmtpkitError.stage`; ``content`` is when the whole content was handed over."""

_STAGES = ("greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "content")

_NEGATIVE = Pattern(r"[45][0-9][0-9](?: [^\r\n]*)?\Z")

_LONGEST = 86400
"""A day, as for `Timeouts`."""

Deed: TypeAlias = Literal["reply", "silence", "hang up", "take and hang up"]


class Rule:
    """One thing to do, so many times.

    Raises:
        InvalidAddress: ``who`` is a string, and not an address.
        InvalidConfiguration: no stage, no negative reply, ``who`` is nothing to match, or ``times`` is below 1.
    """

    def __init__(
        self, at: When, deed: Deed, reply: str = "", who: Matcher | Address | None = None, times: int | None = None
    ) -> None:
        if at not in _STAGES:
            raise InvalidConfiguration(f"at={at!r}", hint=f"It is one of {', '.join(_STAGES)}.")
        self.at: When = at
        self.deed: Deed = deed
        self.reply: str = _checked(reply) if deed == "reply" else ""
        self._who: Matcher | Address | None = None if who is None else _checked_who(who)
        self._left = float("inf") if times is None else at_least_1("times", times)

    def applies(self, at: str, addresses: Iterable[str]) -> bool:
        """Whether this is to be done now: it is counted."""
        if at != self.at or self._left < 1:
            return False
        if self._who is not None and not any(is_mailbox(self._who, each) for each in addresses):
            return False
        self._left -= 1
        return True


def _checked(reply: object) -> str:
    if not isinstance(reply, str) or not _NEGATIVE.match(reply):
        raise InvalidConfiguration(
            f"not a reply that refuses: {shown(str(reply))}", hint='It is one line such as "550 5.1.1 no such mailbox".'
        )
    return reply


def _checked_who(who: Matcher | Address) -> Matcher | Address:
    if not is_matcher(who) and not isinstance(who, Address):
        raise InvalidConfiguration(f"who={who!r}", hint="It is an address, a regular expression or a function.")
    return Address.of(who) if isinstance(who, str) else who


class Limits(NamedTuple):
    """How much the server takes."""

    size: int | None = None
    per_connection: int | None = None
    in_all: int | None = None
    daily_reply: str = ""
    slow: float = 0.0


class Script:
    """All of it. Rules count in the order in which they were given; the first that applies is followed."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.limits: Limits = Limits()

    @property
    def empty(self) -> bool:
        """Whether all mail is taken."""
        return not self.rules and self.limits == Limits()

    def clear(self) -> None:
        """Take all mail from now on."""
        self.rules.clear()
        self.limits = Limits()

    def due(self, at: str, addresses: Iterable[str] = ()) -> Rule | None:
        """What is to be done now instead of what the client asks for."""
        return next((rule for rule in tuple(self.rules) if rule.applies(at, addresses)), None)


class Scripted:
    """What `FakeTransport` and `ScriptedServer` can be told. Each method returns the object itself, for the next one.

    The errors and receipts that come of it are those of a real server.
    """

    def __init__(self) -> None:
        self.script: Script = Script()

    def _told(self, rule: Rule) -> Self:
        self.script.rules.append(rule)
        return self

    def _limited(self, **limits: Any) -> Self:
        self.script.limits = self.script.limits._replace(**limits)
        return self

    def accept_all(self) -> Self:
        """Forget all that was scripted: from now on every mail is taken."""
        self.script.clear()
        return self

    def refuse_recipient(
        self, who: Matcher | Address, reply: str = "550 5.1.1 no such mailbox", *, times: int | None = None
    ) -> Self:
        """Answer RCPT of these recipients with ``reply``, always or so many ``times``: `RecipientsRefused`."""
        return self._told(Rule("rcpt", "reply", reply, _checked_who(who), times))

    def refuse_sender(
        self,
        who: Matcher | Address | None = None,
        reply: str = "550 5.7.1 sender not allowed",
        *,
        times: int | None = None,
    ) -> Self:
        """Answer MAIL of these senders, or of all, with ``reply``: `SenderRefused`."""
        return self._told(Rule("mail", "reply", reply, who, times))

    def refuse_content(self, reply: str = "554 5.7.1 looks like spam", *, times: int | None = None) -> Self:
        """Answer the content with ``reply``: `ContentRefused`."""
        return self._told(Rule("content", "reply", reply, None, times))

    def refuse_login(
        self, reply: str = "535 5.7.8 user name and password not accepted", *, times: int | None = None
    ) -> Self:
        """Answer AUTH with ``reply``: `AuthenticationFailed`."""
        return self._told(Rule("auth", "reply", reply, None, times))

    def fail_temporarily(self, times: int = 1, reply: str = "450 4.2.0 try again later", *, at: When = "rcpt") -> Self:
        """Refuse with a 4yz so many ``times``, and take what comes after: something for `Retry`.

        Every answer counts, so that at ``rcpt`` a mail to three takes three of them.
        """
        if _checked(reply)[0] != "4":
            raise InvalidConfiguration(
                f"not a reply for now: {shown(reply)}", hint="It begins with 4; the methods refuse_... are for good."
            )
        return self._told(Rule(at, "reply", reply, None, times))

    def turn_away(self, reply: str = "421 4.3.2 too busy", *, at: When = "greeting", times: int | None = None) -> Self:
        """Say 421 and close the connection: `ServiceUnavailable`."""
        return self._told(Rule(at, "reply", reply, None, times))

    def leave_uncertain(self, *, accepted: bool = True, times: int | None = None) -> Self:
        """Take the whole content and close the connection without a reply: `DeliveryUncertain`.

        Whether it was ``accepted`` in truth only the outbox tells.
        """
        return self._told(Rule("content", "take and hang up" if accepted else "hang up", "", None, times))

    def time_out(self, at: When = "mail", *, times: int | None = None) -> Self:
        """Say nothing any more: `TimedOut`; `DeliveryUncertain` at ``content``.

        A `FakeTransport` has a clock of its own: nobody waits. A `ScriptedServer` makes its client wait, which
        wants short `Timeouts`.
        """
        return self._told(Rule(at, "silence", "", None, times))

    def disconnect(self, at: When = "mail", *, times: int | None = None) -> Self:
        """Close the connection instead of a reply: `ConnectionLost`; `DeliveryUncertain` at ``content``.

        What a connection certainly did not deliver that was used before goes over a new one, by itself.
        """
        return self._told(Rule(at, "hang up", "", None, times))

    def slow_down(self, seconds: float) -> Self:
        """Take so long for every reply. A `FakeTransport` counts them on a clock of its own."""
        return self._limited(slow=from_0_to(_LONGEST, "seconds", seconds))

    def limit_size(self, octets: int) -> Self:
        """Offer SIZE, and take no larger content: `ContentRefused`. It counts for new connections."""
        return self._limited(size=at_least_1("octets", octets))

    def close_after(self, messages: int) -> Self:
        """Answer MAIL with 421 after so many mails on a connection: the next ones go over a new one."""
        return self._limited(per_connection=at_least_1("messages", messages))

    def limit_daily(self, messages: int, reply: str = "550 5.4.5 Daily user sending limit exceeded") -> Self:
        """Take so many mails in all, and answer MAIL of further ones with ``reply``; by default as Gmail."""
        return self._limited(in_all=at_least_1("messages", messages), daily_reply=_checked(reply))
