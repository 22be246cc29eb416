"""What the editor of a licence type posts - boxes of the rules, fields and layout as JSON - read into values the hub checks.

Guarantees: nothing is trusted; for a sample, what is wrong in one line or element is named and left out, so that the rest
can still be drawn while somebody types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext

from admin.catalogue.posted import MOST_JSON, boxes, listed
from hub.catalogue.faults import Fault, Faulty
from hub.catalogue.fields import FieldDef, parse_defs
from hub.errors import Rejected
from hub.licensing.face import Layout
from hub.licensing.types.layout import parse_layout
from hub.licensing.types.type_rules import TypeRules, parse_rules
from schemas import Malformed, loads

TEXTS = (
    "name",
    "definer_code",
    "definer_name",
    "issuer_mode",
    "issuer_code",
    "issuer_name",
    "number_rule",
    "validity_kind",
    "validity_length",
    "validity_field",
    "warn_days",
)
TICKS = ("ofd", "sm2")
LISTS = ("holder_kinds",)
SHARING = ("provider", "sharing", "sharing_conditions", "sharing_basis")


@dataclass(frozen=True, slots=True)
class Design:
    """What stands in an editor, as far as it can be read, and what is wrong with the rest."""

    rules: TypeRules
    fields: tuple[FieldDef, ...]
    layout: Layout
    faults: tuple[Fault, ...] = ()
    ids: tuple[str, ...] = ()  # of the elements as they were sent, by line

    def element_faults(self) -> list[tuple[str, str]]:
        """Faults of the layout by element's id."""
        return [
            (self.ids[one.line - 1], one.sentence)
            for one in self.faults
            if one.part == "layout" and 0 < one.line <= len(self.ids)
        ]

    def other_faults(self) -> list[list[Any]]:
        """The rest: part, line from 0, box, sentence with its place."""
        placed = {id_ for id_, _sentence in self.element_faults()}
        return [
            [one.part, one.line - 1, one.field, f"{one.place}{one.sentence}"]
            for one in self.faults
            if not (
                one.part == "layout" and 0 < one.line <= len(self.ids) and self.ids[one.line - 1] in placed
            )
        ]


def posted() -> dict[str, Any]:
    """The form as it was sent: rules, fields, layout."""
    return {"rules": boxes(TEXTS, TICKS, LISTS), "fields": listed("fields"), "layout": listed("layout")}


def sent_design() -> dict[str, Any]:
    """The design in a JSON body, or in the box `design` of a form. Raises Rejected."""
    raw: str | bytes = request.form["design"] if "design" in request.form else request.get_data(cache=False)
    if len(raw) > MOST_JSON:
        raise Rejected(gettext("内容太长，画不出样张。请减少元素或文字。"))
    try:
        said = loads(raw if isinstance(raw, bytes) else raw.encode())
    except Malformed as error:
        raise Rejected(gettext("页面传来的内容读不出来，请刷新后重试。")) from error
    if not isinstance(said, dict):
        raise Rejected(gettext("页面传来的内容读不出来，请刷新后重试。"))
    return said


def read_design(said: Mapping[str, Any], now: Mapping[str, Any]) -> Design:
    """What can be read of a design; `now`: the rules that hold where nothing is said."""
    fields, faults = _fields(said.get("fields", ()))
    given = said.get("rules")
    rules, wrong = parse_rules({**now, **given} if isinstance(given, Mapping) else dict(now), fields)
    layout, misplaced = _layout(said.get("layout", {}), fields)
    raw = said.get("layout")
    elements = raw.get("elements") if isinstance(raw, Mapping) else None
    listed_ = elements if isinstance(elements, list) else []
    ids = tuple(str(one.get("id", ""))[:40] if isinstance(one, Mapping) else "" for one in listed_)
    return Design(rules, fields, layout, (*faults, *wrong, *misplaced), ids)


def _fields(raw: Any) -> tuple[tuple[FieldDef, ...], tuple[Fault, ...]]:
    try:
        return parse_defs(raw), ()
    except Faulty as error:
        if not isinstance(raw, Sequence) or isinstance(raw, str):
            return (), error.faults
        bad = {fault.line for fault in error.faults}
        kept = [one for line, one in enumerate(raw, 1) if line not in bad]
        return (parse_defs(kept) if 0 not in bad else ()), error.faults


def _layout(raw: Any, fields: tuple[FieldDef, ...]) -> tuple[Layout, tuple[Fault, ...]]:
    try:
        return parse_layout(raw, fields), ()
    except Faulty as error:
        bad = {fault.line for fault in error.faults}
        if 0 in bad or not isinstance(raw, Mapping):
            return Layout(), error.faults
        kept = [one for line, one in enumerate(raw.get("elements", ()), 1) if line not in bad]
        return parse_layout({**raw, "elements": kept}, fields), error.faults
