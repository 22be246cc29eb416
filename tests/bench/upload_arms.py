"""An upload as the API does it, beside the bare client's `put_object` of the same bytes; and what 2 GiB cost in memory.

Both begin with the bytes in memory and end with them safe in the store; ours are also written to the spool and synced
chunk by chunk, hashed, looked into (a PDF, so every byte is searched), sealed, and made a material of a case.
"""

from __future__ import annotations

import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from hub.ports import Desk
from storage.files import FileStore
from storage.identity import IdentityVault
from storage.intake.finish import Intake, finish_upload
from storage.intake.spool import Spool
from storage.key_encryption import KeyEncryption
from storage.objects import ObjectStore
from storage.signing import Signer, generate_private_key
from tests.hub.builders import NOW, Clock
from tests.hub.catalogue_builders import publish_sample_catalogue
from tests.session_parts import Owner
from tests.storage import intake_samples as samples
from tests.storage.taken_in import Window

MIB = 1 << 20


def window(database: str, objects: ObjectStore, folder: Path) -> Window:
    """A clerk's window on a hub with the sample catalogue."""
    engine = create_engine(database)
    vault = IdentityVault(bytes(32), KeyEncryption(bytes(32)))
    desk = Desk(
        "990101", "http://hub.invalid", Signer.from_pem("hub", generate_private_key()), vault, Clock(NOW)
    )
    return Window(
        engine, desk, Intake(Spool(folder), FileStore(objects, KeyEncryption(bytes(32))), desk.clock)
    )


def _database(session: Owner) -> str:
    name = session.get("template")["database"]
    return make_url(session.get("postgres")["role"]).set(database=name).render_as_string(hide_password=False)


def uploads(
    session: Owner,
    objects: ObjectStore,
    bare_put: Callable[[str, bytes], None],
    *,
    size: int,
    repetitions: int,
) -> dict[str, Any]:
    """Medians of the bare put, a first upload, and a second one of the same content; interleaved."""
    folder = Path(tempfile.mkdtemp(prefix="bench-spool-"))
    database = _database(session)
    at = window(database, objects, folder)
    with at.engine.begin() as tx:
        publish_sample_catalogue(tx)
    taken: dict[str, list[float]] = {"bare_put": [], "first": [], "again": []}
    try:
        for repetition in range(repetitions + 1):
            data = samples.large_pdf(size, secrets.token_bytes(size))
            cases = [at.case(), at.case()]
            for arm, work in (
                ("bare_put", lambda data=data: bare_put(f"upload-{uuid.uuid4().hex}", data)),
                ("first", lambda data=data, case=cases[0]: _take(at, data, case, "甲.pdf")),
                ("again", lambda data=data, case=cases[1]: _take(at, data, case, "乙.pdf")),
            ):
                begun = time.perf_counter()
                work()
                if repetition:
                    taken[arm].append(time.perf_counter() - begun)
        stored = at.one(
            "SELECT count(*) AS n, (SELECT count(*) FROM materials) AS materials FROM stored_objects"
        )
        if (stored.n, stored.materials) != (repetitions + 1, 2 * (repetitions + 1)):
            raise AssertionError(f"stored twice or not at all: {stored}")
    finally:
        at.engine.dispose()
        shutil.rmtree(folder, ignore_errors=True)
    median = {arm: statistics.median(times) for arm, times in taken.items()}
    return {
        "upload_seconds": {arm: round(value, 3) for arm, value in median.items()},
        "upload_ratio": round(median["bare_put"] / median["first"], 2),
        "again_ratio": round(median["again"] / median["first"], 2),
    }


def _take(at: Window, data: bytes, case_no: str, name: str) -> None:
    said = at.take(data, name, case_no=case_no)
    if said.state != "stored":
        raise AssertionError(said.refusal)


def memory(session: Owner, objects: ObjectStore, *, size: int) -> dict[str, Any]:
    """The most memory that a process has used after one upload of `size`, beyond what it used before it."""
    database = _database(session)
    at = session.get("object_store")
    arguments = [database, at["endpoint"], objects.bucket, str(size)]
    environment = {**os.environ, "BENCH_ACCESS_KEY": at["access_key"], "BENCH_SECRET_KEY": at["secret_key"]}
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.upload_arms", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    idle, most, seconds = done.stdout.split()
    return {
        "memory_size_mib": size // MIB,
        "memory_mib": round((int(most) - int(idle)) / 1024, 1),
        "memory_seconds": float(seconds),
    }


def _status(name: str) -> int:
    """KiB, of this process since it became this program (getrusage counts what its parent used before that)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name)))


def _measured(database: str, endpoint: str, bucket: str, size: int) -> None:
    """In a process of its own: idle after a small upload, then the large one, made as it goes."""
    keys = {"access_key": os.environ["BENCH_ACCESS_KEY"], "secret_key": os.environ["BENCH_SECRET_KEY"]}
    folder = Path(tempfile.mkdtemp(prefix="bench-spool-"))
    at = window(database, ObjectStore(endpoint, bucket=bucket, **keys), folder)
    try:
        at.take(samples.large_pdf(MIB, secrets.token_bytes(MIB)))
        idle = _status("VmRSS")
        begun = time.perf_counter()
        upload = at.begin(at.case(), size)
        at.send_made(upload, size)
        state = finish_upload(at.engine, at.intake, upload)
        if state != "stored":
            raise AssertionError(at.stands(upload).refusal)
        most = _status("VmHWM")
        sys.stdout.write(f"{idle} {most} {time.perf_counter() - begun:.1f}\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _measured(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
