"""时限: the clocks of sharing, as the area has set them; each change is in the ledger."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from admin.pages import Screen, sentence_on_refusal, to
from admin.premises import here, may
from admin.sharing.people import person
from hub.errors import Rejected
from hub.sharing.clocks import LONGEST, change_limit
from hub.sharing.limit import Limit


class LimitView(Screen):
    """时限."""

    route_base = "/sharing/limits"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """All clocks, with a form each for who may change them."""
        with here().engine.connect() as tx:
            limits = tx.execute(select(*Limit.__table__.columns).order_by(Limit.name.desc())).all()
        return self.page(
            "sharing_limits.html",
            title=_("办理时限"),
            limits=limits,
            longest=LONGEST,
            can_edit=may("can_edit", "LimitView"),
        )

    @expose("/<name>", methods=["POST"])
    @has_access
    @permission_name("edit")
    @sentence_on_refusal(lambda **_kwargs: url_for("LimitView.list"))
    def edit(self, name: str) -> Response:
        """Set one clock."""
        days = request.form.get("days", "")
        if not days.isdecimal() or len(days) > 4:
            raise Rejected(gettext("请填写工作日数，0 到 %(n)s 的整数。", n=LONGEST))
        with here().engine.begin() as tx:
            change_limit(tx, name, int(days), source=request.form.get("source", ""), person=person())
        flash(gettext("时限已修改，以后开始的办理按新的时限计算，正在办理的不变。"), "success")
        return redirect(to("LimitView.list")())
