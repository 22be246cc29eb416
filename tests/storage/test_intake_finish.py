"""From a whole upload to a material, on a real database and a real store: once, whole, or not at all."""

from __future__ import annotations

import io
import os
import secrets
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from connectors.relay.housekeeping import Housekeeper, Housekeeping, told
from hub.errors import Rejected, Unavailable
from hub.ports import Desk
from hub.reuse.accept_case import accept_case
from hub.reuse.promise_deferral import promise_deferral
from hub.reuse.withdraw_case import withdraw_case
from hub.take_upload import NEXT_STATES, move_upload
from hub.upload import UPLOAD_STATES
from storage.files import PREFIX, FileStore
from storage.identity import IdentityVault
from storage.intake.finish import Intake, finish_upload
from storage.intake.scan import Clamd
from storage.intake.signatures import Signatures
from storage.intake.spool import Spool
from storage.key_encryption import KeyEncryption
from storage.objects import ObjectStore
from storage.signing import Signer, generate_private_key
from tests.conftest import Parts
from tests.hub.builders import NOW, Clock
from tests.hub.catalogue_builders import publish_sample_catalogue
from tests.hub.reuse_builders import CLERK, decide_it, line_of, take_all
from tests.storage import intake_samples as samples
from tests.storage import scanners, signers
from tests.storage.taken_in import APPLICATION, HEALTH, PLAN, POWER, PREMISES, Window


@pytest.fixture(scope="module")
def objects(parts: Parts) -> ObjectStore:
    store = ObjectStore(
        parts.s3_endpoint,
        access_key=parts.s3_access_key,
        secret_key=parts.s3_secret_key,
        bucket=f"t-intake-{secrets.token_hex(4)}",
    )
    store.ensure_bucket()
    return store


@pytest.fixture
def window(engine: Engine, area: str, objects: ObjectStore, tmp_path: Path) -> Iterator[Window]:
    for found in objects.list(PREFIX):
        objects.delete(found.name)
    vault = IdentityVault(bytes(32), KeyEncryption(bytes(32)))
    desk = Desk(area, "http://hub.invalid", Signer.from_pem("hub", generate_private_key()), vault, Clock(NOW))
    with engine.begin() as tx:
        publish_sample_catalogue(tx)
    intake = Intake(Spool(tmp_path / "spool"), FileStore(objects, KeyEncryption(bytes(32))), desk.clock)
    return Window(engine, desk, intake)


def pdf() -> bytes:
    return samples.pdf(secrets.token_hex(8))


def names(window: Window, objects: ObjectStore) -> tuple[set[str], set[str]]:
    """Objects in the store, and those the database refers to."""
    with window.engine.connect() as tx:
        referenced = set(tx.execute(text("SELECT object_name FROM stored_objects")).scalars())
    return {found.name for found in objects.list(PREFIX)}, referenced


def test_twenty_at_once_store_one_object(window: Window, objects: ObjectStore) -> None:
    """The same new content from twenty windows: twenty materials, one object, and every one of them opens."""
    data = pdf()
    uploads = []
    for _ in range(20):
        upload = window.begin(window.case(), len(data))
        window.send(upload, data)
        uploads.append(upload)
    engine = create_engine(window.engine.url, pool_size=60)
    with ThreadPoolExecutor(20) as pool:
        states = list(pool.map(lambda one: finish_upload(engine, window.intake, one), uploads))
    engine.dispose()
    assert states == ["stored"] * 20
    there, referenced = names(window, objects)
    assert there == referenced
    assert len(there) == 1
    row = window.one("SELECT * FROM stored_objects")
    with window.intake.files.open(row) as opened:
        assert b"".join(opened) == data
    assert window.one("SELECT count(*) FROM materials").count == 20


