"""隔离区: messages that could not be taken, with their bytes, the cause and what would be right."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Select, select
from werkzeug.wrappers import Response

from admin import cells
from admin.listing import Choice, Column, Listing, codes, words
from admin.pages import ListScreen, reason, sentence_on_refusal, to
from admin.premises import actor, here
from admin.trusted import verify_again
from hub.department import Department
from hub.exchange import settle_quarantine
from hub.exchange.inbox import Quarantined
from schemas import Malformed, dumps, loads

SHOWN = 16 * 1024


def _query() -> Select[Any]:
    return (
        select(
            Quarantined.id,
            Quarantined.topic,
            Quarantined.cause,
            Quarantined.message,
            Quarantined.size,
            Quarantined.state,
            Quarantined.received_at,
            Quarantined.event_id,
            Department.name.label("department_name"),
        )
        .select_from(Quarantined)
        .outerjoin(Department, Department.code == Quarantined.department)
    )


def as_text(value: bytes) -> tuple[str, bool]:
    """The bytes as a person can read them, and whether they are JSON."""
    try:
        document = loads(value)
    except Malformed:
        return value[:SHOWN].decode("utf-8", "backslashreplace"), False
    return _indented(document)[:SHOWN], True


def _indented(value: Any, level: int = 0) -> str:
    pad, inner = "  " * level, "  " * (level + 1)
    if level < 12 and isinstance(value, dict) and value:
        lines = [f"{inner}{dumps(key).decode()}: {_indented(part, level + 1)}" for key, part in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{pad}}}"
    if level < 12 and isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"{inner}{_indented(part, level + 1)}" for part in value) + f"\n{pad}]"
    return dumps(value).decode()


class QuarantineView(ListScreen):
    """隔离区."""

    route_base = "/quarantine"
    listing = Listing(
        title=_("隔离区"),
        query=_query,
        columns=(
            Column(
                "received_at", _("收到时间"), lambda r: cells.when(r.received_at), Quarantined.received_at
            ),
            Column(
                "department_name",
                _("来自"),
                lambda r: cells.plain(r.department_name or r.topic),
                None,
                narrow=True,
            ),
            Column(
                "cause",
                _("原因"),
                lambda r: cells.pill(cells.code_text("quarantine_cause", r.cause), "bad"),
                Quarantined.cause,
                narrow=True,
            ),
            Column("message", _("说明"), lambda r: cells.clip(r.message, 60)),
            Column("size", _("大小"), lambda r: cells.size(r.size), Quarantined.size),
            Column(
                "state",
                _("状态"),
                lambda r: cells.word("quarantine_state", r.state),
                Quarantined.state,
                narrow=True,
            ),
        ),
        order=(Quarantined.received_at.desc(), Quarantined.id.desc()),
        search=(Quarantined.topic, Quarantined.event_id, Quarantined.message),
        search_hint=_("主题、事件编号、说明"),
        choices=(
            Choice("state", _("状态"), Quarantined.state, words("quarantine_state")),
            Choice("cause", _("原因"), Quarantined.cause, codes("quarantine_cause")),
        ),
        day=(_("收到日期"), Quarantined.received_at),
        href=lambda r: url_for("QuarantineView.show", number=r.id),
        empty=_("隔离区是空的：所有消息都已通过验签和校验。"),
    )

    @expose("/<int:number>")
    @has_access
    @permission_name("show")
    def show(self, number: int) -> str:
        """One message: cause, what was expected, its bytes."""
        with here().engine.connect() as tx:
            row = tx.execute(
                select(Quarantined.__table__, Department.name.label("department_name"))
                .select_from(Quarantined)
                .outerjoin(Department, Department.code == Quarantined.department)
                .where(Quarantined.id == number)
            ).one_or_none()
        if row is None:
            abort(404)
        text, is_json = as_text(bytes(row.value))
        return self.page("quarantined.html", title=_("隔离的消息"), row=row, text=text, is_json=is_json)

    @expose("/<int:number>/replay", methods=["POST"])
    @has_access
    @permission_name("settle")
    @sentence_on_refusal(to("QuarantineView.show"))
    def replay(self, number: int) -> Response:
        """重放."""
        with here().engine.begin() as tx:
            settle_quarantine.replay(
                tx, number, here().config.desk, verify_again(tx), actor=actor(), reason=reason()
            )
        flash(gettext("消息已重放。"), "success")
        return redirect(url_for("QuarantineView.show", number=number))

    @expose("/<int:number>/dismiss", methods=["POST"])
    @has_access
    @permission_name("settle")
    @sentence_on_refusal(to("QuarantineView.show"))
    def dismiss(self, number: int) -> Response:
        """作废."""
        with here().engine.begin() as tx:
            settle_quarantine.dismiss(tx, number, actor=actor(), reason=reason())
        flash(gettext("消息已作废，原文仍保留备查。"), "success")
        return redirect(url_for("QuarantineView.show", number=number))
