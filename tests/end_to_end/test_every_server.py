"""The same mails through every real server into its mailboxes. Public API only."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import pytest

from servers.daemon import Daemon
from servers.postfix import Postfix
from smtpkit import Address, Message, RawMessage, RecipientsRefused, SenderRefused, SmtpTlsTransport

if TYPE_CHECKING:
    from both import AnyMailer, Both
    from smtpkit.delivery import AnyMessage

pytest_plugins = ("both",)

SENDER = "ann@example.com"

BATCHES = pytest.mark.parametrize(
    "batch", [{"in_flight": 16}, {"connections": 3, "in_flight": 8}], ids=["one connection", "three connections"]
)
"""What `send_many` is told."""

OPTIONS = pytest.mark.parametrize("options", [{}, {"pipelining": False}], ids=["as offered", "no pipelining"])


class Scenario(NamedTuple):
    """A mail, and who gets it. Its content has a place for a marker."""

    name: str
    message: AnyMessage
    accepted: frozenset[str] = frozenset({"bob@example.com"})
    refused: frozenset[str] = frozenset()

    def marked(self, marker: str) -> AnyMessage:
        if isinstance(self.message, Message):
            return self.message.header("X-Marker", marker)
        assert isinstance(self.message, RawMessage)
        return RawMessage(b"X-Marker: %s\r\n" % marker.encode() + self.message.as_bytes())


TO_NOBODY = Message().subject("Hello")
TO_BOB = TO_NOBODY.to("bob@example.com")
DOTS = b"\r\n".join([b".", b"..", b"...", b".x", b"", b"x.", b". ", b"."] * 200)
RAW = b"From: ann@example.com\r\nTo: bob@example.com\r\nSubject: Hello\r\n\r\n%s\r\n"

SCENARIOS = [
    Scenario("one mail", TO_BOB.text("Hi Bob")),
    Scenario("no body", TO_BOB),
    Scenario(
        "one of three refused",
        TO_BOB.to(Daemon.refused).cc("cid@example.com").text("Hi"),
        frozenset({"bob@example.com", "cid@example.com"}),
        frozenset({Daemon.refused}),
    ),
    Scenario(
        "forty recipients",
        TO_BOB.bcc([f"n{n}@example.com" for n in range(39)]).text("Hi"),
        frozenset({"bob@example.com", *(f"n{n}@example.com" for n in range(39))}),
    ),
    Scenario("every octet attached", TO_BOB.text("x").attach(bytes(range(256)) * 100, filename="a.bin")),
    Scenario("a megabyte attached", TO_BOB.text("x").attach(bytes(range(251)) * 4178, filename="a.bin")),
    Scenario("text in other scripts", TO_BOB.text("東京から、こんにちは。\n" * 200).html("<p>Größe" * 200)),
    Scenario("lines of dots", TO_BOB.text(DOTS.decode())),
    Scenario("8-bit octets as given", RawMessage(RAW % "Größe – 東京\r\n.\r\n..\r\n.x".encode())),
    Scenario("lines of dots as given", RawMessage(RAW % DOTS)),
    Scenario("lines of 998 octets as given", RawMessage(RAW % b"\r\n".join([b"." * 998] * 50))),
]


@pytest.fixture(params=["postfix", "exim", "npm_server"])
def server(request: pytest.FixtureRequest) -> Daemon:
    """Each of the real servers."""
    found: Daemon = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def marker() -> str:
    """A text that only the mails of this test contain."""
    return f"marker-{uuid4().hex}"


def mailer(both: Both, server: Daemon, **options: Any) -> AnyMailer:
    if isinstance(server, Postfix):
        options |= {"username": server.username, "password": server.password}
    tls = server.certificates.ca_file
    return both.mailer(SmtpTlsTransport(server.host, server.port, tls=tls, **options), default_from=SENDER)


@OPTIONS
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_octets_arrive(
    both: Both, server: Daemon, marker: str, scenario: Scenario, options: dict[str, Any]
) -> None:
    receipt = both.send(mailer(both, server, **options), scenario.marked(marker))
    assert set(receipt.accepted) == scenario.accepted
    assert set(receipt.refused) == scenario.refused
    found = server.delivered(marker.encode(), count=len(scenario.accepted))
    assert sorted(mail.recipient for mail in found) == sorted(scenario.accepted)
    assert {mail.sender for mail in found} == {SENDER}
    assert {mail.content for mail in found} == {receipt.message.as_bytes()}


@pytest.mark.parametrize(
    ("sender", "recipient"),
    [
        ("ann@example.com", "jörg@example.com"),
        ("jörg@example.com", "bob@example.com"),
        ("用户@example.com", "पता@example.com"),
    ],
)
def test_addresses_in_other_scripts(both: Both, server: Daemon, marker: str, sender: str, recipient: str) -> None:
    mail = TO_NOBODY.from_(Address(sender, "Jörg")).to(recipient).header("X-Marker", marker).text("ß")
    receipt = both.send(mailer(both, server), mail)
    assert set(receipt.accepted) == {recipient}
    (found,) = server.delivered(marker.encode())
    assert (found.sender, found.recipient) == (sender, recipient)
    assert found.content == receipt.message.as_bytes()


@OPTIONS
def test_all_refused(both: Both, server: Daemon, marker: str, options: dict[str, Any]) -> None:
    refused = TO_NOBODY.to(server.refused).text("never").header("X-Marker", marker)
    sender = mailer(both, server, **options)
    with pytest.raises(RecipientsRefused) as caught:
        both.send(sender, refused)
    assert caught.value.reply is not None
    assert (caught.value.reply.code, caught.value.reply.enhanced_code) == (550, "5.1.1")
    assert both.send(sender, TO_BOB.text("after it").header("X-Marker", marker)).ok
    (mail,) = server.delivered(marker.encode())
    assert mail.content.endswith(b"\r\n\r\nafter it\r\n")


@BATCHES
def test_many_mails_arrive_once_each_and_in_order(
    both: Both, server: Daemon, marker: str, batch: dict[str, int]
) -> None:
    count = 1000 if "connections" not in batch else 200
    mails = [TO_BOB.text(f"mail {n}\n.\n").header("X-Marker", marker) for n in range(count)]
    receipts = list(both.send_many(mailer(both, server), mails, **batch))
    assert [receipt.ok for receipt in receipts] == [True] * count
    sent = [receipt.message.as_bytes() for receipt in receipts]
    assert [content.rsplit(b"\r\n\r\n", 1)[1] for content in sent] == [b"mail %d\r\n.\r\n" % n for n in range(count)]
    found = server.delivered(marker.encode(), count=count)
    assert sorted(mail.content for mail in found) == sorted(sent)
    ids = [receipt.message_id for receipt in receipts]
    arrived = [one for one in server.message_ids() if one in set(ids)]
    # Each connection has an order of its own.
    assert arrived == ids if "connections" not in batch else sorted(arrived) == sorted(ids)


@BATCHES
def test_refusals_among_many_mails_harm_no_other(
    both: Both, server: Daemon, marker: str, batch: dict[str, int]
) -> None:
    wanted = [TO_BOB.text(f"mail {n}").header("X-Marker", marker) for n in range(20)]
    mails = [mail if n % 7 != 3 else TO_NOBODY.to(server.refused).text("never") for n, mail in enumerate(wanted)]
    receipts = list(both.send_many(mailer(both, server), mails, **batch))
    assert [receipt.ok for receipt in receipts] == [n % 7 != 3 for n in range(20)]
    accepted = [receipt for receipt in receipts if receipt.ok]
    found = server.delivered(marker.encode(), count=len(accepted))
    assert sorted(mail.content for mail in found) == sorted(receipt.message.as_bytes() for receipt in accepted)


@BATCHES
def test_refused_senders_leave_nothing_behind(both: Both, server: Daemon, marker: str, batch: dict[str, int]) -> None:
    good = TO_BOB.header("X-Marker", marker).text("Hi")
    bad = good.from_(server.refused_sender)
    mails = [bad, good, bad, bad, good, bad]
    receipts = list(both.send_many(mailer(both, server), mails, **batch))
    # Postfix refuses senders at RCPT (smtpd_delay_reject).
    refused = RecipientsRefused if isinstance(server, Postfix) else SenderRefused
    assert [type(receipt.error) for receipt in receipts] == [refused if mail is bad else NoneType for mail in mails]
    found = server.delivered(marker.encode(), count=2)
    assert [mail.sender for mail in found] == [SENDER, SENDER]


@pytest.mark.parametrize("name", ["postfix", "exim"])
def test_queue_ids_are_those_of_the_log(both: Both, request: pytest.FixtureRequest, marker: str, name: str) -> None:
    server: Daemon = request.getfixturevalue(name)
    receipt = both.send(mailer(both, server), TO_BOB.header("X-Marker", marker).text("Hi"))
    (mail,) = server.delivered(marker.encode())
    queue_id = receipt.accepted["bob@example.com"].queue_id
    assert queue_id is not None
    assert queue_id in server.log()
    assert queue_id.encode() in mail.trace
