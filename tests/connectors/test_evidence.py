"""Evidence that a department's own records name: fetched through the adapter, stored at the hub, and only then spoken of."""

from __future__ import annotations

import hashlib
import io
import os
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Engine

from connectors.adapters import Outside, open_adapter
from connectors.bus import BusSettings
from connectors.department.adapters.port import Draft, NotYet
from connectors.department.evidence import Evidence
from connectors.department.flow_files import FlowFiles
from connectors.department.state import State
from connectors.host.tried_files import TriedFiles
from hub.ports import Desk
from schemas import loads
from schemas.connector.document import ConnectorDocument, Endpoint, Running
from schemas.drafts.unfit import Unfit
from storage.files import FileStore
from storage.intake.finish import Intake
from storage.intake.spool import Spool
from storage.key_encryption import KeyEncryption
from storage.objects import ObjectStore
from storage.signing import Signer
from tests.connectors.hosted import HostedHub, with_custody
from tests.connectors.test_mapped import FINDINGS, a_finding
from tests.connectors.waiting import until

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def a_photo() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(made, "PNG")
    return made.getvalue()


PHOTO = a_photo()


def a_folder_document(folder: str = ".", files_at: str = "附件") -> ConnectorDocument:
    flow = replace(
        FINDINGS, place={"folder": "in", "quiet_seconds": 0, "files_at": files_at, "format": "csv"}
    )
    return ConnectorDocument(
        "own-1", "scjg", "按文件夹交换", endpoints=(Endpoint("own", "folder", {"root": folder}),), flows=(flow,),
        running=Running(poll_seconds=1),
    )  # fmt: skip


def drop(folder: Path, name: str, *findings: dict[str, Any]) -> None:
    """A CSV, whole at once, as their program writes it."""
    columns = [f"r_{rule.target}" for rule in FINDINGS.fields]
    lines = [",".join(columns), *(",".join(str(one.get(name, "")) for name in columns) for one in findings)]
    fresh = folder / "in" / f".{name}"
    fresh.write_text("\n".join(lines) + "\n", "utf-8")
    os.rename(fresh, folder / "in" / name)


@pytest.fixture
def intake(parts: Any, bucket: str, tmp_path: Path) -> Intake:
    store = ObjectStore(
        parts.s3_endpoint, access_key=parts.s3_access_key, secret_key=parts.s3_secret_key, bucket=bucket
    )
    store.ensure_bucket()
    files = FileStore(store, KeyEncryption(bytes(range(32))))
    return Intake(Spool(tmp_path / "spool"), files, lambda: datetime.now(UTC))


@pytest.fixture
def hosted(
    engine: Engine,
    desk: Desk,
    bus: BusSettings,
    signers: dict[str, Signer],
    tmp_path: Path,
    database_url: str,
) -> HostedHub:
    return HostedHub(engine, with_custody(desk), bus, signers["hub"], tmp_path / "connectors", database_url)


def test_a_row_on_the_host_brings_its_files(hosted: HostedHub, intake: Intake, tap: Any) -> None:
    """Claim: files that a row of a dropped sheet names are in the hub's store, whose they are noted, before the finding that
    names them by digest; the same file of two rows is stored once; a row of which one file is missing, or is none that is
    taken, is refused with its cause and brings nothing; put right and asked for again, it goes."""
    hosted.join("scjg", document=a_folder_document())
    folder = hosted.folder / "scjg-db"
    (folder / "in" / "附件").mkdir(parents=True)
    for name, content in (
        ("photo1.png", PHOTO), ("报告.pdf", PDF), ("only.pdf", PDF + b"\n"), ("run.exe", b"MZ\0\0")
    ):  # fmt: skip
        (folder / "in" / "附件" / name).write_bytes(content)
    answers = tap(f"{hosted.desk.area}.scjg.out")
    drop(
        folder, "a.csv",
        a_finding(1, r_files="photo1.png；报告.pdf"), a_finding(2, r_files="only.pdf;没有.pdf"),
        a_finding(3, r_files="报告.pdf"), a_finding(4, r_files="run.exe"), a_finding(5, r_files="../a.csv"),
    )  # fmt: skip
    with hosted.running(intake=intake):
        said = {one["finding_no"]: one["files"] for one in map(_data, answers.until(2))}
        refused = until(lambda: _open(hosted, 3))
        assert sorted(said) == ["jc-1", "jc-3"]
        assert [(one["name"], one["sha256"]) for one in said["jc-1"]] == [
            ("photo1.png", hashlib.sha256(PHOTO).hexdigest()),
            ("报告.pdf", hashlib.sha256(PDF).hexdigest()),
        ]
        assert said["jc-3"] == said["jc-1"][1:]
        brought = hosted.ask(
            "SELECT department, name, encode(sha256, 'hex') AS sha256 FROM evidence ORDER BY name"
        )
        assert [(row.department, row.name) for row in brought] == [
            ("scjg", "photo1.png"),
            ("scjg", "报告.pdf"),
        ]
        assert hosted.ask("SELECT count(*) AS n FROM stored_objects")[0].n == 2
        assert "没有.pdf 不在文件夹“in/附件”中" in refused[0]
        assert "run.exe" in refused[1]
        assert "“..”" in refused[2]
        (folder / "in" / "附件" / "没有.pdf").write_bytes(PDF + b"\n\n")
        hosted.ask("UPDATE connector_refusals SET again = true WHERE words LIKE '%没有.pdf%'")
        hosted.change("scjg")
        assert [one["name"] for one in _data(answers.until(3)[2])["files"]] == ["only.pdf", "没有.pdf"]
        until(lambda: _open(hosted, 2))


