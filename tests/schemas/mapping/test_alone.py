"""What the engine needs where it only runs, at a department."""

from __future__ import annotations

import subprocess
import sys

_RUN = """
import sys
sys.modules["pypinyin"] = None  # not installed there
from schemas.connector.document import FieldRule, Flow
from schemas.mapping import FieldInfo, compile_mapping, suggest, target_fields
flow = Flow("f", "in", "finding", "e", fields=(FieldRule("finding_no", ("no",)),))
assert compile_mapping(flow, []).apply({"no": 1}).records == ({"finding_no": 1},)
assert not {"cel", "flask", "sqlalchemy", "minio", "openpyxl", "tomlkit"} & set(sys.modules), sorted(sys.modules)
assert suggest([FieldInfo("检查编号", "检查编号")], target_fields("finding"))
"""


def test_a_mapping_runs_without_what_only_its_editor_needs() -> None:
    """No pinyin; the expression library only where there is an expression; proposals are fewer then, and no error."""
    done = subprocess.run([sys.executable, "-c", _RUN], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
