"""The application form: what was typed, kept as typed, and what it offers to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, select
from werkzeug.datastructures import MultiDict

from admin.sharing.grant_list import today
from admin.sharing.people import department_names, person
from hub.department import Department
from hub.errors import NotFound, Rejected
from hub.item import ServiceItem
from hub.sharing.apply_for_grant import YEARS, Application, years_after
from hub.sharing.limit import REPLY_CONDITIONAL, REPLY_UNCONDITIONAL, SHARE, Limit
from hub.sharing.resource import Resource, find_resource


class GrantForm:
    """What the applicant typed; before that, what is usual."""

    def __init__(self, given: MultiDict[str, str]) -> None:
        self._given = given

    def get(self, name: str) -> str:
        """One text."""
        if name in self._given:
            return self._given[name]
        first = today()
        usual = {"period_from": first, "period_to": years_after(first, 1) - timedelta(days=1)}
        return usual[name].isoformat() if name in usual else ""

    def has(self, name: str, value: str) -> bool:
        """Whether a box is ticked."""
        return value in self._given.getlist(name)

    def application(self) -> Application:
        """As the use case takes it. Raises Rejected."""
        given = self._given
        return Application(
            resource_kind=given.get("kind", ""),
            resource_code=given.get("code", ""),
            department=person().department or given.get("department", ""),
            basis=given.get("basis", ""),
            scene=given.get("scene", ""),
            scope=given.get("scope", ""),
            period_from=_day(self.get("period_from")),
            period_to=_day(self.get("period_to")),
            item_codes=tuple(given.getlist("item")),
            fields=tuple(given.getlist("field")),
        )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Rejected(gettext("请填写使用期限，如 2026-09-18。")) from None


def chosen(tx: Connection, values: Mapping[str, str]) -> Resource | None:
    """The resource that the address or the form names; None: it is still to be chosen."""
    kind, code = values.get("kind"), values.get("code")
    if not kind or not code:
        return None
    try:
        return find_resource(tx, kind, code)
    except NotFound:
        return None


def office(tx: Connection, resource: Resource | None) -> dict[str, Any]:
    """Whose application it is, which clock runs, and which items there are."""
    own = person().department
    names = department_names(tx)
    limits = {row.name: row.working_days for row in tx.execute(select(Limit.name, Limit.working_days))}
    conditional = resource is None or resource.sharing != "unconditional"
    items, offices = [], []
    if resource is not None:
        items = list(
            tx.execute(
                select(ServiceItem.code, ServiceItem.name)
                .where(ServiceItem.active)
                .order_by(ServiceItem.name)
            )
        )
        offices = list(
            tx.execute(
                select(Department.code, Department.name)
                .where(Department.active, Department.code != (resource.provider or ""))
                .order_by(Department.name)
            )
        )
    return {
        "own": own,
        "own_name": names.get(own or ""),
        "may_choose": person().administers and own is None,
        "offices": offices,
        "items": items,
        "reply_days": limits[REPLY_CONDITIONAL if conditional else REPLY_UNCONDITIONAL],
        "share_days": limits[SHARE],
        "longest_years": YEARS,
    }
