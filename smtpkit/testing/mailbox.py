"""The mails that were sent, for a test to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.testing.criteria import Criteria, fitting, listed, missed
from smtpkit.testing.reading import Reading

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from smtpkit.address import Address
    from smtpkit.mail import Mail
    from smtpkit.testing.criteria import Wanted
    from smtpkit.testing.matching import Matcher

__all__ = ["Mailbox"]


class Mailbox:
    """What `FakeTransport` and `ScriptedServer` have: an outbox, and questions to it."""

    @property
    def outbox(self) -> list[Mail]:
        """The mails that were accepted, in order: message, envelope, and the content as it goes over the wire."""
        raise NotImplementedError

    def sent(self, **wanted: Unpack[Wanted]) -> list[Mail]:
        """The mails that fit all that is ``wanted``: see `Wanted`. Without any of it, all mails."""
        return fitting(Criteria(wanted), self._readings())

    def sent_to(self, mailbox: Matcher | Address) -> list[Mail]:
        """The mails that went to this recipient, by To, Cc or Bcc."""
        return self.sent(to=mailbox)

    def assert_sent(self, *, count: int | None = None, **wanted: Unpack[Wanted]) -> Mail:
        """The first mail that fits all that is ``wanted``.

        ::

            mailbox.assert_sent(to="ann@example.com", subject=re.compile("order [0-9]+"), attachment="invoice.pdf")

        Args:
            count: how many must fit, at least 1; without it one or more.

        Raises:
            AssertionError: none does, or not so many. It tells the nearest miss, and what was sent.
        """
        __tracebackhide__ = True
        if count is not None and count < 1:
            raise ValueError(f"count={count}: that nothing was sent is asserted by assert_not_sent()")
        readings, criteria = self._readings(), Criteria(wanted)
        found = fitting(criteria, readings)
        if not found:
            raise AssertionError(f"no mail fits {str(criteria) or 'at all'}\n{missed(criteria, readings)}")
        if count is not None and len(found) != count:
            raise AssertionError("\n".join([f"{len(found)} mails, not {count}, fit {criteria}", *listed(readings)]))
        return found[0]

    def assert_not_sent(self, **wanted: Unpack[Wanted]) -> None:
        """No mail fits all that is ``wanted``; without any of it, nothing was sent.

        Raises:
            AssertionError: one does.
        """
        __tracebackhide__ = True
        readings, criteria = self._readings(), Criteria(wanted)
        found = fitting(criteria, readings)
        if found:
            raise AssertionError("\n".join([f"sent was what fits {str(criteria) or 'anything'}", *listed(readings)]))

    def _readings(self) -> list[Reading]:
        # A copy: other threads may be sending.
        return [Reading(mail) for mail in tuple(self.outbox)]
