"""A form to report something: its defaults, what was typed, and the message that it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import request
from flask_babel import gettext

from admin.inbox.acts import Act
from admin.inbox.evidence import brought, named
from admin.inbox.facts import Surroundings, next_round
from admin.inbox.nonce import new_mark, read_mark
from admin.inbox.own import Mine, person
from admin.inbox.reading import read_form, written
from hub.errors import Rejected
from hub.joining.speak_for import Statement, Unsaid, statement_id
from hub.workday import LOCAL
from storage.intake.evidence import Kept


@dataclass(slots=True)
class Form:
    """What the page shows: values and faults by box, the files that are brought already."""

    mark: str
    number: str
    values: Mapping[str, Any]
    corrects: str = ""
    files: Sequence[Kept] = ()
    faults: Mapping[str, str] = field(default_factory=dict)


def fresh_form(
    act: Act, around: Surroundings, *, before: Mapping[str, Any] | None = None, corrects: str = ""
) -> Form:
    """An empty form with what is most likely; or what was reported `before`, to be corrected."""
    mark = new_mark(around.push.id, act.key)
    nonce = read_mark(mark, around.push.id, act.key)
    today = datetime.now(UTC).astimezone(LOCAL)
    values: dict[str, Any]
    if before is not None:
        values = {box.name: written(box, before.get(box.name)) for box in act.boxes}
        if before.get("finding_department"):
            values["finding_no"] = f"{before['finding_department']}/{before.get('finding_no', '')}"
    else:
        values = _likely(act, around, today) | {
            name: value for name, value in request.args.items() if any(name == box.name for box in act.boxes)
        }
    return Form(mark, f"{act.prefix}-{today:%Y%m%d}-{nonce[:5].upper()}", values, corrects)


def _likely(act: Act, around: Surroundings, today: datetime) -> dict[str, Any]:
    asked = [one for one in around.standing("inspection") if one.handling == "2"]
    about = asked[0].finding_no if asked and act.key == "rectification" else None
    now, day = f"{today:%Y-%m-%dT%H:%M}", f"{today:%Y-%m-%d}"
    likely: dict[str, Any] = {
        "plan_name": gettext("%(year)s 年度监管计划", year=today.year),
        "from": day,
        "inspected_at": now,
        "checked_at": now,
        "decided_on": day,
        "recorded_on": day,
        "inspectors": person(),
        "inspection_form": "on_site",
        "inspection_way": "daily",
        "publicity": "internal",
        "finding_no": about or "",
        "round": str(next_round(around, about)),
    }
    return {box.name: likely[box.name] for box in act.boxes if box.name in likely}


def posted_form(act: Act) -> Form:
    """What was typed, to be shown again."""
    values = {
        box.name: request.form.getlist(box.name) if box.kind == "codes" else request.form.get(box.name, "")
        for box in act.boxes
    }
    return Form(
        request.form.get("mark", ""),
        request.form.get("number", "").strip(),
        values,
        request.form.get("corrects", "").strip(),
    )


def statement_of(act: Act, form: Form, around: Surroundings, own: Mine, licence: str | None) -> Statement:
    """The message of the posted form. Raises Unsaid by box; Rejected where the form was not made here."""
    try:
        nonce = read_mark(form.mark, around.push.id, act.key)
    except Rejected:
        form.mark = new_mark(around.push.id, act.key)
        raise
    said, faults = read_form(act, request.form)
    form.files, wrong = brought(own.code)
    if wrong:
        faults["files"] = wrong
    if not 1 <= len(form.number) <= 64:
        faults["number"] = gettext("请填写编号（至多 64 个字）。")
    if faults:
        raise Unsaid(faults)
    if "/" in str(said.get("finding_no", "")) and act.key == "enforcement":
        department, _, number = str(said["finding_no"]).partition("/")
        said |= {"finding_no": number, "finding_department": department}
    data: dict[str, Any] = {
        act.number: form.number,
        "project_no": around.push.case_no,
        "push_id": str(around.push.id),
        **({"certificateIdentifier": licence} if licence else {}),
        **said,
        **_moments(act, said),
        **({"corrects": form.corrects} if form.corrects else {}),
        **({"files": named(list(form.files))} if form.files else {}),
    }
    stable = {name: value for name, value in data.items() if name != "at"}
    return Statement(
        act.event_type, around.push.case_no, data, statement_id(own.code, act.key, nonce, stable)
    )


def _moments(act: Act, said: Mapping[str, Any]) -> dict[str, Any]:
    """What no box asks for: when something was withdrawn, the year of a plan."""
    if act.key == "withdrawal":
        return {"at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")}
    if act.key == "plan" and "from" in said:
        return {"year": int(str(said["from"])[:4])}
    return {}
