"""What was sent, and what a failed assertion tells; that the mailbox takes over, for every mailer."""

from __future__ import annotations

import asyncio
import re
import unittest
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    Address,
    AsyncMailer,
    Batch,
    DailyLimit,
    DailyLimitExceeded,
    FailoverTransport,
    FakeTransport,
    Mailer,
    Message,
    PlaintextSmtpTransport,
    RawMessage,
    Retry,
)
from smtpkit.testing import MailboxMixin, ReceivedFile, ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path

    from both import Both

pytest_plugins = ("both",)

ANN = (
    Message()
    .from_("Shop <shop@example.com>")
    .to("Ann <ann@example.com>")
    .bcc("archive@example.com")
    .subject("Grüße, order 17")
    .text("It arrives tomorrow.\n.\nBye")
    .html("<p>It arrives <b>tomorrow</b>.")
    .attach(b"%PDF", filename="invoice.pdf")
    .header("X-Campaign", "autumn")
)
BOB = Message().from_("shop@example.com").to("bob@example.com").subject("Welcome").text("Hello")
email = EmailMessage()
email["From"], email["To"], email["Subject"] = "shop@example.com", "carl@example.com", "Plain"
email.set_content("Hello Carl")
email.add_attachment(b"a,b", maintype="text", subtype="csv", filename="a.csv")

FOUND: list[tuple[dict[str, Any], int]] = [
    ({}, 3),
    ({"to": "ann@example.com"}, 1),
    ({"to": "Ann <ann@EXAMPLE.com>"}, 1),
    ({"to": "archive@example.com"}, 1),
    ({"to": Address("ann@example.com")}, 1),
    ({"to": re.compile("@example.com$")}, 3),
    ({"to": re.compile("^b").match}, 1),
    ({"to": ["ann@example.com", "archive@example.com"]}, 1),
    ({"to": ["ann@example.com", "bob@example.com"]}, 0),
    ({"to": {"ann@example.com", "archive@example.com"}}, 1),
    ({"to": "nn@example.com"}, 0),
    ({"to": "ANN@example.com"}, 0),
    ({"from_": "shop@example.com"}, 3),
    ({"from_": "other@example.com"}, 0),
    ({"subject": "Grüße, order 17"}, 1),
    ({"subject": "order"}, 0),
    ({"subject": re.compile("order [0-9]+")}, 1),
    ({"subject": str.istitle}, 2),
    ({"text_contains": "tomorrow.\n.\nBye"}, 1),
    ({"text_contains": re.compile("^Hello", re.MULTILINE)}, 2),
    ({"html_contains": "<b>tomorrow</b>"}, 1),
    ({"html_contains": "Hello"}, 0),
    ({"attachment": "invoice.pdf"}, 1),
    ({"attachment": re.compile(r"\.(pdf|csv)$")}, 2),
    ({"attachment": ReceivedFile("invoice.pdf", "application/pdf", b"%PDF").__eq__}, 1),
    ({"attachment": "a.txt"}, 0),
    ({"header": ("x-campaign", "autumn")}, 1),
    ({"header": ("X-Campaign", re.compile("spring"))}, 0),
    ({"to": "ann@example.com", "subject": "Welcome"}, 0),
]


@pytest.fixture(scope="module")
def three() -> FakeTransport:
    fake = FakeTransport()
    for message in (ANN, BOB, email):
        Mailer(fake).send(message)
    return fake


@pytest.mark.parametrize(
    ("wanted", "count"), FOUND, ids=[f"{number} {' '.join(wanted)}" for number, (wanted, _) in enumerate(FOUND)]
)
def test_mails_are_found(three: FakeTransport, wanted: dict[str, Any], count: int) -> None:
    assert len(three.sent(**wanted)) == count
    if count:
        assert three.assert_sent(**wanted, count=count) is three.sent(**wanted)[0]
        with pytest.raises(AssertionError, match="sent was what fits"):
            three.assert_not_sent(**wanted)
        with pytest.raises(AssertionError, match=f"{count} mails, not 9, fit"):
            three.assert_sent(**wanted, count=9)
    else:
        three.assert_not_sent(**wanted)
        with pytest.raises(AssertionError, match="no mail fits"):
            three.assert_sent(**wanted)


