"""Take effect: everything that follows from a change of a licence's status, in the transaction of the change itself.

Guarantees: status, operation, ledger, messages to departments, notices to holder and window, the uses that rest on the
licence, open proposals and the standing of its cases go together or not at all. The caller holds the licences' locks and has
decided that the changes are right; the database refuses what hub.licensing.life does not know. Three round trips.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.ledger import LedgerRow
from hub.licensing.living.announce import Audience, announcements, audience, questions
from hub.licensing.living.changed import HAPPENED, SAID, Changed
from hub.licensing.living.notify_holders import holder_notice_rows
from hub.licensing.living.operation import LicenceOperation
from hub.licensing.living.said_of_licences import NEWEST, SPEAKING, STANDING
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.reuse.tell_relied import SourceChange, Told, relied
from hub.round_trips import Question, Rows, ask, tell, write

_SEVERITY = {
    "suspend": "alert",
    "withdraw": "alert",
    "revoke": "alert",
    "cancel": "warning",
    "transfer": "warning",
    "other": "warning",
    "restore": "info",
    "reinstate": "info",
}
_STATUS = """
UPDATE licences l SET status = n.status, status_at = n.at, status_note = n.note
FROM unnest(%(ids)s::uuid[], %(statuses)s::text[], %(ats)s::timestamptz[], %(notes)s::text[]) AS n(id, status, at, note)
WHERE l.id = n.id AND l.status <> n.status
"""
_OVERTAKEN = """
UPDATE licence_proposals SET state = 'overtaken', decided_at = %(now)s, decided_why = '证照已经终止'
WHERE licence_id = ANY(%(ids)s) AND state = 'open'
"""
#: Nobody escapes what a department asks for by renewing the licence.
_FOLLOW = """
UPDATE licence_proposals p SET licence_id = n.new
FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) AS n(old, new) WHERE p.licence_id = n.old AND p.state = 'open'
"""
#: Few rows are looked up in large tables, and a recursive query is guessed to be ten times as long as it is. An
#: ARRAY(SELECT ..) is taken for ten elements however many there are, and OFFSET 0 keeps a look-up by itself: all go by their
#: indexes, where the planner would rather read whole tables.
_BACK = """
back(id, previous_id, case_no) AS (
  SELECT id, previous_id, case_no FROM licences WHERE id = ANY(ARRAY(SELECT unnest(%(ids)s::uuid[])))
  UNION SELECT l.* FROM back CROSS JOIN LATERAL (
    SELECT id, previous_id, case_no FROM licences WHERE id = back.previous_id OFFSET 0) l
)
"""
#: A case of several licences may be touched by several at once: one after the other, each seeing what the last one wrote.
_SEVERAL = f"""
WITH RECURSIVE {_BACK}
SELECT 1 FROM cases c WHERE c.case_no = ANY(ARRAY(SELECT case_no FROM back))
AND (SELECT count(*) FROM licences l WHERE l.case_no = c.case_no) > 1
ORDER BY c.case_no FOR NO KEY UPDATE
"""  # noqa: S608 - our own words
#: What a case's licences mean for it: alert while one is held or was taken away, watch while one was warned of.
_STANDING = f"""
WITH RECURSIVE {_BACK}, of_case(case_no, id) AS (
  SELECT case_no, id FROM licences WHERE case_no = ANY(ARRAY(SELECT case_no FROM back))
  UNION SELECT f.case_no, l.id FROM of_case f JOIN licences l ON l.previous_id = f.id
), said(licence_id, effect) AS (
  SELECT o.id, s.effect FROM (SELECT DISTINCT id FROM of_case) o CROSS JOIN LATERAL (
    SELECT DISTINCT ON (f.department) f.effect FROM {SPEAKING} WHERE f.licence_id = o.id AND {STANDING}
    ORDER BY f.department, {NEWEST}) s
), judged AS (
  SELECT o.case_no, max(CASE
    WHEN l.status IN ('03', '07') OR l.status IN ('01', '02') AND h.licence_id IS NOT NULL THEN 2
    WHEN l.status IN ('01', '02') AND (s.effect IN ('warn', 'propose_freeze', 'propose_revocation') OR EXISTS (
      SELECT 1 FROM licence_proposals p WHERE p.licence_id = l.id AND p.state = 'open')) THEN 1
    ELSE 0 END) AS worst
  FROM of_case o CROSS JOIN LATERAL (SELECT id, status FROM licences WHERE id = o.id OFFSET 0) l
  LEFT JOIN holds h ON h.licence_id = o.id AND h.lifted_at IS NULL LEFT JOIN said s ON s.licence_id = o.id
  GROUP BY o.case_no
)
UPDATE cases c SET standing = (ARRAY['clear', 'watch', 'alert'])[j.worst + 1]
FROM judged j WHERE c.case_no = j.case_no AND c.case_no = ANY(ARRAY(SELECT case_no FROM back))
  AND c.standing <> (ARRAY['clear', 'watch', 'alert'])[j.worst + 1]
