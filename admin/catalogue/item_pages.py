"""事项目录: one item - to read, to edit as a draft, to publish, to withdraw; its versions and what changed.

Guarantees: nothing that is saved counts before it is published; a refused save shows everything again as it was typed,
with the wrong boxes marked.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, select, update
from werkzeug.wrappers import Response

from admin.catalogue import item_list
from admin.catalogue.choices import HUB_TITLES, SHARING_TITLES, line_options
from admin.catalogue.item_shown import editor_state, posted_item, posted_state, shown_item
from admin.catalogue.posted import Refusal, lined, placed, saved
from admin.catalogue.told import recorded, told
from admin.ledger_pages import action_text
from admin.pages import ExportedList, reason, sentence_on_refusal, to
from admin.premises import actor, here
from admin.pushing.rule_list import rules_of_item
from hub.catalogue import compare
from hub.catalogue.check_item import publishing_faults
from hub.catalogue.draft_item import discard_item_draft, locked_item
from hub.catalogue.history import compared_items, history, item_versions
from hub.catalogue.publish_item import item_content, publish_item, published_id, withdraw_item
from hub.catalogue.save_item import Standing, add_item, save_item, standing_item
from hub.errors import Conflict, HubError, NotFound
from hub.item import ServiceItem
from hub.ledger import Entry, record
from schemas import code_table

CODED = ("item_type", "case_type", "exercise_level")


class ItemView(ExportedList):
    """事项目录."""

    route_base = "/items"
    list_template = "catalogue_items.html"
    listing = item_list.LISTING

    @expose("/list/")
    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """The list, also under its old address."""
        return self.shown_list()

    @expose("/show/<code>")
    @has_access
    @permission_name("show")
    def show(self, code: str) -> str:
        """One item as it stands: what is published, and whether a draft waits."""
        with here().engine.connect() as tx:
            item = _item(tx, code)
            versions = item_versions(tx, code)
            wanted = request.args.get("version", "")
            shown = next((one for one in versions if str(one.number) == wanted), None)
            shown = shown or next((one for one in versions if one.state == "published"), None)
            shown = shown or (versions[0] if versions else None)
            guide = shown_item(tx, shown.id) if shown else None
            rules = rules_of_item(tx, code)
        return self.page(
            "catalogue_item.html",
            title=item.name,
            item=item,
            versions=versions,
            shown=shown,
            guide=guide,
            rules=rules,
            draft=next((one for one in versions if one.state == "draft"), None),
            published=next((one for one in versions if one.state == "published"), None),
            titles=HUB_TITLES,
            sharing=SHARING_TITLES,
        )

    @expose("/add", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def add(self) -> str | Response:
        """Code and name; the rest in the editor."""
        fault = ""
        if request.method == "POST":
            code = request.form.get("code", "").strip()
            try:
                with here().engine.begin() as tx:
                    add_item(tx, code=code, name=request.form.get("name", ""), actor=actor())
            except HubError as error:
                fault = error.message
            else:
                return redirect(url_for("ItemView.edit", code=code))
        return self.page(
            "catalogue_add.html", title=_("新增事项"), kind="item", given=request.form, fault=fault
        )

    @expose("/edit/<code>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, code: str) -> str | Response:
        """The editor; on POST, into the draft."""
        refusal = Refusal()
        if request.method == "POST":
            answer = saved(lambda: self._save(code))
            if not isinstance(answer, Refusal):
                return answer
            refusal = answer
        faults, refused = refusal.faults, refusal.sentence
        with here().engine.connect() as tx:
            item = _item(tx, code)
            standing = standing_item(tx, item)
            state = posted_state() if request.method == "POST" else editor_state(standing)
            options = line_options(tx, code)
            if request.args.get("check") and not refused and standing.state == "draft":
                faults = tuple(publishing_faults(tx, code, standing.header, standing.lines))
        return self.page(
            "catalogue_item_edit.html",
            title=gettext("编辑：%(name)s", name=item.name),
            item=item,
            standing=standing,
            given=state["header"],
            state={**state, "faults": lined(faults)},
            options=options,
            wrong=placed(faults),
            refused=refused,
            seen=request.form.get("seen") or standing.stamp,
            tables={name: code_table(name) for name in CODED},
            titles=HUB_TITLES,
            sharing=SHARING_TITLES,
        )

    def _save(self, code: str) -> Response:
        said = posted_item()
        with here().engine.begin() as tx:
            save_item(tx, code, said, actor=actor(), seen=request.form.get("seen"))
        if request.form.get("act") == "publish":
            return redirect(url_for("ItemView.review", code=code))
        flash(gettext("草稿已保存，尚未生效。"), "success")
        return redirect(url_for("ItemView.edit", code=code))

    @expose("/publish/<code>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("ItemView.edit"))
    def review(self, code: str) -> str | Response:
        """What publishing would change; on POST, publish."""
        if request.method == "POST":
            with here().engine.begin() as tx:
                draft = _draft(tx, code)
                if str(draft.stamp) != request.form.get("seen"):
                    raise Conflict(gettext("草稿刚被别人改过。请再看一遍将要改变的内容，然后发布。"))
                number = publish_item(tx, draft.version_id, actor=actor())  # type: ignore[arg-type]
            flash(gettext("已发布第 %(n)s 版，新办件从现在起按它收件；在办的不变。", n=number), "success")
            return redirect(url_for("ItemView.show", code=code))
        with here().engine.connect() as tx:
            item = _item(tx, code)
            draft = _draft(tx, code)
            old = published_id(tx, code)
            before = item_content(tx, old) if old else compare.Content({})
            after = compare.content(draft.header, draft.lines, draft.form)
            faults = publishing_faults(tx, code, draft.header, draft.lines)
        return self.page(
            "catalogue_review.html",
            title=gettext("发布：%(name)s", name=item.name),
            kind="item",
            code=code,
            name=item.name,
            draft=draft,
            first=old is None,
            changes=[told(one) for one in compare.changes(before, after)],
            faults=faults,
            behind=[],
        )

    @expose("/withdraw/<code>", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("ItemView.show"))
    def withdraw(self, code: str) -> Response:
        """撤下."""
        with here().engine.begin() as tx:
            withdraw_item(tx, code, actor=actor(), reason=reason())
        flash(gettext("已撤下：不再受理新的办件，在办的继续办完。"), "success")
        return redirect(url_for("ItemView.show", code=code))

    @expose("/discard/<code>", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("ItemView.show"))
    def discard(self, code: str) -> Response:
        """Throw the draft away."""
        with here().engine.begin() as tx:
            discard_item_draft(tx, _draft(tx, code).version_id, actor=actor())  # type: ignore[arg-type]
        flash(gettext("草稿已丢弃，已发布的版本没有变。"), "success")
        return redirect(url_for("ItemView.show", code=code))

    @expose("/active/<code>", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("ItemView.show"))
    def active(self, code: str) -> Response:
        """Take an item out of use, or into use again."""
        with here().engine.begin() as tx:
            now = not locked_item(tx, code).active
            tx.execute(update(ServiceItem).where(ServiceItem.code == code).values(active=now))
            detail = {"active": [not now, now]}
            record(tx, Entry(actor(), "item.changed", f"item:{code}", reason=reason(), detail=detail))
        flash(gettext("已启用。") if now else gettext("已停用。"), "success")
        return redirect(url_for("ItemView.show", code=code))

    @expose("/history/<code>")
    @has_access
    @permission_name("show")
    def history(self, code: str) -> str:
        """Versions, the comparison of two of them, and every change."""
        with here().engine.connect() as tx:
            item = _item(tx, code)
            versions = item_versions(tx, code)
            pair = chosen_pair(versions)
            changes = compared_items(tx, pair[0].id, pair[1].id) if pair else []
            rows = history(tx, f"item:{code}")
        return self.page(
            "catalogue_history.html",
            title=gettext("变更历史：%(name)s", name=item.name),
            kind="item",
            code=code,
            name=item.name,
            versions=versions,
            pair=pair,
            changes=[told(one) for one in changes],
            rows=[(one, [recorded(c) for c in one.detail.get("changes", [])]) for one in rows],
            action_text=action_text,
        )


def chosen_pair(versions: Any) -> Any:
    """The two versions to compare: those asked for, else the two newest."""
    if len(versions) < 2:
        return None
    by_number = {str(one.number): one for one in versions}
    before = by_number.get(request.args.get("before", ""), versions[1])
    after = by_number.get(request.args.get("after", ""), versions[0])
    return before, after


def _item(tx: Connection, code: str) -> Any:
    row = tx.execute(select(*ServiceItem.__table__.c).where(ServiceItem.code == code)).first()
    if row is None:
        raise NotFound(gettext("没有编码为 %(code)s 的事项。", code=code[:40]))
    return row


def _draft(tx: Connection, code: str) -> Standing:
    found = standing_item(tx, _item(tx, code))
    if found.state != "draft":
        raise Conflict(gettext("这个事项没有草稿。请先编辑并保存。"))
    return found
