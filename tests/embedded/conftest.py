"""A private installation that a fault test may kill as it likes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shenguan.embedded.installation import Installation


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """All three parts, the broker on the object store, in a folder of their own."""
    own = start_installation(tmp_path_factory.mktemp("installation") / "data")
    yield own
    for part in reversed(own.parts):
        part.kill()


def start_installation(data: Path) -> Installation:
    installation = Installation(data)
    installation.start(lambda part, state: None)
    return installation
