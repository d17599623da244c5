"""From a mailer through npm's smtp-server: what it alone does. Public API only."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from smtpkit import Message, SenderRefused, SmtpTlsTransport

if TYPE_CHECKING:
    from both import AnyMailer, Both
    from servers.smtp_server import SmtpServer

pytest_plugins = ("both",)

TO_BOB = Message().to("bob@example.com").subject("Hello")


def mailer(both: Both, server: SmtpServer) -> AnyMailer:
    transport = SmtpTlsTransport(server.host, server.port, tls=server.certificates.ca_file)
    return both.mailer(transport, default_from="ann@example.com")


def test_two_mails_to_one_address_are_two(both: Both, smtp_server: SmtpServer) -> None:
    marker = f"marker-{uuid4().hex}"
    sender = mailer(both, smtp_server)
    sent = [both.send(sender, TO_BOB.text(marker)).message.as_bytes() for _ in range(2)]
    assert [mail.content for mail in smtp_server.delivered(marker.encode(), count=2)] == sent


def test_a_sender_is_refused_at_mail(both: Both, smtp_server: SmtpServer) -> None:
    with pytest.raises(SenderRefused) as caught:
        both.send(mailer(both, smtp_server), TO_BOB.from_(smtp_server.refused_sender).text("never"))
    assert caught.value.reply is not None
    assert (caught.value.reply.code, caught.value.reply.enhanced_code) == (550, "5.7.1")
