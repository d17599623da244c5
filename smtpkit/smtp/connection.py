"""A connection that is ready for mail, for one mail after the other."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from smtpkit.errors import ConnectionLost, ServiceUnavailable, SmtpkitError
from smtpkit.smtp import commands
from smtpkit.smtp.admission import admit
from smtpkit.smtp.handshake import open_dialogue
from smtpkit.smtp.policy import flights
from smtpkit.smtp.transaction import Transaction

if TYPE_CHECKING:
    from smtpkit.mail import Mail
    from smtpkit.receipt import Receipt
    from smtpkit.runtime.base import Runtime
    from smtpkit.smtp.capabilities import Capabilities
    from smtpkit.smtp.dialogue import Dialogue
    from smtpkit.smtp.pool import Place
    from smtpkit.smtp.server import Server

__all__ = ["Connection"]

_PARTING = 2.0
"""Seconds that QUIT and its reply may take: nothing depends on them."""


class Connection:
    """A log-in session with a server. Its owner sends one mail at a time and closes it."""

    def __init__(self, server: Server, runtime: Runtime, dialogue: Dialogue, capabilities: Capabilities) -> None:
        self._server = server
        self._runtime = runtime
        self._dialogue = dialogue
        self._capabilities = capabilities
        self._mails = 0
        self.place: Place | None = None
        """What it occupies in its pool while it is used."""

    @classmethod
    async def open(cls, server: Server, runtime: Runtime, deadline: float = float("inf")) -> Connection:
        """Connect, secure and log in. Raises as `smtpkit.smtp.handshake.open_dialogue`."""
        dialogue, capabilities = await open_dialogue(server, runtime, deadline)
        return cls(server, runtime, dialogue, capabilities)

    @property
    def reusable(self) -> bool:
        """Whether another mail can go this way: no reply is owed."""
        return self._dialogue.in_step

    async def alive(self) -> bool:
        """Whether an idle connection is still there, without a round trip: a live server is silent."""
        return self._dialogue.in_step and not await self._dialogue.spoken()

    async def send(self, mail: Mail, deadline: float = float("inf")) -> Receipt:
        """Send one mail, and leave the connection reusable or closed."""
        self._dialogue.deadline = deadline
        self._mails += 1
        admission = admit(mail, self._capabilities, host=self._server.host, verified_tls=self._dialogue.verified_tls)
        transaction = Transaction(mail, self._capabilities, admission, self._server.timeouts)
        plan = flights(self._capabilities, recipients=transaction.recipients, pipelining=self._server.pipelining)
        receipt = await transaction.run(self._dialogue, self._runtime, plan)
        if transaction.mail_accepted and not receipt.accepted and self._dialogue.in_step:
            await self._reset()
        return receipt

    def died_idle(self, receipt: Receipt) -> bool:
        """Whether the server turned out to have left before anything of the mail was said.

        The same mail can then go over a new connection, which is no second try.
        """
        error = receipt.error
        return (
            self._mails > 1
            and error is not None
            and error.stage == "mail"
            and isinstance(error, (ConnectionLost, ServiceUnavailable))
        )

    async def _reset(self) -> None:
        """Make the server forget a refused mail: its next MAIL would be out of order."""
        try:
            await self._dialogue.send(commands.RSET, "mail")
            if not (await self._dialogue.reply("mail")).positive:
                self.close()
        except SmtpkitError:
            self.close()

    async def quit(self) -> None:
        """Say goodbye and close. That the server does not answer is no error any more."""
        if await self.alive():
            self._dialogue.deadline = self._runtime.now() + _PARTING
            with suppress(SmtpkitError):
                await self._dialogue.send(commands.QUIT, "mail")
                await self._dialogue.reply("mail")
        self.close()

    def close(self) -> None:
        """Close at once."""
        self._dialogue.close()

    def abandon(self) -> None:
        """Let go of a connection of another process or event loop."""
        self._dialogue.abandon()
