"""A connection that is ready for mail, for one mail after the other or several at a time."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from smtpkit.errors import SmtpkitError, UsageError
from smtpkit.receipt import Outcome
from smtpkit.smtp import commands
from smtpkit.smtp.admission import ADMITTED, admit
from smtpkit.smtp.handshake import open_dialogue
from smtpkit.smtp.policy import LATELY, SMALL, flights
from smtpkit.smtp.transaction import Transaction
from smtpkit.smtp.window import Window

if TYPE_CHECKING:
    from smtpkit.runtime.base import Runtime
    from smtpkit.smtp.capabilities import Capabilities
    from smtpkit.smtp.dialogue import Dialogue
    from smtpkit.smtp.ledger import Ledger
    from smtpkit.smtp.room import Place
    from smtpkit.smtp.server import Server

__all__ = ["Connection"]

_PARTING = 2.0
"""Seconds that QUIT and its reply may take: nothing depends on them."""


class Connection:
    """A log-in session with a server. Its owner begins and finishes mails on it, and closes it."""

    def __init__(self, server: Server, runtime: Runtime, dialogue: Dialogue, capabilities: Capabilities) -> None:
        self._server = server
        self._runtime = runtime
        self._dialogue = dialogue
        self._capabilities = capabilities
        self._pipelining = server.pipelining and "PIPELINING" in capabilities
        self._chunking = server.chunking and "CHUNKING" in capabilities
        self._most_recipients = capabilities.limit("RCPTMAX")
        self._window = Window(dialogue, runtime, server.timeouts, pipelining=self._pipelining)
        most = [each for each in (server.messages_per_connection, capabilities.limit("MAILMAX")) if each is not None]
        self._mails_left: float = min(most, default=float("inf"))
        lifetime = server.timeouts.lifetime
        self._ends_at = None if lifetime is None else runtime.now() + lifetime
        self._told = False
        """Whether its end was told of."""
        self.finished: int = 0
        """Transactions that came to their end."""
        self.place: Place | None = None
        """What it occupies in its pool while it is used."""

    @classmethod
    async def open(cls, server: Server, runtime: Runtime, deadline: float = float("inf")) -> Connection:
        """Connect, secure and log in. Raises as `smtpkit.smtp.handshake.open_dialogue`."""
        dialogue, capabilities = await open_dialogue(server, runtime, deadline)
        return cls(server, runtime, dialogue, capabilities)

    @property
    def error(self) -> SmtpkitError | None:
        """Why it broke while mails were under way."""
        return self._window.error

    @property
    def reusable(self) -> bool:
        """Whether another mail can go this way: nothing is under way, no reply is owed, and it is not worn out."""
        return self._dialogue.in_step and not self._window and not self._worn_out

    @property
    def _worn_out(self) -> bool:
        too_old = self._ends_at is not None and self._runtime.now() >= self._ends_at
        return too_old or self._mails_left <= 0 or self._window.distrusted

    async def alive(self) -> bool:
        """Whether an idle connection is still there, without a round trip: a live server is silent."""
        return self.reusable and not self.expired and not await self._dialogue.spoken()

    @property
    def expired(self) -> bool:
        """Whether it is too old, or was idle for too long, to be used again."""
        return self._worn_out or self._runtime.now() - self._dialogue.heard >= self._server.timeouts.idle

    def hold(self, transactions: int) -> None:
        """Write when that many transactions have begun, or at `flush`, or to wait for a reply."""
        self._window.most_held = transactions

    def room(self, in_flight: int, recipients: int = 1) -> bool:
        """Whether a mail to so many recipients may begin, and no more than ``in_flight`` are under way then."""
        if not self._pipelining:
            in_flight = 1
        elif not self._chunking and in_flight > 2:
            # Only the content of one mail and the beginning of the next can be under way.
            in_flight = 2
        return self._window.room(in_flight, recipients) and self._dialogue.open and not self._worn_out

    async def begin(self, ledger: Ledger) -> None:
        """Begin a transaction for those of ``ledger`` who are undecided, if the server can take the mail at all."""
        self._admit(ledger)
        if not self._window.all_said:
            await self._window.advance()
        if not ledger.left or self._window.error is not None:
            return
        try:
            await self._window.begin(self._transaction(ledger))
        except UsageError as error:
            ledger.give_up(error)
        else:
            ledger.under_way = True
            self._mails_left -= 1

    def _admit(self, ledger: Ledger) -> None:
        verified = self._dialogue.verified_tls
        admission = admit(ledger.mail, self._capabilities, host=self._server.host, verified_tls=verified)
        if admission is not ADMITTED:
            ledger.note(admission.notes)
            ledger.decide(admission.refused, Outcome("refused"))
            if admission.error is not None:
                ledger.give_up(admission.error)
        ledger.abort()

    def _transaction(self, ledger: Ledger) -> Transaction:
        asked = tuple(ledger.left.values())[: self._most_recipients]
        plan = flights(
            pipelining=self._pipelining,
            chunking=self._chunking,
            recipients=len(asked),
            small=ledger.mail.size <= SMALL,
            heard_lately=self._runtime.now() - self._dialogue.heard < LATELY,
            all_or_nothing=ledger.mail.all_or_nothing,
            unclean=self._window.unclean,
        )
        return Transaction(ledger, asked, self._capabilities, plan)

    async def heard(self) -> bool:
        """Whether something came that was not taken in yet."""
        return await self._dialogue.spoken()

    @property
    def answered(self) -> bool:
        """Whether replies have come that were not taken in."""
        return self._dialogue.pending

    async def flush(self) -> None:
        """Write what is held back to go out together."""
        await self._window.flush()

    async def finish(self) -> None:
        """Wait until the oldest transaction has ended. If the connection breaks, all have: see `error`."""
        await self._window.finish()
        if self._window.error is None:
            self.finished += 1

    def confess(self, interruption: BaseException) -> None:
        """Say on ``interruption`` which mails may have been accepted."""
        self._window.confess(interruption)

    async def quit(self) -> None:
        """Say goodbye and close. That the server does not answer is no error any more."""
        if await self.alive():
            self._dialogue.deadline = self._runtime.now() + _PARTING
            with suppress(SmtpkitError):
                await self._dialogue.send(commands.QUIT, "quit")
                await self._dialogue.reply("quit")
        self.close("it was not needed any more")

    def close(self, reason: str | None = None) -> None:
        """Close at once. ``reason`` is for people, and the one that it knows by itself if not given."""
        interrupted = self._dialogue.owed or self._window
        self._dialogue.close()
        if self._runtime.tell is None or self._told:
            return
        from smtpkit.events import Closed

        self._told = True
        if self.error is not None:
            reason = self.error.message
        elif reason is None:
            reason = "it was interrupted" if interrupted else "it had its time or its mails"
        seconds = self._runtime.now() - self._dialogue.connected
        self._runtime.tell(Closed(self._server.host, seconds, self.finished, reason))

    def abandon(self) -> None:
        """Let go of a connection of another process or event loop."""
        self._dialogue.abandon()
