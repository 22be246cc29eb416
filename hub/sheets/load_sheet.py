"""Load a sheet: every good row is decided, every bad row is refused with its reason, and loading twice changes nothing.

Guarantees: memory does not grow with the number of good rows; each batch is one transaction, so a load that is cut off can
simply be repeated. Rows go by the bulk lane, so live decisions are not kept waiting. Reads no file: rows are handed in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from hub.deciding.decide import ACCEPTED, CONFLICT, UNCHANGED, Outcome, decide
from hub.deciding.decided_case import DecidedCase
from hub.deciding.owed_rows import Lacking, batch_notices
from hub.errors import Conflict, Rejected, Unavailable
from hub.exchange.outbox import BULK
from hub.ledger import Entry, record
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.round_trips import Rows, write
from hub.sheets.sheet import NO_DEFAULTS, Defaults, Refusal, read_row
from hub.sheets.sheet_case import Catalogue, decided_case, load_catalogue
from hub.sheets.sheet_header import HEADER_ROWS, Header, find_header
from hub.workday import LOCAL

BATCH = 200  # rows a transaction: measured, larger ones are little faster and keep live decisions waiting
RETRIES = 3


@dataclass(slots=True)
class LoadReport:
    """What became of the rows. A refused row counts once, however many reasons it has."""

    accepted: int = 0
    unchanged: int = 0
    refused_rows: int = 0
    refused: list[Refusal] = field(default_factory=list)
    without_push: int = 0  # accepted, but no push rule names a department
    lacking: list[Lacking] = field(default_factory=list)  # accepted, but without all that their items ask for

    @property
    def rows(self) -> int:
        """Rows seen so far, empty ones left out."""
        return self.accepted + self.unchanged + self.refused_rows

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Count one refused row."""
        self.refused_rows += 1
        self.refused.extend(refusals)


Progress = Callable[[LoadReport, int], None]  # the report so far, and the last row number read


def load_sheet(
    engine: Engine,
    rows: Iterable[tuple[int, Sequence[str]]],
    desk: Desk,
    *,
    actor: str,
    defaults: Defaults = NO_DEFAULTS,
    on_progress: Progress | None = None,
) -> LoadReport:
    """Load `rows`, (row number, cells) with the header among the first ten.

    Raises Rejected where no header is found or a mandatory column is missing, Unavailable where the database goes away.
    """
    iterator = iter(rows)
    first = list(islice(iterator, HEADER_ROWS))
    header = find_header(first, defaults=defaults)
    body = chain((row for row in first if row[0] > header.row), iterator)
    report = LoadReport()
    try:
        with engine.begin() as tx:
            catalogue = load_catalogue(tx, desk.area)
        with _SeenInFile() as seen:
            reader = _Reader(header, catalogue, desk, defaults, report, seen)
            for batch in _batches(body):
                _load_batch(engine, reader.cases(batch), desk, report, header, actor)
                if on_progress:
                    on_progress(report, batch[-1][0])
        with engine.begin() as tx:
            record(tx, _ledger_entry(report, actor))
            write(tx, Rows(Notice, batch_notices(report.lacking)))
    except OperationalError as gone:
        raise Unavailable(
            f"数据库中断，已完成 {report.rows} 行。恢复后重新加载同一文件即可，已入库的行不会重复。"
        ) from gone
    report.refused.sort(key=lambda refusal: refusal.row)
    return report


class _SeenInFile:
    """The 决定文书号 that this file has given so far, on disk: (authority, number) -> row."""

    def __enter__(self) -> _SeenInFile:
        self._db = sqlite3.connect("")  # a temporary file, gone when closed
        self._db.execute("CREATE TABLE seen (k TEXT PRIMARY KEY, row INT) WITHOUT ROWID")
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def first_row(self, key: str, row: int) -> int:
        """The row that gave `key` first; `row` itself if none did before."""
        self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, row))
        found: tuple[int] = self._db.execute("SELECT row FROM seen WHERE k = ?", (key,)).fetchone()
        return found[0]


@dataclass(slots=True)
class _Reader:
    """Reads rows into cases, and refuses those that are bad in themselves."""

    header: Header
    catalogue: Catalogue
    desk: Desk
    defaults: Defaults
    report: LoadReport
    seen: _SeenInFile

    def cases(self, batch: Sequence[tuple[int, Sequence[str]]]) -> dict[int, DecidedCase]:
        """The good rows of a batch, by row number."""
        now = self.desk.clock()
        today = now.astimezone(LOCAL).date()
        cases: dict[int, DecidedCase] = {}
        for number, cells in batch:
            row = read_row(self.header, cells, number, today=today, defaults=self.defaults)
            if isinstance(row, list):
                if row:
                    self.report.refuse(row)
                continue
            case = decided_case(row, self.catalogue, loaded_at=now)
            first = self.seen.first_row(f"{case.org_code}|{case.decision.document_no}", number)
            if first == number:
                cases[number] = case
            else:
                cause = f"决定文书号“{row.document_no}”与第 {first} 行重复"
                self.report.refuse([_document_no_refusal(self.header, number, cause)])
        return cases


def _batches(rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[list[tuple[int, Sequence[str]]]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _load_batch(
    engine: Engine, cases: dict[int, DecidedCase], desk: Desk, report: LoadReport, header: Header, actor: str
) -> None:
    if not cases:
        return
    outcomes = _decide(engine, list(cases.values()), desk, actor)
    for (number, case), outcome in zip(cases.items(), outcomes, strict=True):
        if outcome.verdict == ACCEPTED:
            report.accepted += 1
            report.without_push += not (outcome.departments or (outcome.lacking and outcome.lacking.held))
            report.lacking += [outcome.lacking] if outcome.lacking else []
        elif outcome.verdict == UNCHANGED:
            report.unchanged += 1
        elif outcome.verdict == CONFLICT:
            cause = (
                f"决定文书号“{case.decision.document_no}”已经入库（办件 {outcome.first_case_no}），但内容不同"
            )
            report.refuse([_document_no_refusal(header, number, cause)])


def _decide(engine: Engine, cases: list[DecidedCase], desk: Desk, actor: str) -> list[Outcome]:
    """One transaction; again where another load wrote the same decisions meanwhile, since they are known then."""
    for attempt in range(RETRIES):
        try:
            with engine.begin() as tx:
                return decide(tx, cases, desk, actor=actor, lane=BULK)
        except Conflict:
            if attempt == RETRIES - 1:
                raise
    raise Rejected  # not reached


def _document_no_refusal(header: Header, row: int, cause: str) -> Refusal:
    title = header.titles.get("XK_WSH", "XK_WSH")
    return Refusal(row, title, cause, "同一许可机关的每个决定文书号只出现一次；如需更正，请走变更程序")


def _ledger_entry(report: LoadReport, actor: str) -> Entry:
    detail = {"accepted": report.accepted, "unchanged": report.unchanged, "refused": report.refused_rows}
    return Entry(actor, "sheet.loaded", "sheet", detail=detail)
