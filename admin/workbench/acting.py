"""The workbench's buttons: start, reuse, consent, promise, fill in, remove, accept, withdraw, each through one use case.

Guarantees: a second click finds what the first one did; a refusal is one sentence, the page shows the new state
beside it and keeps what was typed. Each act is one transaction: all ticked lines are reused, or none.
"""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from flask import jsonify, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from admin.errors import STATUS
from admin.premises import actor, here
from admin.workbench import office
from admin.workbench.answers import asked, said
from admin.workbench.case_facts import CaseFacts
from admin.workbench.case_page import case_page, my_case
from admin.workbench.pages import LookingPages
from admin.workbench.posted import use_ticked
from admin.workbench.starting import party_of, resumed_or_started
from admin.workbench.wording import source_line
from hub.discard_material import discard_material
from hub.errors import HubError, NotFound, Rejected
from hub.reuse.accept_case import accept_case
from hub.reuse.prefill import set_field
from hub.reuse.promise_deferral import cancel_deferral, promise_deferral
from hub.reuse.record_consent import withdraw_consent
from hub.reuse.use_material import take_back_use
from hub.reuse.withdraw_case import withdraw_case


class ActingPages(LookingPages):
    """What changes something."""

    @expose("/office", methods=["POST"])
    @has_access
    @permission_name("use")
    def choose_office(self) -> Response:
        """Sit down for a department."""
        with here().engine.connect() as tx:
            office.choose(tx, request.form.get("department", ""))
        back = request.form.get("back", "")
        own = back.startswith(("/workbench/", "/incomplete-pushes/")) and "\\" not in back
        return redirect(back if own else url_for(".index"))

    @expose("/start", methods=["POST"])
    @has_access
    @permission_name("accept")
    def start(self) -> str | Response:
        """A new case for this party and item, or the one that is being prepared already."""
        form, desk = request.form, here().config.desk
        known = form.get("party", "")
        try:
            with here().engine.begin() as tx:
                working_for = office.my_office(tx)
                facts = party_of(tx, form, desk)
                case_no = resumed_or_started(
                    tx, facts, form.get("item", ""), working_for.code, desk, actor=actor()
                )
        except HubError as error:
            if known:
                return self.party_page(uuid.UUID(known), fault=error.message)
            typed = self._recognise(form.get("q", ""))
            return self._index(q=form.get("q", ""), typed=typed, found=_nobody(), fault=error.message)
        return redirect(url_for(".case", case_no=case_no))

    @expose("/case/<case_no>/use", methods=["POST"])
    @asked("use")
    def use(self, case_no: str) -> Any:
        """Reuse everything ticked, for the stated purpose, with the consent where it is needed."""

        def act(tx: Connection, _facts: CaseFacts) -> str:
            count = use_ticked(tx, case_no)
            return gettext("已复用 %(n)s 项，申请人不用再交。", n=count)

        return self._done(case_no, act)

    @expose("/case/<case_no>/take-back/<uuid:use_id>", methods=["POST"])
    @asked("use")
    def take_back(self, case_no: str, use_id: uuid.UUID) -> Any:
        """Undo one reuse."""

        def act(tx: Connection, facts: CaseFacts) -> str:
            if use_id not in {use["id"] for uses in facts.uses.values() for use in uses}:
                raise NotFound(gettext("这个办件里没有这次复用，可能已经撤回。请看刷新后的清单。"))
            take_back_use(tx, use_id, actor=actor(), desk=here().config.desk)
            return gettext("已撤回这次复用。")

        return self._done(case_no, act)

    @expose("/case/<case_no>/consent/withdraw", methods=["POST"])
    @asked("use")
    def withdraw_consent(self, case_no: str) -> Any:
        """The applicant takes the consent back."""

        def act(tx: Connection, facts: CaseFacts) -> str:
            if facts.consent is None:
                raise NotFound(gettext("这个办件没有申请人同意的记录。"))
            withdraw_consent(
                tx, facts.consent["id"], reason=_reason(), actor=actor(), desk=here().config.desk
            )
            return gettext("已记录申请人撤回同意。")

        return self._done(case_no, act)

    @expose("/case/<case_no>/promise/<uuid:requirement>", methods=["POST"])
    @asked("accept")
    def promise(self, case_no: str, requirement: uuid.UUID) -> Any:
        """容缺: it will follow until a day."""

        def act(tx: Connection, _facts: CaseFacts) -> str:
            until = promise_deferral(
                tx,
                case_no=case_no,
                requirement_id=requirement,
                until=_day(request.form.get("until", "")),
                promised_by=request.form.get("promised_by", "").strip(),
                actor=actor(),
                desk=here().config.desk,
            )
            return gettext("已记录容缺，请在 %(day)s 前补交。", day=until.isoformat())

        return self._done(case_no, act)

    @expose("/case/<case_no>/promise/<uuid:requirement>/cancel", methods=["POST"])
    @asked("accept")
    def cancel_promise(self, case_no: str, requirement: uuid.UUID) -> Any:
        """Undo a promise."""

        def act(tx: Connection, _facts: CaseFacts) -> str:
            cancel_deferral(
                tx,
                case_no=case_no,
                requirement_id=requirement,
                actor=actor(),
                desk=here().config.desk,
            )
            return gettext("已取消容缺。")

        return self._done(case_no, act)

    @expose("/case/<case_no>/field", methods=["POST"])
    @asked("accept")
    def field(self, case_no: str) -> Any:
        """One field of the application as typed."""
        name = request.form.get("name", "")
        with here().engine.begin() as tx:
            my_case(tx, case_no)
            box = set_field(
                tx, case_no, name, request.form.get("value", ""), actor=actor(), desk=here().config.desk
            )
        return jsonify(
            said=gettext("已保存"), value=box.value_raw or box.value_shown, source=source_line(box)
        )

    @expose("/case/<case_no>/remove/<uuid:material>", methods=["POST"])
    @asked("take")
    def remove(self, case_no: str, material: uuid.UUID) -> Any:
        """Undo an upload."""

        def act(tx: Connection, _facts: CaseFacts) -> str:
            name = discard_material(tx, material, case_no=case_no, actor=actor())
            return gettext("已移除“%(name)s”。", name=name)

        return self._done(case_no, act)

    @expose("/case/<case_no>/accept", methods=["POST"])
    @asked("accept")
    def accept(self, case_no: str) -> Any:
        """受理."""
        with here().engine.begin() as tx:
            my_case(tx, case_no)
            accept_case(tx, case_no, here().config.desk, actor=actor())
        return jsonify(said=gettext("已受理"), next=url_for(".receipt", case_no=case_no))

    @expose("/case/<case_no>/withdraw", methods=["POST"])
    @asked("accept")
    def withdraw(self, case_no: str) -> Any:
        """The applicant takes the application back."""

        def act(tx: Connection, _facts: CaseFacts) -> str:
            withdraw_case(tx, case_no, reason=_reason(), actor=actor(), desk=here().config.desk)
            return gettext("已撤回办件。")

        return self._done(case_no, act)

    def _done(self, case_no: str, act: Any) -> Any:
        """Act in one transaction; the sentence and the page's new body, refused or not."""
        try:
            with here().engine.begin() as tx:
                sentence = act(tx, my_case(tx, case_no))
        except HubError as error:
            return said(error.message, STATUS.get(type(error), 500), html=self._body(case_no))
        return jsonify(said=sentence, html=self._body(case_no))

    def _body(self, case_no: str) -> str | None:
        try:
            with here().engine.connect() as tx:
                values = case_page(tx, case_no)
        except HubError:
            return None
        return self.page("workbench_case_body.html", **values) if values else None


def _nobody() -> Any:
    from admin.workbench.find import Found

    return Found()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Rejected(gettext("日期不正确，请从日历中选择。")) from None


def _reason() -> str:
    given = request.form.get("reason", "").strip()
    if len(given) < 2:
        raise Rejected(gettext("请写明理由（至少两个字），它会记入留痕账本。"))
    return given[:500]
