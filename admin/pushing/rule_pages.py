"""推送规则: the list, one rule, the editor, the review before publishing, and what changed.

Guarantees: nothing that is saved counts before it is published; a refused save shows everything again as it was typed,
with the wrong boxes marked; pushes that are made already stay as they are.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from admin.catalogue.posted import Refusal, lined, placed, saved
from admin.ledger_pages import action_text
from admin.pages import ExportedList, reason, sentence_on_refusal, to
from admin.premises import actor, here
from admin.pushing import rule_words
from admin.pushing.rule_form import editor_options, editor_state, leaks, posted_rule, posted_state
from admin.pushing.rule_list import LISTING
from hub.ledger import LedgerRow
from hub.pushing.push import Push
from hub.pushing.rules.draft_rule import (
    RuleVersion,
    copy_rule,
    discard_rule_draft,
    draft_rule,
    rule_version,
    rule_versions,
    said_of,
    save_rule,
)
from hub.pushing.rules.overlaps_and_gaps import coverage
from hub.pushing.rules.publish_rule import publish_rule, published, withdraw_rule
from hub.pushing.rules.rule_content import Known, known, publishing_faults
from schemas import code_table


class PushRuleView(ExportedList):
    """推送规则."""

    route_base = "/rules"
    list_template = "push_rules.html"
    listing = LISTING

    @expose("/list/")
    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """The list, also under its old address."""
        return self.shown_list()

    @expose("/show/<int:number>")
    @has_access
    @permission_name("show")
    def show(self, number: int) -> str:
        """One version: whom it names, under which conditions, with which limits; and its other versions."""
        with here().engine.connect() as tx:
            version = rule_version(tx, number)
            versions = rule_versions(tx, version.line)
            there = known(tx)
            pushes = tx.scalar(select(func.count()).where(Push.rule_id == number)) or 0
        return self.page(
            "push_rule.html",
            title=version.content.name,
            version=version,
            versions=versions,
            draft=next((one for one in versions if one.state == "draft"), None),
            pushes=pushes,
            **_told(version, there),
        )

    @expose("/add", methods=["POST"])
    @has_access
    @permission_name("add")
    def add(self) -> Response:
        """A new rule, as a draft."""
        with here().engine.begin() as tx:
            number = draft_rule(tx, None, actor=actor())
        return redirect(url_for("PushRuleView.edit", number=number))

    @expose("/copy/<int:number>", methods=["POST"])
    @has_access
    @permission_name("add")
    @sentence_on_refusal(to("PushRuleView.show"))
    def copy(self, number: int) -> Response:
        """A rule that says the same, as a draft."""
        with here().engine.begin() as tx:
            made = copy_rule(tx, number, actor=actor())
        return redirect(url_for("PushRuleView.edit", number=made))

    @expose("/edit/<int:number>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, number: int) -> str | Response:
        """The editor; on POST, into the draft."""
        refusal = Refusal()
        if request.method == "POST":
            answer = saved(lambda: self._save(number))
            if not isinstance(answer, Refusal):
                return answer
            refusal = answer
        with here().engine.connect() as tx:
            version = rule_version(tx, number)
            draft = next((one for one in rule_versions(tx, version.line) if one.state == "draft"), None)
            version = draft or version
            options = editor_options(tx)
        state = posted_state() if request.method == "POST" else editor_state(version)
        return self.page(
            "push_rule_edit.html",
            title=gettext("编辑：%(name)s", name=version.content.name),
            version=version,
            given=state["given"],
            state={**state, "given": None, "faults": lined(refusal.faults)},
            options=options,
            wrong=placed(refusal.faults),
            refused=refusal.sentence,
            seen=request.form.get("seen") or version.stamp,
            tables={name: code_table(name) for name in ("result_type", "party_kind")},
            incomplete=rule_words.INCOMPLETE,
        )

    def _save(self, number: int) -> Response:
        said = posted_rule()
        with here().engine.begin() as tx:
            before = rule_version(tx, number)
            draft = number if before.state == "draft" else draft_rule(tx, number, actor=actor())
            seen = request.form.get("seen") if draft == number else None
            save_rule(tx, draft, said, actor=actor(), seen=seen)
        if request.form.get("act") == "publish":
            return redirect(url_for("PushRuleView.review", number=draft))
        flash(gettext("草稿已保存，尚未生效。"), "success")
        return redirect(url_for("PushRuleView.edit", number=draft))

    @expose("/publish/<int:number>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("PushRuleView.edit"))
    def review(self, number: int) -> str | Response:
        """What publishing would change, and what it leaves uncovered; on POST, publish."""
        if request.method == "POST":
            with here().engine.begin() as tx:
                n = publish_rule(tx, number, actor=actor(), seen=request.form.get("seen"))
            flash(gettext("已发布第 %(n)s 版，从现在起的决定按它推送；已有的推送不变。", n=n), "success")
            return redirect(url_for("PushRuleView.show", number=number))
        with here().engine.begin() as tx:
            version = rule_version(tx, number)
            old = published(tx, version)
            there = known(tx)
            faults = publishing_faults(version.content)
            before = coverage(tx, here().config.desk.area)
            after = before
            if not faults and version.state == "draft":
                trial = tx.begin_nested()
                publish_rule(tx, number, actor=actor())
                after = coverage(tx, here().config.desk.area)
                trial.rollback()
            tx.rollback()
        return self.page(
            "push_rule_review.html",
            title=gettext("发布：%(name)s", name=version.content.name),
            version=version,
            first=old is None,
            changes=_changes(old, version),
            faults=faults,
            gaps=[sorted(set(after.gaps) - set(before.gaps)), sorted(set(before.gaps) - set(after.gaps))],
            idle=[one for one in after.idle if one.rule[0] == number],
            leaks={
                there.departments.get(code, code): [rule_words.path_title(path) for path in paths]
                for code, paths in leaks(version).items()
            },
            **_told(version, there),
        )

    @expose("/withdraw/<int:number>", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("PushRuleView.show"))
    def withdraw(self, number: int) -> Response:
        """撤下."""
        with here().engine.begin() as tx:
            withdraw_rule(tx, number, actor=actor(), reason=reason())
        flash(gettext("已撤下：从现在起的决定不再按它推送，已有的推送不变。"), "success")
        return redirect(url_for("PushRuleView.show", number=number))

    @expose("/discard/<int:number>", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("PushRuleView.show"))
    def discard(self, number: int) -> Response:
        """Throw the draft away."""
        with here().engine.begin() as tx:
            discard_rule_draft(tx, number, actor=actor())
        flash(gettext("草稿已丢弃，已发布的版本没有变。"), "success")
        return redirect(url_for("PushRuleView.list"))

    @expose("/history/<int:number>")
    @has_access
    @permission_name("show")
    def history(self, number: int) -> str:
        """Versions, the comparison of two of them, and every change."""
        with here().engine.connect() as tx:
            version = rule_version(tx, number)
            versions = rule_versions(tx, version.line)
            subjects = [f"rule:{one.id}" for one in versions]
            rows = tx.execute(
                select(LedgerRow.at, LedgerRow.actor, LedgerRow.action, LedgerRow.reason, LedgerRow.detail)
                .where(LedgerRow.subject.in_(subjects))
                .order_by(LedgerRow.id.desc())
                .limit(100)
            ).all()
        by_number = {str(one.number): one for one in versions}
        after = by_number.get(request.args.get("after", ""), versions[0])
        older = next((one for one in versions if one.number < after.number), None)
        before = by_number.get(request.args.get("before", ""), older)
        return self.page(
            "push_rule_history.html",
            title=gettext("变更历史：%(name)s", name=version.content.name),
            version=version,
            versions=versions,
            pair=(before, after) if before else None,
            changes=_changes(before, after) if before else [],
            rows=rows,
            action_text=action_text,
        )


def _told(version: RuleVersion, there: Known) -> dict[str, Any]:
    """A version in words."""
    kinds = code_table("finding_kind")
    return {
        "asked": rule_words.conditions(version, there.items),
        "named": [
            {
                "code": one.department,
                "name": there.departments.get(one.department, one.department),
                "days": rule_words.days_text([getattr(one, f"{key}_days") for key in rule_words.DAYS]),
                "left_out": [rule_words.path_title(path) for path in one.left_out],
                "masked": [rule_words.path_title(path) for path in one.masked],
                "hears": [gettext(kinds.get(kind, kind)) for kind in one.hears],
            }
            for one in version.content.departments
        ],
        "incomplete": rule_words.INCOMPLETE[version.content.incomplete],
        "states": rule_words.STATES,
    }


def _changes(before: RuleVersion | None, after: RuleVersion) -> list[tuple[Any, str, str]]:
    """Field, before, after - of what differs."""
    old = said_of(before.content) if before else {}
    return [
        (
            rule_words.FIELDS[key],
            rule_words.changed_text(key, old.get(key)),
            rule_words.changed_text(key, value),
        )
        for key, value in said_of(after.content).items()
        if old.get(key) != value and (before or value not in (None, "", []))
    ]
