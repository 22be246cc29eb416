"""Evidence that nothing uses: how much of it a department may leave here, and how it goes."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, insert, select, text

from hub.errors import Rejected
from hub.feedback.evidence import Evidence, FindingFile
from hub.feedback.finding import Finding
from hub.feedback.unused_evidence import UnusedLimits, check_room, drop_unused
from hub.material import StoredObject
from hub.ports import Desk
from storage.signing import Signer
from tests.hub.builders import NOW, a_finding, decided
from tests.hub.fact_builders import take

OLD, FRESH = NOW - timedelta(days=40), NOW - timedelta(days=2)


def bring(tx: Connection, word: str, department: str = "scjg", *, at: object = OLD) -> bytes:
    """A file of ten bytes as it stands after it was brought."""
    sha256 = hashlib.sha256(word.encode()).digest()
    known = tx.execute(select(StoredObject.sha256).where(StoredObject.sha256 == sha256)).first()
    if not known:
        stored = {"sha256": sha256, "object_name": uuid.uuid4().hex, "size": 10, "wrapped_key": b"key"}
        tx.execute(insert(StoredObject).values(stored))
    said = {"name": f"{word}.png", "media_type": "image/png", "size": 10, "brought_by": "department:scjg"}
    tx.execute(insert(Evidence).values(department=department, sha256=sha256, brought_at=at, **said))
    return sha256


def test_a_department_leaves_only_so_much_unused(
    county: Engine, desk: Desk, signers: dict[str, Signer]
) -> None:
    """Counted in files and in bytes, each department for itself; what a fact of its own names does not count."""
    (case,) = decided(county, desk)
    take(county, desk, a_finding(desk, signers["scjg"], case.case_no, "F1", "1", "1"))
    with county.begin() as tx:
        used, _ = bring(tx, "used"), bring(tx, "left")
        bring(tx, "used", "zhzf")
        check_room(tx, "scjg", 10, UnusedLimits(files=3, bytes=30))
        with pytest.raises(Rejected, match=r"2 个、1 MiB.*请先上报"):
            check_room(tx, "scjg", 10, UnusedLimits(files=2, bytes=100))
        with pytest.raises(Rejected, match="没有保存"):
            check_room(tx, "scjg", 11, UnusedLimits(files=9, bytes=30))
        fact = tx.execute(select(Finding.id)).scalar_one()
        said = {"seq": 1, "name": "used.png", "media_type": "image/png", "size": 10}
        tx.execute(insert(FindingFile).values(finding_id=fact, sha256=used, **said))
        check_room(tx, "scjg", 11, UnusedLimits(files=2, bytes=30))
        with pytest.raises(Rejected):  # what another department's fact names is not theirs to have used
            check_room(tx, "zhzf", 10, UnusedLimits(files=1, bytes=100))

        assert drop_unused(tx, NOW - timedelta(days=30), actor="program:relay") == 2
        left = tx.execute(select(Evidence.department, Evidence.sha256)).all()
        objects = set(tx.execute(select(StoredObject.sha256)).scalars())
    assert [tuple(one) for one in left] == [("scjg", used)]
    assert objects == {used}


def test_only_what_lay_long_goes_and_the_ledger_says_so(county: Engine, desk: Desk) -> None:
    """A fresh file stays; content that another department still has is kept; nothing is left for a second round."""
    del desk
    with county.begin() as tx:
        shared = bring(tx, "shared")
        bring(tx, "shared", "zhzf", at=FRESH)
        fresh = bring(tx, "fresh", at=FRESH)
        before = NOW - timedelta(days=30)
        assert drop_unused(tx, before, actor="program:relay") == 1
        assert drop_unused(tx, before, actor="program:relay") == 0
        left = {(row[0], bytes(row[1])) for row in tx.execute(select(Evidence.department, Evidence.sha256))}
        told = tx.execute(text("SELECT subject, actor FROM ledger WHERE action = 'evidence.dropped'")).all()
        objects = set(tx.execute(select(StoredObject.sha256)).scalars())
    assert {digest for _, digest in left} == {shared, fresh} == objects
    assert [tuple(one) for one in told] == [("department:scjg", "program:relay")]
