"""代码对照: theirs and ours, side by side, with the values that running or a sample found and no pair names.

Guarantees: nothing is guessed while it runs: a value without a pair is reported until somebody adds one here; what is
proposed is only a proposal. Saved into the draft with the same care as a mapping.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, ClassVar

from flask import Response
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, select

from admin.connecting.mapping.drafts import Opened, opened, save
from admin.connecting.mapping.offered import our_tables
from admin.connecting.mapping.said import answer, for_script, sent, stamps_said, tables_said
from admin.connecting.rights import CONNECTOR_RIGHTS
from admin.pages import Screen
from admin.premises import here, may
from hub.connecting.connector import ConnectorUnmapped
from hub.errors import Rejected
from schemas import code_table, code_table_names
from schemas.mapping.suggest import suggest_pairs

WORDS = {
    "add": _("添加一对"),
    "theirs": _("部门的值"),
    "ours": _("我方的值"),
    "remove": _("删除"),
    "choose": _("请选择"),
    "free": _("不对应我方代码表"),
    "name": _("表的代号"),
    "title": _("名称"),
    "table": _("我方代码表"),
    "paste": _("从 Excel 粘贴两列"),
    "pasteHint": _("每行一对：部门的值、我方的值，用制表符、逗号或空格隔开"),
    "usePaste": _("加入"),
    "propose": _("按名称建议"),
    "proposed": _("已填入 {n} 对建议，请逐对看过。"),
    "noProposal": _("没有可以建议的：名称都对不上。"),
    "pairs": _("{n} 对"),
    "twice": _("部门的值“{value}”写了 {n} 次：收取时只用第一对"),
    "several": _("我方的“{value}”对应部门的 {n} 个值：送出时只用第一对"),
    "half": _("有 {n} 对只写了一边"),
    "unknown": _("“{value}”不在我方代码表里"),
    "lacking": _("我方还有 {n} 个代码没有对应：{values}"),
    "fine": _("两边都已对应。"),
    "found": _("运行或取样中遇到、还没有对照的值"),
    "times": _("{n} 次"),
    "used": _("用于：{flows}"),
    "unused": _("还没有线路使用"),
    "drop": _("删除这张表"),
    "dropAsk": _("删除这张对照表？使用它的步骤会失效。"),
    "nameFault": _("代号用字母、数字、汉字、下划线，不能重复。"),
    "saved": _("已保存。"),
    "saving": _("正在保存…"),
    "unsaved": _("有未保存的修改"),
    "notSaved": _("没有保存：{words}"),
    "offline": _("连接中断，请稍后再试。"),
}


class ConnectorCodeTableView(Screen):
    """代码对照."""

    route_base = "/connectors"
    default_view = "edit"
    class_permission_name = "ConnectorView"
    base_permissions: ClassVar = list(CONNECTOR_RIGHTS)

    @expose("/<code>/code-tables")
    @has_access
    @permission_name("show")
    def edit(self, code: str) -> str:
        """Every table of the connector."""
        with here().engine.connect() as tx:
            open_ = opened(tx, code)
            found = _unmapped(tx, code)
        editable = may("can_edit", "ConnectorView") and open_.connector_state != "retired"
        return self.page(
            "connector_code_tables.html",
            title=gettext("代码对照"),
            open=open_,
            editable=editable,
            state=for_script(
                {
                    "tables": open_.document.get("code_tables", []),
                    "unmapped": found,
                    "used": _used(open_),
                    "ours": our_tables(),
                    "seen": {"code_tables": open_.stamp()},
                    "editable": editable,
                    "words": {key: str(text) for key, text in WORDS.items()},
                }
            ),
        )

    @expose("/<code>/code-tables", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save(self, code: str) -> Response:
        """Into the draft."""
        said = sent()
        parts = {"code_tables": tables_said(said.get("tables"))}
        with here().engine.begin() as tx:
            after = save(tx, code, parts, stamps_said(said))
        return answer({"seen": {"code_tables": after.stamp()}, "version": after.version})

    @expose("/<code>/code-tables/pairs", methods=["POST"])
    @has_access
    @permission_name("show")
    def pairs(self, code: str) -> Response:
        """Proposals for values of theirs, by the names of one of our tables."""
        said = sent()
        with here().engine.connect() as tx:
            opened(tx, code)
        values, ours = said.get("values"), said.get("ours")
        if not isinstance(values, list) or ours not in code_table_names():
            raise Rejected(gettext("请先选择我方代码表。"))
        texts = [str(one)[:500] for one in values[:500] if str(one).strip()]
        return answer({"pairs": [list(one) for one in suggest_pairs(texts, code_table(str(ours)))]})


def _unmapped(tx: Connection, code: str) -> dict[str, list[list[Any]]]:
    """Values without a pair, by table: value, direction, how often."""
    rows = tx.execute(
        select(
            ConnectorUnmapped.code_table,
            ConnectorUnmapped.value,
            ConnectorUnmapped.direction,
            ConnectorUnmapped.times,
        )
        .where(ConnectorUnmapped.connector == code)
        .order_by(ConnectorUnmapped.times.desc())
        .limit(1000)
    )
    found: dict[str, list[list[Any]]] = defaultdict(list)
    for row in rows:
        found[row.code_table].append([row.value, row.direction, row.times])
    return found


def _used(open_: Opened) -> dict[str, list[list[str]]]:
    """Which flows use a table: name -> (flow, direction)."""
    used: dict[str, list[list[str]]] = defaultdict(list)
    for flow in open_.document.get("flows", ()):
        tables = {
            str(step.get("options", {}).get("table", ""))
            for rule in flow.get("fields", ())
            for step in rule.get("steps", ())
            if step.get("do") == "code"
        }
        for name in sorted(tables - {""}):
            used[name].append([str(flow.get("name", "")), str(flow.get("direction", ""))])
    return used
