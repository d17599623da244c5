"""``on_event``: what is told, when, to whom, and that it can break nothing."""

from __future__ import annotations

import logging
import pickle
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, get_args
from unittest.mock import AsyncMock

import pytest

from scripted import Player, serving, simulated, steps
from smtpkit import (
    AsyncMailer,
    DailyLimit,
    FakeTransport,
    InvalidConfiguration,
    Mail,
    Mailer,
    Message,
    PlaintextSmtpTransport,
    SmtpkitError,
    SmtpSslTransport,
    SmtpTlsTransport,
    Timeouts,
    events,
)
from smtpkit.runtime.blocking import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from both import Both
    from servers.certificates import Certificates
    from servers.smtpd import StartSmtpd
    from smtpkit.smtp.server import Security

pytest_plugins = ("both",)

MESSAGE = Message().from_("a@a.test").to("b@b.test").text("Hi")
TWO = MESSAGE.to("c@b.test")

HELLO = "S: 220 mail.test\nC: EHLO me.test\nS: 250-mail.test\nS: 250 AUTH PLAIN\n"
FROM = "C: MAIL FROM:<a@a.test>\nS: 250 ok\n"
TO = "C: RCPT TO:<b@b.test>\nS: 250 ok\n"
CONTENT = "C: DATA\nS: 354 go\ncontent\n"
SENT = f"{CONTENT}S: 250 ok\n"
MAIL = FROM + TO + SENT
BOTH_ASKED = f"{FROM}{TO}C: RCPT TO:<c@b.test>\nS: 550 5.1.1 who?\n"
LOGIN = "C~ AUTH PLAIN .*\n"
ANN: dict[str, Any] = {"username": "ann", "password": "pa55word"}
B, C = "b@b.test", "c@b.test"

CASES: list[tuple[str, str, dict[str, Any], list[Message], list[str]]] = [
    ("accepted", HELLO + MAIL, {}, [MESSAGE], ["Connected", f"Sent {B}", "Closed 1"]),
    ("two mails", HELLO + MAIL + MAIL, {}, [MESSAGE] * 2, ["Connected", f"Sent {B}", f"Sent {B}", "Closed 2"]),
    ("a recipient refused", HELLO + BOTH_ASKED + SENT, {}, [TWO],
     ["Connected", f"Sent {B}", f"Refused {C}", "Closed 1"]),
    ("sender refused", f"{HELLO}C: MAIL FROM:<a@a.test>\nS: 550 no\n", {}, [TWO],
     ["Connected", f"Refused {B} {C}", "Closed 1"]),
    ("content refused", f"{HELLO}{FROM}{TO}{CONTENT}S: 554 no\n", {}, [MESSAGE],
     ["Connected", f"Refused {B}", "Closed 1"]),
    ("no final reply", f"{HELLO}{FROM}{TO}{CONTENT}close", {}, [MESSAGE],
     ["Connected", "Closed 0", f"Uncertain {B}"]),
    ("some refused, no final reply", f"{HELLO}{BOTH_ASKED}{CONTENT}close", {}, [TWO],
     ["Connected", "Closed 0", f"Refused {C}", f"Uncertain {B}"]),
    ("turned away", "S: 421 4.3.2 too many connections\n", {}, [MESSAGE], ["Throttled 421", f"NotSent {B}"]),
    ("not served", "S: 554 go away\n", {}, [MESSAGE], [f"NotSent {B}"]),
    ("throttled", f"{HELLO}C: MAIL FROM:<a@a.test>\nS: 454 Throttling failure: Maximum sending rate exceeded.\n", {},
     [MESSAGE], ["Connected", "Throttled 454", f"Refused {B}", "Closed 1"]),
    ("421 to MAIL", f"{HELLO}C: MAIL FROM:<a@a.test>\nS: 421 4.7.0 slow down\n", {}, [MESSAGE],
     ["Connected", "Throttled 421", "Closed 0", f"NotSent {B}"]),
    ("a refusal for now", f"{HELLO}{FROM}C: RCPT TO:<b@b.test>\nS: 451 4.7.1 greylisted\n", {}, [MESSAGE],
     ["Connected", f"Refused {B}", "Closed 1"]),
    ("too many recipients", f"{HELLO}{FROM}C: RCPT TO:<b@b.test>\nS: 452 4.5.3 too many recipients\n", {}, [MESSAGE],
     ["Connected", f"Refused {B}", "Closed 1"]),
    ("log-in", f"{HELLO}{LOGIN}S: 235 ok\n{MAIL}", ANN, [MESSAGE],
     ["Connected", "Authenticated PLAIN ann", f"Sent {B}", "Closed 1"]),
    ("log-in refused", f"{HELLO}{LOGIN}S: 535 no pa55word\n", ANN, [MESSAGE],
     ["Connected", "Closed 0", f"NotSent {B}"]),
    ("log-in throttled", f"{HELLO}{LOGIN}S: 454 4.7.0 too many logins\n", ANN, [MESSAGE],
     ["Connected", "Throttled 454", "Closed 0", f"NotSent {B}"]),
    ("no mail at all", "", {}, [Message().from_("a@a.test").text("Hi")], ["NotSent"]),
    ("one mail for each connection", f"{HELLO}{MAIL}--\n{HELLO}{MAIL}", {"messages_per_connection": 1}, [MESSAGE] * 2,
     ["Connected", "Closed 1", f"Sent {B}"] * 2),
]  # fmt: skip


