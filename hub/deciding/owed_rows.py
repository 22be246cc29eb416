"""The pushes of a decision: its package for each department it is owed to, sealed - or held, where a rule says to wait.

Guarantees: what all departments get is written out once, and once more for each different set of withheld paths; what a
held push will be made of is kept sealed with it. What is missing is told to the approving department: case by case when a
decision is made, and together for many that come at once (`batch_notices`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from hub.exchange.outbox import BULK
from hub.ports import Desk
from hub.pushing.completeness import told
from hub.pushing.package import instant, seal_event
from hub.pushing.rulebook import Clock, Days, Owed, Rulebook
from hub.pushing.withhold import withhold
from hub.workday import LOCAL
from schemas import dumps

EVENT_TYPE = "approval.decided.v1"
#: A held push has no package yet: no bytes have this hash.
NO_PACKAGE = bytes(32)
_TIMES = ("sign_by", "claim_by", "plan_by", "feedback_by")
_NO_CLOCK = Clock(None, None, None, None)


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything a decision has to tell, before anything is withheld; `lacking` is what its item asks for beside."""

    decision_id: uuid.UUID
    case_no: str
    data: Mapping[str, Any]
    taken_for: Mapping[str, str] = field(default_factory=dict)  # material id -> requirement
    lacking: Sequence[Mapping[str, Any]] = ()
    item_code: str | None = None
    department: str | None = None  # who approved


class Lacking(NamedTuple):
    """A decided case that lacks something: who approved it, and how many of its pushes are held for it."""

    department: str | None
    held: int


