"""Trying again: only what is temporary, and only where nobody can get a second copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attempted import Scripted, reply, sent, statuses
from smtpkit import (
    AuthenticationFailed,
    CertificateHostMismatch,
    CertificateUntrusted,
    ConnectFailed,
    ConnectionLost,
    ContentRefused,
    DailyLimit,
    DeliveryError,
    DeliveryUncertain,
    DsnRequest,
    Envelope,
    InvalidConfiguration,
    Mailer,
    Message,
    NoCommonMechanism,
    ProtocolError,
    RateLimit,
    Receipt,
    RecipientsRefused,
    RequireTlsUnsupported,
    Retry,
    SenderRefused,
    ServiceUnavailable,
    SmtpkitError,
    StartTlsNotOffered,
    StartTlsRefused,
    TimedOut,
    TlsFailed,
    TransportFailed,
    UnreadableAttachment,
)

if TYPE_CHECKING:
    from attempted import Attempt
    from both import Both
    from clock import Clock

pytest_plugins = ("both", "clock")

MESSAGE = Message().from_("me@example.com").to("ann@example.com", "bob@example.com", "cy@example.com").text("Hi")


def retried(both: Both, transport: Any, **options: Any) -> Receipt:
    """What came of `MESSAGE` with attempts that follow at once."""
    return sent(both, transport, MESSAGE, **{"retry": Retry(wait=0), **options})


# -- what is tried again -----------------------------------------------------------

PASSING: list[SmtpkitError] = [
    ConnectFailed("refused"),
    ConnectionLost("broken off", stage="tls"),
    ConnectionLost("lost", stage="content"),
    TimedOut("slow", stage="tls"),
    TimedOut("slow", stage="mail"),
    ServiceUnavailable("closing", reply=reply("421 4.3.2 bye")),
    StartTlsRefused("not now", reply=reply("454 4.3.0 TLS not available")),
    AuthenticationFailed("not now", reply=reply("454 4.7.0 Temporary authentication failure")),
]
LASTING: list[SmtpkitError] = [
    CertificateUntrusted("self-signed"),
    CertificateHostMismatch("of another host"),
    TlsFailed("too old"),
    StartTlsNotOffered("stripped"),
    AuthenticationFailed("no", reply=reply("535 5.7.8 no")),
    NoCommonMechanism("none"),
    RequireTlsUnsupported("none"),
    ProtocolError("what?"),
    ServiceUnavailable("not you", reply=reply("554 go away")),
    DeliveryUncertain("no reply"),
    UnreadableAttachment("gone"),
    InvalidConfiguration("no CA file"),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: f"{type(error).__name__} {error.reply or error.stage}")
def test_a_failure_that_may_pass_is_tried_again(both: Both, error: SmtpkitError) -> None:
    transport = Scripted(error, "250 ok")
    receipt = retried(both, transport)
    assert (receipt.ok, receipt.attempts, receipt.error) == (True, 2, None)
    assert transport.asked == ["ann bob cy"] * 2


@pytest.mark.parametrize("error", LASTING, ids=lambda error: f"{type(error).__name__} {error.reply or error.stage}")
def test_a_failure_that_lasts_is_not(both: Both, error: SmtpkitError) -> None:
    transport = Scripted(error, "250 ok")
    receipt = retried(both, transport)
    assert receipt.error is error
    assert (receipt.attempts, transport.asked) == (1, ["ann bob cy"])


def test_what_a_transport_raises_of_its_own_is_not(both: Both) -> None:
    transport = Scripted(OSError("what?"), "250 ok")
    assert statuses(retried(both, transport)) == "uncertain uncertain uncertain"
    assert len(transport.asked) == 1


def test_nothing_is_without_retry(both: Both) -> None:
    transport = Scripted("451 later")
    assert retried(both, transport, retry=None).attempts == len(transport.asked) == 1


ATTEMPTS: list[tuple[list[Attempt], list[str], str]] = [
    # attempts, whom each asked for, what came of it
    (["250"], ["ann bob cy"], "accepted accepted accepted"),
    (["451", "250"], ["ann bob cy"] * 2, "accepted accepted accepted"),
    (["550", "250"], ["ann bob cy"], "refused refused refused"),
    (["451", "451", "451", "250"], ["ann bob cy"] * 3, "refused refused refused"),
    (
        [{"ann": "250", "bob": "451", "cy": "250"}, "250"],
        ["ann bob cy", "bob"],
        "accepted accepted accepted",
    ),
    (
        [{"ann": "250", "bob": "451", "cy": "550"}, "550"],
        ["ann bob cy", "bob"],
        "accepted refused refused",
    ),
    (
        [{"ann": "451", "bob": "451", "cy": "250"}, {"ann": "250", "bob": "451"}, "250"],
        ["ann bob cy", "ann bob", "bob"],
        "accepted accepted accepted",
    ),
    (
        [{"ann": "250", "bob": "451", "cy": "451"}, ConnectFailed("refused"), "250"],
        ["ann bob cy", "bob cy", "bob cy"],
        "accepted accepted accepted",
    ),
    ([{"ann": "250", "bob": "lost", "cy": "550"}, "250"], ["ann bob cy", "bob"], "accepted accepted refused"),
    ([{"ann": "doubt", "bob": "451", "cy": "250"}, "250"], ["ann bob cy", "bob"], "uncertain accepted accepted"),
    (
        [{"ann": "250", "bob": "451", "cy": "451"}, {"bob": "doubt", "cy": "451"}, "250"],
        ["ann bob cy", "bob cy", "cy"],
        "accepted uncertain accepted",
    ),
    (
        [{"ann": "250", "bob": "250", "cy": "451"}, OSError("?"), "250"],
        ["ann bob cy", "cy"],
        "accepted accepted uncertain",
    ),
]


@pytest.mark.parametrize(("attempts", "asked", "expected"), ATTEMPTS)
def test_those_who_are_left_are_tried_alone(
    both: Both, attempts: list[Attempt], asked: list[str], expected: str
) -> None:
    transport = Scripted(*attempts)
    receipt = retried(both, transport)
    assert (transport.asked, statuses(receipt)) == (asked, expected)
    assert receipt.attempts == len(asked)
    assert list(receipt.outcomes) == ["ann@example.com", "bob@example.com", "cy@example.com"]


ABORTED: list[tuple[list[Attempt], list[str], str]] = [
    ([{"ann": "451", "bob": "lost", "cy": "lost"}, "250"], ["ann bob cy"] * 2, "accepted accepted accepted"),
    ([{"ann": "550", "bob": "lost", "cy": "lost"}, "250"], ["ann bob cy"], "refused not_sent not_sent"),
    ([ConnectFailed("refused"), "250"], ["ann bob cy"] * 2, "accepted accepted accepted"),
]


@pytest.mark.parametrize(("attempts", "asked", "expected"), ABORTED)
def test_all_or_nobody(both: Both, attempts: list[Attempt], asked: list[str], expected: str) -> None:
    transport = Scripted(*attempts)
    assert statuses(retried(both, transport, on_partial="abort")) == expected
    assert transport.asked == asked
    assert all(mail.all_or_nothing for mail in transport.mails)


UNCERTAIN: list[tuple[list[Attempt], list[str], str]] = [
    (["doubt", "250"], ["ann bob cy"] * 2, "accepted accepted accepted"),
    ([OSError("?"), "250"], ["ann bob cy"] * 2, "accepted accepted accepted"),
    # Who may have got it may have it still.
    (["doubt", "550"], ["ann bob cy"] * 2, "uncertain uncertain uncertain"),
    (
        [{"ann": "doubt", "bob": "250", "cy": "550"}, "451", "250"],
        ["ann bob cy", "ann", "ann"],
        "accepted accepted refused",
    ),
    ([{"ann": "doubt", "bob": "250", "cy": "550"}, "451"], ["ann bob cy", "ann", "ann"], "uncertain accepted refused"),
]


@pytest.mark.parametrize(("attempts", "asked", "expected"), UNCERTAIN)
def test_what_is_uncertain_is_tried_again_only_if_that_is_asked_for(
    both: Both, attempts: list[Attempt], asked: list[str], expected: str
) -> None:
    transport = Scripted(*attempts)
    receipt = retried(both, transport, retry=Retry(wait=0, uncertain="retry"))
    assert (transport.asked, statuses(receipt)) == (asked, expected)
    assert isinstance(receipt.error, DeliveryUncertain) == ("uncertain" in expected)


def test_only_the_errors_that_are_named(both: Both) -> None:
    retry = Retry(wait=0, on=(ConnectFailed, TimedOut))
    for error, attempts in ((ConnectFailed("no"), 3), (TimedOut("no"), 3), (ConnectionLost("no"), 1)):
        assert retried(both, Scripted(error), retry=retry).attempts == attempts


# -- what is sent again ------------------------------------------------------------


def test_the_mail_stays_the_same(both: Both) -> None:
    transport = Scripted({"ann": "250", "bob": "451", "cy": "250"}, "250")
    dsn = DsnRequest("failure", envelope_id="17")
    envelope = Envelope("bounces@example.com", ["ann@x.test", "bob@x.test", "cy@x.test"], dsn, require_tls=True)
    receipt = both.send(both.mailer(transport, retry=Retry(wait=0)), MESSAGE, envelope=envelope)
    first, second = transport.mails
    assert receipt.message is first.message is second.message
    assert (first.message_id, first.as_bytes(), first.size) == (second.message_id, second.as_bytes(), second.size)
    assert second.envelope == Envelope("bounces@example.com", ["bob@x.test"], dsn, require_tls=True)


def test_it_counts_once_in_a_limit(both: Both) -> None:
    limits = [DailyLimit(9), DailyLimit(9, unit="recipients")]
    retried(both, Scripted({"ann": "250", "bob": "451", "cy": "550"}, "250"), limits=limits)
    assert [limit.used() for limit in limits] == [1, 2]
    retried(both, Scripted(ConnectFailed("refused")), limits=limits)
    assert [limit.used() for limit in limits] == [1, 2]


def test_each_attempt_has_its_time_in_a_limit_that_waits(both: Both, clock: Clock) -> None:
    transport = Scripted("451", "451", "250")
    mailer = both.mailer(transport, limits=[RateLimit(2, "minute"), DailyLimit(9)], retry=Retry(wait=50, jitter=0))

    def used() -> list[int]:
        statuses = mailer.limits() if isinstance(mailer, Mailer) else both.wait(mailer.limits())
        return [status.used for status in statuses]

    assert both.send(mailer, MESSAGE).ok
    # What was refused is given back, and what was accepted counts from when it was.
    assert used() == [1, 1]
    clock.runtime.advance(transport.times[-1] + 59)
    assert used() == [1, 1]
    clock.runtime.advance(transport.times[-1] + 60)
    assert used() == [1, 0]


def test_an_attempt_waits_for_its_time(both: Both, clock: Clock) -> None:
    rate, transport = RateLimit(1, "minute"), Scripted({"ann": "250", "bob": "451", "cy": "550"}, "250", "250")
    mailer = both.mailer(transport, limits=rate, retry=Retry(wait=5, jitter=0))
    assert both.send(mailer, MESSAGE).attempts == 2
    # The first attempt was a mail for Ann, and the second one comes a minute later.
    assert (transport.times, rate.used()) == ([0, 60], 1)


@pytest.mark.parametrize(
    ("attempts", "used"),
    [
        ([{"ann": "250", "bob": "451", "cy": "550"}, "250"], 2),
        ([{"ann": "250", "bob": "451", "cy": "550"}, "550"], 1),
        ([{"ann": "250", "bob": "doubt", "cy": "451"}, "250"], 3),
        ([{"ann": "451", "bob": "451", "cy": "550"}, {"ann": "451", "bob": "250"}, "250"], 2),
        ([ConnectFailed("refused")], 0),
    ],
)
def test_what_attempts_use_of_a_limit_that_waits(both: Both, attempts: list[Attempt], used: int) -> None:
    limits = [RateLimit(9, "hour", unit="recipients"), DailyLimit(9, unit="recipients")]
    retried(both, Scripted(*attempts), limits=limits)
    assert [limit.used() for limit in limits] == [used, used]


def test_an_attempt_for_which_there_is_no_time_is_not_made(both: Both, clock: Clock) -> None:
    hour, minute = RateLimit(9, "hour"), RateLimit(1, "minute", longest_wait=10)
    transport = Scripted({"ann": "250", "bob": "451", "cy": "250"})
    mailer = both.mailer(transport, limits=[minute, hour], retry=Retry(wait=5, jitter=0))
    receipt = both.send(mailer, MESSAGE)
    assert (receipt.attempts, list(receipt.refused)) == (1, ["bob@example.com"])
    assert [limit.used() for limit in (hour, minute)] == [1, 1]


def test_a_full_limit_is_not_waited_for(both: Both, clock: Clock) -> None:
    transport = Scripted("250")
    receipt = retried(both, transport, limits=DailyLimit(2, unit="recipients"), retry=Retry())
    assert (receipt.attempts, transport.asked, clock.runtime.now()) == (1, [], 0)


# -- the one receipt ---------------------------------------------------------------

ERRORS: list[tuple[list[Attempt], type[SmtpkitError] | None, str, bool]] = [
    # attempts, the error, what it says, whether it is temporary
    ([{"ann": "250", "bob": "451", "cy": "250"}, "250"], None, "", False),
    (["451"], RecipientsRefused, "3 of 3", True),
    (
        [{"ann": "250", "bob": "451", "cy": "550"}, "550"],
        RecipientsRefused,
        "2 of 3 recipients were refused: bob@example.com, cy@example.com",
        False,
    ),
    (
        [{"ann": "250", "bob": "451", "cy": "250"}, "452"],
        RecipientsRefused,
        "1 of 3 recipients were refused: bob@example.com",
        True,
    ),
    ([{"ann": "250", "bob": "451", "cy": "550"}, ConnectFailed("refused")], ConnectFailed, "refused", True),
    ([{"ann": "250", "bob": "451", "cy": "doubt"}, ConnectFailed("refused")], DeliveryUncertain, "no final", False),
    ([{"ann": "250", "bob": "451", "cy": "550"}, "250"], RecipientsRefused, "1 of 3 .*: cy@example.com", False),
    # What was an error of those who got it in the end is none of the others.
    ([{"ann": "lost", "bob": "550", "cy": "250"}, "250"], RecipientsRefused, "1 of 3 .*: bob@example.com: 550", False),
    ([ConnectFailed("refused"), SenderRefused("no", reply=reply("550 no"))], SenderRefused, "no", False),
]


@pytest.mark.parametrize(("attempts", "kind", "text", "temporary"), ERRORS)
def test_the_error_is_what_the_outcomes_say(
    both: Both, attempts: list[Attempt], kind: type[SmtpkitError] | None, text: str, temporary: bool
) -> None:
    receipt = retried(both, Scripted(*attempts))
    assert type(receipt.error) is (kind or type(None))
    if receipt.error is not None:
        assert receipt.error.receipt is receipt
        assert receipt.error.temporary is temporary
        with pytest.raises(kind or SmtpkitError, match=text):
            receipt.raise_for_error()


def test_on_partial_is_about_all_attempts(both: Both) -> None:
    partly: list[Attempt] = [{"ann": "250", "bob": "451", "cy": "250"}, "550"]
    assert set(both.send(both.mailer(Scripted(*partly), retry=Retry(wait=0)), MESSAGE).refused) == {"bob@example.com"}
    with pytest.raises(RecipientsRefused) as caught:
        both.send(both.mailer(Scripted(*partly), retry=Retry(wait=0), on_partial="raise"), MESSAGE)
    assert caught.value.receipt is not None
    assert not caught.value.safe_to_retry
    wholly: list[Attempt] = [{"ann": "250", "bob": "451", "cy": "250"}, "250"]
    assert both.send(both.mailer(Scripted(*wholly), retry=Retry(wait=0), on_partial="raise"), MESSAGE).ok


def test_a_transport_that_says_nothing_of_somebody(both: Both) -> None:
    class Forgetful(Scripted):
        async def send(self, mail: Any, runtime: Any) -> Receipt:
            receipt = await super().send(mail, runtime)
            return receipt if len(self.mails) == 1 else Receipt(mail.message, {})

    transport = Forgetful({"ann": "250", "bob": "451", "cy": "250"}, "250")
    receipt = retried(both, transport)
    assert (statuses(receipt), transport.asked) == ("accepted uncertain accepted", ["ann bob cy", "bob"])
    assert isinstance(receipt.error, TransportFailed)


# -- whatever happens --------------------------------------------------------------

OUTCOMES = st.sampled_from(["250", "451", "452 try again in 3 seconds", "550", "lost", "doubt"])
FAILURES = st.sampled_from([*PASSING, *LASTING, ContentRefused("no", reply=reply("451 no")), OSError("?")])
PEOPLE = ["ann", "bob", "cy"]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.one_of(st.fixed_dictionaries(dict.fromkeys(PEOPLE, OUTCOMES)), FAILURES), min_size=1, max_size=6),
    st.builds(Retry, st.integers(1, 6), uncertain=st.sampled_from(["keep", "retry"])),
    st.sampled_from(["return", "abort"]),
)
def test_nobody_accepts_twice_and_the_receipt_tells_the_truth(
    both: Both, clock: Clock, attempts: list[Any], retry: Retry, on_partial: str
) -> None:
    transport = Scripted(*attempts)
    receipt = retried(both, transport, retry=retry, on_partial=on_partial)
    assert receipt.attempts == len(transport.asked) <= retry.attempts
    told: dict[str, list[str]] = {name: [] for name in PEOPLE}
    for number, asked in enumerate(transport.asked):
        for name in asked.split():
            told[name].append(_told(attempts[min(number, len(attempts) - 1)], name))
    for name, outcome in zip(PEOPLE, receipt.outcomes.values(), strict=True):
        history = told[name]
        # Nobody is asked for after accepting, nor after an uncertain end unless that was asked for.
        assert "accepted" not in history[:-1]
        assert retry.uncertain == "retry" or "uncertain" not in history[:-1]
        doubtful = "uncertain" in history and history[-1] != "accepted"
        assert outcome.status == ("uncertain" if doubtful else history[-1])
    assert (receipt.error is None) == all(each.status == "accepted" for each in receipt.outcomes.values())
    assert receipt.error is None or receipt.error.receipt is receipt
    assert not receipt.uncertain or isinstance(receipt.error, DeliveryError)


def _told(attempt: Any, name: str) -> str:
    """What the script has for somebody."""
    if not isinstance(attempt, BaseException):
        return {"lost": "not_sent", "doubt": "uncertain", "250": "accepted"}.get(str(attempt[name]), "refused")
    uncertain = isinstance(attempt, DeliveryUncertain) or not isinstance(attempt, SmtpkitError)
    return "uncertain" if uncertain else "not_sent"
