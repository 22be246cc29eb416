"""How a department takes part: the buttons that change its channel and the key in custody. A part of DepartmentView."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, func, select
from werkzeug.wrappers import Response

from admin import cells
from admin.accounts_tables import UserDepartment
from admin.pages import ListScreen, reason, sentence_on_refusal, to
from admin.premises import actor, here
from hub.joining.change_channel import change_channel
from hub.joining.custodial_key import make_custodial_key


class JoiningPages(ListScreen):
    """接入方式与托管密钥."""

    @expose("/<code>/channel", methods=["POST"])
    @has_access
    @permission_name("keys")
    @sentence_on_refusal(to("DepartmentView.show"))
    def change_channel(self, code: str) -> Response:
        """接入方式."""
        channel = request.form.get("channel", "")
        with here().engine.begin() as tx:
            kid = change_channel(tx, code, channel, here().config.desk, actor=actor(), reason=reason())
        flash(gettext("接入方式已改为%(channel)s。", channel=cells.word_text("channel", channel)), "success")
        if kid:
            flash(gettext("已为该部门生成托管密钥 %(kid)s。请为其人员开设账号并绑定部门。", kid=kid), "info")
        return redirect(url_for("DepartmentView.show", code=code))

    @expose("/<code>/custody", methods=["POST"])
    @has_access
    @permission_name("keys")
    @sentence_on_refusal(to("DepartmentView.show"))
    def renew_custody(self, code: str) -> Response:
        """A new key in custody; the old one signs nothing more."""
        with here().engine.begin() as tx:
            kid = make_custodial_key(tx, code, here().config.desk, actor=actor(), reason=reason())
        flash(gettext("已换用新的托管密钥 %(kid)s，旧的不再签名。", kid=kid), "success")
        return redirect(url_for("DepartmentView.show", code=code))


def users_of(tx: Connection, code: str) -> int:
    """How many accounts are bound to the department."""
    return tx.scalar(select(func.count()).where(UserDepartment.department == code)) or 0
