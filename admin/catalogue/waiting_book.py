"""A workbook between its preview and its import, kept on this machine's disk for its owner.

Guarantees: only who uploaded it finds it again; readable by this account alone; swept after a day. With web processes on
several machines the second step says that the file is gone, and asks for it again.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hub.catalogue.sheet_columns import SHEETS
from hub.catalogue.sheet_read import MOST_ROWS, Entry, read_workbook
from hub.errors import NotFound, Rejected
from storage.spreadsheet import read_rows

KEPT_SECONDS = 86_400
LARGEST = 20 * 1024 * 1024
_TOKEN = re.compile(r"[0-9a-f]{32}")


class WaitingBooks:
    """The waiting workbooks of one hub."""

    ending = "xlsx"

    def __init__(self, database_url: str, user: str) -> None:
        mark = hashlib.sha256(database_url.encode()).hexdigest()[:16]
        self._folder = Path(tempfile.gettempdir()) / f"shenguan-catalogue-{mark}"
        self._mine = hashlib.sha256(user.encode()).hexdigest()[:16]

    def keep(self, upload: Any) -> str:
        """Keep an uploaded file; its token."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for old in self._folder.glob(f"*.{self.ending}"):
            if time.time() - old.stat().st_mtime > KEPT_SECONDS:
                old.unlink(missing_ok=True)
        token = uuid.uuid4().hex
        path = self._path(token)
        upload.save(path)
        if path.stat().st_size > LARGEST:
            path.unlink()
            raise Rejected(f"文件超过 {LARGEST // 1024 // 1024} MB。请按事项分成几份导出、导入。")
        return token

    def read(self, token: str) -> list[Entry]:
        """What it says. Raises Rejected with what to do, NotFound when it is gone."""
        path = self.found(token)
        with read_rows(path) as first:
            if first.kind != "xlsx":
                raise Rejected("目录要用一个 .xlsx 工作簿导入。请先导出一份，照它的样子填写。")
            names = first.sheet_names
        with _sheets(path, [name for name in SHEETS if name in names]) as sheets:
            return read_workbook(sheets)

    def found(self, token: str) -> Path:
        """Where it waits. Raises NotFound when it is gone."""
        path = self._path(token)
        if not _TOKEN.fullmatch(token) or not path.exists():
            raise NotFound("待导入的文件已不在（可能超过一天，或在另一台服务器上）。请重新上传。")
        return path

    def drop(self, token: str) -> None:
        """It has been imported."""
        if _TOKEN.fullmatch(token):
            self._path(token).unlink(missing_ok=True)

    def _path(self, token: str) -> Path:
        return self._folder / f"{self._mine}-{token}.{self.ending}"


@contextmanager
def _sheets(path: Path, names: list[str]) -> Iterator[dict[str, list[tuple[int, list[str]]]]]:
    found: dict[str, list[tuple[int, list[str]]]] = {}
    for name in names:
        with read_rows(path, sheet=name) as rows:
            found[name] = []
            for row in rows:
                found[name].append(row)
                if len(found[name]) > MOST_ROWS + 1:
                    raise Rejected(f"工作表“{name}”超过 {MOST_ROWS} 行。请分成几份。")
    yield found
