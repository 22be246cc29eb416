"""Correct a decision 更正: what was written wrongly in a decision that was pushed already.

Guarantees: the correction is a fact of its own and never changes (decision_revisions); the decision shows what is right;
every department that has an earlier version gets the whole package anew, with what it may not see withheld as before, naming
the message it replaces, and signs for it anew; cases that rely on the decision are told. All in the caller's transaction.
The licence is not touched: it has its own acts. Whom and what was decided (party, item, document number) cannot be
corrected: such a decision is withdrawn and made anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from hub.case import Decision, Step
from hub.deciding.brought import Brought
from hub.deciding.corrected_package import (
    COLUMNS,
    Right,
    about,
    correct_held,
    corrected_package,
    still_missing,
)
from hub.deciding.decided_case import StepFacts
from hub.deciding.decided_rows import PERSONAL
from hub.deciding.revision import DecisionRevision
from hub.deciding.told import Decided, Standing, Telling, checked, look
from hub.errors import Conflict, Rejected
from hub.ledger import LedgerRow
from hub.ports import Desk
from hub.pushing.package import step_data
from hub.pushing.push import Push
from hub.reuse.tell_relied import SourceChange, tell_relied
from hub.round_trips import Rows, write
from schemas import code_table

EVENT_TYPE = "approval.corrected.v1"
#: Elements that name the decision itself, or whom it is about.
FIXED_ELEMENTS = frozenset({"XK_WSH", "XK_XDR_MC", "XK_XDR_SHXYM"})
#: The same content under a column and an element: corrected under both, where both said the same.
TWINS = {"explanation": "XK_NR", "decided_on": "XK_JDRQ", "document_name": "XK_XKWS"}
_STEP = tuple(one.name for one in fields(StepFacts))
_LONGEST = {"document_name": 200, "explanation": 4096}
_ELEMENT_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Correction:
    """What is right. Columns and elements that are not named stay. `seen` is the revision that was looked at.

    `completes`: elements that the decision does not have yet may be among them, and `steps` that were left out.
    `brought`: materials that came after it was pushed.
    """

    reason: str
    document_no: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    elements: Mapping[str, str] = field(default_factory=dict)
    seen: int | None = None
    completes: bool = False
    steps: Sequence[StepFacts] = ()
    brought: Brought | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that becomes right, as it may be shown."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """How it ended."""

    revision: int
    departments: tuple[str, ...]
    changes: tuple[Change, ...]


def with_twins(decision: Decided, correction: Correction) -> Correction:
    """The correction under every name that its content has."""
    elements = dict(correction.elements)
    for name, twin in TWINS.items():
        was, becomes = _text(getattr(decision, name)), _text(correction.columns.get(name))
        if not becomes or becomes == was or str(decision.elements.get(twin) or "") != was:
            continue
        if elements.get(twin, was) == was:
            elements[twin] = becomes
    return replace(correction, elements=elements)


def compare(decision: Decided, correction: Correction, desk: Desk) -> list[Change]:
    """What a correction would change. Raises Rejected where something cannot be corrected, or nothing changes."""
    changes = [
        Change(name, _text(getattr(decision, name)), _text(value))
        for name, value in correction.columns.items()
        if _checked_column(name, value) != getattr(decision, name)
    ]
    for name, value in correction.elements.items():
        shown = _shown(name, value, desk)
        # Of a personal number only the mask is on file: one that was typed in full is taken for a new one.
        typed = name in PERSONAL and shown != value
        if shown == str(decision.elements.get(name) or "") and not typed:
            continue
        if name in FIXED_ELEMENTS and not (correction.completes and not decision.elements.get(name)):
            raise Rejected(f"{name} 说明是谁的哪一份决定，不能更正。请撤回这份决定，用正确的内容另作决定。")
        if name not in decision.elements and not correction.completes:
            raise Rejected(f"决定里没有要素“{name[:80]}”，不能更正。")
        if len(value) > _ELEMENT_LONGEST:
            raise Rejected(f"{name} 太长，不超过 {_ELEMENT_LONGEST} 字。")
        changes.append(Change(f"elements.{name}", str(decision.elements.get(name) or ""), shown))
    changes += [Change(f"steps[{step.name}]", "", step.action) for step in correction.steps]
    if correction.brought:
        changes += [Change(path, "", there) for path, there in correction.brought.lines.items()]
    if not changes:
        raise Rejected("没有改动任何内容。请改正至少一项再提交。")
    return changes


def correct_decision(
    tx: Connection, case_no: str, correction: Correction, desk: Desk, *, actor: str
) -> Corrected:
    """Correct it and tell everyone who has it. Raises NotFound, Rejected, and Conflict where it changed meanwhile."""
    reason, document_no = checked(correction.reason, correction.document_no)
    standing = look(tx, case_no, desk.clock(), lock=True)
    decision, now = standing.decision, desk.clock()
    if decision.withdrawn_at is not None:
        raise Conflict("这份决定已经撤回，不能再更正。")
    if correction.seen not in (None, decision.revision):
        raise Conflict("这份决定刚刚由他人更正。请刷新页面，看清现在的内容再办。")
    correction = with_twins(decision, correction)
    changes = compare(decision, correction, desk)
    revision = standing.next_revision
    right = _right(decision, correction, {one.path for one in changes})
    _save(tx, decision, right, revision, desk)
    _add_steps(tx, case_no, correction.steps)
    telling = Telling.begin(tx, desk, case_no, now)
    said = about(reason, document_no, [one.path for one in changes], now)
    _tell(telling, standing, right, revision, said)
    held = [one.id for one in standing.recipients if one.state == "held"]
    correct_held(tx, held, right, desk)
    _less_missing(tx, decision.id, right)
    row = {
        "decision_id": decision.id,
        "revision": revision,
        "kind": "corrected",
        "reason": reason,
        "document_no": document_no,
        "before": {one.path: one.before for one in changes},
        "after": {one.path: one.after for one in changes},
        "actor": actor,
        "at": now,
    }
    detail = {"revision": revision, "changed": [one.path for one in changes], "document_no": document_no}
    detail["departments"] = [to.department for to in standing.told]
    write(
        tx,
        Rows(DecisionRevision, [row]),
        *telling.tables(),
        Rows(LedgerRow, [ledger_row(decision, "decision.corrected", reason, detail, actor)]),
    )
    if right.touches_the_decision:
        changed = [SourceChange("decision", decision.id, "corrected", why=reason)]
        tell_relied(tx, changed, actor=actor, now=now)
    return Corrected(revision, tuple(to.name for to in standing.told), tuple(changes))


def _tell(telling: Telling, standing: Standing, right: Right, revision: int, said: Mapping[str, Any]) -> None:
    """Everyone who has it gets it anew, and has that to sign for."""
    changed, what = (
        ("决定已更正", "更正内容") if right.touches_the_decision else ("决定的材料已补来", "补来的材料")
    )
    for to in standing.told:
        clock = standing.clock(to.department, telling.now)
        data = corrected_package(to, right, clock, revision, said)
        telling.say(EVENT_TYPE, to, revision, data, clock.sign_by)
        title = f"{changed}，须重新签收：{standing.decision.document_no}"
        telling.notice(to, title, f"{said['reason']}。{what}已随新的推送包发出。", clock.sign_by)
    told = update(Push).where(Push.id.in_([to.id for to in standing.told]))
    telling.tx.execute(told.values(revision=revision, unsigned_revision=True))


def _right(decision: Decided, correction: Correction, changed: set[str]) -> Right:
    columns = {name: value for name, value in correction.columns.items() if value != getattr(decision, name)}
    elements = {n: value for n, value in correction.elements.items() if f"elements.{n}" in changed}
    return Right(columns, elements, [step_data(step) for step in correction.steps], correction.brought)


def ledger_row(
    decision: Decided, action: str, reason: str, detail: Mapping[str, Any], actor: str
) -> dict[str, Any]:
    """What was done to a decision."""
    return {
        "actor": actor,
        "action": action,
        "subject": f"decision:{decision.org_code}/{decision.document_no}",
        "case_no": decision.case_no,
        "reason": reason,
        "detail": dict(detail),
    }


def _checked_column(name: str, value: Any) -> Any:
    if name not in COLUMNS:
        raise Rejected(f"{name} 不能更正。")
    if name == "decided_on":
        if not isinstance(value, date):
            raise Rejected("请填写决定日期。")
        return value
    if name == "result_type" and value not in code_table("result_type"):
        raise Rejected("请选择办结结果。")
    if not str(value).strip():
        raise Rejected("更正后的内容不能为空。")
    if len(str(value)) > _LONGEST.get(name, 200):
        raise Rejected(f"内容太长，不超过 {_LONGEST.get(name, 200)} 字。")
    return value


def _text(value: Any) -> str:
    return str(value) if value is not None else ""


def _shown(name: str, value: str, desk: Desk) -> str:
    return desk.identities.mask(value) if name in PERSONAL and value and "*" not in value else value


def _save(tx: Connection, decision: Decided, right: Right, revision: int, desk: Desk) -> None:
    shown = {name: _shown(name, value, desk) for name, value in right.elements.items()}
    values = {**right.columns, "elements": {**decision.elements, **shown}, "revision": revision}
    tx.execute(update(Decision).where(Decision.id == decision.id).values(**values))


def _add_steps(tx: Connection, case_no: str, steps: Sequence[StepFacts]) -> None:
    last = tx.execute(select(func.max(Step.seq)).where(Step.case_no == case_no)).scalar() or 0
    rows = [
        {"case_no": case_no, "seq": last + at, **{name: getattr(step, name) for name in _STEP}}
        for at, step in enumerate(steps, 1)
    ]
    if rows:
        tx.execute(insert(Step), rows)


def _less_missing(tx: Connection, decision_id: uuid.UUID, right: Right) -> None:
    """Pushes that went with something missing lack it no more; what a held one lacks is checked anew."""
    asked = select(Push.id, Push.missing).where(
        Push.decision_id == decision_id, Push.state != "held", Push.missing.is_not(None)
    )
    for push_id, missing in tx.execute(asked).all():
        left = still_missing(missing or (), right)
        tx.execute(update(Push).where(Push.id == push_id).values(missing=left or None))
