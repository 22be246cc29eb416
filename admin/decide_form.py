"""A decision's form, read by a sheet's own rules into a decided case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time

from flask import g
from flask_babel import gettext
from sqlalchemy import Connection, select

from admin.premises import here
from hub.deciding.decided_case import DecidedCase, StepFacts
from hub.errors import Rejected
from hub.item import ServiceItem
from hub.sheets.sheet import Refusal, SheetRow, find_header, read_row
from hub.sheets.sheet_case import decided_case, load_catalogue
from hub.workday import LOCAL
from schemas import code_table

FIELDS = (
    "XK_XDR_MC", "XK_XDR_LB", "XK_XDR_SHXYM", "XK_FRDB", "XK_XDR_ZJLX", "XK_XDR_ZJHM", "XK_XKWS", "XK_WSH", "XK_XKLB",
    "XK_XKZS", "XK_XKBH", "XK_NR", "XK_JDRQ", "XK_YXQZ", "XK_YXQZI", "XK_XKJG", "XK_XKJGDM", "BZ",
)  # fmt: skip
ONLY_NATURAL = ("XK_XDR_ZJLX", "XK_XDR_ZJHM")
ONLY_BODIES = ("XK_XDR_SHXYM", "XK_FRDB")


def row_of(given: Mapping[str, str]) -> SheetRow | list[Refusal]:
    """The form as a sheet of one row, read by the sheet's own rules."""
    natural = given.get("XK_XDR_LB") == "natural"
    values = {name: given.get(name, "").strip() for name in FIELDS}
    values["XK_XDR_LB"] = code_table("party_kind").get(values["XK_XDR_LB"], "")
    for name in ONLY_BODIES if natural else ONLY_NATURAL:
        values[name] = ""
    if given.get("long_term"):
        values["XK_YXQZI"] = "长期"
    values |= {"XK_ZT": "1", "XK_LYDW": values["XK_XKJG"], "XK_LYDWDM": values["XK_XKJGDM"]}
    header = find_header([(1, list(values))])
    return read_row(header, list(values.values()), 2, today=datetime.now(LOCAL).date())


def by_field(refusals: Sequence[Refusal]) -> dict[str, str]:
    """What is wrong, by the form's fields."""
    said: dict[str, str] = {}
    for refusal in refusals:
        name = next((code for code in FIELDS if f"（{code}）" in refusal.column), "")
        sentence = f"{refusal.cause}。{refusal.expected}"
        said[name] = (
            f"{said[name]} {sentence}"
            if name in said
            else sentence
            if name
            else f"{refusal.column}：{sentence}"
        )
    return said


def day_of(text: str, name: str, faults: dict[str, str]) -> date | None:
    """A day that was typed."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        faults[name] = gettext("日期不正确。")
        return None


def case_of(tx: Connection, row: SheetRow, item_code: str, dates: Mapping[str, date | None]) -> DecidedCase:
    """The case of a valid row, with its item and steps. Raises Rejected."""
    now = datetime.now(UTC)
    case = decided_case(row, load_catalogue(tx, here().config.desk.area), loaded_at=now)
    item = tx.execute(
        select(ServiceItem.__table__).where(ServiceItem.code == item_code, ServiceItem.active)
    ).one_or_none()
    if item is None:
        raise Rejected(gettext("请选择事项。"))
    accepted = dates["accepted_on"] or dates["applied_on"]
    name = str(g.user.first_name)
    steps = [
        StepFacts(
            "决定", "通过", _at(row.decided_on), now, case.org_name, case.org_code, name, row.content[:500]
        )
    ]
    if accepted:
        if accepted > row.decided_on:
            raise Rejected(gettext("受理日期不能晚于决定日期。"))
        steps.insert(
            0, StepFacts("受理", "通过", _at(accepted), _at(accepted), case.org_name, case.org_code, name)
        )
    return replace(
        case,
        item_code=item.code,
        item_name=item.name,
        catalog_code=item.catalog_code or "",
        case_type=item.case_type,
        steps=tuple(steps),
        source="window",
        **dates,
    )


def _at(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=LOCAL).astimezone(UTC)