"""  # noqa: S608 - our own words


@dataclass(slots=True)
class Effects:
    """Rows to be written with the change; a caller adds its own to them."""

    operations: Rows = field(default_factory=lambda: Rows(LicenceOperation, []))
    announced: tuple[Rows, ...] = ()
    holders: tuple[Rows, ...] = ()
    notices: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)

    def tables(self) -> tuple[Rows, ...]:
        """In the order in which they refer to each other."""
        outbox, told = self.announced or (None, None)
        return (
            self.operations,
            *self.holders,
            Rows(Notice, self.notices),
            Rows(LedgerRow, self.ledger),
            *(one for one in (outbox, told) if one is not None),
        )


def take_effect(tx: Connection, changes: Sequence[Changed], desk: Desk, *first: Rows) -> None:
    """Do it all; `first` are rows that the operations refer to."""
    if not changes:
        return
    effects = effects_of(tx, changes, desk)
    write(tx, *first, *effects.tables())
    related = {one.related_id for one in changes if one.related_id}
    tell(tx, *standing({one.licence_id for one in changes} | related))


def effects_of(tx: Connection, changes: Sequence[Changed], desk: Desk, *, spoken: bool = False) -> Effects:
    """Set the statuses, and give everything that is to be written. `spoken`: ledger and window are the caller's."""
    if not changes:
        return Effects()
    ids = {one.licence_id for one in changes}
    known = audience(*ask(tx, *questions(ids, desk)))
    tell(tx, *_moved(changes))
    effects = Effects(
        operations=Rows(LicenceOperation, [one.operation_row() for one in changes]),
        announced=announcements(changes, known, desk),
        holders=(holder_notice_rows(changes, known),),
    )
    if not spoken:
        effects.ledger += [one.ledger_row(known.licences[one.licence_id].case_no) for one in changes]
        effects.notices += [_notice(one, known) for one in changes if one.operation in _SEVERITY]
    for told in _told(tx, changes, known, desk.clock()):
        effects.ledger += told.ledger
        effects.notices += told.notices
    return effects


def standing(licences: Iterable[uuid.UUID]) -> tuple[Question, Question]:
    """Say anew how the cases of these licences stand; after holds, statuses and findings are written."""
    of = {"ids": list(licences)}
    return (_SEVERAL, of), (_STANDING, of)


def _moved(changes: Sequence[Changed]) -> list[Question]:
    """Step by step: the database allows no jump over what lies between."""
    steps: list[list[Changed]] = []
    seen: Counter[uuid.UUID] = Counter()
    for one in changes:
        if seen[one.licence_id] == len(steps):
            steps.append([])
        steps[seen[one.licence_id]].append(one)
        seen[one.licence_id] += 1
    moved: list[Question] = [
        (
            _STATUS,
            {
                "ids": [one.licence_id for one in step],
                "statuses": [one.to_status for one in step],
                "ats": [one.at for one in step],
                "notes": [one.note for one in step],
            },
        )
        for step in steps
    ]
    renewed = [
        (one.licence_id, one.related_id) for one in changes if one.operation == "supersede" and one.related_id
    ]
    if renewed:
        old, new = zip(*renewed, strict=True)
        moved.append((_FOLLOW, {"old": list(old), "new": list(new)}))
    over = [one.licence_id for one in changes if one.ends]
    if over:
        moved.append((_OVERTAKEN, {"ids": over, "now": changes[0].at}))
    return moved


def _told(tx: Connection, changes: Sequence[Changed], known: Audience, now: datetime) -> list[Told]:
    """Whoever relied on them; what is restored by mistake's correction is told before it is frozen again."""
    told = []
    first = [one for one in changes if one.operation == "reinstate"]
    rest = [one for one in changes if one.operation != "reinstate"]
    for batch in (first, rest):
        sources = [
            SourceChange(
                "licence",
                one.licence_id,
                HAPPENED[one.operation],
                known.names.get(one.department or "", ""),
                one.reason.rstrip("。"),
                SAID[one.operation],
            )
            for one in batch
            if one.operation in HAPPENED
        ]
        if sources:
            actors = {one.licence_id: one.actor for one in batch}
            told.append(relied(tx, sources, actors=actors, now=now))
    return told


def _notice(change: Changed, known: Audience) -> dict[str, Any]:
    facts = known.licences[change.licence_id]
    by = known.names.get(change.department) if change.department else None
    paper = f"文书号：{change.document_no}。" if change.document_no else ""
    return {
        "audience": "clerk",
        "severity": _SEVERITY[change.operation],
        "title": f"证照{SAID[change.operation]}：{facts.name} {facts.number}",
        "body": f"{by or '平台'}办理。原因：{change.reason.rstrip('。')}。{paper}",
        "case_no": facts.case_no,
    }
