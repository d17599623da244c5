"""Failover and round robin: another transport takes over, and nobody gets a second copy."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attempted import Scripted, reply, sent, statuses
from smtpkit import (
    AuthenticationFailed,
    CertificateUntrusted,
    ConnectFailed,
    ConnectionLost,
    ContentRefused,
    DailyLimit,
    DeliveryUncertain,
    FailoverTransport,
    FakeTransport,
    InvalidConfiguration,
    Mailer,
    Message,
    NoCommonMechanism,
    ProtocolError,
    Receipt,
    RequireTlsUnsupported,
    Retry,
    RoundRobinTransport,
    SenderRefused,
    ServiceUnavailable,
    SmtpkitError,
    SmtpTlsTransport,
    StartTlsNotOffered,
    TimedOut,
    Timeouts,
    UnreadableAttachment,
    events,
)

if TYPE_CHECKING:
    from attempted import Attempt
    from both import Both
    from clock import Clock
    from servers.certificates import Certificates
    from servers.smtpd import StartSmtpd

pytest_plugins = ("both", "clock")

MESSAGE = Message().from_("me@example.com").to("ann@example.com", "bob@example.com").text("Hi")


def counts(*transports: Scripted) -> list[int]:
    return [len(transport.mails) for transport in transports]


ELSEWHERE: list[Attempt] = [
    ConnectFailed("refused"),
    CertificateUntrusted("expired"),
    StartTlsNotOffered("none"),
    AuthenticationFailed("no", reply=reply("535 no")),
    NoCommonMechanism("none"),
    ServiceUnavailable("no", reply=reply("421 no")),
    ServiceUnavailable("no", reply=reply("554 not you")),
    TimedOut("slow", stage="mail"),
    ConnectionLost("lost", stage="content"),
    ProtocolError("what?"),
    SenderRefused("later", reply=reply("451 later")),
    "451 later",
    {"ann": "451 later", "bob": "lost"},
]
HERE: list[Attempt] = [
    "250 ok",
    "550 no",
    "doubt",
    SenderRefused("no", reply=reply("550 no")),
    ContentRefused("spam", reply=reply("554 spam")),
    ContentRefused("too large"),
    RequireTlsUnsupported("none"),
    UnreadableAttachment("gone"),
    InvalidConfiguration("no CA file"),
    DeliveryUncertain("no reply"),
    OSError("what?"),
    {"ann": "250", "bob": "451"},
    {"ann": "550", "bob": "451"},
    {"ann": "550", "bob": "lost"},
    {"ann": "doubt", "bob": "lost"},
]


@pytest.mark.parametrize("attempt", ELSEWHERE, ids=str)
def test_another_takes_over(both: Both, attempt: Attempt) -> None:
    first, second = Scripted(attempt, account="first"), Scripted("250 ok", account="second")
    receipt = sent(both, FailoverTransport(first, second), MESSAGE)
    assert (receipt.ok, receipt.attempts, counts(first, second)) == (True, 2, [1, 1])
    (note,) = receipt.notes
    assert note.startswith("<first> did not take it: ")
    assert first.mails[0] is second.mails[0]


@pytest.mark.parametrize("attempt", HERE, ids=str)
def test_it_stays_where_it_is(both: Both, attempt: Attempt) -> None:
    first, second = Scripted(attempt), Scripted("250 ok")
    alone = sent(both, Scripted(attempt), MESSAGE)
    receipt = sent(both, FailoverTransport(first, second), MESSAGE)
    assert counts(first, second) == [1, 0]
    assert (statuses(receipt), receipt.attempts, receipt.notes) == (statuses(alone), 1, ())
    assert type(receipt.error) is type(alone.error)


def test_an_error_that_a_transport_raises(both: Both) -> None:
    class Raising(Scripted):
        async def send(self, mail: Any, runtime: Any) -> Receipt:
            raise ConnectFailed("refused")

    assert sent(both, FailoverTransport(Raising(), Scripted("250 ok")), MESSAGE).ok


TOLD: list[tuple[list[Attempt], type[SmtpkitError]]] = [
    ([ConnectFailed("a"), TimedOut("b")], TimedOut),
    # What may pass, since another attempt has a chance then.
    ([ConnectFailed("a"), AuthenticationFailed("b")], ConnectFailed),
    ([AuthenticationFailed("a"), CertificateUntrusted("b")], CertificateUntrusted),
    ([ConnectFailed("a"), "550 no"], SmtpkitError),
]


@pytest.mark.parametrize(("attempts", "kind"), TOLD)
def test_all_fail(both: Both, attempts: list[Attempt], kind: type[SmtpkitError]) -> None:
    transports = [Scripted(attempt, account=f"t{number}") for number, attempt in enumerate(attempts)]
    receipt = sent(both, FailoverTransport(*transports), MESSAGE)
    assert isinstance(receipt.error, kind)
    assert receipt.error.receipt is receipt
    assert (receipt.attempts, len(receipt.notes), counts(*transports)) == (2, 1, [1, 1])


def test_servers(both: Both, smtpd: StartSmtpd, certificates: Certificates) -> None:
    options: Any = {"username": "ann", "tls": certificates.ca_file}
    strict, open_ = smtpd(username="ann", password="other"), smtpd(username="ann", password="secret")
    transport = FailoverTransport(
        SmtpTlsTransport("localhost", 1, password="secret", **options),
        SmtpTlsTransport("localhost", strict.port, password="secret", **options),
        SmtpTlsTransport("localhost", open_.port, password="secret", **options),
    )
    receipt = sent(both, transport, MESSAGE)
    assert (receipt.ok, receipt.attempts) == (True, 3)
    assert "no connection to localhost:1" in receipt.notes[0]
    assert "refused the log-in of ann" in receipt.notes[1]
    assert [len(server.accepted) for server in (strict, open_)] == [0, 1]
    assert "secret" not in str(receipt)


# -- rest --------------------------------------------------------------------------


def test_one_that_failed_is_left_alone_for_a_while(both: Both, clock: Clock) -> None:
    first, second = Scripted(ConnectFailed("refused"), "250 ok"), Scripted("250 ok")
    mailer = both.mailer(FailoverTransport(first, second, rest=30))
    for seconds, expected in ((0, [1, 1]), (29, [1, 2]), (1, [2, 2]), (0, [3, 2])):
        clock.runtime.advance(clock.runtime.now() + seconds)
        both.send(mailer, MESSAGE)
        assert counts(first, second) == expected


def test_one_that_left_a_mail_uncertain_is_left_alone_for_a_while(both: Both, clock: Clock) -> None:
    """That mail stays with it. Nobody else has to wait for the final reply of a server that hangs."""
    first, second = Scripted("doubt", "250 ok"), Scripted("250 ok", "250 ok", ConnectFailed("refused"))
    mailer = both.mailer(FailoverTransport(first, second, rest=30))
    assert statuses(both.receipt(mailer, MESSAGE)) == "uncertain uncertain"
    for seconds, expected in ((0, [1, 1]), (29, [1, 2]), (0, [2, 3])):
        clock.runtime.advance(clock.runtime.now() + seconds)
        assert both.send(mailer, MESSAGE).ok
        assert counts(first, second) == expected


def test_unless_all_do(both: Both, clock: Clock) -> None:
    first, second = Scripted(ConnectFailed("refused"), "250 ok"), Scripted("250 ok", ConnectFailed("refused"))
    mailer = both.mailer(FailoverTransport(first, second))
    both.send(mailer, MESSAGE)
    # The second is awake and fails: then the first, which rests, is the better one.
    assert both.send(mailer, MESSAGE).ok
    assert counts(first, second) == [2, 2]


def test_a_refused_log_in_is_not_tried_again_while_it_rests(both: Both, clock: Clock) -> None:
    first, second = Scripted(AuthenticationFailed("no", reply=reply("535 no"))), Scripted(ConnectFailed("refused"))
    transport = FailoverTransport(first, second, rest=30)
    receipt = sent(both, transport, MESSAGE, retry=Retry(4, wait=1))
    assert counts(first, second) == [1, 4]
    assert isinstance(receipt.error, ConnectFailed)
    assert receipt.attempts == 5
    alone = FailoverTransport(first, rest=30)
    for _ in range(2):
        sent(both, alone, MESSAGE)
    assert counts(first) == [3]


def test_refused_recipients_send_nobody_to_rest(both: Both, clock: Clock) -> None:
    first, second = Scripted("451 greylisted"), Scripted("250 ok")
    mailer = both.mailer(FailoverTransport(first, second))
    for _ in range(2):
        both.send(mailer, MESSAGE)
    assert counts(first, second) == [2, 2]


@pytest.mark.parametrize(("said", "rest"), [("421 try again in 5 minutes", 300), ("421 try again in 5 seconds", 60)])
def test_the_server_says_how_long(both: Both, clock: Clock, said: str, rest: float) -> None:
    first, second = Scripted(ServiceUnavailable("no", reply=reply(said)), "250 ok"), Scripted("250 ok")
    mailer = both.mailer(FailoverTransport(first, second, rest=60))
    for seconds, expected in ((0, [1, 1]), (rest - 1, [1, 2]), (1, [2, 2])):
        clock.runtime.advance(clock.runtime.now() + seconds)
        both.send(mailer, MESSAGE)
        assert counts(first, second) == expected


@pytest.mark.parametrize("kind", [FailoverTransport, RoundRobinTransport])
def test_one_that_said_how_long_is_not_woken_before(both: Both, clock: Clock, kind: Any) -> None:
    """Also where all the others fail."""
    asking = ServiceUnavailable("no", reply=reply("421 try again in 90 seconds"))
    first, second = Scripted(asking, "250 ok"), Scripted(ConnectFailed("refused"))
    mailer = both.mailer(kind(first, second, rest=10))
    for seconds, expected in ((0, [1, 1]), (89, [1, 2]), (1, [2, 2])):
        clock.runtime.advance(clock.runtime.now() + seconds)
        both.receipt(mailer, MESSAGE)
        assert counts(first, second) == expected


# -- round robin -------------------------------------------------------------------


def test_each_in_its_turn(both: Both, clock: Clock) -> None:
    transports = [Scripted("250 ok") for _ in range(3)]
    mailer = both.mailer(RoundRobinTransport(*transports))
    receipts = list(both.send_many(mailer, [MESSAGE] * 7))
    assert all(receipt.ok for receipt in receipts)
    assert counts(*transports) == [3, 2, 2]


def test_the_turn_of_one_that_fails_is_taken_by_the_next(both: Both, clock: Clock) -> None:
    first, second, third = Scripted("250 ok"), Scripted(ConnectFailed("refused")), Scripted("250 ok")
    mailer = both.mailer(RoundRobinTransport(first, second, third))
    for _ in range(6):
        assert both.send(mailer, MESSAGE).ok
    assert counts(first, second, third) == [2, 1, 4]


def test_threads_share_them_out() -> None:
    transports = [FakeTransport() for _ in range(4)]
    mailer = Mailer(RoundRobinTransport(*transports))
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(mailer.send, [MESSAGE] * 400):
            pass
    assert [len(transport.outbox) for transport in transports] == [100] * 4


# -- what is told ----------------------------------------------------------------

IN_90 = reply("421 try again in 90 seconds")
PASSED_OVER: list[tuple[list[Attempt], list[str]]] = [
    (["250 ok"], ["Sent"]),
    (["550 no"], ["Refused"]),
    ([ConnectFailed("a"), "250 ok"], ["<t0> ConnectFailed 60", "Sent"]),
    ([ServiceUnavailable("a", reply=IN_90), "250 ok"], ["<t0> ServiceUnavailable 90", "Sent"]),
    (["451 greylisted", "250 ok"], ["<t0> RecipientsRefused 0", "Sent"]),
    ([ConnectFailed("a"), TimedOut("b")], ["<t0> ConnectFailed 60", "<t1> TimedOut 60", "NotSent"]),
]


@pytest.mark.parametrize("kind", [FailoverTransport, RoundRobinTransport])
@pytest.mark.parametrize(("attempts", "expected"), PASSED_OVER)
def test_that_one_is_passed_over_is_told(
    both: Both, clock: Clock, kind: Any, attempts: list[Attempt], expected: list[str]
) -> None:
    told: list[events.Event] = []
    transports = [Scripted(attempt, account=f"t{number}") for number, attempt in enumerate(attempts)]
    sent(both, kind(*transports), MESSAGE, on_event=told.append)
    assert [shown(event) for event in told] == expected
    assert [event.error.receipt is not None for event in told if isinstance(event, events.PassedOver)] == [True] * (
        len(expected) - 1
    )
    assert repr(pickle.loads(pickle.dumps(told))) == repr(told)  # noqa: S301


def shown(event: events.Event) -> str:
    if isinstance(event, events.PassedOver):
        return f"{event.transport} {type(event.error).__name__} {event.rest:.0f}"
    return type(event).__name__


# -- together with the rest --------------------------------------------------------


def test_retry_goes_over_all_of_them(both: Both, clock: Clock) -> None:
    first, second = Scripted(ConnectFailed("a")), Scripted({"ann": "250", "bob": "451"}, ConnectFailed("b"), "250 ok")
    receipt = sent(both, FailoverTransport(first, second), MESSAGE, retry=Retry(4, wait=1))
    assert (receipt.ok, receipt.attempts) == (True, 6)
    assert first.asked == second.asked == ["ann bob", "bob", "bob"]


def test_they_may_stand_in_one_another(both: Both) -> None:
    a, b, c = Scripted(ConnectFailed("a")), Scripted(ConnectFailed("b")), Scripted("250 ok")
    receipt = sent(both, FailoverTransport(RoundRobinTransport(a, b), c), MESSAGE)
    assert (receipt.ok, receipt.attempts, counts(a, b, c)) == (True, 3, [1, 1, 1])


def test_a_limit_counts_what_goes_by_any(both: Both) -> None:
    limit = DailyLimit(9)
    transport = FailoverTransport(Scripted(ConnectFailed("a"), account="x"), Scripted("250 ok", account="y"))
    assert transport.account == "x or y"
    sent(both, transport, MESSAGE, limits=limit)
    assert limit.used("x or y") == 1


def test_no_further_one_after_the_end_of_the_whole_send(both: Both, clock: Clock) -> None:
    class Slow(Scripted):
        async def send(self, mail: Any, runtime: Any) -> Receipt:
            await runtime.sleep(5)
            return await super().send(mail, runtime)

    transports = [Slow(TimedOut("slow"), total=4) for _ in range(3)]
    transport = FailoverTransport(*transports)
    assert transport.total == 12
    sent(both, transport, MESSAGE, retry=Retry())
    assert counts(*transports) == [1, 1, 1]
    sent(both, FailoverTransport(Slow(TimedOut("slow"), total=5), *transports[:1], rest=0), MESSAGE, retry=Retry())
    assert counts(*transports) == [2, 1, 1]


def test_the_time_of_a_whole_send() -> None:
    bounded = SmtpTlsTransport("h", timeouts=Timeouts(total=5))
    assert FailoverTransport(bounded, bounded).total == 10
    assert FailoverTransport(bounded, SmtpTlsTransport("h")).total is None
    assert FailoverTransport(bounded, FakeTransport()).total is None


def test_closing_closes_all(both: Both) -> None:
    class Stuck(Scripted):
        async def close(self, runtime: Any) -> None:
            await super().close(runtime)
            raise OSError("stuck")

    first, second = Stuck("250 ok"), Scripted("250 ok")
    mailer = both.type(RoundRobinTransport(first, second))
    with pytest.raises(OSError, match="stuck"):
        both.close(mailer)
    assert (first.closed, second.closed) == (1, 1)


@pytest.mark.parametrize("kind", [FailoverTransport, RoundRobinTransport])
def test_how_it_looks(kind: type[FailoverTransport | RoundRobinTransport]) -> None:
    transport = kind(SmtpTlsTransport("h", username="me", password="c0rrect"), FakeTransport(), rest=5)
    assert repr(transport) == (
        f"{kind.__name__}(SmtpTlsTransport('h', 587, username='me'), <FakeTransport with 0 mails>, rest=5)"
    )
    assert transport.account == "me at h or this transport"
    refused: list[tuple[tuple[Any, ...], Any, str]] = [
        ((), 60, "no transport"),
        (("smtps://h",), 60, "a str is not a transport"),
        ((FakeTransport(),), -1, "rest=-1"),
        ((FakeTransport(),), "60", "rest='60'"),
    ]
    for transports, rest, text in refused:
        with pytest.raises(InvalidConfiguration, match=text):
            kind(*transports, rest=rest)


# -- whatever happens --------------------------------------------------------------

OUTCOMES = st.sampled_from(["250", "451", "550", "lost", "doubt"])
ATTEMPTS = st.one_of(st.fixed_dictionaries({"ann": OUTCOMES, "bob": OUTCOMES}), st.sampled_from([*ELSEWHERE, *HERE]))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.lists(ATTEMPTS, min_size=1, max_size=4), min_size=1, max_size=3),
    st.sampled_from([FailoverTransport, RoundRobinTransport]),
    st.one_of(st.none(), st.builds(Retry, st.integers(1, 4))),
    st.integers(1, 3),
)
def test_nobody_accepts_twice(
    both: Both, clock: Clock, scripts: list[list[Any]], kind: type[Any], retry: Retry | None, mails: int
) -> None:
    told: list[tuple[str, str]] = []

    class Telling(Scripted):
        async def send(self, mail: Any, runtime: Any) -> Receipt:
            attempt = self._attempts[min(len(self.mails), len(self._attempts) - 1)]
            try:
                receipt = await super().send(mail, runtime)
            except OSError:
                told.extend((each.local_part, "uncertain") for each in mail.envelope.recipients)
                raise
            assert attempt is not None
            told.extend((name.partition("@")[0], each.status) for name, each in receipt.outcomes.items())
            return receipt

    transport = kind(*(Telling(*script) for script in scripts))
    for _ in range(mails):
        told.clear()
        receipt = sent(both, transport, MESSAGE, retry=retry)
        for name, outcome in receipt.outcomes.items():
            history = [status for who, status in told if f"{who}@example.com" == name]
            assert not {"accepted", "uncertain"} & set(history[:-1])
            assert history.count(outcome.status)
            assert outcome.status in (history[-1], "refused", "not_sent")
            assert (outcome.status in ("accepted", "uncertain")) == (history[-1] in ("accepted", "uncertain"))
        assert receipt.error is None or receipt.error.receipt is receipt
