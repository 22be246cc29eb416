"""联动规则: what findings do to licences, as a table; data administrators edit it, who may see it may try it.

Guarantees: what a rule says is checked by findings.save_rules, and a refusal leaves what was typed on the page; trying
changes nothing.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response

from admin.cells import code_text
from admin.pages import Screen, reason, sentence_on_refusal, to
from admin.premises import actor, here, may
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
_back = to("LicenceRuleView.list", number=None)


class LicenceRuleView(Screen):
    """联动规则."""

    route_base = "/licence-rules"
    default_view = "list"

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
            return self._table(tx, tried=tried, fault=fault, opened="")

    @expose("/save", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save(self) -> str | Response:
        """A new rule, or another wording of one."""
        number = request.form.get("number", "")
        try:
            facts = _facts()
            with here().engine.begin() as tx:
                if number.isdecimal():
                    changed = change_rule(
                        tx, int(number[:9]), facts, actor=actor(), seen=_seen(tx, int(number[:9]))
                    )
                    said = gettext("规则已修改。") if changed else gettext("没有改动。")
                else:
                    add_rule(tx, facts, actor=actor())
                    said = gettext("规则已添加，对以后收到的监管信息生效。")
        except HubError as error:
            with here().engine.connect() as tx:
                return self._table(tx, tried=None, fault=error.message, opened=number or "new")
        flash(said, "success")
        return redirect(url_for("LicenceRuleView.list"))

    @expose("/<int:number>/retire", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(_back)
    def retire(self, number: int) -> Response:
        """Out of use."""
        why = reason()
        with here().engine.begin() as tx:
            retire_rule(tx, number, actor=actor(), reason=why)
        flash(gettext("规则 %(n)s 已停用。", n=number), "success")
        return redirect(url_for("LicenceRuleView.list"))

    @expose("/<int:number>/revive", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(_back)
    def revive(self, number: int) -> Response:
        """Into use again."""
        with here().engine.begin() as tx:
            revive_rule(tx, number, actor=actor())
        flash(gettext("规则 %(n)s 已启用。", n=number), "success")
        return redirect(url_for("LicenceRuleView.list"))

    def _table(self, tx: Connection, *, tried: Tried | None, fault: str, opened: str) -> str:
        rows = tx.execute(select(LicenceRule.__table__)).mappings().all()
        rows = sorted(
            rows, key=lambda row: (not row["active"], KINDS.index(row["kind"]), row["seq"], row["id"])
        )
        types = tx.execute(select(LicenceType.code, LicenceType.name).order_by(LicenceType.name)).all()
        return self.page(
            "licence_rules.html",
            title=gettext("联动规则"),
            rows=rows,
            kinds=KINDS,
            effects=EFFECTS,
            results=_words(0),
            handlings=_words(1),
            types=types,
            type_names={row.code: row.name for row in types},
            shown=_shown,
            tried=tried,
            fault=fault,
            opened=opened,
            args=request.args,
            given=request.form,
            can_edit=may("can_edit", "LicenceRuleView"),
            stamp=_stamp,
        )


def _words(at: int) -> dict[str, dict[str, str]]:
    """The results or handlings of each kind."""
    return {kind: code_table(tables[at]) if tables[at] else {} for kind, tables in CODES.items()}


def _shown(kind: str, at: int, code: str | None) -> str:
    table = CODES[kind][at]
    return code_text(table, code) if table and code else ""


def _facts() -> RuleFacts:
    form = request.form
    seq = form.get("seq", "100").strip() or "100"
    if not seq.isdecimal() or len(seq) > 5:
        raise Rejected(gettext("顺序号应为 0 到 30000 的整数。"))
    return RuleFacts(
        kind=form.get("kind", ""),
        effect=form.get("effect", ""),
        result=form.get("result") or None,
        handling=form.get("handling") or None,
        type_code=form.get("type_code") or None,
        automatic=form.get("automatic", "1") == "1",
        note=form.get("note", ""),
        seq=int(seq),
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
