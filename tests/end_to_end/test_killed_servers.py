"""Servers that are killed in the middle of a batch: what the receipts say is what the mailboxes hold afterwards."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from servers.postfix import Postfix
from smtpkit import DeliveryError, Message, SmtpTlsTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from both import Both
    from servers.mta import Mta, MtaName, StartMta
    from smtpkit import Receipt

pytest_plugins = ("both",)

IN_FLIGHT = 16

KEEPING: list[tuple[MtaName, str]] = [("postfix", "defer_transports = virtual\n"), ("exim", "queue_only = true\n")]
"""With these they keep what they take until they are told to deliver it: one that is killed while it delivers may
deliver the same mail again."""


def transport(server: Mta) -> SmtpTlsTransport:
    login = {"username": server.username, "password": server.password} if isinstance(server, Postfix) else {}
    options: dict[str, Any] = {"tls": server.certificates.ca_file, **login}
    return SmtpTlsTransport(server.host, server.port, **options)


def ids(receipts: list[Receipt], status: str) -> set[str]:
    """The mails of which that became of their recipient."""
    return {each.message_id for each in receipts for outcome in each.outcomes.values() if outcome.status == status}


@pytest.mark.parametrize(("name", "keeping"), KEEPING, ids=["postfix", "exim"])
def test_every_receipt_is_true(both: Both, mta: StartMta, name: MtaName, keeping: str) -> None:
    server, marker = mta(name, keeping), f"marker-{uuid4().hex}"
    base = Message().to("bob@example.com").header("X-Marker", marker)

    def messages() -> Iterator[Message]:
        for n in range(300):
            if n in (100, 200):
                server.kill()
            if n == 100:
                server.restart(keeping)
            yield base.text(f"mail {n}")

    sender = both.mailer(transport(server), default_from="ann@example.com")
    receipts = list(both.send_many(sender, messages(), in_flight=IN_FLIGHT))
    accepted, uncertain, not_sent = (ids(receipts, status) for status in ("accepted", "uncertain", "not_sent"))
    assert len(accepted) + len(uncertain) + len(not_sent) == 300
    # What was in flight when it was killed, twice; the first time, the batch went on with a new connection.
    assert len(uncertain) <= 2 * IN_FLIGHT
    assert len(accepted) >= 200 - 2 * IN_FLIGHT
    assert not_sent >= {each.message_id for each in receipts[200 + IN_FLIGHT :]}
    assert all(isinstance(each.error, DeliveryError) and each.error.safe_to_retry for each in receipts if each.not_sent)

    server.restart()
    server.deliver_all()
    arrived = mailbox(server, marker)
    assert accepted <= set(arrived) <= accepted | uncertain
    assert set(arrived.values()) == {1}

    again = [each.message for each in receipts if each.not_sent]
    retried = list(both.send_many(sender, again, in_flight=IN_FLIGHT))
    assert [each.ok for each in retried] == [True] * len(again)
    server.delivered(marker.encode(), count=len(arrived) + len(again))
    arrived = mailbox(server, marker)
    assert accepted | not_sent <= set(arrived) <= accepted | not_sent | uncertain
    assert set(arrived.values()) == {1}


def mailbox(server: Mta, marker: str) -> Counter[str]:
    """The Message-IDs of the mails that are there, and how often each is."""
    lines = (line for mail in server.copies(marker.encode()) for line in mail.content.split(b"\r\n"))
    return Counter(line.decode().partition(": ")[2] for line in lines if line.startswith(b"Message-ID: "))
