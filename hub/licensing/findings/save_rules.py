"""Save rules: the table of what findings do to licences, as data administrators keep it; and a try before it counts.

Guarantees: no two active rules say different things for exactly the same conditions; codes exist; what counts is confirmed
(the database says so, too). One writer at a time; each change is in the ledger with what was before. Rules act on findings
that come afterwards: what has happened stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from hub.catalogue.licence_type import LicenceType
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.licensing.findings.rule import EFFECTS, KINDS, LicenceRule
from hub.licensing.findings.rules_of_findings import QUESTION, Rule, rules_of_findings
from hub.round_trips import ask
from schemas import code_table

KIND_WORDS = {"inspection": "检查", "rectification": "整改", "enforcement": "执法"}
EFFECT_WORDS = {
    "none": "不处置",
    "warn": "提醒窗口",
    "freeze": "暂扣证照",
    "lift": "解除本部门的暂扣",
    "propose_revocation": "请求吊销（须确认）",
}
#: kind -> (code table of its result, of its handling).
CODES: dict[str, tuple[str, str | None]] = {
    "inspection": ("check_result", "handling"),
    "rectification": ("rectification_result", None),
    "enforcement": ("enforcement_result", None),
}
_NOTE = 200
_LOCK = "LOCK TABLE licence_rules IN SHARE ROW EXCLUSIVE MODE"


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What a rule says."""

    kind: str
    effect: str
    result: str | None = None
    handling: str | None = None
    type_code: str | None = None
    automatic: bool = True
    note: str = ""
    seq: int = 100


@dataclass(frozen=True, slots=True)
class Tried:
    """What would happen to a licence of this type, and which rules speak of it, the one that counts first."""

    effect: str  # as a finding would keep it: see hub.feedback.finding.LICENCE_EFFECTS
    why: str
    rule: Rule | None
    others: tuple[Rule, ...]


def add_rule(tx: Connection, facts: RuleFacts, *, actor: str) -> int:
    """A new active rule. Gives its number."""
    clean = _clean(tx, facts)
    tx.execute(text(_LOCK))
    _no_contradiction(tx, clean, but=None)
    number = tx.execute(insert(LicenceRule).values(asdict(clean)).returning(LicenceRule.id)).scalar_one()
    _record(tx, actor, "licence_rule.added", number, {"after": asdict(clean)})
    return int(number)


def change_rule(
    tx: Connection, number: int, facts: RuleFacts, *, actor: str, seen: Mapping[str, Any] | None = None
) -> bool:
    """Change a rule. `seen`: what its editor saw; Conflict where another changed it since. False: nothing changed."""
    clean = _clean(tx, facts)
    tx.execute(text(_LOCK))
    before, active = _now(tx, number)
    if seen is not None and dict(seen) != before:
        raise Conflict("这条规则刚刚由他人改动。请刷新后再看。")
    after = asdict(clean)
    if before == after:
        return False
    if active:
        _no_contradiction(tx, clean, but=number)
    tx.execute(update(LicenceRule).where(LicenceRule.id == number).values(after))
    _record(tx, actor, "licence_rule.changed", number, {"before": before, "after": after})
    return True


def retire_rule(tx: Connection, number: int, *, actor: str, reason: str = "") -> bool:
    """Take a rule out of use; it stays on record. False: it was out of use already."""
    tx.execute(text(_LOCK))
    before, active = _now(tx, number)
    if active:
        tx.execute(update(LicenceRule).where(LicenceRule.id == number).values(active=False))
        _record(tx, actor, "licence_rule.retired", number, {"before": before}, reason.strip()[:500] or None)
    return active


def revive_rule(tx: Connection, number: int, *, actor: str) -> bool:
    """Put it back into use. False: it was in use already."""
    tx.execute(text(_LOCK))
    before, active = _now(tx, number)
    if not active:
        _no_contradiction(tx, RuleFacts(**before), but=number)
        tx.execute(update(LicenceRule).where(LicenceRule.id == number).values(active=True))
        _record(tx, actor, "licence_rule.revived", number, {"after": before})
    return not active


def reorder_rules(tx: Connection, numbers: Sequence[int], *, actor: str) -> None:
    """Give the active rules this order: of equally specific ones the earlier counts. All of them, each once."""
    tx.execute(text(_LOCK))
    there = select(LicenceRule.id, LicenceRule.seq).where(LicenceRule.active)
    known = {int(id_): int(seq) for id_, seq in tx.execute(there)}
    if sorted(numbers) != sorted(known):
        raise Conflict("规则刚刚由他人增减。请刷新后再排序。")
    if len(numbers) > 3000:
        raise Rejected("规则太多，无法排序。")
    after = {number: seq for seq, number in enumerate(numbers, 1)}
    moved = {number: seq * 10 for number, seq in after.items() if known[number] != seq * 10}
    if not moved:
        return
    for number, seq in moved.items():
        tx.execute(update(LicenceRule).where(LicenceRule.id == number).values(seq=seq))
    detail = {"order": list(numbers)}
    record(tx, Entry(actor, "licence_rule.reordered", "licence_rule:*", detail=detail))


