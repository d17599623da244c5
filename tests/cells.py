"""The table of what can go wrong: stage x fault x way x what the server offers, and what must come of each cell.

A cell that is impossible is left out by `Cell.possible`; what the others must end with is told by `Cell.expected`.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

from flaws import Fault
from simulation import mail, refused
from smtpkit import Timeouts
from truth import CHUNKING, PIPELINING

if TYPE_CHECKING:
    from flaws import Ask, Flaw
    from smtpkit import RawMessage, Receipt
    from smtpkit.runtime.simulated import Ending

__all__ = ["CELLS", "PAUSE", "TIMEOUTS", "Cell", "verdict"]

Stage: TypeAlias = Literal[
    "connect",
    "greeting",
    "EHLO",
    "STARTTLS",
    "TLS",
    "second EHLO",
    "AUTH",
    "MAIL",
    "RCPT",
    "DATA",
    "content",
    "final reply",
    "RSET",
    "QUIT",
]
Way: TypeAlias = Literal["fresh", "reused", "rested", "pooled", "window"]
"""The first mail of a new connection; the second one, at once or after a pause; one of several connections; a mail
among others on one connection."""
Mode: TypeAlias = Literal["DATA", "BDAT"]

TIMEOUTS = Timeouts(connect=10, greeting=20, reply=30, progress=15, final_reply=40, acquire=12)
PAUSE = 6.0
"""Seconds after which a connection is not trusted to be alive."""

_OPENING: dict[Stage, tuple[Ask, int, str]] = {
    "connect": ("connect", 0, "connect"),
    "greeting": ("greeting", 0, "greeting"),
    "EHLO": ("EHLO", 0, "ehlo"),
    "STARTTLS": ("STARTTLS", 0, "starttls"),
    "TLS": ("tls", 0, "tls"),
    "second EHLO": ("EHLO", 1, "ehlo"),
    "AUTH": ("AUTH", 0, "auth"),
}
"""What is asked for once on each connection, the how many-th time, and the stage of the error."""
_MAIL: dict[Stage, tuple[Ask, str]] = {
    "MAIL": ("MAIL", "mail"),
    "RCPT": ("RCPT", "rcpt"),
    "DATA": ("DATA", "data"),
    "content": ("content", "content"),
    "final reply": ("final", "content"),
    "RSET": ("RSET", "rset"),
    "QUIT": ("QUIT", "mail"),
}
"""What is asked for with each mail, or between them."""

What: TypeAlias = "Ending | Flaw"

_LOST: tuple[What, ...] = ("close", "reset", "done and closed")
_LATE: tuple[What, ...] = ("silence", "stall", "dripping")
_REFUSED: tuple[What, ...] = ("4yz", "5yz")
_NONSENSE: tuple[What, ...] = ("garbage", "differing codes", "endless line", "endless reply")
_EXTRA: tuple[What, ...] = ("doubled", "surplus")
FAULTS: tuple[What, ...] = (*_LOST, *_LATE, "421", *_REFUSED, *_NONSENSE, *_EXTRA)
"""``stall`` takes nothing more and says nothing; ``silence`` does all that it is told, and says nothing of it."""

_REFUSALS: dict[Stage, str] = {
    "greeting": "not_sent ServiceUnavailable",
    "EHLO": "not_sent ProtocolError",
    "STARTTLS": "not_sent StartTlsRefused",
    "second EHLO": "not_sent ProtocolError",
    "AUTH": "not_sent AuthenticationFailed",
    "MAIL": "refused SenderRefused",
    "RCPT": "refused RecipientsRefused",
    "DATA": "refused ContentRefused",
    "content": "refused ContentRefused",
    "final reply": "refused ContentRefused",
}
_NOTICED: dict[Stage, str] = {
    "greeting": "ehlo",
    "EHLO": "starttls",
    "STARTTLS": "starttls",
    "second EHLO": "auth",
    "AUTH": "mail",
    "MAIL": "data",
    "RCPT": "data",
    "DATA": "content",
}
"""Where a reply too many is noticed: a stage further on."""


class Cell(NamedTuple):
    """One thing that goes wrong."""

    stage: Stage
    fault: What
    way: Way
    mode: Mode

    def __str__(self) -> str:
        return ", ".join(self)

    @property
    def possible(self) -> bool:
        """Whether there is such a thing.

        A used connection was opened before. Before there is a connection nothing is said, within a handshake of TLS
        there are no replies, and amid the content after DATA none is due. BDAT has no go-ahead. RSET follows a mail
        that was refused.
        """
        unsaid = self.stage in ("connect", "TLS") or (self.stage == "content" and self.mode == "DATA")
        return not (
            (self.stage in _OPENING and self.way in ("reused", "rested"))
            or (self.stage == "connect" and self.fault not in ("reset", "stall"))
            or (self.stage == "TLS" and self.fault in ("421", *_REFUSED, "differing codes", "endless reply"))
            or (unsaid and self.fault in ("done and closed", "silence", "dripping", *_EXTRA))
            or (self.stage == "DATA" and self.mode == "BDAT")
            or (self.stage == "RSET" and self.way == "fresh")
        )

    # -- what is done --------------------------------------------------------------

    @property
    def extensions(self) -> tuple[str, ...]:
        """What the server offers."""
        return ("STARTTLS", *(CHUNKING if self.mode == "BDAT" else PIPELINING))

    @property
    def faults(self) -> dict[int, Fault]:
        """On which connection the fault is, and where."""
        connection = 1 if self.way == "pooled" else 0
        if self.stage in _OPENING:
            ask, at, _ = _OPENING[self.stage]
            return {connection: Fault(ask, at, self.fault)}
        ask = "chunk" if (self.stage, self.mode) == ("content", "BDAT") else _MAIL[self.stage][0]
        first = self.way in ("fresh", "pooled") or self.stage in ("content", "RSET", "QUIT")
        return {connection: Fault(ask, 0 if first else 1, self.fault)}

    @property
    def struck(self) -> int:
        """The number of the mail that the fault is for."""
        if self.way == "fresh" or (self.way == "window" and self.stage in _OPENING):
            return 0
        return 1

    @property
    def mails(self) -> list[RawMessage]:
        """What is sent. There is no middle of a small content; and RSET follows a mail that was refused."""
        count = {"fresh": 1, "reused": 2, "rested": 2, "pooled": 6, "window": 4}[self.way]
        mails = [mail(number) for number in range(count)]
        if self.stage == "content":
            mails[self.struck] = mail(self.struck, body="\r\n" + "0123456789abcde\r\n" * 10_000)
        if self.stage == "RSET":
            number = 1 if self.way == "pooled" else 0
            mails[number] = refused("rcpt", "550", number)
        return mails

    # -- what must come of it ------------------------------------------------------

    @property
    def expected(self) -> str:
        """The verdict on the mail that was struck, or how it begins."""
        if self.fault in _EXTRA and self.stage != "QUIT":
            return self._expected_of_extra
        if self.stage == "QUIT" or (self.stage in _OPENING and self.way == "pooled"):
            # A further connection that cannot be opened is not needed.
            return "accepted"
        if self.fault in _REFUSED:
            code = 451 if self.fault == "4yz" else 554
            return self._expected_of_reset if self.stage == "RSET" else self._verdict(_REFUSALS[self.stage], code)
        if self.stage == "final reply" and self.fault == "421":
            return "refused ServiceUnavailable content 421"
        if self.fault != "421" and self._handed_over:
            return "uncertain DeliveryUncertain content -"
        if self._goes_another_way:
            return "accepted"
        return self._verdict(f"not_sent {self._error}", 421 if self.fault == "421" else None)

    def _verdict(self, what: str, code: int | None) -> str:
        stage = _OPENING[self.stage][2] if self.stage in _OPENING else _MAIL[self.stage][1]
        return f"{what} {stage} {code or '-'}"

    @property
    def _error(self) -> str:
        if self.fault == "421":
            return "ServiceUnavailable"
        if self.stage == "connect" and self.fault == "reset":
            return "ConnectFailed"
        if self.fault in _NONSENSE:
            return "TlsFailed" if self.stage == "TLS" else "ProtocolError"
        return "ConnectionLost" if self.fault in _LOST else "TimedOut"

    @property
    def _goes_another_way(self) -> bool:
        """Whether what was certainly not sent goes over a new connection: not if it was the first on this one."""
        used = self.way in ("reused", "rested", "window") or self.stage == "RSET"
        return used and self.stage not in _OPENING

    @property
    def _handed_over(self) -> bool:
        """Whether the write that carries the final octet was started by then."""
        if self.stage == "final reply":
            return True
        if self.mode == "DATA":
            return False
        if self.stage == "content":
            # Chunks do not wait for each other's replies.
            return self.fault in ("silence", "dripping", "endless line")
        return self.way != "rested" and self.stage in ("RSET", "MAIL", "RCPT")

    @property
    def _expected_of_extra(self) -> str:
        """A reply too many cannot be told from the one that is due: a later one tells, or nothing does."""
        if self.stage in _OPENING:
            noticed = _NOTICED[self.stage]
            return "accepted" if self.way == "pooled" and noticed != "mail" else f"not_sent ProtocolError {noticed}"
        if self._goes_another_way or self.stage == "final reply":
            return "accepted"
        if self.mode == "BDAT":
            return "not_sent ProtocolError content" if self.stage == "content" else "accepted"
        return f"not_sent ProtocolError {_NOTICED[self.stage]}"

    @property
    def _expected_of_reset(self) -> str:
        """The sender of the mail before is still there, and the next one is not taken."""
        return "uncertain DeliveryUncertain content 250" if self.mixed_up else "refused SenderRefused mail 503"

    @property
    def mixed_up(self) -> bool:
        """Whether the server, against RFC 5321 §4.1.1.5, keeps the sender of another mail and takes this one with it.

        It was handed over in the same flight as RSET, so that nobody can prevent it.
        """
        return self.stage == "RSET" and self.fault in _REFUSED and self._handed_over

    @property
    def doubts(self) -> int:
        """How many mails may be in doubt: those of one window, where they are handed over at once."""
        if not self.expected.startswith("uncertain"):
            return 0
        return 3 if self.way == "window" and self.mode == "BDAT" else 1

    def differences(self, receipts: list[Receipt]) -> list[str]:
        """Where ``receipts`` are not as expected. Those behind the one that was struck may be in doubt with it."""
        verdicts = [verdict(receipt) for receipt in receipts]
        wanted = ["accepted" for _ in verdicts]
        if self.stage == "RSET":
            number = 1 if self.way == "pooled" else 0
            wanted[number] = "refused RecipientsRefused rcpt 550"
        struck = 4 if (self.way, self.stage) == ("pooled", "RSET") else self.struck
        wanted[struck] = self.expected
        if self.doubts > 1:
            wanted[struck + 1 :] = [
                each if each.startswith("uncertain") else "accepted" for each in verdicts[struck + 1 :]
            ]
        return [
            f"mail {number}: {each} instead of {want}"
            for number, (each, want) in enumerate(zip(verdicts, wanted, strict=True))
            if not each.startswith(want)
        ]

    @property
    def patience(self) -> float:
        """Virtual seconds that it may take: one wait, and the leave-taking."""
        waits: dict[Stage, float] = {"greeting": 20, "connect": 10, "TLS": 10, "content": 40, "final reply": 40}
        return waits.get(self.stage, 30) + 2 + (PAUSE if self.way == "rested" else 0)


CELLS = [
    cell
    for cell in (Cell(*each) for each in product(get_args(Stage), FAULTS, get_args(Way), get_args(Mode)))
    if cell.possible
]


def verdict(receipt: Receipt) -> str:
    """What became of a mail to one recipient, in few words."""
    (outcome,) = receipt.outcomes.values()
    error = receipt.error
    if error is None:
        return outcome.status
    return f"{outcome.status} {type(error).__name__} {error.stage} {error.reply.code if error.reply else '-'}"
