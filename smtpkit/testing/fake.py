"""A transport for tests: it keeps what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.receipt import Outcome, Receipt
from smtpkit.reply import Reply

if TYPE_CHECKING:
    from smtpkit.mail import Mail
    from smtpkit.runtime.base import Runtime

__all__ = ["FakeTransport"]


class FakeTransport:
    """Accepts every mail and keeps it in ``outbox``; works in `Mailer` and in `AsyncMailer`.

    ::

        fake = FakeTransport()
        mailer = Mailer(fake)
        ...
        assert fake.outbox[0].message.fields["subject"] == "Hello"
    """

    def __init__(self) -> None:
        self.outbox: list[Mail] = []
        """The mails that were sent, in order."""

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        """Keep ``mail``, with the files it had at this moment."""
        if mail.reads_files:
            await runtime.call(mail.hold)
        self.outbox.append(mail)
        return Receipt.of(mail, Outcome("accepted", Reply(250, ("2.0.0 kept in the outbox",))))

    async def close(self, runtime: Runtime) -> None:
        """Nothing is held open."""

    def clear(self) -> None:
        """Empty the outbox."""
        self.outbox.clear()

    def __repr__(self) -> str:
        return f"<FakeTransport with {len(self.outbox)} mails>"
