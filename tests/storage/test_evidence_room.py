"""Evidence is refused where a department leaves too much of it unused, before anything of it is stored."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from hub.errors import Rejected
from hub.feedback.unused_evidence import UnusedLimits
from storage.files import FileStore
from storage.intake.evidence import Kept, bring
from storage.intake.finish import Intake
from storage.intake.spool import Spool
from storage.key_encryption import KeyEncryption
from storage.objects import ObjectStore
from tests.hub.builders import NOW, Clock
from tests.storage import intake_samples as samples
from tests.storage.test_intake_finish import objects

__all__ = ["objects"]


def test_one_more_than_may_lie_about_is_refused_and_leaves_nothing(
    engine: Engine, objects: ObjectStore, tmp_path: Path
) -> None:
    """The one too many is not stored; the one that is here already may be brought again, and counts as brought anew."""
    files = FileStore(objects, KeyEncryption(bytes(32)))
    intake = replace(Intake(Spool(tmp_path / "spool"), files, Clock(NOW)), unused=UnusedLimits(files=1))
    with engine.begin() as tx:
        named = "INSERT INTO departments (code, name, roles) VALUES ('scjg', '示范县市场监督管理局', '{supervising}')"
        tx.execute(text(named))

    def brought(content: bytes) -> Kept:
        digest = hashlib.sha256(content).digest()
        return bring(
            engine, intake, io.BytesIO(content), department="scjg", name="现场.pdf", sha256=digest,
            by="department:scjg",
        )  # fmt: skip

    first = samples.pdf("first")
    assert brought(first).fresh
    with engine.begin() as tx:
        tx.execute(text("UPDATE evidence SET brought_at = '2020-01-01'"))
    with pytest.raises(Rejected, match="自动清理"):
        brought(samples.pdf("second"))
    assert not brought(first).fresh
    with engine.connect() as tx:
        kept = tx.execute(text("SELECT brought_at > '2020-01-01' FROM evidence")).all()
        assert [tuple(one) for one in kept] == [(True,)]
        assert tx.scalar(text("SELECT count(*) FROM stored_objects")) == 1
