"""The folder adapter passes the adapter contract, and minds half-written files, encodings and names."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.department.adapters.folder import _PREFIXES, FolderAdapter, safe_name
from connectors.department.adapters.port import Kind
from connectors.department.judge import TOLD
from tests.connectors.adapter_contract import FINDING, AdapterContract, a_change, a_package


class FolderBench:
    """A department that drops files."""

    def __init__(self, root: Path) -> None:
        self.later = 0.0
        self.adapter = FolderAdapter(root, wall=lambda: time.time() + self.later)
        self.adapter.prepare()
        self.root = root
        self._count = 0

    def inbox(self) -> list[str]:
        return [json.loads(path.read_bytes())["id"] for path in (self.root / "inbox").glob("*.json")]

    def licence_changes(self) -> list[tuple[str, str]]:
        found = [json.loads(path.read_bytes()) for path in (self.root / "licences").glob("*.json")]
        return [(one["id"], one["data"]["licence"]["status"]) for one in found]

    def drop(self, name: str, content: bytes) -> str:
        (self.root / "outbox" / name).write_bytes(content)
        return name

    def _drop(self, prefix: str, fields: dict[str, Any]) -> str:
        self._count += 1
        return self.drop(f"{prefix}{self._count}.json", json.dumps(fields, ensure_ascii=False).encode())

    def write_finding(self, fields: dict[str, Any]) -> str:
        return self._drop("finding-", fields)

    def told(self, kind: str) -> list[str]:
        folder = self.adapter.told_folders[TOLD[kind][0]]
        return [json.loads(path.read_bytes())["id"] for path in folder.glob("*.json")]

    def write(self, kind: Kind, fields: dict[str, Any]) -> str:
        prefix = next(prefix for prefix, named in _PREFIXES.items() if named == kind)
        return self._drop(f"{prefix}-", fields)

    def close_case(self, event_id: str, by: str) -> str:
        return self._drop("close-", {"event_id": event_id, "by": by})

    def write_supply(self, fields: dict[str, Any]) -> str:
        return self._drop("supply-", fields)

    def claim(self, event_id: str, by: str) -> str:
        return self._drop("claim-", {"event_id": event_id, "by": by})

    def give_back(self, event_id: str, by: str, reason: str) -> str:
        return self._drop("return-", {"event_id": event_id, "by": by, "reason": reason})

    def state_of(self, ref: str) -> tuple[str, str | None]:
        problem = self.root / "problems" / ref
        if problem.exists():
            return "problem", problem.with_name(ref + ".txt").read_text("utf-8-sig")
        return ("sent" if (self.root / "sent" / ref).exists() else "new"), None

    def put_right(self, ref: str, fields: dict[str, Any]) -> None:
        self.drop(ref, json.dumps(fields, ensure_ascii=False).encode())


@pytest.fixture
def bench(tmp_path: Path) -> FolderBench:
    return FolderBench(tmp_path / "exchange")


class TestFolderAdapter(AdapterContract):
    """The contract."""


def test_a_package_is_a_file_with_the_signed_bytes(bench: FolderBench) -> None:
    """Claim: the file's bytes are those that the hub signed, its name has case and event id, and no unfinished file
    stays."""
    package = a_package()
    bench.adapter.deliver([package])
    (path,) = (bench.root / "inbox").iterdir()
    assert path.name == f"c-1__{package.event_id}.json"
    assert path.read_bytes() == package.value


def test_a_change_of_a_licence_is_a_file_of_its_own(bench: FolderBench) -> None:
    """Claim: it stands in `licences/`, with the bytes that the hub signed; `inbox/` holds packages only."""
    change = a_change()
    bench.adapter.changed([change])
    (path,) = (bench.root / "licences").iterdir()
    assert path.name == f"c-1__{change.event_id}.json"
    assert path.read_bytes() == change.value
    assert bench.inbox() == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_in_any_usual_encoding(bench: FolderBench, encoding: str) -> None:
    """Claim: UTF-8 with and without BOM and GB18030 are read the same."""
    bench.drop("检查记录.JSON", json.dumps(FINDING, ensure_ascii=False).encode(encoding))
    (draft,) = bench.adapter.drafts(10)
    assert draft.fields["explain"] == FINDING["explain"]


def test_a_half_written_file_waits_until_it_stops_growing(bench: FolderBench) -> None:
    """Claim: an unreadable file is left alone while it is fresh, is a fault once it has settled, and a draft when
    completed."""
    whole = json.dumps(FINDING).encode()
    bench.drop("x.json", whole[:20])
    assert bench.adapter.drafts(10) == []
    bench.later = 10
    assert bench.adapter.drafts(10)[0].fault is not None
    bench.drop("x.json", whole)
    assert bench.adapter.drafts(10)[0].fault is None


def test_other_files_are_left_alone(bench: FolderBench) -> None:
    """Claim: temporary files, hidden files, other types and folders are not touched; a list or a huge file is a fault."""
    for name in (".x.json", "~x.json", "x.json.tmp", "x.txt"):
        bench.drop(name, b"{}")
    (bench.root / "outbox" / "folder.json").mkdir()
    assert bench.adapter.drafts(10) == []
    bench.later = 10
    bench.drop("list.json", b"[]")
    bench.drop("huge.json", b" " * (1024 * 1024 + 1))
    assert {draft.fault is not None for draft in bench.adapter.drafts(10)} == {True}


def test_equal_names_do_not_overwrite(bench: FolderBench) -> None:
    """Claim: a second file of the same name is kept beside the first in `sent/`."""
    for number in range(2):
        bench.drop("x.json", json.dumps({**FINDING, "finding_no": f"JC-{number}"}).encode())
        (draft,) = bench.adapter.drafts(10)
        bench.adapter.sent([(draft, f"00000000-0000-0000-0000-00000000000{number}")])
    assert sorted(path.name for path in (bench.root / "sent").iterdir()) == ["x-2.json", "x.json"]


def test_names_from_outside_cannot_leave_the_folder() -> None:
    """Claim: separators, dots in front and odd characters of a case number are made harmless."""
    assert safe_name("../../etc/passwd") == "_.._etc_passwd"
    assert safe_name("示许〔2026〕1号") == "示许_2026_1号"
    assert safe_name("...") == "_"
