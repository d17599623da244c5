"""Fixtures: certificates and the servers that tests send to."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from servers.certificates import Certificates
from servers.exim import Exim, find_exim
from servers.postfix import Postfix, find_postfix
from servers.smtp_server import SmtpServer, find_smtp_server
from servers.smtpd import Smtpd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn, Unpack

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


@pytest.fixture(scope="session")
def postfix(certificates: Certificates) -> Iterator[Postfix]:
    """One Postfix for the whole run; tell your mails from others by a marker in them."""
    installation = find_postfix()
    if installation is None:
        lacks("POSTFIX", "Postfix and Cyrus SASL are not installed here, or this is not root")
    with Postfix(installation, certificates) as server:
        yield server


@pytest.fixture(scope="session")
def exim(certificates: Certificates) -> Iterator[Exim]:
    """One Exim for the whole run."""
    installation = find_exim()
    if installation is None:
        lacks("EXIM", "Exim is neither in .servers/exim nor named by SMTPKIT_EXIM, or it does not run here")
    with Exim(installation, certificates) as server:
        yield server


@pytest.fixture(scope="session")
def smtp_server(certificates: Certificates) -> Iterator[SmtpServer]:
    """One smtp-server of npm for the whole run."""
    installation = find_smtp_server()
    if installation is None:
        lacks("NODE", "There is no Node here, or `npm ci` was not run in tests/servers/node")
    with SmtpServer(installation, certificates) as server:
        yield server


def lacks(name: str, reason: str) -> NoReturn:
    """Skip, or fail where SMTPKIT_REQUIRE_<name> is 1."""
    if os.environ.get(f"SMTPKIT_REQUIRE_{name}") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason why tests were skipped."""
    reports: list[pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2] for report in reports if isinstance(report.longrepr, tuple))
    for reason, count in reasons.items():
        terminalreporter.write_line(f"{count} not run: {reason.removeprefix('Skipped: ')}")