def test_finishing_twice_at_once_is_once(window: Window) -> None:
    """Two finishers of one upload: one works, the other is told; afterwards it is stored for everybody."""
    data = pdf()
    upload = window.begin(window.case(), len(data))
    window.send(upload, data)
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda _: finish_upload(window.engine, window.intake, upload), range(4)))
    assert set(states) <= {"stored", "busy"}
    assert finish_upload(window.engine, window.intake, upload) == "stored"
    assert window.one("SELECT count(*) FROM materials").count == 1


CRASHES = {
    "before the store": "storage.files.FileStore.put",
    "before the commit": "storage.intake.finish._commit",
    "in the commit": "storage.intake.finish.store_upload",
    "before the tidying": "storage.intake.spool.Spool.forget",
}
CRASHING = """
import os, sys, uuid, importlib
from pathlib import Path
from sqlalchemy import create_engine
from hub import tables
from storage.files import FileStore
from storage.intake import finish
from storage.intake.spool import Spool
from storage.key_encryption import KeyEncryption
from storage.objects import ObjectStore
from tests.hub.builders import NOW, Clock
url, spool, upload, endpoint, key, secret, bucket, where = sys.argv[1:]
module, _, name = where.rpartition(".")
holder = importlib.import_module(module) if module.islower() else getattr(
    importlib.import_module(module.rpartition(".")[0]), module.rpartition(".")[2])
setattr(holder, name, lambda *a, **k: os._exit(9))
files = FileStore(ObjectStore(endpoint, access_key=key, secret_key=secret, bucket=bucket), KeyEncryption(bytes(32)))
finish.finish_upload(create_engine(url), finish.Intake(Spool(Path(spool)), files, Clock(NOW)), uuid.UUID(upload))
"""


