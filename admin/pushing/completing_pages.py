"""补齐材料: what pushes of a decided case lack, held or sent, each with a way to bring it - a file, one on file, a field.

Guarantees: files and reuse for who takes them at the window of the department that has the case, steps and elements for who
may let pushes go; what is whole is pushed by itself, what is not says what it still waits for. Who has the decision already
gets what came late when all is there, or earlier by a button. A refusal is one sentence beside the page as it is now, and
what was typed stays.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import jsonify, request
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.errors import STATUS
from admin.pages import ExportedList
from admin.premises import actor, here, may, own_department
from admin.pushing.lacking import lacking
from admin.pushing.seeing import approved_by
from admin.workbench import office, wording
from admin.workbench.answers import asked, said
from admin.workbench.case_facts import CaseFacts, case_facts
from admin.workbench.lines import Line, lines
from admin.workbench.posted import use_ticked
from hub.case import Case
from hub.catalogue.published import item_version
from hub.errors import Denied, HubError, Rejected
from hub.pushing.complete_case import ACTIONS, Completion, StepDone, complete_case
from hub.pushing.completeness import told
from hub.pushing.release_push import Checked, check_again
from hub.pushing.send_late import send_late
from hub.pushing.take_back_late import take_back_late
from hub.reuse.consent import WAYS
from hub.reuse.list_of_case import list_of_case
from hub.reuse.match import Question, match
from hub.workday import LOCAL

_MOST = 60  # steps of one form


class CompletingPages(ExportedList):
    """The page and its buttons; files go by the upload API, as ever."""

    @expose("/<case_no>/complete")
    @has_access
    @permission_name("list")
    def complete(self, case_no: str) -> str:
        """The page, or the part of it that changes."""
        if request.args.get("part") == "body":
            return self._body(case_no)
        with here().engine.connect() as tx:
            values = _values(tx, case_no)
        title = gettext("补齐材料：%(no)s", no=case_no)
        return self.page("push_complete.html", title=title, **values)

    @expose("/<case_no>/complete/use", methods=["POST"])
    @permission_name("list")
    @asked("use")
    def complete_by_use(self, case_no: str) -> Any:
        """Reuse what is ticked."""

        def act(tx: Connection) -> Checked:
            _check_at_window(tx, case_no)
            use_ticked(tx, case_no)
            return check_again(tx, case_no, here().config.desk, actor=actor())

        return self._done(case_no, act)

    @expose("/<case_no>/complete/fill", methods=["POST"])
    @permission_name("release")
    @asked("release", "IncompletePushView")
    def complete_by_hand(self, case_no: str) -> Any:
        """Steps and elements as they were typed."""

        def act(tx: Connection) -> Checked:
            return complete_case(tx, case_no, _typed(), here().config.desk, actor=actor())

        return self._done(case_no, act)

    @expose("/<case_no>/complete/send", methods=["POST"])
    @permission_name("release")
    @asked("release", "IncompletePushView")
    def send_what_came(self, case_no: str) -> Any:
        """What has come goes to who has the decision, though something is missing still."""

        def act(tx: Connection) -> Checked:
            return Checked((), (), send_late(tx, case_no, here().config.desk, actor=actor()))

        return self._done(case_no, act)

    @expose("/<case_no>/complete/remove/<uuid:material>", methods=["POST"])
    @permission_name("list")
    @asked("take")
    def remove_what_came(self, case_no: str, material: uuid.UUID) -> Any:
        """A file chosen by mistake, before anybody was sent it."""

        def act(tx: Connection) -> str:
            _check_at_window(tx, case_no)
            given, desk = request.form.get("reason", ""), here().config.desk
            name = take_back_late(tx, material, case_no=case_no, reason=given, desk=desk, actor=actor())
            return gettext("已移除“%(name)s”。", name=name)

        return self._done(case_no, act)

    def _done(self, case_no: str, act: Callable[[Connection], Checked | str]) -> Any:
        try:
            with here().engine.begin() as tx:
                check_approved(tx, case_no)
                done = act(tx)
        except HubError as error:
            return said(error.message, STATUS.get(type(error), 500), html=self._body(case_no))
        return jsonify(said=done if isinstance(done, str) else _said(done), html=self._body(case_no))

    def _body(self, case_no: str) -> str:
        with here().engine.connect() as tx:
            values = _values(tx, case_no)
        return self.page("push_complete_body.html", **values)


def check_approved(tx: Connection, case_no: str) -> None:
    """Only who approved the case sees and completes its pushes. Raises Denied."""
    mine = own_department()
    known = select(Case.case_no).where(Case.case_no == case_no, *((approved_by(mine),) if mine else ()))
    if not tx.execute(known).first():
        raise Denied(gettext("这个办件不是本部门审批的。"))


def _check_at_window(tx: Connection, case_no: str) -> None:
    if office.my_office(tx).code != list_of_case(tx, case_no).department:
        raise Denied(gettext("这个办件不由您受理的部门办理，不能在上面收材料。"))


def _values(tx: Connection, case_no: str) -> dict[str, Any]:
    check_approved(tx, case_no)
    facts = case_facts(tx, case_no)
    known = lacking(tx, case_no)
    materials = known.of_kind("material")
    waited = list_of_case(tx, case_no)
    sitting = office.seat(tx)
    mine = sitting.office is not None and sitting.office.code == waited.department
    found = _lines(tx, facts, waited, {one["code"] for one in materials})
    listed = {one.requirement.code for one in found}
    return {
        "case": facts.case,
        "facts": facts,
        "lacking": known,
        "lines": found,
        "unlisted": [one for one in materials if one["code"] not in listed],
        "steps": known.of_kind("step"),
        "elements": known.of_kind("element"),
        "actions": ACTIONS,
        "seat": sitting,
        "mine": mine,
        "writable": mine and may("can_use", "WorkbenchView"),
        "can_take": mine and may("can_take", "WorkbenchView"),
        "can_fill": may("can_release", "IncompletePushView"),
        "can_accept": False,
        "known": {},
        "consent_needed": any(one.candidate.consent_needed for line in found for one in line.offers),
        "ways": WAYS,
        "purpose": gettext("补齐办件 %(no)s 的推送内容", no=case_no),
        "today": _today(),
        "wording": wording,
    }


def _lines(tx: Connection, facts: CaseFacts, waited: Any, codes: set[str]) -> list[Line]:
    """The lines of the list that are lacked, or were promised, with what is on file for each."""
    promised = facts.promises if facts.case["decided_on"] else {}
    if waited.version_id is None or not (codes or promised):
        return []
    version = item_version(tx, waited.version_id)
    question = Question(
        facts.case["party_id"], version.version_id, waited.department, _today(), facts.case["case_no"]
    )
    return [
        one for one in lines(match(tx, question), facts, _today())
        if one.requirement.code in codes or one.requirement.id in promised
    ]  # fmt: skip


def _today() -> Any:
    return here().config.desk.clock().astimezone(LOCAL).date()


def _typed() -> Completion:
    """What the form says; a step of which nothing is filled in stays missing."""
    form = request.form
    elements = {name[2:]: value for name, value in form.items() if name.startswith("e.")}
    steps = []
    for at in range(_MOST):
        part = {name: form.get(f"s{at}.{name}", "").strip() for name in ("name", "by", "from", "to", "said")}
        if not part["name"]:
            break
        if not any(part[name] for name in ("by", "from", "to", "said")):
            continue
        begun = _moment(part["from"], part["name"])
        ended = _moment(part["to"], part["name"]) if part["to"] else None
        steps.append(
            StepDone(part["name"], form.get(f"s{at}.action", ""), part["by"], begun, ended, part["said"])
        )
    return Completion(elements, steps)


def _moment(text: str, step: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=LOCAL)
    except ValueError:
        raise Rejected(gettext("请填写环节“%(name)s”的时间。", name=step)) from None


def _said(done: Checked) -> str:
    parts = []
    if done.corrected:
        names = gettext("、").join(done.corrected)
        parts.append(gettext("补来的内容已发给%(names)s，须重新签收。", names=names))
    if done.missing:
        parts.append(gettext("已记录。仍缺少%(what)s，推送继续等待。", what=told(done.missing)))
    elif done.released:
        parts.append(gettext("已补齐，%(n)s 个部门的推送已发出。", n=len(done.released)))
    return " ".join(parts) or gettext("已记录。齐了以后自动发给已收到决定的部门。")
