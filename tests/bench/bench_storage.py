"""What sealing and hashing cost: our `put` and `open` beside the bare client's, interleaved in one run; a whole upload by
the API's code path beside it (`upload_arms`), the same content again, and what 2 GiB need of memory.

The bare client uploads and reads the same bytes, unsealed and unchecked, through the same connection settings.
Ratios are of medians; absolute rates depend on the machine and are shown only for orientation.
"""

from __future__ import annotations

import io
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from storage.files import FileStore, StoredFile
from storage.key_encryption import KeyEncryption
from storage.objects import ObjectStore
from storage.sealing import new_key
from storage.signing import Signer, TrustedKey, TrustedKeys, generate_private_key
from tests.bench.upload_arms import memory, uploads
from tests.session_parts import Owner

MIB = 1 << 20
TARGETS = {"put": 0.8, "open": 0.6}


def run(*, size: int = 100 * MIB, repetitions: int = 5, large: int = 2048 * MIB) -> dict[str, object]:
    """Median seconds and ratios. Starts and stops an object store of its own."""
    session = Owner(Path(tempfile.mkdtemp(prefix="bench-storage-")))
    try:
        at = session.get("object_store")
        objects = ObjectStore(
            at["endpoint"], access_key=at["access_key"], secret_key=at["secret_key"], bucket="bench"
        )
        objects.ensure_bucket()
        return {
            **_files(objects, size=size, repetitions=repetitions),
            **uploads(
                session,
                objects,
                lambda name, content: _bare_put(objects, name, content),
                size=size,
                repetitions=repetitions,
            ),
            **memory(session, objects, size=large),
            **_signatures(),
        }
    finally:
        session.close()


def _files(objects: ObjectStore, *, size: int, repetitions: int) -> dict[str, object]:
    content = secrets.token_bytes(size)
    files = FileStore(objects, KeyEncryption(new_key()))
    taken: dict[str, list[float]] = {"bare_put": [], "put": [], "bare_get": [], "open": []}
    for repetition in range(repetitions + 1):  # the first warms up and is not counted
        name, stored = f"bare-{repetition}", list[StoredFile]()
        steps: dict[str, Callable[[], object]] = {
            "bare_put": lambda name=name: _bare_put(objects, name, content),  # type: ignore[misc]
            "put": lambda stored=stored: stored.append(files.put(io.BytesIO(content))),  # type: ignore[misc]
            "bare_get": lambda name=name: _bare_get(objects, name),  # type: ignore[misc]
            "open": lambda stored=stored: sum(map(len, files.open(stored[0]))),  # type: ignore[misc]
        }
        for step, work in steps.items():
            begun = time.perf_counter()
            work()
            if repetition:
                taken[step].append(time.perf_counter() - begun)
        objects.delete(name)
        objects.delete(stored[0].object_name)
    median = {step: statistics.median(times) for step, times in taken.items()}
    return {
        "size_mib": size // MIB,
        "seconds": {step: round(value, 3) for step, value in median.items()},
        "put_ratio": round(median["bare_put"] / median["put"], 2),
        "open_ratio": round(median["bare_get"] / median["open"], 2),
    }


def _bare_put(objects: ObjectStore, name: str, content: bytes) -> None:
    objects._client.put_object(
        bucket_name=objects.bucket, object_name=name, data=io.BytesIO(content), length=len(content)
    )


def _bare_get(objects: ObjectStore, name: str) -> int:
    response = objects._client.get_object(bucket_name=objects.bucket, object_name=name)
    try:
        return sum(map(len, iter(lambda: response.read(MIB), b"")))
    finally:
        response.close()
        response.release_conn()


def _signatures(count: int = 3000) -> dict[str, object]:
    signer = Signer.from_pem("hub", generate_private_key())
    keys = TrustedKeys.of([TrustedKey(signer.kid, "hub", signer.public_pem)])
    payload, now = secrets.token_bytes(1024), datetime.now(UTC)
    signature = signer.sign(payload)
    bare = Ed25519PrivateKey.generate()
    public, bare_signature = bare.public_key(), bare.sign(payload)
    work: dict[str, Callable[[], object]] = {
        "bare_verify": lambda: public.verify(bare_signature, payload),
        "verify": lambda: keys.verify(payload, signature, at=now),
        "sign": lambda: signer.sign(payload),
    }
    rates: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(5):
        for name, once in work.items():
            begun = time.perf_counter()
            for _ in range(count):
                once()
            rates[name].append(count / (time.perf_counter() - begun))
    median = {name: round(statistics.median(values)) for name, values in rates.items()}
    return {"per_second": median, "verify_ratio": round(median["verify"] / median["bare_verify"], 2)}


def main() -> None:
    """Print the table."""
    found = run()
    seconds, per_second = found["seconds"], found["per_second"]
    assert isinstance(seconds, dict)
    assert isinstance(per_second, dict)
    click.echo(f"{found['size_mib']} MiB")
    for step, bare in (("put", "bare_put"), ("open", "bare_get")):
        click.echo(
            f"{step:5} {seconds[step]:7.3f} s   {bare:9} {seconds[bare]:7.3f} s   "
            f"ratio {found[step + '_ratio']}   (goal {TARGETS[step]})"
        )
    click.echo(f"upload {found['upload_seconds']}   ratio {found['upload_ratio']} (goal 0.8)")
    click.echo(f"the same again / first: {found['again_ratio']} (goal <= 0.2)")
    click.echo(f"{found['memory_size_mib']} MiB in {found['memory_mib']} MiB more memory (goal <= 64)")
    click.echo(f"Ed25519, 1 KiB, per second: {per_second}   verify ratio {found['verify_ratio']}")


if __name__ == "__main__":
    main()
