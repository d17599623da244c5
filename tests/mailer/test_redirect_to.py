"""All mail to one address, for staging."""

from __future__ import annotations

from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import Envelope, FakeTransport, InvalidAddress, Message, RawMessage
from smtpkit.testing import Reading, ScriptedServer

if TYPE_CHECKING:
    from both import Both

pytest_plugins = ("both",)

ME = "me@example.com"
ANN = (
    Message()
    .from_("Shop <shop@example.com>")
    .to("Ann <ann@example.com>")
    .cc("jörg@bücher.example")
    .bcc("archive@example.com")
    .subject("Hello")
    .text("Hi")
)
RAW = RawMessage(
    b"From: shop@example.com\r\nTo: ann@example.com\r\nSubject: x\r\n\r\nHi\r\n", bcc="archive@example.com"
)
EMAIL = EmailMessage()
EMAIL["From"], EMAIL["To"], EMAIL["Bcc"] = "shop@example.com", "ann@example.com", "archive@example.com"
EMAIL.set_content("Hi")
FORMS: dict[str, tuple[Any, list[str]]] = {
    "Message": (ANN, ["ann@example.com", "jörg@bücher.example", "archive@example.com"]),
    "EmailMessage": (EMAIL, ["ann@example.com", "archive@example.com"]),
    "RawMessage": (RAW, ["ann@example.com", "archive@example.com"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_one_address_gets_it(form: str, both: Both) -> None:
    message, recipients = FORMS[form]
    fake = FakeTransport()
    receipt = both.send(both.mailer(fake, redirect_to="Me <me@example.com>"), message)
    assert list(receipt.outcomes) == [ME]
    mail = fake.assert_sent(to=ME, count=1)
    assert [each.addr_spec for each in mail.envelope.recipients] == [ME]
    assert mail.envelope.reverse_path is not None
    assert mail.envelope.reverse_path.addr_spec == "shop@example.com"
    assert Reading(mail).email.get_all("X-Original-To") == recipients
    assert Reading(mail).header("To").endswith("ann@example.com>" if form == "Message" else "ann@example.com")


def test_octets_stay_behind_the_fields_in_front(both: Both) -> None:
    fake = FakeTransport()
    both.send(both.mailer(fake, redirect_to=ME), RAW)
    assert fake.outbox[0].as_bytes() == (
        b"X-Original-To: ann@example.com\r\nX-Original-To: archive@example.com\r\n" + RAW.as_bytes()
    )


def test_a_given_envelope_is_redirected_too(both: Both) -> None:
    fake = FakeTransport()
    envelope = Envelope("bounces@example.com", ["bob@example.com", "carl@example.com"])
    both.send(both.mailer(fake, redirect_to=ME), ANN, envelope=envelope)
    mail = fake.assert_sent(to=ME)
    assert str(mail.envelope.reverse_path) == "bounces@example.com"
    assert Reading(mail).email.get_all("X-Original-To") == ["bob@example.com", "carl@example.com"]


def test_batches_and_drafts(both: Both) -> None:
    fake = FakeTransport()
    mailer = both.mailer(fake, redirect_to=ME)
    assert [list(receipt.outcomes) for receipt in both.send_many(mailer, [ANN, RAW])] == [[ME], [ME]]
    draft: Any = mailer.compose().from_("shop@example.com").to("ann@example.com")
    assert list(both.send_draft(draft).outcomes) == [ME]


def test_dsn_of_one_recipient_is_left_out(both: Both) -> None:
    with ScriptedServer() as server:
        mailer = both.mailer(server.transport(), redirect_to=ME)
        message = ANN.dsn("failure", envelope_id="17").dsn("success", recipient="ann@example.com")
        assert both.send(mailer, message).ok
        both.close(mailer)
        assert server.accepted[0].recipients == (ME,)


def test_a_message_that_cannot_be_sent_is_still_none(both: Both) -> None:
    receipt = both.receipt(both.mailer(FakeTransport(), redirect_to=ME), Message().from_("a@example.com"))
    assert type(receipt.error).__name__ == "NoRecipients"


def test_no_address(both: Both) -> None:
    with pytest.raises(InvalidAddress):
        both.mailer(FakeTransport(), redirect_to="me")


def test_every_way_to_make_a_mailer(both: Both) -> None:
    kind: Any = both.type
    url = "smtps://user:secret@nobody.invalid"
    with FakeTransport() as mailbox:
        for mailer in (
            kind.for_provider("gmail", "me@gmail.com", "abcd", redirect_to=ME),
            kind.for_address("me@gmail.com", "abcd", redirect_to=ME),
            kind.from_url(f"{url}?redirect_to=me%40example.com"),
            kind.from_url("gmail://me%40gmail.com:abcd@?redirect_to=me%40example.com"),
            kind.from_url(f"failover({url})?redirect_to=me%40example.com"),
            kind.from_env({"SMTP_URL": url, "SMTP_REDIRECT_TO": ME}),
            kind.from_env({"SMTP_HOST": "nobody.invalid", "SMTP_REDIRECT_TO": ME}),
        ):
            assert list(both.send(mailer, ANN).outcomes) == [ME]
            assert [each.addr_spec for each in mailbox.outbox[-1].envelope.recipients] == [ME]