def shown(event: events.Event) -> str:
    """The event, and what the tables are about of it."""
    about: tuple[object, ...] = ()
    match event:
        case events.Sent() | events.Refused() | events.NotSent() | events.Uncertain():
            about = event.recipients
        case events.Authenticated():
            about = (event.mechanism, event.username)
        case events.Throttled(reply=reply):
            about = (reply.code if reply else "",)
        case events.Closed():
            about = (event.mails,)
        case _:
            pass
    return " ".join(map(str, (type(event).__name__, *about)))


@pytest.mark.parametrize("how", ["send", "send_many"])
@pytest.mark.parametrize(
    ("transcript", "options", "messages", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_what_is_told(
    both: Both, how: str, transcript: str, options: dict[str, Any], messages: list[Message], expected: list[str]
) -> None:
    told: list[events.Event] = []
    players = [Player(script) for script in steps(transcript)] if transcript else []
    with serving(players) as port:
        timeouts = Timeouts(connect=5, greeting=5, reply=5, final_reply=5)
        transport = PlaintextSmtpTransport(
            "127.0.0.1", port, local_hostname="me.test", timeouts=timeouts, allow_insecure_auth=True, **options
        )
        mailer = both.mailer(transport, on_event=told.append)
        if how == "send_many":
            receipts = list(both.send_many(mailer, messages))
        else:
            receipts = [sending(both, mailer, message) for message in messages]
        both.close(mailer)
    assert [shown(event) for event in told] == expected
    assert len(receipts) == len(messages)
    assert "pa55word" not in repr(told)
    assert all(
        event.seconds >= 0
        for event in told
        if not isinstance(event, events.Throttled | events.Retrying | events.PassedOver)
    )
    ended = [event.receipt for event in told if isinstance(event, events.Sent | events.NotSent)]
    assert all(receipt in receipts for receipt in ended)
    assert pickle.loads(pickle.dumps(told))  # noqa: S301


def sending(both: Both, mailer: Any, message: Message) -> Any:
    """The receipt, good or bad."""
    try:
        return both.send(mailer, message)
    except SmtpkitError as error:
        return error.receipt


@pytest.mark.parametrize("security", ["starttls", "tls", "plaintext"])
def test_a_connection(both: Both, security: Security, smtpd: StartSmtpd, certificates: Certificates) -> None:
    login: dict[str, Any] = {} if security == "plaintext" else ANN
    server = smtpd(security=security, **login)
    told: list[events.Event] = []
    kinds = {"starttls": SmtpTlsTransport, "tls": SmtpSslTransport, "plaintext": PlaintextSmtpTransport}
    options: dict[str, Any] = {**login, "tls": certificates.ca_file} if login else {}
    mailer = both.mailer(kinds[security]("localhost", server.port, **options), on_event=told.append)
    both.send(mailer, MESSAGE)
    both.send(mailer, MESSAGE)
    both.close(mailer)
    connected = told[0]
    assert isinstance(connected, events.Connected)
    assert (connected.host, connected.port, connected.security) == ("localhost", server.port, security)
    assert (connected.tls_version or "").startswith("" if security == "plaintext" else "TLSv1.")
    assert (connected.tls_version is None) is (security == "plaintext")
    closed = told[-1]
    assert isinstance(closed, events.Closed)
    assert (closed.host, closed.mails, closed.reason) == ("localhost", 2, "it was not needed any more")
    assert Counter(type(event) for event in told)[events.Authenticated] == (security != "plaintext")


def test_durations() -> None:
    """In virtual seconds."""
    transcript = (
        f"wait 1\n{HELLO}{LOGIN}wait 2\nS: 235 ok\n{FROM}{TO}{CONTENT}wait 4\nS: 250 ok\n"
        "C: MAIL FROM:<a@a.test>\nwait 8\nS: 421 bye\n--\nS: 554 go away\n"
    )
    told: list[events.Event] = []
    runtime = simulated([Player(script) for script in steps(transcript)], tell=told.append)
    transport = PlaintextSmtpTransport(
        "a.test", local_hostname="me.test", allow_insecure_auth=True, username="ann", password="pa55word"
    )
    for _ in range(2):
        run(transport.send(Mail(MESSAGE), runtime))
    closed = next(event for event in told if isinstance(event, events.Closed))
    assert [event.seconds for event in told if isinstance(event, events.Connected | events.Authenticated)] == [1, 2]
    assert (closed.seconds, closed.mails, closed.reason) == (14, 1, "the server closed the connection")


def test_the_events_of_a_mail_say_how_long_it_took(both: Both) -> None:
    told: list[events.Event] = []
    both.send(both.mailer(FakeTransport(), on_event=told.append), TWO)
    (sent,) = told
    assert isinstance(sent, events.Sent)
    assert (sent.recipients, sent.receipt.ok) == ((B, C), True)
    assert 0 <= sent.seconds < 5


def test_over_the_limit(both: Both) -> None:
    told: list[events.Event] = []
    mailer = both.mailer(FakeTransport(), limits=DailyLimit(1), on_event=told.append)
    assert [receipt.ok for receipt in both.send_many(mailer, [MESSAGE] * 2)] == [True, False]
    assert [shown(event) for event in told] == [f"Sent {B}", f"NotSent {B}"]


def test_a_connection_is_told_of_to_who_opened_it(both: Both) -> None:
    first: list[events.Event] = []
    second: list[events.Event] = []
    with serving([Player(steps(HELLO + MAIL + MAIL)[0])]) as port:
        transport = PlaintextSmtpTransport("127.0.0.1", port, local_hostname="me.test")
        one = both.mailer(transport, on_event=first.append)
        other = both.mailer(transport, on_event=second.append)
        both.send(one, MESSAGE)
        both.send(other, MESSAGE)
        both.close(other)
    assert [shown(event) for event in first] == ["Connected", f"Sent {B}", "Closed 2"]
    assert [shown(event) for event in second] == [f"Sent {B}"]


def test_the_names_of_the_events() -> None:
    """They are a promise."""
    names = "Authenticated Closed Connected NotSent PassedOver Refused Retrying Sent Throttled Uncertain"
    assert {each.__name__ for each in get_args(events.Event)} == set(names.split())
    assert set(names.split()) | {"Event", "OnEvent", "Tell", "events_of"} == set(events.__all__)


# -- who listens -------------------------------------------------------------------


async def asynchronous(event: events.Event) -> None:
    pass


async def generating(event: events.Event) -> Any:
    yield event


class Listening:
    """Objects and methods."""

    async def method(self, event: events.Event) -> None:
        pass

    async def __call__(self, event: events.Event) -> None:
        pass


CONSTRUCTORS: list[Callable[[type[Mailer], Any], Any]] = [
    lambda mailer, on_event: mailer(FakeTransport(), on_event=on_event),
    lambda mailer, on_event: mailer.for_provider("gmail", "me@gmail.com", "x", on_event=on_event),
    lambda mailer, on_event: mailer.for_address("me@gmail.com", "x", on_event=on_event),
    lambda mailer, on_event: mailer.from_url("smtps://h", on_event=on_event),
    lambda mailer, on_event: mailer.from_url("gmail://me%40gmail.com:x@", on_event=on_event),
    lambda mailer, on_event: mailer.from_env({"SMTP_HOST": "h"}, on_event=on_event),
]
LISTENED: list[events.Event] = []


def ignoring(event: events.Event) -> None:
    pass


NOT_TAKEN = [
    (asynchronous, "is async"),
    (generating, "is async"),
    (partial(asynchronous), "is async"),
    (Listening(), "is async"),
    (Listening().method, "is async"),
    (AsyncMock(), "is async"),
    ("print", "on_event='print'"),
    (1, "on_event=1"),
]


@pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])
@pytest.mark.parametrize("make", CONSTRUCTORS)
@pytest.mark.parametrize(("on_event", "text"), NOT_TAKEN)
def test_who_cannot_listen(mailer: Any, make: Any, on_event: Any, text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=text) as caught:
        make(mailer, on_event)
    assert caught.value.hint


@pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])
@pytest.mark.parametrize("make", CONSTRUCTORS)
@pytest.mark.parametrize("on_event", [None, LISTENED.append, print, partial(print, end=""), ignoring])
def test_who_can_listen(mailer: Any, make: Any, on_event: Any) -> None:
    assert make(mailer, on_event)


def raising(event: events.Event) -> None:
    raise ZeroDivisionError("a bug of theirs")


def forgetting(event: events.Event) -> Any:
    return asynchronous(event)


@pytest.mark.parametrize("on_event", [raising, forgetting])
@pytest.mark.parametrize("how", ["send", "send_many"])
def test_a_listener_that_fails_breaks_nothing(
    both: Both, on_event: Any, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Logged once with its traceback, and not for each mail."""
    caplog.set_level("DEBUG", "smtpkit")
    with serving([Player(steps(HELLO + BOTH_ASKED + SENT + MAIL)[0])]) as port:
        transport = PlaintextSmtpTransport("127.0.0.1", port, local_hostname="me.test")
        mailer = both.mailer(transport, on_event=on_event)
        if how == "send":
            receipts = [both.send(mailer, message) for message in (TWO, MESSAGE)]
        else:
            receipts = list(both.send_many(mailer, [TWO, MESSAGE]))
        both.close(mailer)
    assert [list(receipt.accepted) for receipt in receipts] == [[B], [B]]
    logged = [record for record in caplog.records if "on_event" in record.message]
    assert [record.levelno for record in logged] == [logging.ERROR] + [logging.DEBUG] * 4
    assert [bool(record.exc_info) for record in logged] == [True] + [False] * 4
    assert ("ZeroDivisionError" if on_event is raising else "coroutine") in caplog.text


class Interrupting:
    """Ctrl-C while it listens to the n-th event."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, event: events.Event) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_interruption_while_it_listens(number: int) -> None:
    """It passes through, costs no connection, and says what became of the mail."""
    told = Interrupting(number)
    with serving([Player(steps(script)[0]) for script in (f"{HELLO}{LOGIN}S: 235 ok\n{MAIL}",) * 2]) as port:
        transport = PlaintextSmtpTransport(
            "127.0.0.1", port, local_hostname="me.test", timeouts=Timeouts(acquire=0.5), allow_insecure_auth=True, **ANN
        )
        with Mailer(transport, on_event=told) as mailer:
            with pytest.raises(KeyboardInterrupt) as caught:
                mailer.send(MESSAGE)
            notes: list[str] = getattr(caught.value, "__notes__", [])
            assert [f"was accepted for {B}" in note for note in notes] == ([True] if number == 3 else [])
            if number < 3:
                assert mailer.send(MESSAGE).ok


@pytest.fixture
def unmakable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever makes an event fails."""

    def fail(*_: object) -> None:
        raise AssertionError("an event was made")

    for name in ("Connected", "Authenticated", "Closed", "Throttled", "events_of"):
        monkeypatch.setattr(events, name, fail)


@pytest.mark.usefixtures("unmakable")
@pytest.mark.parametrize("listening", [False, True])
def test_nothing_is_made_if_nobody_listens(both: Both, listening: bool) -> None:
    transcript = f"{HELLO}{LOGIN}S: 235 ok\n{MAIL}C: MAIL FROM:<a@a.test>\nS: 421 bye\n--\nS: 554 go away\n"
    with serving([Player(script) for script in steps(transcript)][: 1 if listening else 2]) as port:
        transport: Any = PlaintextSmtpTransport(
            "127.0.0.1", port, local_hostname="me.test", allow_insecure_auth=True, username="ann", password="pa55word"
        )
        mailer = both.mailer(transport, on_event=ignoring if listening else None)
        if listening:
            with pytest.raises(AssertionError, match="an event was made"):
                both.send(mailer, MESSAGE)
        else:
            assert both.send(mailer, MESSAGE).ok
            receipt = sending(both, mailer, MESSAGE)
            assert set(receipt.not_sent) == {B}


def test_the_mechanism_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "smtpkit")
    runtime = simulated([Player(steps(f"{HELLO}{LOGIN}S: 235 ok\n{MAIL}")[0])])
    transport = PlaintextSmtpTransport(
        "a.test", local_hostname="me.test", allow_insecure_auth=True, username="ann", password="pa55word"
    )
    assert run(transport.send(Mail(MESSAGE), runtime)).ok
    assert "logged in to a.test:25 as ann with PLAIN" in caplog.messages
