"""One mail: what the server says at each step, and what then is known of each recipient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest

from scripted import ALL, each_way, play
from smtpkit import errors
from smtpkit.envelope import Envelope
from smtpkit.mail import Mail
from smtpkit.message import Message
from smtpkit.raw import RawMessage

if TYPE_CHECKING:
    from pathlib import Path

    from scripted import Way
    from smtpkit.receipt import Outcome, Receipt
    from smtpkit.runtime.base import Runtime
    from smtpkit.transports.smtp import SmtpTransport

HELLO = """
S: 220 mail.test ESMTP
C: EHLO me.test
S: 250-mail.test
S: 250 {extension}
"""
MESSAGE = Message().from_("ann@a.test").to("r0@b.test").subject("Hi").text("Hello")

Next = Literal["same connection", "same after RSET", "new connection"]


class Case(NamedTuple):
    """What the server answers: a reply, several in one packet (``|``), or how it ends the connection."""

    name: str
    outcomes: str
    error: type[errors.SmtpkitError] | None = None
    stage: str | None = None
    then: Next = "new connection"
    mail: str = "250 2.1.0 ok"
    rcpt: tuple[str, ...] = ("250 2.1.5 ok",)
    data: str = "354 go on"
    content: str = "250 2.0.0 ok: queued as 4ABC"
    temporary: bool = False
    """What the error says."""


Mode = Literal["one by one", "pipelined", "chunked"]
EXTENSIONS: dict[Mode, str] = {
    "one by one": "HELP",
    "pipelined": "PIPELINING",
    "chunked": "PIPELINING\nS: 250 CHUNKING",
}
MODES: tuple[Mode, ...] = ("one by one", "pipelined", "chunked")


def hello(mode: Mode) -> str:
    *first, last = EXTENSIONS[mode].split("\nS: 250 ")
    return HELLO.replace("S: 250 {extension}", "".join(f"S: 250-{each}\n" for each in first) + f"S: 250 {last}")


def second(mode: Mode, rset: bool) -> str:
    """A mail that is accepted, over what the one before it left."""
    reset = [("C: RSET", "S: 250 2.0.0 forgotten")] if rset else []
    pairs = [
        *reset,
        ("C: MAIL FROM:<ann@a.test>", "S: 250 2.1.0 ok"),
        ("C: RCPT TO:<second@b.test>", "S: 250 2.1.5 ok"),
    ]
    end = [("bdat", "S: 250 2.0.0 queued as SECOND")]
    if mode != "chunked":
        pairs.append(("C: DATA", "S: 354 go on"))
        end = [("content", "S: 250 2.0.0 queued as SECOND")]
    if mode == "one by one":
        flights = [[pair] for pair in (*pairs, *end)]
    else:
        flights = [[*pairs, *end]] if mode == "chunked" else [pairs, end]
    return "".join(
        "\n".join([*(asked for asked, _ in flight), *(said for _, said in flight), ""]) for flight in flights
    )


def _said(answer: str) -> str:
    return "".join(f"S: {part}\n" if part[0].isdigit() or "?" in part else f"{part}\n" for part in answer.split("|"))


def _ends(answer: str) -> bool:
    """Whether the conversation is over with it."""
    return not (answer[0] in "245" and answer[:3] != "421" and "|" not in answer)


def _first(case: Case, mode: Mode) -> str:
    """The part of the transcript with the first mail."""
    commands = ["MAIL FROM:<ann@a.test>", *(f"RCPT TO:<r{number}@b.test>" for number in range(len(case.rcpt)))]
    answers = [case.mail, *case.rcpt]
    wanted = case.mail[0] == "2" and any(answer[0] == "2" for answer in case.rcpt)
    data = case.data if wanted else "503 5.5.1 no valid recipients"
    if mode == "one by one":
        text = ""
        for command, answer in zip(commands, answers, strict=True):
            text += f"C: {command}\n{_said(answer)}"
            if _ends(answer) or (command.startswith("MAIL") and answer[0] in "45"):
                return text
        text += f"C: DATA\n{_said(data)}" if wanted else ""
    else:
        text = "".join(f"C: {command}\n" for command in commands) + ("bdat\n" if mode == "chunked" else "C: DATA\n")
        for answer in answers:
            text += _said(answer)
            if _ends(answer):
                return text
        text += _said((case.content if wanted else data) if mode == "chunked" else data)
    return text + (
        f"content\n{_said(case.content)}" if wanted and case.data == "354 go on" and mode != "chunked" else ""
    )


def transcript(case: Case, mode: Mode) -> str:
    follows = second(mode, rset=case.then == "same after RSET")
    return hello(mode) + _first(case, mode) + (f"--{hello(mode)}" if case.then == "new connection" else "") + follows


def expected(case: Case, mode: Mode) -> Case:
    """``case`` where the content flies with its MAIL: what breaks off later leaves it open what the server did."""
    lost = case.error in (errors.ConnectionLost, errors.TimedOut, errors.ProtocolError)
    if mode != "chunked" or not lost:
        return case
    outcomes = case.outcomes.replace("not_sent", "uncertain")
    return case._replace(outcomes=outcomes, error=errors.DeliveryUncertain, stage="content", temporary=False)


CASES = [
    Case("accepted", "accepted 250", then="same connection"),
    Case("accepted for three", "accepted 250, accepted 250, accepted 250", None, None, "same connection",
         rcpt=("250 ok", "251 will forward", "252 cannot verify")),
    Case("sender refused", "refused 550", errors.SenderRefused, "mail", "same connection", mail="550 5.7.1 not you"),
    Case("sender refused for now", "refused 451, refused 451", errors.SenderRefused, "mail", "same connection",
         mail="451 4.3.0 later", rcpt=("503 5.5.1 MAIL first", "503 5.5.1 MAIL first"), temporary=True),
    Case("sender refused without log-in", "refused 530", errors.SenderRefused, "mail", "same connection",
         mail="530 5.7.0 log in first"),
    Case("too large", "refused 552", errors.ContentRefused, "mail", "same connection", mail="552 5.3.4 too big"),
    Case("one of three refused", "accepted 250, refused 550, accepted 250", errors.RecipientsRefused, "rcpt",
         "same connection", rcpt=("250 ok", "550 5.1.1 who?", "250 ok")),
    Case("the only one refused", "refused 550", errors.RecipientsRefused, "rcpt", "same after RSET",
         rcpt=("550 5.1.1 who?",)),
    Case("all refused", "refused 550, refused 450", errors.RecipientsRefused, "rcpt", "same after RSET",
         rcpt=("550 5.1.1 who?", "450 4.2.0 greylisted")),
    Case("all refused for now", "refused 450, refused 452", errors.RecipientsRefused, "rcpt", "same after RSET",
         rcpt=("450 4.2.0 greylisted", "452 4.5.3 too many"), temporary=True),
    Case("DATA refused", "refused 554", errors.ContentRefused, "data", "same after RSET", data="554 5.5.0 no"),
    Case("DATA refused, one recipient before", "refused 550, refused 451", errors.ContentRefused, "data",
         "same after RSET", rcpt=("550 5.1.1 who?", "250 ok"), data="451 4.3.0 later", temporary=True),
    Case("content refused", "refused 552", errors.ContentRefused, "content", "same after RSET",
         content="552 5.3.4 too big"),
    Case("content refused for now", "refused 550, refused 451", errors.ContentRefused, "content", "same after RSET",
         rcpt=("550 5.1.1 who?", "250 ok"), content="451 4.3.0 later", temporary=True),
    Case("421 to the content", "refused 421", errors.ServiceUnavailable, "content", content="421 4.3.2 bye",
         temporary=True),
    Case("the end after the content", "uncertain", errors.DeliveryUncertain, "content", content="close"),
    Case("a reset after the content", "uncertain", errors.DeliveryUncertain, "content", content="reset"),
    Case("silence after the content", "uncertain", errors.DeliveryUncertain, "content", content="stall"),
    Case("uncertain for whom it was accepted", "refused 550, uncertain", errors.DeliveryUncertain, "content",
         rcpt=("550 5.1.1 who?", "250 ok"), content="close"),
    Case("the end after one refusal", "refused 550, not_sent", errors.ConnectionLost, "rcpt",
         rcpt=("550 5.1.1 who?", "close"), temporary=True),
    Case("421 after one refusal", "refused 550, not_sent 421", errors.ServiceUnavailable, "rcpt",
         rcpt=("550 5.1.1 who?", "421 4.7.0 too many errors"), temporary=True),
    Case("3yz to MAIL", "not_sent 354", errors.ProtocolError, "mail", mail="354 go on"),
    Case("3yz to RCPT", "not_sent 354", errors.ProtocolError, "rcpt", rcpt=("354 go on",)),
    Case("2yz to DATA", "not_sent 250", errors.ProtocolError, "data", data="250 ok"),
    Case("3yz to the content", "uncertain 354", errors.DeliveryUncertain, "content", content="354 go on"),
    Case("no reply to MAIL", "not_sent", errors.ProtocolError, "mail", mail="what?"),
    Case("no reply to RCPT", "not_sent", errors.ProtocolError, "rcpt", rcpt=("what?",)),
    Case("no reply to DATA", "not_sent", errors.ProtocolError, "data", data="what?"),
    Case("no reply to the content", "uncertain", errors.DeliveryUncertain, "content", content="what?"),
    Case("accepted before the content was sent", "not_sent 250", errors.ProtocolError, "content",
         data="354 go on|250 2.0.0 ok"),
    Case("refused before the content was sent", "refused 554", errors.ContentRefused, "content",
         data="354 go on|554 5.0.0 no"),
    Case("leaves before the content was sent", "not_sent 421", errors.ServiceUnavailable, "content",
         data="354 go on|421 4.3.2 bye", temporary=True),
    Case("accepted twice", "accepted 250", content="250 2.0.0 ok|250 2.0.0 ok"),
    Case("accepted, and then leaves", "accepted 250", content="250 2.0.0 ok|421 4.3.2 bye"),
]  # fmt: skip
CASES.extend(
    case
    for name, answer, outcome, error in (
        ("421", "421 4.3.2 shutting down", "not_sent 421", errors.ServiceUnavailable),
        ("the end", "close", "not_sent", errors.ConnectionLost),
        ("a reset", "reset", "not_sent", errors.ConnectionLost),
        ("silence", "stall", "not_sent", errors.TimedOut),
    )
    for case in (
        Case(f"{name} to MAIL", outcome, error, "mail", mail=answer, temporary=True),
        Case(f"{name} to RCPT", outcome, error, "rcpt", rcpt=(answer,), temporary=True),
        Case(f"{name} to DATA", outcome, error, "data", data=answer, temporary=True),
    )
)


def ways(case: Case, mode: Mode) -> tuple[Way, ...]:
    """A reply that nobody asked for is seen in time if it comes with the one before it, or not much later."""
    surplus = "|" in case.data + case.content
    # A real RST overtakes what was said before it in the same flight.
    overtakes = mode != "one by one" and "reset" in (case.data, *case.rcpt, case.content if mode == "chunked" else "")
    found = each_way(transcript(case, mode) + ("break" if overtakes else ""))
    return tuple(way for way in found if not surplus or way.kind == "simulated" or way.delivery == "whole")


def shown(outcome: Outcome) -> str:
    return f"{outcome.status} {outcome.reply.code}" if outcome.reply else outcome.status


def described(receipt: Receipt) -> str:
    return ", ".join(shown(outcome) for outcome in receipt.outcomes.values())


def mail_to(*recipients: str, message: Message = MESSAGE) -> Mail:
    return Mail(message, Envelope("ann@a.test", recipients))


@pytest.mark.parametrize(
    ("case", "mode", "way"),
    [
        pytest.param(case, mode, way, id=f"{case.name}-{mode}-{'-'.join(way)}")
        for case in CASES
        for mode in MODES
        if mode != "chunked" or case.data == "354 go on"
        for way in ways(case, mode)
    ],
)
def test_what_becomes_of_a_mail(case: Case, mode: Mode, way: Way) -> None:
    async def two_mails(transport: SmtpTransport, runtime: Runtime) -> tuple[Receipt, Receipt]:
        first = await transport.send(mail_to(*(f"r{number}@b.test" for number in range(len(case.rcpt)))), runtime)
        return first, await transport.send(mail_to("second@b.test"), runtime)

    receipt, following = play(transcript(case, mode), way, two_mails)
    error = receipt.error
    case = expected(case, mode)
    assert described(receipt) == case.outcomes, error
    assert type(error) is (case.error or type(None)), error
    if error is not None:
        assert (error.stage, error.temporary, error.receipt) == (case.stage, case.temporary, receipt)
        named = error.__cause__ if isinstance(error, errors.DeliveryUncertain) else error
        assert not isinstance(named, errors.ConnectionLost | errors.TimedOut) or "localhost:" in named.message
    assert [outcome.queue_id for outcome in following.outcomes.values()] == ["SECOND"]


def send(transcript: str, way: Way, mail: Mail, **options: Any) -> Receipt:
    async def one(transport: SmtpTransport, runtime: Runtime) -> Receipt:
        return await transport.send(mail, runtime)

    return play(transcript, way, one, **options)


def _ids(way: Way) -> str:
    return "-".join(way)


TO_DATA = """
C: MAIL FROM:<ann@a.test>
C: RCPT TO:<r0@b.test>
C: DATA
S: 250 ok
S: 250 ok
S: 354 go on
"""
PIPELINING = HELLO.format(extension="PIPELINING")


EARLY: list[tuple[str, str, type[errors.SmtpkitError]]] = [
    ("S: 552 5.3.4 too big\nrest", "refused 552", errors.ContentRefused),
    ("S: 552 5.3.4 too big\nclose", "refused 552", errors.ContentRefused),
    ("S: 552 5.3.4 too big\nbreak", "refused 552", errors.ContentRefused),
    ("S: 421 4.3.2 bye\nclose", "not_sent 421", errors.ServiceUnavailable),
    ("S: 421 4.3.2 bye\nbreak", "not_sent 421", errors.ServiceUnavailable),
    ("S: 250 2.0.0 ok\nclose", "not_sent 250", errors.ProtocolError),
    ("close", "not_sent", errors.ConnectionLost),
    ("reset", "not_sent", errors.ConnectionLost),
]


@pytest.mark.parametrize(("end", "outcome", "error", "way"), [(*row, way) for row in EARLY for way in each_way(row[0])])
def test_the_server_speaks_while_content_goes_out(
    end: str, outcome: str, error: type[errors.SmtpkitError], way: Way
) -> None:
    # More than the buffers of two sockets hold: the server speaks before all is written.
    mail = mail_to("r0@b.test", message=MESSAGE.attach(bytes(12_000_000), filename="zeros"))
    receipt = send(f"{PIPELINING}{TO_DATA}some 60000\n{end}", way, mail)
    assert (described(receipt), type(receipt.error)) == (outcome, error), receipt.error
    assert receipt.error is not None
    assert receipt.error.stage == "content"


@pytest.mark.parametrize("kind", ["gone", "longer", "shorter"])
@pytest.mark.parametrize("way", ALL, ids=_ids)
def test_a_file_that_changes_while_it_is_sent(way: Way, kind: str, tmp_path: Path) -> None:
    file = tmp_path / "report.bin"
    file.write_bytes(bytes(400_000))
    mail = mail_to("r0@b.test", message=MESSAGE.attach(file))
    if kind == "gone":
        file.unlink()
    else:
        file.write_bytes(bytes(500_000 if kind == "longer" else 300_000))
    receipt = send(f"{PIPELINING}{TO_DATA}rest", way, mail)
    assert described(receipt) == "not_sent"
    assert isinstance(receipt.error, errors.UnreadableAttachment)


@pytest.mark.parametrize("way", ALL, ids=_ids)
def test_dots_reach_the_server_doubled(way: Way) -> None:
    receipt = send(
        f"{PIPELINING}{TO_DATA}content\nS: 250 ok", way, mail_to("r0@b.test", message=MESSAGE.text(".\n..\n."))
    )
    assert receipt.ok


@pytest.mark.parametrize("way", ALL, ids=_ids)
@pytest.mark.parametrize(
    ("extension", "recipients", "sender", "outcomes", "error"),
    [
        ("SIZE 10", ("r0@b.test",), "ann@a.test", "not_sent", errors.ContentRefused),
        ("SIZE 10", ("r0@b.test", "jörg@b.test"), "ann@a.test", "not_sent, not_sent", errors.ContentRefused),
        ("HELP", ("jörg@b.test",), "ann@a.test", "refused", errors.RecipientsRefused),
        ("HELP", ("r0@b.test",), "jörg@a.test", "not_sent", errors.SenderRefused),
    ],
)
def test_what_the_server_cannot_take_is_not_offered_to_it(
    way: Way, extension: str, recipients: tuple[str, ...], sender: str, outcomes: str, error: type[errors.SmtpkitError]
) -> None:
    mail = Mail(MESSAGE, Envelope(sender, recipients))
    receipt = send(HELLO.format(extension=extension), way, mail)
    assert (described(receipt), type(receipt.error)) == (outcomes, error)
    assert receipt.error is not None
    assert (receipt.error.reply, receipt.error.temporary) == (None, False)
    assert receipt.error.hint


@pytest.mark.parametrize("way", ALL, ids=_ids)
def test_a_header_that_needs_smtputf8_is_not_offered_without_it(way: Way) -> None:
    mail = mail_to("r0@b.test", "jörg@b.test", message=MESSAGE.cc("jörg@b.test"))
    receipt = send(HELLO.format(extension="8BITMIME"), way, mail)
    assert (described(receipt), type(receipt.error)) == ("not_sent, not_sent", errors.ContentRefused)
    assert "SMTPUTF8" in str(receipt.error)


MIXED = """
C: MAIL FROM:<ann@a.test>
S: 250 ok
C: RCPT TO:<r1@b.test>
S: 250 ok
C: DATA
S: 354 go on
content
S: 250 ok
"""
UTF8 = """
C~ MAIL FROM:<jörg@a\\.test> SIZE=\\d+ SMTPUTF8
C: RCPT TO:<r0@b.test>
C: RCPT TO:<jörg@b.test>
C: DATA
S: 250 ok
S: 250 ok
S: 250 ok
S: 354 go on
content
S: 250 ok
"""


@pytest.mark.parametrize("way", ALL, ids=_ids)
def test_only_the_address_that_needs_smtputf8_is_refused(way: Way) -> None:
    receipt = send(HELLO.format(extension="HELP") + MIXED, way, mail_to("jörg@b.test", "r1@b.test"))
    assert described(receipt) == "refused, accepted 250"
    assert isinstance(receipt.error, errors.RecipientsRefused)
    assert "SMTPUTF8" in (receipt.error.hint or "")


@pytest.mark.parametrize("way", ALL, ids=_ids)
def test_smtputf8_where_it_is_offered(way: Way) -> None:
    hello = HELLO.format(extension="SMTPUTF8").replace("S: 250 ", "S: 250-PIPELINING\nS: 250-SIZE\nS: 250 ")
    mail = Mail(MESSAGE, Envelope("jörg@a.test", ["r0@b.test", "jörg@b.test"]))
    assert send(hello + UTF8, way, mail).ok


@pytest.mark.parametrize("way", [way for way in ALL if way.kind == "simulated" or way.delivery == "whole"], ids=_ids)
@pytest.mark.parametrize("surplus", ["MAIL", "RCPT"])
def test_a_surplus_reply_never_makes_a_success(way: Way, surplus: str) -> None:
    """Where it cannot be told from the reply that is due, the next one tells."""
    twice = "S: 250 ok\nS: 250 ok\nrest"
    flight = f"C: MAIL FROM:<ann@a.test>\n{twice if surplus == 'MAIL' else 'S: 250 ok'}\n"
    if surplus == "RCPT":
        flight += f"C: RCPT TO:<r0@b.test>\n{twice}"
    receipt = send(HELLO.format(extension="HELP") + flight, way, mail_to("r0@b.test"))
    assert set(receipt.not_sent) == {"r0@b.test"}
    assert isinstance(receipt.error, errors.ProtocolError if way.delivery == "whole" else errors.DeliveryError)


@pytest.mark.parametrize("way", ALL, ids=_ids)
def test_the_null_reverse_path(way: Way) -> None:
    flight = MIXED.replace("<ann@a.test>", "<>")
    assert send(HELLO.format(extension="HELP") + flight, way, Mail(MESSAGE, Envelope(None, ["r1@b.test"]))).ok


EIGHT_BIT = RawMessage(b"From: ann@a.test\r\nTo: r1@b.test\r\n\r\n\xff\r\n")


@pytest.mark.parametrize("way", ALL, ids=_ids)
def test_8_bit_octets_are_not_sent_where_8bitmime_is_not_offered(way: Way) -> None:
    receipt = send(HELLO.format(extension="HELP"), way, Mail(EIGHT_BIT))
    assert described(receipt) == "not_sent"
    assert isinstance(receipt.error, errors.ContentRefused)
    assert "8BITMIME" in receipt.error.message
    assert receipt.error.hint


@pytest.mark.parametrize("way", ALL, ids=_ids)
def test_8_bit_octets_are_announced(way: Way) -> None:
    script = MIXED.replace("<ann@a.test>", "<ann@a.test> BODY=8BITMIME")
    assert described(send(HELLO.format(extension="8BITMIME") + script, way, Mail(EIGHT_BIT))) == "accepted 250"
