"""Where everyone starts: `Mailer` and `AsyncMailer`."""

from smtpkit.mailer.aio import AsyncBatch, AsyncDraft, AsyncMailer
from smtpkit.mailer.blocking import Batch, Draft, Mailer

__all__ = ["AsyncBatch", "AsyncDraft", "AsyncMailer", "Batch", "Draft", "Mailer"]
