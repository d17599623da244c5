"""The libraries that send, each in the way that is the fastest of its own.

A peer is a context manager: within it there is an open connection (or a pool of one), and
what it gives sends mails.
"""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

from benchmarks import mails
from benchmarks.mails import Mail
from benchmarks.sink import PASSWORD, USERNAME, Sink
from smtpkit import AsyncMailer, Mailer, PlaintextSmtpTransport, SmtpSslTransport, SmtpTlsTransport

if TYPE_CHECKING:
    from benchmarks.job import Job
    from smtpkit import Transport

__all__ = ["PEERS", "installed"]

Send: TypeAlias = Callable[[Iterable[Mail]], None]
NAME = "localhost"
"""What clients call this machine, so that none of them asks DNS."""


def transport(job: Job) -> Transport:
    if job.security == "plaintext":
        return PlaintextSmtpTransport(Sink.host, job.port, local_hostname=NAME)
    kind = SmtpTlsTransport if job.security == "starttls" else SmtpSslTransport
    return kind(Sink.host, job.port, username=USERNAME, password=PASSWORD, tls=job.ca_file, local_hostname=NAME)


@contextmanager
def smtpkit_send(job: Job) -> Generator[Send]:
    with Mailer(transport(job)) as mailer:

        def send(given: Iterable[Mail]) -> None:
            for mail in given:
                mailer.send(mails.smtpkit(mail))

        yield send


@contextmanager
def smtpkit_send_many(job: Job) -> Generator[Send]:
    with Mailer(transport(job)) as mailer:

        def send(given: Iterable[Mail]) -> None:
            for receipt in mailer.send_many(map(mails.smtpkit, given), in_flight=job.in_flight):
                receipt.raise_for_error()

        yield send


@contextmanager
def smtpkit_async_send(job: Job) -> Generator[Send]:
    mailer = AsyncMailer(transport(job))

    async def send(given: Iterable[Mail]) -> None:
        for mail in given:
            await mailer.send(mails.smtpkit(mail))

    with asyncio.Runner() as runner:
        yield lambda given: runner.run(send(given))
        runner.run(mailer.close())


@contextmanager
def smtpkit_async_send_many(job: Job) -> Generator[Send]:
    mailer = AsyncMailer(transport(job))

    async def send(given: Iterable[Mail]) -> None:
        async for receipt in mailer.send_many(map(mails.smtpkit, given), in_flight=job.in_flight):
            receipt.raise_for_error()

    with asyncio.Runner() as runner:
        yield lambda given: runner.run(send(given))
        runner.run(mailer.close())


@contextmanager
def smtplib_connection(job: Job) -> Generator[smtplib.SMTP]:
    context = job.context()
    with (
        smtplib.SMTP_SSL(Sink.host, job.port, NAME, context=context)
        if job.security == "tls"
        else smtplib.SMTP(Sink.host, job.port, NAME)
    ) as connection:
        if job.security == "starttls":
            connection.starttls(context=context)
        if job.security != "plaintext":
            connection.login(USERNAME, PASSWORD)
        yield connection


@contextmanager
def smtplib_sendmail(job: Job) -> Generator[Send]:
    """Octets that were ready before: what it costs to send, and nothing else."""
    ready = mails.email_message(job.first).as_bytes()
    with smtplib_connection(job) as connection:

        def send(given: Iterable[Mail]) -> None:
            for mail in given:
                connection.sendmail(mail.sender, mail.to, ready)

        yield send


@contextmanager
def smtplib_send_message(job: Job) -> Generator[Send]:
    with smtplib_connection(job) as connection:

        def send(given: Iterable[Mail]) -> None:
            for mail in given:
                connection.send_message(mails.email_message(mail))

        yield send


@contextmanager
def aiosmtplib(job: Job) -> Generator[Send]:
    library: Any = import_module("aiosmtplib")
    login = {} if job.security == "plaintext" else {"username": USERNAME, "password": PASSWORD}
    client = library.SMTP(
        hostname=Sink.host,
        port=job.port,
        local_hostname=NAME,
        use_tls=job.security == "tls",
        start_tls=job.security == "starttls",
        tls_context=job.context(),
        **login,
    )

    async def send(given: Iterable[Mail]) -> None:
        for mail in given:
            await client.send_message(mails.email_message(mail))

    with asyncio.Runner() as runner:
        runner.run(client.connect())
        yield lambda given: runner.run(send(given))
        runner.run(client.quit())


@contextmanager
def django(job: Job) -> Generator[Send]:
    mails.configured_django()
    library: Any = import_module("django.core.mail")
    with library.get_connection("django.core.mail.backends.smtp.EmailBackend", host=Sink.host, port=job.port) as open_:

        def send(given: Iterable[Mail]) -> None:
            for mail in given:
                open_.send_messages([mails.django(mail)])

        yield send


PEERS: dict[str, Callable[[Job], AbstractContextManager[Send]]] = {
    "smtpkit send": smtpkit_send,
    "smtpkit send_many": smtpkit_send_many,
    "smtpkit send, async": smtpkit_async_send,
    "smtpkit send_many, async": smtpkit_async_send_many,
    "smtplib sendmail": smtplib_sendmail,
    "smtplib send_message": smtplib_send_message,
    "aiosmtplib": aiosmtplib,
    "Django": django,
}


def installed(peer: str) -> bool:
    """Whether its library is here. That of nodemailer is not asked for here."""
    return bool(find_spec(peer.split(maxsplit=1)[0].lower()))