@pytest.mark.parametrize("where", CRASHES)
def test_a_crash_leaves_nothing_half_visible(
    window: Window, objects: ObjectStore, parts: Parts, where: str
) -> None:
    """Whenever the process dies: no material or a whole one; finishing again gives one; the sweep finds the rest."""
    data = pdf()
    upload = window.begin(window.case(), len(data))
    window.send(upload, data)
    url = window.engine.url.render_as_string(hide_password=False)
    store = (parts.s3_endpoint, parts.s3_access_key, parts.s3_secret_key, objects.bucket)
    arguments = (url, str(window.intake.spool.folder), str(upload), *store, CRASHES[where])
    done = subprocess.run(
        [sys.executable, "-c", CRASHING, *arguments], check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 9
    rows = window.one("SELECT count(*) FROM materials").count
    assert rows == (1 if where == "before the tidying" else 0)
    state = "busy"
    for _ in range(1200):  # until the server has noticed that the holder of the lock is dead
        if (state := finish_upload(window.engine, window.intake, upload)) != "busy":
            break
        time.sleep(0.05)
    assert state == "stored"
    assert window.one("SELECT count(*) FROM materials").count == 1
    assert list(window.intake.spool.folder.iterdir()) == []
    with window.intake.files.open(window.one("SELECT * FROM stored_objects")) as opened:
        assert b"".join(opened) == data
    tomorrow = datetime.now(UTC) + timedelta(days=2)
    late = Housekeeper(window.engine, lambda: tomorrow, window.intake)
    late.round(orphans=True)
    there, referenced = names(window, objects)
    assert there == referenced


def test_an_object_that_got_lost_is_stored_anew(window: Window, objects: ObjectStore) -> None:
    """Content on file whose object is gone: the next upload of it heals every material that refers to it."""
    data = pdf()
    first = window.take(data)
    objects.delete(window.one("SELECT object_name FROM stored_objects").object_name)
    second = window.take(data)
    assert (first.state, second.state) == ("stored", "stored")
    row = window.one("SELECT * FROM stored_objects")
    with window.intake.files.open(row) as opened:
        assert b"".join(opened) == data


def test_a_store_that_is_away(window: Window) -> None:
    """Nothing is refused because the store is away: the upload waits, and is stored when it is back."""
    data = pdf()
    away = ObjectStore(f"http://{scanners.nowhere()}", access_key="xxx", secret_key="x" * 16, bucket="away")
    broken = replace(window.intake, files=FileStore(away, KeyEncryption(bytes(32))))
    upload = window.begin(window.case(), len(data))
    window.send(upload, data)
    with pytest.raises(Unavailable):
        finish_upload(window.engine, broken, upload)
    assert window.stands(upload).state == "checking"
    assert finish_upload(window.engine, window.intake, upload) == "stored"


def test_a_case_that_moved_on(window: Window) -> None:
    """Withdrawn while its file was on the way: refused with the sentence, no material."""
    data, case_no = pdf(), window.case()
    upload = window.begin(case_no, len(data))
    window.send(upload, data)
    with window.engine.begin() as tx:
        withdraw_case(tx, case_no, reason="申请人撤回", actor=CLERK, desk=window.desk)
    assert finish_upload(window.engine, window.intake, upload) == "refused"
    assert "已经撤回" in window.stands(upload).refusal


@pytest.mark.parametrize("decided", [False, True])
def test_what_follows_an_acceptance(window: Window, decided: bool) -> None:
    """A promised material that comes later, even after the decision, settles the promise and is usable at once, valid by
    its type's rule."""
    case_no = window.case()
    with window.engine.begin() as tx:
        take_all(tx, case_no, but=(HEALTH,))
        line = line_of(tx, case_no, HEALTH)
        promise_deferral(
            tx,
            case_no=case_no,
            requirement_id=line.id,
            until=None,
            promised_by="张三",
            actor=CLERK,
            desk=window.desk,
        )
        accept_case(tx, case_no, window.desk, actor=CLERK)
        if decided:
            decide_it(tx, window.desk, case_no)
    said = window.take(pdf(), "健康证明.pdf", HEALTH, case_no=case_no)
    row = window.one("SELECT state, valid_to FROM materials WHERE id = :id", id=said.material_id)
    assert (row.state, row.valid_to.isoformat()) == ("usable", (NOW + timedelta(days=365)).date().isoformat())
    settled = window.one("SELECT settled_how FROM deferrals").settled_how
    assert settled == f"material:{said.material_id}"


def test_valid_until_the_day_in_a_field(window: Window) -> None:
    """The type's date field says until when; a day that has passed is refused before the first byte."""
    said = window.take(pdf(), "租约.pdf", PREMISES, fields={"lease_to": "2099-12-31"})
    assert (
        str(window.one("SELECT valid_to FROM materials WHERE id = :id", id=said.material_id).valid_to)
        == "2099-12-31"
    )
    with pytest.raises(Rejected, match="已经过了"):
        window.begin(window.case(), 10, "租约.pdf", PREMISES, fields={"lease_to": "2001-01-01"})


def test_formats_of_the_line(window: Window) -> None:
    """A line that takes pictures and PDF takes nothing else."""
    assert window.take(samples.image(), "图.png", PLAN).state == "stored"
    with pytest.raises(Rejected, match="只收 pdf、jpg、png"):
        window.begin(window.case(), 10, "图.docx", PLAN)


def test_signatures_are_kept_and_rules_are_kept_to(window: Window, tmp_path: Path) -> None:
    """Required and missing: refused. Good: kept with its chain. Bad: flagged where the type says so."""
    root = signers.authority()
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    (trusted / "root.pem").write_bytes(root.pem)
    strict = replace(window, intake=replace(window.intake, signatures=Signatures(trusted)))
    missing = strict.take(pdf(), "委托书.pdf", POWER)
    assert "必须带电子签名" in missing.refusal
    signed = signers.sign_pdf(pdf(), signers.signer(root), tmp_path)
    good = strict.take(signed, "委托书.pdf", POWER)
    row = strict.one("SELECT signature_state, signature FROM materials WHERE id = :id", id=good.material_id)
    assert (row.signature_state, row.signature[0]["chain"][-1]) == ("valid", "示范根证书")
    broken = signers.change_after(signed)
    flagged = strict.take(broken, "委托书.pdf", POWER)
    state = strict.one("SELECT signature_state FROM materials WHERE id = :id", id=flagged.material_id)
    assert state.signature_state == "invalid"
    refused = strict.take(broken, "申请书.pdf", APPLICATION)
    assert (refused.state, "无效" in refused.refusal) == ("refused", True)


# ---- malware


@pytest.fixture(scope="module")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clamd]:
    """The real clamd where there is one, else a peer that speaks its protocol."""
    if scanners.clamd_path():
        with scanners.clamd(tmp_path_factory.mktemp("clamd")) as address:
            yield Clamd(address)
    else:
        with scanners.peer() as address:
            yield Clamd(address)


