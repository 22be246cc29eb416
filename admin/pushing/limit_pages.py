"""时限表: the limits of a push where a rule names none, and where each effective number comes from."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from werkzeug.wrappers import Response

from admin.pages import Screen, sentence_on_refusal, to
from admin.premises import actor, here
from admin.pushing import rule_words
from hub.pushing.rules.limits import all_limits, inherited, save_limit
from hub.pushing.rules.rule_content import known


class PushLimitView(Screen):
    """时限表."""

    route_base = "/rules/limits"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self) -> str:
        """Every row that is set, and the effective numbers of an item for each department."""
        with here().engine.connect() as tx:
            limits = all_limits(tx)
            there = known(tx)
        item = request.args.get("item", "")
        item = item if item in there.items else ""
        rows: list[dict[str, Any]] = [
            {
                "item": code,
                "department": department,
                "item_name": there.items.get(code or "", ""),
                "department_name": there.departments.get(department or "", ""),
                "days": days,
            }
            for (code, department), days in sorted(
                limits.items(), key=lambda one: (one[0][0] or "", one[0][1] or "")
            )
        ]
        effective = [
            (code, name, inherited(limits, item or None, code)) for code, name in there.departments.items()
        ]
        return self.page(
            "push_limits.html",
            title=gettext("时限表"),
            rows=rows,
            items=there.items,
            departments=there.departments,
            effective=effective,
            item=item,
            titles=rule_words.DAYS,
            sources=rule_words.SOURCES,
        )

    @expose("/save", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("PushLimitView.index"))
    def save(self) -> Response:
        """Set one row, or take it away by leaving it empty."""
        said = request.form
        with here().engine.begin() as tx:
            save_limit(tx, said.get("item") or None, said.get("department") or None, said, actor=actor())
        flash(gettext("已保存，从现在起的推送按它计时；已有的推送不变。"), "success")
        return redirect(url_for("PushLimitView.index", item=said.get("shown") or None))
