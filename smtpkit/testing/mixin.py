"""For `unittest`: a mailbox for every test of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit.testing.fake import FakeTransport

if TYPE_CHECKING:
    from unittest import TestCase, TestResult

    _Base = TestCase
else:
    _Base = object

__all__ = ["MailboxMixin"]


class MailboxMixin(_Base):
    """``self.mailbox`` is a `FakeTransport` that gets the mail of every mailer while a test of the case runs.

    ::

        class SignUp(MailboxMixin, unittest.TestCase):
            def test_welcome(self):
                sign_up("ann@example.com")
                self.mailbox.assert_sent(to="ann@example.com", count=1)

    It stands before ``TestCase``, or ``IsolatedAsyncioTestCase``, and needs no call from ``setUp``.
    """

    mailbox: FakeTransport

    def run(self, result: TestResult | None = None) -> Any:
        """Run the test, ``setUp`` and ``tearDown`` included, with an empty mailbox."""
        with FakeTransport() as self.mailbox:
            return super().run(result)
