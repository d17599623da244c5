"""The pytest plugin in the test suites of applications, and what it costs where it is not used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from needs import lacking

EXAMPLES = Path(__file__).parents[2] / "examples"
APPLICATIONS = {"flask_app": ("flask",), "fastapi_app": ("fastapi", "httpx")}


def pytest_in(directory: Path, *options: str) -> str:
    """The output of a pytest that passes there, with all warnings as errors."""
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", "--rootdir", ".", *options]
    names = ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_CURRENT_TEST", "SMTP_URL")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    ran = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("application", APPLICATIONS)
def test_an_application(application: str, tmp_path: Path) -> None:
    for library in APPLICATIONS[application]:
        if find_spec(library) is None:
            lacking(f"{library} is not installed", "SMTPKIT_REQUIRE_EXAMPLES")
    there = shutil.copytree(EXAMPLES / application, tmp_path / application)
    (there / "pytest.ini").write_text("[pytest]\n")
    told = pytest_in(there, "-n", "2")
    assert "failed" not in told
    assert "skipped" not in told


UNUSED = """
import json, sys

def test_nothing():
    print(json.dumps(sorted(name for name in sys.modules if name.split(".")[0] == "smtpkit")))
"""


def test_it_costs_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_nothing.py").write_text(UNUSED)
    told = pytest_in(tmp_path, "-q", "-s")
    loaded = json.loads(told[told.index("[") : told.index("]") + 1])
    assert loaded == ["smtpkit", "smtpkit.testing", "smtpkit.testing.plugin"]


def test_its_fixtures_explain_themselves(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    told = pytest_in(tmp_path, "--fixtures", "-v")
    for name in ("mailbox", "smtp_server", "message_snapshot"):
        assert f"\n{name} --" in told
