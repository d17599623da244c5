"""What an interruption, a `KeyboardInterrupt` or `asyncio.CancelledError`, must not hide.

It takes the place of the receipt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtpkit.receipt import Outcome

__all__ = ["add_note", "named", "note_outcomes"]


def note_outcomes(interruption: BaseException, message_id: str, outcomes: Mapping[str, Outcome]) -> None:
    """Say on ``interruption``, and in the log, who has the mail, or may have it."""
    for status, what in (("accepted", "was accepted"), ("uncertain", "may have been accepted")):
        names = [address for address, outcome in outcomes.items() if outcome.status == status]
        if names:
            add_note(interruption, f"{named(message_id)} {what} for {', '.join(names)}")


def named(message_id: str) -> str:
    """What a mail is called in a note."""
    return message_id or "a mail without Message-ID"


def add_note(interruption: BaseException, text: str) -> None:
    """Say ``text`` on ``interruption``, and in the log, once."""
    note = f"smtpkit: {text}"
    if note in getattr(interruption, "__notes__", ()):
        return
    interruption.add_note(note)
    # Not at import: it makes no logger.
    import logging

    logging.getLogger("smtpkit").warning("interrupted: %s", text)
