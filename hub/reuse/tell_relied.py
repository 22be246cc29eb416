"""Tell who relied: when a source is frozen, restored, revoked, corrected or has run out, every case that rests on it.

Guarantees: in the transaction of the change itself, each use gets the source's new state, each case one notice for the
source and one ledger row for each use; the same news twice is told once. A renewal (superseded by a newer version)
alarms nobody: what a case relied on stays as it was.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.ledger import LedgerRow
from hub.noticing.notice import Notice
from hub.round_trips import Rows, ask, tell, write
from hub.workday import LOCAL

HAPPENINGS = ("frozen", "lifted", "revoked", "corrected", "expired", "reinstated")
#: (source_state of a use, what happened) -> its new state; what is not here changes nothing and is not told.
TRANSITIONS: dict[tuple[str, str], str] = {
    ("intact", "frozen"): "frozen",
    ("intact", "revoked"): "revoked",
    ("intact", "corrected"): "corrected",
    ("intact", "expired"): "expired",
    ("frozen", "lifted"): "intact",
    ("frozen", "revoked"): "revoked",
    ("frozen", "corrected"): "corrected",
    ("expired", "revoked"): "revoked",
    ("expired", "corrected"): "corrected",
    ("corrected", "revoked"): "revoked",
    ("revoked", "reinstated"): "intact",
}
BATCH = 500
_SEVERITY = {
    "frozen": "alert",
    "revoked": "alert",
    "corrected": "warning",
    "expired": "warning",
    "lifted": "info",
    "reinstated": "info",
}
_NOW = {
    "frozen": "已冻结（暂扣）",
    "revoked": "已撤销",
    "corrected": "已更正",
    "expired": "已到期",
    "lifted": "已恢复有效",
    "reinstated": "已更正恢复有效",
}
_TO_DO = {
    "frozen": "请核查本办件是否受影响，需要时请申请人改交材料",
    "revoked": "请核查本办件是否受影响，需要时请申请人改交材料",
    "corrected": "请对照更正后的内容核查本办件",
    "expired": "请核查本办件是否还需要有效的材料",
    "lifted": "可以继续依据它办理",
    "reinstated": "可以继续依据它办理",
}
_WHAT = {"material": "材料", "licence": "证照", "decision": "审批结果"}


class SourceChange(NamedTuple):
    """What happened to one material or licence; `by` names who did it and `said` what became of it, for the sentence."""

    kind: str  # material, licence, decision
    id: uuid.UUID
    happened: str
    by: str = ""
    why: str = ""
    said: str = ""


@dataclass(slots=True)
class Told:
    """Rows to be written in the transaction of the change."""

    uses: int = 0
    notices: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)


#: A use of a decision rests on the newest licence of that decision's case; a use of a licence's file, on the licence.
_UPDATE = """
WITH n AS (
  SELECT * FROM unnest(%(kinds)s::text[], %(ids)s::uuid[], %(was)s::text[], %(becomes)s::text[])
    AS n(kind, id, was, becomes)
), hit AS (
  SELECT u.id, n.id AS source, n.becomes FROM n JOIN material_uses u ON u.material_id = n.id
  WHERE n.kind = 'material' AND u.source_state = n.was AND u.withdrawn_at IS NULL
  UNION ALL
  SELECT u.id, n.id, n.becomes FROM n JOIN material_uses u ON u.licence_id = n.id
  WHERE n.kind = 'licence' AND u.source_state = n.was AND u.withdrawn_at IS NULL
  UNION ALL
  SELECT u.id, n.id, n.becomes FROM n JOIN licence_documents f ON f.licence_id = n.id
  JOIN material_uses u ON u.material_id = f.material_id
  WHERE n.kind = 'licence' AND u.source_state = n.was AND u.withdrawn_at IS NULL
  UNION ALL
  SELECT u.id, n.id, n.becomes FROM n JOIN licences l ON l.id = n.id JOIN decisions d ON d.case_no = l.case_no
  JOIN material_uses u ON u.decision_id = d.id
  WHERE n.kind = 'licence' AND u.source_state = n.was AND u.withdrawn_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM licences o WHERE o.case_no = l.case_no
      AND (o.issued_on, o.identifier) > (l.issued_on, l.identifier))
  UNION ALL
  SELECT u.id, n.id, n.becomes FROM n JOIN material_uses u ON u.decision_id = n.id
  WHERE n.kind = 'decision' AND u.source_state = n.was AND u.withdrawn_at IS NULL
)
UPDATE material_uses u SET source_state = hit.becomes, source_state_at = %(now)s
FROM hit, cases c, requirements r
WHERE u.id = hit.id AND c.case_no = u.case_no AND r.id = u.requirement_id
RETURNING u.id, hit.source, u.case_no, u.source_kind, u.source_name, u.used_at, r.name, c.state,
  EXISTS (SELECT 1 FROM decisions x WHERE x.case_no = u.case_no)