def test_sent_to(three: FakeTransport) -> None:
    assert [mail.message.fields.get("subject") for mail in three.sent_to("bob@example.com")] == ["Welcome"]
    assert three.sent_to("nobody@example.com") == []


def test_a_failure_tells_the_nearest_miss_and_what_was_sent(three: FakeTransport) -> None:
    with pytest.raises(AssertionError) as caught:
        three.assert_sent(to="bob@example.com", subject="Welcom", attachment=re.compile("pdf"))
    assert str(caught.value) == (
        "no mail fits to='bob@example.com', subject='Welcom', attachment=re.compile('pdf')\n"
        "nearest: 'Welcome' to bob@example.com\n"
        "  fits    to: bob@example.com\n"
        "  DIFFERS subject: 'Welcome', not 'Welcom'\n"
        "  DIFFERS attachment: no files, not re.compile('pdf')\n"
        "sent, 3 mails in all:\n"
        "  1. 'Grüße, order 17' to ann@example.com, archive@example.com\n"
        "  2. 'Welcome' to bob@example.com\n"
        "  3. 'Plain' to carl@example.com"
    )


def test_a_failure_with_an_empty_outbox() -> None:
    fake = FakeTransport()
    fake.assert_not_sent()
    with pytest.raises(AssertionError, match=r"no mail fits to='ann@example.com'\nnothing was sent\Z"):
        fake.assert_sent(to="ann@example.com")
    with pytest.raises(AssertionError, match=r"no mail fits at all\nnothing was sent\Z"):
        fake.assert_sent()


WRONG: list[tuple[Any, str]] = [
    ({"subjekt": "x"}, "nothing can be looked for by subjekt="),
    ({"to": None}, "to=None: a string"),
    ({"to": []}, "to=[]: every mail goes to all of nobody"),
    ({"to": ["ann@example.com", None]}, "to=None: a string"),
    ({"subject": b"x"}, "subject=b'x': a string"),
    ({"subject": re.compile(b"x")}, "subject=re.compile(b'x'): a string"),
    ({"subject": Address("ann@example.com")}, "subject=Address("),
    ({"html_contains": None}, "html_contains=None: a string"),
    ({"header": "X-Campaign"}, "header='X-Campaign': a name and a value"),
    ({"header": ("X-Campaign", None)}, "header=None: a string"),
]


def test_wrong_questions(three: FakeTransport) -> None:
    for wanted, told in WRONG:
        with pytest.raises((TypeError, ValueError), match=re.escape(told)):
            three.assert_not_sent(**wanted)
    with pytest.raises(ValueError, match="assert_not_sent"):
        three.assert_sent(count=0)


def test_the_outbox_has_the_content_as_it_goes_over_the_wire(both: Both) -> None:
    fake = FakeTransport()
    with ScriptedServer() as server:
        raw = RawMessage(ANN.completed().as_bytes())
        for transport in (fake, server.transport()):
            mailer = both.mailer(transport)
            assert both.send(mailer, raw).ok
            both.close(mailer)
        assert fake.outbox[0].as_bytes() == server.outbox[0].as_bytes() == raw.as_bytes()
        assert str(fake.outbox[0]) == str(server.outbox[0])
        assert server.accepted[0].encrypted
        assert server.accepted[0].username == "user"


def test_files_are_kept_as_they_were(tmp_path: Path, both: Both) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")
    fake = FakeTransport()
    both.send(both.mailer(fake), BOB.attach(path))
    path.unlink()
    fake.assert_sent(attachment=lambda file: file.data == b"before")


def test_clear_and_accept_all() -> None:
    fake = FakeTransport().refuse_sender()
    assert not Mailer(fake).send_many([BOB]).__next__().ok
    assert Mailer(fake.accept_all()).send(BOB).ok
    fake.clear()
    assert fake.outbox == []
    assert repr(fake) == "<FakeTransport with 0 mails>"


# -- taking over -------------------------------------------------------------------

