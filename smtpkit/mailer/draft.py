"""A message that knows its mailer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smtpkit.message import Message

if TYPE_CHECKING:
    from typing import Self

    from smtpkit.message import Fields

__all__ = ["BaseDraft"]


class BaseDraft(Message):
    """What `Draft` and `AsyncDraft` share. A draft is equal to, and pickles as, the plain message."""

    __slots__ = ("_mailer",)
    _mailer: Any

    def __init__(self, mailer: object) -> None:
        super().__init__()
        self._mailer = mailer

    def _with(self, fields: Fields) -> Self:
        new = super()._with(fields)
        new._mailer = self._mailer
        return new

    def as_message(self) -> Message:
        """The plain message, without the mailer."""
        return Message.of(self._fields)
