"""Evidence 佐证: a whole file that a department brings is looked at, scanned, sealed and stored before any message names it.

Guarantees: what is kept has the SHA-256 that was announced; the same file of the same department again is one, stored once;
who has too much here that nothing uses is refused before the first byte; after a crash there is at most an object nobody
refers to, which the sweep finds.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from sqlalchemy import Connection, Engine, func, select, update
from sqlalchemy.dialects.postgresql import insert

from hub.errors import HubError, NotFound, Rejected
from hub.feedback.evidence import Evidence
from hub.feedback.unused_evidence import UnusedLimits, check_room
from hub.ledger import Entry, record
from hub.material import StoredObject
from hub.store_upload import stored_object
from storage.files import Source, StoredFile
from storage.intake.finish import Intake
from storage.intake.kinds import look

LARGEST = 64 << 20
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of a department, as messages name it. `fresh`: it was not here before."""

    sha256: bytes
    name: str
    size: int
    media_type: str
    fresh: bool


def known(tx: Connection, department: str, sha256: bytes) -> Kept:
    """A file that the department has brought. Raises NotFound."""
    row = tx.execute(
        select(Evidence.name, Evidence.size, Evidence.media_type).where(
            Evidence.department == department, Evidence.sha256 == sha256
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"本部门没有送过摘要为 {sha256.hex()} 的文件。")
    return Kept(sha256, row.name, row.size, row.media_type, fresh=False)


def bring(
    engine: Engine, intake: Intake, stream: Source, *, department: str, name: str, sha256: bytes, by: str
) -> Kept:
    """Read a file to its end and keep it. Raises Rejected (digest, kind, size, malware), Unavailable."""
    if not 1 <= len(name) <= 200 or "/" in name or "\0" in name:
        raise Rejected("文件名应为 1 到 200 个字，不含路径。")
    with engine.begin() as tx, suppress(NotFound):
        found_here = known(tx, department, sha256)
        _meant_again(tx, department, sha256)
        return found_here
    with engine.begin() as tx:
        check_room(tx, department, 1, intake.unused)
    with _whole(stream) as (file, found, size):
        if found != sha256:
            raise Rejected(f"收到的文件摘要是 {found.hex()}，与写明的不一致，没有保存。请重新上传。")
        if not size:
            raise Rejected("文件是空的，没有保存。")
        kind = look(file, name).kind
        if intake.scanner is not None:
            file.seek(0)
            if malware := intake.scanner.scan(file):
                raise Rejected(f"“{name}”含有恶意代码（{malware}），没有保存。")
        file.seek(0)
        return _stored(
            engine, intake, file, Kept(sha256, name, size, kind.media_type, fresh=True), department, by
        )


@contextmanager
def _whole(stream: Source) -> Iterator[tuple[IO[bytes], bytes, int]]:
    """The file on our own disk, with its digest and size; gone afterwards."""
    digest = hashlib.sha256()
    with tempfile.TemporaryFile(prefix="shenguan-evidence-") as file:
        size = 0
        while piece := stream.read(_PIECE):
            size += len(piece)
            if size > LARGEST:
                raise Rejected(f"文件超过 {LARGEST >> 20} MiB 的上限，没有保存。")
            digest.update(piece)
            file.write(piece)
        file.seek(0)
        yield file, digest.digest(), size


def _stored(engine: Engine, intake: Intake, file: IO[bytes], kept: Kept, department: str, by: str) -> Kept:
    """Seal it unless the same content is stored, and note whose it is."""
    with engine.connect() as tx:
        standing = stored_object(tx, kept.sha256)
    if standing is not None and intake.files.exists(standing):
        with engine.begin() as tx:
            _note(tx, kept, department, by, intake.unused)
        return kept
    put = intake.files.put(file, media_type=kept.media_type)
    try:
        with engine.begin() as tx:
            stands = _keep_object(tx, put, lost=standing.object_name if standing else None)
            _note(tx, kept, department, by, intake.unused)
    except HubError:  # surely not committed; after any other failure the sweep decides
        with suppress(HubError):
            intake.files.delete(put.object_name)
        raise
    if stands != put.object_name:  # somebody stored the same content meanwhile
        with suppress(HubError):
            intake.files.delete(put.object_name)
    return kept


def _keep_object(tx: Connection, put: StoredFile, *, lost: str | None) -> str:
    """Gives the name of the object that keeps these bytes from now on. `lost`: one that did, and is gone."""
    fresh = {"object_name": put.object_name, "size": put.size, "wrapped_key": put.wrapped_key}
    if lost is not None:
        gone = (StoredObject.sha256 == put.sha256) & (StoredObject.object_name == lost)
        tx.execute(update(StoredObject).where(gone).values(fresh))
    tx.execute(insert(StoredObject).values(sha256=put.sha256, **fresh).on_conflict_do_nothing())
    question = select(StoredObject.object_name).where(StoredObject.sha256 == put.sha256)
    return str(tx.execute(question).scalar_one())


def _meant_again(tx: Connection, department: str, sha256: bytes) -> None:
    """Brought again, it is not left over from long ago."""
    mine = (Evidence.department == department, Evidence.sha256 == sha256)
    tx.execute(update(Evidence).where(*mine).values(brought_at=func.now()))


def _note(tx: Connection, kept: Kept, department: str, by: str, limits: UnusedLimits) -> None:
    check_room(tx, department, kept.size, limits)
    values = {
        "department": department,
        "sha256": kept.sha256,
        "name": kept.name,
        "media_type": kept.media_type,
        "size": kept.size,
        "brought_by": by,
    }
    done = tx.execute(
        insert(Evidence).values(values).on_conflict_do_nothing().returning(Evidence.sha256)
    ).first()
    if done is not None:
        detail = {"sha256": kept.sha256.hex(), "name": kept.name, "size": kept.size}
        record(tx, Entry(by, "evidence.brought", f"department:{department}", detail=detail))
