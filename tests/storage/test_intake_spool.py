"""The spool: what arrives is what was sent, however it is cut, broken off or killed; one writer at a time."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import Rejected, Unavailable
from storage.intake import spool as spooling
from storage.intake.spool import Spool, WrongOffset


class Line:
    """A connection that gives what was sent in pieces of its own and drops after `alive` bytes."""

    def __init__(self, data: bytes, *, each: int, alive: int | None) -> None:
        self._data, self._each, self._alive, self._at = data, each, alive, 0

    def read(self, size: int) -> bytes:
        if self._alive is not None and self._at >= self._alive:
            raise ConnectionResetError("dropped")
        piece = self._data[self._at : self._at + min(size, self._each)]
        if self._alive is not None:
            piece = piece[: self._alive - self._at]
        self._at += len(piece)
        return piece


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(min_size=1, max_size=3000),
    tries=st.lists(
        st.tuples(st.integers(1, 700), st.integers(1, 400), st.one_of(st.none(), st.integers(0, 300)))
    ),
    forgetful=st.booleans(),
)
def test_what_arrives_is_what_was_sent(
    tmp_path_factory: pytest.TempPathFactory,
    data: bytes,
    tries: list[tuple[int, int, int | None]],
    forgetful: bool,
) -> None:
    """Random pieces, random reads, dropped connections, a process that forgets: bytes and hash are right."""
    folder = tmp_path_factory.mktemp("spool")
    spool, upload, known = Spool(folder), uuid.uuid4(), 0
    spool.begin(upload, len(data))
    for piece, each, alive in [*tries, (len(data), 4096, None)]:
        if forgetful:
            spool = Spool(folder)
        line = Line(data[known : known + piece], each=each, alive=alive)
        known = spool.append(upload, known, line.read, most=len(data) - known, known=known)
        assert spool.received(upload) == known
    assert known == len(data)
    with spool.open(upload) as file:
        assert file.read() == data
    assert spool.sha256(upload, len(data)) == hashlib.sha256(data).digest()


def test_what_was_never_confirmed_is_written_again(tmp_path: Path) -> None:
    """Bytes beyond what the database knows were not confirmed: they are overwritten, not doubled."""
    spool, upload = Spool(tmp_path), uuid.uuid4()
    spool.begin(upload, 10)
    spool.append(upload, 0, io.BytesIO(b"abcdef").read, most=10, known=0)
    assert spool.append(upload, 3, io.BytesIO(b"DEFGHIJ").read, most=7, known=3) == 10
    assert spool.path(upload).read_bytes() == b"abcDEFGHIJ"
    assert spool.sha256(upload, 10) == hashlib.sha256(b"abcDEFGHIJ").digest()


def test_wrong_offsets_say_the_truth(tmp_path: Path) -> None:
    """Before, beyond: told how much there is."""
    spool, upload = Spool(tmp_path), uuid.uuid4()
    spool.begin(upload, 10)
    spool.append(upload, 0, io.BytesIO(b"abc").read, most=10, known=0)
    for offset in (0, 2, 4, 10):
        with pytest.raises(WrongOffset) as wrong:
            spool.append(upload, offset, io.BytesIO(b"x").read, most=10, known=3)
        assert wrong.value.received == 3


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """A second tab on the same upload is sent away while the first is writing, also from another process."""
    spool, upload = Spool(tmp_path), uuid.uuid4()
    spool.begin(upload, 10)
    inside, go_on = threading.Event(), threading.Event()

    def slow(size: int) -> bytes:
        del size
        if inside.is_set():
            return b""
        inside.set()
        go_on.wait(60)
        return b"abc"

    writer = threading.Thread(target=spool.append, args=(upload, 0, slow), kwargs={"most": 10, "known": 0})
    writer.start()
    inside.wait(60)
    with pytest.raises(WrongOffset):
        Spool(tmp_path).append(upload, 0, io.BytesIO(b"zzz").read, most=10, known=0)
    go_on.set()
    writer.join()
    assert spool.path(upload).read_bytes() == b"abc"


def test_too_much_is_refused(tmp_path: Path) -> None:
    """More than may come is a sentence; what came before it stays within the limit."""
    spool, upload = Spool(tmp_path), uuid.uuid4()
    spool.begin(upload, 3)
    with pytest.raises(Rejected, match="比说好的长"):
        spool.append(upload, 0, io.BytesIO(b"abcd").read, most=3, known=0)
    assert spool.received(upload) <= 3


def test_nobody_else_may_look(tmp_path: Path) -> None:
    """Folder 0700, files 0600, whatever the umask; names are our own ids."""
    before = os.umask(0)
    try:
        spool, upload = Spool(tmp_path / "deep" / "spool"), uuid.uuid4()
        spool.begin(upload, 1)
        spool.keep_signature(upload, b"x")
    finally:
        os.umask(before)
    assert spool.folder.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in spool.folder.iterdir()} == {0o600}
    assert {p.name for p in spool.folder.iterdir()} == {f"{upload.hex}.part", f"{upload.hex}.p7s"}


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No room for a file of that size is said before its first byte."""
    monkeypatch.setattr(spooling, "SPARE", 1 << 60)
    with pytest.raises(Unavailable, match="暂存空间不足"):
        Spool(tmp_path).begin(uuid.uuid4(), 1)


def test_only_the_old_is_swept(tmp_path: Path) -> None:
    """Files nobody has written to for long, ours and strangers'; fresh ones never."""
    spool, upload = Spool(tmp_path), uuid.uuid4()
    spool.begin(upload, 1)
    stranger = tmp_path / "stranger.txt"
    stranger.write_bytes(b"x")
    assert list(spool.older_than(3600)) == []
    for path in (spool.path(upload), stranger):
        os.utime(path, (1, 1))
    assert dict(spool.older_than(3600)) == {upload: spool.path(upload), None: stranger}


KILLED = """
import io, sys, uuid
from pathlib import Path
from storage.intake.spool import Spool
spool, upload = Spool(Path(sys.argv[1])), uuid.UUID(sys.argv[2])
at = 0
while True:
    data = bytes((at + n) % 251 for n in range(50_000))
    at = spool.append(upload, at, io.BytesIO(data).read, most=50_000, known=at)
    print(at, flush=True)
"""


def test_kill_nine_while_receiving(tmp_path: Path) -> None:
    """Whatever was confirmed before `kill -9` is on the disk, right, and the upload goes on from there."""
    spool, upload = Spool(tmp_path), uuid.uuid4()
    spool.begin(upload, 1 << 30)
    confirmed = 0
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), str(upload)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            confirmed = int(line)
            if confirmed >= 500_000:
                os.kill(writer.pid, signal.SIGKILL)
                break
        rest = writer.stdout.read().split()
    confirmed = max([confirmed, *map(int, rest)])
    assert spool.received(upload) >= confirmed
    known = confirmed
    tail = bytes((known + n) % 251 for n in range(1000))
    known = spool.append(upload, known, io.BytesIO(tail).read, most=1000, known=known)
    assert spool.path(upload).read_bytes() == bytes(n % 251 for n in range(known))
