"""The workbench in tests: its catalogue and clerks, and cases brought as far as a test needs them by the real use cases."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from admin.accounts import ensure_user
from hub.add_material import StoredFacts, Taken, add_material
from hub.catalogue.published import item_version
from hub.deciding.decided_case import PartyFacts
from hub.deciding.decided_rows import party_id
from hub.reuse.accept_case import accept_case
from hub.reuse.prefill import set_field
from hub.reuse.start_case import start_case
from tests.admin.conftest import PASSWORD, Hub, sign_in
from tests.e2e import once_only_area as area

LI, WANG = "once-li", "once-wang"  # of the approval office and of the health office
FIRM = PartyFacts("legal", "示例甲餐饮有限公司", "91370102MA3C00011F", "001", "示例甲")
PERSON = PartyFacts("natural", "示例庚", "990101199001010019", "111")


def prepare(hub: Hub) -> None:
    """The catalogue of the once-only test, its grants, its clerks."""
    with hub.engine.begin() as tx:
        area.fill(tx, hub.desk)
    for name, (shown, department) in area.CLERKS.items():
        ensure_user(hub.app, name, PASSWORD, role="clerk", name=shown, department=department)


def started(
    hub: Hub, item: str = area.FIRST, party: PartyFacts = FIRM, *, department: str = area.OFFICE
) -> str:
    with hub.engine.begin() as tx:
        return start_case(
            tx, item_code=item, party=party, department=department, desk=hub.desk, actor=f"user:{LI}"
        )


def taken(hub: Hub, case_no: str, *codes: str) -> None:
    """A material for each of these types, as an upload would leave it."""
    with hub.engine.begin() as tx:
        for line in lines(hub, case_no):
            if codes and line.material_type not in codes:
                continue
            content = f"{case_no} {line.code}".encode()
            sha256 = hashlib.sha256(content).digest()
            add_material(
                tx,
                case_no=case_no,
                name=f"{line.name}.pdf",
                media_type="application/pdf",
                stored=StoredFacts(sha256, f"files/{uuid.uuid4().hex}", len(content), b"wrapped"),
                actor=f"user:{LI}",
                taken=Taken(
                    line.id,
                    line.material_type,
                    line.type_version,
                    fields={"address": {"text": "示例路 1 号"}},
                ),
            )


def accepted(hub: Hub, item: str = area.FIRST, party: PartyFacts = FIRM) -> str:
    """A case that was accepted with a material on every line."""
    case_no = started(hub, item, party)
    taken(hub, case_no)
    with hub.engine.begin() as tx:
        set_field(tx, case_no, "address", "示例路 1 号", actor=f"user:{LI}", desk=hub.desk)
        accept_case(tx, case_no, hub.desk, actor=f"user:{LI}")
    return case_no


def lines(hub: Hub, case_no: str) -> tuple[Any, ...]:
    with hub.engine.connect() as tx:
        version = tx.scalar(text("SELECT item_version_id FROM cases WHERE case_no = :no"), {"no": case_no})
        return item_version(tx, version).requirements


def line(hub: Hub, case_no: str, type_code: str) -> Any:
    return next(one for one in lines(hub, case_no) if one.material_type == type_code)


def party(hub: Hub, facts: PartyFacts = FIRM) -> uuid.UUID:
    return party_id(facts, hub.desk)


def empty(hub: Hub) -> None:
    """No cases, no parties: every test of a module begins where the hub is empty."""
    with hub.engine.begin() as tx:
        tx.execute(text("TRUNCATE licences CASCADE"))  # what was done to them cannot be deleted row by row
        for table in (
            "case_fields", "material_uses", "deferrals", "consents", "uploads", "file_reads", "materials", "stored_objects",
            "notices", "holds", "findings", "pushes", "licences", "steps", "decisions", "cases", "parties",
        ):  # fmt: skip
            tx.execute(text(f"DELETE FROM {table}"))


class Clerk:
    """A clerk at the page, without a browser: what the page's script sends."""

    def __init__(self, hub: Hub, user: str = LI) -> None:
        self.client: FlaskClient = sign_in(hub.app, user)
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.page("/"))
        assert found
        self.token = found[1]

    def page(self, path: str, status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def find(self, typed: str) -> Any:
        return self.client.post("/workbench/find", data={"q": typed, "csrf_token": self.token})

    def check(self, typed: str) -> Any:
        return self.client.post("/workbench/check", json={"q": typed}, headers=self._headers).get_json()

    def start(self, **form: str) -> Any:
        return self.client.post("/workbench/start", data={**form, "csrf_token": self.token})

    def act(self, case_no: str, what: str, **form: Any) -> Any:
        return self.client.post(f"/workbench/case/{case_no}/{what}", data=form, headers=self._headers)

    def use(self, case_no: str, *picks: str, **form: str) -> Any:
        return self.act(case_no, "use", pick=list(picks), purpose="核验申请材料", **form)

    def picks(self, case_no: str) -> list[str]:
        """What stands ticked on the page of the case."""
        page = self.page(f"/workbench/case/{case_no}")
        return re.findall(r'name="pick" value="([^"]+)" checked', page)

    @property
    def _headers(self) -> dict[str, str]:
        return {"X-CSRFToken": self.token, "Accept": "application/json"}
