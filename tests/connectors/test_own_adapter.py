"""The adapter that the developers' pages show: forty lines that pass the suite every adapter passes."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest

from connectors.adapters import Outside
from connectors.adapters.port import Adapter
from schemas.connector.document import Endpoint
from tests.adapters.contract import Checks, Collects, Delivers, Rehearses, RehearsesCollecting
from tests.adapters.counterpart import Counterpart, Record, Trouble, as_text

SOURCE = Path(__file__).parents[2] / "admin" / "developing" / "own_adapter.py.txt"


def as_shown() -> ModuleType:
    """The example as a module."""
    module = ModuleType("own_adapter")
    exec(compile(SOURCE.read_text("utf-8"), str(SOURCE), "exec"), module.__dict__)
    return module


class JsonFolder(Counterpart):
    """The folder of the example."""

    def __init__(self, base: Path) -> None:
        self.fails_at = {"away": "permission"}
        self._base, self._kind, self._put = base, as_shown(), 0
        for folder in ("out", "in", "sandbox/out", "sandbox/in"):
            (base / "exchange" / folder).mkdir(parents=True)

    def open(self, *, out: bool = True, trouble: Trouble | None = None, sandbox: bool = False) -> Adapter:
        outside = Outside(base=self._base, sandbox=sandbox)
        opened: Adapter = self._kind.open_adapter(
            Endpoint("own", "json_files", {"root": "exchange"}), None, outside
        )
        return opened

    def there(self, *, sandbox: bool = False) -> list[Record]:
        files = [path for path in self._folder("out", sandbox).iterdir() if path.suffix == ".json"]
        files.sort(key=lambda path: path.stat().st_mtime_ns)
        return [as_text(json.loads(path.read_bytes())) for path in files]

    def put(self, records: Sequence[Record], *, sandbox: bool = False) -> None:
        for one in records:
            self._put += 1
            path = self._folder("in", sandbox) / f"{self._put:05d}.json"
            path.write_text(json.dumps(one), "utf-8")

    def break_it(self) -> None:
        (self._base / "exchange").rename(self._base / "away")

    def mend_it(self) -> None:
        (self._base / "away").rename(self._base / "exchange")

    def _folder(self, name: str, sandbox: bool) -> Path:
        return self._base / "exchange" / ("sandbox" if sandbox else "") / name


@pytest.fixture
def counterpart(tmp_path: Path) -> Counterpart:
    return JsonFolder(tmp_path)


class TestOwnAdapter(Checks, Delivers, Collects, Rehearses, RehearsesCollecting):
    """Every claim of the suite."""


def test_it_is_forty_lines_and_has_a_form() -> None:
    """Class and door together are at most forty lines that say something; its form is one that pages can show."""
    whole = ast.parse(SOURCE.read_text("utf-8"))
    lines = SOURCE.read_text("utf-8").splitlines()
    told = [
        line
        for node in whole.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        for line in lines[node.lineno - 1 : node.end_lineno]
        if line.strip()
    ]
    assert len(told) <= 40
    form: dict[str, Any] = as_shown().FORM
    for part in ("settings", "out", "in"):
        jsonschema_rs.meta.validate(form[part])