def test_malware_is_refused_by_name(window: Window, scanner: Clamd, objects: ObjectStore) -> None:
    """Found: refused with its name, nothing stored, the bytes gone. Clean: said so on the material."""
    guarded = replace(window, intake=replace(window.intake, scanner=scanner))
    found = guarded.take(scanners.EVIL)
    assert found.state == "refused"
    assert scanners.NAME in found.refusal
    assert list(window.intake.spool.folder.iterdir()) == []
    assert list(objects.list(PREFIX)) == []
    clean = guarded.take(pdf())
    assert (
        guarded.one("SELECT scan_state FROM materials WHERE id = :id", id=clean.material_id).scan_state
        == "clean"
    )


def test_a_silent_scanner_holds_the_file_back(window: Window, scanner: Clamd) -> None:
    """Nobody answers: no material, not refused either; when the scanner is back, housekeeping finishes it."""
    silent = replace(window, intake=replace(window.intake, scanner=Clamd(scanners.nowhere())))
    data = pdf()
    upload = silent.begin(silent.case(), len(data))
    silent.send(upload, data)
    for _ in range(2):
        assert finish_upload(silent.engine, silent.intake, upload) == "scanning"
    assert window.one("SELECT count(*) FROM materials").count == 0
    later = Clock(datetime.now(UTC) + timedelta(days=3))
    back = replace(window.intake, scanner=scanner)
    done = Housekeeper(window.engine, later, back).round(orphans=False)
    assert done is not None
    assert (done["finished"], done["abandoned"]) == (1, 0)
    assert window.stands(upload).state == "stored"


def test_beyond_the_scanners_limit(window: Window, scanner: Clamd) -> None:
    """What the scanner will never look at is refused with what to do, not passed and not held for ever."""
    guarded = replace(window, intake=replace(window.intake, scanner=scanner))
    said = guarded.take(samples.large_pdf(5 << 20, os.urandom(5 << 20)))
    assert said.state == "refused"
    assert "StreamMaxLength" in said.refusal


