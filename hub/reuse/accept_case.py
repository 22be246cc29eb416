"""Accept a case 受理: every required material is there, reused or promised, and from now on the clock runs.

Guarantees: nothing is accepted while a required line is open, or while something it relies on has been frozen, revoked,
corrected or has run out; what the case took becomes usable for others and older material of the same series is
superseded, in the same transaction. Accepting twice gives the same answer. Writes no step: the decision does, from
`accepted_at`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, update

from hub.case import Case
from hub.errors import Rejected
from hub.ledger import Entry, record
from hub.ports import Desk
from hub.reuse.match import Question, match
from hub.reuse.prefill import form_for_acceptance, keep_form
from hub.reuse.renew_series import renew_series
from hub.reuse.rules import Answer, UsedSource
from hub.reuse.working_case import WorkingCase, read_case, working_case
from hub.workday import LOCAL, due, exceptions

IMMEDIATE = "1"  # 即办件: decided on the day it is accepted
_SOURCE_GONE = {
    "frozen": "已被冻结",
    "revoked": "已被撤销",
    "expired": "已经到期",
    "corrected": "已经更正",
}


@dataclass(frozen=True, slots=True)
class Acceptance:
    """From when the clock runs and until when the result is promised; None where the item promises nothing."""

    case_no: str
    accepted_on: date
    promised_on: date | None


def accept_case(tx: Connection, case_no: str, desk: Desk, *, actor: str) -> Acceptance:
    """Accept it. Raises Rejected naming every line that is still open, NotFound, or Conflict after withdrawal."""
    case = read_case(tx, case_no)
    if case.state == "accepted" and case.accepted_on is not None:
        return Acceptance(case_no, case.accepted_on, case.promised_on)
    working_case(tx, case_no, doing="受理")
    now = desk.clock()
    today = now.astimezone(LOCAL).date()
    answers = match(tx, Question(case.party_id, case.item.version_id, case.department, today, case_no))
    form, empty = form_for_acceptance(tx, case, today)
    faults = [*_open_lines(answers, today), *empty]
    if faults:
        raise Rejected("还不能受理：" + "；".join(faults) + "。")
    keep_form(tx, case_no, form, actor)
    promised_on = _promised_on(tx, case.item.header, today)
    tx.execute(
        update(Case)
        .where(Case.case_no == case_no)
        .values(state="accepted", accepted_on=today, accepted_at=now, promised_on=promised_on, taken_by=actor)
    )
    taken = renew_series(tx, case_no, actor=actor, now=now)
    record(tx, Entry(actor, "case.accepted", f"case:{case_no}", case_no, detail=_told(case, answers, taken)))
    return Acceptance(case_no, today, promised_on)


def _open_lines(answers: list[Answer], today: date) -> Iterator[str]:
    for answer in answers:
        name = f"“{answer.requirement.name}”"
        gone = [(used, why) for used in answer.used if (why := _gone(used, today))]
        if gone and len(gone) == len(answer.used) and not answer.taken:
            used, why = gone[0]
            yield f"{name}所复用的“{used.name}”{why}，请撤销这次复用后改交材料"
        elif answer.verdict in ("used", "taken") or not answer.requirement.required:
            continue
        elif answer.verdict == "promised":
            if answer.promised_until and answer.promised_until < today:
                yield f"{name}承诺的补交日期 {answer.promised_until} 已过，请上传"
        elif answer.verdict == "usable":
            yield f"{name}尚未提交，已有可复用的材料，请确认复用或上传"
        elif answer.requirement.may_follow:
            yield f"{name}尚未提交，请上传或登记容缺补交日期"
        else:
            yield f"{name}尚未提交，请上传"


def _gone(used: UsedSource, today: date) -> str | None:
    """What befell a source since it was used; its last day may have passed before anybody was told."""
    if used.source_state == "intact" and used.relies_until is not None and used.relies_until < today:
        return _SOURCE_GONE["expired"]
    return _SOURCE_GONE.get(used.source_state)


def _promised_on(tx: Connection, header: Mapping[str, object], today: date) -> date | None:
    if str(header.get("case_type")) == IMMEDIATE:
        return today
    days = header.get("promised_days")
    if days is None:
        days = header.get("legal_days")
    return None if days is None else due(today, int(str(days)), exceptions(tx))


def _told(case: WorkingCase, answers: list[Answer], taken: int) -> dict[str, object]:
    """What the ledger keeps: which lines were met how."""
    return {
        "item": case.item.item_code,
        "version": case.item.number,
        "lines": {answer.requirement.code: answer.verdict for answer in answers},
        "materials": taken,
    }
