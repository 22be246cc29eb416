"""The pages that report: a short form for each act, and its evidence. A part of InboxView."""

from __future__ import annotations

import uuid

from flask import Response, flash, jsonify, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from werkzeug.wrappers import Response as Answer

from admin.inbox.acts import ACTS
from admin.inbox.evidence import keep, named
from admin.inbox.facts import Surroundings, choices, said_before, surroundings
from admin.inbox.own import Mine, mine
from admin.inbox.package import read_message
from admin.inbox.report import Form, fresh_form, posted_form, statement_of
from admin.pages import ExportedList
from admin.premises import actor, here
from hub.errors import HubError, NotFound, Rejected
from hub.joining.speak_for import Unsaid, speak_for
from schemas import code_table


class ReportPages(ExportedList):
    """上报."""

    @expose("/<uuid:push>/report/<act>", methods=["GET", "POST"])
    @has_access
    @permission_name("report")
    def report(self, push: uuid.UUID, act: str) -> str | Answer | tuple[str, int]:
        """A short form; on an error everything that was typed and brought is still there."""
        if act not in ACTS:
            raise NotFound
        with here().engine.connect() as tx:
            own = mine(tx)
            around = surroundings(tx, push, own)
        if request.method == "GET":
            return self._form(act, around, own, self._fresh(act, around))
        form = posted_form(ACTS[act])
        try:
            self._report(act, around, own, form)
        except Unsaid as error:
            form.faults = error.faults
        except HubError as error:
            form.faults = {"": error.message}
        else:
            flash(gettext("已签名上报，编号 %(number)s。", number=form.number), "success")
            return redirect(url_for("InboxView.show", push=push, _anchor="said"))
        return self._form(act, around, own, form), 422

    def _fresh(self, act: str, around: Surroundings) -> Form:
        number = request.args.get("corrects", "")
        found = next((one for one in around.standing(ACTS[act].kind) if one.finding_no == number), None)
        if found is None:
            return fresh_form(ACTS[act], around)
        with here().engine.connect() as tx:
            before = said_before(tx, found)
        return fresh_form(ACTS[act], around, before=before, corrects=number)

    def _report(self, act: str, around: Surroundings, own: Mine, form: Form) -> None:
        with here().engine.connect() as tx:
            message = read_message(tx, around.push.event_id, own.code)
        licence = (message.data.get("licence") or {}).get("certificateIdentifier")
        statement = statement_of(ACTS[act], form, around, own, licence)
        with here().engine.begin() as tx:
            speak_for(tx, own.code, [statement], here().config.desk, actor=actor())

    def _form(self, act: str, around: Surroundings, own: Mine, form: Form) -> str:
        with here().engine.connect() as tx:
            offered = choices(tx, ACTS[act], around, own)
            party = read_message(tx, around.push.event_id, own.code).data["case"]["applyer_name"]
        return self.page(
            "inbox_report.html",
            title=ACTS[act].title,
            act=ACTS[act],
            own=own,
            push=around.push,
            party=party,
            form=form,
            offered=offered,
            codes=lambda table: [(key, gettext(text)) for key, text in code_table(table).items()],
        )

    @expose("/<uuid:push>/evidence", methods=["POST"])
    @has_access
    @permission_name("report")
    def bring(self, push: uuid.UUID) -> tuple[Response, int]:
        """One file, while the form is being filled in. JSON."""
        try:
            with here().engine.connect() as tx:
                own = mine(tx)
                surroundings(tx, push, own)
            upload = request.files.get("file")
            if upload is None or not upload.filename:
                raise Rejected(gettext("请选择文件。"))
            return jsonify(named([keep(upload, own.code)])[0]), 201
        except HubError as error:
            return jsonify(error=error.message), 422
