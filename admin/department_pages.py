"""部门与密钥: departments, what they owe us, their keys - and the buttons that add and revoke keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Connection, Select, func, select, update
from werkzeug.wrappers import Response

from admin import cells
from admin.joining_pages import JoiningPages, users_of
from admin.listing import Choice, Column, Listing, words
from admin.pages import reason, sentence_on_refusal, to
from admin.premises import actor, here
from hub.connecting.connector import Connector
from hub.department import CHANNELS, ROLES, Department, DepartmentKey, topic_in, topic_out
from hub.errors import NotFound, Rejected
from hub.identifiers import uscc_fault
from hub.joining.change_channel import add_web_department
from hub.ledger import Entry, record
from hub.pushing.push import Push
from hub.pushing.rules.rule import PushRule, RuleDepartment
from hub.register_department import add_department, add_key, revoke_key
from storage.keys import UnusableKey, kid_of, load_public, spki_pem


def _query() -> Select[Any]:
    keys = (
        select(func.count())
        .where(DepartmentKey.department == Department.code, DepartmentKey.revoked_at.is_(None))
        .scalar_subquery()
    )
    waiting = Push.state.in_(["owed", "arrived"])
    undelivered = (
        select(func.count())
        .where(Push.department == Department.code, waiting)
        .correlate(Department)
        .scalar_subquery()
    )
    oldest = (
        select(func.min(Push.created_at)).where(Push.department == Department.code, waiting).scalar_subquery()
    )
    return select(
        Department.code,
        Department.name,
        Department.uscc,
        Department.roles,
        Department.active,
        Department.contact,
        Department.channel,
        keys.label("keys"),
        undelivered.label("undelivered"),
        oldest.label("oldest"),
    ).select_from(Department)


def _undelivered(row: Any) -> Any:
    if not row.undelivered:
        return cells.pill(gettext("无积压"), "good")
    link = url_for("PushView.list", department=row.code, attention="undelivered")
    return Markup('<a href="{}">{}</a> <small>{}</small>').format(
        link, row.undelivered, cells.ago(row.oldest)
    )


def role_pills(roles: list[str]) -> Markup:
    """审批, 监管, 执法."""
    return Markup(" ").join(cells.word("role", role) for role in roles)


class DepartmentView(JoiningPages):
    """部门与密钥."""

    route_base = "/departments"
    list_template = "departments.html"
    listing = Listing(
        title=_("部门与密钥"),
        query=_query,
        columns=(
            Column("code", _("代码"), lambda r: cells.mono(r.code), Department.code, narrow=True),
            Column("name", _("名称"), lambda r: cells.plain(r.name), Department.name, narrow=True),
            Column("roles", _("职能"), lambda r: role_pills(r.roles)),
            Column(
                "channel",
                _("接入方式"),
                lambda r: cells.word("channel", r.channel),
                Department.channel,
                lambda r: cells.word_text("channel", r.channel),
            ),
            Column("keys", _("有效密钥"), lambda r: r.keys or cells.pill(gettext("没有密钥"), "bad")),
            Column("undelivered", _("未签收"), _undelivered, None, narrow=True),
            Column("active", _("状态"), lambda r: cells.word("active", r.active)),
        ),
        order=(Department.code,),
        search=(Department.code, Department.name, Department.uscc),
        search_hint=_("代码、名称"),
        choices=(Choice("channel", _("接入方式"), Department.channel, words("channel")),),
        href=lambda r: url_for("DepartmentView.show", code=r.code),
        empty=_("还没有部门。点“登记部门”，填写名称并上传其公钥。"),
    )

    @expose("/<code>")
    @has_access
    @permission_name("show")
    def show(self, code: str) -> str:
        """One department: keys, topics, rules, backlog."""
        with here().engine.connect() as tx:
            row = tx.execute(_query().where(Department.code == code)).one_or_none()
            if row is None:
                raise NotFound
            keys = tx.execute(
                select(DepartmentKey.__table__)
                .where(DepartmentKey.department == code)
                .order_by(DepartmentKey.revoked_at.is_not(None), DepartmentKey.valid_from.desc())
            ).all()
            rules = tx.execute(
                select(PushRule.id, PushRule.name, PushRule.item_codes, RuleDepartment.sign_days)
                .join(RuleDepartment, RuleDepartment.rule_id == PushRule.id)
                .where(RuleDepartment.department == code, PushRule.state == "published")
                .order_by(PushRule.id)
            ).all()
            states = _states(tx, code)
            overdue = tx.scalar(select(func.count()).where(Push.department == code, Push.overdue))
            users = users_of(tx, code)
            connectors = tx.execute(
                select(Connector.code, Connector.title, Connector.state, Connector.runs_at)
                .where(Connector.department == code)
                .order_by(Connector.created_at.desc())
            ).all()
        area = here().config.desk.area
        return self.page(
            "department.html",
            title=row.name,
            row=row,
            keys=keys,
            rules=rules,
            states=states,
            overdue=overdue,
            roles=role_pills(row.roles),
            topics=(topic_in(area, code), topic_out(area, code)),
            users=users,
            channels=CHANNELS,
            connectors=connectors,
            now=datetime.now(UTC),
        )

    @expose("/add", methods=["GET", "POST"])
    @has_access
    @permission_name("add")
    def add(self) -> str | Response:
        """Register a department with its first key."""
        fault = None
        if request.method == "POST":
            try:
                code = self._add()
            except (Rejected, UnusableKey) as error:
                fault = str(error)
            else:
                flash(gettext("已登记部门 %(code)s。请为它设置推送规则。", code=code), "success")
                return redirect(url_for("DepartmentView.show", code=code))
        return self.page(
            "department_form.html", title=_("登记部门"), row=request.form, roles=ROLES, fault=fault, new=True
        )

    def _add(self) -> str:
        code, name, uscc = (request.form.get(key, "").strip() for key in ("code", "name", "uscc"))
        if not 2 <= len(name) <= 60:
            raise Rejected(gettext("请填写部门名称（2 到 60 个字）。"))
        _check_uscc(uscc)
        if request.form.get("channel") == "web":
            with here().engine.begin() as tx:
                add_web_department(
                    tx,
                    here().config.desk,
                    code=code,
                    name=name,
                    roles=request.form.getlist("roles"),
                    uscc=uscc or None,
                    actor=actor(),
                )
            return code
        pem = _pem()
        with here().engine.begin() as tx:
            add_department(
                tx,
                code=code,
                name=name,
                roles=request.form.getlist("roles"),
                uscc=uscc or None,
                public_pem=pem,
                kid=kid_of(code, pem),
                actor=actor(),
            )
        return code

    @expose("/<code>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, code: str) -> str | Response:
        """Name, roles, contact, whether it takes part."""
        with here().engine.connect() as tx:
            row = tx.execute(select(Department.__table__).where(Department.code == code)).one_or_none()
        if row is None:
            raise NotFound
        fault = None
        if request.method == "POST":
            try:
                self._change(row)
            except Rejected as error:
                fault = error.message
            else:
                flash(gettext("已保存。"), "success")
                return redirect(url_for("DepartmentView.show", code=code))
        return self.page(
            "department_form.html", title=_("修改部门"), row=row, roles=ROLES, fault=fault, new=False
        )

    def _change(self, old: Any) -> None:
        form = request.form
        new = {
            "name": form.get("name", "").strip(),
            "uscc": form.get("uscc", "").strip() or None,
            "contact": form.get("contact", "").strip()[:100] or None,
            "roles": [role for role in ROLES if role in form.getlist("roles")],
            "active": "active" in form,
        }
        if not 2 <= len(new["name"]) <= 60 or not new["roles"]:
            raise Rejected(gettext("请填写部门名称（2 到 60 个字），并至少选择一项职能。"))
        _check_uscc(new["uscc"] or "")
        changed = {
            key: [getattr(old, key), value] for key, value in new.items() if getattr(old, key) != value
        }
        if not changed:
            return
        with here().engine.begin() as tx:
            taken = tx.scalar(
                select(Department.code).where(Department.name == new["name"], Department.code != old.code)
            )
            if taken:
                raise Rejected(gettext("名称已被部门 %(code)s 使用。", code=taken))
            tx.execute(update(Department).where(Department.code == old.code).values(**new))
            record(tx, Entry(actor(), "department.changed", f"department:{old.code}", detail=changed))

    @expose("/<code>/keys", methods=["POST"])
    @has_access
    @permission_name("keys")
    @sentence_on_refusal(to("DepartmentView.show"))
    def add_key(self, code: str) -> Response:
        """A further key: rotation overlaps."""
        try:
            pem = _pem()
        except UnusableKey as error:
            raise Rejected(str(error)) from error
        kid = kid_of(code, pem)
        with here().engine.begin() as tx:
            add_key(tx, code, pem, kid, actor=actor())
        flash(gettext("已登记密钥 %(kid)s，立即生效；旧密钥仍然有效，换完后请吊销。", kid=kid), "success")
        return redirect(url_for("DepartmentView.show", code=code))

    @expose("/<code>/keys/<kid>/revoke", methods=["POST"])
    @has_access
    @permission_name("keys")
    @sentence_on_refusal(lambda code, **_kid: url_for("DepartmentView.show", code=code))
    def revoke(self, code: str, kid: str) -> Response:
        """吊销."""
        with here().engine.begin() as tx:
            revoke_key(tx, kid, actor=actor(), reason=reason())
        flash(gettext("密钥 %(kid)s 已吊销，从现在起用它签名的消息一律不收。", kid=kid), "success")
        return redirect(url_for("DepartmentView.show", code=code))


def _states(tx: Connection, code: str) -> dict[str, int]:
    rows = tx.execute(select(Push.state, func.count()).where(Push.department == code).group_by(Push.state))
    return {row[0]: row[1] for row in rows}


def _check_uscc(uscc: str) -> None:
    if uscc and (fault := uscc_fault(uscc)):
        raise Rejected(gettext("统一社会信用代码不正确：%(fault)s", fault=fault))


def _pem() -> str:
    """The public key of the form, uploaded or pasted; a private key is refused and not kept."""
    upload = request.files.get("pem_file")
    text = (upload.read(65536).decode("ascii", "replace") if upload and upload.filename else "").strip()
    text = text or request.form.get("pem", "").strip()
    if not text:
        raise UnusableKey(gettext("请上传或粘贴公钥（PEM）。"))
    if "PRIVATE KEY" in text:
        raise UnusableKey(
            gettext("这是私钥！私钥只能留在部门，请改为上传公钥（BEGIN PUBLIC KEY），并考虑更换这对密钥。")
        )
    return spki_pem(load_public(text))
