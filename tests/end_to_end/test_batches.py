"""`send_many` with several mails in flight to real servers, which refuse, limit and are slow. Public API only."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from uuid import uuid4

import pytest

from servers.daemon import Daemon
from servers.postfix import Postfix
from smtpkit import Message, SmtpTlsTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from both import AnyMailer, Both
    from servers.certificates import Certificates
    from servers.mta import MtaName, StartMta
    from servers.smtpd import StartSmtpd

pytest_plugins = ("both",)

SENDER = "ann@example.com"
SECONDS = 20.0
"""Much more than a batch may take here; each refusal that makes a server wait would add to it."""

Statuses: TypeAlias = dict[str, str]
"""What shall become of each recipient."""


@pytest.fixture
def marker() -> str:
    """A text that only the mails of this test contain."""
    return f"marker-{uuid4().hex}"


def mailer(both: Both, server: Daemon) -> AnyMailer:
    login = {"username": server.username, "password": server.password} if isinstance(server, Postfix) else {}
    options: dict[str, Any] = {"tls": server.certificates.ca_file, **login}
    return both.mailer(SmtpTlsTransport(server.host, server.port, **options), default_from=SENDER)


# -- refusals ----------------------------------------------------------------------


class Kind(NamedTuple):
    """A mail, and what shall become of it."""

    message: Message
    statuses: Statuses


TO_BOB = Message().subject("Hello").to("bob@example.com")
NOBODY = Message().subject("Hello").to(Daemon.refused)
GOOD = Kind(TO_BOB, {"bob@example.com": "accepted"})
REFUSED = Kind(NOBODY, {Daemon.refused: "refused"})
PARTLY = Kind(TO_BOB.to(Daemon.refused), {"bob@example.com": "accepted", Daemon.refused: "refused"})
BAD_SENDER = Kind(TO_BOB.from_(Daemon.refused_sender), {"bob@example.com": "refused"})
THREE_REFUSED = Kind(
    NOBODY.cc("one@example.org").bcc("two@example.org"),
    {Daemon.refused: "refused", "one@example.org": "refused", "two@example.org": "refused"},
)

PATTERNS: list[tuple[str, Callable[[int], Kind]]] = [
    ("every third recipient", lambda n: REFUSED if n % 3 == 2 else GOOD),
    ("every third in part", lambda n: PARTLY if n % 3 == 2 else GOOD),
    ("forty in a row", lambda n: REFUSED if 20 <= n < 60 else GOOD),
    ("forty senders in a row", lambda n: BAD_SENDER if 20 <= n < 60 else GOOD),
    ("twenty in a row with three recipients each", lambda n: THREE_REFUSED if 20 <= n < 40 else GOOD),
    ("everything", lambda n: (GOOD, REFUSED, GOOD, BAD_SENDER, PARTLY, REFUSED, THREE_REFUSED, BAD_SENDER)[n % 8]),
]


@pytest.mark.parametrize("name", ["postfix", "exim"])
@pytest.mark.parametrize("in_flight", [8, 16])
@pytest.mark.parametrize("pattern", [pattern for _, pattern in PATTERNS], ids=[name for name, _ in PATTERNS])
def test_many_refusals_are_told_and_harm_no_other(
    both: Both,
    request: pytest.FixtureRequest,
    marker: str,
    name: str,
    pattern: Callable[[int], Kind],
    in_flight: int,
) -> None:
    """With more in flight than a server bears, it may close amid bad addresses: then the window is in doubt."""
    server: Daemon = request.getfixturevalue(name)
    kinds = [pattern(n) for n in range(80)]
    mails = [kind.message.header("X-Marker", marker).text(f"mail {n}") for n, kind in enumerate(kinds)]
    begun = time.monotonic()
    receipts = list(both.send_many(mailer(both, server), mails, in_flight=in_flight))
    assert time.monotonic() - begun < SECONDS
    told = [{name: outcome.status for name, outcome in receipt.outcomes.items()} for receipt in receipts]
    sure = [number for number, receipt in enumerate(receipts) if not receipt.uncertain]
    borne = in_flight <= 8 and all(len(kind.statuses) == 1 for kind in kinds)
    assert len(told) - len(sure) <= (0 if borne else in_flight)
    assert [told[number] for number in sure] == [kinds[number].statuses for number in sure]
    sent = Counter(receipt.message.as_bytes() for receipt in receipts for _ in receipt.accepted)
    perhaps = Counter(receipt.message.as_bytes() for receipt in receipts for _ in receipt.uncertain)
    found = Counter(mail.content for mail in server.delivered(marker.encode(), count=sent.total()))
    assert sent <= found <= sent + perhaps


# -- large contents ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["postfix", "exim", "npm_server"])
def test_large_files_among_small_mails(
    both: Both, request: pytest.FixtureRequest, marker: str, name: str, tmp_path: Path
) -> None:
    server: Daemon = request.getfixturevalue(name)
    file = tmp_path / "large.bin"
    file.write_bytes(bytes(range(251)) * (5 * 1024 * 1024 // 251))
    small = [TO_BOB.header("X-Marker", marker).text(f"mail {n}") for n in range(24)]
    mails = [mail.attach(file) if n in (0, 9, 10) else mail for n, mail in enumerate(small)]
    receipts = list(both.send_many(mailer(both, server), mails, in_flight=16))
    assert [receipt.ok for receipt in receipts] == [True] * len(mails)
    sent = sorted(receipt.message.as_bytes() for receipt in receipts)
    found = sorted(mail.content for mail in server.delivered(marker.encode(), count=len(mails)))
    assert [len(content) for content in found] == [len(content) for content in sent]
    assert found == sent


# -- servers that can or want less -------------------------------------------------


@pytest.mark.parametrize("batch", [{"in_flight": 16}, {"connections": 3, "in_flight": 8}])
def test_a_server_that_cannot_pipeline(
    both: Both, smtpd: StartSmtpd, certificates: Certificates, batch: dict[str, int]
) -> None:
    server = smtpd(refused={Daemon.refused})
    sender = both.mailer(SmtpTlsTransport(server.host, server.port, tls=certificates.ca_file), default_from=SENDER)
    kinds = [REFUSED if n % 7 == 3 else GOOD for n in range(60)]
    mails = [kind.message.text(f"mail {n}") for n, kind in enumerate(kinds)]
    receipts = list(both.send_many(sender, mails, **batch))
    assert [receipt.ok for receipt in receipts] == [kind is GOOD for kind in kinds]
    sent = [receipt.message.as_bytes() for receipt in receipts if receipt.ok]
    arrived = [mail.content for mail in server.accepted]
    assert arrived == sent if "connections" not in batch else sorted(arrived) == sorted(sent)


TWO_CONNECTIONS: list[tuple[MtaName, str, str]] = [
    (
        "postfix",
        "smtpd_client_connection_count_limit = 2\nsmtpd_client_event_limit_exceptions =\n",
        "Connection concurrency limit exceeded",
    ),
    ("exim", "smtp_accept_max_per_host = 2\n", "too many connections from that IP address"),
]


@pytest.mark.parametrize(("name", "settings", "logged"), TWO_CONNECTIONS, ids=["postfix", "exim"])
def test_a_server_that_allows_fewer_connections(
    both: Both, mta: StartMta, marker: str, name: MtaName, settings: str, logged: str
) -> None:
    server = mta(name, settings)
    mails = [TO_BOB.header("X-Marker", marker).text(f"mail {n}") for n in range(100)]
    receipts = list(both.send_many(mailer(both, server), mails, connections=4, in_flight=8))
    assert [receipt.error for receipt in receipts] == [None] * len(mails)
    found = server.delivered(marker.encode(), count=len(mails))
    assert sorted(mail.content for mail in found) == sorted(receipt.message.as_bytes() for receipt in receipts)
    assert logged in server.log()
