"""What is scripted has the same errors and receipts from the fake in memory as from a server on a port."""

from __future__ import annotations

import re
from operator import methodcaller
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from smtpkit import AsyncMailer, FakeTransport, Mailer, Message, RawMessage, Receipt, Retry, Timeouts
from smtpkit.testing import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from both import AnyMailer, Both
    from smtpkit.testing import Scripted

pytest_plugins = ("both",)

ANN = Message().from_("shop@example.com").to("ann@example.com").subject("Hello").text("Hi")
THREE = ANN.cc("bob@example.org").bcc("carl@example.com")
LARGE = ANN.attach(b"x" * 300_000, filename="large.bin")
WIDE = ANN.to("jörg@bücher.example")
IDN = ANN.to("ann@bücher.example")
LONG = Timeouts(greeting=10, reply=10, progress=10, final_reply=10)
SHORT = Timeouts(greeting=0.5, reply=0.5, progress=0.5, final_reply=0.5)
"""For what is waited for in vain, in real time by the client of the server."""


STAGES = ("greeting", "ehlo", "auth", "mail", "rcpt", "data")


def is_ann(addr_spec: str) -> bool:
    return addr_spec == "ann@example.com"


class Row(NamedTuple):
    """What is told to a server, the mails that it then gets, and the error of each."""

    name: str
    told: Callable[[Scripted], object]
    errors: tuple[str | None, ...]
    message: Message | RawMessage = ANN
    mailer: dict[str, Any] = {}  # noqa: RUF012 - a tuple's default, which nobody changes

    @property
    def timeouts(self) -> Timeouts:
        return SHORT if self.name.startswith(("time-out", "too slow")) else LONG


ROWS = [
    Row("nothing", methodcaller("accept_all"), (None, None)),
    Row("nothing, large", methodcaller("accept_all"), (None,), LARGE),
    Row("nothing, other scripts", methodcaller("accept_all"), (None,), WIDE),
    Row("nothing, octets", methodcaller("accept_all"), (None,), RawMessage(ANN.completed().as_bytes())),
    Row("a recipient", methodcaller("refuse_recipient", "bob@EXAMPLE.org"), ("RecipientsRefused",), THREE),
    Row(
        "a recipient by expression",
        methodcaller("refuse_recipient", re.compile("@example.com$"), "452 4.2.2 mailbox full"),
        ("RecipientsRefused",),
        THREE,
    ),
    Row("by function", methodcaller("refuse_recipient", is_ann), ("RecipientsRefused",)),
    Row(
        "a domain in another script",
        methodcaller("refuse_recipient", "ann@bücher.example"),
        ("RecipientsRefused",),
        IDN,
    ),
    Row(
        "a recipient twice",
        methodcaller("refuse_recipient", "ann@example.com", times=2),
        ("RecipientsRefused",) * 2 + (None,),
    ),
    Row(
        "a recipient, all or nothing",
        methodcaller("refuse_recipient", "bob@example.org"),
        ("RecipientsRefused",),
        THREE,
        {"on_partial": "abort"},
    ),
    Row("the sender", methodcaller("refuse_sender"), ("SenderRefused", "SenderRefused")),
    Row("another sender", methodcaller("refuse_sender", "other@example.com"), (None,)),
    Row("the content", methodcaller("refuse_content", times=1), ("ContentRefused", None), THREE),
    Row("the log-in", methodcaller("refuse_login", times=1), ("AuthenticationFailed", None)),
    Row("for now", methodcaller("fail_temporarily", 2), ("RecipientsRefused", "RecipientsRefused", None)),
    Row(
        "for now, at MAIL",
        methodcaller("fail_temporarily", 1, "451 4.3.0 later", at="mail"),
        ("SenderRefused", None),
        THREE,
    ),
    Row(
        "for now, at DATA", methodcaller("fail_temporarily", 1, "451 4.3.0 later", at="data"), ("ContentRefused", None)
    ),
    Row(
        "for now, and tried again",
        methodcaller("fail_temporarily", 2),
        (None,),
        ANN,
        {"retry": Retry(attempts=3, wait=0.01)},
    ),
    Row("busy", methodcaller("turn_away"), ("ServiceUnavailable",)),
    Row("no service", methodcaller("turn_away", "554 5.3.2 no SMTP service here"), ("ServiceUnavailable",)),
    Row("busy at MAIL", methodcaller("turn_away", at="mail"), ("ServiceUnavailable",)),
    Row(
        "STARTTLS", methodcaller("turn_away", "454 4.7.0 no TLS now", at="starttls", times=1), ("StartTlsRefused", None)
    ),
    Row("uncertain, accepted", methodcaller("leave_uncertain", times=1), ("DeliveryUncertain", None), THREE),
    Row("uncertain, lost", methodcaller("leave_uncertain", accepted=False), ("DeliveryUncertain",), THREE),
    *(Row(f"time-out at {at}", methodcaller("time_out", at), ("TimedOut",)) for at in STAGES),
    Row("time-out at content", methodcaller("time_out", "content"), ("DeliveryUncertain",), THREE),
    *(Row(f"lost at {at}", methodcaller("disconnect", at), ("ConnectionLost",)) for at in STAGES),
    Row("lost at content", methodcaller("disconnect", "content", times=1), ("DeliveryUncertain", None)),
    Row("lost once on a used connection", methodcaller("disconnect", "mail", times=1), ("ConnectionLost", None, None)),
    Row("slow", methodcaller("slow_down", 0.02), (None,)),
    Row("too slow", methodcaller("slow_down", 5), ("TimedOut",)),
    Row("size", methodcaller("limit_size", 100_000), ("ContentRefused",), LARGE),
    Row("size that is kept", methodcaller("limit_size", 100_000), (None,)),
    Row("so many on a connection", methodcaller("close_after", 2), (None,) * 5),
    Row("so many a day", methodcaller("limit_daily", 2), (None, None, "SenderRefused", "SenderRefused"), THREE),
]


