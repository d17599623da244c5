"""The transactions that are under way on one connection: their commands go out, their replies come in, in order."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from smtpkit.errors import ConnectionLost, DeliveryError, ProtocolError, ServiceUnavailable, SmtpkitError
from smtpkit.interruption import add_note, named
from smtpkit.smtp import commands
from smtpkit.smtp.dialogue import closing
from smtpkit.smtp.outgoing import Outgoing
from smtpkit.smtp.patience import Patience, most_replies
from smtpkit.smtp.pieces import Pieces, whole
from smtpkit.smtp.policy import SMALL
from smtpkit.smtp.transaction import STAGES

if TYPE_CHECKING:
    from smtpkit.address import Address
    from smtpkit.reply import Reply
    from smtpkit.runtime.base import Runtime
    from smtpkit.smtp.dialogue import Dialogue
    from smtpkit.smtp.policy import Flight, Step
    from smtpkit.smtp.timeouts import Timeouts
    from smtpkit.smtp.transaction import Transaction

__all__ = ["Window"]


class Window:
    """What was said on a connection and not answered yet, transaction by transaction."""

    def __init__(self, dialogue: Dialogue, runtime: Runtime, timeouts: Timeouts, *, pipelining: bool) -> None:
        self.error: SmtpkitError | None = None
        """Why the conversation ended."""
        self._dialogue = dialogue
        self._runtime = runtime
        self._timeouts = timeouts
        self._pipelining = pipelining
        self._under_way: deque[Transaction] = deque()
        self._due: deque[tuple[Transaction, Step, Address | None]] = deque()
        """Whose replies are to come, and to what."""
        self._outgoing = Outgoing()
        self.most_held: int = 1
        """How many transactions are begun before they are written together."""
        self._unclean = False
        self._patience = Patience()
        self._at_stake = 0
        """Negative replies that those under way get, if all is refused."""
        self._parting: Reply | None = None
        """What the server said last, if that was the 554 with which an Exim has had enough (docs/servers.md)."""
        self._stuck = False
        """Whether the server ever refused RSET: it may hold a transaction that nothing ends."""
        self._draining = False

    # -- how full it is ------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._under_way)

    @property
    def unclean(self) -> bool:
        """Whether the next transaction must begin with RSET."""
        if not self._under_way:
            return self._unclean
        last = self._under_way[-1]
        # The dot ends a transaction, however it is answered (RFC 5321 §4.1.1.4).
        return last.unclean and not last.taking_content

    @property
    def all_said(self) -> bool:
        """Whether another transaction can follow at once."""
        return not self._under_way or self._under_way[-1].all_said

    def room(self, most: int, recipients: int) -> bool:
        """Whether another transaction, to so many recipients, may begin, so that at most ``most`` are under way."""
        under_way = len(self._under_way)
        return not under_way or (
            under_way < most
            and not self._draining
            and self._patience.bears(under_way + 1, self._at_stake + most_replies(recipients))
        )

    @property
    def distrusted(self) -> bool:
        """Whether the server may soon lose its patience without a word, or did not end a transaction that it holds."""
        return self._patience.used_up or self._stuck

    # -- what is said --------------------------------------------------------------

    async def advance(self) -> None:
        """Bring the last transaction under way so far that another one can follow."""
        try:
            await self._say_all(self._under_way[-1])
        except BaseException as error:
            self._break(error)

    async def begin(self, transaction: Transaction) -> None:
        """Say the first flight of ``transaction``, behind what is under way. It may be held until `flush`.

        Raises:
            UnreadableAttachment: a file of it cannot be read; nothing of it was said.
        """
        flight = transaction.next_flight()
        assert flight is not None
        # Read before anything is said, so that nothing else is harmed if it cannot be.
        content = await whole(transaction.mail, self._runtime) if _is_whole(flight) else None
        self._under_way.append(transaction)
        self._at_stake += most_replies(len(transaction.asked))
        self._outgoing.transactions += 1
        try:
            await self._say(transaction, flight, content)
        except BaseException as error:
            self._break(error)

    async def flush(self) -> None:
        """Write what is held."""
        try:
            if self._outgoing:
                await self._write()
        except BaseException as error:
            self._break(error)

    async def _say_all(self, transaction: Transaction) -> None:
        while not transaction.all_said:
            await self._hear(transaction)
            if (flight := transaction.next_flight()) is not None:
                await self._say(transaction, flight)

    async def _say(self, transaction: Transaction, flight: Flight, content: bytes | None = None) -> None:
        outgoing = self._outgoing
        lines: list[bytes] = []
        for step in flight:
            address = None
            if content is not None and step == "BDAT":
                lines.append(commands.bdat(content, last=True))
                outgoing.closing.append(transaction)
            elif step in ("CONTENT", "BDAT"):
                return await self._say_content(transaction, step)
            else:
                address, line = transaction.command(step)
                lines.append(line)
            self._due.append((transaction, step, address))
        transaction.due += len(lines)
        if self._dialogue.traced:
            # Of BDAT the command.
            self._dialogue.trace([line.partition(b"\r\n")[0] for line in lines])
        outgoing.hold(b"".join(lines), STAGES[flight[0]], len(lines))
        if outgoing.size >= SMALL or outgoing.transactions >= self.most_held:
            await self._write()
        return None

    async def _say_content(self, transaction: Transaction, step: Step) -> None:
        """Write the content but for its last piece, which is held: what follows can go with it."""
        chunked = step == "BDAT"
        pieces = Pieces(transaction.mail, self._runtime, chunked=chunked)
        while (piece := await pieces.next()) is not None:
            if await self._dialogue.spoken() and not await self._goes_on(transaction, chunked):
                return
            if self._dialogue.traced:
                self._dialogue.trace([piece.partition(b"\r\n")[0] if chunked else b"<%d octets>" % len(piece)])
            if pieces.last:
                self._hold(transaction, step, piece)
                self._outgoing.closing.append(transaction)
            else:
                await self._write_piece(transaction, piece, chunked)

    async def _write_piece(self, transaction: Transaction, piece: bytes, chunked: bool) -> None:
        if chunked:
            self._hold(transaction, "CHUNK", piece)
        else:
            self._outgoing.hold(piece, "content", 0)
        await self._write()
        if chunked and not self._pipelining:
            await self._hear(transaction)

    def _hold(self, transaction: Transaction, step: Step, octets: bytes) -> None:
        self._outgoing.hold(octets, STAGES[step], 1)
        self._due.append((transaction, step, None))
        transaction.due += 1

    async def _write(self) -> None:
        self._dialogue.deadline = self._under_way[0].ledger.deadline
        self._dialogue.check(self._outgoing.stage)
        await self._dialogue.write(*self._outgoing.taken())

    # -- what is heard -------------------------------------------------------------

    async def finish(self) -> None:
        """Hear the oldest transaction out, and take note of how it went."""
        transaction = self._under_way[0]
        try:
            await self._hear_out(transaction)
        except BaseException as error:
            self._break(error)
        else:
            self._under_way.popleft()
            self._at_stake -= most_replies(len(transaction.asked))
            self._draining = bool(self._under_way) and (self._draining or not transaction.succeeded)
        self._patience.end(len(transaction.asked), accepted=transaction.succeeded)
        self._unclean = transaction.unclean

    async def _hear_out(self, transaction: Transaction) -> None:
        if not transaction.all_said:
            await self._say_all(transaction)
        await self._hear(transaction)
        while (flight := transaction.next_flight()) is not None:
            await self._say(transaction, flight)
            await self._hear(transaction)

    async def _hear(self, transaction: Transaction) -> None:
        """Read all replies that ``transaction`` is owed, and those before them."""
        dialogue = self._dialogue
        while transaction.due:
            # One that is there is taken before more is written: many mails are answered at once.
            if dialogue.owed and (reply := dialogue.said()) is not None:
                self._take(reply)
            elif self._outgoing:
                await self._write()
            else:
                asker, step, _ = self._due[0]
                stage = STAGES[step]
                dialogue.deadline = asker.ledger.deadline
                self._take(await dialogue.reply(stage, self._timeouts.final_reply if stage == "content" else None))

    def _take(self, reply: Reply) -> None:
        transaction, step, address = self._due.popleft()
        transaction.due -= 1
        self._parting = reply if step == "RSET" and reply.code == 554 else None
        self._stuck = self._stuck or (step == "RSET" and reply.code >= 400)
        transaction.judge(step, address, reply)
        self._patience.hear(reply, accepted=transaction.succeeded)

    async def _goes_on(self, transaction: Transaction, chunked: bool) -> bool:
        """Whether the content is still wanted, now that the server spoke before it was complete."""
        if chunked:
            while self._dialogue.owed and (reply := self._dialogue.said()) is not None:
                self._take(reply)
            if not self._dialogue.ended:
                return transaction.wanted
        # After DATA it may only give up. Where it has closed, the last chunk would leave a doubt, and stays here.
        self._dialogue.owed += 1
        reply = await self._dialogue.reply("content")
        self._dialogue.close()
        if reply.code < 400:
            raise ProtocolError("the server sent a reply before the content was complete", stage="content", reply=reply)
        transaction.judge("CONTENT", None, reply)
        return False

    # -- how it breaks -------------------------------------------------------------

    def _break(self, error: BaseException) -> None:
        """The conversation has ended with ``error``; raises one that is not for the receipts to tell."""
        # After a file that broke off only this tells the server that the mail is not complete.
        self._dialogue.close()
        if not isinstance(error, SmtpkitError):
            self.confess(error)
            raise error
        if error.stage is None and self._due:
            error.stage = STAGES[self._due[0][1]]
        if not isinstance(error, DeliveryError):
            self._under_way[-1].ledger.give_up(error)
        self.error = self._last_words(error)
        if isinstance(self.error, ServiceUnavailable):
            # It says nothing more, and so has taken nothing more (RFC 5321 §3.8).
            if self._due:
                transaction, step, _ = self._due[0]
                transaction.closed(step, self.error)
        else:
            for transaction in self._under_way:
                transaction.lost(self.error)
        self._under_way.clear()

    def _last_words(self, error: SmtpkitError) -> SmtpkitError:
        """Take in what the server said before the end. ``error``, or that it took its leave.

        After what was no answer it is out of step, and nothing more counts.
        """
        try:
            while self._due and not isinstance(error, (ServiceUnavailable, ProtocolError)):
                if (reply := self._dialogue.said()) is None:
                    # It closes then, and has taken nothing after it.
                    lost = isinstance(error, ConnectionLost) and self._parting
                    return closing(lost, "rset") if lost else error
                self._take(reply)
        except ServiceUnavailable as parting:
            parting.stage = STAGES[self._due[0][1]]
            return parting
        except ProtocolError:
            pass
        return error

    def confess(self, interruption: BaseException) -> None:
        """Say on ``interruption`` which mails may have been accepted, after a look at the replies that have come."""
        # If it lost one, or came while something was written, those that follow cannot be told apart.
        complete = self._dialogue.owed + self._outgoing.replies == len(self._due)
        with suppress(SmtpkitError):
            while complete and self._dialogue.owed and (reply := self._dialogue.said()) is not None:
                self._take(reply)
        for transaction in self._under_way:
            if transaction.in_doubt:
                names = ", ".join(each.addr_spec for each in transaction.undecided)
                text = f"{named(transaction.mail.message_id)} was handed over for {names}, and its reply not read"
                add_note(interruption, f"{text}: it may have been accepted")


def _is_whole(flight: Flight) -> bool:
    """Whether it is a whole transaction, content included."""
    return len(flight) > 1 and flight[-1] == "BDAT"
