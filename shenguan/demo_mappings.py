"""The connectors of the demo that the hub's host runs: each as the document that a person would make in the browser, and
the department's own side of it, a folder or a little SQLite database below the host's folder.

Guarantees: `ensure_places` makes what is missing and touches nothing that is there. No password, no address outside.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

from schemas import loads
from shenguan.demo_county_words import HOSTED, Neighbour

DATABASE = "own.sqlite"
#: way -> the kind of endpoint and, of folders, how the files are written
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "permit_table": ("sql", {}),
    "table": ("sql", {}),
    "table_both": ("sql", {}),
    "csv": ("folder", {"format": "csv"}),
    "csv_both": ("folder", {"format": "csv"}),
    "gbk": ("folder", {"format": "csv", "encoding": "gb18030"}),
    "xlsx": ("folder", {"format": "xlsx"}),
    "json": ("folder", {"format": "json"}),
    "xml": ("folder", {"format": "xml"}),
}
_DATE = [{"do": "date", "options": {"out": "YYYY-MM-DD"}}]
#: message -> table, folder, and what goes there: the column, the heading, the source, the steps
_OUT: dict[str, tuple[str, str, tuple[tuple[str, str, str, list[dict[str, Any]]], ...]]] = {
    "approval.decided.v1": (
        "xzxk",
        "许可",
        (
            ("BJBH", "办件编号", "case.project_no", []),
            ("XKSX", "许可事项", "case.task_name", []),
            ("XDR", "行政相对人", "case.applyer_name", []),
            ("TYDM", "统一社会信用代码", "case.applyer_page_code", []),
            ("WSH", "决定书文号", "result.document_no", []),
            ("ZSMC", "证照名称", "licence.certificateName", []),
            ("ZZBH", "证照编号", "licence.certificateNumber", []),
            ("JDRQ", "决定日期", "result.result_date", _DATE),
            ("YXQZ", "有效期至", "licence.certificateValidateEnd", _DATE),
            ("SPBM", "审批部门", "case.org_name", []),
        ),
    ),
    "approval.withdrawn.v1": (
        "xkch",
        "撤回",
        (
            ("BJBH", "办件编号", "project_no", []),
            ("WSH", "决定书文号", "document_no", []),
            ("CHYY", "撤回原因", "reason", []),
        ),
    ),
    "licence.changed.v1": (
        "zzbd",
        "证照变动",
        (
            ("ZZBH", "证照编号", "licence.certificateNumber", []),
            ("ZZMC", "证照名称", "licence.certificateName", []),
            ("BD", "变动", "change.operation_name", []),
            ("ZT", "现在的状态", "licence.status_title", []),
            ("YY", "原因", "change.reason", []),
        ),
    ),
}
_KEYS = {"approval.decided.v1": "BJBH"}  # what else there is may be said of a case more than once
_UNWANTED = ("finding.forwarded.v1", "advice.forwarded.v1")
_FINDING: tuple[tuple[str, str, str, list[dict[str, Any]]], ...] = (
    ("finding_no", "BH", "检查编号", []),
    ("project_no", "BJBH", "办件编号", []),
    ("inspected_at", "JCSJ", "检查时间", []),
    ("inspectors", "JCRY", "检查人员", []),
    ("check_result", "JCJG", "检查结果", []),
    ("handling", "CLJG", "处理结果", []),
    ("explain", "SM", "说明", []),
    ("publicity", "", "", [{"do": "constant", "options": {"value": "internal"}}]),
)
_BACK = ("jcjl", "检查记录")


def document_of(neighbour: Neighbour) -> dict[str, Any]:
    """The connector's document."""
    kind, place = WAYS[neighbour.way]
    settings = {"dialect": "sqlite", "path": DATABASE} if kind == "sql" else {"root": "."}
    flows = [_out(message, kind, place) for message in _OUT]
    if neighbour.way == "permit_table":
        flows[0] = _whole_sheet()
    if neighbour.way.endswith("_both"):
        flows.append(_findings(kind))
    return {
        "format": 1,
        "code": connector_code(neighbour),
        "department": neighbour.code,
        "title": title_of(neighbour),
        "endpoints": [{"name": "own", "kind": kind, "settings": settings}],
        "flows": flows + [_unwanted(message, kind, place) for message in _UNWANTED],
        "running": {"poll_seconds": 5},
    }