"""


def tell_relied(tx: Connection, changes: Sequence[SourceChange], *, actor: str, now: datetime) -> int:
    """Tell everybody who relied on these sources. Gives how many uses changed."""
    told = relied(tx, changes, actors=dict.fromkeys((one.id for one in changes), actor), now=now)
    write(tx, Rows(Notice, told.notices), Rows(LedgerRow, told.ledger))
    return told.uses


def relied(
    tx: Connection, changes: Sequence[SourceChange], *, actors: dict[uuid.UUID, str], now: datetime
) -> Told:
    """Mark the uses, and give the rows that tell of it, for a caller who writes them with its own.

    Of several changes of one source only the last counts: what was frozen and restored at once alarms nobody.
    """
    last = {one.id: one for one in changes}
    rows = [
        (one.kind, one.id, was, becomes)
        for one in last.values()
        for (was, happened), becomes in TRANSITIONS.items()
        if happened == one.happened
    ]
    if not rows:
        return Told()
    kinds, ids, was, becomes = (list(column) for column in zip(*rows, strict=True))
    of = {"kinds": kinds, "ids": ids, "was": was, "becomes": becomes, "now": now}
    (found,) = ask(tx, (_UPDATE, of))
    return _told([_Use(*row) for row in found], last, actors)


class _Use(NamedTuple):
    id: uuid.UUID
    source: uuid.UUID
    case_no: str
    source_kind: str
    source_name: str
    used_at: datetime
    requirement: str
    case_state: str
    decided: bool


def _told(uses: Iterable[_Use], last: dict[uuid.UUID, SourceChange], actors: dict[uuid.UUID, str]) -> Told:
    told = Told()
    noticed: dict[tuple[str, uuid.UUID, str], list[_Use]] = {}
    for use in sorted(uses, key=lambda use: (use.case_no, use.used_at, use.id)):
        change = last[use.source]
        told.uses += 1
        told.ledger.append(
            {
                "actor": actors[use.source],
                "action": "material.source_changed",
                "subject": f"use:{use.id}",
                "case_no": use.case_no,
                "reason": change.why or None,
                "detail": {
                    "happened": change.happened,
                    "source": f"{change.kind}:{change.id}",
                    "name": use.source_name,
                },
            }
        )
        if use.case_state != "withdrawn":
            noticed.setdefault((use.case_no, use.source, use.source_name), []).append(use)
    for (case_no, source, _), together in noticed.items():
        told.notices.append(_notice(case_no, last[source], together))
    return told


def _notice(case_no: str, change: SourceChange, uses: Sequence[_Use]) -> dict[str, Any]:
    first = uses[0]
    lines = "、".join(dict.fromkeys(f"“{use.requirement}”" for use in uses))
    day = first.used_at.astimezone(LOCAL).date()
    by = f"（{change.by}）" if change.by else ""
    why = f"原因：{change.why}。" if change.why else ""
    decided = "本办件已经作出决定。" if first.decided else ""
    said = change.said or _NOW[change.happened]
    title = f"所复用的{_WHAT[first.source_kind]}{said}"
    severity = _SEVERITY[change.happened]
    if change.happened == "expired" and first.decided:
        severity = "info"  # it was valid when it was decided on
    return {
        "audience": "clerk",
        "severity": severity,
        "title": f"{title}：{first.source_name}",
        "body": f"“{first.source_name}”{said}{by}。{why}"
        f"本办件于 {day} 复用它作为{lines}。{decided}{_TO_DO[change.happened]}。",
        "case_no": case_no,
    }


_RUN_OUT = """
SELECT u.id, coalesce(u.material_id, u.licence_id, l.id), u.material_id IS NOT NULL,
  CASE WHEN u.material_id IS NOT NULL THEN m.valid_to ELSE l.valid_to END
FROM material_uses u LEFT JOIN materials m ON m.id = u.material_id LEFT JOIN decisions d ON d.id = u.decision_id
LEFT JOIN LATERAL (
  SELECT n.id, n.valid_to FROM licences n WHERE n.id = u.licence_id OR n.case_no = d.case_no
  ORDER BY n.issued_on DESC, n.identifier DESC LIMIT 1) l ON true
WHERE u.relies_until < %(today)s AND u.source_state = 'intact' AND u.withdrawn_at IS NULL
ORDER BY u.relies_until, u.id LIMIT %(batch)s FOR UPDATE OF u SKIP LOCKED
"""
_LONGER = """
UPDATE material_uses u SET relies_until = n.until
FROM unnest(%(ids)s::uuid[], %(until)s::date[]) AS n(id, until) WHERE u.id = n.id
"""


def expire_sources(tx: Connection, today: date, *, now: datetime | None = None) -> int:
    """Tell the cases whose sources ran out before `today`, at most BATCH uses; call again until it gives 0."""
    (rows,) = ask(tx, (_RUN_OUT, {"today": today, "batch": BATCH}))
    over: dict[uuid.UUID, SourceChange] = {}
    longer: list[tuple[uuid.UUID, date | None]] = []
    for use_id, source, is_material, valid_to in rows:
        if valid_to is not None and valid_to < today:
            kind = "material" if is_material else "licence"
            over[source] = SourceChange(kind, source, "expired", why=f"有效期至 {valid_to}")
        else:  # it was extended since
            longer.append((use_id, valid_to))
    if longer:
        ids, until = (list(column) for column in zip(*longer, strict=True))
        tell(tx, (_LONGER, {"ids": ids, "until": until}))
    at = now or datetime.now(LOCAL)
    tell_relied(tx, list(over.values()), actor="program:housekeeping", now=at)
    return len(rows)
