"""InboxView: the list, one package, one message, and what is said of them; all of it the user's own department's."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import ColumnElement, select
from werkzeug.wrappers import Response as Answer

from admin import listing
from admin.inbox import lists
from admin.inbox.acts import ACTS
from admin.inbox.clock import due_pill, waits_until
from admin.inbox.facts import Surroundings, surroundings
from admin.inbox.nonce import new_mark, read_mark
from admin.inbox.own import Mine, mine, person, see_arrivals
from admin.inbox.package import Message, element_title, read_message
from admin.inbox.reading import wan
from admin.inbox.report_pages import ReportPages
from admin.inbox.tabs import tabs
from admin.pages import ExportedList, as_file, sentence_on_refusal, to
from admin.premises import actor, here
from hub.errors import NotFound, Rejected
from hub.exchange.announcement import Announcement
from hub.joining.receipts import messages_to, receipt, sign
from hub.joining.speak_for import speak_for
from hub.pushing.push import Push, after

SAID = ("signed", "claimed", "returned", "closed")


class InboxView(ReportPages):
    """收件箱."""

    route_base = "/inbox"
    list_template = "inbox_list.html"
    listing = lists.PACKAGES

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """The user's department; without a tab or a search, what is not settled."""
        with here().engine.connect() as tx:
            own = mine(tx)
        narrowed = any(request.args.get(name) for name in ("tab", "q", "from", "to"))
        everything = Push.state != "held"
        return (Push.department == own.code, everything if narrowed else lists.open_only())

    def shown_list(self) -> str:
        """With tabs and their counts."""
        with here().engine.connect() as tx:
            own = mine(tx)
        see_arrivals(own)
        with here().engine.connect() as tx:
            page = listing.open_page(tx, _ordered(), *self.confined())
            found = tabs(tx, own.code)
        return self.page(
            self.list_template,
            title=self.listing.title,
            page=page,
            can_export=True,
            own=own,
            tabs=found,
            tab=request.args.get("tab", ""),
            back="InboxView.list",
        )

    @expose("/export.<kind>")
    @has_access
    @permission_name("export")
    def export(self, kind: str) -> Response:
        """The filtered list as a file."""
        return as_file(self._rows(), kind, "inbox")

    def _rows(self) -> Iterator[list[str]]:
        with here().engine.connect() as tx:
            yield from listing.every_row(tx, self.listing, *self.confined())

    @expose("/<uuid:push>")
    @has_access
    @permission_name("show")
    def show(self, push: uuid.UUID) -> str:
        """One package, readable, with what can be done."""
        with here().engine.connect() as tx:
            own = mine(tx)
        see_arrivals(own)
        with here().engine.connect() as tx:
            around = surroundings(tx, push, own)
            news = _news(tx, around)
            message = _version(tx, around, news, own)
        state = around.push.state
        return self.page(
            "inbox_package.html",
            title=message.data.get("case", {}).get("applyer_name") or around.push.case_no,
            own=own,
            push=around.push,
            around=around,
            message=message,
            news=news,
            can=frozenset(kind for kind in SAID if own.answers_here and after(state, kind) != state),
            reports=own.answers_here and state not in ("recalled", "reassigned"),
            acts=ACTS,
            waits=waits_until(around.push),
            to_rectify=any(one.handling == "2" for one in around.standing("inspection")),
            say_mark=new_mark(push, "say"),
            kind_title=lists.kind_title,
            element_title=element_title,
            due=due_pill,
            wan=wan,
        )

    @expose("/messages/<uuid:event>")
    @has_access
    @permission_name("show")
    def message(self, event: uuid.UUID) -> str | Answer:
        """One message that is not a package of its own."""
        with here().engine.connect() as tx:
            own = mine(tx)
            told = _announcement(tx, event, own)
            if told is None:
                push = tx.scalar(select(Push.id).where(Push.event_id == event, Push.department == own.code))
                if push is None:
                    raise NotFound(gettext("收件箱里没有这条消息，或者它不是发给本部门的。"))
                return redirect(url_for("InboxView.show", push=push))
            message = read_message(tx, event, own.code, registered=told.message_sha256)
            push = told.push_id or tx.scalar(
                select(Push.id).where(Push.case_no == told.case_no, Push.department == own.code)
            )
        return self.page(
            "inbox_message.html",
            title=lists.kind_title(told.kind),
            own=own,
            told=told,
            message=message,
            push=push,
            element_title=element_title,
        )

    @expose("/messages/<uuid:event>/<any(raw, signature):part>")
    @has_access
    @permission_name("show")
    def bytes(self, event: uuid.UUID, part: str) -> Response:
        """The very bytes that were signed, or the signature over them."""
        with here().engine.connect() as tx:
            message = read_message(tx, event, mine(tx).code)
        raw = part == "raw"
        answer = Response(
            message.value if raw else message.signature,
            mimetype="application/cloudevents+json" if raw else "application/jose",
        )
        answer.headers["Content-Disposition"] = f"attachment; filename={event}.{'json' if raw else 'jws'}"
        answer.headers["X-Content-SHA256"] = message.sha256
        return answer

    @expose("/sign", methods=["POST"])
    @has_access
    @permission_name("sign")
    @sentence_on_refusal(to("InboxView.list", tab="sign"))
    def sign(self) -> Answer:
        """签收, several at once: packages and announcements."""
        ids = [found for text in request.form.getlist("ids")[:200] if (found := _uuid(text))]
        if not ids:
            raise Rejected(gettext("请先勾选要签收的。"))
        with here().engine.begin() as tx:
            own = mine(tx)
            done = sign(tx, own.code, ids, here().config.desk, by=person(), actor=actor())
        if not done:
            raise NotFound(gettext("收件箱里没有这条消息，或者它不是发给本部门的。"))
        flash(gettext("已签收 %(n)s 件。", n=done), "success")
        back = request.form.get("back", "")
        return redirect(
            url_for("InboxNewsView.list") if back == "news" else url_for("InboxView.list", tab="sign")
        )

    @expose("/<uuid:push>/say", methods=["POST"])
    @has_access
    @permission_name("sign")
    @sentence_on_refusal(to("InboxView.show"))
    def say(self, push: uuid.UUID) -> Answer:
        """签收, 认领, 退回, 办结."""
        kind, why = request.form.get("kind", ""), request.form.get("reason", "").strip()[:2000]
        nonce = read_mark(request.form.get("mark", ""), push, "say")
        if kind not in SAID:
            raise Rejected(gettext("请求的格式不正确。"))
        if kind == "returned" and len(why) < 2:
            raise Rejected(gettext("退回要写明理由（至少两个字），推送部门会看到。"))
        desk = here().config.desk
        with here().engine.begin() as tx:
            own = mine(tx)
            around = surroundings(tx, push, own)
            (told,) = messages_to(tx, own.code, [push])
            statements = [
                receipt(
                    told,
                    kind,
                    desk,
                    by=person(),
                    reason=why or None,
                    mark=None if kind == "signed" else nonce,
                )
            ]
            if kind == "claimed" and around.push.signed_at is None:
                statements.insert(0, receipt(told, "signed", desk, by=person()))
            speak_for(tx, own.code, statements, desk, actor=actor())
        done = {
            "signed": gettext("已签收。"),
            "claimed": gettext("已认领，由您经办。"),
            "returned": gettext("已退回，推送部门会收到您的理由。"),
            "closed": gettext("已办结。"),
        }
        flash(done[kind], "success")
        return redirect(url_for("InboxView.show", push=push))


