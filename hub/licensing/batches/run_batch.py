"""Work batches: claim some rows, make or register their licences, write what became of them; again, until nothing waits.

Guarantees: a row becomes one licence, however often its process is killed and whoever takes over: its number is written
down before it is printed, and what is written counts only while the claim stands. One bad row stops nothing: it is refused
with its reason. A store or database that is away makes the batch wait, with the cause on it, and it goes on by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from hub.catalogue.fields import FieldDef
from hub.errors import Unavailable
from hub.licensing.batches.batch_rows import heading_in, told, unseal_cells
from hub.licensing.batches.batch_source import scope_of
from hub.licensing.batches.claim_rows import (
    LEASE_SECONDS,
    Claimed,
    Result,
    claim,
    end_batches,
    finish,
    note_cause,
    release,
    still_mine,
)
from hub.licensing.batches.exchange_rows import ExchangeRow, read_exchange_row
from hub.licensing.batches.import_licences import ImportFacts, import_licences
from hub.licensing.batches.issue_rows import issue_rows
from hub.licensing.ports import Press, Tokens
from hub.licensing.types.published_type import PublishedType, numbered_licence_type
from hub.ports import Desk
from hub.workday import LOCAL

#: Rows of one claim. Making a licence takes tens of milliseconds, registering one much less.
SIZES = {"issue": 16, "import": 500}


@dataclass(frozen=True, slots=True)
class Workshop:
    """What works rows."""

    engine: Engine
    desk: Desk
    press: Press | None
    tokens: Tokens | None
    sizes: Mapping[str, int] = field(default_factory=lambda: dict(SIZES))
    lease: float = LEASE_SECONDS


def work_once(shop: Workshop) -> int:
    """Work the rows of one claim; how many they were. Raises Unavailable where a batch has to wait."""
    with shop.engine.begin() as tx:
        claimed = claim(tx, dict(shop.sizes), lease=shop.lease)
        if claimed is None or not claimed.rows:
            end_batches(tx, now=shop.desk.clock())
            return 0
    try:
        _work(shop, claimed)
    except Unavailable as error:
        with shop.engine.begin() as tx:
            release(tx, claimed)
            note_cause(tx, claimed.batch.id, error.message)
        raise
    if claimed.batch.cause is not None:
        with shop.engine.begin() as tx:
            note_cause(tx, claimed.batch.id, None)
    return len(claimed.rows)


def work_all(shop: Workshop, *, until: Callable[[], bool] = lambda: False) -> int:
    """Work until nothing waits, or `until` says so; how many rows that were."""
    total = 0
    while not until():
        worked = work_once(shop)
        if not worked:
            break
        total += worked
    return total


def _work(shop: Workshop, claimed: Claimed) -> None:
    with shop.engine.connect() as tx:
        type_ = _type(tx, claimed.batch)
    rows, refused = _read(shop, claimed, type_)
    if refused:
        with shop.engine.begin() as tx:
            mine = still_mine(tx, claimed)
            finish(tx, claimed, [one for one in refused if one.row in mine], shop.desk.clock())
    if not rows:
        return
    if claimed.batch.operation == "import":
        _import(shop, claimed, rows, type_)
    else:
        issue_rows(shop, claimed, rows)


def _type(tx: Connection, batch: Any) -> PublishedType | None:
    if batch.type_code is None or batch.type_version is None:
        return None
    return numbered_licence_type(tx, batch.type_code, batch.type_version)


def _read(
    shop: Workshop, claimed: Claimed, type_: PublishedType | None
) -> tuple[list[ExchangeRow], list[Result]]:
    """The rows as they were understood when they came in; one that cannot be read any more is refused."""
    batch = claimed.batch
    fields: tuple[FieldDef, ...] = type_.fields if type_ else ()
    heading = heading_in(batch, fields, scope_of(batch.operation, batch.type_code, batch.department))
    today = shop.desk.clock().astimezone(LOCAL).date()
    rows, refused = [], []
    for number, _key, payload, _number in claimed.rows:
        cells = unseal_cells(shop.desk.identities, batch.id, payload)
        read = read_exchange_row(heading, cells, number, today=today)
        if isinstance(read, list):
            refused.append(Result(number, "refused", problem=told(read)))
        else:
            rows.append(read)
    return rows, refused


def _import(
    shop: Workshop, claimed: Claimed, rows: Sequence[ExchangeRow], type_: PublishedType | None
) -> None:
    try:
        _import_together(shop, claimed, rows, type_)
    except IntegrityError:  # somebody brought one of them meanwhile: it is known now
        _import_together(shop, claimed, rows, type_)


def _import_together(
    shop: Workshop, claimed: Claimed, rows: Sequence[ExchangeRow], type_: PublishedType | None
) -> None:
    batch = claimed.batch
    facts = ImportFacts(
        batch.id, batch.department, batch.created_by, type_.fields if type_ else (), batch.type_code
    )
    with shop.engine.begin() as tx:
        mine = still_mine(tx, claimed)
        outcomes = import_licences(tx, [row for row in rows if row.row in mine], facts, shop.desk)
        results = [
            Result(one.row, one.state, one.licence_id, told(one.refusals) if one.refusals else None)
            for one in outcomes
        ]
        finish(tx, claimed, results, shop.desk.clock())
