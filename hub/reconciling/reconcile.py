"""Reconcile: one run over the decisions of a period, its lines, its differences, and what it tells whom.

Guarantees: days are counted slice by slice, each in a transaction of its own that says how far the run is; a run that was
cut off goes on where it stopped, whoever takes it up, and two who are at it do not count a slice twice. A difference that a
person settled in an earlier run stays settled. Nothing but the run itself, its notices and the requests for counts is
written: what is missing is sent again only when somebody asks for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, text, update

from hub.errors import NotFound, Rejected
from hub.ledger import Entry, record
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.reconciling.ask_counts import Wanted, ask_counts
from hub.reconciling.compare import compare
from hub.reconciling.not_pushed import count_not_pushed
from hub.reconciling.reconciliation import Reconciliation
from hub.reconciling.stages import FIGURES, count_stages
from hub.round_trips import Rows, tell, write
from hub.workday import LOCAL

LONGEST = timedelta(days=3700)
ASKED_BACK = timedelta(days=400)
QUARTER = timedelta(days=90)
_SLICES = 30

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as it stands."""

    id: uuid.UUID
    first_day: date
    last_day: date
    state: str
    asked_by: str
    totals: Mapping[str, Any]
    differences: int

    @property
    def through(self) -> date | None:
        """The last day that is counted."""
        said = self.totals.get("through")
        return date.fromisoformat(str(said)) if said else None

    @property
    def progress(self) -> float:
        """0 to 1."""
        if self.state == "done":
            return 1.0
        days = (self.last_day - self.first_day).days + 1
        done = (self.through - self.first_day).days + 1 if self.through else 0
        return 0.95 * done / days


def start_run(tx: Connection, first: date, last: date, desk: Desk, *, actor: str) -> uuid.UUID:
    """Begin a run over the decisions from `first` to `last`, and ask the departments for their counts of these days."""
    today = desk.clock().astimezone(LOCAL).date()
    if first > last:
        raise Rejected("对账的起始日晚于截止日。请对调后再试。")
    if last - first > LONGEST:
        raise Rejected("一次对账最多十年。请缩短期间。")
    if first > today:
        raise Rejected("这段时间还没有到。请选择今天或以前的日期。")
    run = uuid.uuid4()
    values = {"id": run, "first_day": first, "last_day": last, "asked_by": actor, "started_at": desk.clock()}
    tx.execute(insert(Reconciliation).values(values))
    ask_for_counts(tx, first, last, desk)
    record(
        tx,
        Entry(
            actor,
            "reconciliation.started",
            f"reconciliation:{run}",
            detail={"first": str(first), "last": str(last)},
        ),
    )
    return run


def ask_for_counts(tx: Connection, first: date, last: date, desk: Desk) -> list[str]:
    """Ask for the counts of the days that are over, of at most ASKED_BACK; a message speaks of QUARTER days."""
    over = min(last, desk.clock().astimezone(LOCAL).date() - timedelta(days=1))
    first = max(first, over - ASKED_BACK)
    asked: list[str] = []
    while first <= over:
        asked = ask_counts(tx, Wanted(first, min(over, first + QUARTER)), desk)
        first += QUARTER + timedelta(days=1)
    return asked


def find_run(tx: Connection, run: uuid.UUID) -> Run:
    """A run. Raises NotFound."""
    columns = (
        Reconciliation.id, Reconciliation.first_day, Reconciliation.last_day, Reconciliation.state,
        Reconciliation.asked_by, Reconciliation.totals, Reconciliation.differences,
    )  # fmt: skip
    row = tx.execute(select(*columns).where(Reconciliation.id == run)).one_or_none()
    if row is None:
        raise NotFound("没有这次对账。请从对账列表打开。")
    return Run(*row)


def reconcile(engine: Engine, run: uuid.UUID, desk: Desk, on_progress: Progress = lambda _: None) -> Run:
    """Count until the run is done."""
    while True:
        with engine.begin() as tx:
            found = step(tx, run, desk)
        on_progress(found.progress)
        if found.state == "done":
            return found


