"""Rewrap 换密: everything that the key-encryption key wrapped, moved to the newest one, without touching what it opens.

Guarantees: what is wrapped by the newest key is left alone; a few rows at a time, each batch its own transaction, so that it
runs beside everything else and goes on where it was broken off. What cannot be opened is counted and stays as it is.
Where nothing is left, earlier keys may go from the configuration.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Engine, TextClause, text

from hub.connecting.keep_secrets import secret_context
from hub.deciding.owed_rows import held_context
from hub.errors import Unavailable
from hub.ledger import Entry, record
from hub.licensing.batches.batch_rows import cells_context
from hub.noticing.save_channel import channel_context
from storage.custody import custody_context
from storage.identity import NUMBERS
from storage.key_encryption import KeyEncryption
from storage.sealing import Tampered

AT_ONCE = 500
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """One column of wrapped secrets: what people call it, where it is, and what each row's secret was wrapped for."""

    title: str
    table: str
    column: str
    key: tuple[str, ...]
    context: Callable[[Any], bytes]
    also: tuple[str, ...] = ()  # further columns that the context needs


EVERYTHING = (
    Kept(
        "文件密钥",
        "stored_objects",
        "wrapped_key",
        ("sha256",),
        lambda r: r.object_name.encode(),
        ("object_name",),
    ),
    Kept(
        "部门托管密钥",
        "department_keys",
        "sealed_key",
        ("kid",),
        lambda r: custody_context(r.department),
        ("department",),
    ),
    Kept(
        "连接器的秘密",
        "connector_secrets",
        "sealed",
        ("connector", "endpoint", "name"),
        lambda r: secret_context(r.connector, r.endpoint, r.name).encode(),
    ),
    Kept("告警渠道的秘密", "alert_channels", "sealed", ("id",), lambda r: channel_context(r.id).encode()),
    Kept("证件号码", "parties", "code_sealed", ("id",), lambda _: NUMBERS),
    Kept("未放行的推送包", "pushes", "held_package", ("id",), lambda r: held_context(r.id).encode()),
    Kept(
        "证照批次的行",
        "licence_batch_rows",
        "payload",
        ("batch_id", "row"),
        lambda r: cells_context(r.batch_id).encode(),
    ),
)
#: Columns of JSON in which a person's number may stand sealed, as hub.catalogue.fields keeps it, and each table's key.
WITHIN = (
    Kept("办件表单中的号码", "case_fields", "value", ("case_no", "name"), lambda _: NUMBERS),
    Kept("上传内容中的号码", "uploads", "fields", ("id",), lambda _: NUMBERS),
    Kept("材料中的号码", "materials", "fields", ("id",), lambda _: NUMBERS),
    Kept("证照中的号码", "licences", "fields", ("id",), lambda _: NUMBERS),
)
_HELD = "substr({0}, 1, length(:current)) <> :current AND {0} <> ''"
#: Some seal within that begins otherwise than the newest key's.
_HELD_WITHIN = (
    """jsonb_path_exists({0}, 'strict $.**.sealed ? (@.type() == "string" && !(@ starts with $head))', """
    "jsonb_build_object('head', CAST(:current AS text)))"
)
#: A seal in the text of a jsonb, all else of which stays as it is to the letter. Within a value a quote is written \\".
_SEAL = re.compile(r'((?<=[{ ])"sealed": ")((?:[^"\\]|\\.)*)(")')


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What became of one column."""

    title: str
    moved: int
    left: int  # could not be opened: the key that wrapped them is not among ours, or they were changed


def rewrap_everything(engine: Engine, kek: KeyEncryption, *, actor: str) -> list[Rewrapped]:
    """Move all to the newest key; what was done for each column."""
    done = [_rewrap(engine, kek, kept) for kept in (*EVERYTHING, *WITHIN)]
    if any(one.moved for one in done):
        with engine.begin() as tx:
            detail = {one.title: one.moved for one in done if one.moved}
            record(tx, Entry(actor, "secrets.rewrapped", "hub:keys", detail=detail))
    return done


def _rewrap(engine: Engine, kek: KeyEncryption, kept: Kept) -> Rewrapped:
    moved = left = 0
    current = base64.b64encode(kek.head).decode() if kept in WITHIN else kek.head
    after: Mapping[str, Any] = {}
    while True:
        with engine.begin() as tx:
            rows = tx.execute(_page(kept, bool(after)), {"current": current, "most": AT_ONCE, **after}).all()
            for row in rows:
                wrapped = _moved(kek, kept, row)
                if wrapped is None:
                    left += 1
                else:
                    tx.execute(_change(kept), {"wrapped": wrapped, **_key(kept, row)})
                    moved += 1
        if len(rows) < AT_ONCE:
            return Rewrapped(kept.title, moved, left)
        after = _key(kept, rows[-1])


def _moved(kek: KeyEncryption, kept: Kept, row: Any) -> bytes | str | None:
    """The column's new value, or None where it cannot be opened."""
    held, context = getattr(row, kept.column), kept.context(row)
    try:
        if kept in WITHIN:
            return _SEAL.sub(lambda found: found[1] + _moved_seal(kek, found[2], context) + found[3], held)
        return kek.rewrap(bytes(held), context=context)
    except (Tampered, Unavailable, binascii.Error) as error:
        _log.error("rewrap.left", table=kept.table, key=str(_key(kept, row)), cause=str(error))
        return None


def _moved_seal(kek: KeyEncryption, seal: str, context: bytes) -> str:
    return base64.b64encode(kek.rewrap(base64.b64decode(seal, validate=True), context=context)).decode()


def _key(kept: Kept, row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in kept.key}


def _page(kept: Kept, further: bool) -> TextClause:
    """The next rows that an earlier key wrapped, in the key's order."""
    key, marks = ", ".join(kept.key), ", ".join(f":{name}" for name in kept.key)
    behind = f"AND ({key}) > ({marks})" if further else ""
    held = (_HELD_WITHIN if kept in WITHIN else _HELD).format(kept.column)
    column = f"CAST({kept.column} AS text) AS {kept.column}" if kept in WITHIN else kept.column
    return text(
        f"SELECT {', '.join((*kept.key, *kept.also, column))} FROM {kept.table} "  # noqa: S608 - our own names
        f"WHERE {kept.column} IS NOT NULL AND {held} {behind} ORDER BY {key} LIMIT :most FOR UPDATE"
    )


def _change(kept: Kept) -> TextClause:
    which = " AND ".join(f"{name} = :{name}" for name in kept.key)
    value = "CAST(:wrapped AS jsonb)" if kept in WITHIN else ":wrapped"
    return text(f"UPDATE {kept.table} SET {kept.column} = {value} WHERE {which}")  # noqa: S608 - our own names
