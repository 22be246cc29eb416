"""红黄绿灯规则: which fact gives its party which light, and for how long; data administrators edit it, others see it."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, func, select
from werkzeug.wrappers import Response

from admin.pages import Screen, reason, sentence_on_refusal, to
from admin.premises import actor, here, may
from hub.errors import HubError, Rejected
from hub.feedback.light import LIGHTS, LightRule, PartyLight
from hub.feedback.save_light_rules import RESULTS, LightFacts, save_light_rule, switch_light_rule
from schemas import code_table

_back = to("LightRuleView.list", number=None)


class LightRuleView(Screen):
    """红黄绿灯规则."""

    route_base = "/light-rules"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """The table."""
        with here().engine.connect() as tx:
            return self._table(tx, fault="", opened="")

    @expose("/save", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save(self) -> str | Response:
        """A new rule, or another wording of one."""
        number = request.form.get("number", "")
        try:
            with here().engine.begin() as tx:
                of = int(number[:9]) if number.isdecimal() else None
                save_light_rule(tx, of, _facts(), actor=actor(), desk=here().config.desk)
        except HubError as error:
            with here().engine.connect() as tx:
                return self._table(tx, fault=error.message, opened=number or "new")
        flash(gettext("规则已保存，所有相对人的灯已重新计算。"), "success")
        return redirect(url_for("LightRuleView.list"))

    @expose("/<int:number>/retire", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(_back)
    def retire(self, number: int) -> Response:
        """Out of use."""
        why = reason()
        with here().engine.begin() as tx:
            switch_light_rule(tx, number, active=False, reason=why, actor=actor(), desk=here().config.desk)
        flash(gettext("规则 %(n)s 已停用。", n=number), "success")
        return redirect(url_for("LightRuleView.list"))

    @expose("/<int:number>/revive", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(_back)
    def revive(self, number: int) -> Response:
        """Into use again."""
        with here().engine.begin() as tx:
            switch_light_rule(tx, number, active=True, reason=None, actor=actor(), desk=here().config.desk)
        flash(gettext("规则 %(n)s 已启用。", n=number), "success")
        return redirect(url_for("LightRuleView.list"))

    def _table(self, tx: Connection, *, fault: str, opened: str) -> str:
        order = (LightRule.active.desc(), LightRule.kind, LightRule.seq, LightRule.id)
        rows = tx.execute(select(LightRule.__table__).order_by(*order)).mappings().all()
        counted = select(PartyLight.light, func.count()).group_by(PartyLight.light)
        shining = {row[0]: row[1] for row in tx.execute(counted)}
        return self.page(
            "light_rules.html",
            title=gettext("红黄绿灯规则"),
            rows=rows,
            kinds=tuple(RESULTS),
            tables=RESULTS,
            results={kind: code_table(table) if table else {} for kind, table in RESULTS.items()},
            lights=LIGHTS,
            shining=shining,
            fault=fault,
            opened=opened,
            given=request.form,
            can_edit=may("can_edit", "LightRuleView"),
        )


def _facts() -> LightFacts:
    form = request.form
    return LightFacts(
        kind=form.get("kind", ""),
        light=form.get("light", ""),
        result=form.get("result") or None,
        handling=form.get("handling") or None,
        lasts_days=_number(form.get("lasts_days", ""), gettext("持续天数应为整数。")),
        note=form.get("note", "").strip(),
        seq=_number(form.get("seq", ""), gettext("顺序号应为 0 到 30000 的整数。")) or 0,
    )


def _number(text: str, otherwise: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or len(text.strip()) > 5:
        raise Rejected(otherwise)
    return int(text)
