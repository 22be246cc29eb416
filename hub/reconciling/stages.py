"""Stages: how far each push of some days is, counted by department and item, and what is past its limit.

What counts, so that everybody counts alike: a decision belongs to the day on which it was decided. A push has come as far
as the furthest thing known of it - a claim says that the package arrived and was taken, whichever receipt was lost. Returned
it has been signed for. Limits are the push's own; arrival has that of signing, where there is none that of claiming, and
without either ARRIVES_WITHIN. Before a limit nothing is a difference: it is open. One push is one difference: of the
earliest stage that it missed. Nothing is owed any more once a push is recalled or reassigned; one that was returned and left
lying is a difference once it should have been claimed. A push that is held is a difference from the first moment; one that
went, marked as incomplete, as its rule says, is no difference of this kind: it is counted and shown.
Guarantees: one statement for the lines and the differences of some days, so that both speak of one moment.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from hub.round_trips import Question

STAGES = ("decided", "pushed", "arrived", "signed", "claimed", "answered")
FIGURES = (*STAGES, "returned", "overdue")
ARRIVES_WITHIN = "3 days"

_GONE = "p.state IN ('recalled', 'reassigned')"
_ANSWERED = "p.state IN ('answered', 'closed') OR coalesce(p.answered_at, p.closed_at) IS NOT NULL"
_CLAIMED = f"p.state IN ('claimed', 'supervising') OR coalesce(p.claimed_at, p.planned_at) IS NOT NULL OR {_ANSWERED}"
_SIGNED = (
    f"p.state IN ('signed', 'returned') OR coalesce(p.signed_at, p.returned_at) IS NOT NULL OR {_CLAIMED}"
)
_ARRIVED = f"p.state = 'arrived' OR p.arrived_at IS NOT NULL OR {_SIGNED}"
_PLANNED = f"p.planned_at IS NOT NULL OR {_ANSWERED}"

#: Every push of the days, with how far it is; `late` is what it missed first.
PUSHED = f"""
SELECT p.id, p.department, p.case_no, p.event_id, c.item_code, p.state, nullif(p.missing, 'null') AS missing,
  p.sign_by, p.claim_by, p.plan_by, p.feedback_by,
  coalesce(p.sign_by, p.claim_by, p.created_at + interval '{ARRIVES_WITHIN}') AS arrive_by, p.returned_why,
  p.state <> 'held' AS pushed, ({_ARRIVED}) AS arrived, ({_SIGNED}) AS signed, ({_CLAIMED}) AS claimed,
  ({_ANSWERED}) AS answered, ({_PLANNED}) AS planned,
  p.returned_at IS NOT NULL OR p.state = 'returned' AS returned, ({_GONE}) AS gone
FROM decisions d JOIN pushes p ON p.decision_id = d.id JOIN cases c ON c.case_no = d.case_no
WHERE d.decided_on BETWEEN %(first)s AND %(last)s
"""  # noqa: S608 - our own words
_LATE = """
SELECT *, CASE
    WHEN gone THEN NULL
    WHEN state = 'held' THEN 'incomplete'
    WHEN NOT arrived AND arrive_by < %(now)s THEN 'not_arrived'
    WHEN NOT signed AND sign_by < %(now)s THEN 'not_signed'
    WHEN NOT claimed AND claim_by < %(now)s THEN 'not_claimed'
    WHEN NOT answered AND state <> 'returned' AND feedback_by < %(now)s THEN 'not_answered'
  END AS late,
  NOT gone AND state NOT IN ('held', 'returned') AND (
    (NOT signed AND sign_by < %(now)s) OR (NOT claimed AND claim_by < %(now)s)
    OR (NOT planned AND plan_by < %(now)s) OR (NOT answered AND feedback_by < %(now)s)) AS overdue
FROM pushed
"""


def _local_day(column: str) -> str:
    return f"to_char({column} AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')"


_WORDS = f"""CASE late
    WHEN 'incomplete' THEN '推送包不齐，还没有发出：缺' || coalesce(
      (SELECT string_agg(coalesce(m->>'name', m->>'code'), '、') FROM jsonb_array_elements(missing) m), '')
    WHEN 'not_arrived' THEN '应于 ' || {_local_day("arrive_by")} || ' 前到达，没有到达回执'
    WHEN 'not_signed' THEN '应于 ' || {_local_day("sign_by")} || ' 前签收，没有签收回执'
    WHEN 'not_claimed' THEN CASE state WHEN 'returned'
      THEN '被退回，还没有转派或驳回退回：' || coalesce(returned_why, '没有写明理由')
      ELSE '应于 ' || {_local_day("claim_by")} || ' 前认领，没有认领' END
    WHEN 'not_answered' THEN '应于 ' || {_local_day("feedback_by")} || ' 前反馈，没有监管信息'
  END"""  # noqa: S608
_COUNT = f"""
WITH pushed AS ({PUSHED}), late AS MATERIALIZED ({_LATE}), lines AS (
  INSERT INTO reconciliation_lines AS l (run_id, department, item_code, {", ".join(FIGURES)})
  SELECT %(run)s, department, item_code, count(*), {", ".join(f"count(*) FILTER (WHERE {name})" for name in FIGURES[1:])}
  FROM late GROUP BY department, item_code
  ON CONFLICT (run_id, department, item_code) DO UPDATE SET
    {", ".join(f"{name} = l.{name} + excluded.{name}" for name in FIGURES)}
)
INSERT INTO reconciliation_differences (run_id, department, kind, push_id, event_id, case_no, item_code, words)
SELECT %(run)s, department, late, id, event_id::text, case_no, item_code, {_WORDS} FROM late WHERE late IS NOT NULL
"""  # noqa: S608 - our own words

#: Of each push the newest correction or recall: who has signed for it need not sign for an older one.
_CORRECTIONS = f"""
INSERT INTO reconciliation_differences (run_id, department, kind, push_id, event_id, case_no, item_code, words)
SELECT %(run)s, a.department, 'correction_not_signed', a.push_id, a.event_id::text, a.case_no, c.item_code,
  (CASE a.kind WHEN 'approval.withdrawn.v1' THEN '撤回' ELSE '更正' END) || '（第 ' || a.revision || ' 版）应于 '
    || {_local_day("a.sign_by")} || ' 前签收，没有签收回执'
FROM (
  SELECT event_id, department, kind, push_id, case_no, revision,
    coalesce(sign_by, created_at + interval '{ARRIVES_WITHIN}') AS sign_by
  FROM announcements WHERE signed_at IS NULL AND kind IN ('approval.corrected.v1', 'approval.withdrawn.v1')
) a JOIN pushes p ON p.id = a.push_id JOIN decisions d ON d.id = p.decision_id JOIN cases c ON c.case_no = p.case_no
WHERE d.decided_on BETWEEN %(first)s AND %(last)s AND a.sign_by < %(now)s
  AND NOT EXISTS (SELECT 1 FROM announcements n WHERE n.push_id = a.push_id AND n.revision > a.revision
    AND n.kind IN ('approval.corrected.v1', 'approval.withdrawn.v1'))
"""  # noqa: S608


def count_stages(run: uuid.UUID, first: date, last: date, now: datetime) -> tuple[Question, Question]:
    """The statements that add the lines and the differences of some days to a run."""
    of: dict[str, Any] = {"run": run, "first": first, "last": last, "now": now}
    return (_COUNT, of), (_CORRECTIONS, of)
