"""Files on a real object store: sealed, whole, checked, in constant memory, with failures said in words."""

from __future__ import annotations

import hashlib
import io
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.errors import NotFound, Rejected, Unavailable
from shenguan.embedded.process import wait_until
from storage.files import FileStore
from storage.heads import LedgerHeads
from storage.key_encryption import KeyEncryption
from storage.objects import PART, ObjectStore
from storage.sealing import SEGMENT, Tampered, new_key, sealed_size
from tests.conftest import Parts
from tests.session_parts import Owner

MIB = 1 << 20
SOON_S = 60.0  # a client without limits of its own would wait for minutes


def connect(parts: Parts, bucket: str) -> ObjectStore:
    return ObjectStore(
        parts.s3_endpoint, access_key=parts.s3_access_key, secret_key=parts.s3_secret_key, bucket=bucket
    )


@pytest.fixture(scope="module")
def objects(parts: Parts) -> ObjectStore:
    """One bucket for this module: each bucket takes volumes of the embedded store."""
    store = connect(parts, f"t-files-{secrets.token_hex(4)}")
    store.ensure_bucket()
    return store


@pytest.fixture
def keys() -> KeyEncryption:
    return KeyEncryption(new_key())


@pytest.fixture
def files(objects: ObjectStore, keys: KeyEncryption) -> FileStore:
    return FileStore(objects, keys)


class Socket:
    """A stream that cannot seek and gives less than asked."""

    def __init__(self, content: bytes, *, fail_after: int | None = None) -> None:
        self._content, self._at, self._fail_after = content, 0, fail_after

    def read(self, size: int, /) -> bytes:
        if self._fail_after is not None and self._at >= self._fail_after:
            raise ConnectionResetError("the sender is gone")
        piece = self._content[self._at : self._at + min(size, 65_521)]
        self._at += len(piece)
        return piece


def only(threads: int) -> bool:
    """Whether no more threads than these are left, once those that are ending have ended."""
    return wait_until(lambda: threading.active_count() <= threads, seconds=60)


@pytest.mark.parametrize("size", [0, 1, 1000, SEGMENT - 56, SEGMENT, PART - 1, PART, PART + 1, 20 * MIB + 7])
@pytest.mark.parametrize("kind", [io.BytesIO, Socket])
def test_what_goes_in_comes_out(files: FileStore, size: int, kind: type[io.BytesIO]) -> None:
    """Any size, from seekable and unseekable streams: same bytes, right SHA-256 and size; the store has the sealed size."""
    content = secrets.token_bytes(size)
    stored = files.put(kind(content), media_type="application/pdf")
    assert (stored.sha256, stored.size) == (hashlib.sha256(content).digest(), size)
    assert stored.media_type == "application/pdf"
    assert files.stat(stored).size == sealed_size(size)
    with files.open(stored) as opened:
        assert b"".join(opened) == content


def test_the_store_sees_nothing(objects: ObjectStore, files: FileStore) -> None:
    """Neither content nor hash is in the object or its name, and two puts of one content share nothing."""
    content = b"secret words " * 1000
    first, second = files.put(io.BytesIO(content)), files.put(io.BytesIO(content))
    raw = objects.get_bytes(first.object_name)
    assert b"secret words" not in raw
    assert first.sha256 not in raw
    assert first.sha256.hex() not in first.object_name
    assert first.sha256 == second.sha256
    assert raw != objects.get_bytes(second.object_name)


@pytest.mark.parametrize("damage", ["flip", "cut", "swap", "extend"])
def test_damage_in_the_store_is_refused(objects: ObjectStore, files: FileStore, damage: str) -> None:
    """An object that was changed, cut, exchanged for another or extended is refused; segments before it are whole."""
    content = secrets.token_bytes(3 * MIB)
    stored, other = files.put(io.BytesIO(content)), files.put(io.BytesIO(content))
    raw = objects.get_bytes(stored.object_name)
    changed = {
        "flip": raw[: 2 * MIB] + bytes([raw[2 * MIB] ^ 1]) + raw[2 * MIB + 1 :],
        "cut": raw[: 2 * MIB],
        "swap": objects.get_bytes(other.object_name),
        "extend": raw + b"\0",
    }[damage]
    objects.put_bytes(stored.object_name, changed)
    out = bytearray()
    with pytest.raises(Tampered), files.open(stored) as opened:
        out.extend(b"".join(iter_into(opened, out)))
    assert content.startswith(bytes(out))
    assert len(out) < len(content)


