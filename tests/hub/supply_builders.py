"""Supplied data for tests."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Connection, insert, update

from hub.catalogue.material_type import MaterialType, MaterialTypeVersion
from hub.exchange.arrived import Arrived
from hub.ports import Desk
from storage.signing import Signer
from tests.hub.builders import NOW, message

FIELDS = [
    {"name": "address", "label": "住所", "type": "text", "required": True},
    {"name": "manager_no", "label": "负责人公民身份号码", "type": "person_number"},
]


def provided_type(tx: Connection, provider: str, code: str = "qydjxx") -> None:
    """A published material type that `provider` supplies as data."""
    tx.execute(insert(MaterialType).values(code=code, name=f"企业登记信息 {code}", provider=provider))
    version = uuid.uuid4()
    tx.execute(
        insert(MaterialTypeVersion).values(
            id=version, type_code=code, number=1, fields=FIELDS, created_by="user:test"
        )
    )
    tx.execute(
        update(MaterialTypeVersion)
        .where(MaterialTypeVersion.id == version)
        .values(state="published", published_at=NOW, published_by="user:test")
    )
    tx.execute(update(MaterialType).where(MaterialType.code == code).values(published_version=1))


def a_supply(
    desk: Desk, signer: Signer, number: str = "DJ-1", *, as_of: str = "2026-09-18T01:00:00Z", **changes: Any
) -> Arrived:
    """One data set about 示范县青禾饮食有限公司."""
    data = {
        "supply_no": number,
        "material_type": "qydjxx",
        "party": {
            "kind": "legal",
            "name": "示范县青禾饮食有限公司",
            "code_type": "001",
            "code": "91370102MA3C00011F",
        },
        "fields": {"address": "示范县样例路1号", "manager_no": "990101199001010019"},
        "as_of": as_of,
        "change": "current",
        **changes,
    }
    return message(desk, signer, "material.supplied.v1", number, data)