@pytest.mark.parametrize("answer", [b"", b"\0", b"gibberish\0", b"stream: Heuristics ERROR\0"])
def test_an_odd_answer_is_no_clean_bill(answer: bytes, tmp_path: Path) -> None:
    """Nothing, or anything but OK and FOUND, is asked again later."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"x")
    with scanners.peer(says=answer) as address, path.open("rb") as file, pytest.raises(Unavailable):
        Clamd(address).scan(file)


# ---- housekeeping


def test_housekeeping_sweeps_what_is_old(window: Window, objects: ObjectStore) -> None:
    """Uploads, spooled bytes and objects a day old and unused go, fresh and used ones stay; the ledger has the counts."""
    kept = window.take(pdf())
    fresh = window.begin(window.case(), 100)
    old = window.begin(window.case(), 100)
    stray = uuid.uuid4()
    window.intake.spool.begin(stray, 1)
    with window.engine.begin() as tx:
        tx.execute(
            text("UPDATE uploads SET changed_at = :at WHERE id = :id"),
            {"at": NOW - timedelta(days=2), "id": old},
        )
        tx.execute(text("UPDATE uploads SET changed_at = :at WHERE id = :id"), {"at": NOW, "id": fresh})
    for upload in (old, stray, fresh):
        os.utime(window.intake.spool.path(upload), (1, 1))
    orphan = window.intake.files.put(io.BytesIO(b"nobody refers to me")).object_name
    now = Housekeeper(window.engine, Clock(NOW), window.intake)
    assert orphan in {found.name for found in objects.list(PREFIX)}
    done = now.round(orphans=True)
    assert done is not None
    assert (done["abandoned"], done["spooled"], done["orphans"]) == (1, 2, 0)
    assert window.stands(old).state == "abandoned"
    assert window.stands(fresh).state == "receiving"
    later = replace(now, clock=Clock(datetime.now(UTC) + timedelta(days=2)))
    assert (later.round(orphans=True) or {})["orphans"] == 1
    there, referenced = names(window, objects)
    assert there == referenced
    assert window.stands(kept.id).state == "stored"
    entry = window.one(
        "SELECT detail FROM ledger WHERE action = 'housekeeping.swept' ORDER BY id LIMIT 1"
    ).detail
    assert entry == {"abandoned": 1, "spooled": 2}


def test_one_keeps_house(window: Window) -> None:
    """While one is at it another passes."""
    first, second = (Housekeeper(window.engine, Clock(NOW), window.intake) for _ in range(2))
    with window.engine.connect() as guard, guard.begin():
        guard.execute(text("SELECT pg_advisory_xact_lock(1262830928)"))
        assert first.round(orphans=False) is None
    assert second.round(orphans=False) is not None


def test_a_failing_chore_stops_no_other(window: Window) -> None:
    """The store is away: uploads and promises are seen to all the same."""
    away = ObjectStore(f"http://{scanners.nowhere()}", access_key="xxx", secret_key="x" * 16, bucket="away")
    broken = replace(window.intake, files=FileStore(away, KeyEncryption(bytes(32))))
    done = Housekeeper(window.engine, Clock(NOW), broken).round(orphans=True)
    assert done == dict.fromkeys(done or {}, 0)
    assert {"orphans", "overdue", "sources", "grants"} <= set(done or {})


def test_the_thread_says_what_it_did(window: Window) -> None:
    """It runs in turns, ends when told, and its last round can be shown."""
    keeping = Housekeeping(Housekeeper(window.engine, Clock(NOW), window.intake), every_s=0.05)
    stop = threading.Event()
    keeping.start(stop)
    for _ in range(1200):
        if keeping.told:
            break
        stop.wait(0.05)
    stop.set()
    keeping.join()
    assert keeping.told is not None
    assert "没有要处理的" in keeping.told
    assert "清理无主文件 3" in told(NOW, {"orphans": 3, "spooled": 0})


# ---- states


@pytest.mark.parametrize("before", UPLOAD_STATES)
@pytest.mark.parametrize("after", UPLOAD_STATES)
def test_states_follow_the_table(before: str, after: str) -> None:
    """Over all pairs: what is final stays, and nothing is stored that was not checked."""
    allowed = after in NEXT_STATES[before]
    if before in ("stored", "refused", "abandoned"):
        assert not allowed
    if after == "stored":
        assert allowed == (before in ("checking", "scanning"))
    if after == before:
        assert not allowed


def test_the_database_keeps_to_the_table(window: Window) -> None:
    """`move_upload` changes a row only along the table."""
    upload = window.begin(window.case(), 10)
    with window.engine.begin() as tx:
        assert not move_upload(tx, upload, "refused")
        assert move_upload(tx, upload, "checking")
        assert move_upload(tx, upload, "refused", refusal="x")
        assert not move_upload(tx, upload, "abandoned")


def test_known_content_under_a_wrong_name(window: Window) -> None:
    """Bytes that were looked at before are not looked at again, but their name is."""
    data = samples.office()
    assert window.take(data, "申请书.docx").state == "stored"
    wrong = window.take(data, "申请书.pdf")
    assert (wrong.state, "Word 文档" in wrong.refusal) == ("refused", True)
