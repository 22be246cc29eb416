"""Save light rules: the table of red, yellow and green, changed by hand, on the record; every light is worked out anew."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from hub.errors import Conflict, NotFound, Rejected
from hub.feedback.finding import HANDLINGS
from hub.feedback.light import LIGHTS, LightRule
from hub.feedback.shine_lights import shine_all
from hub.ledger import Entry, record
from hub.ports import Desk
from schemas import code_table

#: kind -> the code table of its result, None: it has none.
RESULTS: dict[str, str | None] = {
    "inspection": "check_result",
    "rectification": "rectification_result",
    "enforcement": "enforcement_result",
    "credit": "credit_kind",
    "plan": None,
}
_NOTE = 100


@dataclass(frozen=True, slots=True)
class LightFacts:
    """What a rule says."""

    kind: str
    light: str
    result: str | None = None
    handling: str | None = None
    lasts_days: int | None = None
    note: str = ""
    seq: int = 100


def save_light_rule(tx: Connection, number: int | None, facts: LightFacts, *, actor: str, desk: Desk) -> int:
    """A new rule, or another wording of one. Raises Rejected, Conflict (another says the same), NotFound."""
    _check(tx, number, facts)
    if number is None:
        number = int(
            tx.execute(insert(LightRule).values(**asdict(facts)).returning(LightRule.id)).scalar_one()
        )
        before: dict[str, Any] = {}
    else:
        before = _now(tx, number)
        tx.execute(update(LightRule).where(LightRule.id == number).values(**asdict(facts)))
    action = "light_rule.changed" if before else "light_rule.added"
    record(
        tx, Entry(actor, action, f"light_rule:{number}", detail={"before": before, "after": asdict(facts)})
    )
    shine_all(tx, desk.clock())
    return number


def switch_light_rule(
    tx: Connection, number: int, *, active: bool, reason: str | None, actor: str, desk: Desk
) -> None:
    """Out of use, or into use again."""
    _now(tx, number)
    tx.execute(update(LightRule).where(LightRule.id == number).values(active=active))
    action = "light_rule.revived" if active else "light_rule.retired"
    record(tx, Entry(actor, action, f"light_rule:{number}", reason=reason))
    shine_all(tx, desk.clock())


def _now(tx: Connection, number: int) -> dict[str, Any]:
    names = tuple(LightFacts.__dataclass_fields__)
    row = tx.execute(
        select(*(getattr(LightRule, name) for name in names)).where(LightRule.id == number).with_for_update()
    ).first()
    if row is None:
        raise NotFound(f"没有编号为 {number} 的规则。")
    return dict(zip(names, row, strict=True))


def _check(tx: Connection, number: int | None, facts: LightFacts) -> None:
    if facts.kind not in RESULTS:
        raise Rejected("请选择监管信息的种类。")
    if facts.light not in LIGHTS:
        raise Rejected("请选择红灯、黄灯或绿灯。")
    table = RESULTS[facts.kind]
    if facts.result is not None and (table is None or facts.result not in code_table(table)):
        raise Rejected("结果与种类不符，请重新选择。")
    if facts.handling is not None and (facts.kind != "inspection" or facts.handling not in HANDLINGS):
        raise Rejected("只有检查有处理结果，其他种类请留空。")
    if facts.lasts_days is not None and not 1 <= facts.lasts_days <= 3660:
        raise Rejected("持续天数为 1 到 3660；一直亮到有新情况请留空。")
    if len(facts.note) > _NOTE or "\0" in facts.note or not 0 <= facts.seq <= 30000:
        raise Rejected(f"说明不超过 {_NOTE} 个字，顺序号为 0 到 30000。")
    same = select(LightRule.id).where(
        LightRule.active,
        LightRule.kind == facts.kind,
        LightRule.result.is_not_distinct_from(facts.result),
        LightRule.handling.is_not_distinct_from(facts.handling),
        LightRule.id != (number or 0),
    )
    if (other := tx.execute(same).scalar()) is not None:
        raise Conflict(f"规则 {other} 的条件完全相同，请修改或停用它。")