class InboxNewsView(ExportedList):
    """更正与通知."""

    route_base = "/inbox-news"
    list_template = "inbox_list.html"
    listing = lists.NEWS

    def confined(self) -> tuple[ColumnElement[bool], ...]:
        """What was told to the user's department."""
        with here().engine.connect() as tx:
            own = mine(tx)
        return (Announcement.department == own.code, Announcement.kind.not_in(lists.FOR_PROGRAMS))

    def extras(self) -> dict[str, Any]:
        """The tabs."""
        with here().engine.connect() as tx:
            own = mine(tx)
            return {"own": own, "tabs": tabs(tx, own.code), "tab": "news", "back": "news"}


def _ordered() -> listing.Listing:
    """What is settled has no time limit to be ordered by."""
    if request.args.get("tab") in ("closed", "answered", "back"):
        return replace(lists.PACKAGES, order=(Push.created_at.desc(), Push.id))
    return lists.PACKAGES


def _news(tx: Any, around: Surroundings) -> list[Any]:
    """What was told to this department of the case after the package, the newest first."""
    query = select(Announcement.__table__).where(
        Announcement.case_no == around.push.case_no,
        Announcement.department == around.push.department,
        Announcement.kind.not_in(lists.FOR_PROGRAMS),
    )
    return list(tx.execute(query.order_by(Announcement.created_at.desc())).all())


def _version(tx: Any, around: Surroundings, news: list[Any], own: Mine) -> Message:
    """The package as last corrected, or the version that is asked for."""
    corrections = [one for one in news if one.kind == "approval.corrected.v1"]
    asked = request.args.get("event")
    if asked == str(around.push.event_id) or not corrections:
        return read_message(tx, around.push.event_id, own.code, registered=bytes(around.push.package_sha256))
    chosen = next((one for one in corrections if str(one.event_id) == asked), corrections[0])
    return read_message(tx, chosen.event_id, own.code, registered=bytes(chosen.message_sha256))


def _announcement(tx: Any, event: uuid.UUID, own: Mine) -> Any:
    query = select(Announcement.__table__).where(
        Announcement.event_id == event, Announcement.department == own.code
    )
    return tx.execute(query).one_or_none()


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
