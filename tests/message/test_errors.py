"""Errors: what they say, what they carry, and that they travel between processes."""

from __future__ import annotations

import copy
import pickle
import runpy
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

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
    TransportFailed,
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
def test_travels_with_its_receipt_and_without_its_cause(error_class: type[SmtpkitError]) -> None:
    """A cause may be an object that cannot travel, such as that of another library."""
    error = error_class("it failed", reply=UNKNOWN)
    error.__cause__ = OSError(lambda: "this cannot be pickled")
    error.add_note("seen in a worker")
    receipt = Receipt(MESSAGE, {"bob@example.com": Outcome("refused", UNKNOWN)}, error)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        twin = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301
        assert carried(twin) == carried(error)
        assert twin.receipt.error is twin
        assert (twin.receipt.message, twin.receipt.outcomes) == (receipt.message, receipt.outcomes)
        assert (twin.__cause__, twin.__notes__) == (None, ["seen in a worker"])
        assert (twin.recipients, twin.safe_to_retry) == (("bob@example.com",), True)


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
        "LimitExceeded",
        "RateLimitExceeded",
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


@each_class
def test_safe_to_retry_without_a_receipt(error_class: type[SmtpkitError]) -> None:
    assert error_class("it failed").safe_to_retry is (error_class not in (DeliveryUncertain, TransportFailed))


@each_class
def test_whom_it_concerns(error_class: type[SmtpkitError]) -> None:
    error = error_class("it failed")
    assert not error.recipients
    statuses: tuple[Status, ...] = ("accepted", "refused", "accepted", "not_sent", "uncertain")
    Receipt(MESSAGE, {f"{n}@example.com": Outcome(status) for n, status in enumerate(statuses)}, error)
    assert error.recipients == ("1@example.com", "3@example.com", "4@example.com")


def test_the_page_of_errors_is_up_to_date() -> None:
    root = Path(__file__).parents[2]
    script = runpy.run_path(str(root / "scripts" / "error_table.py"))
    assert (root / "docs" / "errors.md").read_text("utf-8") == script["render"](), "run scripts/error_table.py"


def test_what_the_page_adds_fits_the_classes() -> None:
    facts: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "error_table.py"))["FACTS"]
    for name, told in facts.items():
        error = getattr(errors, name)
        stages = told.stages.split()
        assert issubclass(error, DeliveryError)
        assert set(stages) <= set(get_args(errors.Stage))
        assert error.stage is None or error.stage in stages
        assert error.temporary is told.temporary.startswith("yes") or not told.temporary


def test_an_os_error_has_no_part_lost() -> None:
    error = UnreadableAttachment("cannot read", hint="Look.")
    assert isinstance(error, OSError)
    assert str(error) == "cannot read\nHint: Look."
