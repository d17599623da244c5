"""What one does with smtpkit, one function for each thing. Nothing here but its public API."""

from __future__ import annotations

from pathlib import Path

from smtpkit import AsyncMailer, DailyLimit, Mailer, Message, Receipt, SmtpkitError

FILES = Path(__file__).parent / "files"


def plain(to: str) -> Message:
    """The simplest mail."""
    return Message().to(to).subject("Hello").text("Hello,\n\nthis is plain text.\n")


def rich(to: str) -> Message:
    """Text and HTML, a PDF, and an image that the HTML shows."""
    return (
        Message()
        .to(to)
        .subject("Quarterly report – größer und besser")
        .text("The report is attached.")
        .html('<p><img src="cid:logo" alt=""> The report is <b>attached</b>.')
        .embed(FILES / "logo.png", cid="logo")
        .attach(FILES / "report.pdf")
    )


def shared(*to: str) -> Message:
    """One mail to several people."""
    return Message().to(*to).subject("Meeting").text("Tomorrow at ten.")


def send(mailer: Mailer, message: Message) -> Receipt | SmtpkitError:
    """Send, and give back the receipt or the error."""
    try:
        return mailer.send(message)
    except SmtpkitError as error:
        return error


async def send_async(mailer: AsyncMailer, message: Message) -> Receipt | SmtpkitError:
    """The same in asyncio."""
    try:
        return await mailer.send(message)
    except SmtpkitError as error:
        return error


def limit_for(mails: int) -> DailyLimit:
    """A limit of so many mails a day."""
    return DailyLimit(mails)
