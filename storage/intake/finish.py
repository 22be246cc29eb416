"""Finish an upload: check what has arrived whole, seal and store it, make it a material - or refuse it with a sentence.

Guarantees: one finisher for each upload at a time, across processes (an advisory lock that dies with its holder); the
same content arriving many times at once is sealed once; a crash at any point leaves an upload that is finished again, and
at most an object nobody refers to; nothing is a material before every check has answered.
Does not wait for a silent scanner: the upload is held back, and whoever calls again asks again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO

from sqlalchemy import Connection, Engine, text

from hub.add_material import StoredFacts, standing_object
from hub.errors import HubError, Rejected, Unavailable
from hub.feedback.unused_evidence import UnusedLimits
from hub.ports import Clock
from hub.store_upload import (
    Checked,
    Whole,
    hold_upload,
    note_hash,
    refuse_upload,
    seen_before,
    store_upload,
    stored_object,
    to_be_received_again,
    whole_upload,
)
from hub.upload_rules import IntakeRules, allowed_endings
from storage.files import FileStore
from storage.intake.kinds import Found, again, look
from storage.intake.scan import Scanner
from storage.intake.signatures import NOT_CHECKED, Signatures
from storage.intake.spool import Spool

CHUNK = 8 << 20
_LOCK_SPACE = "shenguan.intake."


@dataclass(frozen=True, slots=True)
class Intake:
    """What taking files in works with."""

    spool: Spool
    files: FileStore
    clock: Clock
    rules: IntakeRules = field(default_factory=IntakeRules)
    unused: UnusedLimits = field(default_factory=UnusedLimits)
    scanner: Scanner | None = None
    signatures: Signatures = field(default_factory=Signatures)


def finish_upload(engine: Engine, intake: Intake, upload_id: uuid.UUID) -> str:
    """Finish it and give its state; 'busy' where another is at it. Raises Unavailable (store, disk, database).

    Only for whom the spool of this upload is within reach: what is missing there is asked of the client again.
    """
    with _alone(engine, f"upload.{upload_id}", wait=False) as alone:
        if not alone:
            return "busy"
        with engine.begin() as tx:
            upload = whole_upload(tx, upload_id)
        if upload.state not in ("checking", "scanning"):
            _tidy(intake, upload)
            return upload.state
        if (there := intake.spool.received(upload_id)) < upload.size:
            with engine.begin() as tx:
                to_be_received_again(tx, upload, there)
            return "receiving"
        try:
            state = _checked_and_stored(engine, intake, upload)
        except Rejected as error:
            with engine.begin() as tx:
                refuse_upload(tx, upload, error.message)
            state = "refused"
        if state in ("stored", "refused"):
            intake.spool.forget(upload_id)
        return state


def _tidy(intake: Intake, upload: Whole) -> None:
    """A crash between the commit and the removal of the spooled bytes."""
    if upload.state in ("stored", "refused", "abandoned"):
        intake.spool.forget(upload.id)


def _checked_and_stored(engine: Engine, intake: Intake, upload: Whole) -> str:
    with intake.spool.open(upload.id) as file:
        sha256 = intake.spool.sha256(upload.id, upload.size)
        with engine.begin() as tx:
            note_hash(tx, upload, sha256)
            seen = seen_before(tx, sha256)
        found = again(seen, upload.file_name) if seen else look(file, upload.file_name)
        if not set(found.kind.endings) & set(allowed_endings(intake.rules, upload.line.asked.formats)):
            raise Rejected(f"“{upload.line.asked.name}”不收{found.kind.title}。请换一种格式。")
        state, signature = _signature(intake, upload, found)
        scan_state = "not_configured"
        if intake.scanner is not None:
            try:
                _refuse_malware(intake.scanner, file, upload)
            except Unavailable:
                with engine.begin() as tx:
                    hold_upload(tx, upload, sha256)
                return "scanning"
            scan_state = "clean"
        checked = Checked(sha256, found.kind.media_type, state, signature, scan_state)
        file.seek(0)
        _store(engine, intake, upload, checked, file)
    return "stored"


def _signature(intake: Intake, upload: Whole, found: Found) -> tuple[str, tuple[dict[str, object], ...]]:
    """Its state and what is kept of it. Raises Rejected where the type's rule says so."""
    detached = intake.spool.signature_path(upload.id)
    if detached.exists():
        verdict = intake.signatures.of_detached(intake.spool.path(upload.id), detached)
    elif "signed" in found.notes:
        verdict = intake.signatures.of_pdf(intake.spool.path(upload.id))
    elif "own_signature" in found.notes:
        verdict = NOT_CHECKED
    else:
        verdict = intake.signatures.none()
    verdict.refuse_by_rule(
        upload.file_name,
        required=upload.line.asked.signature_required,
        refuse_bad=upload.line.asked.on_bad_signature == "refuse",
        anybody_trusted=intake.signatures.anybody_trusted,
    )
    return verdict.state, tuple(verdict.kept())


def _refuse_malware(scanner: Scanner, file: IO[bytes], upload: Whole) -> None:
    if name := scanner.scan(file):
        raise Rejected(
            f"“{upload.file_name}”含有恶意代码（{name}），已拒绝并删除。请用杀毒软件检查来源的电脑。"
        )


def _store(engine: Engine, intake: Intake, upload: Whole, checked: Checked, file: IO[bytes]) -> None:
    """Seal it unless the same content is stored, and make it a material. The others with this content wait."""
    with _alone(engine, f"content.{checked.sha256.hex()}", wait=True):
        with engine.begin() as tx:
            standing = stored_object(tx, checked.sha256)
        lost = standing.object_name if standing and not intake.files.exists(standing) else None
        if standing is not None and lost is None:
            _commit(engine, intake, upload, checked, standing, lost=None)
            return
        put = intake.files.put(file, media_type=checked.media_type)
        fresh = StoredFacts(put.sha256, put.object_name, put.size, put.wrapped_key)
        try:
            if put.sha256 != checked.sha256 or put.size != upload.size:
                raise Unavailable("暂存的内容在保存途中变了，没有保存。稍后会自动重试。")
            _commit(engine, intake, upload, checked, fresh, lost=lost)
        except HubError:  # surely not committed; after any other failure the sweep decides
            with suppress(HubError):
                intake.files.delete(fresh.object_name)
            raise
        with engine.connect() as tx:
            stands = standing_object(tx, checked.sha256)
        if stands != fresh.object_name:
            with suppress(HubError):
                intake.files.delete(fresh.object_name)


def _commit(
    engine: Engine, intake: Intake, upload: Whole, checked: Checked, stored: StoredFacts, *, lost: str | None
) -> None:
    try:
        with engine.begin() as tx:
            store_upload(tx, upload, checked, stored, clock=intake.clock, lost=lost)
    except HubError as error:
        if isinstance(error, Unavailable):
            raise
        # The case was decided or withdrawn while the file was on its way: nobody can take it any more.
        raise Rejected(error.message) from error


@contextmanager
def _alone(engine: Engine, name: str, *, wait: bool) -> Iterator[bool]:
    """Hold the hub-wide lock of this name. Gives False where another holds it and we do not wait."""
    key = {"name": _LOCK_SPACE + name}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        if wait:
            session.execute(text("SET statement_timeout = 0"))
            session.execute(text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), key)
            held = True
        else:
            held = bool(session.scalar(text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"), key))
        try:
            yield held
        finally:
            _let_go(session, key, held=held, waited=wait)


def _let_go(session: Connection, key: dict[str, str], *, held: bool, waited: bool) -> None:
    if held:
        session.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), key)
    if waited:
        session.execute(text("RESET statement_timeout"))
