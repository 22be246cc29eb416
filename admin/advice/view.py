"""协调建议: the list of threads; asking, answering and ending one, for the window or for a department's web inbox."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response

from admin.advice import advice_list
from admin.advice.speaking import NONE, WINDOW, Speaks, name, speaker, speaks
from admin.case_pages import check_confined
from admin.pages import ExportedList, sentence_on_refusal
from admin.premises import actor, here, own_department
from admin.sharing.people import identifier
from hub.advice.speak import Asked, open_thread, post
from hub.advice.thread import AdviceThread
from hub.errors import Denied, NotFound
from hub.joining.speak_for import Statement, speak_for, statement_id
from hub.pushing.package import instant


def _case(**given: Any) -> str:
    return url_for("CaseView.show", case_no=given["case_no"], _anchor="advice")


def _thread_page(**given: Any) -> str:
    """The case of a thread, at the thread."""
    with here().engine.connect() as tx:
        query = select(AdviceThread.case_no).where(AdviceThread.id == identifier(given["thread"]))
        case_no = tx.scalar(query)
    if case_no is None:
        return url_for("AdviceView.list")
    return url_for("CaseView.show", case_no=case_no, _anchor=f"thread-{given['thread']}")


class AdviceView(ExportedList):
    """协调建议."""

    route_base = "/advice"
    base_permissions: ClassVar = ["can_list", "can_export", "can_speak", "can_ask", "can_answer"]
    listing = advice_list.LISTING

    def confined(self) -> tuple[Any, ...]:
        """A department's user sees the threads of the department, and of the cases it handles."""
        return advice_list.confined()

    @expose("/case/<case_no>", methods=["POST"])
    @has_access
    @permission_name("speak")
    @sentence_on_refusal(_case)
    def ask(self, case_no: str) -> Response:
        """Open a thread."""
        once, form = identifier(request.form.get("once")), request.form
        kind, subject, body = form.get("kind", ""), form.get("subject", ""), form.get("body", "")
        with here().engine.begin() as tx:
            side = _side(tx, case_no)
            if side == WINDOW:
                asked = Asked(case_no, form.get("department", ""), kind, subject, body)
                open_thread(tx, asked, here().config.desk, by=speaker(), once=once)
            else:
                _state(tx, case_no, once, once, {"kind": kind, "subject": subject.strip(), "body": body})
        flash(gettext("已提出，对方会收到提醒，须在时限内答复。"), "success")
        return redirect(url_for("CaseView.show", case_no=case_no, _anchor=f"thread-{once}"))

    @expose("/<thread>", methods=["POST"])
    @has_access
    @permission_name("speak")
    @sentence_on_refusal(_thread_page)
    def post(self, thread: str) -> Response:
        """Say more, answer, or end it."""
        id_, once = identifier(thread), identifier(request.form.get("once"))
        body, closes = request.form.get("body", ""), bool(request.form.get("closes"))
        with here().engine.begin() as tx:
            case_no = tx.scalar(select(AdviceThread.case_no).where(AdviceThread.id == id_))
            if case_no is None:
                raise NotFound(gettext("没有这条协调建议，可能地址不完整。请从列表进入。"))
            if _side(tx, case_no) == WINDOW:
                post(tx, id_, body, here().config.desk, by=speaker(), once=once, closes=closes)
            else:
                _state(tx, case_no, id_, once, {"body": body, **({"closes": True} if closes else {})})
        flash(gettext("已发送。"), "success")
        return redirect(_thread_page(thread=thread))


def _side(tx: Connection, case_no: str) -> str:
    check_confined(tx, case_no)
    how: Speaks = speaks(tx, case_no)
    if how.side == NONE:
        raise Denied(how.why)
    return how.side


def _state(tx: Connection, case_no: str, thread: uuid.UUID, once: uuid.UUID, said: dict[str, Any]) -> None:
    """What a department's user says in the web inbox, signed with the department's key."""
    desk, department = here().config.desk, own_department()
    assert department is not None
    now: datetime = desk.clock()
    data = {
        "thread_id": str(thread),
        "project_no": case_no,
        "author": name(),
        "at": instant(now),
        **said,
        "body": said["body"].strip(),
    }
    event_id = statement_id("advice", department, str(thread), str(once))
    speak_for(tx, department, [Statement("advice.posted.v1", case_no, data, event_id)], desk, actor=actor())
