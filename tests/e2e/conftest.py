"""One running installation for the tests of a module."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running_hub import RunningHub


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    """`shenguan up` in a fresh data directory; everything runs when the test begins."""
    with (
        tempfile.TemporaryDirectory(prefix="sg-e2e-", ignore_cleanup_errors=True) as folder,
        RunningHub(Path(folder) / "data") as hub,
    ):
        yield hub
