"""What a batch takes, holds and gives back: laziness, order, early ends, errors, limits, interruptions."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from simulation import COUNTS, MODES, TWELVE, Source, mail, refused, shown, simulated, transport, untrue
from smtpkit import DailyLimit, DailyLimitExceeded, Mailer, Message, RawMessage, Receipt, Retry, UnreadableAttachment
from truth import CHUNKING, PIPELINING, Fault, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from both import Both

pytest_plugins = ("both",)

EXTENSIONS = [pytest.param(extensions, id=name) for name, extensions in MODES.items()]


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize(("connections", "in_flight"), COUNTS)
def test_no_more_is_taken_than_there_is_room_for(
    both: Both, extensions: tuple[str, ...], connections: int, in_flight: int
) -> None:
    source, truth = Source(), Truth(extensions)
    receipts: list[Receipt] = []
    with simulated(truth) as runtime:
        mailer = both.mailer(transport())
        batch = both.send_many(mailer, iter(source), connections=connections, in_flight=in_flight)
        assert source.taken == []
        assert truth.sessions == []
        for receipt in batch:
            receipts.append(receipt)
            assert len(source.taken) - len(receipts) < connections * in_flight
        both.close(mailer)
    assert untrue(truth, TWELVE, receipts) == []
    assert all(receipt.ok for receipt in receipts)
    assert len(truth.sessions) <= connections
    assert all(stream.closed for stream in runtime.streams)


@pytest.mark.parametrize(("connections", "in_flight"), COUNTS)
@pytest.mark.parametrize("wanted", [1, 2, 5])
def test_leaving_early(both: Both, connections: int, in_flight: int, wanted: int) -> None:
    source, truth = Source(), Truth()
    with simulated(truth):
        mailer, generator = both.mailer(transport()), iter(source)
        with both.send_many(mailer, generator, connections=connections, in_flight=in_flight) as batch:
            receipts = [next(batch) for _ in range(wanted)]
        assert source.ended
        assert list(batch) == []
        receipts += batch.batch.remaining
        assert untrue(truth, source.taken, receipts) == []
        assert all(receipt.ok for receipt in receipts)
        both.close(mailer)


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize(("connections", "in_flight"), COUNTS)
@pytest.mark.parametrize("at", [0, 1, 3, 8])
def test_an_error_of_the_iterable_comes_after_the_receipts(
    both: Both, extensions: tuple[str, ...], connections: int, in_flight: int, at: int
) -> None:
    source, truth = Source(ZeroDivisionError(), at), Truth(extensions)
    receipts: list[Receipt] = []
    with simulated(truth):
        mailer = both.mailer(transport())
        batch = both.send_many(mailer, iter(source), connections=connections, in_flight=in_flight)
        with pytest.raises(ZeroDivisionError):
            receipts.extend(batch)
        assert list(batch) == []
        both.close(mailer)
    assert untrue(truth, TWELVE[:at], receipts) == []
    assert all(receipt.ok for receipt in receipts)


@pytest.mark.parametrize(("connections", "in_flight"), COUNTS)
def test_a_generator_that_closes_its_batch(connections: int, in_flight: int) -> None:
    truth = Truth()

    def messages() -> Iterator[RawMessage]:
        yield from TWELVE[:5]
        batch.close()
        yield TWELVE[5]

    with simulated(truth), Mailer(transport()) as mailer:
        batch = mailer.send_many(messages(), connections=connections, in_flight=in_flight)
        receipts = list(batch)
    assert list(batch) == []
    assert untrue(truth, TWELVE[:5], [*receipts, *batch.remaining]) == []


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize(("connections", "in_flight"), COUNTS)
def test_what_was_taken_is_written_while_the_next_one_takes_long(
    extensions: tuple[str, ...], connections: int, in_flight: int
) -> None:
    truth = Truth(extensions)

    def pause() -> None:
        runtime.advance(runtime.now() + 1)
        begun.append((len(source.taken), sum(session.verbs.count("MAIL") for session in truth.sessions)))

    source, begun = Source(pause=pause), list[tuple[int, int]]()
    with simulated(truth) as runtime, Mailer(transport()) as mailer:
        receipts = list(mailer.send_many(source, connections=connections, in_flight=in_flight))
    assert untrue(truth, TWELVE, receipts) == []
    assert [taken for taken, _ in begun] == [mails for _, mails in begun]


@pytest.mark.parametrize("slow", [Message(), mail(3)])
def test_receipts_that_came_before_their_turn_are_not_kept_by_slow_messages(
    both: Both, slow: Message | RawMessage
) -> None:
    """The first mail is tried again, so that the others of its window are heard; those that follow take long."""
    truth = Truth()

    def messages() -> Iterator[Message | RawMessage]:
        yield from (refused("rcpt", "451", 0), mail(1), mail(2))
        for taken in range(3):
            runtime.advance(runtime.now() + 1)
            given.append(taken)
            yield slow

    given: list[int] = []
    with simulated(truth) as runtime:
        mailer = both.mailer(transport(), retry=Retry(2))
        batch = both.send_many(mailer, messages(), in_flight=3)
        before = [(receipt.ok, len(given)) for receipt in batch]
        both.close(mailer)
    assert truth.problems == []
    assert before[:3] == [(False, 0), (True, 1), (True, 2)]
    assert len(before) == 6


def test_one_connection_is_waited_for_while_others_go_on() -> None:
    """The last mail, held on the second connection, is written before the first one is waited for."""
    truth = Truth(CHUNKING, faults={0: Fault("reply", 4, "late"), 1: Fault("reply", 4, "late")})
    with simulated(truth) as runtime, Mailer(transport()) as mailer:
        receipts = list(mailer.send_many(TWELVE[:9], connections=2, in_flight=8))
        assert runtime.now() < 60
    assert untrue(truth, TWELVE[:9], receipts) == []


@pytest.mark.parametrize(("connections", "in_flight"), COUNTS)
@pytest.mark.parametrize("count", [1, 5, 11])
def test_a_limit_in_a_batch(both: Both, connections: int, in_flight: int, count: int) -> None:
    limit, truth = DailyLimit(count), Truth()
    with simulated(truth):
        mailer = both.mailer(transport(), limits=limit)
        receipts = list(both.send_many(mailer, TWELVE, connections=connections, in_flight=in_flight))
        assert limit.used() == count
        both.close(mailer)
    assert untrue(truth, TWELVE, receipts) == []
    assert [receipt.ok for receipt in receipts] == [number < count for number in range(12)]
    assert all(isinstance(receipt.error, DailyLimitExceeded) for receipt in receipts[count:])


@pytest.mark.parametrize(("connections", "in_flight"), COUNTS)
def test_a_limit_gets_back_what_was_refused(both: Both, connections: int, in_flight: int) -> None:
    limit, truth = DailyLimit(100), Truth()
    mails = [refused("rcpt", "550", number) if number % 3 == 0 else mail(number) for number in range(12)]
    with simulated(truth):
        mailer = both.mailer(transport(), limits=limit)
        receipts = list(both.send_many(mailer, mails, connections=connections, in_flight=in_flight))
        assert limit.used() == len(truth.accepted) == 8
        both.close(mailer)
    assert untrue(truth, mails, receipts) == []


@pytest.mark.parametrize("extensions", [CHUNKING, PIPELINING], ids="-".join)
@pytest.mark.parametrize("place", range(4))
def test_a_file_that_breaks_off_costs_only_its_own_mail(
    extensions: tuple[str, ...], place: int, tmp_path: Path
) -> None:
    file, truth = tmp_path / "report.bin", Truth(extensions)
    file.write_bytes(bytes(400_000))

    def messages() -> Iterator[Message]:
        for number in range(4):
            message = Message().from_(f"s{number}@a.test").to(f"r{number}@b.test").text("Hi")
            yield message.attach(file) if number == place else message
            if number == place:
                file.write_bytes(bytes(200_000))

    with simulated(truth), Mailer(transport()) as mailer:
        receipts = list(mailer.send_many(messages(), in_flight=8))
    assert [receipt.ok for receipt in receipts] == [number != place for number in range(4)]
    assert isinstance(receipts[place].error, UnreadableAttachment)
    assert shown(receipts[place]) == "not_sent"
    assert sorted(each.recipient for each in truth.accepted) == [f"r{n}@b.test" for n in range(4) if n != place]


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize("length", [0, 200_000])
@pytest.mark.parametrize("place", range(4))
def test_a_factory_that_raises_costs_only_its_own_mail(
    both: Both, extensions: tuple[str, ...], place: int, length: int
) -> None:
    """Before anything is said, or in the middle."""
    truth = Truth(extensions)

    def broken() -> Iterator[bytes]:
        yield bytes(length)
        raise LookupError("no such row")

    base = [Message().from_(f"s{n}@a.test").to(f"r{n}@b.test").text("Hi") for n in range(4)]
    base[place] = base[place].attach(broken, filename="x.bin", size=2 * length + 9)
    with simulated(truth):
        mailer = both.mailer(transport())
        receipts = list(both.send_many(mailer, base, in_flight=8))
        both.close(mailer)
    assert [shown(receipt) for receipt in receipts] == [
        "not_sent" if number == place else "accepted 250" for number in range(4)
    ]
    error = receipts[place].error
    assert isinstance(error, UnreadableAttachment)
    assert error.message == "the factory of 'x.bin' raised LookupError: no such row"
    assert isinstance(error.__cause__, LookupError)
    assert len(truth.accepted) == 3


@pytest.mark.parametrize("in_flight", [1, 8])
@pytest.mark.parametrize("turned_away", [1, 2, 3])
def test_a_further_connection_that_is_turned_away(both: Both, in_flight: int, turned_away: int) -> None:
    truth = Truth(faults={number: Fault("reply", 0, "421") for number in range(turned_away, 9)})
    with simulated(truth):
        mailer = both.mailer(transport())
        receipts = list(both.send_many(mailer, TWELVE, connections=4, in_flight=in_flight))
        both.close(mailer)
    assert untrue(truth, TWELVE, receipts) == []
    assert [shown(receipt) for receipt in receipts] == ["accepted 250"] * 12
    assert len(truth.sessions) <= turned_away + 1


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize("connections", [2, 3])
@pytest.mark.parametrize("lost", [0, 1])
@pytest.mark.parametrize("again", [Fault("greeting", 0, "421"), Fault("connect", 0, "reset")])
def test_a_lost_connection_that_cannot_be_replaced_leaves_its_mails_to_the_others(
    both: Both, extensions: tuple[str, ...], connections: int, lost: int, again: Fault
) -> None:
    truth = Truth(extensions, faults={lost: Fault("MAIL", 2, "421"), **dict.fromkeys(range(connections, 99), again)})
    mails = [mail(number) for number in range(30)]
    with simulated(truth) as runtime:
        mailer = both.mailer(transport())
        receipts = list(both.send_many(mailer, mails, connections=connections, in_flight=4))
        both.close(mailer)
    assert untrue(truth, mails, receipts) == []
    assert [shown(receipt) for receipt in receipts] == ["accepted 250"] * 30
    assert (runtime.now(), len(truth.sessions)) == (0, connections + 1)


@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize("connections", [2, 3, 4])
@pytest.mark.parametrize("each", [1, 3, 5])
def test_a_batch_never_waits_for_a_connection_of_its_own(
    both: Both, extensions: tuple[str, ...], connections: int, each: int
) -> None:
    """Also where what the others give back is worn out: those whose mails are not sent hear what the server said."""
    turned_away = Fault("greeting", 0, "421")
    truth = Truth(extensions, faults=dict.fromkeys(range(connections + 1, 99), turned_away))
    mails = [mail(number) for number in range(30)]
    with simulated(truth) as runtime:
        mailer = both.mailer(transport(messages_per_connection=each))
        receipts = list(both.send_many(mailer, mails, connections=connections, in_flight=4))
        both.close(mailer)
    assert untrue(truth, mails, receipts) == []
    assert {shown(receipt) for receipt in receipts} == {"accepted 250", "not_sent 421"}
    assert runtime.now() == 0


def test_every_connection_is_turned_away(both: Both) -> None:
    truth = Truth(faults={number: Fault("reply", 0, "421") for number in range(99)})
    with simulated(truth):
        mailer = both.mailer(transport())
        receipts = list(both.send_many(mailer, TWELVE, connections=4, in_flight=8))
        both.close(mailer)
    assert untrue(truth, TWELVE, receipts) == []
    assert [shown(receipt) for receipt in receipts] == ["not_sent 421"] * 12


def test_a_batch_that_is_dropped_lets_go_of_its_connections_at_once() -> None:
    """Without the garbage collector: a mail that comes next needs one."""
    gc.disable()
    try:
        with simulated(Truth()) as runtime:
            mailer = Mailer(transport())
            batch = mailer.send_many(TWELVE, connections=2, in_flight=4)
            assert next(batch).ok
            del batch
            assert mailer.send(mail(20)).ok
            assert runtime.now() == 0
    finally:
        gc.enable()
