"""A process that works batches, for tests that kill it: `python -m tests.hub.batch_worker` with its settings as JSON."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from hub.licensing.batches.run_batch import SIZES, Workshop, work_all
from hub.ports import Desk
from storage.files import FileStore
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.licences.credentials import Credentials
from storage.licences.demo_credentials import make_demo_credentials
from storage.licences.press import LicencePress
from storage.licences.tokens import LicenceTokens
from storage.objects import ObjectStore
from storage.signing import Signer, generate_private_key


def now() -> datetime:
    return datetime.now(UTC)


def workshop(said: dict[str, Any]) -> Workshop:
    """Everything a press program has, on the test's servers and with the test's keys (tests.hub.conftest)."""
    keys = KeyEncryption(bytes(range(32)))
    vault = IdentityVault(bytes(range(32)), keys)
    desk = Desk(
        said["area"], "http://127.0.0.1:1", Signer.from_pem("hub", generate_private_key()), vault, now
    )
    objects = ObjectStore(
        said["endpoint"], access_key=said["access_key"], secret_key=said["secret_key"], bucket=said["bucket"]
    )
    credentials = Credentials(make_demo_credentials(Path(said["credentials"])))
    press = LicencePress(FileStore(objects, keys), credentials, now)
    engine = create_engine(said["database_url"])
    sizes = {**SIZES, "issue": said.get("size", SIZES["issue"])}
    return Workshop(
        engine, desk, press, LicenceTokens(bytes(range(32))), sizes=sizes, lease=said.get("lease", 90.0)
    )


if __name__ == "__main__":
    shop = workshop(json.loads(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()  # begin at a word, so that starting Python is not measured
    print(work_all(shop), flush=True)
