"""One county for the module: its own database and topics on the test run's servers."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from connectors.bus import BusSettings
from tests import session_parts
from tests.conftest import Parts, _make_database
from tests.county.county import County


@pytest.fixture(scope="module")
def county(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    """Set up and not running."""
    bus = BusSettings(parts.kafka_bootstrap, fetch_max_wait_ms=100, partitions=1)
    for url in _make_database(parts, template=session_parts.ask("template")["database"]):
        engine = create_engine(url, pool_size=10)
        area = f"99{random.randrange(10**10):010d}"
        try:
            yield County(engine, url, bus, area, tmp_path_factory.mktemp("county"))
        finally:
            engine.dispose()
