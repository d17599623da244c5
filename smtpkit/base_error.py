"""The root of all errors, which `smtpkit.errors` has the tree of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from smtpkit.receipt import Receipt
    from smtpkit.reply import Reply

__all__ = ["SmtpkitError", "Stage"]

Stage: TypeAlias = Literal[
    "configure", "compose", "limit", "acquire", "resolve", "connect", "greeting", "ehlo", "starttls", "tls", "auth",
    "rset", "mail", "rcpt", "data", "content", "quit", "transport",
]  # fmt: skip
"""Where it happened, in the order of one send. ``acquire`` is the wait for a free connection, ``rset`` clears away
what a refused mail left behind, and ``transport`` is one that is not smtpkit's own."""


class SmtpkitError(Exception):
    """The root of all errors of this package.

    ``str()`` gives the whole explanation: what happened, the server's reply where there
    was one, and the hint. It can be copied and pickled with all that it carries; ``__cause__`` and
    traceback stay behind.
    """

    stage: Stage | None = None
    reply: Reply | None = None
    temporary: bool = False
    """Whether the same call may succeed later without a change."""
    hint: str | None = None
    """What the caller can do about it."""
    receipt: Receipt | None = None
    """What happened to each recipient, where a mail was to be sent."""
    _in_doubt = False
    """Whether the mail may have arrived, where there is no receipt to tell."""

    # Where it is imported from: tracebacks and pickles have that name.
    __module__ = "smtpkit.errors"

    def __init__(
        self,
        message: str,
        *,
        stage: Stage | None = None,
        reply: Reply | None = None,
        temporary: bool | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        # Only what differs is set, so that the classes can state defaults of their own.
        if stage is not None:
            self.stage = stage
        if reply is not None:
            self.reply = reply
            self.temporary = reply.temporary
        if temporary is not None:
            self.temporary = temporary
        if hint is not None:
            self.hint = hint

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom it concerns: the addr-specs of those who did not accept."""
        if self.receipt is None:
            return ()
        return tuple(name for name, outcome in self.receipt.outcomes.items() if outcome.status != "accepted")

    @property
    def safe_to_retry(self) -> bool:
        """Whether sending the same mail again cannot give anyone a second copy."""
        if self.receipt is None:
            return not self._in_doubt
        return not (self.receipt.accepted or self.receipt.uncertain)

    def __str__(self) -> str:
        said = f"{self.message}: {self.reply}" if self.reply is not None else self.message
        return f"{said}\nHint: {self.hint}" if self.hint else said
