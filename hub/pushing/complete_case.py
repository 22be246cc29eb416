"""Complete a case 补齐: what its pushes lack, held or sent, and no file can bring - steps that were not written down,
elements that were left empty.

Guarantees: only what is missing is taken, each once, under the locks of the case and its decision. It completes the decision
itself, by a correction: who has the decision already gets it, too, and signs for it anew. Pushes that lack nothing any more
go in the same transaction; the others say what they lack still.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from hub.case import Case, Decision
from hub.deciding.brought import brought
from hub.deciding.correct_decision import Correction, correct_decision
from hub.deciding.decided_case import StepFacts
from hub.errors import Conflict, NotFound, Rejected
from hub.party import Party
from hub.ports import Desk
from hub.pushing.push import GONE, Push
from hub.pushing.release_push import Checked, check_again
from hub.pushing.send_late import completed
from schemas import code_table

ACTIONS = tuple(code_table("step_action"))


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step as somebody says it went; it was taken by the body that has the case."""

    name: str
    action: str
    handled_by: str
    started_at: datetime
    ended_at: datetime | None = None
    opinion: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """What is filled in; what is left empty stays missing."""

    elements: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[StepDone] = ()


def complete_case(tx: Connection, case_no: str, given: Completion, desk: Desk, *, actor: str) -> Checked:
    """Fill it in. Raises NotFound, Rejected, and Conflict where nothing waits for it (any more)."""
    case = tx.execute(
        select(Case.org_code, Case.org_name, Party.name, Party.code_masked, Decision.document_no)
        .join(Party, Party.id == Case.party_id)
        .join(Decision, Decision.case_no == Case.case_no)
        .where(Case.case_no == case_no)
        .with_for_update(of=(Case.__table__, Decision.__table__), key_share=True)
    ).one_or_none()
    if case is None:
        raise NotFound(f"办件 {case_no[:60]} 还没有决定。请核对办件编号。")
    elements = {name: value.strip() for name, value in given.elements.items() if value.strip()}
    if not elements and not given.steps:
        raise Rejected("还没有填写任何内容。请至少补齐一项。")
    filled = _waited_for(tx, case_no, elements, given.steps)
    _check_named(elements, case)
    steps = [_step(one, case, desk.clock()) for one in given.steps]
    late = brought(tx, case_no, desk)  # it goes along: nobody signs twice for it
    reason = completed([*filled, *(late.told() if late else ())])
    correction = Correction(reason, elements=elements, completes=True, steps=steps, brought=late)
    corrected = correct_decision(tx, case_no, correction, desk, actor=actor)
    return replace(check_again(tx, case_no, desk, actor=actor), corrected=corrected.departments)


def _waited_for(
    tx: Connection, case_no: str, elements: Mapping[str, str], steps: Sequence[StepDone]
) -> list[Mapping[str, Any]]:
    """The lines of what is missing that are filled in. Raises Conflict where one is not missing."""
    rows = tx.execute(select(Push.missing).where(Push.case_no == case_no, Push.state.not_in(GONE))).scalars()
    lacking: dict[tuple[Any, Any], Mapping[str, Any]] = {
        (one["kind"], one["code"] if one["kind"] == "element" else one["name"]): one
        for missing in rows
        for one in missing or ()
    }
    named = [("element", name) for name in elements] + [("step", one.name) for one in steps]
    if len(named) != len(set(named)):
        raise Rejected("同一个环节填了两次。请核对后再提交。")
    gone = [name for kind, name in named if (kind, name) not in lacking]
    if gone:
        raise Conflict(f"推送没有在等待“{gone[0][:80]}”，可能刚刚由他人补齐。请刷新页面后再看。")
    return [lacking[one] for one in named]


def _check_named(elements: Mapping[str, str], case: Any) -> None:
    """What says whose decision it is says what the case says."""
    known = {"XK_WSH": case.document_no, "XK_XDR_MC": case.name, "XK_XDR_SHXYM": case.code_masked}
    for name, right in known.items():
        if name in elements and elements[name] != right:
            raise Rejected(f"{name} 应为“{right}”，与办件登记的一致。如果办件登记有误，请撤回决定后另作。")


def _step(done: StepDone, case: Any, now: datetime) -> StepFacts:
    who, said = done.handled_by.strip(), done.opinion.strip()
    if not 1 <= len(who) <= 100:
        raise Rejected(f"请填写环节“{done.name}”的办理人，不超过 100 字。")
    if done.action not in ACTIONS:
        raise Rejected(f"请选择环节“{done.name}”的结果：{'、'.join(ACTIONS)}。")
    if len(said) > 4000:
        raise Rejected(f"环节“{done.name}”的意见太长，不超过 4000 字。")
    if done.started_at > now or (done.ended_at or done.started_at) > now:
        raise Rejected(f"环节“{done.name}”的时间还没有到。请核对日期。")
    if done.ended_at and done.ended_at < done.started_at:
        raise Rejected(f"环节“{done.name}”的结束时间早于开始时间。请核对。")
    return StepFacts(
        done.name,
        done.action,
        done.started_at,
        done.ended_at,
        case.org_name,
        case.org_code,
        who,
        said or None,
    )
