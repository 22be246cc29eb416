"""The other side's fields out of a file that somebody has at hand: a sheet's header and its first rows, or JSON.

Guarantees: only the first rows are read, whatever the size; merged titles above the header are passed over; a file that
cannot be read is refused with a sentence. Nothing of it is kept on our side but the names of the columns.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from flask_babel import gettext

from hub.errors import Rejected
from schemas import Malformed, loads
from schemas.mapping.paths import spelled
from storage.spreadsheet import read_rows

LARGEST = 20 * 1024 * 1024
READ_ROWS, KEPT_ROWS, HEADER_WITHIN = 60, 20, 15
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,60}")
_DIGITS = re.compile(r"[0-9.,/年月日:：-]+")


def read_file(upload: Any) -> dict[str, Any]:
    """{columns, records} of an uploaded sample. Raises Rejected."""
    name = (upload.filename or "") if upload is not None else ""
    if not name:
        raise Rejected(gettext("请选择样表文件（.xlsx、.csv 或 .json）。"))
    with closing(upload), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample"
        upload.save(path)
        if path.stat().st_size > LARGEST:
            raise Rejected(gettext("文件超过 20 MB。样表只需表头和前几行，请删去其余的行。"))
        if name.lower().endswith(".json"):
            return _from_json(path.read_bytes())
        with read_rows(path) as rows:
            return _from_rows([cells for _number, cells in islice(iter(rows), READ_ROWS)])


def column(name: str, title: str = "", **more: Any) -> dict[str, Any]:
    """A field of the other side by its own name: the path that means it, and what people call it."""
    path = spelled((name,))
    told = {"name": path, "title": title or ("" if path == name else name), **more}
    return {key: value for key, value in told.items() if value not in ("", None, False)}


def job_columns(result: Any) -> list[dict[str, Any]]:
    """The columns that a job of the connector host read."""
    found = result.get("columns") if isinstance(result, dict) else None
    return [
        column(
            str(one["name"]),
            str(one.get("title") or ""),
            kind=one.get("kind") if one.get("kind") != "text" else None,
            required=bool(one.get("required")),
            length=one.get("length"),
        )
        for one in found or ()
        if isinstance(one, dict) and one.get("name")
    ]


def _from_json(raw: bytes) -> dict[str, Any]:
    try:
        said = loads(raw)
    except Malformed as error:
        raise Rejected(gettext("这个文件不是 JSON：%(why)s", why=str(error)[:200])) from error
    if isinstance(said, dict):
        said = next((one for one in said.values() if isinstance(one, list) and one), [said])
    records = [one for one in said if isinstance(one, dict)][:KEPT_ROWS] if isinstance(said, list) else []
    if not records:
        raise Rejected(gettext("JSON 里没有记录：应为一个对象，或对象的列表。"))
    names = dict.fromkeys(name for one in records for name in one)
    return {"columns": [column(name) for name in names], "records": records}


def _from_rows(rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    at = _header_row(rows)
    header = [cell.strip().replace("\n", "") for cell in rows[at]]
    titles = [""] * len(header)
    body = rows[at + 1 :]
    # Two header rows: codes below Chinese names, or the other way round. Records go by the codes.
    if body and _is_code_row(body[0]) and not _is_code_row(header):
        titles, header, body = header, [cell.strip() for cell in body[0]], body[1:]
    elif at and _is_code_row(header) and sum(bool(one.strip()) for one in rows[at - 1]) * 2 > len(header):
        titles = [cell.strip() for cell in rows[at - 1]]
    named = [(index, name) for index, name in enumerate(header) if name]
    twice = [name for name, count in Counter(name for _, name in named).items() if count > 1]
    if twice:
        raise Rejected(gettext("表头有重复的列名：%(names)s。请改名后再上传。", names="、".join(twice[:5])))
    records = [
        {name: row[index].strip() if index < len(row) else "" for index, name in named}
        for row in body
        if any(cell.strip() for cell in row)
    ]
    columns = [column(name, titles[i] if i < len(titles) else "") for i, name in named]
    return {"columns": columns, "records": records[:KEPT_ROWS]}


def _header_row(rows: Sequence[Sequence[str]]) -> int:
    """The first row that is as wide as the sheet and says names, not values: a merged title above it is narrower."""
    widths = [sum(bool(cell.strip()) for cell in row) for row in rows]
    if not widths or max(widths) == 0:
        raise Rejected(gettext("文件里没有内容。请上传带表头的样表。"))
    widest = max(widths[:HEADER_WITHIN])
    for at, row in enumerate(rows[:HEADER_WITHIN]):
        filled = [cell.strip() for cell in row if cell.strip()]
        values = sum(bool(_DIGITS.fullmatch(cell)) for cell in filled)
        if filled and len(filled) * 10 >= widest * 6 and values * 3 <= len(filled):
            return at
    raise Rejected(gettext("前 %(n)s 行里找不到表头。请把表头放在第一行。", n=HEADER_WITHIN))


def _is_code_row(row: Sequence[str]) -> bool:
    filled = [cell.strip() for cell in row if cell.strip()]
    return bool(filled) and all(_CODE.fullmatch(cell) for cell in filled)
