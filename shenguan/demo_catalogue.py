"""The demo's catalogue: material types, licence types, published material lists, and two grants to show sharing.

Guarantees: made once, on a fresh area, by the same verbs that the pages use; all of it is in the ledger.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert

from hub.catalogue.draft_item import draft_item, set_form, set_header, set_requirements
from hub.catalogue.draft_type import add_type, set_type
from hub.catalogue.item_lines import Line
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.publish_item import publish_item
from hub.catalogue.publish_type import publish_type
from hub.ledger import Entry, record
from hub.sharing.grant import Grant
from hub.workday import LOCAL
from shenguan.demo_catalogue_words import (
    BUSINESS_LICENCE,
    FORM,
    FORMS,
    HEALTH,
    LISTS,
    MARKET,
    OFFICE,
    STEPS,
    TYPES,
)
from shenguan.demo_licences import publish_licence_types
from shenguan.sample_words import OFFICES, PERMITS, Permit

_HEALTH_OFFICE = OFFICES[2]
_DEPARTMENTS_OF = {office.code: f"{number:02d}" for number, office in enumerate(OFFICES, 1)}
#: resource kind, code, who uses, who provides, what for
_GRANTS = (
    ("material", "CL001", HEALTH, OFFICE, "公共场所、医疗机构许可时核对主体资格"),
    ("material", "CL006", OFFICE, HEALTH, "食品经营许可时核对从业人员健康状况"),
    ("material", "CL015", OFFICE, MARKET, "受理时核对登记信息，代替营业执照复印件"),
    ("material", "CL015", HEALTH, MARKET, "受理时核对登记信息，代替营业执照复印件"),
)


def fill_catalogue(tx: Connection, *, actor: str) -> None:
    """Everything, on an area that has its departments and items."""
    _licence_types(tx, actor)
    for code, name, provider, header, fields in TYPES:
        draft = add_type(tx, code=code, name=name, actor=actor)
        set_type(tx, draft, {"provider": provider, **header}, fields, actor=actor)
        publish_type(tx, draft, actor=actor)
    for number, permit in enumerate(PERMITS, 1):
        _item(tx, number, permit, actor)
    publish_licence_types(tx, actor=actor)
    _grants(tx, actor)


def licence_code(number: int | str) -> str:
    """A demo licence type's code, by the last three of it."""
    if number == BUSINESS_LICENCE:
        return f"{OFFICES[1].code}{number}"
    return f"{PERMITS[int(number) - 1].office.code}{int(number):03d}"


def _provider(permit: Permit) -> str:
    return HEALTH if permit.office == _HEALTH_OFFICE else OFFICE


def _licence_types(tx: Connection, actor: str) -> None:
    rows = [
        {"code": licence_code(number), "name": permit.licence, "provider": _provider(permit)}
        for number, permit in enumerate(PERMITS, 1)
    ]
    rows.append({"code": licence_code(BUSINESS_LICENCE), "name": "营业执照", "provider": OFFICE})
    tx.execute(insert(LicenceType), rows)
    record(
        tx,
        *(Entry(actor, "licence_type.added", f"licence_type:{row['code']}", detail=row) for row in rows),
    )


def _item(tx: Connection, number: int, permit: Permit, actor: str) -> None:
    code = f"XK-{number:03d}"
    catalog = f"9901{_DEPARTMENTS_OF[permit.office.code]}{number:03d}001"
    task = f"{permit.office.code}4{catalog}"
    header = {
        "catalog_code": catalog,
        "task_code": task,
        "handle_item_code": f"{task}01",
        "local_catalog_code": code,
        "local_task_code": f"{code}-01",
        "special_steps": STEPS.get(number, []),
    }
    draft = draft_item(tx, code, actor=actor)
    set_header(tx, draft, header, actor=actor)
    set_form(tx, draft, FORMS.get(number, FORM), actor=actor)
    set_requirements(tx, draft, _lines(LISTS[number]), actor=actor)
    publish_item(tx, draft, actor=actor)


def _lines(lines: Sequence[Line]) -> list[Line]:
    return [
        replace(
            line,
            stand_ins=tuple(
                (kind, licence_code(code) if kind == "licence" else code) for kind, code in line.stand_ins
            ),
        )
        for line in lines
    ]


def _grants(tx: Connection, actor: str) -> None:
    now = datetime.now(UTC)
    today = now.astimezone(LOCAL).date()
    for kind, code, using, provider, scene in _GRANTS:
        grant = uuid.uuid4()
        tx.execute(
            insert(Grant).values(
                id=grant,
                resource_kind=kind,
                resource_code=code,
                department=using,
                provider=provider,
                sharing="conditional" if code == "CL006" else "unconditional",
                basis="《政务数据共享条例》第十五条；本县数据共享工作安排",
                scene=scene,
                scope="受理窗口，仅限本部门办理的事项",
                period_from=today,
                period_to=today + timedelta(days=365),
                state="granted",
                applied_by=actor,
                reply_by=now + timedelta(days=14),
                decided_by=actor,
                decided_at=now,
                share_by=now + timedelta(days=28),
            )
        )
        detail = {"resource": f"{kind}:{code}", "department": using, "provider": provider}
        record(tx, Entry(actor, "grant.granted", f"grant:{grant}", reason=scene, detail=detail))
