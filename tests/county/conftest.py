"""One county for the module: its own database and topics on the test run's servers."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from werkzeug.serving import make_server

from admin import AdminConfig, create_app
from connectors.bus import BusSettings
from hub.ports import Desk
from storage.files import FileStore
from storage.intake.finish import Intake
from storage.intake.spool import Spool
from storage.key_encryption import KeyEncryption
from storage.objects import ObjectStore
from tests import session_parts
from tests.admin.conftest import answers_close_themselves
from tests.conftest import Parts, _make_database
from tests.county.county import County


@contextmanager
def _served(parts: Parts, url: str, folder: Path, desk: Desk) -> Iterator[str]:
    """The hub's web on the loopback address."""
    objects = ObjectStore(
        parts.s3_endpoint,
        access_key=parts.s3_access_key,
        secret_key=parts.s3_secret_key,
        bucket=f"county-{os.urandom(4).hex()}",
    )
    objects.ensure_bucket()
    files = FileStore(objects, KeyEncryption(os.urandom(32)))
    app = create_app(
        AdminConfig(
            database_url=url,
            web_secret="only for tests, " * 3,
            desk=desk,
            files=files,
            intake=Intake(Spool(folder / "spool"), files, desk.clock),
            store_check=objects.check,
            hub_keys={desk.signer.kid: desk.signer.public_pem},
        )
    )
    server = make_server("127.0.0.1", 0, answers_close_themselves(app), threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()
        app.extensions["shenguan"].engine.dispose()


@pytest.fixture(scope="module")
def county(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    """Set up and not running."""
    bus = BusSettings(parts.kafka_bootstrap, fetch_max_wait_ms=100, partitions=1)
    for url in _make_database(parts, template=session_parts.ask("template")["database"]):
        engine = create_engine(url, pool_size=10)
        area = f"99{random.randrange(10**10):010d}"
        try:
            folder = tmp_path_factory.mktemp("county")
            yield County(engine, url, bus, area, folder, partial(_served, parts, url, folder))
        finally:
            engine.dispose()