def connector_code(neighbour: Neighbour) -> str:
    """The connector's code, which is also the name of its folder on the host."""
    return f"{neighbour.code}-demo"


def title_of(neighbour: Neighbour) -> str:
    """What the connector is called."""
    kind, place = WAYS[neighbour.way]
    what = "数据库" if kind == "sql" else f"文件夹（{place['format'].upper()}）"
    return f"{neighbour.name}{what}"


def _out(message: str, kind: str, place: dict[str, Any]) -> dict[str, Any]:
    table, folder, fields = _OUT[message]
    if kind == "sql":
        key = {"key_columns": _KEYS[message]} if message in _KEYS else {"delivery_column": "TDBH"}
        where: dict[str, Any] = {"table": table, **key}
    else:
        where = {"folder": folder, "per": "batch", "name": f"{folder}-{{date}}-{{time}}-{{count}}", **place}
    rules = [
        {
            "target": column if kind == "sql" else heading,
            "sources": [source],
            **({"steps": steps} if steps else {}),
            **({"required": True} if column == "BJBH" else {}),
        }
        for column, heading, source, steps in fields
    ]
    return {**_flow(table, "out", message), "place": where, "fields": rules}


def _unwanted(message: str, kind: str, place: dict[str, Any]) -> dict[str, Any]:
    """Known, and switched off: what it does not want is signed for all the same."""
    where = {"table": "xkch", "delivery_column": "TDBH"} if kind == "sql" else place
    return {**_flow(message.partition(".")[0], "out", message), "place": where, "active": False}


def _whole_sheet() -> dict[str, Any]:
    """All columns of the 双公示 sheet, as the ready-made connector has them."""
    return {**_preset()["flows"][0], "endpoint": "own"}


def _preset() -> dict[str, Any]:
    found: dict[str, Any] = loads(
        (files("schemas") / "connector" / "presets" / "permit_table.json").read_bytes()
    )
    return found


def _findings(kind: str) -> dict[str, Any]:
    table, folder = _BACK
    if kind == "sql":
        where: dict[str, Any] = {
            "table": table, "cursor_kind": "id", "cursor_column": "ID", "key_column": "ID",
            "status_column": "ZT", "words_column": "HZ",
        }  # fmt: skip
    else:
        where = {"folder": folder, "format": "auto", "quiet_seconds": 1}
    rules = [
        {
            "target": target,
            **({"sources": [column if kind == "sql" else heading]} if column else {}),
            **({"steps": steps} if steps else {}),
        }
        for target, column, heading, steps in _FINDING
    ]
    return {**_flow(table, "in", "finding"), "place": where, "fields": rules}


def _flow(name: str, direction: str, message: str) -> dict[str, Any]:
    return {"name": name, "direction": direction, "message": message, "endpoint": "own"}


def ensure_places(folder: Path) -> None:
    """Each department's own folder or database, below the host's."""
    for neighbour in HOSTED:
        own = folder / connector_code(neighbour)
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        if WAYS[neighbour.way][0] == "sql":
            _ensure_database(own / DATABASE, neighbour)
        elif neighbour.way.endswith("_both"):
            (own / _BACK[1]).mkdir(exist_ok=True)


def _ensure_database(file: Path, neighbour: Neighbour) -> None:
    if file.exists():
        return
    with closing(sqlite3.connect(file)) as db, db:
        for message, (table, _, fields) in _OUT.items():
            columns, key = [column for column, *_ in fields], _KEYS.get(message, "TDBH")
            if neighbour.way == "permit_table" and table == "xzxk":
                columns, key = [rule["target"] for rule in _preset()["flows"][0]["fields"]], "XK_WSH"
            named = ", ".join(f"{one} TEXT" for one in dict.fromkeys((key, *columns)))
            db.execute(f"CREATE TABLE {table} ({named}, PRIMARY KEY ({key}))")
        if neighbour.way.endswith("_both"):
            named = ", ".join(f"{column} TEXT" for _, column, *_ in _FINDING if column)
            db.execute(
                f"CREATE TABLE {_BACK[0]} (ID INTEGER PRIMARY KEY, {named}, ZT TEXT DEFAULT '', HZ TEXT)"
            )
