"""One batch as its page shows it: what the columns became, the first rows, how far it is, how fast, and what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from hub.catalogue.fields import FieldDef
from hub.catalogue.licence_type import LicenceType
from hub.department import Department
from hub.identifiers import uscc_fault
from hub.licensing.batches.batch import LicenceBatchRow
from hub.licensing.batches.batch_control import Progress, progress_of, progress_since
from hub.licensing.batches.batch_rows import heading_in, read_told, shown_rows
from hub.licensing.batches.exchange_columns import Heading
from hub.licensing.types.published_type import numbered_licence_type
from hub.ports import Desk
from hub.program import Program
from hub.report_program import SILENT
from hub.sheets.sheet import Refusal

FIRST_ROWS, FIRST_REFUSALS = 8, 50
_LATELY = timedelta(seconds=15)
_READING_DEAD = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Watched:
    """Ready to be shown."""

    batch: Any
    type_name: str | None
    department_name: str | None
    progress: Progress
    rate: float  # rows a second, of late
    presses: int  # programs that work
    reading_dead: bool
    columns: Sequence[tuple[str, str]]  # heading, what it became
    rows: Sequence[tuple[int, Sequence[str]]]
    refusals: Sequence[Refusal]

    @property
    def percent(self) -> int:
        """For the bar: what is done of all, 100 only at the end."""
        if self.batch.state == "done":
            return 100
        return min(99, int(100 * self.progress.done / max(1, self.progress.total)))

    @property
    def seconds_left(self) -> float | None:
        """At the pace of late."""
        return self.progress.waiting / self.rate if self.rate else None

    @property
    def live(self) -> bool:
        """Whether the page asks again."""
        return self.batch.state in ("reading", "running")


def watched(tx: Connection, batch: Any, desk: Desk) -> Watched:
    """Look at a batch."""
    names = tx.execute(
        select(
            select(LicenceType.name).where(LicenceType.code == batch.type_code).scalar_subquery(),
            select(Department.name).where(Department.code == batch.department).scalar_subquery(),
        )
    ).one()
    columns, rows = ([], []) if batch.state == "reading" else _preview(tx, batch, desk)
    now = datetime.now(UTC)
    return Watched(
        batch,
        names[0],
        names[1],
        *_progress(tx, batch, desk.clock()),
        _presses(tx, now),
        batch.state == "reading" and now - (batch.read_at or batch.created_at) > _READING_DEAD,
        columns,
        rows,
        _refusals(tx, batch),
    )


def _preview(
    tx: Connection, batch: Any, desk: Desk
) -> tuple[list[tuple[str, str]], list[tuple[int, list[str]]]]:
    if not batch.heading:
        return [], []
    fields: tuple[FieldDef, ...] = ()
    if batch.type_code and batch.type_version:
        fields = numbered_licence_type(tx, batch.type_code, batch.type_version).fields
    heading = heading_in(batch, fields)
    columns = list(zip(heading.cells, heading.meanings(), strict=True))
    covered = _personal(heading)
    shown = []
    for number, _state, cells, _problem in shown_rows(tx, batch.id, desk.identities, limit=FIRST_ROWS):
        cells = [*cells, *[""] * (len(columns) - len(cells))][: len(columns)]
        shown.append(
            (number, [_masked(cell, desk) if at in covered else cell for at, cell in enumerate(cells)])
        )
    return columns, shown


def _personal(heading: Heading) -> set[int]:
    """Columns with numbers of persons."""
    known = {at for at, column in heading.known if column.kind in ("holder_codes", "extend")}
    return known | {at for at, one in heading.fields if one.type == "person_number"}


def _masked(cell: str, desk: Desk) -> str:
    if cell.startswith("{"):
        return "{…}"
    parts = (part for part in cell.strip('[] "').replace('", "', "^").replace('","', "^").split("^"))
    return "^".join(
        part if uscc_fault(part) is None else desk.identities.mask(part) for part in parts if part
    )


def _progress(tx: Connection, batch: Any, now: datetime) -> tuple[Progress, float]:
    """How far it is, and rows a second of late."""
    if batch.state != "running":
        return progress_of(tx, batch.id), 0.0
    since = max(now - _LATELY, batch.started_at or now)
    found, done = progress_since(tx, batch.id, since)
    return found, done / max(1.0, (now - since).total_seconds())


def _presses(tx: Connection, now: datetime) -> int:
    return int(
        tx.scalar(
            select(func.count()).where(
                Program.name == "press", Program.state != "stopped", Program.seen_at > now - SILENT
            )
        )
        or 0
    )


def _refusals(tx: Connection, batch: Any) -> list[Refusal]:
    rows = tx.execute(
        select(LicenceBatchRow.row, LicenceBatchRow.problem)
        .where(LicenceBatchRow.batch_id == batch.id, LicenceBatchRow.state == "refused")
        .order_by(LicenceBatchRow.row)
        .limit(FIRST_REFUSALS)
    )
    return [reason for row in rows for reason in read_told(row.row, row.problem)][: 2 * FIRST_REFUSALS]
