"""红黄绿灯规则: which fact gives its party which light, and for how long; data administrators edit it, others see it."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext
from sqlalchemy import Connection, func, select

from admin.premises import actor, here
from admin.rule_table import RuleTable, number_of
from hub.feedback.light import LIGHTS, LightRule, PartyLight
from hub.feedback.save_light_rules import RESULTS, LightFacts, save_light_rule, switch_light_rule
from schemas import code_table


class LightRuleView(RuleTable):
    """红黄绿灯规则."""

    route_base = "/light-rules"
    table_template = "light_rules.html"

    def shown(self, tx: Connection) -> dict[str, Any]:
        """The rules, and how many parties have which light."""
        order = (LightRule.active.desc(), LightRule.kind, LightRule.seq, LightRule.id)
        counted = select(PartyLight.light, func.count()).group_by(PartyLight.light)
        return {
            "title": gettext("红黄绿灯规则"),
            "rows": tx.execute(select(LightRule.__table__).order_by(*order)).mappings().all(),
            "kinds": tuple(RESULTS),
            "tables": RESULTS,
            "results": {kind: code_table(table) if table else {} for kind, table in RESULTS.items()},
            "lights": LIGHTS,
            "shining": {row[0]: row[1] for row in tx.execute(counted)},
        }

    def saved(self, tx: Connection, number: int | None) -> str:
        """Every light is worked out anew."""
        save_light_rule(tx, number, _facts(), actor=actor(), desk=here().config.desk)
        return gettext("规则已保存，所有相对人的灯已重新计算。")

    def switched(self, tx: Connection, number: int, why: str | None) -> None:
        """Out of use or into use; every light is worked out anew."""
        switch_light_rule(tx, number, active=why is None, reason=why, actor=actor(), desk=here().config.desk)


def _facts() -> LightFacts:
    form = request.form
    return LightFacts(
        kind=form.get("kind", ""),
        light=form.get("light", ""),
        result=form.get("result") or None,
        handling=form.get("handling") or None,
        lasts_days=number_of("lasts_days", gettext("持续天数应为整数。")),
        note=form.get("note", "").strip(),
        seq=number_of("seq", gettext("顺序号应为 0 到 30000 的整数。")) or 0,
    )
