"""Values: immutable, slotted, equal by their fields."""

from __future__ import annotations

import copy
import pickle

import pytest

from smtpkit import Address, Attachment, DsnRequest, Envelope, Message, Outcome, Receipt, RecipientDsn, Reply
from smtpkit.value import value

ANN = Address("ann@example.com", "Ann")
MESSAGE = Message().from_("ann@example.com").to("bob@example.com").subject("Hello")
OUTCOME = Outcome("accepted", Reply(250, ("2.0.0 queued",)), "4F2A")

# Each value with one that differs from it in one field.
VALUES = [
    (ANN, Address("ann@example.com")),
    (Attachment(b"%PDF", "a.pdf"), Attachment(b"%PDF", "b.pdf")),
    (Attachment(b"x", "a.png", None, "logo"), Attachment(b"x", "a.png")),
    (Envelope(ANN, ["bob@example.com"]), Envelope(None, ["bob@example.com"])),
    (Reply(250, ("ok", "done")), Reply(250, ("ok",))),
    (OUTCOME, Outcome("refused")),
    (Receipt(MESSAGE, {"bob@example.com": OUTCOME}), Receipt(MESSAGE, {"bob@example.com": OUTCOME}, attempts=2)),
    (
        Receipt(MESSAGE, {"bob@example.com": OUTCOME}, notes=("no DSN",)),
        Receipt(MESSAGE, {"bob@example.com": OUTCOME}, notes=()),
    ),
    (RecipientDsn(ANN, ["success"], "a@example.com"), RecipientDsn(ANN, ["success"])),
    (DsnRequest("delay", "full", "1", [RecipientDsn(ANN)]), DsnRequest("delay", "full", "1")),
    (Envelope(ANN, ["bob@example.com"], DsnRequest("never")), Envelope(ANN, ["bob@example.com"])),
    (Envelope(ANN, ["bob@example.com"], require_tls=True), Envelope(ANN, ["bob@example.com"])),
]
each_value = pytest.mark.parametrize(("one", "other"), VALUES, ids=lambda found: type(found).__name__)


@value
class Point:
    """A value with a default."""

    x: int
    y: int = 0


@value
class Name:
    """A value of one field."""

    text: str


def fields(given: object) -> tuple[str, ...]:
    found: tuple[str, ...] = vars(type(given))["__match_args__"]
    return found


@each_value
def test_equal_by_fields(one: object, other: object) -> None:
    same = pickle.loads(pickle.dumps(one))  # noqa: S301
    assert same == one
    assert one != other
    assert one != tuple(getattr(one, name) for name in fields(one))


@each_value
def test_copies(one: object, other: object) -> None:
    for twin in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one, protocol=2))):  # noqa: S301
        assert twin == one
        assert type(twin) is type(one)
        assert repr(twin) == repr(one)


@each_value
def test_cannot_change(one: object, other: object) -> None:
    for name in (*fields(one), "anything"):
        with pytest.raises(AttributeError, match=f"is immutable: '{name}' cannot be set or deleted"):
            setattr(one, name, 1)
        with pytest.raises(AttributeError, match="is immutable"):
            delattr(one, name)
    assert not hasattr(one, "__dict__")


@pytest.mark.parametrize(("one", "other"), [pair for pair in VALUES if not isinstance(pair[0], Receipt)])
def test_hash_follows_equality(one: object, other: object) -> None:
    assert hash(copy.deepcopy(one)) == hash(one)
    assert len({one, other, copy.copy(one), copy.copy(other)}) == 2


def test_constructor_and_defaults() -> None:
    assert Point(1) == Point(1, 0) == Point(x=1) == Point(y=0, x=1)
    with pytest.raises(TypeError, match=r"Point\.__init__\(\) missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (Point(1, 2), "Point(x=1, y=2)"),
        (Name("Ann"), "Name(text='Ann')"),
        (ANN, "Address(addr_spec='ann@example.com', display_name='Ann')"),
        (Reply(250, ("ok",)), "Reply(code=250, lines=('ok',))"),
        (Attachment(bytes(5000), "a.pdf"), "Attachment(5000 octets, filename='a.pdf', content_type='application/pdf')"),
        (
            Attachment(b"", "a.png", content_id="logo"),
            "Attachment(0 octets, filename='a.png', content_type='image/png', content_id='logo')",
        ),
    ],
)
def test_repr(given: object, shown: str) -> None:
    assert repr(given) == shown


def test_match_by_position() -> None:
    match Point(1, 2):
        case Point(1, y):
            assert y == 2
        case _:
            pytest.fail("no match")
    match Name("Ann"):
        case Name(text):
            assert text == "Ann"


@pytest.mark.parametrize(("one", "other"), [(Name("1"), Point(1)), (Point(1), 1), (Point(1), (1, 0))])
def test_values_of_other_types_differ(one: object, other: object) -> None:
    assert one != other
