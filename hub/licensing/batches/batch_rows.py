"""The rows of a batch: read in, sealed and stored; and read back for work, for a preview, or to be mended.

Guarantees: memory does not grow with the file; what a row says is sealed, its key is a keyed hash; rows that nobody can
take are kept with every reason, in their own words, so they can be given back and mended; the same row twice in a file is
refused, and one that made a licence before is `unchanged` while that licence is alive.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, islice
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from hub.catalogue.fields import FieldDef
from hub.errors import Conflict, HubError, NotFound, Rejected
from hub.licensing.batches.batch import LicenceBatch, LicenceBatchRow
from hub.licensing.batches.batch_control import move_batch
from hub.licensing.batches.batch_source import ALIVE, BatchSource
from hub.licensing.batches.exchange_columns import HEADER_ROWS, Heading, find_heading, heading_of
from hub.licensing.batches.exchange_rows import raw_key, read_exchange_row
from hub.ports import Desk, IdentityVault
from hub.round_trips import Rows, ask, write
from hub.sheets.sheet import Refusal
from hub.workday import LOCAL

AT_ONCE = 2000  # rows a transaction
MOST_ROWS = 500_000
WHOLE_ROW = "整行"


Told = Callable[[int], None]  # rows read so far


def told(refusals: Sequence[Refusal]) -> str:
    """Reasons as they are kept: a line each, column, cause and cure between tabs."""
    return "\n".join("\t".join(_line(word) for word in (r.column, r.cause, r.expected)) for r in refusals)


def read_told(row: int, problem: str) -> list[Refusal]:
    """The reasons back."""
    found = []
    for line in problem.split("\n"):
        column, cause, expected = (*line.split("\t"), "", "")[:3] if "\t" in line else (WHOLE_ROW, line, "")
        found.append(Refusal(row, column, cause, expected))
    return found


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


def open_batch(tx: Connection, source: BatchSource, *, actor: str) -> uuid.UUID:
    """A new batch without rows yet."""
    batch_id = uuid.uuid4()
    tx.execute(
        insert(LicenceBatch).values(
            id=batch_id,
            operation=source.operation,
            type_code=source.type_code,
            type_version=source.type_version,
            department=source.department,
            source_name=source.name[:200],
            source_sha256=source.sha256,
            created_by=actor,
        )
    )
    return batch_id


def read_in(
    engine: Engine,
    rows: Iterable[tuple[int, Sequence[str]]],
    source: BatchSource,
    desk: Desk,
    *,
    actor: str,
    on_progress: Told | None = None,
    batch_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Store the rows of a file in a batch, new unless it was opened before; then it is ready to be started.

    Raises Rejected where the file cannot be taken; the batch then says why. Conflict: somebody stopped it meanwhile.
    """
    if batch_id is None:
        with engine.begin() as tx:
            batch_id = open_batch(tx, source, actor=actor)
    try:
        _read(engine, rows, source, desk, batch_id, on_progress)
        with engine.begin() as tx:
            move_batch(tx, batch_id, "read", actor=actor, now=desk.clock())
    except BaseException as error:
        with suppress(Conflict):  # it was stopped meanwhile: that stands
            _give_up(engine, batch_id, error, actor, desk)
        raise
    return batch_id


def _give_up(engine: Engine, batch_id: uuid.UUID, error: BaseException, actor: str, desk: Desk) -> None:
    why = error.message if isinstance(error, HubError) else "读取没有完成，原因已记入日志。请重新上传。"
    with engine.begin() as tx:
        tx.execute(delete(LicenceBatchRow).where(LicenceBatchRow.batch_id == batch_id))
        move_batch(tx, batch_id, "fail", actor=actor, now=desk.clock(), reason=why)


def _read(
    engine: Engine,
    rows: Iterable[tuple[int, Sequence[str]]],
    source: BatchSource,
    desk: Desk,
    batch_id: uuid.UUID,
    on_progress: Told | None,
) -> None:
    iterator = iter(rows)
    first = list(islice(iterator, HEADER_ROWS))
    heading = find_heading(first, operation=source.operation, fields=source.fields, scope=source.scope)
    with engine.begin() as tx:
        tx.execute(update(LicenceBatch).where(LicenceBatch.id == batch_id).values(heading=heading.as_dict()))
    body = chain((row for row in first if row[0] > heading.row), iterator)
    reading = _Reading(heading, desk, batch_id, desk.clock().astimezone(LOCAL).date())
    total = 0
    while batch := list(islice(body, AT_ONCE)):
        with engine.begin() as tx:
            noted = tx.execute(
                update(LicenceBatch)
                .where(LicenceBatch.id == batch_id, LicenceBatch.state == "reading")
                .values(total=total + len(batch), read_at=func.now())
            )
            if not noted.rowcount:
                raise Conflict("这个批次已被停止。")
            total += reading.store(tx, batch)
        if total > MOST_ROWS:
            raise Rejected(f"一个批次最多 {MOST_ROWS} 行。请拆成几个文件分别上传。")
        if on_progress:
            on_progress(total)
    with engine.begin() as tx:
        tx.execute(update(LicenceBatch).where(LicenceBatch.id == batch_id).values(total=total))
    if not total:
        raise Rejected("表头下面没有数据行。请填写后重新上传。")


_KNOWN = """
SELECT k.key, k.batch_id, k.row, k.state, k.licence_id, l.status FROM licence_batch_rows k
LEFT JOIN licences l ON l.id = k.licence_id
WHERE k.key = ANY(%(keys)s) AND (k.batch_id = %(batch)s OR k.state = 'issued')
"""


