"""The servers of Debian's packages work as the other tests here need them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from tests.adapters.wire import Wire


def test_mariadb_answers_with_tls(mariadb: Any) -> None:
    """Claim: a real MariaDB, a database of one's own, TLS offered."""
    assert "MariaDB" in mariadb.read("SELECT version()")[0][0]
    assert mariadb.read("SHOW VARIABLES LIKE 'have_ssl'") == [("have_ssl", "YES")]


def test_sftp_takes_a_file(sftp_server: Any, tmp_path: Path) -> None:
    """Claim: OpenSSH's own client, with the key, puts a file where the test sees it; over a wire as well."""
    wire = Wire(sftp_server.host, sftp_server.port)
    key, known = tmp_path / "key", tmp_path / "known"
    key.touch(mode=0o600)
    key.write_text(sftp_server.key)
    known.write_text(f"[{wire.host}]:{wire.port} {sftp_server.host_key}\n")
    options = [
        "-oBatchMode=yes",
        f"-oUserKnownHostsFile={known}",
        "-i",
        str(key),
        f"-P{wire.port}",
        "-b",
        "-",
    ]
    (tmp_path / "a.csv").write_text("编号\n")
    done = subprocess.run(
        ["sftp", *options, f"{sftp_server.user}@{wire.host}"],
        input=f"put {tmp_path / 'a.csv'} {sftp_server.home.name}/a.csv\n",
        text=True,
        capture_output=True,
        timeout=30,
    )
    wire.cut()
    assert done.returncode == 0, done.stderr
    assert (sftp_server.home / "a.csv").read_text() == "编号\n"
