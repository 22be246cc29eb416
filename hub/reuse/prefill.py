"""Prefill 一表通: the application form filled from what is on file, each field with its source and date.

Guarantees: only sources that `match` allows, only fields that the grant names, nothing that still needs consent; what a
clerk typed wins, then the newest source. A person's number stays sealed and is shown masked. What stood in the form at
acceptance is kept with the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, delete
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.catalogue.fields import FieldDef, check_values, shown, stored
from hub.errors import NotFound, Rejected
from hub.ledger import Entry, record
from hub.ports import Desk
from hub.reuse.case_field import CaseField
from hub.reuse.form_sources import Offered, offered_fields
from hub.reuse.working_case import WorkingCase, read_case, working_case
from hub.round_trips import ask
from hub.workday import LOCAL


@dataclass(frozen=True, slots=True)
class PrefilledField:
    """One box of the form. `source_kind` is typed, party, licence, material, or None where nothing is on file."""

    name: str
    label: str
    type: str
    value_shown: str
    source_kind: str | None
    source_name: str | None
    source_date: date | None
    required: bool
    code_table: str | None = None
    max_length: int | None = None
    value_raw: str = ""  # as an input takes it; empty for a person's number


def prefill(tx: Connection, case_no: str, desk: Desk) -> list[PrefilledField]:
    """The form of a case, in its order."""
    case = read_case(tx, case_no, lock=False)
    values = _filled(tx, case, desk.clock().astimezone(LOCAL).date())
    return [_box(field, values.get(field.name)) for field in case.item.form]


def set_field(tx: Connection, case_no: str, name: str, raw: str, *, actor: str, desk: Desk) -> PrefilledField:
    """Keep what the clerk typed; nothing typed goes back to what is on file. Raises Rejected with the sentence."""
    case = working_case(tx, case_no, doing="改表单")
    field = next((one for one in case.item.form if one.name == name), None)
    if field is None:
        raise NotFound("表单里没有这一项。请刷新页面后再试。")
    if raw.strip():
        clean, faults = check_values([field], {name: raw})
        if faults:
            raise Rejected(faults[name])
        value = stored([field], clean, desk.identities)[name]
        _keep(tx, case_no, [(name, Offered(value, "typed", None, None, None))], actor)
    else:
        tx.execute(delete(CaseField).where(CaseField.case_no == case_no, CaseField.name == name))
    record(tx, Entry(actor, "case.field_set", f"case:{case_no}", case_no, detail={"field": name}))
    return _box(field, _filled(tx, case, desk.clock().astimezone(LOCAL).date()).get(name))


def save_fields(tx: Connection, case_no: str, desk: Desk, *, actor: str) -> int:
    """Keep the form as it stands now. Gives how many fields were newly kept."""
    case = working_case(tx, case_no, doing="保存表单")
    today = desk.clock().astimezone(LOCAL).date()
    return _keep(tx, case_no, _filled(tx, case, today).items(), actor)


def form_for_acceptance(
    tx: Connection, case: WorkingCase, today: date
) -> tuple[dict[str, Offered], list[str]]:
    """The form as it would be kept, and a sentence for each required field that is empty."""
    values = _filled(tx, case, today)
    empty = [field for field in case.item.form if field.required and field.name not in values]
    return values, [f"请填写表单中的“{field.label}”" for field in empty]


def keep_form(tx: Connection, case_no: str, values: Mapping[str, Offered], actor: str) -> None:
    """Keep the form of a case that is accepted."""
    _keep(tx, case_no, values.items(), actor)


_KEPT = """
SELECT name, value, source_kind, source_id, source_name, source_date FROM case_fields WHERE case_no = %(case_no)s
"""


def _filled(tx: Connection, case: WorkingCase, today: date) -> dict[str, Offered]:
    """The value of every field that has one: typed, else (once accepted) as it was kept, else the newest on file."""
    if not case.item.form:
        return {}
    (rows,) = ask(tx, (_KEPT, {"case_no": case.case_no}))
    kept = {row[0]: Offered(row[1], row[2], row[3], row[4], row[5]) for row in rows}
    if case.state == "preparing":
        kept = {name: one for name, one in kept.items() if one.kind == "typed"}
    missing = [field for field in case.item.form if field.name not in kept]
    return {**(_newest(missing, offered_fields(tx, case, today)) if missing else {}), **kept}


def _newest(fields: Sequence[FieldDef], offered: Mapping[str, Sequence[Offered]]) -> dict[str, Offered]:
    found: dict[str, Offered] = {}
    for field in fields:
        fitting = [one for one in offered.get(field.name, ()) if _fits(field, one.value)]
        if fitting:
            found[field.name] = max(fitting, key=lambda one: one.rank)
    return found


def _fits(field: FieldDef, value: Mapping[str, Any]) -> bool:
    """Whether a value from elsewhere can stand in this field: a sealed number only where a number is meant."""
    if "sealed" in value:
        return field.type in ("person_number", "text")
    clean, faults = check_values([field], {field.name: value.get("text", "")})
    return field.type != "person_number" and not faults and field.name in clean


def _keep(tx: Connection, case_no: str, values: Iterable[tuple[str, Offered]], actor: str) -> int:
    rows = [
        {
            "case_no": case_no,
            "name": name,
            "value": dict(one.value),
            "source_kind": one.kind,
            "source_id": one.id,
            "source_name": one.name,
            "source_date": one.day,
            "set_by": actor,
        }
        for name, one in values
    ]
    if not rows:
        return 0
    statement = pg_insert(CaseField)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in ("case_no", "name")}
    tx.execute(statement.on_conflict_do_update(index_elements=["case_no", "name"], set_=changed), rows)
    return len(rows)


def _box(field: FieldDef, one: Offered | None) -> PrefilledField:
    return PrefilledField(
        field.name,
        field.label,
        field.type,
        shown(one.value) if one else "",
        one.kind if one else None,
        one.name if one else None,
        one.day if one else None,
        field.required,
        field.code_table,
        field.max_length,
        str(one.value.get("text", "")) if one else "",
    )
