"""The workbench's side of the upload API, for tests: a clerk with the right, a case with a line, a whole upload."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import Any

from flask.testing import FlaskClient

from hub.deciding.decided_case import PartyFacts
from tests.admin.conftest import Hub
from tests.hub.reuse_builders import SHOP, line_of, start

CHUNK = 8 << 20
PIECES = "application/offset+octet-stream"
FOOD = "XK-001"
APPLICATION, PLAN, HEALTH, AGENT = "M03", "M05", "M06", "M09"  # lines of its list


def may_take(hub: Hub, role: str = "clerk") -> None:
    """The right, where the roles do not have it yet."""
    with hub.app.app_context():
        sm: Any = hub.app.extensions["appbuilder"].sm
        sm.add_permission_role(sm.find_role(role), sm.add_permission_view_menu("can_take", "WorkbenchView"))


def a_case(hub: Hub, code: str = APPLICATION, *, party: PartyFacts = SHOP) -> tuple[str, uuid.UUID]:
    """A case being prepared, and one of its lines."""
    with hub.engine.begin() as tx:
        case_no = start(tx, hub.desk, FOOD, party=party, actor=f"user:{secrets.token_hex(4)}")
        return case_no, line_of(tx, case_no, code).id


class Client:
    """Speaks to the API."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client, self.headers = client, {"X-CSRFToken": token}
        with client.session_transaction() as kept:
            kept["workbench_department"] = "xzsp"  # chosen on the workbench

    def begin(self, case_no: str, line: uuid.UUID, size: int, name: str = "申请书.pdf", **more: Any) -> Any:
        said = {"case_no": case_no, "requirement_id": str(line), "file_name": name, "size": size, **more}
        return self.client.post("/uploads/", json=said, headers=self.headers)

    def piece(self, upload: str, offset: int, data: bytes) -> Any:
        return self.client.patch(
            f"/uploads/{upload}",
            data=data,
            content_type=PIECES,
            headers={**self.headers, "Upload-Offset": str(offset)},
        )

    def send(self, case_no: str, line: uuid.UUID, data: bytes, name: str = "申请书.pdf", **more: Any) -> Any:
        """All of it; how it stands when everything is done."""
        begun = self.begin(case_no, line, len(data), name, **more)
        assert begun.status_code == 201, begun.get_json()
        upload, at = begun.get_json()["id"], 0
        while at < len(data):
            answer = self.piece(upload, at, data[at : at + CHUNK])
            assert answer.status_code == 200, answer.get_json()
            at = answer.get_json()["received"]
        return self.settled(upload)

    def settled(self, upload: str) -> Any:
        """The answer once nothing is going on any more."""
        for _ in range(2000):
            said = self.client.get(f"/uploads/{upload}").get_json()
            if said["state"] != "checking":
                return said
            time.sleep(0.05)
        raise AssertionError(said)