def step(tx: Connection, run: uuid.UUID, desk: Desk) -> Run:
    """Count the next days of a run, or end it where all are counted. One at a time: another waits."""
    tx.execute(select(Reconciliation.id).where(Reconciliation.id == run).with_for_update())
    found = find_run(tx, run)
    if found.state == "done":
        return found
    first = found.first_day if found.through is None else found.through + timedelta(days=1)
    if first > found.last_day:
        _end(tx, found, desk)
    else:
        size = max(1, ((found.last_day - found.first_day).days + 1) // _SLICES)
        last = min(found.last_day, first + timedelta(days=size - 1))
        _count(tx, found, first, last, desk.clock())
    return find_run(tx, run)


def _count(tx: Connection, run: Run, first: date, last: date, now: datetime) -> None:
    tell(tx, *count_stages(run.id, first, last, now))
    count_not_pushed(tx, run.id, first, last)
    totals = {**run.totals, "through": last.isoformat()}
    tx.execute(update(Reconciliation).where(Reconciliation.id == run.id).values(totals=totals))


def _end(tx: Connection, run: Run, desk: Desk) -> None:
    now = desk.clock()
    found = finish(tx, run, desk)
    done = {"state": "done", "done_at": now}
    tx.execute(update(Reconciliation).where(Reconciliation.id == run.id).values(done))
    days = _days(run)
    detail = {"first": str(run.first_day), "last": str(run.last_day), "differences": found}
    record(tx, Entry(run.asked_by, "reconciliation.done", f"reconciliation:{run.id}", detail=detail))
    if found:
        notice = {
            "severity": "warning",
            "title": f"对账发现 {found} 处差异：{days}",
            "body": "请在“对账”里逐条查看，能重新发送的重新发送，其余写明原因。",
        }
        write(tx, Rows(Notice, [{"audience": audience, **notice} for audience in ("data_admin", "overseer")]))


def finish(tx: Connection, run: Run, desk: Desk) -> int:
    """Compare with the departments' counts, and sum up; again when more have come. Gives how much is open."""
    compared = compare(tx, run.id, run.first_day, run.last_day, desk)
    tell(tx, (_SETTLED, {"run": run.id, "now": desk.clock()}))
    found = tx.execute(_SUMS, {"run": run.id}).one()
    totals = {
        **{name: getattr(found, name) for name in FIGURES},
        "incomplete": tx.execute(_INCOMPLETE, {"first": run.first_day, "last": run.last_day}).scalar_one(),
        "through": run.last_day.isoformat(),
        "counts": [one.as_dict() for one in compared],
        "compared_at": desk.clock().isoformat(),
    }
    values = {"totals": totals, "differences": found.differences}
    tx.execute(update(Reconciliation).where(Reconciliation.id == run.id).values(values))
    for department, day in tx.execute(_IDS_WANTED, {"run": run.id}):
        ask_counts(tx, Wanted(day, day, with_ids=True), desk, only=[department])
    return int(found.differences)


#: Sent all the same, and marked: by rule, and told to those who approved.
_INCOMPLETE = text("""
SELECT count(*)::int FROM pushes p JOIN decisions d ON d.id = p.decision_id
WHERE p.missing IS NOT NULL AND p.missing <> 'null' AND p.state <> 'held' AND d.decided_on BETWEEN :first AND :last
""")
_IDS_WANTED = text("""
SELECT DISTINCT department, day FROM reconciliation_differences WHERE run_id = :run AND kind = 'count' AND state = 'open'
ORDER BY day, department LIMIT 200
""")
#: What a person explained in an earlier run is explained.
_SETTLED = """
UPDATE reconciliation_differences n SET state = 'settled', settled_by = e.settled_by, settled_why = e.settled_why,
  settled_at = e.settled_at
FROM (
  SELECT DISTINCT ON (department, kind, push_id, event_id, case_no) department, kind, push_id, event_id, case_no,
    settled_by, settled_why, settled_at
  FROM reconciliation_differences WHERE state = 'settled' AND run_id <> %(run)s
  ORDER BY department, kind, push_id, event_id, case_no, settled_at DESC
) e
WHERE n.run_id = %(run)s AND n.state = 'open' AND n.department = e.department AND n.kind = e.kind
  AND coalesce(n.event_id, n.case_no) IS NOT NULL AND n.push_id IS NOT DISTINCT FROM e.push_id
  AND n.event_id IS NOT DISTINCT FROM e.event_id AND n.case_no IS NOT DISTINCT FROM e.case_no
"""
_SUMS = text(f"""
SELECT {", ".join(f"coalesce(sum({name}), 0)::int AS {name}" for name in FIGURES)},
  (SELECT count(*)::int FROM reconciliation_differences WHERE run_id = :run AND state = 'open') AS differences
FROM reconciliation_lines WHERE run_id = :run
""")  # noqa: S608 - our own words


def _days(run: Run) -> str:
    return str(run.first_day) if run.first_day == run.last_day else f"{run.first_day} 至 {run.last_day}"
