"""The upload API: pieces, truth after a broken connection, rights, every error a sentence in JSON."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.admin.conftest import Hub
from tests.hub.reuse_builders import line_of, start
from tests.storage import intake_samples as samples

CHUNK = 8 << 20
FOOD = "XK-001"
PIECES = "application/offset+octet-stream"


@pytest.fixture(scope="module")
def taking(hub: Hub) -> Hub:
    """The hub with the demo catalogue, and a clerk who may take files."""
    with hub.app.app_context():
        sm: Any = hub.app.extensions["appbuilder"].sm
        right = sm.add_permission_view_menu("can_take", "WorkbenchView")
        sm.add_permission_role(sm.find_role("clerk"), right)
    return hub


class Client:
    """The workbench's side of the API."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client, self.headers = client, {"X-CSRFToken": token}

    def begin(self, case_no: str, line: uuid.UUID, data: bytes, name: str = "申请书.pdf", **more: Any) -> Any:
        said = {"case_no": case_no, "requirement_id": str(line), "file_name": name, "size": len(data), **more}
        return self.client.post("/uploads/", json=said, headers=self.headers)

    def piece(self, upload: str, offset: int, data: bytes) -> Any:
        return self.client.patch(
            f"/uploads/{upload}",
            data=data,
            content_type=PIECES,
            headers={**self.headers, "Upload-Offset": str(offset)},
        )

    def send(self, case_no: str, line: uuid.UUID, data: bytes, name: str = "申请书.pdf", **more: Any) -> Any:
        """All of it; what the last answer says."""
        begun = self.begin(case_no, line, data, name, **more)
        assert begun.status_code == 201, begun.get_json()
        upload, at = begun.get_json()["id"], 0
        while at < len(data):
            answer = self.piece(upload, at, data[at : at + CHUNK])
            assert answer.status_code == 200, answer.get_json()
            at = answer.get_json()["received"]
        return self.settled(upload)

    def settled(self, upload: str) -> Any:
        for _ in range(100):
            said = self.client.get(f"/uploads/{upload}").get_json()
            if said["state"] not in ("checking", "receiving"):
                return said
        raise AssertionError(said)


@pytest.fixture
def clerk(taking: Hub, as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str]) -> Client:
    return Client(as_user("clerk"), csrf("clerk"))


@pytest.fixture
def case(taking: Hub) -> tuple[str, uuid.UUID]:
    """A case of the clerk being prepared, and its line for the application (no fields)."""
    with taking.engine.begin() as tx:
        case_no = start(tx, taking.desk, FOOD, actor=f"user:{secrets.token_hex(4)}")
        return case_no, line_of(tx, case_no, "M03").id


def test_a_file_becomes_a_material(clerk: Client, case: tuple[str, uuid.UUID], taking: Hub) -> None:
    """What is sent whole is checked, stored sealed and stands on the case as a pending material."""
    data = samples.pdf(secrets.token_hex(8))
    said = clerk.send(*case, data)
    assert said["state"] == "stored", said
    assert said["known"] is None
    with taking.engine.connect() as tx:
        row = tx.execute(text("SELECT * FROM materials WHERE id = :id"), {"id": said["material_id"]}).one()
    assert (row.state, row.media_type, row.signature_state, row.scan_state) == (
        "pending",
        "application/pdf",
        "none",
        "not_configured",
    )
    assert row.name == "申请书.pdf"
