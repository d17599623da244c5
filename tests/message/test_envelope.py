"""Envelope, mail and receipt: who gets it, what travels, and what became of it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from smtpkit import (
    Address,
    Envelope,
    InvalidAddress,
    Mail,
    Message,
    MissingSender,
    NoRecipients,
    Outcome,
    RawMessage,
    Receipt,
    RecipientsRefused,
    Reply,
)

if TYPE_CHECKING:
    from pathlib import Path

BASE = Message().from_("Ann <ann@example.com>").to("bob@example.com").subject("Hello").text("Hello")
QUEUED = Reply(250, ("2.0.0 queued as 4F2A",))
UNKNOWN = Reply(550, ("5.1.1 No such user",))


def addr_specs(envelope: Envelope) -> list[str]:
    return [address.addr_spec for address in envelope.recipients]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["a@x.example", "b@x.example"], ["a@x.example", "b@x.example"]),
        (["b@x.example", "a@x.example", "b@x.example"], ["b@x.example", "a@x.example"]),
        (["Ann <a@x.example>", "a@x.example", "Other <a@X.example>"], ["a@x.example"]),
        (["a@bücher.example", "a@xn--bcher-kva.example"], ["a@bücher.example"]),
        # Only the receiver knows whether these are one (RFC 5321 §2.4).
        (["a@x.example", "A@x.example"], ["a@x.example", "A@x.example"]),
        ("a@x.example", ["a@x.example"]),
        ((each for each in ["a@x.example", Address("a@x.example", "Ann")]), ["a@x.example"]),
    ],
)
def test_a_recipient_is_there_once(given: list[str], expected: list[str]) -> None:
    assert addr_specs(Envelope("ann@example.com", given)) == expected


def test_a_recipient_of_several_fields_is_there_once() -> None:
    message = BASE.cc("c@example.com", "Bob <bob@example.com>").bcc("c@example.com", "d@example.com")
    assert addr_specs(Envelope.of(message)) == ["bob@example.com", "c@example.com", "d@example.com"]


@pytest.mark.parametrize(
    ("message", "reverse_path"),
    [
        (Message(), None),
        (BASE, "ann@example.com"),
        (BASE.sender("office@example.com"), "office@example.com"),
        (BASE.return_path("bounce@example.com"), "bounce@example.com"),
        (BASE.return_path("bounce@example.com").sender("office@example.com"), "bounce@example.com"),
        (BASE.sender("office@example.com").return_path(None), None),
        (BASE.return_path(None), None),
    ],
)
def test_reverse_path(message: Message, reverse_path: str | None) -> None:
    found = Envelope.of(message.to("bob@example.com")).reverse_path
    assert (found and found.addr_spec) == reverse_path


def test_never_without_recipients() -> None:
    for make in (
        lambda: Envelope("ann@example.com", []),
        lambda: Envelope.of(Message().from_("ann@example.com")),
        lambda: Mail(Message().from_("ann@example.com").reply_to("bob@example.com")),
    ):
        with pytest.raises(NoRecipients, match="nobody to send to") as caught:
            make()
        assert "to(...)" in (caught.value.hint or "")


@pytest.mark.parametrize("given", [("bob", ["a@x.example"]), ("a@x.example", ["bob"]), ("", ["a@x.example"])])
def test_addresses_are_checked(given: tuple[str, list[str]]) -> None:
    with pytest.raises(InvalidAddress):
        Envelope(*given)


# -- mail --------------------------------------------------------------------


def test_a_mail_is_the_same_each_time() -> None:
    mail = Mail(BASE.html("<p>Hello").attach(b"x"))
    assert mail.as_bytes() == mail.as_bytes() == b"".join(mail.chunks())
    assert mail.size == len(mail.as_bytes())
    assert f"\r\nMessage-ID: {mail.message_id}\r\n".encode() in mail.as_bytes()
    assert mail.message == mail.message.completed()


def test_two_mails_of_one_message_have_ids_of_their_own() -> None:
    assert Mail(BASE).message_id != Mail(BASE).message_id


def test_the_envelope_is_taken_from_the_message_or_given() -> None:
    assert Mail(BASE).envelope == Envelope.of(BASE)
    other = Envelope(None, ["eve@example.com"])
    assert Mail(BASE, other).envelope is other
    assert Mail(Message().from_("ann@example.com"), other).envelope is other
    assert b"eve@example.com" not in Mail(BASE, other).as_bytes()


def test_a_mail_needs_an_author() -> None:
    with pytest.raises(MissingSender):
        Mail(Message().to("bob@example.com"), Envelope("ann@example.com", ["bob@example.com"]))


@pytest.mark.parametrize(
    ("message", "needed"),
    [
        (BASE, False),
        (BASE.from_("Änne <ann@bücher.example>"), False),
        (BASE.to("änne@example.com"), True),
        (BASE.from_("änne@example.com"), True),
        (BASE.reply_to("änne@example.com"), True),
        # These are not in the header: whether they need it is for the envelope to say.
        (BASE.bcc("änne@example.com"), False),
        (BASE.return_path("änne@example.com"), False),
    ],
)
def test_needs_smtputf8(message: Message, needed: bool) -> None:
    assert Mail(message).needs_smtputf8 is needed


def test_hold_keeps_the_files(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"before")
    mail = Mail(BASE.to("änne@example.com").attach(path))
    assert mail.reads_files
    before = mail.as_bytes()
    mail.hold()
    path.unlink()
    assert not mail.reads_files
    assert mail.needs_smtputf8
    assert (mail.as_bytes(), mail.size) == (before, len(before))


def test_bytes_need_no_disk() -> None:
    assert not Mail(BASE.attach(b"x")).reads_files


def test_a_mail_travels_to_another_process() -> None:
    mail = Mail(BASE.attach(b"x"))
    twin = pickle.loads(pickle.dumps(mail))  # noqa: S301
    assert (twin.as_bytes(), twin.envelope, twin.message) == (mail.as_bytes(), mail.envelope, mail.message)


def test_repr_of_a_mail() -> None:
    mail = Mail(BASE.message_id("1@example.com").to(*(f"{number}@example.com" for number in range(50))))
    assert repr(mail) == "<Mail <1@example.com> to bob@example.com, 0@example.com, 1@example.com and 48 more>"


# -- receipt -----------------------------------------------------------------

OUTCOMES = {
    "a@example.com": Outcome("accepted", QUEUED, "4F2A"),
    "bob@example.com": Outcome("refused", UNKNOWN),
    "c@example.com": Outcome("not_sent"),
    "d@example.com": Outcome("uncertain"),
    "e@example.com": Outcome("accepted", QUEUED, "4F2A"),
}
MESSAGE = BASE.message_id("1@example.com")


def test_views() -> None:
    receipt = Receipt(MESSAGE, OUTCOMES)
    views = (receipt.accepted, receipt.refused, receipt.not_sent, receipt.uncertain)
    assert [list(view) for view in views] == [
        ["a@example.com", "e@example.com"],
        ["bob@example.com"],
        ["c@example.com"],
        ["d@example.com"],
    ]
    assert {address: outcome for view in views for address, outcome in view.items()} == OUTCOMES
    assert receipt.message_id == "<1@example.com>"


def test_ok_and_its_error() -> None:
    good = Receipt(MESSAGE, {"bob@example.com": Outcome("accepted", QUEUED)})
    assert good.ok
    good.raise_for_error()
    error = RecipientsRefused("refused")
    bad = Receipt(MESSAGE, {"bob@example.com": Outcome("refused", UNKNOWN)}, error)
    assert not bad.ok
    assert error.receipt is bad
    with pytest.raises(RecipientsRefused) as caught:
        bad.raise_for_error()
    assert caught.value is error


def test_one_outcome_for_all() -> None:
    mail = Mail(MESSAGE.to("c@example.com"))
    receipt = Receipt.of(mail, Outcome("accepted"))
    assert receipt.outcomes == {"bob@example.com": Outcome("accepted"), "c@example.com": Outcome("accepted")}
    assert (receipt.message, receipt.attempts, receipt.ok) == (mail.message, 1, True)


def test_a_receipt_shows_itself() -> None:
    receipt = Receipt(MESSAGE, OUTCOMES)
    assert repr(receipt) == "<Receipt <1@example.com>: 2 accepted, 1 refused, 1 not sent, 1 uncertain>"
    assert str(receipt).splitlines() == [
        "<1@example.com>: 2 accepted, 1 refused, 1 not sent, 1 uncertain",
        "  accepted  a@example.com    250 2.0.0 queued as 4F2A",
        "  refused   bob@example.com  550 5.1.1 No such user",
        "  not sent  c@example.com",
        "  uncertain d@example.com",
        "  accepted  e@example.com    250 2.0.0 queued as 4F2A",
    ]


def test_a_receipt_shows_a_mail_without_message_id() -> None:
    receipt = Receipt(RawMessage(b"From: a@example.com\r\n\r\nHi\r\n"), {"b@example.com": Outcome("accepted")})
    assert receipt.message_id == ""
    assert repr(receipt) == "<Receipt without Message-ID: 1 accepted>"
    assert str(receipt).splitlines()[0] == "a mail without Message-ID: 1 accepted"