def try_rules(tx: Connection, kind: str, result: str, handling: str | None, type_code: str | None) -> Tried:
    """What such a finding would do, and why; changes nothing."""
    _check_codes(kind, result, handling)
    (rows,) = ask(tx, QUESTION)
    fitting = rules_of_findings(rows).fitting(kind, result, handling, type_code)
    if not fitting:
        return Tried("none", "没有适用的规则：证照状态不变。", None, ())
    first, *others = fitting
    return Tried(first.asks, _why(first, others), first, tuple(others))


def _why(rule: Rule, others: Sequence[Rule]) -> str:
    acts = EFFECT_WORDS[rule.effect]
    if rule.effect == "freeze" and not rule.automatic:
        acts = "请求暂扣（须确认）"
    if not others:
        return f"规则 {rule.id}：{acts}。没有其他适用的规则。"
    second = others[0]
    if (rule.type_code is None) != (second.type_code is None):
        because = "它写明了证照类型"
    elif rule.rank[1] != second.rank[1]:
        because = "它写明的条件更多"
    else:
        because = "它排在前面"
    return f"规则 {rule.id}：{acts}。另有 {len(others)} 条也适用，先用这一条，因为{because}。"


def _clean(tx: Connection, facts: RuleFacts) -> RuleFacts:
    """The facts, tidied; Rejected where they cannot be."""
    result, handling = facts.result or None, facts.handling or None
    type_code, note = (facts.type_code or "").strip() or None, facts.note.strip()
    if facts.effect not in EFFECTS:
        raise Rejected(f"处置应为 {'、'.join(EFFECT_WORDS.values())} 之一。")
    _check_codes(facts.kind, result, handling)
    automatic = facts.automatic
    if facts.effect == "propose_revocation":
        automatic = False  # nobody's licence is revoked by a rule
    elif facts.effect != "freeze" and not automatic:
        raise Rejected("只有暂扣可以设为须确认；请求吊销总要确认，其余的处置不需要。")
    if len(note) > _NOTE or "\0" in note:
        raise Rejected(f"说明不超过 {_NOTE} 个字。")
    if not 0 <= facts.seq <= 30000:
        raise Rejected("顺序号应为 0 到 30000 的整数。")
    if type_code and not tx.execute(select(LicenceType.code).where(LicenceType.code == type_code)).first():
        raise Rejected(f"没有代码为 {type_code[:40]} 的证照类型。")
    return RuleFacts(facts.kind, facts.effect, result, handling, type_code, automatic, note, facts.seq)


def _check_codes(kind: str, result: str | None, handling: str | None) -> None:
    if kind not in KINDS:
        raise Rejected(f"监管信息种类应为 {'、'.join(KIND_WORDS.values())} 之一。")
    results, handlings = CODES[kind]
    for code, table in ((result, results), (handling, handlings)):
        if code is None:
            continue
        if table is None:
            raise Rejected(f"{KIND_WORDS[kind]}没有处理结果，这一项请留空。")
        if code not in code_table(table):
            names = "、".join(f"{known} {name}" for known, name in code_table(table).items())
            raise Rejected(f"{KIND_WORDS[kind]}的结果应为 {names} 之一，现为“{code[:20]}”。")


def _no_contradiction(tx: Connection, facts: RuleFacts, *, but: int | None) -> None:
    same = select(LicenceRule.id, LicenceRule.effect, LicenceRule.automatic).where(
        LicenceRule.active,
        LicenceRule.kind == facts.kind,
        LicenceRule.result.is_not_distinct_from(facts.result),
        LicenceRule.handling.is_not_distinct_from(facts.handling),
        LicenceRule.type_code.is_not_distinct_from(facts.type_code),
    )
    for number, effect, automatic in tx.execute(same):
        if number == but:
            continue
        if (effect, automatic) != (facts.effect, facts.automatic):
            raise Conflict(
                f"规则 {number} 对完全相同的条件写着“{EFFECT_WORDS[effect]}”。请修改或停用它，两条不能同时有效。"
            )
        raise Conflict(f"规则 {number} 已经写着同样的内容，不必重复。")


def _now(tx: Connection, number: int) -> tuple[dict[str, Any], bool]:
    names = tuple(RuleFacts.__dataclass_fields__)
    columns = [getattr(LicenceRule, name) for name in names]
    row = tx.execute(select(*columns, LicenceRule.active).where(LicenceRule.id == number)).first()
    if row is None:
        raise NotFound(f"没有编号为 {number} 的规则。")
    return dict(zip(names, row[:-1], strict=True)), bool(row[-1])


def _record(
    tx: Connection, actor: str, action: str, number: int, detail: dict[str, Any], reason: str | None = None
) -> None:
    record(tx, Entry(actor, action, f"licence_rule:{number}", reason=reason, detail=detail))
