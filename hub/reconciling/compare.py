"""Compare: our counts of each day and kind with the departments' own; where they differ, id by id.

Guarantees: may be done again at any time, when counts or ids have come in since: what it found before and nobody dealt with
is replaced. Named is what one side counts and the other does not. Not a difference: what was published less than TRAVELS
before the department counted, or is still waiting to be published (alerts mind that); what the department sent and a person
dismissed from the quarantine; a push that is already listed as not arrived or not signed. A department on the web inbox has
no books of its own: what it has is what the hub keeps, so both sides are equal and it says so; and what it said there, and
signed for there, its connector of another time does not count.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.ports import Desk
from hub.reconciling.our_counts import (
    NONE,
    Count,
    Seat,
    ask_our_counts,
    ask_our_ids,
    midnight,
    our_counts,
    our_ids,
)
from hub.reconciling.reconciliation import COUNTED, ReconciliationDifference
from hub.round_trips import Question, Rows, ask, tell, write
from hub.workday import LOCAL
from schemas import code_table

TRAVELS = timedelta(hours=1)
KINDS = ("not_there", "not_here", "count", "no_count")
SENT_BY_US = ("packages", "announcements")


class Theirs(NamedTuple):
    """What a department counted."""

    counted: Count
    ids: frozenset[str] | None
    counted_at: datetime


@dataclass(slots=True)
class Compared:
    """How the counts of one department stand. `state`: web, same, differs, missing, or quiet (nothing to count)."""

    department: str
    state: str
    ours: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    theirs: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))

    def as_dict(self) -> dict[str, Any]:
        """For the run's totals."""
        return {"department": self.department, "state": self.state, "ours": self.ours, "theirs": self.theirs}


_DEPARTMENTS = "SELECT code, channel FROM departments WHERE active ORDER BY code"
_THEIRS = """
SELECT department, day, what, count, ids_sha256, ids, counted_at FROM department_counts
WHERE day BETWEEN %(first)s AND %(last)s
"""
_SINCE = "SELECT department, min(day) FROM department_counts GROUP BY department"
_FORGET = """
DELETE FROM reconciliation_differences WHERE run_id = %(run)s AND state = 'open' AND kind = ANY (%(kinds)s)
"""
_LISTED = "SELECT event_id FROM reconciliation_differences WHERE run_id = %(run)s AND event_id IS NOT NULL"
_OUR_MESSAGES = """
SELECT o.event_id::text, o.key, o.event_type, o.published_at, p.id, p.case_no, c.item_code
FROM outbox o LEFT JOIN pushes p ON p.event_id = o.event_id LEFT JOIN cases c ON c.case_no = p.case_no
LEFT JOIN announcements a ON a.event_id = o.event_id
WHERE o.event_id = ANY (%(ids)s::uuid[]) AND NOT EXISTS (
  SELECT 1 FROM department_keys k WHERE k.department = %(department)s AND k.custody = 'hub'
    AND k.valid_from <= coalesce(p.signed_at, a.signed_at)
    AND coalesce(least(k.valid_to, k.revoked_at), 'infinity') > coalesce(p.signed_at, a.signed_at))
"""
_THEIR_MESSAGES = """
SELECT lower(i.event_id), i.event_type, i.case_no, c.item_code FROM inbox i LEFT JOIN cases c ON c.case_no = i.case_no
WHERE i.source = %(source)s AND i.event_id = ANY (%(ids)s)
  AND NOT EXISTS (SELECT 1 FROM department_keys k WHERE k.kid = i.kid AND k.custody = 'hub')
"""
_QUARANTINED = """
SELECT lower(event_id), id, state FROM quarantine WHERE lower(event_id) = ANY (%(ids)s) ORDER BY id
"""


