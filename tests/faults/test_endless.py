"""Servers that do not come to an end, over real sockets and TLS: an error in time, and within 2 MB of memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from cells import CELLS, Cell
from memory import MIB, at_most
from servers.truthful import Truthful
from simulation import mail
from smtpkit import DeliveryUncertain, ProtocolError, SmtpkitError, SmtpTlsTransport, TimedOut, Timeouts, TlsFailed
from truth import CHUNKING, PIPELINING, Fault, Truth

if TYPE_CHECKING:
    from both import Both
    from servers.certificates import Certificates
    from smtpkit import RawMessage

pytest_plugins = ("both",)

SECONDS = 10.0
ENDLESS = [
    cell
    for cell in CELLS
    if cell.fault in ("endless line", "endless reply") and cell.way == "fresh" and cell.stage != "QUIT"
]
LONG = mail(0, body="\r\n" + "0123456789abcde\r\n" * 600_000)
"""More than the buffers of two sockets hold."""


def transport(port: int, certificates: Certificates) -> SmtpTlsTransport:
    timeouts = Timeouts(progress=0.5, reply=SECONDS, final_reply=SECONDS)
    options: dict[str, Any] = {"username": "ann", "password": "pa55word", "timeouts": timeouts}
    return SmtpTlsTransport("localhost", port, tls=certificates.client_context(), **options)


def failure(
    both: Both, certificates: Certificates, truth: Truth, message: RawMessage, most: int = 2 * MIB
) -> SmtpkitError:
    """The error of sending ``message``, for which there is a limit of time and of memory."""
    context = certificates.server_context()
    with Truthful(Truth(truth.extensions), context=context) as healthy:
        # Loads what is loaded once.
        assert both.send(both.mailer(transport(healthy.port, certificates)), mail("before")).ok
    with Truthful(truth, context=context) as server:
        mailer = both.mailer(transport(server.port, certificates))
        began = time.monotonic()
        with at_most(most), pytest.raises(SmtpkitError) as caught:
            both.send(mailer, message)
        assert time.monotonic() - began < SECONDS
        both.close(mailer)
    return caught.value


@pytest.mark.parametrize("cell", ENDLESS, ids=str)
def test_a_reply_that_does_not_end(both: Both, cell: Cell, certificates: Certificates) -> None:
    error = failure(both, certificates, Truth(cell.extensions, faults=cell.faults), cell.mails[0])
    doubt = isinstance(error, DeliveryUncertain)
    assert doubt or type(error).__name__ in cell.expected
    assert isinstance(error.__cause__ if doubt else error, ProtocolError | TlsFailed)


@pytest.mark.parametrize("flaw", ["endless line", "endless reply"])
@pytest.mark.parametrize("where", ["content", "chunk"])
def test_a_server_that_talks_and_does_not_listen(both: Both, flaw: Any, where: Any, certificates: Certificates) -> None:
    extensions = ("STARTTLS", *(CHUNKING if where == "chunk" else PIPELINING))
    truth = Truth(extensions, faults={0: Fault(where, 0, flaw)})
    # What is said early is kept up to 1 MB; asyncio's TLS takes another half.
    error = failure(both, certificates, truth, LONG, most=5 * MIB // 2)
    assert isinstance(error, ProtocolError | TimedOut)


def test_challenges_that_do_not_end(both: Both, certificates: Certificates) -> None:
    truth = Truth(("STARTTLS",), faults={0: Fault("AUTH", 0, "challenges")})
    assert "does not come to an end" in str(failure(both, certificates, truth, mail(0)))
