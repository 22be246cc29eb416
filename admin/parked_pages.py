"""搁置的办件: keys whose messages keep failing, what waits behind each, every try, and the button 放行."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Connection, Select, func, select
from werkzeug.wrappers import Response

from admin import cells
from admin.in_words import in_words
from admin.listing import Column, Listing
from admin.pages import ListScreen, reason, sentence_on_refusal, to
from admin.premises import actor, here
from hub.department import Department
from hub.errors import Rejected
from hub.exchange.attempt import Attempt
from hub.exchange.outbox import OutboxRow, ParkedKey
from hub.exchange.unpark import Key, behind, unpark_all

#: What a cause means and what can be done, by a word of it.
_ADVICE = (
    ("大小", _("消息超过消息代理允许的大小。请运维人员放宽主题的消息上限，再放行。")),
    ("权限", _("本平台没有写这个主题的权限。请运维人员在消息代理上授权，再放行。")),
    ("主题名称", _("主题名称不合法，通常是部门代码有误。请核对部门登记。")),
    ("没有这个主题", _("消息代理上没有这个主题，且不能自动建立。请运维人员建立主题，再放行。")),
    ("策略", _("消息代理的策略不允许。请运维人员查看消息代理的日志。")),
    ("格式", _("消息代理不接受消息的格式。请联系系统维护人员。")),
)


def advice(cause: str) -> str:
    """What to do about a cause."""
    found = next((words for word, words in _ADVICE if word in cause), None)
    return str(found) if found else gettext("会自动再试，间隔逐次加倍，最长一小时。原因消除后可以立即放行。")


def department_of(topic: str) -> str:
    """The department whose topic it is, by its code."""
    return topic.split(".")[1] if topic.count(".") >= 2 else topic


def _query() -> Select[Any]:
    waiting = (
        select(func.count().label("rows"), func.min(OutboxRow.created_at).label("oldest"))
        .where(OutboxRow.published_at.is_(None), OutboxRow.key == ParkedKey.key)
        .where(OutboxRow.topic == ParkedKey.topic)
        .lateral("waiting")
    )
    return (
        select(
            ParkedKey.__table__, Department.name.label("department_name"), waiting.c.rows, waiting.c.oldest
        )
        .select_from(ParkedKey)
        .outerjoin(Department, Department.code == func.split_part(ParkedKey.topic, ".", 2))
        .join(waiting, waiting.c.rows >= 0)
    )


def _pick(row: Any) -> Markup:
    return Markup('<input type="checkbox" name="key" value="{}" form="bulk" aria-label="{}">').format(
        f"{row.topic}\n{row.key}", gettext("选择")
    )


def _key(row: Any) -> Markup:
    return Markup('<a href="{}">{}</a>').format(
        url_for("ParkedView.show", topic=row.topic, key=row.key), cells.mono(row.key)
    )


class ParkedView(ListScreen):
    """搁置的办件."""

    route_base = "/parked"
    list_template = "parked.html"
    listing = Listing(
        title=_("搁置的办件"),
        query=_query,
        columns=(
            Column("pick", Markup('<input type="checkbox" data-check-all="key">'), _pick, None, narrow=True),
            Column("key", _("办件编号"), _key, ParkedKey.key, narrow=True),
            Column(
                "department_name",
                _("部门"),
                lambda r: cells.plain(r.department_name or department_of(r.topic)),
                None,
                narrow=True,
            ),
            Column("cause", _("原因"), lambda r: cells.clip(in_words(r.cause), 24)),
            Column("rows", _("等待的消息"), lambda r: cells.plain(r.rows), None, narrow=True),
            Column("oldest", _("最早写入"), lambda r: cells.ago(r.oldest)),
            Column(
                "attempts", _("已试次数"), lambda r: cells.plain(r.attempts), ParkedKey.attempts, wider=True
            ),
            Column(
                "next_try_at", _("下次自动重试"), lambda r: cells.when(r.next_try_at), ParkedKey.next_try_at
            ),
            Column(
                "parked_at", _("搁置时间"), lambda r: cells.ago(r.parked_at), ParkedKey.parked_at, wider=True
            ),
        ),
        order=(ParkedKey.parked_at, ParkedKey.topic, ParkedKey.key),
        search=(ParkedKey.key, ParkedKey.topic, ParkedKey.cause),
        search_hint=_("办件编号、主题、原因"),
        day=(_("搁置日期"), ParkedKey.parked_at),
        empty=_("没有搁置。某个办件的消息反复发布失败时会搁置在这里，不影响其他办件。"),
    )

    @expose("/key")
    @has_access
    @permission_name("list")
    def show(self) -> str:
        """One parked key: what waits behind it, and every try."""
        topic, key = request.args.get("topic", ""), request.args.get("key", "")
        with here().engine.connect() as tx:
            row = tx.execute(
                select(ParkedKey.__table__).where(ParkedKey.topic == topic, ParkedKey.key == key)
            ).one_or_none()
            tries = _tries(tx, (topic, key))
            if row is None and not tries:
                abort(404)
            waiting = behind(tx, topic, key)
            name = tx.scalar(select(Department.name).where(Department.code == department_of(topic)))
        return self.page(
            "parked_key.html",
            title=gettext("搁置的办件"),
            topic=topic,
            key=key,
            row=row,
            department=name or department_of(topic),
            waiting=waiting,
            tries=tries,
            advice=advice(row.cause) if row else "",
        )

    @expose("/unpark", methods=["POST"])
    @has_access
    @permission_name("unpark")
    @sentence_on_refusal(to("ParkedView.list"))
    def unpark(self) -> Response:
        """放行: one or many, with one reason."""
        keys = _named()
        if not keys:
            raise Rejected(gettext("请先选择要放行的办件。"))
        with here().engine.begin() as tx:
            gone = unpark_all(tx, keys, actor=actor(), reason=reason())
        said = gettext("已放行 %(n)s 个办件，将立即重试发布。", n=len(gone))
        if len(gone) < len(keys):
            said += gettext("其余 %(n)s 个已经不在搁置中。", n=len(keys) - len(gone))
        flash(said, "success" if gone else "warning")
        return redirect(url_for("ParkedView.list"))


def _named() -> list[Key]:
    pairs = [one.replace("\r", "").partition("\n") for one in request.form.getlist("key")[:1000]]
    return [(topic, key) for topic, _newline, key in pairs if topic and key]


def _tries(tx: Connection, parked: Key) -> list[Any]:
    subject = f"key:{parked[0]}/{parked[1]}"
    query = select(Attempt.__table__).where(Attempt.subject == subject)
    return list(tx.execute(query.order_by(Attempt.at.desc(), Attempt.id.desc()).limit(100)))
