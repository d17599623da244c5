"""The figures of the benchmarks can be trusted: the sink counts what a client with known flights does."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from benchmarks.sink import PASSWORD, USERNAME, Connected, Security, Sink

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

DELAY = 0.05  # pieces of one flight have so long to arrive, on whatever machine
OFFERS = ("PIPELINING", "CHUNKING", "8BITMIME")

# What a client says, and how many lines of answer it then waits for. A list stands for one flight in pieces.
ENVELOPE = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n"
CONTENT = b"Subject: x\r\n\r\n..\r\nHello\r\n"
BDAT = ENVELOPE + b"BDAT %d LAST\r\n" % len(CONTENT) + CONTENT
EHLO = (b"EHLO x\r\n", 4)


class Client:
    """Says exactly what it is told to."""

    def __init__(self, sink: Sink) -> None:
        self.socket = socket.create_connection((sink.host, sink.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self.socket.makefile("rb")
        self.hear(1)

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def hear(self, count: int) -> list[bytes]:
        return [self._lines.readline().rstrip() for _ in range(count)]

    def close(self) -> None:
        self._lines.close()
        self.socket.close()


@contextmanager
def client_of(sink: Sink) -> Generator[Client]:
    client = Client(sink)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture(scope="module")
def slow() -> Iterator[Sink]:
    with Sink(OFFERS, delay=DELAY) as sink:
        yield sink


@pytest.fixture(scope="module")
def quick() -> Iterator[Sink]:
    with Sink(OFFERS) as sink:
        yield sink


def latest(sink: Sink) -> Connected:
    return sink.report().connections[-1]


@pytest.mark.parametrize(
    ("turns", "flights"),
    [
        pytest.param([EHLO, (BDAT, 3)], 3, id="MAIL, RCPT and BDAT in one flight"),
        pytest.param([EHLO, (ENVELOPE + b"DATA\r\n", 3), (CONTENT + b".\r\n", 1)], 4, id="DATA rides along"),
        pytest.param([EHLO, (ENVELOPE, 2), (b"DATA\r\n", 1), (CONTENT + b".\r\n", 1)], 5, id="DATA on its own"),
        pytest.param(
            [EHLO, (ENVELOPE[:27], 1), (ENVELOPE[27:], 1), (b"DATA\r\n", 1), (CONTENT + b".\r\n", 1)],
            6,
            id="nothing pipelined",
        ),
        pytest.param([(b"EHLO x\r\n" + BDAT, 7)], 2, id="does not wait for EHLO"),
    ],
)
def test_flights_of_one_message(slow: Sink, turns: list[tuple[bytes, int]], flights: int) -> None:
    with client_of(slow) as client:
        for said, answers in turns:
            client.say(said)
            client.hear(answers)
        counted = latest(slow)
    assert counted == Connected(
        messages=1, octets=len(CONTENT), refused=0, flights=flights, first=flights, last=flights
    )


def test_a_flight_in_pieces_is_one_flight(slow: Sink) -> None:
    with client_of(slow) as client:
        client.say(*(BDAT[at : at + 7] for at in range(0, len(BDAT), 7)))
        client.hear(3)
        assert latest(slow).flights == 2


def test_answers_overlap(slow: Sink) -> None:
    """A window of 8 transactions: whoever waits for the oldest alone gets 8 messages in each flight."""
    window, count = 8, 40
    transaction = BDAT + b"RSET\r\n"
    with client_of(slow) as client:
        client.say(transaction * window)
        for number in range(count):
            client.hear(4)
            if number + window < count:
                client.say(transaction)
        counted = latest(slow)
    assert (counted.messages, counted.first, counted.last) == (count, 2, 2 + count // window - 1)


def test_connections_are_counted_apart(slow: Sink) -> None:
    before = slow.report()
    with client_of(slow) as one, client_of(slow) as other:
        one.say(b"NOOP\r\n")
        one.hear(1)
        one.say(BDAT)
        other.say(BDAT)
        one.hear(3)
        other.hear(3)
        after = slow.report()
    assert [each.flights for each in after.connections[len(before.connections) :]] == [3, 2]
    assert after.messages == before.messages + 2


@pytest.mark.parametrize("step", [1, 3, 100_000])
@pytest.mark.parametrize(
    "content", [b"", CONTENT, b"x\r\n" * 50, b"\r\n.x\r\n\r\n"], ids=["empty", "dots", "lines", "a dot at an edge"]
)
def test_content_ends_where_it_ends(quick: Sink, content: bytes, step: int) -> None:
    said = ENVELOPE + b"DATA\r\n" + content + b".\r\n" + BDAT + b"NOOP\r\n"
    with client_of(quick) as client:
        client.say(*(said[at : at + step] for at in range(0, len(said), step)))
        answers = client.hear(8)
        counted = latest(quick)
    assert [line[:3] for line in answers] == [b"250", b"250", b"354", b"250", b"250", b"250", b"250", b"250"]
    assert (counted.messages, counted.octets, counted.refused) == (2, len(content) + len(CONTENT), 0)


def test_several_chunks_are_one_message(quick: Sink) -> None:
    with client_of(quick) as client:
        client.say(ENVELOPE + b"BDAT 3\r\nabcBDAT 0\r\nBDAT 2 LAST\r\nde" + ENVELOPE + b"RSET\r\nBDAT 0 LAST\r\n")
        client.hear(9)
        counted = latest(quick)
    assert (counted.messages, counted.octets, counted.refused) == (1, 5, 1)


@pytest.mark.parametrize("said", [b"RCPT TO:<a@b.test>", b"DATA", b"MAIL FROM:<>\r\nDATA", b"STARTTLS", b"WHAT"])
def test_what_no_server_wants_to_hear_is_refused(quick: Sink, said: bytes) -> None:
    with client_of(quick) as client:
        client.say(said + b"\r\n")
        *_, answer = client.hear(said.count(b"\r\n") + 1)
        assert answer.startswith(b"50")
        assert latest(quick).refused == 1


@pytest.mark.parametrize(("security", "flights"), [("starttls", 10), ("tls", 8)])
def test_tls_and_log_in_count(tmp_path: Path, security: Security, flights: int) -> None:
    """The greeting, EHLO (twice with STARTTLS), the handshake, AUTH, and four for a mail of smtplib."""
    ca_file = tmp_path / "ca.pem"
    with Sink(OFFERS, security=security, ca_file=ca_file, delay=DELAY) as sink:
        context = ssl.create_default_context(cafile=str(ca_file))
        with (
            smtplib.SMTP_SSL(sink.host, sink.port, local_hostname="x", timeout=10, context=context)
            if security == "tls"
            else smtplib.SMTP(sink.host, sink.port, local_hostname="x", timeout=10)
        ) as client:
            if security == "starttls":
                client.starttls(context=context)
            client.login(USERNAME, PASSWORD)
            for _ in range(2):
                client.sendmail("a@example.com", ["b@example.com"], CONTENT)
        (counted,) = sink.report().connections
    assert (counted.messages, counted.first, counted.last, counted.refused) == (2, flights, flights + 4, 0)


def test_no_mail_without_log_in(tmp_path: Path) -> None:
    with Sink(security="starttls", ca_file=tmp_path / "ca.pem") as sink, client_of(sink) as client:
        client.say(ENVELOPE)
        assert client.hear(2)[0].startswith(b"530")


def test_it_ends_with_its_time() -> None:
    with Sink(lifetime=1) as sink, client_of(sink) as client:
        assert client.socket.recv(1) == b""
