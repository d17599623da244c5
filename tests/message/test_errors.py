"""Errors: what they say, what they carry, and that they travel between processes."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from smtpkit import (
    DailyLimitExceeded,
    DeliveryError,
    DeliveryUncertain,
    Message,
    Outcome,
    Receipt,
    RecipientsRefused,
    Reply,
    SmtpkitError,
    UnreadableAttachment,
    UsageError,
    errors,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtpkit.receipt import Status

CLASSES: list[type[SmtpkitError]] = [
    found for name in errors.__all__ if isinstance(found := getattr(errors, name), type)
]
each_class = pytest.mark.parametrize("error_class", CLASSES)

GREYLISTED = Reply(451, ("4.7.1 Try again later",))
UNKNOWN = Reply(550, ("5.1.1 No such user",))
MESSAGE = Message().from_("ann@example.com").to("bob@example.com", "eve@example.com").message_id("1@example.com")


def carried(error: SmtpkitError) -> tuple[object, ...]:
    return type(error), error.args, error.message, error.stage, error.reply, error.temporary, error.hint, str(error)


@each_class
def test_travels_with_all_it_carries(error_class: type[SmtpkitError]) -> None:
    plain = error_class("it failed")
    full = error_class("it failed", stage="rcpt", reply=UNKNOWN, temporary=True, hint="Ask somebody.")
    for error in (plain, full):
        for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301
            assert carried(twin) == carried(error)


@each_class
def test_says_what_happened_the_reply_and_the_hint(error_class: type[SmtpkitError]) -> None:
    assert str(error_class("it failed")) == "it failed"
    assert str(error_class("it failed", hint="Ask.")) == "it failed\nHint: Ask."
    assert str(error_class("it failed", reply=UNKNOWN)) == "it failed: 550 5.1.1 No such user"
    whole = "it failed: 550 5.1.1 No such user\nHint: Ask."
    assert str(error_class("it failed", reply=UNKNOWN, hint="Ask.")) == whole


@each_class
def test_temporary_follows_the_reply_unless_told(error_class: type[SmtpkitError]) -> None:
    assert error_class("x", reply=GREYLISTED).temporary
    assert not error_class("x", reply=UNKNOWN).temporary
    assert not error_class("x", reply=GREYLISTED, temporary=False).temporary
    assert error_class("x", reply=UNKNOWN, temporary=True).temporary


def test_temporary_by_nature() -> None:
    assert {found.__name__ for found in CLASSES if found("x").temporary} == {
        "ConnectFailed",
        "ConnectionLost",
        "DailyLimitExceeded",
        "TimedOut",
    }


@each_class
def test_nothing_is_shared_between_errors(error_class: type[SmtpkitError]) -> None:
    error_class("x", stage="rcpt", reply=GREYLISTED, temporary=True, hint="h")
    fresh = error_class("x")
    assert (fresh.reply, fresh.hint, fresh.receipt) == (None, None, None)
    assert fresh.stage == error_class.stage


def test_usage_errors_and_delivery_errors_part_the_tree() -> None:
    leaves = [found for found in CLASSES if found is not SmtpkitError]
    assert all(issubclass(found, UsageError) is not issubclass(found, DeliveryError) for found in leaves)


def through_pickle(given: Any) -> Any:
    return pickle.loads(pickle.dumps(given))  # noqa: S301


@pytest.mark.parametrize("start", [0, 1], ids=["receipt", "error"])
@pytest.mark.parametrize("travel", [through_pickle, copy.deepcopy])
def test_receipt_and_error_travel_together(start: int, travel: Callable[[Any], Any]) -> None:
    outcomes = {"bob@example.com": Outcome("accepted"), "eve@example.com": Outcome("refused", UNKNOWN)}
    error = RecipientsRefused("one recipient was refused", reply=UNKNOWN)
    receipt = Receipt(MESSAGE, outcomes, error, attempts=2)
    twin = travel((receipt, error)[start])
    found, its_error = (twin, twin.error) if start == 0 else (twin.receipt, twin)
    assert found.error is its_error
    assert its_error.receipt.error is its_error
    assert its_error.receipt.outcomes == found.outcomes == outcomes
    assert (found.message, found.attempts) == (MESSAGE, 2)
    assert carried(its_error) == carried(error)


def test_daily_limit_travels_with_its_figures() -> None:
    error = DailyLimitExceeded("500 of 500 sent")
    error.limit, error.used, error.resets_at = 500, 500, datetime(2026, 11, 2, tzinfo=UTC)
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (twin.limit, twin.used, twin.resets_at) == (500, 500, error.resets_at)


@pytest.mark.parametrize(
    ("statuses", "safe"),
    [
        ((), True),
        (("refused",), True),
        (("not_sent",), True),
        (("refused", "not_sent"), True),
        (("accepted",), False),
        (("uncertain",), False),
        (("accepted", "refused"), False),
        (("not_sent", "uncertain"), False),
    ],
)
def test_safe_to_retry_when_nobody_may_have_it(statuses: tuple[Status, ...], safe: bool) -> None:
    error = DeliveryUncertain("no final reply")
    Receipt(MESSAGE, {f"{n}@example.com": Outcome(status) for n, status in enumerate(statuses)}, error)
    assert error.safe_to_retry is safe


def test_safe_to_retry_when_nothing_was_sent() -> None:
    assert DeliveryError("no receipt yet").safe_to_retry


def test_an_os_error_has_no_part_lost() -> None:
    error = UnreadableAttachment("cannot read", hint="Look.")
    assert isinstance(error, OSError)
    assert str(error) == "cannot read\nHint: Look."
