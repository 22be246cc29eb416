# ruff: noqa: RUF012 - Flask-AppBuilder reads its settings from class attributes of these very types
"""编码规则: the accepted shapes of item codes, with a box to try a code."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_appbuilder import ModelView, expose, has_access, permission_name
from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, ValidationError

from admin import cells
from admin.catalogue.choices import HUB_TITLES
from admin.premises import here
from hub.catalogue.code_pattern import CodePattern
from hub.catalogue.code_shapes import CODE_LENGTH, matches, pattern_fault


def _sound(_form: Any, field: Any) -> None:
    fault = pattern_fault(field.data or "")
    if fault:
        raise ValidationError(fault)


def _fits(form: Any, field: Any) -> None:
    if not pattern_fault(form.pattern.data or "") and not matches(form.pattern.data, field.data or ""):
        raise ValidationError(gettext("示例不符合这条规则，请改规则或改示例。"))


def _line(label: Any, *checks: Any, hint: Any = "") -> StringField:
    return StringField(
        label, [DataRequired(), Length(max=200), *checks], description=hint, widget=BS3TextFieldWidget()
    )


class CodePatternView(ModelView):
    """编码规则."""

    route_base = "/code-patterns"
    datamodel = SQLAInterface(CodePattern)
    base_permissions = ["can_list", "can_show", "can_add", "can_edit"]
    list_template = "shenguan/catalogue_patterns.html"
    list_title, show_title = _("编码规则"), _("编码规则")
    add_title, edit_title = _("新增编码规则"), _("修改编码规则")
    list_columns = ["kind", "name", "pattern", "example", "seq", "active"]
    show_columns = ["kind", "name", "pattern", "example", "source", "seq", "active"]
    add_columns = show_columns
    edit_columns = show_columns
    search_columns = ["kind", "name", "active"]
    order_columns = ["kind", "name", "seq"]
    base_order = ("kind", "asc")
    label_columns = {
        "kind": _("编码"),
        "name": _("规则名称"),
        "pattern": _("规则"),
        "example": _("示例"),
        "source": _("依据"),
        "seq": _("顺序"),
        "active": _("状态"),
    }
    description_columns = {
        "pattern": _("正则表达式，整个编码都要符合；如 [0-9]{12} 表示 12 位数字"),
        "example": _("一个符合规则的编码"),
    }
    formatters_columns = {
        "kind": lambda value: HUB_TITLES["code"].get(value, value),
        "pattern": cells.mono,
        "example": cells.mono,
        "active": lambda value: cells.word("active", value),
    }
    edit_form_extra_fields = {
        "kind": SelectField(
            label_columns["kind"],
            choices=[SelectChoice(key, text) for key, text in HUB_TITLES["code"].items()],
        ),
        "name": _line(label_columns["name"]),
        "pattern": _line(label_columns["pattern"], _sound, hint=description_columns["pattern"]),
        "example": _line(
            label_columns["example"], Length(max=CODE_LENGTH), _fits, hint=description_columns["example"]
        ),
        "source": _line(label_columns["source"]),
        "seq": IntegerField(label_columns["seq"], [InputRequired(), NumberRange(0, 9999)], default=100),
    }
    add_form_extra_fields = {
        **edit_form_extra_fields,
        "active": BooleanField(label_columns["active"], default=True),
    }

    @expose("/try")
    @has_access
    @permission_name("list")
    def attempt(self) -> str:
        """Which active rules a code matches."""
        code = request.args.get("code", "").strip()[:200]
        with here().engine.connect() as tx:
            rows = tx.execute(
                select(CodePattern.kind, CodePattern.name, CodePattern.pattern)
                .where(CodePattern.active)
                .order_by(CodePattern.kind, CodePattern.seq)
            ).all()
        found = [row for row in rows if matches(row.pattern, code)] if code else []
        return render_template(
            "shenguan/catalogue_try.html", code=code, found=found, titles=HUB_TITLES, longest=CODE_LENGTH
        )
