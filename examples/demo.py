"""The main job, for real: SMTP servers on this machine, TLS, log-in, mail accepted. ``make demo`` runs it.

With ``SMTP_URL`` (such as ``gmail://me%40gmail.com:app-password@``) and ``SMTP_TO`` in the
environment, the same mails go to a real provider instead.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import sys
import tempfile
from contextlib import ExitStack
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import tour

from smtpkit import (
    AsyncMailer,
    DailyLimit,
    Mailer,
    Message,
    Receipt,
    SmtpkitError,
    SmtpSslTransport,
    SmtpTlsTransport,
    Transport,
)

USER, PASSWORD = "shop", "correct horse battery staple"
SENDER = "Shop <shop@example.com>"
ANN, BOB, EVE = "Ann <ann@example.com>", "bob@example.com", "gone@example.com"


def show(what: str, result: Receipt | SmtpkitError, brief: bool = False) -> None:
    """Print what was done and what came of it."""
    if brief:
        text = repr(result).partition(": ")[2][:-1] if isinstance(result, Receipt) else type(result).__name__
        print(f"  {what:40} {text}")
        return
    print(f"\n  {what}")
    if isinstance(result, Receipt):
        text = str(result) if result.ok else f"{result}\n{type(result.error).__name__}: {result.error}"
    else:
        text = f"raised {type(result).__name__}: {result}"
    print("\n".join(f"    {line}" for line in text.splitlines()))


def received(content: bytes) -> str:
    """The subject and the tree of parts of a mail, as the standard library reads it."""
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return f"{str(mail['subject'])!r}, {len(content)} octets, {tree(mail)}"


def tree(part: EmailMessage) -> str:
    """The parts of a mail: content types and file names, those of a multipart in brackets."""
    children = [tree(child) for child in part.iter_parts() if isinstance(child, EmailMessage)]
    own = part.get_filename() or part.get_content_type().removeprefix("multipart/")
    return f"{own} [{', '.join(children)}]" if children else own


def mails(ann: str, *others: str) -> list[tuple[str, Message]]:
    """What is sent, each with a line that says so."""
    return [
        ("plain text", tour.plain(ann)),
        ("text and HTML, a PDF, an inline image", tour.rich(ann)),
        (f"{1 + len(others)} recipients", tour.shared(ann, *others)),
        ("one more, with a limit of 3 a day", tour.plain(ann)),
    ]


def print_code() -> None:
    """What the tour does, as it is written there."""
    for build in (tour.plain, tour.rich, tour.shared):
        body = inspect.getsource(build).partition("return ")[2]
        print(f"\n  # {build.__doc__}\n  {body.strip()}")


def with_mailer(transport: Transport, wrong: Transport, brief: bool) -> None:
    """Everything with `Mailer`."""
    with Mailer(transport, default_from=SENDER, limits=DailyLimit(3)) as mailer:
        for what, message in mails(ANN, BOB, EVE):
            show(what, tour.send(mailer, message), brief)
    with Mailer(wrong, default_from=SENDER) as mailer:
        show("a wrong password", tour.send(mailer, tour.plain(ANN)), brief)


async def with_async_mailer(transport: Transport, wrong: Transport) -> None:
    """The same with `AsyncMailer`."""
    async with AsyncMailer(transport, default_from=SENDER, limits=DailyLimit(3)) as mailer:
        for what, message in mails(ANN, BOB, EVE):
            show(what, await tour.send_async(mailer, message), brief=True)
    async with AsyncMailer(wrong, default_from=SENDER) as mailer:
        show("a wrong password", await tour.send_async(mailer, tour.plain(ANN)), brief=True)


def on_this_machine() -> None:
    """Both kinds of TLS, both mailers, against servers of our own."""
    from servers.certificates import Certificates
    from servers.smtpd import Smtpd

    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's own log
    print("The mails of examples/tour.py, each sent by mailer.send(message):")
    print_code()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        certificates = Certificates(folder)
        ca_file = str(certificates.ca_file)
        for security, make in (("STARTTLS", SmtpTlsTransport), ("TLS from the first byte", SmtpSslTransport)):
            server = stack.enter_context(
                Smtpd(
                    certificates,
                    security="starttls" if security == "STARTTLS" else "tls",
                    username=USER,
                    password=PASSWORD,
                    refused=[EVE],
                    extensions=["PIPELINING"],
                )
            )
            for name in ("Mailer", "AsyncMailer"):
                print(f"\n{name}: {security}, {server.host}:{server.port}, log-in as {USER}")
                transport = make(server.host, server.port, username=USER, password=PASSWORD, tls=ca_file)
                wrong = make(server.host, server.port, username=USER, password=USER, tls=ca_file)
                if name == "Mailer":
                    with_mailer(transport, wrong, brief=security != "STARTTLS")
                else:
                    asyncio.run(with_async_mailer(transport, wrong))
            print(f"\nWhat this server received, in {server.connections} connections:")
            for mail in server.accepted:
                print(f"  to {', '.join(mail.rcpt_tos)}: {received(mail.content)}")
            if len(server.accepted) != 6:
                sys.exit("That should have been 6.")


def at_a_provider(to: str) -> None:
    """The same mails to where SMTP_URL says."""
    with Mailer.from_env() as mailer:
        print(f"Mailer, {mailer.transport!r}")
        for what, message in mails(to)[:2]:
            show(what, tour.send(mailer, message))

    async def again() -> None:
        async with AsyncMailer.from_env() as mailer:
            print(f"\nAsyncMailer, {mailer.transport!r}")
            show("plain text", await tour.send_async(mailer, tour.plain(to)))

    asyncio.run(again())


if __name__ == "__main__":
    if "SMTP_URL" in os.environ and "SMTP_TO" in os.environ:
        at_a_provider(os.environ["SMTP_TO"])
    else:
        on_this_machine()
