"""Departments, resources and people for the tests of sharing."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, insert

from hub.catalogue.licence_type import LicenceType
from hub.catalogue.material_type import MaterialType, MaterialTypeVersion
from hub.department import Department
from hub.item import ServiceItem
from hub.ports import Desk
from hub.sharing.apply_for_grant import Application, apply_for_grant
from hub.sharing.person import Person

USING, PROVIDER, THIRD = "sgxzsp", "sggaj", "sgwjw"
APPLICANT = Person("user:using", USING)
PROVIDES = Person("user:provider", PROVIDER)
STRANGER = Person("user:third", THIRD)
ADMIN = Person("user:data_admin", None, administers=True)
PEOPLE = (APPLICANT, PROVIDES, STRANGER, ADMIN)
LICENCE = "11100000000013338W001"
FIELDS = [
    {"name": "holder", "label": "姓名", "type": "text", "required": True},
    {"name": "address", "label": "住址", "type": "text", "required": False},
]


def sharing_catalogue(tx: Connection) -> None:
    """Three departments; a material of each sharing attribute, one without a provider, a licence type, an item."""
    names = {USING: "示范区行政审批局", PROVIDER: "示范区公安局", THIRD: "示范区卫生健康局"}
    tx.execute(insert(Department), [{"code": c, "name": n, "roles": ["approving"]} for c, n in names.items()])
    tx.execute(insert(ServiceItem).values(code="SG-001", name="示范区旅馆业特种行业许可"))
    for code, name, sharing, provider in (
        ("SG-ID", "示范居民身份证", "conditional", PROVIDER),
        ("SG-OPEN", "示范公开目录", "unconditional", PROVIDER),
        ("SG-SECRET", "示范犯罪记录", "none", PROVIDER),
        ("SG-ORPHAN", "示范无主材料", "conditional", None),
    ):
        add_type(tx, code, name, sharing, provider)
    tx.execute(
        insert(LicenceType).values(
            code=LICENCE, name="示范特种行业许可证", provider=PROVIDER, sharing="conditional"
        )
    )


def add_type(tx: Connection, code: str, name: str, sharing: str, provider: str | None) -> None:
    """A published material type."""
    tx.execute(
        insert(MaterialType).values(
            code=code,
            name=name,
            sharing=sharing,
            sharing_basis="依法不予共享" if sharing == "none" else "",
            provider=provider,
            published_version=1,
        )
    )
    tx.execute(
        insert(MaterialTypeVersion).values(
            id=uuid.uuid4(),
            type_code=code,
            number=1,
            state="published",
            fields=FIELDS,
            created_by="user:test",
            published_by="user:test",
            published_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
    )


def an_application(**changes: Any) -> Application:
    """An application that is fine."""
    facts: dict[str, Any] = {
        "resource_kind": "material",
        "resource_code": "SG-ID",
        "department": USING,
        "basis": "旅馆业治安管理办法第四条",
        "scene": "办理特种行业许可时核验经营者身份",
        "scope": "仅限窗口核验，不留存",
        "period_from": date(2026, 9, 18),
        "period_to": date(2027, 9, 17),
    }
    return Application(**{**facts, **changes})


def applied(tx: Connection, desk: Desk, *, person: Person = APPLICANT, **changes: Any) -> uuid.UUID:
    """An application that was put in."""
    return apply_for_grant(tx, an_application(**changes), desk, person=person)
