"""Decide: one fact, one transaction.

Guarantees: party, case, steps, decision, licence, one push per owed department, the ledger row and one outbox row per
push with its final signed bytes are written in the caller's transaction, or none is. The same decision twice is
`unchanged`; another decision under the same 决定文书号 is a `conflict` and changes nothing. Does not publish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exists, select
from sqlalchemy.exc import IntegrityError

from hub.decided_case import DecidedCase
from hub.decided_rows import DecidedRows, Materials, named_materials, new_cases
from hub.errors import Conflict
from hub.outbox import BULK, LIVE, OutboxRow
from hub.ports import Desk
from hub.round_trips import ask, write
from hub.rulebook import QUESTIONS, Rulebook, read_rulebook

UNIQUE_VIOLATION = "23505"
ACCEPTED, UNCHANGED, CONFLICT = "accepted", "unchanged", "conflict"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case. `departments` are those it was pushed to."""

    case_no: str
    verdict: str
    departments: tuple[str, ...] = ()
    first_case_no: str | None = None  # for a conflict: the case that holds this 决定文书号


def decide(
    tx: Connection, cases: Sequence[DecidedCase], desk: Desk, *, actor: str, lane: int = LIVE
) -> list[Outcome]:
    """Decide `cases`, in order. No two of them may share a case number or a 决定文书号 of one authority.

    Raises Conflict where another transaction wrote the same decision meanwhile: roll back, and try again to learn of it.
    """
    known, materials, rulebook = _look_up(tx, cases, desk)
    outcomes = {case.case_no: _verdict(case, known) for case in cases}
    fresh = [case for case in cases if outcomes[case.case_no].verdict == ACCEPTED]
    if fresh:
        writing = DecidedRows(desk, lane, rulebook, materials, desk.clock())
        for case in sorted(
            fresh, key=lambda case: case.case_no
        ):  # one order for all: two loads cannot deadlock
            departments = writing.add(case, actor)
            outcomes[case.case_no] = Outcome(case.case_no, ACCEPTED, departments)
        _write(tx, fresh, desk, writing)
    return [outcomes[case.case_no] for case in cases]


_DECIDED = """
SELECT org_code, document_no, case_no, content_hash FROM decisions
WHERE (org_code, document_no) IN (SELECT * FROM unnest(%(org_codes)s::text[], %(document_nos)s::text[]))
UNION SELECT org_code, document_no, case_no, content_hash FROM decisions WHERE case_no = ANY(%(case_nos)s)
"""
_MATERIALS = """
SELECT m.case_no, m.id, m.name, m.get_type, m.get_num, m.sha256, s.size, m.media_type, m.created_at AS at
FROM materials m JOIN stored_objects s USING (sha256)
WHERE m.case_no = ANY(%(case_nos)s) AND m.state IN ('usable', 'superseded')
UNION ALL
SELECT u.case_no, m.id, m.name, '共享复用', m.get_num, m.sha256, s.size, m.media_type, u.used_at
FROM material_uses u JOIN materials m ON m.id = u.material_id JOIN stored_objects s USING (sha256)
WHERE u.case_no = ANY(%(case_nos)s) AND u.withdrawn_at IS NULL
ORDER BY at, id
"""

Known = Mapping[tuple[str, str], tuple[str, bytes]]


def _look_up(tx: Connection, cases: Sequence[DecidedCase], desk: Desk) -> tuple[Known, Materials, Rulebook]:
    """Everything a decision depends on, in one round trip."""
    case_nos = [case.case_no for case in cases]
    of = {
        "org_codes": [case.org_code for case in cases],
        "document_nos": [case.decision.document_no for case in cases],
        "case_nos": case_nos,
    }
    decided, materials, *rulebook = ask(tx, (_DECIDED, of), (_MATERIALS, {"case_nos": case_nos}), *QUESTIONS)
    known: dict[tuple[str, str], tuple[str, bytes]] = {}
    for org_code, document_no, case_no, content_hash in decided:
        known[org_code, document_no] = known["", case_no] = (case_no, content_hash)
    return known, named_materials(materials, desk), read_rulebook(*rulebook)


def _verdict(case: DecidedCase, known: Known) -> Outcome:
    found = known.get((case.org_code, case.decision.document_no)) or known.get(("", case.case_no))
    if found is None:
        return Outcome(case.case_no, ACCEPTED)
    first, content_hash = found
    verdict = UNCHANGED if content_hash == case.decision.content_hash else CONFLICT
    return Outcome(case.case_no, verdict, first_case_no=first)


def _write(tx: Connection, cases: Sequence[DecidedCase], desk: Desk, writing: DecidedRows) -> None:
    try:
        write(tx, *new_cases(cases, desk), *writing.tables())
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) == UNIQUE_VIOLATION:
            raise Conflict("同一决定刚刚由他人登记。请刷新后再看。") from error
        raise


def lane_for(tx: Connection, key: str) -> int:
    """The lane for a later live message about `key`: behind its own bulk rows, if any still wait, never past them."""
    waiting = select(
        exists().where(OutboxRow.key == key, OutboxRow.published_at.is_(None), OutboxRow.lane == BULK)
    )
    return BULK if tx.execute(waiting).scalar_one() else LIVE
