"""告警渠道: where alerts go beside the notices - by e-mail or webhook; a test goes the same way as an alert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, func, select
from werkzeug.wrappers import Response

from admin.connecting.kind_forms import boxes_of, fault_said, posted_secrets, posted_values
from admin.pages import Screen, sentence_on_refusal, to
from admin.premises import actor, here, may
from hub.errors import Conflict, NotFound
from hub.noticing import save_channel as channels
from hub.noticing.alert import KINDS
from hub.noticing.alert_channel import AlertChannel, AlertMessage
from hub.noticing.save_channel import ENDPOINTS, BadChannel, Channel
from schemas.connector.kinds import form_part, secret_names


class AlertChannelView(Screen):
    """告警渠道."""

    route_base = "/alert-channels"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """Every channel, with what became of its last message."""
        with here().engine.connect() as tx:
            rows = tx.execute(select(AlertChannel.__table__).order_by(AlertChannel.title)).all()
            last = {row.channel: row for row in _last_messages(tx)}
            waiting = select(AlertMessage.channel, func.count()).where(AlertMessage.sent_at.is_(None))
            owed = {row[0]: row[1] for row in tx.execute(waiting.group_by(AlertMessage.channel))}
        return self.page(
            "alert_channels.html",
            title=gettext("告警渠道"),
            rows=rows,
            last=last,
            owed=owed,
            watched=request.args.get("watch", ""),
            can_edit=may("can_edit", "AlertChannelView"),
        )

    @expose("/new/<any(mail, webhook):kind>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def new(self, kind: str) -> str | Response:
        """A new channel."""
        return self._edit(kind, None)

    @expose("/<int:number>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, number: int) -> str | Response:
        """One channel."""
        with here().engine.connect() as tx:
            row = tx.execute(select(AlertChannel.__table__).where(AlertChannel.id == number)).one_or_none()
        if row is None:
            raise NotFound(gettext("没有这个告警渠道，可能已被删除。"))
        return self._edit(row.kind, row)

    def _edit(self, kind: str, row: Any) -> str | Response:
        before = dict(row.settings) if row is not None else {}
        faults: dict[str, str] = {}
        said = Channel(
            kind,
            row.title if row is not None else "",
            before.get("settings", {}),
            before.get("place", {}),
            kinds=row.kinds if row is not None else (),
            active=row.active if row is not None else True,
        )
        if request.method == "POST":
            said = _posted(kind, before)
            try:
                with here().engine.begin() as tx:
                    number = channels.save_channel(
                        tx,
                        here().config.desk,
                        said,
                        number=row.id if row is not None else None,
                        actor=actor(),
                    )
            except BadChannel as error:
                faults = {_box(one.at): fault_said(one) for one in error.faults}
            except Conflict as error:
                faults = {"title": error.message}
            else:
                flash(gettext("告警渠道已保存。点“发一条测试”看它通不通。"), "success")
                return redirect(url_for("AlertChannelView.list", _anchor=f"channel-{number}"))
        endpoint = ENDPOINTS[kind]
        kept = dict.fromkeys(secret_names(endpoint), "sealed") if row is not None and row.sealed else {}
        return self.page(
            "alert_channel.html",
            title=row.title if row is not None else gettext("新的告警渠道"),
            kind=kind,
            said=said,
            kinds=KINDS,
            faults=faults,
            settings=boxes_of(form_part(endpoint, "settings"), "s", said.settings, faults, kept),
            place=boxes_of(form_part(endpoint, "out"), "p", said.place, faults, {}),
            row=row,
        )

    @expose("/<int:number>/test", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("AlertChannelView.list", number=None))
    def test(self, number: int) -> Response:
        """Owe it a test message."""
        with here().engine.begin() as tx:
            channels.test_channel(tx, here().config.desk, number, actor=actor())
        flash(gettext("测试消息已交给连接器主机，几秒钟后看结果。"), "info")
        return redirect(url_for("AlertChannelView.list", watch=number))

    @expose("/<int:number>/last")
    @has_access
    @permission_name("list")
    def last(self, number: int) -> str:
        """What became of its last message: the page asks after a test."""
        with here().engine.connect() as tx:
            found = next((row for row in _last_messages(tx) if row.channel == number), None)
        return self.page("alert_channel_last.html", message=found, number=number, watching=True)

    @expose("/<int:number>/remove", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(to("AlertChannelView.list", number=None))
    def remove(self, number: int) -> Response:
        """It is told nothing any more."""
        with here().engine.begin() as tx:
            channels.remove_channel(tx, number, actor=actor())
        flash(gettext("告警渠道已删除。"), "success")
        return redirect(url_for("AlertChannelView.list"))


def _last_messages(tx: Connection) -> Any:
    newest = select(func.max(AlertMessage.id)).group_by(AlertMessage.channel)
    return tx.execute(select(AlertMessage.__table__).where(AlertMessage.id.in_(newest))).all()


def _posted(kind: str, before: Mapping[str, Any]) -> Channel:
    form, endpoint = request.form, ENDPOINTS[kind]
    settings, place = form_part(endpoint, "settings"), form_part(endpoint, "out")
    _where, typed = posted_secrets(settings, "s", form, {})
    return Channel(
        kind,
        form.get("title", "").strip()[:80],
        posted_values(settings, "s", form, before.get("settings") or {}),
        posted_values(place, "p", form, before.get("place") or {}),
        typed,
        [one for one in form.getlist("kinds") if one in KINDS],
        "active" in form,
    )


def _box(at: str) -> str:
    """The name of the box that a fault belongs to."""
    part, _dot, key = at.partition(".")
    if part in ("settings", "secrets", "place"):
        return f"{'p' if part == 'place' else 's'}-{key}"
    return part