UNUSED = PlaintextSmtpTransport("nobody.invalid")
MAILER = Mailer(UNUSED, limits=DailyLimit(1))
ASYNC_MAILER = AsyncMailer(UNUSED, limits=DailyLimit(1))


def test_every_mailer_sends_to_the_mailbox(mailbox: FakeTransport, both: Both) -> None:
    mailer: Any = MAILER if both.kind == "sync" else ASYNC_MAILER
    for _ in range(3):  # limits are of real accounts, and not used up
        assert both.send(mailer, ANN).ok
    with both.send_many(mailer, [BOB, BOB], connections=2, in_flight=4) as batch:
        assert [receipt.ok for receipt in batch] == [True, True]
    assert both.send_draft(mailer.compose().from_("a@example.com").to("draft@example.com")).ok
    assert both.send(both.mailer(FakeTransport()), BOB).ok
    assert len(mailbox.outbox) == 7
    assert mailer.transport is UNUSED


def test_threads_and_tasks_of_the_application_do_too(mailbox: FakeTransport) -> None:
    async def many() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(ASYNC_MAILER.send(BOB.to(f"t{number}@example.com")))

    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(MAILER.send, BOB.to(f"r{number}@example.com")) for number in range(50)]
        apart = pool.submit(asyncio.run, many())
    assert all(each.result().ok for each in sent)
    apart.result()
    assert len(mailbox.outbox) == 70
    assert len({str(mail.envelope.recipients) for mail in mailbox.outbox}) == 70


def test_what_is_scripted_counts_for_threads(mailbox: FakeTransport) -> None:
    mailbox.fail_temporarily(10)
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(Batch.__next__, [MAILER.send_many([BOB]) for _ in range(40)]))
    assert sum(receipt.ok for receipt in receipts) == len(mailbox.outbox) == 30


def test_the_mailbox_ends_with_its_test() -> None:
    with FakeTransport() as outer:
        MAILER.send(ANN)
        with FakeTransport() as inner:
            MAILER.send(BOB)
        Mailer(UNUSED).send(ANN)
    assert [len(outer.outbox), len(inner.outbox)] == [2, 1]
    limited = Mailer(FakeTransport(), limits=DailyLimit(1))
    limited.send(BOB)
    with pytest.raises(DailyLimitExceeded):
        limited.send(BOB)


def test_nobody_waits_between_attempts(both: Both) -> None:
    fake = FakeTransport().fail_temporarily(4)
    mailer = both.mailer(fake, retry=Retry(attempts=5, wait=60, max_wait=60))
    assert both.send(mailer, BOB).attempts == 5
    pair = FailoverTransport(FakeTransport().unreachable(), FakeTransport().fail_temporarily(1))
    assert both.send(both.mailer(pair, retry=Retry(wait=60)), BOB).attempts > 2
    with FakeTransport() as mailbox:
        mailbox.time_out(times=1)
        assert both.send(both.mailer(UNUSED, retry=Retry(wait=60)), BOB).attempts == 2


class SignUp(MailboxMixin, unittest.TestCase):
    def setUp(self) -> None:  # without super()
        MAILER.send(BOB)

    def test_welcome(self) -> None:
        self.mailbox.assert_sent(to="bob@example.com", count=1)


class Wrong(SignUp):
    __test__ = False  # for pytest

    def test_welcome(self) -> None:
        self.mailbox.assert_sent(to="nobody@example.com")


class AsyncSignUp(MailboxMixin, unittest.IsolatedAsyncioTestCase):
    async def test_welcome(self) -> None:
        await ASYNC_MAILER.send(BOB)
        self.mailbox.assert_sent(to="bob@example.com", count=1)


@pytest.mark.parametrize(("case", "passes"), [(SignUp, True), (Wrong, False), (AsyncSignUp, True)])
def test_unittest(case: type[unittest.TestCase], passes: bool) -> None:
    result = unittest.TestResult()
    case("test_welcome").run(result)
    assert result.wasSuccessful() is passes
    assert result.testsRun == 1
    if not passes:
        assert "nearest: 'Welcome' to bob@example.com" in result.failures[0][1]
