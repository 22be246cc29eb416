"""谁会收到？: push rules tried on a real case, or on marks that are typed in - as published, and with a draft in its place.

Guarantees: changes nothing; what would be withheld is shown on the case's own package, personal numbers masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import request
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.pages import Screen
from admin.premises import here
from admin.pushing import rule_words
from hub.errors import HubError, Rejected
from hub.item import ServiceItem
from hub.pushing.completeness import told
from hub.pushing.rulebook import Marks
from hub.pushing.rules.case_package import CasePackage, case_package
from hub.pushing.rules.draft_rule import RuleVersion, rule_version
from hub.pushing.rules.rule import PushRule
from hub.pushing.rules.rule_content import known
from hub.pushing.rules.try_rule import Receiver, Tried, hidden, try_rules
from hub.workday import LOCAL
from schemas import code_table


class PushTrialView(Screen):
    """谁会收到？."""

    route_base = "/rules/trial"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("try")
    def index(self) -> str:
        """The question, and with it the answer."""
        fault, found, tried, draft = "", None, None, None
        with here().engine.begin() as tx:
            drafts = tx.execute(
                select(PushRule.id, PushRule.name, PushRule.number)
                .where(PushRule.state == "draft")
                .order_by(PushRule.name)
            ).all()
            items = tx.execute(select(ServiceItem.code, ServiceItem.name).order_by(ServiceItem.code)).all()
            there = known(tx)
            try:
                draft = _draft(tx)
                if request.args.get("case_no"):
                    found = case_package(tx, request.args["case_no"].strip(), here().config.desk)
                if found or request.args.get("item_code"):
                    marks = found.marks if found else _marks()
                    tried = try_rules(tx, marks, datetime.now(LOCAL).date(), draft)
            except HubError as error:
                fault = error.message
            tx.rollback()  # a case is held while it is looked at, and nothing is written
        return self.page(
            "push_trial.html",
            title=gettext("谁会收到？"),
            drafts=drafts,
            draft=draft,
            items=items,
            tables={name: code_table(name) for name in ("result_type", "party_kind")},
            case=found,
            lacking=told(found.lacking) if found else "",
            shown=_shown(tried, found) if tried else None,
            answers=tried.answers if tried else (),
            departments=there.departments,
            area=here().config.desk.area,
            fault=fault,
        )


def _draft(tx: Connection) -> RuleVersion | None:
    raw = request.args.get("draft", "")
    if not raw.isdecimal() or len(raw) > 9:
        return None
    found = rule_version(tx, int(raw))
    return found if found.state == "draft" else None


def _marks() -> Marks:
    said = request.args
    elements: dict[str, str] = {}
    for line in said.get("elements", "")[:5000].replace("；", "\n").splitlines():
        name, mark, value = line.replace("＝", "=").partition("=")
        if line.strip() and not mark:
            raise Rejected(gettext("要素每行写一个，写成“代号=内容”。"))
        if mark:
            elements[name.strip()] = value.strip()
    return Marks(
        said["item_code"],
        said.get("area_code", "").strip() or here().config.desk.area,
        said.get("result_type", "0"),
        said.get("party_kind", "legal"),
        elements,
    )


def _shown(tried: Tried, found: CasePackage | None) -> dict[str, Any]:
    """Both answers, as the page tells them."""
    return {
        "then": [_receiver(one, found) for one in tried.then],
        "changed": [one for one in tried.then if one.news],
        "now": len(tried.now),
    }


def _receiver(one: Receiver, found: CasePackage | None) -> Mapping[str, Any]:
    owed, clock = one.owed, one.clock
    times = (clock.sign_by, clock.claim_by, clock.plan_by, clock.feedback_by)
    return {
        "department": one.department,
        "name": one.name,
        "news": one.news,
        "rules": one.rules,
        "limits": [
            (title, at, n)
            for (_k, title), at, n in zip(rule_words.DAYS.items(), times, owed.days, strict=True)
        ],
        "held": bool(found and found.lacking and owed.blocks),
        "blocks": owed.blocks,
        "left_out": [rule_words.path_title(path) for path in owed.left_out],
        "masked": [rule_words.path_title(path) for path in owed.masked],
        "hidden": [
            (rule_words.path_title(row.path), row.before, row.after)
            for row in (hidden(found.data, owed, found.taken_for) if found else ())
        ],
    }