def iter_into(pieces: Iterator[bytes], out: bytearray) -> Iterator[bytes]:
    """Keeps in `out` what was given out before a refusal."""
    for piece in pieces:
        out += piece
        yield b""


def test_a_wrong_record_is_refused_before_the_last_piece(files: FileStore) -> None:
    """When SHA-256 or size of the record do not fit, the last piece is never given out."""
    content = secrets.token_bytes(2 * MIB)
    stored = files.put(io.BytesIO(content))
    for wrong in (replace(stored, sha256=bytes(32)), replace(stored, size=1)):
        out = bytearray()
        with pytest.raises(Tampered), files.open(wrong) as opened:
            list(iter_into(opened, out))
        assert len(out) < len(content)


def test_missing_files_are_not_found_at_once(files: FileStore) -> None:
    """`open` itself raises, before an answer has begun; `exists` and `delete` agree, and deleting twice is fine."""
    stored = files.put(io.BytesIO(b"x"))
    assert files.exists(stored)
    files.delete(stored.object_name)
    files.delete(stored.object_name)
    assert not files.exists(stored)
    with pytest.raises(NotFound):
        files.open(stored)


def test_rotation_touches_no_object(objects: ObjectStore, keys: KeyEncryption) -> None:
    """After rewrapping, the new key alone opens the file, whose object is byte for byte the same."""
    old, new = new_key(), new_key()
    stored = FileStore(objects, KeyEncryption(old)).put(io.BytesIO(b"content"))
    before = objects.get_bytes(stored.object_name)
    moved = replace(stored, wrapped_key=FileStore(objects, KeyEncryption(new, old)).rewrap(stored))
    with FileStore(objects, KeyEncryption(new)).open(moved) as opened:
        assert b"".join(opened) == b"content"
    assert objects.get_bytes(stored.object_name) == before


@pytest.mark.parametrize("after", [0, 100, 20 * MIB])
def test_a_failing_sender_leaves_nothing(objects: ObjectStore, files: FileStore, after: int) -> None:
    """When the stream breaks, its own error comes out, no object stays and no thread is left behind."""
    before = {found.name for found in objects.list("files/")}
    threads = threading.active_count()
    with pytest.raises(ConnectionResetError):
        files.put(Socket(bytes(24 * MIB), fail_after=after))
    assert {found.name for found in objects.list("files/")} == before
    assert only(threads)


def test_too_large_a_file_is_refused(objects: ObjectStore, files: FileStore) -> None:
    """Beyond the limit the upload is refused in words and nothing stays; at the limit it passes."""
    before = sum(1 for _ in objects.list("files/"))
    with pytest.raises(Rejected, match="超过 2 MB"):
        files.put(Socket(bytes(2 * MIB + 1)), max_size=2 * MIB)
    assert sum(1 for _ in objects.list("files/")) == before
    assert files.put(Socket(bytes(2 * MIB)), max_size=2 * MIB).size == 2 * MIB


def test_sweep_takes_only_old_orphans(parts: Parts, keys: KeyEncryption, bucket: str) -> None:
    """What nobody refers to and is old goes; what is referred to, new, or no file at all stays."""
    objects = connect(parts, bucket)
    objects.ensure_bucket()
    objects.ensure_bucket()
    files = FileStore(objects, keys)
    kept, orphan = files.put(io.BytesIO(b"kept")), files.put(io.BytesIO(b"orphan"))
    objects.put_bytes("ledger/1", b"head")
    now = datetime.now(UTC)
    assert files.sweep(now - timedelta(hours=1), lambda names: {kept.object_name}) == 0
    assert files.sweep(now + timedelta(hours=1), lambda names: {kept.object_name}) == 1
    assert not files.exists(orphan)
    assert [found.name for found in objects.list()] == [kept.object_name, "ledger/1"]


def test_heads_are_kept_by_name(objects: ObjectStore) -> None:
    """Heads come back as they were, in the order of their names, and the missing is NotFound."""
    heads = LedgerHeads(objects)
    for name in ("head-2", "head-1"):
        heads.put(name, name.encode())
    assert heads.names() == ["head-1", "head-2"]
    assert heads.get("head-1") == b"head-1"
    with pytest.raises(NotFound):
        heads.get("head-3")


# Failures of the store, in words and in time


