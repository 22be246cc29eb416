"""A licence type of the demo's approval office and licences of it, made by the real use cases."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import text

from admin.accounts import ensure_user
from hub.catalogue.licence_types import add_licence_type
from hub.deciding.decided_case import PartyFacts
from hub.licensing.issuing.issue_licence import issue
from hub.licensing.issuing.order import Order
from hub.licensing.types.publish_licence_type import publish_licence_type
from hub.licensing.types.save_licence_type import save_licence_type
from hub.workday import LOCAL
from tests.admin.conftest import PASSWORD, Hub, sign_in

TYPE, NAME = "11370100MB00000194015", "示例餐饮服务许可证"
OFFICE, OTHER_OFFICE = "xzsp", "wjw"
APPROVER, OTHER_APPROVER = "office-approver", "health-approver"
ADMIN = "user:data_admin"
FIRM = PartyFacts("legal", "示例甲餐饮有限公司", "91370102MA3C00011F", "001", "示例甲")
PERSON = PartyFacts("natural", "示例庚", "990101199001010019", "111")
FIELDS = [
    {"name": "address", "label": "经营场所", "type": "text", "required": True, "max_length": 60},
    {"name": "scope", "label": "经营项目", "type": "long_text", "required": True, "max_length": 200},
    {"name": "manager_number", "label": "负责人证件号码", "type": "person_number", "required": False},
]
RULES: dict[str, Any] = {
    "name": NAME,
    "number_rule": "JY{area}{yyyy}{seq:6}",
    "validity_kind": "months",
    "validity_length": 60,
    "warn_days": 30,
}
VALUES = {
    "address": "示范县人民路 1 号",
    "scope": "热食类食品制售、冷食类食品制售",
    "manager_number": "990101199001010019",
}


def _row(number: int, label: str, source: str, **more: Any) -> list[dict[str, Any]]:
    y = 74 + number * 17
    return [
        {"id": f"l{number}", "kind": "text", "x": 28, "y": y, "w": 38, "h": 9, "text": label, "size": 14},
        {"id": f"f{number}", "kind": "field", "x": 68, "y": y, "w": 116, "h": 15, "source": source, "size": 14,
         "overflow": "shrink", **more},
    ]  # fmt: skip


LAYOUT: dict[str, Any] = {
    "width": 210,
    "height": 297,
    "elements": [
        {"id": "border", "kind": "border", "x": 10, "y": 10, "w": 190, "h": 277, "style": "ornate", "color": "#8A6D3B"},
        {"id": "title", "kind": "field", "x": 20, "y": 36, "w": 170, "h": 20, "source": "$name", "size": 30, "bold": True,
         "align": "center"},
        *_row(0, "证照编号", "$number"),
        *_row(1, "持证主体", "$holder"),
        *_row(2, "主体代码", "$holder_code"),
        *_row(3, "法定代表人", "$legal"),
        *_row(4, "经营场所", "address"),
        *_row(5, "经营项目", "scope"),
        *_row(6, "负责人证件", "manager_number"),
        *_row(7, "有效期", "$validity"),
        {"id": "issuer", "kind": "field", "x": 110, "y": 238, "w": 76, "h": 9, "source": "$issuer", "size": 13,
         "align": "center"},
        {"id": "day", "kind": "field", "x": 110, "y": 250, "w": 76, "h": 9, "source": "$issued_on", "size": 13,
         "align": "center"},
        {"id": "seal", "kind": "seal", "x": 128, "y": 222, "w": 40, "h": 40},
        {"id": "qr", "kind": "qr", "x": 28, "y": 232, "w": 34, "h": 34},
    ],
}  # fmt: skip


def prepare(hub: Hub, code: str = TYPE, rules: Mapping[str, Any] = RULES) -> None:
    """The type, published, and an approver in each of the two approving departments."""
    with hub.engine.begin() as tx:
        said = {"name": rules["name"], "provider": OFFICE, "sharing": "conditional", "sharing_basis": ""}
        add_licence_type(tx, code, {**said, "sharing_conditions": "依职责所需"}, actor=ADMIN)
        draft = save_licence_type(tx, code, {"rules": rules, "fields": FIELDS, "layout": LAYOUT}, actor=ADMIN)
        publish_licence_type(tx, draft, actor=ADMIN)
    for name, department in ((APPROVER, OFFICE), (OTHER_APPROVER, OTHER_OFFICE)):
        ensure_user(hub.app, name, PASSWORD, role="approver", name=name, department=department)


def issued(hub: Hub, holder: PartyFacts = FIRM, **more: Any) -> uuid.UUID:
    """A licence issued alone."""
    config = hub.app.extensions["shenguan"].config
    order = Order(
        type_code=TYPE,
        holders=(holder,),
        values=VALUES,
        department=OFFICE,
        issued_on=hub.desk.clock().astimezone(LOCAL).date(),
        reason="纸质证照换发",
    )
    done = issue(
        hub.engine, replace(order, **more), hub.desk, config.press, config.tokens, actor=f"user:{APPROVER}"
    )
    return done.licence_id


def one(hub: Hub, statement: str, **of: Any) -> Any:
    """The only row of a question."""
    with hub.engine.connect() as tx:
        return tx.execute(text(statement), of).one()


class Office:
    """An approver at the forms, without a browser."""

    def __init__(self, hub: Hub, user: str = APPROVER) -> None:
        self.client = sign_in(hub.app, user)
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.page("/"))
        assert found
        self.token = found[1]

    def page(self, path: str, status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def send(self, path: str, **form: Any) -> Any:
        return self.client.post(path, data={**form, "csrf_token": self.token})

    def face(self, path: str, **form: Any) -> Any:
        return self.client.post(
            path, data={**form, "csrf_token": self.token}, headers={"Accept": "application/json"}
        ).get_json()