def receipts(both: Both, mailer: AnyMailer, row: Row) -> list[Receipt]:
    return [both.receipt(mailer, row.message) for _ in row.errors]


def facts(receipt: Receipt) -> dict[str, object]:
    """All that a program can see of a receipt, but ids and the name of the server."""
    error = receipt.error
    found: dict[str, object] = {
        "outcomes": {name: (each.status, each.reply, each.queue_id) for name, each in receipt.outcomes.items()},
        "attempts": receipt.attempts,
        "notes": receipt.notes,
        "ok": receipt.ok,
    }
    if error is not None:
        texts = (re.sub(r"(mail\.test|127\.0\.0\.1):\d+", "SERVER", each or "") for each in (error.message, error.hint))
        found |= {"error": type(error), "text": tuple(texts), "stage": error.stage, "reply": error.reply}
        found |= {"temporary": error.temporary, "safe_to_retry": error.safe_to_retry, "whom": error.recipients}
    return found


def posted(server: FakeTransport | ScriptedServer) -> list[tuple[object, ...]]:
    """What it has in truth. The server of a `FakeTransport` gives back the mail itself, the other one octets."""
    return [
        (
            mail.envelope.reverse_path and mail.envelope.reverse_path.addr_spec,
            [each.mailbox for each in mail.envelope.recipients],
            len(mail.as_bytes()),
        )
        for mail in server.outbox
    ]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_the_fake_fails_as_a_server(row: Row, both: Both) -> None:
    fake = FakeTransport(timeouts=row.timeouts)
    row.told(fake)
    in_memory = receipts(both, both.mailer(fake, **row.mailer), row)
    with ScriptedServer() as server:
        row.told(server)
        mailer = both.mailer(server.transport(timeouts=row.timeouts), **row.mailer)
        on_a_port = receipts(both, mailer, row)
        both.close(mailer)
        assert [facts(each) for each in in_memory] == [facts(each) for each in on_a_port]
        assert posted(fake) == posted(server)
    assert tuple(each.error and type(each.error).__name__ for each in in_memory) == row.errors


def test_nobody_there(both: Both) -> None:
    fake = FakeTransport().unreachable()
    with ScriptedServer() as server:
        transport = server.transport()
    found = [facts(both.receipt(both.mailer(each), ANN)) for each in (fake, transport)]
    # An event loop words it in its own way.
    texts = [each.pop("text") for each in found]
    assert all("no connection to SERVER: Connect" in str(text) for text in texts)
    assert found[0] == found[1]
    assert found[0]["stage"] == "connect"
    assert both.send(both.mailer(fake.accept_all()), ANN).ok


def test_a_batch_by_chunking(both: Both) -> None:
    found: list[list[dict[str, object]]] = []
    offered = ("PIPELINING", "CHUNKING", "SMTPUTF8")
    mails = [ANN, ANN.to("bob@example.org"), THREE, ANN]
    with ScriptedServer(extensions=offered) as server:
        for told in (FakeTransport(extensions=offered), server):
            told.refuse_recipient("bob@example.org")
            transport = told if isinstance(told, FakeTransport) else told.transport()
            mailer = both.mailer(transport)
            found.append([facts(receipt) for receipt in both.send_many(mailer, mails, in_flight=4)])
            both.close(mailer)
    assert found[0] == found[1]
    assert [each["ok"] for each in found[0]] == [True, False, False, True]


def test_both_mailers_share_one_fake() -> None:
    fake = FakeTransport().refuse_recipient("bob@example.org")
    receipt = Mailer(fake).send(THREE)
    assert facts(receipt) == facts(run(AsyncMailer(fake).send(THREE)))


def run(sending: Any) -> Receipt:
    import asyncio

    async def sent() -> Receipt:
        receipt: Receipt = await sending
        return receipt

    return asyncio.run(sent())
