"""What a department installs, `shenguan-hub[connector]`, is enough to run a connector document: nothing else is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from storage.signing import generate_private_key

ROOT = Path(__file__).resolve().parents[2]
#: Run with every package of this environment out of reach that the extra does not name.
PROGRAM = """
import sys
sys.path[:0] = ["deploy", "."]
from importlib import abc, metadata
import pick_requirements

ours = {"admin", "connectors", "hub", "schemas", "shenguan", "storage"}
allowed = pick_requirements.needed(["connector"])
blocked = {
    package
    for package, owners in metadata.packages_distributions().items()
    if package not in ours and not {pick_requirements.canonicalize_name(one) for one in owners} & allowed
}
assert {"flask", "minio", "sqlalchemy", "psycopg", "openpyxl", "paramiko"} <= blocked


class Blocker(abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"not installed here: {name}", name=name)


sys.meta_path.insert(0, Blocker())
for name in [one for one in sys.modules if one.partition(".")[0] in blocked]:
    del sys.modules[name]

from datetime import UTC, datetime
from connectors.department.config import read_config
from connectors.department.program import Connector
from shenguan.cli import main

config = read_config(sys.argv[1])
config.state_dir.mkdir()
connector = Connector(config, lambda: datetime.now(UTC))
drafts = connector._parts.adapter.drafts(10)
assert [one.kind for one in drafts] == ["finding"], drafts
assert drafts[0].fields["finding_no"] == "jc-1", drafts
connector.close()
sys.argv[1:] = ["connector", "check", sys.argv[1]]
sys.exit(main())
"""
DOCUMENT = """
code = "scjg-files"
department = "scjg"
title = "市场监管的文件夹"
area = "990101"

[[endpoints]]
name = "folder"
kind = "folder"
settings = { root = "exchange" }

[[flows]]
name = "findings"
direction = "in"
message = "finding"
endpoint = "folder"
place = { folder = "say", format = "csv", ready = "marker", marker = ".ok" }
[[flows.fields]]
target = "finding_no"
sources = ["编号"]

[run]
key_file = "key.pem"
state_dir = "state"
trust_bundle = "http://127.0.0.1:1/api/hub/trust-bundle"
public_url = "http://127.0.0.1:1"
"""


def test_the_extra_is_enough(tmp_path: Path) -> None:
    """Claim: with nothing but what the extra names, the exported file is read, its folder is collected and mapped, and
    `shenguan connector check` finds it right."""
    (tmp_path / "key.pem").write_bytes(generate_private_key())
    (tmp_path / "connector.toml").write_text(DOCUMENT)
    say = tmp_path / "exchange" / "say"
    say.mkdir(parents=True)
    (say / "a.csv").write_text("编号\njc-1\n", encoding="utf-8")
    (say / "a.csv.ok").touch()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "connector.toml")],
        capture_output=True, text=True, cwd=ROOT, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
