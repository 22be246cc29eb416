"""The demo area 示范县 (990101, a region that does not exist): departments, items with their catalogue, push rules.

Guarantees: safe to repeat; what a data administrator changed or removed afterwards is left alone. Only synthetic bodies.
A department's private key stays in its own folder (demo_departments.py); here only its public key is registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from hub.department import Department, DepartmentKey
from hub.item import ServiceItem
from hub.ledger import Entry, record
from hub.pushing.rules.add_rule import add_rule
from hub.register_department import add_department, add_key
from hub.sheets.sheet_case import OTHER_ITEM
from shenguan.demo_catalogue import fill_catalogue
from shenguan.sample_words import AREA, COUNTY, OFFICES, PERMITS, uscc
from storage.signing import kid_of

__all__ = ["AREA", "CONNECTED", "COUNTY", "ensure_catch_all", "ensure_demo_area"]

ACTOR = "program:migrate"


@dataclass(frozen=True, slots=True)
class Connected:
    """A department with a connector of its own in the demo."""

    code: str
    name: str
    uscc: str
    roles: tuple[str, ...]
    adapter: str
    sign_within_days: int


CONNECTED = (
    Connected("scjg", OFFICES[1].name, OFFICES[1].code, ("supervising",), "table", 3),
    Connected("zhzf", f"{COUNTY}综合行政执法局", uscc("11", "MB000009"), ("enforcing",), "folder", 5),
)
APPROVING, APPROVING_TOO = "xzsp", "wjw"
# legal and promised working days, in the order of PERMITS
_LIMITS = (
    (20, 5),
    (30, 10),
    (20, 5),
    (7, 3),
    (20, 7),
    (30, 7),
    (20, 5),
    (45, 15),
    (20, 8),
    (60, 20),
    (20, 3),
    (45, 10),
)


def ensure_catch_all(tx: Connection) -> None:
    """The item of everything that no other item names; the hub cannot load a sheet without it."""
    row = {"code": OTHER_ITEM, "name": "其他行政许可", "item_type": "01"}
    tx.execute(pg_insert(ServiceItem).values(row).on_conflict_do_nothing())


def ensure_demo_area(tx: Connection, public_keys: Mapping[str, str]) -> bool:
    """Register the demo's departments, items, catalogue and rules once, and any new key; True when the area was made now."""
    ensure_catch_all(tx)
    fresh = not tx.execute(select(Department.code).where(Department.code == APPROVING)).first()
    if fresh:
        _approving(tx)
        _items(tx)
        _departments(tx, public_keys)
        _rules(tx)
        fill_catalogue(tx, actor=ACTOR)
    else:
        _new_keys(tx, public_keys)
    return fresh


def _approving(tx: Connection) -> None:
    """The approval office, and the health office, which approves, too: nothing is pushed to either."""
    for code, office in ((APPROVING, OFFICES[0]), (APPROVING_TOO, OFFICES[2])):
        row = {"code": code, "name": office.name, "uscc": office.code, "roles": ["approving"]}
        tx.execute(pg_insert(Department).values(row).on_conflict_do_nothing())
        detail = {"name": office.name, "roles": ["approving"]}
        record(tx, Entry(ACTOR, "department.added", f"department:{code}", detail=detail))


def _departments(tx: Connection, public_keys: Mapping[str, str]) -> None:
    for department in CONNECTED:
        pem = public_keys[department.code]
        add_department(
            tx,
            code=department.code,
            name=department.name,
            roles=department.roles,
            uscc=department.uscc,
            public_pem=pem,
            kid=kid_of(department.code, pem),
            actor=ACTOR,
        )


def _items(tx: Connection) -> None:
    rows = [
        {
            "code": f"XK-{number:03d}",
            "name": permit.item,
            "item_type": "01",
            "legal_days": legal,
            "promised_days": promised,
            "aliases": [permit.licence, permit.item, f"{permit.item}准予行政许可决定书"],
            "licence_type_code": f"{permit.office.code}{number:03d}",
            "licence_name": permit.licence,
        }
        for number, (permit, (legal, promised)) in enumerate(zip(PERMITS, _LIMITS, strict=True), 1)
    ]
    tx.execute(pg_insert(ServiceItem).on_conflict_do_nothing(), rows)


def _rules(tx: Connection) -> None:
    for department in CONNECTED:
        add_rule(
            tx, f"全部许可 → {department.name}", {department.code: department.sign_within_days}, actor=ACTOR
        )


def _new_keys(tx: Connection, public_keys: Mapping[str, str]) -> None:
    """A demo department whose key file was made anew announces itself with it."""
    codes = set(tx.execute(select(Department.code)).scalars())
    known = set(tx.execute(select(DepartmentKey.kid)).scalars())
    for code, pem in public_keys.items():
        kid = kid_of(code, pem)
        if code in codes and kid not in known:
            add_key(tx, code, pem, kid, actor=ACTOR)
