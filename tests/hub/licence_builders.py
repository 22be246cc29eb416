"""A published licence type, orders, and the real press on the real store, for tests of issuing."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, insert, text

from hub.catalogue.licence_type import LicenceType
from hub.deciding.decided_case import PartyFacts
from hub.department import Department
from hub.identifiers import organisation_check_char, uscc_check_char
from hub.licensing.issuing.order import Order
from hub.licensing.types.publish_licence_type import publish_licence_type
from hub.licensing.types.save_licence_type import save_licence_type
from storage.files import FileStore
from storage.key_encryption import KeyEncryption
from storage.licences.credentials import Credentials
from storage.licences.demo_credentials import make_demo_credentials
from storage.licences.press import LicencePress
from storage.licences.tokens import LicenceTokens
from storage.objects import ObjectStore
from tests.conftest import Parts

TYPE = "11370100MB00000194001"
ISSUER = "11370100MB00000194"
OFFICE, OFFICE_NAME = "xzsp", "示范县行政审批服务局"
TODAY = date(2026, 9, 18)  # of tests.hub.builders.NOW

RULES: dict[str, Any] = {
    "name": "食品经营许可证",
    "definer_code": "11370100MB00000194",
    "definer_name": "示范省市场监督管理局",
    "number_rule": "JY{yyyy}{seq:6}",
    "validity_kind": "months",
    "validity_length": 60,
}
FIELDS: list[dict[str, Any]] = [
    {"name": "place", "label": "经营场所", "type": "text", "required": True, "max_length": 100},
    {"name": "scope", "label": "经营项目", "type": "long_text", "required": False},
    {"name": "person", "label": "负责人证件号码", "type": "person_number", "required": False},
]


def _field(id_: str, y: float, source: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "kind": "field", "x": 30, "y": y, "w": 150, "h": 8, "source": source, **more}


LAYOUT: dict[str, Any] = {
    "width": 210,
    "height": 297,
    "elements": [
        {"id": "frame", "kind": "border", "x": 10, "y": 10, "w": 190, "h": 277, "style": "double"},
        _field("title", 30, "$name", h=16, size=28, align="center"),
        _field("holder", 70, "$holder", prefix="经营者名称："),
        _field("code", 80, "$holder_code", prefix="代码："),
        _field("number", 90, "$number", prefix="许可证编号："),
        _field("place", 100, "place", prefix="经营场所：", overflow="shrink"),
        _field("scope", 110, "scope", prefix="经营项目：", h=24, overflow="shrink"),
        _field("person", 140, "person", prefix="负责人证件：", format="遮盖"),
        _field("validity", 150, "$validity", prefix="有效期："),
        _field("issuer", 220, "$issuer", align="right"),
        _field("day", 232, "$issued_on", align="right", format="中文"),
        {"id": "code2d", "kind": "qr", "x": 30, "y": 215, "w": 30, "h": 30},
        {"id": "seal", "kind": "seal", "x": 140, "y": 210, "w": 40, "h": 40},
    ],
}  # fmt: skip


def the_office(
    tx: Connection, code: str = OFFICE, name: str = OFFICE_NAME, uscc: str | None = ISSUER
) -> None:
    """The department that issues."""
    tx.execute(insert(Department).values(code=code, name=name, uscc=uscc, roles=["approving"]))


def a_type(
    tx: Connection,
    code: str = TYPE,
    *,
    publish: bool = True,
    rules: dict[str, Any] | None = None,
    fields: list[dict[str, Any]] | None = None,
    layout: dict[str, Any] | None = None,
) -> None:
    """A licence type in the catalogue with a version, published unless told otherwise."""
    said = {
        "rules": {**RULES, **(rules or {})},
        "fields": FIELDS if fields is None else fields,
        "layout": LAYOUT if layout is None else layout,
    }
    tx.execute(insert(LicenceType).values(code=code, name=said["rules"]["name"]))
    draft = save_licence_type(tx, code, said, actor="user:test")
    if publish:
        publish_licence_type(tx, draft, actor="user:test")


def a_shop(number: int = 1) -> PartyFacts:
    """A holder; equal numbers are the same one."""
    body = f"MA3{number:05d}"
    first = f"91370102{body}{organisation_check_char(body)}"
    return PartyFacts("legal", f"示范县第{number}食品有限公司", first + uscc_check_char(first), "001", "安然")


A_PERSON = PartyFacts("natural", "安然", "990101199001010019", "111")


def an_order(**changes: Any) -> Order:
    """A first issue of the sample type."""
    order = Order(
        type_code=TYPE,
        holders=(a_shop(),),
        values={"place": "示范县人民路 1 号", "scope": "热食类食品制售"},
        department=OFFICE,
        issued_on=TODAY,
    )
    return replace(order, **changes)


def some_files(parts: Parts, bucket: str) -> FileStore:
    """A file store on the real object store, with keys of its own."""
    objects = ObjectStore(
        parts.s3_endpoint, access_key=parts.s3_access_key, secret_key=parts.s3_secret_key, bucket=bucket
    )
    objects.ensure_bucket()
    return FileStore(objects, KeyEncryption(os.urandom(32)))


def a_press(files: FileStore, folder: Path, clock: Callable[[], datetime]) -> LicencePress:
    """The real press, with demo certificates made for now."""
    return LicencePress(files, Credentials(make_demo_credentials(folder)), clock)


def some_tokens() -> LicenceTokens:
    """Tokens with a secret of their own."""
    return LicenceTokens(os.urandom(32))


def statuses(engine: Engine) -> dict[str, str]:
    """Identifier -> status of every licence."""
    with engine.begin() as tx:
        rows = tx.execute(text("SELECT identifier, status FROM licences ORDER BY identifier"))
        return {row.identifier: row.status for row in rows}
