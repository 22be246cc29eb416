"""One running installation for the tests of a module."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser_install import PATIENCE_MS, find
from tests.e2e.running_hub import RunningHub


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    """`shenguan up` in a fresh data directory; everything runs when the test begins."""
    with (
        tempfile.TemporaryDirectory(prefix="sg-e2e-", ignore_cleanup_errors=True) as folder,
        RunningHub(Path(folder) / "data") as hub,
    ):
        yield hub


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser, whose pages are waited for."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox"])
        yield browser
        browser.close()
