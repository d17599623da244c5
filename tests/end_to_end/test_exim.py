"""From a mailer through a real Exim: what it alone does. Public API only."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from smtpkit import Message, SenderRefused, SmtpTlsTransport

if TYPE_CHECKING:
    from both import AnyMailer, Both
    from servers.exim import Exim

pytest_plugins = ("both",)

TO_BOB = Message().to("bob@example.com").subject("Hello")


def mailer(both: Both, exim: Exim) -> AnyMailer:
    transport = SmtpTlsTransport(exim.host, exim.port, tls=exim.certificates.ca_file)
    return both.mailer(transport, default_from="ann@example.com")


def test_the_queue_id_is_that_of_its_log(both: Both, exim: Exim) -> None:
    marker = f"marker-{uuid4().hex}"
    receipt = both.send(mailer(both, exim), TO_BOB.text(marker))
    (mail,) = exim.delivered(marker.encode())
    queue_id = receipt.accepted["bob@example.com"].queue_id
    assert queue_id is not None
    assert f" {queue_id} <= ann@example.com" in exim.log()
    assert b"with esmtps" in mail.trace
    assert f"\tid {queue_id}\n".encode() in mail.trace


def test_a_sender_is_refused_at_mail(both: Both, exim: Exim) -> None:
    with pytest.raises(SenderRefused) as caught:
        both.send(mailer(both, exim), TO_BOB.from_(exim.refused_sender).text("never"))
    assert caught.value.reply is not None
    assert (caught.value.reply.code, caught.value.reply.enhanced_code) == (550, "5.7.1")