@dataclass(slots=True)
class _Books:
    """Both sides of one period, and the rows that come of it."""

    tx: Connection
    run: uuid.UUID
    desk: Desk
    ours: Mapping[Seat, Count]
    theirs: Mapping[Seat, Theirs]
    since: Mapping[str, date]  # the first day that each department ever counted
    listed: set[str]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def compare(self, department: str, channel: str, days: tuple[date, date]) -> Compared:
        """One department."""
        mine = {seat: count for seat, count in self.ours.items() if seat.department == department}
        said = {seat: count for seat, count in self.theirs.items() if seat.department == department}
        found = Compared(department, "same" if mine or said else "quiet")
        for seat, count in mine.items():
            found.ours[seat.what] += count.count
        if channel == "web":
            found.state, found.theirs = "web", dict(found.ours)
            return found
        for seat, theirs in said.items():
            found.theirs[seat.what] += theirs.counted.count
        missing = self._missing(mine, said, department, days)
        differing = [
            seat
            for seat, theirs in said.items()
            if seat not in missing and theirs.counted != mine.get(seat, NONE)
        ]
        if missing:
            found.state = "missing"
            self._no_count(department, missing)
        if differing:
            before = len(self.rows)
            self._differ(department, sorted(differing), mine)
            if len(self.rows) > before:
                found.state = "differs"
        return found

    def _missing(
        self,
        mine: Mapping[Seat, Count],
        said: Mapping[Seat, Theirs],
        department: str,
        days: tuple[date, date],
    ) -> set[Seat]:
        """Days with messages that the department has not counted, or counted before they were over."""
        begun = self.since.get(department, days[0])
        return {
            seat
            for seat in mine
            if seat.day >= begun
            and (seat not in said or said[seat].counted_at < midnight(seat.day + timedelta(days=1)))
        }

    def _no_count(self, department: str, missing: Iterable[Seat]) -> None:
        days = sorted({seat.day for seat in missing})
        listed = "、".join(map(str, days[:5])) + (f" 等 {len(days)} 天" if len(days) > 5 else "")
        self._row(department, "no_count", f"部门没有报 {listed} 的数，无法对照", day=days[0])

    def _differ(self, department: str, seats: Sequence[Seat], mine: Mapping[Seat, Count]) -> None:
        named = [seat for seat in seats if self.theirs[seat].ids is not None]
        for seat in seats:
            if seat not in named:
                ours, theirs = mine.get(seat, NONE).count, self.theirs[seat].counted.count
                what = code_table("counted")[seat.what]
                same = "条数相同而编号不同" if ours == theirs else f"本平台 {ours} 条，部门 {theirs} 条"
                words = f"{seat.day} {what}：{same}，正在逐条核对"
                self._row(department, "count", words, day=seat.day, what=seat.what)
        if not named:
            return
        (rows,) = ask(self.tx, ask_our_ids(self.desk.area, named))
        ids = our_ids(rows)
        for seat in named:
            theirs_ids = self.theirs[seat].ids or frozenset()
            ours_ids = ids.get(seat, set())
            self._only_ours(seat, sorted(ours_ids - theirs_ids - self.listed))
            self._only_theirs(seat, sorted(theirs_ids - ours_ids - self.listed))

    def _only_ours(self, seat: Seat, ids: list[str]) -> None:
        if not ids:
            return
        if seat.what in SENT_BY_US:
            before = self.theirs[seat].counted_at - TRAVELS
            for event_id, key, kind, published_at, push_id, case_no, item_code in self._ask(
                _OUR_MESSAGES, ids=ids, department=seat.department
            ):
                if published_at is None or published_at > before:
                    continue
                words = f"本平台 {seat.day} 发出的 {kind}（{key}），部门没有计入"
                more = {"event_id": event_id, "push_id": push_id, "case_no": case_no, "item_code": item_code}
                self._row(seat.department, "not_there", words, day=seat.day, what=seat.what, **more)
            return
        source = f"/{self.desk.area}/{seat.department}"
        for event_id, kind, case_no, item_code in self._ask(_THEIR_MESSAGES, ids=_cased(ids), source=source):
            words = f"本平台收到的 {kind}（{case_no}），部门自己没有计入"
            more = {"event_id": event_id, "case_no": case_no, "item_code": item_code}
            self._row(seat.department, "not_there", words, day=seat.day, what=seat.what, **more)

    def _only_theirs(self, seat: Seat, ids: list[str]) -> None:
        if not ids:
            return
        held = {event_id: (number, state) for event_id, number, state in self._ask(_QUARANTINED, ids=ids)}
        what = code_table("counted")[seat.what]
        for event_id in ids:
            number, state = held.get(event_id, (None, None))
            if state == "dismissed" and seat.what not in SENT_BY_US:
                continue
            words = f"部门 {seat.day} 计入{what} {event_id}，本平台没有"
            if number is not None:
                words += f"：在隔离区第 {number} 条，尚未处理"
            elif seat.what not in SENT_BY_US:
                words += "：请该部门用 shenguan connector resend 补发"
            self._row(seat.department, "not_here", words, day=seat.day, what=seat.what, event_id=event_id)

    def _ask(self, statement: str, **of: Any) -> list[Any]:
        (rows,) = ask(self.tx, (statement, of))
        return rows

    def _row(self, department: str, kind: str, words: str, **more: Any) -> None:
        empty = dict.fromkeys(("push_id", "event_id", "case_no", "item_code", "day", "what"))
        self.rows.append(
            {"run_id": self.run, "department": department, "kind": kind, "words": words, **empty, **more}
        )


def compare(tx: Connection, run: uuid.UUID, first: date, last: date, desk: Desk) -> list[Compared]:
    """Write the differences of the counts of a run; gives how each department's stand. Only days that are over count."""
    last = min(last, desk.clock().astimezone(LOCAL).date() - timedelta(days=1))
    of = {"run": run, "first": first, "last": last, "kinds": list(KINDS)}
    tell(tx, (_FORGET, of))
    questions: tuple[Question, ...] = (
        (_DEPARTMENTS, {}), ask_our_counts(desk.area, first, last), (_THEIRS, of), (_SINCE, {}), (_LISTED, of)
    )  # fmt: skip
    departments, ours, theirs, since, listed = ask(tx, *questions)
    books = _Books(
        tx,
        run,
        desk,
        our_counts(ours),
        {
            Seat(*row[:3]): Theirs(
                Count(row[3], bytes(row[4])), None if row[5] is None else frozenset(row[5]), row[6]
            )
            for row in theirs
        },
        dict(since),
        {row[0] for row in listed},
    )
    found = [books.compare(code, channel, (first, last)) for code, channel in departments]
    write(tx, Rows(ReconciliationDifference, books.rows))
    return found


def _cased(ids: Sequence[str]) -> list[str]:
    """Ids as a department may have written them: the inbox keeps them as they came."""
    return [*ids, *(one.upper() for one in ids)]
