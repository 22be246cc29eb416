"""What a database's error means: whose fault it is, and the sentence for it. By SQLSTATE (PostgreSQL), number (MySQL), text
(SQLite); never by the words of a server, which may be in any language.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

#: row: this record's; schema: a table or column went away; sign_in, permission: ours; away: nobody's, try again.
Kind = Literal["row", "schema", "sign_in", "permission", "tls", "away"]


@dataclass(frozen=True, slots=True)
class DatabaseFault:
    """One error of a database. `cause` is that of a refusal, where it is a record's own fault."""

    kind: Kind
    words: str
    cause: str = ""
    gone: bool = False  # the connection cannot be used any more
    detail: str = ""


class Meaning(NamedTuple):
    """Of one error, before its details are known."""

    kind: Kind
    words: str
    cause: str = ""


_TOO_LONG = Meaning("row", "内容超过字段的长度", "too_big")
_WRONG = Meaning("row", "内容与字段的类型不符", "shape")
_RANGE = Meaning("row", "数值超出字段的范围", "shape")
_EMPTY = Meaning("row", "必填的字段为空", "shape")
_DUPLICATE = Meaning("row", "与已有的记录重复（唯一键）", "duplicate")
_REFERENCE = Meaning("row", "引用的记录在对方库中不存在（外键）", "shape")
_CHECKED = Meaning("row", "不符合对方表上的约束", "shape")
_TRIGGER = Meaning("row", "对方的触发器拒绝了这条记录", "answer")
_CHARACTERS = Meaning("row", "含有对方字段的字符集存不下的字符（请对方改用 utf8mb4）", "shape")
_MISSING = Meaning("schema", "表或字段不在了（可能已改名）")
_DENIED = Meaning("permission", "用户没有这个权限")
_SIGN_IN = Meaning("sign_in", "用户名或密码不对，或不允许从本机登录")
_NO_DATABASE = Meaning("sign_in", "没有这个数据库，或该用户不能进入")
_SLOW = Meaning("away", "在限定的时间内没有完成")
_BUSY = Meaning("away", "正被其他程序占用（锁）")
_FULL = Meaning("away", "空间不足")
_READ_ONLY = Meaning("away", "处于只读状态")
_CROWDED = Meaning("away", "连接数已满")

_POSTGRES: dict[str, Meaning] = {
    "22001": _TOO_LONG, "22003": _RANGE, "22P02": _WRONG, "22007": _WRONG, "22008": _RANGE, "42804": _WRONG,
    "22021": _CHARACTERS, "22P05": _CHARACTERS, "23502": _EMPTY, "23503": _REFERENCE, "23505": _DUPLICATE,
    "23514": _CHECKED, "23P01": _DUPLICATE, "44000": _CHECKED, "P0001": _TRIGGER, "42703": _MISSING,
    "42P01": _MISSING, "3F000": _MISSING, "42501": _DENIED, "28P01": _SIGN_IN, "28000": _SIGN_IN,
    "3D000": _NO_DATABASE, "57014": _SLOW, "55P03": _BUSY, "40001": _BUSY, "40P01": _BUSY, "53100": _FULL,
    "25006": _READ_ONLY, "53300": _CROWDED,
}  # fmt: skip
_MYSQL: dict[int, Meaning] = {
    1406: _TOO_LONG, 1264: _RANGE, 1690: _RANGE, 1265: _WRONG, 1292: _WRONG, 1411: _WRONG, 1366: _WRONG,
    1367: _WRONG, 1048: _EMPTY, 1364: _EMPTY, 1062: _DUPLICATE, 1452: _REFERENCE, 1216: _REFERENCE,
    3819: _CHECKED, 4025: _CHECKED, 1644: _TRIGGER, 3140: _WRONG, 1054: _MISSING, 1146: _MISSING, 1142: _DENIED,
    1143: _DENIED, 1227: _DENIED, 1370: _DENIED, 1045: _SIGN_IN, 1698: _SIGN_IN, 1130: _SIGN_IN, 1044: _NO_DATABASE,
    1049: _NO_DATABASE, 1969: _SLOW, 3024: _SLOW, 1205: _BUSY, 1213: _BUSY, 1020: _BUSY, 1114: _FULL, 1021: _FULL,
    1290: _READ_ONLY, 1836: _READ_ONLY, 1040: _CROWDED, 1203: _CROWDED, 1226: _CROWDED,
}  # fmt: skip
_LOST_MYSQL = (2003, 2006, 2013, 2014, 2055)
_SQLITE: tuple[tuple[str, Meaning], ...] = (
    ("UNIQUE constraint", _DUPLICATE),
    ("NOT NULL constraint", _EMPTY),
    ("FOREIGN KEY constraint", _REFERENCE),
    ("CHECK constraint", _CHECKED),
    ("datatype mismatch", _WRONG),
    ("too large to convert", _RANGE),
    ("too big", _TOO_LONG),
    ("no such table", _MISSING),
    ("no such column", _MISSING),
    ("has no column named", _MISSING),
    ("locked", _BUSY),
    ("disk is full", _FULL),
    ("readonly", _READ_ONLY),
)
#: A name in the server's words that says which column or key it is about.
_NAMED = re.compile(
    r"""(?:column|key|constraint|failed:|field)\s+['"`]?([\w.$\u4e00-\u9fff]+)""", re.IGNORECASE
)


def fault_of(error: BaseException) -> DatabaseFault:
    """What an exception of SQLAlchemy or of a driver means."""
    original: Any = getattr(error, "orig", None) or error
    said = " ".join(str(original).split())
    detail = said[:500]
    meant, gone = _meaning(original, said)
    if meant is None:
        lost = gone or bool(getattr(error, "connection_invalidated", False)) or _is_lost(original)
        words = "连接中断" if lost else f"没有完成操作（{said[:120]}）"
        return DatabaseFault("away", words, gone=lost, detail=detail)
    kind, words, cause = meant
    named = _NAMED.search(said)
    if kind in ("row", "schema") and named:
        words = f"{words}：{named[1]}"
    return DatabaseFault(kind, words, cause, gone, detail)


def _meaning(original: Any, said: str) -> tuple[Meaning | None, bool]:
    if isinstance(original, sqlite3.Error):
        return next((meant for sign, meant in _SQLITE if sign in said), None), False
    number = original.args[0] if getattr(original, "args", ()) else None
    if isinstance(number, int):  # before the state: MySQL has one as well, and says less by it
        if number == 1366 and "\\x" in said:
            return _CHARACTERS, False
        if number == 2013 and "timed out" in said:
            return _SLOW, True
        return _MYSQL.get(number), number in _LOST_MYSQL
    state = getattr(original, "sqlstate", None)
    if state:
        return _POSTGRES.get(state) or _by_class(state), state[:2] in ("08", "57") and state != "57014"
    if "password authentication failed" in said or "no password supplied" in said:
        return _SIGN_IN, True
    return None, True


def _by_class(state: str) -> Meaning | None:
    return {"22": _WRONG, "23": _CHECKED, "28": _SIGN_IN}.get(state[:2])


def _is_lost(original: Any) -> bool:
    return isinstance(original, OSError | EOFError)
