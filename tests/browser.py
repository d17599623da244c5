"""Chromium, driven by Playwright: a test module gets the fixture ``chromium`` by ``pytest_plugins = ("browser",)``."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from needs import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_REQUIRED = "SMTPKIT_REQUIRE_CHROMIUM"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser with a new profile, for a module."""
    path = shutil.which("chromium")
    if path is None:
        lacking("Chromium is not installed here", _REQUIRED)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        lacking("Playwright is not installed here", _REQUIRED)
    profile = tmp_path_factory.mktemp("profile")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(profile, executable_path=path, args=_FLAGS)
        context.set_default_timeout(15_000)
        yield context
        context.close()
