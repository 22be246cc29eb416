"""Decide: one fact, one transaction.

Guarantees: party, case, steps, decision, licence (with its file, where it was prepared here), one push per owed department,
the ledger row and one outbox row per push with its final signed bytes are written in the caller's transaction, or none
is. The same decision twice is `unchanged`; another decision under the same 决定文书号 is a `conflict` and changes nothing.
Does not publish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exists, select
from sqlalchemy.exc import IntegrityError

from hub.deciding.decided_case import DecidedCase
from hub.deciding.decided_rows import DecidedRows, new_cases, party_id
from hub.deciding.gathered import Gathered, gather, opened
from hub.deciding.owed_rows import Lacking
from hub.errors import Conflict
from hub.exchange.outbox import BULK, LIVE, OutboxRow
from hub.licensing.issuing.issue_licence import check_again, supersede
from hub.licensing.issuing.issued_rows import IssuedRows
from hub.ports import Desk
from hub.pushing.completeness import Versions, read_required, required
from hub.pushing.rulebook import Rulebook, read_rulebook, rulebook_questions
from hub.round_trips import ask, write
from hub.workday import local_day

UNIQUE_VIOLATION = "23505"
ACCEPTED, UNCHANGED, CONFLICT = "accepted", "unchanged", "conflict"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case. `departments` are those it was pushed to; a push that is held is none yet."""

    case_no: str
    verdict: str
    departments: tuple[str, ...] = ()
    first_case_no: str | None = None  # for a conflict: the case that holds this 决定文书号
    lacking: Lacking | None = None  # where the case lacks what its item asks for


def decide(
    tx: Connection, cases: Sequence[DecidedCase], desk: Desk, *, actor: str, lane: int = LIVE
) -> list[Outcome]:
    """Decide `cases`, in order. No two of them may share a case number or a 决定文书号 of one authority.

    Raises Conflict where another transaction wrote the same decision meanwhile: roll back, and try again to learn of it.
    """
    known, gathered, rulebook, issuers, versions = _look_up(tx, cases, desk)
    outcomes = {case.case_no: _verdict(case, known) for case in cases}
    fresh = [case for case in cases if outcomes[case.case_no].verdict == ACCEPTED]
    if fresh:
        for case in fresh:
            _check_opened(case, gathered.get(case.case_no), desk)
            _check_licence(case, desk)
        writing = DecidedRows(desk, lane, rulebook, gathered, desk.clock(), issuers, versions)
        for case in sorted(
            fresh, key=lambda case: case.case_no
        ):  # one order for all: two loads cannot deadlock
            departments = writing.add(case, actor)
            outcomes[case.case_no] = Outcome(
                case.case_no, ACCEPTED, departments, lacking=writing.owed.lacking(case.case_no)
            )
        _write(tx, fresh, desk, writing, actor)
    return [outcomes[case.case_no] for case in cases]


_DECIDED = """
SELECT org_code, document_no, case_no, content_hash FROM decisions
WHERE (org_code, document_no) IN (SELECT * FROM unnest(%(org_codes)s::text[], %(document_nos)s::text[]))
UNION SELECT org_code, document_no, case_no, content_hash FROM decisions WHERE case_no = ANY(%(case_nos)s)
"""

#: Of several departments with one code the one that comes first.
_ISSUERS = "SELECT uscc, min(code) FROM departments WHERE uscc = ANY(%(issuers)s::text[]) GROUP BY uscc"

Known = Mapping[tuple[str, str], tuple[str, bytes]]


def _look_up(
    tx: Connection, cases: Sequence[DecidedCase], desk: Desk
) -> tuple[Known, Mapping[str, Gathered], Rulebook, dict[str, str], Versions]:
    """Everything a decision depends on: one round trip, and a second for cases that were opened before."""
    case_nos = [case.case_no for case in cases]
    of = {
        "org_codes": [case.org_code for case in cases],
        "document_nos": [case.decision.document_no for case in cases],
        "case_nos": case_nos,
        "issuers": list(
            {case.org_code for case in cases} | {case.licence.issuer_code for case in cases if case.licence}
        ),
    }
    asked = required([case.item_code for case in cases], case_nos)
    cases_open, decided, issuers, versions, *rulebook = ask(
        tx,
        opened(case_nos),
        (_DECIDED, of),
        (_ISSUERS, of),
        asked,
        *rulebook_questions(local_day(desk.clock())),
    )
    known: dict[tuple[str, str], tuple[str, bytes]] = {}
    for org_code, document_no, case_no, content_hash in decided:
        known[org_code, document_no] = known["", case_no] = (case_no, content_hash)
    gathered = gather(tx, cases_open, desk)
    return known, gathered, read_rulebook(*rulebook), dict(issuers), read_required(versions)


def _check_opened(case: DecidedCase, before: Gathered | None, desk: Desk) -> None:
    """A case that was opened before must be accepted, and be the same party's."""
    if before is None:
        return
    if before.state == "preparing":
        raise Conflict(f"办件 {case.case_no} 还在收取材料，没有受理。请先在窗口工作台受理，再作决定。")
    if before.state == "withdrawn":
        raise Conflict(f"办件 {case.case_no} 已经撤回，不能再作决定。需要时请重新申请。")
    if before.party_id != party_id(case.party, desk):
        raise Conflict(f"决定里的行政相对人与办件 {case.case_no} 的不是同一个。请核对名称和证件号码。")


def _check_licence(case: DecidedCase, desk: Desk) -> None:
    """A licence that is issued with a decision is made out to its party, for its case."""
    prepared = case.licence.prepared if case.licence else None
    if prepared is None:
        return
    if prepared.order.case_no != case.case_no:
        raise Conflict(f"准备好的证照不是为办件 {case.case_no} 印制的。请重新制证。")
    if party_id(prepared.words.holders[0], desk) != party_id(case.party, desk):
        raise Conflict(
            f"证照的第一持证主体与办件 {case.case_no} 的行政相对人不是同一个。请核对名称和证件号码。"
        )


def _verdict(case: DecidedCase, known: Known) -> Outcome:
    found = known.get((case.org_code, case.decision.document_no)) or known.get(("", case.case_no))
    if found is None:
        return Outcome(case.case_no, ACCEPTED)
    first, content_hash = found
    verdict = UNCHANGED if content_hash == case.decision.content_hash else CONFLICT
    return Outcome(case.case_no, verdict, first_case_no=first)


def _write(
    tx: Connection, cases: Sequence[DecidedCase], desk: Desk, writing: DecidedRows, actor: str
) -> None:
    issued = IssuedRows(desk, writing.now)
    for one in writing.prepared:
        issued.add(one, actor)
    if writing.prepared:
        check_again(tx, writing.prepared, desk)
    try:
        write(tx, *new_cases(cases, desk), *(issued.tables() if writing.prepared else ()), *writing.tables())
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) == UNIQUE_VIOLATION:
            of = str(getattr(getattr(error.orig, "diag", None), "constraint_name", ""))
            what = "同一证照刚刚由他人签发" if "licence" in of else "同一决定刚刚由他人登记"
            raise Conflict(f"{what}。请刷新后再看。") from error
        raise
    supersede(tx, writing.prepared, desk, actor=actor)


def lane_for(tx: Connection, key: str) -> int:
    """The lane for a later live message about `key`: behind its own bulk rows, if any still wait, never past them."""
    waiting = select(
        exists().where(OutboxRow.key == key, OutboxRow.published_at.is_(None), OutboxRow.lane == BULK)
    )
    return BULK if tx.execute(waiting).scalar_one() else LIVE
