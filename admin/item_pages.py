# ruff: noqa: RUF012 - Flask-AppBuilder reads its settings from class attributes of these very types
"""推送规则: configuration, edited with Flask-AppBuilder's own forms; each change goes to the ledger."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import ModelView
from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.validators import Unique
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import joinedload
from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional, Regexp

from admin import cells
from hub.item import PushRule
from schemas import code_table


def _line(datamodel: Any, column: str, label: Any, *, required: bool = False, hint: Any = "") -> StringField:
    """A text in one line: Flask-AppBuilder makes a box of several lines for every text without a length."""
    checks: list[Any] = [DataRequired() if required else Optional()]
    if required and datamodel.is_unique(column):
        checks.append(Unique(datamodel, column))
    return StringField(label, checks, description=hint, widget=BS3TextFieldWidget())


def _choice(table: str) -> list[SelectChoice]:
    return [SelectChoice(key, f"{key} {text}") for key, text in code_table(table).items()]


def _or_any(table: str) -> list[SelectChoice]:
    return [SelectChoice("", "不限"), *_choice(table)]


def _none(value: Any) -> Any:
    return value or None


class _Rules(SQLAInterface):  # type: ignore[misc]  # untyped package
    """Rules with their item and department in one query."""

    def apply_inner_select_joins(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        """Only for the rules themselves: Flask-AppBuilder makes one of these for each related table, too."""
        query = super().apply_inner_select_joins(query, *args, **kwargs)
        if self.obj is not PushRule:
            return query
        return query.options(joinedload(PushRule.item), joinedload(PushRule.department_row))


class PushRuleView(ModelView):
    """推送规则."""

    route_base = "/rules"
    datamodel = _Rules(PushRule)
    base_permissions = ["can_list", "can_show", "can_add", "can_edit"]
    list_title, show_title = _("推送规则"), _("推送规则")
    add_title, edit_title = _("新增推送规则"), _("修改推送规则")
    list_columns = [
        "name",
        "item",
        "area_prefix",
        "result_type",
        "party_kind",
        "department_row",
        "sign_within_days",
        "active",
    ]
    show_columns = list_columns
    add_columns = list_columns
    edit_columns = list_columns
    search_columns = ["name", "item", "department_row", "active"]
    order_columns = ["name", "sign_within_days"]
    base_order = ("id", "asc")
    label_columns = {
        "name": _("规则名称"),
        "item": _("事项"),
        "area_prefix": _("区划前缀"),
        "result_type": _("办结结果"),
        "party_kind": _("相对人类别"),
        "department_row": _("推送给"),
        "sign_within_days": _("签收时限（工作日）"),
        "active": _("状态"),
    }
    description_columns = {
        "item": _("留空表示所有事项"),
        "area_prefix": _("区划代码开头，如 990101；留空表示全部区域"),
        "sign_within_days": _("0 到 90"),
    }
    formatters_columns = {
        "item": lambda value: cells.plain(value) if value else cells.pill(_("不限")),
        "area_prefix": lambda value: cells.mono(value) if value else cells.pill(_("不限")),
        "result_type": lambda value: cells.code("result_type", value) if value else cells.pill(_("不限")),
        "party_kind": lambda value: cells.code("party_kind", value) if value else cells.pill(_("不限")),
        "active": lambda value: cells.word("active", value),
    }
    _fields = {
        "result_type": SelectField(label_columns["result_type"], choices=_or_any("result_type")),
        "party_kind": SelectField(label_columns["party_kind"], choices=_or_any("party_kind")),
        "sign_within_days": IntegerField(
            label_columns["sign_within_days"], [InputRequired(), NumberRange(0, 90)], default=3
        ),
    }
    _fields |= {
        "name": _line(datamodel, "name", label_columns["name"], required=True),
        "area_prefix": StringField(
            label_columns["area_prefix"],
            [Optional(), Regexp(r"^[0-9]{2,12}$", message=_("只含数字，2 到 12 位"))],
            description=description_columns["area_prefix"],
            widget=BS3TextFieldWidget(),
        ),
    }
    add_form_extra_fields = {**_fields, "active": BooleanField(label_columns["active"], default=True)}
    edit_form_extra_fields = _fields

    def pre_add(self, item: PushRule) -> None:
        """An empty condition matches everything, so it is stored as unknown."""
        for name in ("area_prefix", "result_type", "party_kind"):
            setattr(item, name, _none(getattr(item, name)))

    pre_update = pre_add