@dataclass(slots=True)
class OwedRows:
    """Rows of pushes, of their outbox and of notices about what is missing."""

    desk: Desk
    lane: int
    rulebook: Rulebook
    now: datetime
    pushes: list[dict[str, Any]] = field(default_factory=list)
    outbox: list[dict[str, Any]] = field(default_factory=list)
    incomplete: list[tuple[Whole, int]] = field(default_factory=list)  # and how many pushes are held for it
    clocks: dict[Days, Clock] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The local day, from which limits count."""
        return self.now.astimezone(LOCAL).date()

    def add(self, whole: Whole, owed_to: Sequence[Owed]) -> dict[str, bytes]:
        """Push to these departments; gives the hash of each package that goes."""
        common: dict[tuple[tuple[str, ...], tuple[str, ...]], bytes] = {}
        sent: dict[str, bytes] = {}
        held = 0
        for owed in owed_to:
            if whole.lacking and owed.blocks:
                self.pushes.append(self._held(whole, owed))
                held += 1
                continue
            seen = (owed.left_out, owed.masked)
            if seen not in common:
                common[seen] = dumps(withhold(whole.data, *seen, whole.taken_for))
            sent[owed.department] = self._sent(whole, owed, common[seen])
        if whole.lacking and owed_to:
            self.incomplete.append((whole, held))
        return sent

    def _clock(self, days: Days) -> Clock:
        if days not in self.clocks:
            self.clocks[days] = self.rulebook.clock(self.today, days)
        return self.clocks[days]

    def _sent(self, whole: Whole, owed: Owed, common: bytes) -> bytes:
        clock = self._clock(owed.days)
        push_id = uuid.uuid5(whole.decision_id, owed.department)
        event_id = uuid.uuid5(push_id, EVENT_TYPE)
        sealed = seal_event(
            self.desk,
            owed.department,
            EVENT_TYPE,
            whole.case_no,
            {"push": push_part(push_id, owed.department, clock, withheld_of(owed))},
            event_id=event_id,
            lane=self.lane,
            rest=common,
        )
        self.outbox.append(sealed.row)
        self.pushes.append(_row(whole, owed, push_id, "owed", sealed.sha256, clock))
        return sealed.sha256

    def _held(self, whole: Whole, owed: Owed) -> dict[str, Any]:
        push_id = uuid.uuid5(whole.decision_id, owed.department)
        row = _row(whole, owed, push_id, "held", NO_PACKAGE, _NO_CLOCK)
        kept = {
            "data": whole.data, "days": owed.days, "left_out": owed.left_out, "masked": owed.masked,
        }  # fmt: skip
        text = dumps(kept).decode()
        row["held_package"] = self.desk.identities.seal_text(text, context=held_context(push_id))
        return row

    def lacking(self, case_no: str) -> Lacking | None:
        """What is to be told of the case that was added last."""
        if not self.incomplete or self.incomplete[-1][0].case_no != case_no:
            return None
        whole, held = self.incomplete[-1]
        return Lacking(whole.department, held)

    def notices(self) -> list[dict[str, Any]]:
        """What the approving department must hear of a live case; who brings many in bulk tells of them together."""
        return [] if self.lane == BULK else [_case_notice(whole, held) for whole, held in self.incomplete]


def withheld_of(owed: Owed) -> list[str]:
    """The paths that a department does not see as they are."""
    return sorted({*owed.left_out, *owed.masked})


def held_context(push_id: uuid.UUID) -> str:
    """What a held package is sealed for."""
    return f"push:{push_id}"


def push_part(push_id: uuid.UUID, department: str, clock: Clock, withheld: Sequence[str]) -> dict[str, Any]:
    """What a package says of the push itself."""
    times = {name: instant(at) if (at := getattr(clock, name)) else None for name in _TIMES}
    part: dict[str, Any] = {"id": str(push_id), "department": department, **times, "revision": 1}
    return {**part, "withheld": list(withheld)} if withheld else part


def clock_columns(clock: Clock) -> dict[str, datetime | None]:
    """The limits as columns of a push."""
    return {name: getattr(clock, name) for name in _TIMES} | {"next_due_at": clock.next_due_at}


def kept_days(raw: Sequence[int | None]) -> Days:
    """The limits that a held push was made with."""
    sign, claim, plan, feedback = raw
    return sign, claim, plan, feedback


def _row(
    whole: Whole, owed: Owed, push_id: uuid.UUID, state: str, sha256: bytes, clock: Clock
) -> dict[str, Any]:
    return {
        "id": push_id,
        "decision_id": whole.decision_id,
        "case_no": whole.case_no,
        "department": owed.department,
        "rule_id": owed.rule_id,
        "event_id": uuid.uuid5(push_id, EVENT_TYPE),
        "package_sha256": sha256,
        "state": state,
        "missing": list(whole.lacking) or None,
        "withheld": withheld_of(owed) or None,
        "held_package": None,
        **clock_columns(clock),
    }


def _case_notice(whole: Whole, held: int) -> dict[str, Any]:
    said = f"缺少{told(whole.lacking)}。"
    done = f"{held} 个部门的推送在等待补齐。" if held else "推送包已注明缺少的内容。"
    return {
        **_notice(whole.department, f"推送内容不完整：{whole.case_no}", said + done, held),
        "case_no": whole.case_no,
        "item_code": whole.item_code,
    }


def batch_notices(found: Iterable[Lacking]) -> list[dict[str, Any]]:
    """One notice to each approving department of a batch, with how many cases lack something."""
    counts: dict[str | None, list[int]] = {}
    for one in found:
        cases = counts.setdefault(one.department, [0, 0])
        cases[0] += 1
        cases[1] += one.held
    return [_batch_notice(department, cases, held) for department, (cases, held) in counts.items()]


def _batch_notice(department: str | None, cases: int, held: int) -> dict[str, Any]:
    body = f"本批有 {cases} 件缺少事项要求的内容，"
    body += f"其中 {held} 个推送在等待补齐。" if held else "推送包已逐件注明。"
    return {
        **_notice(department, f"一批推送内容不完整：{cases} 件", body + "见“推送完整性”。", held),
        "case_no": None,
        "item_code": None,
    }


def _notice(department: str | None, title: str, body: str, held: int) -> dict[str, Any]:
    return {
        "audience": "approver" if department else "clerk",
        "department": department,
        "severity": "warning" if held else "info",
        "title": title,
        "body": body,
    }
