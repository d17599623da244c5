"""Mail into a directory: for development, and for what is looked at before it goes out."""

from __future__ import annotations

import os
from itertools import count
from typing import IO, TYPE_CHECKING, Literal, TypeAlias, get_args

from smtpkit import stamp
from smtpkit.errors import DeliveryError, InvalidConfiguration, SmtpkitError
from smtpkit.mime.characters import shown
from smtpkit.receipt import Outcome, Receipt
from smtpkit.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smtpkit.mail import Mail
    from smtpkit.runtime.base import Runtime

__all__ = ["FileFormat", "FileTransport"]

FileFormat: TypeAlias = Literal["eml", "maildir"]
"""One file for each mail, with its own line ends (CRLF); or a Maildir, which mail programs open."""


class FileTransport:
    """Writes each mail into ``directory``, which is made if need be; for `Mailer` and for `AsyncMailer`.

    A file is there whole or not at all: it is written under another name, flushed to the disk and renamed. Names sort
    in the order of the mails: ``20261102T093000.123456Z-00001-5f2a91c04b7e.eml``.

    The envelope stands before the mail, as delivery agents write it (RFC 5321 §4.4, and the field of Exim):
    ``Return-Path: <...>``, and ``Envelope-To: ...`` with all recipients, *Bcc* too. `Message.parse` leaves both out.
    What follows them is the mail, octet for octet; in a Maildir lines end with LF.

    ::

        mailer = Mailer(FileTransport("outbox"))
        mailer = Mailer.from_url("file:./outbox")
        mailer = Mailer.from_url("file:///var/mail/app?format=maildir")

    Raises:
        InvalidConfiguration: ``directory`` or ``format`` cannot be used.
    """

    def __init__(self, directory: str | os.PathLike[str], *, format: FileFormat = "eml") -> None:  # noqa: A002
        path: object = directory if isinstance(directory, str) else getattr(directory, "__fspath__", str)()
        if not (isinstance(path, str) and path):
            raise InvalidConfiguration(f"directory={directory!r}", hint='Give a path, such as FileTransport("outbox").')
        if format not in get_args(FileFormat):
            raise InvalidConfiguration(f"format={format!r}", hint='It is "eml" or "maildir".')
        # Whoever changes the working directory later means the same place.
        self.directory: str = os.path.abspath(path)
        """Where the mails are, as an absolute path."""
        self.format: FileFormat = format
        self._numbers = count(1)

    async def send(self, mail: Mail, runtime: Runtime) -> Receipt:
        """Write ``mail``; ``queue_id`` of the outcomes is the name of its file."""
        try:
            name = await runtime.call(self._write, mail, runtime.timestamp())
        except SmtpkitError:
            # One about the mail, such as an attachment that is gone, is an OSError, too.
            raise
        except OSError as cause:
            error = DeliveryError(
                f"cannot write the mail into {shown(self.directory)}: {cause.strerror or cause}",
                stage="transport",
                hint="The directory must be one that this process may write to, with room on its disk.",
            )
            error.__cause__ = cause
            return Receipt.of(mail, Outcome("not_sent"), error)
        return Receipt.of(mail, Outcome("accepted", Reply(250, (f"2.0.0 written as {name}",)), name))

    async def close(self, runtime: Runtime) -> None:
        """Nothing is held open."""

    def _write(self, mail: Mail, timestamp: float) -> str:
        return _into_maildir(self.directory, mail) if self.format == "maildir" else self._as_eml(mail, timestamp)

    def _as_eml(self, mail: Mail, timestamp: float) -> str:
        os.makedirs(self.directory, exist_ok=True)
        name = f"{_time_text(timestamp)}-{next(self._numbers):05d}-{stamp.nonce()[:12]}.eml"
        unfinished = os.path.join(self.directory, f".{name}.part")
        try:
            with open(unfinished, "xb") as file:
                _copy(mail, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, os.path.join(self.directory, name))
        except BaseException:
            if os.path.exists(unfinished):
                os.unlink(unfinished)
            raise
        return name

    def __repr__(self) -> str:
        more = "" if self.format == "eml" else f", format={self.format!r}"
        return f"FileTransport({self.directory!r}{more})"


def _into_maildir(directory: str, mail: Mail) -> str:
    from mailbox import Maildir
    from tempfile import TemporaryFile

    # A Maildir copies from a file, line by line: so a large mail is never in memory whole.
    with TemporaryFile() as file:
        _copy(mail, file)
        file.seek(0)
        os.makedirs(os.path.dirname(directory), exist_ok=True)
        return Maildir(directory).add(file)


def _copy(mail: Mail, file: IO[bytes]) -> None:
    for chunk in _envelope_fields(mail):
        file.write(chunk)
    for chunk in mail.chunks():
        file.write(chunk)


def _envelope_fields(mail: Mail) -> Iterator[bytes]:
    envelope = mail.envelope
    sender = "" if envelope.reverse_path is None else envelope.reverse_path.addr_spec
    yield f"Return-Path: <{sender}>\r\n".encode()
    recipients = ",\r\n ".join(address.addr_spec for address in envelope.recipients)
    yield f"Envelope-To: {recipients}\r\n".encode()


def _time_text(timestamp: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
