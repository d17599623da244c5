"""`send`: who the mail is from, whom it goes to, what comes back."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    AsyncMailer,
    DeliveryError,
    DeliveryUncertain,
    Envelope,
    FakeTransport,
    InvalidAddress,
    InvalidConfiguration,
    InvalidMessage,
    Mail,
    Mailer,
    Message,
    MissingSender,
    NoRecipients,
    Outcome,
    Receipt,
    RecipientsRefused,
    Reply,
    SmtpkitError,
    UnreadableAttachment,
    transport_from_function,
)

if TYPE_CHECKING:
    from pathlib import Path

    from both import Both

pytest_plugins = ("both",)

MESSAGE = Message().from_("me@example.com").to("ann@example.com").subject("Hello").text("Hi Ann")
NO_SUCH = Reply(550, ("5.1.1 No such mailbox",))
THREE = MESSAGE.to("bob@example.com").bcc("cid@example.com")


def refusing(*refused: str) -> Any:
    """A transport that refuses these, and accepts everybody else."""

    def send(mail: Mail) -> Receipt:
        names = [address.addr_spec for address in mail.envelope.recipients]
        outcomes = {name: Outcome("refused", NO_SUCH) if name in refused else Outcome("accepted") for name in names}
        found = [name for name in names if name in refused]
        error = RecipientsRefused(f"refused: {', '.join(found)}", reply=NO_SUCH) if found else None
        return Receipt(mail.message, outcomes, error)

    return transport_from_function(send)


def test_accepted(both: Both) -> None:
    fake = FakeTransport()
    receipt = both.send(both.mailer(fake), MESSAGE)
    assert receipt.ok
    assert receipt.error is None
    receipt.raise_for_error()
    assert set(receipt.accepted) == {"ann@example.com"}
    assert (receipt.refused, receipt.not_sent, receipt.uncertain) == ({}, {}, {})
    assert receipt.attempts == 1
    (mail,) = fake.outbox
    assert receipt.message == mail.message
    assert receipt.message_id == mail.message_id
    assert f"Message-ID: {receipt.message_id}".encode() in mail.as_bytes()


def test_each_sending_of_a_message_has_its_own_id(both: Both) -> None:
    mailer = both.mailer(FakeTransport())
    assert both.send(mailer, MESSAGE).message_id != both.send(mailer, MESSAGE).message_id


@pytest.mark.parametrize(
    ("default_from", "message", "header", "reverse_path"),
    [
        ("Shop <shop@example.com>", Message(), b"From: Shop <shop@example.com>\r\n", "shop@example.com"),
        ("shop@example.com", Message().from_("me@example.com"), b"From: me@example.com\r\n", "me@example.com"),
        ("shop@example.com", Message().sender("s@example.com"), b"From: shop@example.com\r\n", "s@example.com"),
        (
            "shop@example.com",
            Message().return_path("bounce@example.com"),
            b"From: shop@example.com\r\n",
            "bounce@example.com",
        ),
    ],
)
def test_default_from(both: Both, default_from: str, message: Message, header: bytes, reverse_path: str) -> None:
    fake = FakeTransport()
    both.send(both.mailer(fake, default_from=default_from), message.to("ann@example.com"))
    assert header in fake.outbox[0].as_bytes()
    sender = fake.outbox[0].envelope.reverse_path
    assert sender is not None
    assert sender.addr_spec == reverse_path


@pytest.mark.parametrize(
    ("envelope", "reverse_path", "recipients"),
    [
        (None, "me@example.com", ["ann@example.com", "bob@example.com", "cid@example.com"]),
        (Envelope("bounce@example.com", ["x@example.com"]), "bounce@example.com", ["x@example.com"]),
        (Envelope(None, ["x@example.com", "y@example.com"]), None, ["x@example.com", "y@example.com"]),
    ],
)
def test_envelope(both: Both, envelope: Envelope | None, reverse_path: str | None, recipients: list[str]) -> None:
    fake = FakeTransport()
    receipt = both.send(both.mailer(fake), THREE, envelope=envelope)
    (mail,) = fake.outbox
    assert (mail.envelope.reverse_path and mail.envelope.reverse_path.addr_spec) == reverse_path
    assert [address.addr_spec for address in mail.envelope.recipients] == recipients
    assert list(receipt.outcomes) == recipients
    assert b"cid@example.com" not in mail.as_bytes()
    assert b"To: ann@example.com, bob@example.com\r\n" in mail.as_bytes()


def test_null_reverse_path_of_a_message(both: Both) -> None:
    fake = FakeTransport()
    both.send(both.mailer(fake), MESSAGE.return_path(None))
    assert fake.outbox[0].envelope.reverse_path is None


NOT_A_MAIL: list[tuple[Any, Any, type[Exception], str, list[str]]] = [
    (Message().to("ann@example.com"), None, MissingSender, "default_from", ["ann@example.com"]),
    (Message().from_("me@example.com"), None, NoRecipients, "bcc", []),
    (Message(), Envelope(None, "x@example.com"), MissingSender, "From", ["x@example.com"]),
    ("Hello", None, InvalidMessage, "Message is needed, not str", []),
    (None, None, InvalidMessage, "not NoneType", []),
    (MESSAGE, "ann@example.com", InvalidMessage, "Envelope, not str", ["ann@example.com"]),
]


@pytest.mark.parametrize(("message", "envelope", "kind", "text", "recipients"), NOT_A_MAIL)
def test_not_a_mail(
    both: Both, message: Any, envelope: Any, kind: type[Exception], text: str, recipients: list[str]
) -> None:
    fake = FakeTransport()
    with pytest.raises(kind, match=text) as caught:
        both.send(both.mailer(fake), message, envelope=envelope)
    receipt = getattr(caught.value, "receipt", None)
    assert isinstance(receipt, Receipt)
    assert not receipt.ok
    assert receipt.error is caught.value
    assert {name: outcome.status for name, outcome in receipt.outcomes.items()} == dict.fromkeys(recipients, "not_sent")
    assert not fake.outbox
    assert repr(receipt)
    assert str(receipt)


@pytest.mark.parametrize("on_partial", ["return", "raise"])
@pytest.mark.parametrize(
    "refused", [(), ("bob@example.com",), ("ann@example.com", "bob@example.com", "cid@example.com")]
)
def test_refused_recipients(both: Both, on_partial: str, refused: tuple[str, ...]) -> None:
    mailer = both.mailer(refusing(*refused), on_partial=on_partial)
    if len(refused) == 3 or (refused and on_partial == "raise"):
        with pytest.raises(RecipientsRefused) as caught:
            both.send(mailer, THREE)
        receipt = caught.value.receipt
        assert receipt is not None
        assert caught.value.reply == NO_SUCH
        assert caught.value.safe_to_retry == (len(refused) == 3)
        assert not caught.value.temporary
    else:
        receipt = both.send(mailer, THREE)
    assert set(receipt.refused) == set(refused)
    assert set(receipt.accepted) == {"ann@example.com", "bob@example.com", "cid@example.com"} - set(refused)
    assert receipt.ok == (not refused)
    assert (receipt.error is None) == (not refused)
    if receipt.error:
        with pytest.raises(RecipientsRefused):
            receipt.raise_for_error()


LACKING: list[tuple[Outcome, type[DeliveryError]]] = [
    (Outcome("refused", NO_SUCH), RecipientsRefused),
    (Outcome("uncertain"), DeliveryUncertain),
    (Outcome("not_sent"), DeliveryError),
]


@pytest.mark.parametrize(("outcome", "kind"), LACKING)
def test_a_receipt_without_its_error_gets_one(both: Both, outcome: Outcome, kind: type[DeliveryError]) -> None:
    def send(mail: Mail) -> Receipt:
        outcomes = Receipt.of(mail, outcome).outcomes
        return Receipt(mail.message, outcomes, attempts=2, notes=("sent by pigeon",))

    with pytest.raises(kind, match="3 of 3") as caught:
        both.send(both.mailer(transport_from_function(send)), THREE)
    assert caught.value.reply == outcome.reply
    assert caught.value.receipt is not None
    assert (caught.value.receipt.attempts, caught.value.receipt.notes) == (2, ("sent by pigeon",))


def test_draft(both: Both) -> None:
    fake = FakeTransport()
    mailer = both.mailer(fake, default_from="me@example.com")
    template = mailer.compose().subject("Hello")
    for name in ("ann@example.com", "bob@example.com"):
        assert both.send_draft(template.to(name).text(f"Hi {name}")).ok
    assert [mail.envelope.recipients[0].addr_spec for mail in fake.outbox] == ["ann@example.com", "bob@example.com"]
    assert template == Message().subject("Hello")
    both.send_draft(template.to("ann@example.com"), envelope=Envelope(None, "x@example.com"))
    assert [address.addr_spec for address in fake.outbox[-1].envelope.recipients] == ["x@example.com"]
    assert both.send(mailer, template.to("ann@example.com")).ok
    with pytest.raises(NoRecipients):
        both.send_draft(template)


def pickled(message: Message) -> Any:
    return pickle.loads(pickle.dumps(message))  # noqa: S301


AGAIN: list[Any] = [copy.copy, copy.deepcopy, pickled]


@pytest.mark.parametrize("again", AGAIN)
def test_a_draft_pickles_as_a_plain_message(both: Both, again: Any) -> None:
    fake = FakeTransport()
    draft = both.mailer(fake, default_from="me@example.com").compose().subject("Hello").to("ann@example.com")
    plain = again(draft)
    assert type(plain) is Message
    assert plain == draft
    assert hash(plain) == hash(draft)
    assert both.send_draft(draft.text("still a draft")).ok


def test_context_manager_and_use_after_close() -> None:
    fake = FakeTransport()
    with Mailer(fake) as mailer:
        mailer.send(MESSAGE)
    assert mailer.send(MESSAGE).ok
    mailer.close()
    mailer.close()
    assert len(fake.outbox) == 2


async def _context_manager_and_use_after_close(fake: FakeTransport) -> None:
    async with AsyncMailer(fake) as mailer:
        await mailer.send(MESSAGE)
    assert (await mailer.send(MESSAGE)).ok
    await mailer.close()
    await mailer.close()


def test_async_context_manager_and_use_after_close(both: Both) -> None:
    fake = FakeTransport()
    both.wait(_context_manager_and_use_after_close(fake))
    assert len(fake.outbox) == 2


def test_an_error_within_the_context_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError), Mailer(FakeTransport()):
        raise ZeroDivisionError


def test_files_are_read_when_sent(both: Both, tmp_path: Path) -> None:
    file = tmp_path / "report.txt"
    file.write_bytes(b"first")
    message = MESSAGE.attach(file)
    fake = FakeTransport()
    mailer = both.mailer(fake)
    both.send(mailer, message)
    file.unlink()
    assert b"Zmlyc3Q=" in fake.outbox[0].as_bytes()
    assert fake.outbox[0].as_bytes() == fake.outbox[0].as_bytes()
    assert fake.outbox[0].size == len(fake.outbox[0].as_bytes())
    with pytest.raises(UnreadableAttachment) as caught:
        both.send(mailer, message)
    assert caught.value.receipt is not None
    assert set(caught.value.receipt.not_sent) == {"ann@example.com"}
    assert len(fake.outbox) == 1


BAD_ARGUMENTS: list[tuple[Any, dict[str, Any], type[SmtpkitError], str]] = [
    (FakeTransport(), {"on_partial": "ignore"}, InvalidConfiguration, 'It is "return", "raise" or "abort"'),
    (FakeTransport(), {"limits": 500}, InvalidConfiguration, "DailyLimit"),
    (FakeTransport(), {"limits": [None]}, InvalidConfiguration, "DailyLimit"),
    ("smtp://localhost", {}, InvalidConfiguration, "from_url"),
    (None, {}, InvalidConfiguration, "not a transport"),
    (Mailer(FakeTransport()), {}, InvalidConfiguration, "a Mailer is not a transport"),
    (FakeTransport(), {"default_from": "nobody"}, InvalidAddress, "nobody"),
]


@pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])
@pytest.mark.parametrize(("transport", "options", "kind", "text"), BAD_ARGUMENTS)
def test_bad_arguments(
    mailer: type[Mailer], transport: Any, options: dict[str, Any], kind: type[SmtpkitError], text: str
) -> None:
    with pytest.raises(kind, match=text):
        mailer(transport, **options)


@pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("smtp.example.com", 587), r'SmtpTlsTransport\("smtp.example.com", 587\)'),
        (("smtp.example.com", 587, "me", "pa55word"), "a str is not a transport"),
        ((FakeTransport(), "me@example.com"), "needs its name(?s:.)*default_from="),
    ],
)
def test_arguments_without_names(mailer: Any, arguments: tuple[Any, ...], text: str) -> None:
    """As with other libraries: it is said how it is done here."""
    with pytest.raises(InvalidConfiguration, match=text) as caught:
        mailer(*arguments)
    assert "pa55word" not in str(caught.value)


def test_repr(both: Both) -> None:
    assert repr(both.mailer(FakeTransport())) == f"{both.type.__name__}(<FakeTransport with 0 mails>)"
