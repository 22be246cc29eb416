"""联动规则: what findings do to licences, as a table; data administrators edit it, who may see it may try it.

Guarantees: what a rule says is checked by findings.save_rules, and a refusal leaves what was typed on the page; trying
changes nothing.
"""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.cells import code_text
from admin.premises import actor, here
from admin.rule_table import RuleTable, number_of
from hub.catalogue.licence_type import LicenceType
from hub.errors import HubError, Rejected
from hub.licensing.findings.rule import EFFECTS, KINDS, LicenceRule
from hub.licensing.findings.save_rules import (
    CODES,
    RuleFacts,
    Tried,
    add_rule,
    change_rule,
    retire_rule,
    revive_rule,
    try_rules,
)
from schemas import code_table

_FACTS = tuple(RuleFacts.__dataclass_fields__)


class LicenceRuleView(RuleTable):
    """联动规则."""

    route_base = "/licence-rules"
    table_template = "licence_rules.html"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """The table, and a try."""
        tried, fault = None, ""
        with here().engine.connect() as tx:
            if request.args.get("kind"):
                try:
                    tried = _tried(tx)
                except HubError as error:
                    fault = error.message
            return self.table(tx, fault=fault, tried=tried)

    def shown(self, tx: Connection) -> dict[str, Any]:
        """The rules, the active ones first, and what may be tried."""
        rows = tx.execute(select(LicenceRule.__table__)).mappings().all()
        types = tx.execute(select(LicenceType.code, LicenceType.name).order_by(LicenceType.name)).all()
        return {
            "title": gettext("联动规则"),
            "rows": sorted(
                rows, key=lambda row: (not row["active"], KINDS.index(row["kind"]), row["seq"], row["id"])
            ),
            "kinds": KINDS,
            "effects": EFFECTS,
            "results": _words(0),
            "handlings": _words(1),
            "types": types,
            "type_names": {row.code: row.name for row in types},
            "shown": _shown,
            "tried": None,
            "args": request.args,
            "stamp": _stamp,
        }

    def saved(self, tx: Connection, number: int | None) -> str:
        """A rule counts for what comes in from now on."""
        facts = _facts()
        if number is None:
            add_rule(tx, facts, actor=actor())
            return gettext("规则已添加，对以后收到的监管信息生效。")
        changed = change_rule(tx, number, facts, actor=actor(), seen=_seen(tx, number))
        return gettext("规则已修改。") if changed else gettext("没有改动。")

    def switched(self, tx: Connection, number: int, why: str | None) -> None:
        """Out of use, or into use again."""
        if why is None:
            revive_rule(tx, number, actor=actor())
        else:
            retire_rule(tx, number, actor=actor(), reason=why)


def _words(at: int) -> dict[str, dict[str, str]]:
    """The results or handlings of each kind."""
    return {kind: code_table(tables[at]) if tables[at] else {} for kind, tables in CODES.items()}


def _shown(kind: str, at: int, code: str | None) -> str:
    table = CODES[kind][at]
    return code_text(table, code) if table and code else ""


def _facts() -> RuleFacts:
    form = request.form
    return RuleFacts(
        kind=form.get("kind", ""),
        effect=form.get("effect", ""),
        result=form.get("result") or None,
        handling=form.get("handling") or None,
        type_code=form.get("type_code") or None,
        automatic=form.get("automatic", "1") == "1",
        note=form.get("note", ""),
        seq=number_of("seq", gettext("顺序号应为 0 到 30000 的整数。"), empty="100") or 0,
    )


def _stamp(row: Any) -> str:
    """What the editor saw of a rule."""
    return "|".join(str(row[name]) for name in _FACTS)


def _seen(tx: Connection, number: int) -> dict[str, Any] | None:
    """What the editor saw, where it is still so; else something that nothing is equal to."""
    row = tx.execute(select(LicenceRule.__table__).where(LicenceRule.id == number)).mappings().one_or_none()
    if row is None:
        return None
    now = {name: row[name] for name in _FACTS}
    return now if request.form.get("seen") == _stamp(row) else {**now, "changed": True}


def _tried(tx: Connection) -> Tried:
    args = request.args
    kind, result = args.get("kind", ""), args.get("result", "")
    if not result:
        raise Rejected(gettext("请选择结果，再试。"))
    return try_rules(tx, kind, result, args.get("handling") or None, args.get("type_code") or None)