@dataclass(slots=True)
class _Reading:
    """One file on its way in."""

    heading: Heading
    desk: Desk
    batch_id: uuid.UUID
    today: date
    rows: list[dict[str, Any]] = field(default_factory=list)

    def store(self, tx: Connection, batch: Sequence[tuple[int, Sequence[str]]]) -> int:
        """Judge and write some rows; how many there were."""
        self.rows = [row for number, cells in batch if (row := self._row(number, list(cells)))]
        (known,) = ask(tx, (_KNOWN, {"keys": [row["key"] for row in self.rows], "batch": self.batch_id}))
        first: dict[bytes, int] = {}
        made: dict[bytes, uuid.UUID] = {}
        for key, batch_id, row, state, licence_id, status in known:
            if batch_id == self.batch_id:
                first.setdefault(bytes(key), row)
            elif state == "issued" and status in ALIVE:
                made[bytes(key)] = licence_id
        for row in self.rows:
            if row["state"] != "waiting":
                continue
            earlier = first.setdefault(row["key"], row["row"])
            if earlier != row["row"]:
                row["state"] = "refused"
                row["problem"] = told([same_as(row["row"], earlier)])
            elif row["key"] in made:
                row["state"], row["licence_id"] = "unchanged", made[row["key"]]
        write(tx, Rows(LicenceBatchRow, self.rows))
        return len(self.rows)

    def _row(self, number: int, cells: list[str]) -> dict[str, Any] | None:
        if not any(cell.strip() for cell in cells):
            return None
        read = read_exchange_row(self.heading, cells, number, today=self.today)
        refused = isinstance(read, list)
        key = raw_key(cells) if isinstance(read, list) else read.key
        return {
            "batch_id": self.batch_id,
            "row": number,
            "key": self.desk.identities.digest("licence-row", key.hex()),
            "payload": seal_cells(self.desk.identities, self.batch_id, cells),
            "state": "refused" if refused else "waiting",
            "licence_id": None,
            "problem": told(read) if isinstance(read, list) else None,
        }


def same_as(row: int, earlier: int) -> Refusal:
    """A row that stands twice in one file."""
    return Refusal(
        row, WHOLE_ROW, f"与第 {earlier} 行相同", "同一份证照只写一行；确有两份时，用证照编号或字段区分"
    )


def cells_context(batch_id: uuid.UUID) -> str:
    """What a row of a batch is sealed for."""
    return f"licence-batch|{batch_id}"


def seal_cells(vault: IdentityVault, batch_id: uuid.UUID, cells: Sequence[str]) -> bytes:
    """A row as it is kept."""
    text = json.dumps(list(cells), ensure_ascii=False, separators=(",", ":"))
    return vault.seal_text(text, context=cells_context(batch_id))


def unseal_cells(vault: IdentityVault, batch_id: uuid.UUID, payload: bytes) -> list[str]:
    """Its cells back."""
    cells: list[str] = json.loads(vault.unseal_text(bytes(payload), context=cells_context(batch_id)))
    return cells


def heading_in(batch: Any, fields: Sequence[FieldDef], scope: str = "") -> Heading:
    """The heading that was kept with a batch; `fields` are those of its type's version."""
    kept: Mapping[str, Any] = batch.heading
    return heading_of(
        kept.get("cells", []), kept.get("row", 0), operation=batch.operation, fields=fields, scope=scope
    )


def kept_heading(batch: Any) -> Sequence[str]:
    """The headings of its sheet. Raises NotFound where they were forgotten with what the rows said."""
    cells: Sequence[str] = batch.heading.get("cells", ())
    if not cells:
        raise NotFound("这个批次没有留下行的内容：没有读成，或办完已超过 90 天。请用原来的文件。")
    return cells


def shown_rows(
    tx: Connection, batch_id: uuid.UUID, vault: IdentityVault, *, state: str | None = None, limit: int = 20
) -> list[tuple[int, str, list[str], str | None]]:
    """The first rows: number, state, cells, problem."""
    query = (
        select(LicenceBatchRow.row, LicenceBatchRow.state, LicenceBatchRow.payload, LicenceBatchRow.problem)
        .where(LicenceBatchRow.batch_id == batch_id)
        .order_by(LicenceBatchRow.row)
        .limit(limit)
    )
    if state is not None:
        query = query.where(LicenceBatchRow.state == state)
    return [
        (row.row, row.state, unseal_cells(vault, batch_id, row.payload), row.problem)
        for row in tx.execute(query)
    ]


def refused_sheet(tx: Connection, batch: Any, vault: IdentityVault) -> Iterator[list[str]]:
    """The refused rows as a sheet that can be mended and handed in again: the heading first, the reasons last."""
    headings = list(kept_heading(batch))
    added = ("退回的列", "退回原因", "应为")
    own = [at for at, cell in enumerate(headings) if cell.strip() not in (*added, "行号")]
    yield [*(headings[at] for at in own), "行号", *added]
    query = (
        select(LicenceBatchRow.row, LicenceBatchRow.payload, LicenceBatchRow.problem)
        .where(LicenceBatchRow.batch_id == batch.id, LicenceBatchRow.state == "refused")
        .order_by(LicenceBatchRow.row)
    )
    for row in tx.execute(query.execution_options(yield_per=500)):
        cells = unseal_cells(vault, batch.id, row.payload)
        why = read_told(row.row, row.problem)
        yield [
            *(cells[at] if at < len(cells) else "" for at in own),
            str(row.row),
            "；".join(reason.column for reason in why),
            "；".join(reason.cause for reason in why),
            "；".join(reason.expected for reason in why),
        ]