def test_a_dead_store_is_unavailable_quickly(keys: KeyEncryption) -> None:
    """Nothing listens: each operation says so soon, and an upload leaves no thread behind."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        port = taken.getsockname()[1]
        store = ObjectStore(f"http://127.0.0.1:{port}", access_key="a", secret_key="b" * 8, bucket="nothing")
        files = FileStore(store, keys)
        begun = time.monotonic()
        for attempt in (
            store.check,
            lambda: files.put(io.BytesIO(b"x")),
            lambda: store.get_bytes("x"),
            lambda: list(store.list()),
        ):
            with pytest.raises(Unavailable, match="连接不上"):
                attempt()
        assert time.monotonic() - begun < SOON_S


def test_a_silent_store_is_noticed_by_the_check(keys: KeyEncryption) -> None:
    """Something accepts and never answers: the health check gives up soon."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        store = ObjectStore(
            f"http://127.0.0.1:{silent.getsockname()[1]}",
            access_key="a",
            secret_key="b" * 8,
            bucket="nothing",
        )
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="连接不上"):
            store.check()
        assert time.monotonic() - begun < SOON_S


def test_wrong_secret_and_missing_bucket_are_named(parts: Parts, objects: ObjectStore) -> None:
    """A wrong secret names the settings to check, a missing bucket the bucket."""
    wrong = ObjectStore(
        parts.s3_endpoint, access_key=parts.s3_access_key, secret_key="x" * 40, bucket=objects.bucket
    )
    with pytest.raises(Unavailable, match="s3_secret_key"):
        wrong.get_bytes("x")
    missing = connect(parts, "t-not-there")
    with pytest.raises(Unavailable, match="t-not-there"):
        missing.check()


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "ftp://x:1", "http://", "http://x:1/path"])
def test_a_wrong_address_is_refused(endpoint: str) -> None:
    """An address that cannot be one is refused before anything is contacted."""
    with pytest.raises(Rejected, match="http"):
        ObjectStore(endpoint, access_key="a", secret_key="b", bucket="nothing")


_MEASURE = """
import sys, hashlib
from storage.files import FileStore
from storage.key_encryption import KeyEncryption
from storage.objects import ObjectStore
endpoint, access, secret, bucket = sys.argv[1:]
store = ObjectStore(endpoint, access_key=access, secret_key=secret, bucket=bucket)
files = FileStore(store, KeyEncryption(bytes(32)))
class Long:
    left = 200 << 20
    def read(self, size):
        size = min(size, self.left)
        self.left -= size
        return bytes(size)
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) >> 10
small = Long(); small.left = 1 << 20
for _ in files.open(files.put(small)): pass
before = peak()
stored = files.put(Long())
assert sum(map(len, files.open(stored))) == stored.size == 200 << 20
files.delete(stored.object_name)
print(peak() - before)
"""


def test_memory_does_not_grow_with_the_file(parts: Parts, objects: ObjectStore, tmp_path: Path) -> None:
    """200 MiB go in and out with less than 96 MiB at the peak: parts in flight, not the file."""
    grown = subprocess.check_output(
        [
            sys.executable,
            "-c",
            _MEASURE,
            parts.s3_endpoint,
            parts.s3_access_key,
            parts.s3_secret_key,
            objects.bucket,
        ]
    )
    assert int(grown) < 96, grown


@pytest.mark.faults
@pytest.mark.parametrize("during", ["put", "open"])
def test_a_store_killed_in_the_middle_is_unavailable(
    tmp_path_factory: pytest.TempPathFactory, keys: KeyEncryption, during: str
) -> None:
    """`kill -9` of the store half way through an upload or download: Unavailable, soon, and no thread left behind."""
    owner = Owner(tmp_path_factory.mktemp("own-store"))
    try:
        at = owner.get("object_store")
        objects = ObjectStore(
            at["endpoint"], access_key=at["access_key"], secret_key=at["secret_key"], bucket="faults"
        )
        objects.ensure_bucket()
        files, threads = FileStore(objects, keys), threading.active_count()
        killed: list[float] = []

        def kill() -> None:
            owner.close()
            killed.append(time.monotonic())

        class Killing(Socket):
            def read(self, size: int, /) -> bytes:
                if during == "put" and self._at > 30 * MIB and not killed:
                    kill()
                return super().read(size)

        def go() -> None:
            for _ in files.open(files.put(Killing(bytes(64 * MIB)))):
                if not killed:
                    kill()

        with pytest.raises(Unavailable, match="连接不上"):
            go()
        assert time.monotonic() - killed[0] < SOON_S
        assert only(threads)
    finally:
        owner.close()
