"""隔离区: messages that could not be taken, with their bytes, the cause, what is missing, and every try to settle them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, jsonify, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response

from admin.in_words import in_words
from admin.marked_json import Line, hexdump, marked
from admin.pages import ListScreen, reason, sentence_on_refusal, to
from admin.premises import actor, here
from admin.quarantine_list import ADVICE, LISTING, trend
from admin.trusted import verify_again
from hub.department import Department
from hub.errors import HubError, Rejected
from hub.exchange import settle_quarantine
from hub.exchange.attempt import Attempt
from hub.exchange.inbox import Quarantined
from hub.exchange.missing import references
from hub.exchange.settle_quarantine import REPLAYABLE, Tried
from schemas import Malformed, loads, violations

SHOWN = 16 * 1024
AT_ONCE = 200  # of a request; a page with scripts sends them ten by ten


def _lines(value: bytes) -> tuple[list[Line], Any]:
    """The bytes as a person can read them, faulty places marked, and the document where it is one."""
    try:
        document = loads(value)
    except Malformed:
        text = value[:SHOWN].decode("utf-8", "backslashreplace")
        return [Line(line) for line in text.split("\n")], None
    faults: dict[str, list[str]] = {}
    if isinstance(document, Mapping):
        for fault in violations(str(document.get("type", "")), document):
            faults.setdefault(fault.path, []).append(in_words(fault.message))
    return marked(document, faults), document


def _row(tx: Connection, number: int) -> Any:
    row = tx.execute(
        select(Quarantined.__table__, Department.name.label("department_name"))
        .select_from(Quarantined)
        .outerjoin(Department, Department.code == Quarantined.department)
        .where(Quarantined.id == number)
    ).one_or_none()
    if row is None:
        abort(404)
    return row


class QuarantineView(ListScreen):
    """隔离区."""

    route_base = "/quarantine"
    list_template = "quarantine.html"
    listing = LISTING

    def extras(self) -> dict[str, Any]:
        """The last thirty days."""
        with here().engine.connect() as tx:
            return {"trend": trend(tx)}

    @expose("/<int:number>")
    @has_access
    @permission_name("show")
    def show(self, number: int) -> str:
        """One message: cause, what to do, what is missing, its bytes, every try."""
        with here().engine.connect() as tx:
            row = _row(tx, number)
            value = bytes(row.value)
            lines, document = _lines(value)
            named = references(tx, document, row.department)
            query = select(Attempt.__table__).where(Attempt.subject == f"quarantine:{number}")
            tries = tx.execute(query.order_by(Attempt.at.desc(), Attempt.id.desc()).limit(100)).all()
        return self.page(
            "quarantined.html",
            title=gettext("隔离的消息"),
            row=row,
            lines=lines,
            is_json=document is not None,
            hexdump=hexdump(value),
            advice=ADVICE.get(row.cause, ""),
            named=named,
            tries=tries,
            replayable=row.cause in REPLAYABLE and row.size == len(value),
            checked=self._checked(number) if request.args.get("check") and row.state == "held" else None,
        )

    def _checked(self, number: int) -> Tried:
        """Whether a replay would pass now; nothing of it stays."""
        with here().engine.connect() as tx:
            try:
                return settle_quarantine.would_pass(tx, number, here().config.desk, verify_again(tx))
            except HubError as error:
                return Tried(False, error.message)
            finally:
                tx.rollback()

    @expose("/<int:number>/raw")
    @has_access
    @permission_name("show")
    def raw(self, number: int) -> Response:
        """The bytes as they came, as far as they are kept."""
        with here().engine.connect() as tx:
            value = bytes(_row(tx, number).value)
        return Response(
            value,
            mimetype="application/octet-stream",
            headers={"Content-Disposition": f"attachment; filename=quarantine-{number}.bin"},
        )

    @expose("/<int:number>/replay", methods=["POST"])
    @has_access
    @permission_name("settle")
    @sentence_on_refusal(to("QuarantineView.show"))
    def replay(self, number: int) -> Response:
        """重放."""
        tried = _settled(number, "replay", reason())
        flash(in_words(tried.words), "success" if tried.done else "danger")
        return redirect(url_for("QuarantineView.show", number=number))

    @expose("/<int:number>/dismiss", methods=["POST"])
    @has_access
    @permission_name("settle")
    @sentence_on_refusal(to("QuarantineView.show"))
    def dismiss(self, number: int) -> Response:
        """作废."""
        tried = _settled(number, "dismiss", reason())
        flash(in_words(tried.words), "success" if tried.done else "danger")
        return redirect(url_for("QuarantineView.show", number=number))

    @expose("/bulk", methods=["POST"])
    @has_access
    @permission_name("settle")
    @sentence_on_refusal(to("QuarantineView.list"))
    def bulk(self) -> Any:
        """Many, each on its own: what one ends with does not touch the others. As a page, or as JSON for one that counts."""
        act, why = request.form.get("act", ""), reason()
        ids = [int(one) for one in request.form.getlist("id") if one.isdecimal() and len(one) < 19][:AT_ONCE]
        if act not in ("replay", "dismiss") or not ids:
            raise Rejected(gettext("请先选择消息。"))
        results = [(number, _settled(number, act, why)) for number in ids]
        if request.headers.get("X-Requested-With") == "fetch":
            return jsonify(
                [{"id": number, "done": one.done, "words": in_words(one.words)} for number, one in results]
            )
        return self.page(
            "quarantine_bulk.html", title=gettext("批量处理结果"), results=results, act=act, why=why
        )


def _settled(number: int, act: str, why: str) -> Tried:
    """One message, in a transaction of its own."""
    try:
        with here().engine.begin() as tx:
            if act == "dismiss":
                settle_quarantine.dismiss(tx, number, actor=actor(), reason=why)
                return Tried(True, gettext("消息已作废，原文仍保留备查。"))
            desk = here().config.desk
            return settle_quarantine.try_replay(tx, number, desk, verify_again(tx), actor=actor(), reason=why)
    except HubError as error:
        return Tried(False, error.message)