def test_files_that_cannot_be_had_now_make_the_draft_wait(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Claim: a file that still grows, or a system that is away, is no refusal: the draft waits; once it is whole and there,
    the message names it; a file is brought when all of its draft are in hand, and by the same way once."""
    root = tmp_path / "exchange"
    (root / "in" / "附件").mkdir(parents=True)
    document = a_folder_document("exchange")
    (flow,), (endpoint,) = document.flows, document.endpoints
    flow = replace(flow, place={**flow.place, "quiet_seconds": 3_600})
    now = datetime.now(UTC)
    adapter = open_adapter(endpoint, flow, Outside(base=tmp_path, clock=lambda: now))
    files = FlowFiles(flow, lambda _: adapter)
    way, state = _Counted(), State(tmp_path / "state.sqlite")
    request.addfinalizer(state.close)
    evidence = Evidence(way, state, from_folder=False)
    draft = Draft("a", "finding", fetch=files.fetch)
    photo = root / "in" / "附件" / "a.png"
    photo.write_bytes(PHOTO)
    os.utime(photo, (0, 0))
    fresh = photo.with_name("b.pdf")
    fresh.write_bytes(PDF)
    with pytest.raises(NotYet, match=r"b\.pdf"):
        evidence.named("a.png、b.pdf", draft)
    assert way.brought == []
    os.utime(fresh, (0, 0))
    root.rename(tmp_path / "unmounted")
    with pytest.raises(NotYet):
        evidence.named("a.png、b.pdf", draft)
    (tmp_path / "unmounted").rename(root)
    again = Draft("a", "finding", fetch=FlowFiles(flow, lambda _: adapter).fetch)
    for _ in range(2):
        assert [one["name"] for one in evidence.named("a.png、b.pdf", again)] == ["a.png", "b.pdf"]
    assert way.brought == ["a.png", "b.pdf"]
    with pytest.raises(Unfit, match="最多 50 个"):
        evidence.named("、".join(f"{n}.pdf" for n in range(51)), again)


def test_a_try_looks_at_the_files_and_brings_none(tmp_path: Path) -> None:
    """Claim: a dry run says of a file what the run would: its digest and kind, or why it is refused, waiting included; and
    the check says whether the folder for such files is there."""
    (tmp_path / "in").mkdir()
    document = a_folder_document()
    (flow,), (endpoint,) = document.flows, document.endpoints
    with closing(open_adapter(endpoint, flow, Outside(base=tmp_path))) as adapter:
        last = list(adapter.check())[-1]
        assert (last.layer, last.ok) == ("shape", False)
        assert "没有放佐证文件的文件夹“in/附件”" in last.words
        (tmp_path / "in" / "附件").mkdir()
        (tmp_path / "in" / "附件" / "a.png").write_bytes(PHOTO)
        (tmp_path / "in" / "附件" / "b.exe").write_bytes(b"MZ\0\0")
        steps = list(adapter.check())
        assert [one.words for one in steps if not one.ok] == []
        assert any("现有 2 个文件" in one.words for one in steps)
        draft = Draft("a", "finding", fetch=FlowFiles(flow, lambda _: adapter).fetch)
        meant = {"name": "a.png", "sha256": hashlib.sha256(PHOTO).hexdigest(), "size": len(PHOTO)}
        assert TriedFiles().named("a.png", draft) == [{**meant, "media_type": "image/png"}]
        for name in ("b.exe", "没有.pdf", "../a.csv"):
            with pytest.raises(Unfit):
                TriedFiles().named(f"a.png；{name}", draft)
        tmp_path.joinpath("in").rename(tmp_path / "away")
        (tmp_path / "in").touch()
        with pytest.raises(Unfit, match="暂时取不到"):
            TriedFiles().named("a.png", draft)


class _Counted:
    """A way to the hub that only notes what comes."""

    def __init__(self) -> None:
        self.brought: list[str] = []

    def bring(self, file: Any, name: str, sha256: str) -> dict[str, Any]:
        self.brought.append(name)
        assert hashlib.sha256(file.read()).hexdigest() == sha256
        return {"sha256": sha256, "name": name, "size": 1, "media_type": "application/pdf"}


def _data(message: Any) -> dict[str, Any]:
    data: dict[str, Any] = loads(message.value)["data"]
    return data


def _open(hosted: HostedHub, count: int) -> list[str] | None:
    rows = hosted.ask("SELECT words FROM connector_refusals WHERE settled_at IS NULL ORDER BY ref")
    return [row.words for row in rows] if len(rows) == count else None
