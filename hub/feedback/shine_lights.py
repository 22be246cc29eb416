"""Shine lights 红黄绿灯: how parties stand, worked out from all facts about their cases that stand.

Of a department's inspections on a case the newest counts, by what was put right of it since; one that led to a penalty
counts no more, since the penalty does, for as long as its rule says. Of a department's credit entries about a party the
newest counts. The worst light of all shines; a party without a row is green.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from hub.round_trips import ask, tell

#: One row for each fact that speaks: the newest of its group (`seat`), with the rule that fits it best.
_SPEAKING = """
WITH said AS (
  SELECT c.party_id, f.id, f.kind, f.happened_at, f.finding_no, f.department, f.case_no,
    CASE f.kind WHEN 'inspection' THEN f.check_result ELSE f.result END AS result, f.handling,
    coalesce(f.chain_id, f.id) AS chain, f.details ->> 'until' AS until,
    coalesce(head.happened_at, f.happened_at) AS head_at, coalesce(head.finding_no, f.finding_no) AS head_no,
    head.id IS NOT NULL AS follows,
    CASE WHEN f.kind IN ('inspection', 'rectification') THEN 'inspection ' || f.case_no
      WHEN f.kind = 'credit' THEN 'credit' ELSE f.id::text END AS seat
  FROM cases c CROSS JOIN LATERAL (SELECT * FROM findings WHERE case_no = c.case_no OFFSET 0) f
  LEFT JOIN LATERAL (
    SELECT h.id, h.happened_at, h.finding_no FROM findings h
    WHERE f.kind = 'rectification' AND h.case_no = f.case_no AND h.department = f.department AND h.kind = 'inspection'
      AND h.standing = 'standing' AND coalesce(h.chain_id, h.id) = f.chain_id LIMIT 1) head ON true
  WHERE c.party_id = ANY(%(parties)s) AND f.standing = 'standing' AND f.kind <> 'withdrawal'
    AND (f.kind <> 'rectification' OR head.id IS NOT NULL)
), newest AS (
  SELECT DISTINCT ON (party_id, department, seat) * FROM said
  ORDER BY party_id, department, seat, head_at DESC, head_no COLLATE "C" DESC, follows DESC, happened_at DESC,
    finding_no COLLATE "C" DESC
), lit AS (
  SELECT n.party_id, n.id, n.happened_at, r.light, r.note, n.kind,
    CASE WHEN n.kind = 'credit' AND n.until IS NOT NULL
      THEN (n.until::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
      ELSE n.happened_at + r.lasts_days * interval '1 day' END AS until
  FROM newest n CROSS JOIN LATERAL (
    SELECT * FROM light_rules r WHERE r.active AND r.kind = n.kind
      AND (r.result IS NULL OR r.result = n.result) AND (r.handling IS NULL OR r.handling = n.handling)
    ORDER BY (r.result IS NOT NULL)::int + (r.handling IS NOT NULL)::int DESC, r.seq, r.id LIMIT 1) r
  WHERE n.kind NOT IN ('inspection', 'rectification') OR (
    SELECT e.id FROM findings e WHERE e.case_no = n.case_no AND e.kind = 'enforcement' AND e.standing = 'standing'
      AND e.chain_id = n.chain LIMIT 1) IS NULL
)
SELECT DISTINCT ON (party_id) party_id, light, happened_at, until, id, note FROM lit
WHERE light <> 'green' AND (until IS NULL OR until > %(now)s)
ORDER BY party_id, light = 'red' DESC, until DESC NULLS FIRST, happened_at DESC, id
"""
_LOCK = "SELECT party_id FROM party_lights WHERE party_id = ANY(%(parties)s) ORDER BY party_id FOR UPDATE"
_SHINE = """
INSERT INTO party_lights (party_id, light, since, until, finding_id, why)
SELECT * FROM unnest(%(parties)s::uuid[], %(lights)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[],
  %(findings)s::uuid[], %(why)s::text[])
ON CONFLICT (party_id) DO UPDATE SET light = excluded.light, since = excluded.since, until = excluded.until,
  finding_id = excluded.finding_id, why = excluded.why
"""
_GREEN = "DELETE FROM party_lights WHERE party_id = ANY(%(green)s)"
_PAST = """
SELECT party_id FROM party_lights WHERE until <= %(now)s ORDER BY party_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_ALL = """
SELECT DISTINCT c.party_id FROM findings f JOIN cases c ON c.case_no = f.case_no ORDER BY c.party_id
"""


def shine_lights(tx: Connection, parties: Collection[uuid.UUID], now: datetime) -> int:
    """Work out the lights of these parties. Gives how many there were."""
    if not parties:
        return 0
    of = {"parties": sorted(parties, key=str), "now": now}
    _, rows = ask(tx, (_LOCK, of), (_SPEAKING, of))
    shining = {row[0] for row in rows}
    columns = list(zip(*rows, strict=True)) or [()] * 6
    names = ("parties", "lights", "since", "until", "findings", "why")
    tell(
        tx,
        (_SHINE, {name: list(column) for name, column in zip(names, columns, strict=True)}),
        (_GREEN, {"green": [party for party in parties if party not in shining]}),
    )
    return len(parties)


def dim_lights(tx: Connection, now: datetime, *, limit: int = 500) -> int:
    """Lights whose time is over give way to what still shines."""
    (rows,) = ask(tx, (_PAST, {"now": now, "limit": limit}))
    return shine_lights(tx, {row[0] for row in rows}, now)


def shine_all(tx: Connection, now: datetime) -> int:
    """Every party that a fact speaks of: the rules are others now."""
    (rows,) = ask(tx, (_ALL, {}))
    return shine_lights(tx, {row[0] for row in rows}, now)
