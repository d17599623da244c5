"""Fixtures: certificates and the servers that tests send to."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from needs import lacking
from servers.certificates import Certificates
from servers.exim import Exim, find_exim
from servers.postfix import Postfix, find_postfix
from servers.smtp_server import SmtpServer, find_smtp_server
from servers.smtpd import Smtpd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from servers.mta import Mta, MtaName, StartMta
    from servers.smtpd import Options, StartSmtpd


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One CA for the whole run: keys take a while to make."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def smtpd(certificates: Certificates) -> Iterator[StartSmtpd]:
    """``server = smtpd(security="tls", username="ann", password="secret")``."""
    with ExitStack() as stack:

        def start(**options: Unpack[Options]) -> Smtpd:
            return stack.enter_context(Smtpd(certificates, **options))

        yield start


def _postfix(certificates: Certificates, settings: str = "") -> Postfix:
    installation = find_postfix()
    if installation is None:
        lacking("Postfix and Cyrus SASL are not installed here, or this is not root", "SMTPKIT_REQUIRE_POSTFIX")
    return Postfix(installation, certificates, settings)


def _exim(certificates: Certificates, settings: str = "") -> Exim:
    installation = find_exim()
    if installation is None:
        lacking(
            "Exim is neither in .servers/exim nor named by SMTPKIT_EXIM, or it does not run here",
            "SMTPKIT_REQUIRE_EXIM",
        )
    return Exim(installation, certificates, settings)


@pytest.fixture(scope="session")
def postfix(certificates: Certificates) -> Iterator[Postfix]:
    """One Postfix for the whole run; tell your mails from others by a marker in them."""
    with _postfix(certificates) as server:
        yield server


@pytest.fixture(scope="session")
def exim(certificates: Certificates) -> Iterator[Exim]:
    """One Exim for the whole run."""
    with _exim(certificates) as server:
        yield server


@pytest.fixture
def mta(certificates: Certificates) -> Iterator[StartMta]:
    """``server = mta("exim", "queue_only = true")``: a server with settings of its own, for one test."""
    with ExitStack() as stack:

        def started(name: MtaName, settings: str) -> Mta:
            return stack.enter_context((_postfix if name == "postfix" else _exim)(certificates, settings))

        yield started


@pytest.fixture(scope="session")
def npm_server(certificates: Certificates) -> Iterator[SmtpServer]:
    """One smtp-server of npm for the whole run."""
    installation = find_smtp_server()
    if installation is None:
        lacking("There is no Node here, or `make npm` was not run", "SMTPKIT_REQUIRE_NODE")
    with SmtpServer(installation, certificates) as server:
        yield server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason why tests were skipped."""
    reports: list[pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2] for report in reports if isinstance(report.longrepr, tuple))
    for reason, count in reasons.items():
        terminalreporter.write_line(f"{count} not run: {reason.removeprefix('Skipped: ')}")
