"""A batch that is interrupted at every place: nothing stays open, nothing goes twice, and what is in doubt is said."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

from simulation import COUNTS, MODES, TWELVE, Source, mail, simulated, transport
from smtpkit import DailyLimit, Mailer, Receipt
from smtpkit.runtime.simulated import SimulatedStream
from truth import Truth

if TYPE_CHECKING:
    from both import Both

pytest_plugins = ("both",)


class Interrupted:
    """Raises ``error`` at the n-th time that the conversation reads, writes or looks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]) -> None:
        self.left = 0
        for name in ("read", "write", "received"):
            monkeypatch.setattr(SimulatedStream, name, self._interrupting(getattr(SimulatedStream, name), error))

    def _interrupting(self, plain: Any, error: type[BaseException]) -> Any:
        async def method(stream: SimulatedStream, *args: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                # What is written is heard, even if nobody comes to know.
                if args and isinstance(args[0], bytes):
                    await plain(stream, *args)
                raise error
            return await plain(stream, *args)

        return method


def check_interruption(truth: Truth, receipts: list[Receipt], error: BaseException, reserved: int) -> None:
    """Nothing went twice, and what may have gone without a receipt is in the notes."""
    assert max(truth.accepted.values(), default=0) <= 1
    assert all(receipt.ok for receipt in receipts)
    known = {name for receipt in receipts for name in receipt.outcomes}
    notes = " ".join(getattr(error, "__notes__", ()))
    silent = [each.recipient for each in truth.accepted if each.recipient not in known and each.recipient not in notes]
    assert not silent, f"accepted, and nobody was told: {silent}"
    assert reserved >= len(truth.accepted)


@pytest.mark.parametrize("extensions", MODES.values(), ids=MODES)
@pytest.mark.parametrize(("connections", "in_flight"), COUNTS)
def test_interrupted_at_every_place(
    both: Both,
    monkeypatch: pytest.MonkeyPatch,
    extensions: tuple[str, ...],
    connections: int,
    in_flight: int,
) -> None:
    error: type[BaseException] = KeyboardInterrupt if both.kind == "sync" else asyncio.CancelledError
    interrupted = Interrupted(monkeypatch, error)
    for number in range(1, 200):
        truth, limit = Truth(extensions), DailyLimit(100)
        with simulated(truth) as runtime:
            mailer = both.mailer(transport(connections=connections), limits=limit)
            receipts: list[Receipt] = []
            batch = both.send_many(mailer, TWELVE, connections=connections, in_flight=in_flight)
            interrupted.left = number
            try:
                receipts.extend(batch)
            except BaseException as caught:
                if not isinstance(caught, error):
                    raise
                interrupted.left = 0
                check_interruption(truth, receipts, caught, limit.used())
            else:
                break
            assert list(batch) == []
            began = runtime.now()
            assert both.send(mailer, mail("after")).ok
            assert runtime.now() - began < 1, "it waited for a place in the pool"
            both.close(mailer)
            assert all(stream.closed for stream in runtime.streams)
    else:
        pytest.fail("it never came to the end")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize(("connections", "in_flight"), COUNTS)
@pytest.mark.parametrize("at", [0, 1, 3, 8])
def test_the_iterable_is_interrupted(error: type[BaseException], connections: int, in_flight: int, at: int) -> None:
    truth, limit, source = Truth(), DailyLimit(100), Source(error(), at)
    receipts: list[Receipt] = []
    with simulated(truth) as runtime, Mailer(transport(), limits=limit) as mailer:
        with pytest.raises(error) as caught:
            receipts.extend(mailer.send_many(source, connections=connections, in_flight=in_flight))
        mailer.close()
        check_interruption(truth, receipts, caught.value, limit.used())
        notes = getattr(caught.value, "__notes__", ())
        assert all(note.startswith("smtpkit: a mail without Message-ID ") for note in notes)
        assert mailer.send(mail("after")).ok
        mailer.close()
        assert all(stream.closed for stream in runtime.streams)


def test_closing_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The receipts that were there by then are not lost, and the generator is closed."""
    interrupted = Interrupted(monkeypatch, KeyboardInterrupt)
    truth, source = Truth(), Source()
    with simulated(truth, "line"), Mailer(transport()) as mailer:
        batch = mailer.send_many(iter(source), in_flight=8)
        first = next(batch)
        interrupted.left = 14
        with pytest.raises(KeyboardInterrupt) as caught:
            batch.close()
        assert source.ended
        assert 1 <= len(batch.remaining) < 7
        check_interruption(truth, [first, *batch.remaining], caught.value, 12)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_batch_that_is_forgotten_holds_no_place() -> None:
    truth = Truth()
    with simulated(truth) as runtime, Mailer(transport()) as mailer:
        for _ in range(3):
            batch: Any = mailer.send_many(TWELVE, in_flight=8)
            assert next(batch).ok
            del batch
            gc.collect()
        assert mailer.send(mail("after")).ok
        assert runtime.now() < 1
