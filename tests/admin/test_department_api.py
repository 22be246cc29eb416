"""The departments' REST door: only the right department, with a fresh token, for a stated use - and on the record."""

from __future__ import annotations

import hashlib
import io
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from storage.signing import Signer, generate_private_key, sign_token
from tests.admin.conftest import Hub
from tests.admin.test_pages import DECISION

CONTENT = (
    b"%PDF-1.7\n" + bytes(range(256)) * 1500 + b"\n%%EOF\n"
)  # below the size at which the test client leaks a spool file


@pytest.fixture(scope="module")
def material(hub: Hub, as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str]) -> str:
    """A file on a case that was pushed to both departments."""
    with hub.engine.connect() as tx:
        office = tx.execute(text("SELECT name, uscc FROM departments WHERE code = 'xzsp'")).one()
    form = {
        **DECISION,
        "item": "XK-001",
        "XK_XKJG": office.name,
        "XK_XKJGDM": office.uscc,
        "XK_WSH": "接口1号",
    }
    files = {"files": (io.BytesIO(CONTENT), "许可证 正本.pdf"), "csrf_token": csrf("approver")}
    answer = as_user("approver").post("/decide/", data={**form, **files})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    with hub.engine.connect() as tx:
        return str(tx.execute(text("SELECT id FROM materials")).scalar_one())


def claims(material: str, **other: Any) -> dict[str, Any]:
    now = time.time()
    return {
        "aud": "/990101/hub",
        "sub": material,
        "use": "现场核查",
        "jti": str(uuid.uuid4()),
        "iat": int(now),
        "exp": int(now) + 60,
        **other,
    }


def fetch(hub: Hub, material: str, token: str) -> Any:
    return hub.app.test_client().get(
        f"/api/hub/materials/{material}", headers={"Authorization": f"Bearer {token}"}
    )


def denials(hub: Hub) -> int:
    with hub.engine.connect() as tx:
        return int(tx.execute(text("SELECT count(*) FROM ledger WHERE action = 'file.denied'")).scalar_one())


def test_a_department_gets_its_file_whole_and_the_read_is_recorded(hub: Hub, material: str) -> None:
    """The bytes, their SHA-256, length and name; a ledger row of who and what for; a token works once."""
    token = sign_token(hub.signers["scjg"], claims(material))
    answer = fetch(hub, material, token)
    assert answer.get_data() == CONTENT
    assert answer.headers["X-Content-SHA256"] == hashlib.sha256(CONTENT).hexdigest()
    assert int(answer.headers["Content-Length"]) == len(CONTENT)
    assert "filename*=UTF-8''%E8%AE%B8%E5%8F%AF%E8%AF%81%20" in answer.headers["Content-Disposition"]
    with hub.engine.connect() as tx:
        row = tx.execute(
            text("SELECT * FROM ledger WHERE action = 'file.read' ORDER BY id DESC LIMIT 1")
        ).one()
    assert (row.actor, row.reason) == ("department:scjg", "现场核查")
    again = fetch(hub, material, token)
    assert again.status_code == 409
    assert again.get_json()["error"] == "conflict"


def test_nobody_else_gets_it_and_every_refusal_is_recorded(hub: Hub, material: str) -> None:
    """No token, a stranger's key, another material or audience, an old token, no use: 401, and a ledger row."""
    stranger = Signer.from_pem("scjg", generate_private_key())
    mine = hub.signers["scjg"]
    old = int(time.time()) - 600
    before = denials(hub)
    tokens = {
        "unsigned": "",
        "unknown_key": sign_token(stranger, claims(material)),
        "bad_signature": sign_token(mine, claims(str(uuid.uuid4()))),
        "expired": sign_token(mine, claims(material, iat=old, exp=old + 60)),
    }
    for cause, token in tokens.items():
        answer = fetch(hub, material, token)
        assert answer.status_code == 401
        assert answer.get_json()["error"] == cause
        assert answer.get_json()["message"]
    assert fetch(hub, material, sign_token(mine, claims(material, aud="/990101/else"))).status_code == 401
    assert fetch(hub, material, sign_token(mine, claims(material, use=""))).status_code == 401
    assert denials(hub) - before == 6


def test_a_department_without_the_push_is_denied(hub: Hub, material: str) -> None:
    """A good token of a department to which the case was not pushed: 403 and a ledger row."""
    with hub.engine.begin() as tx:
        tx.execute(text("DELETE FROM pushes WHERE department = 'zhzf'"))
    answer = fetch(hub, material, sign_token(hub.signers["zhzf"], claims(material)))
    assert answer.status_code == 403
    assert answer.get_json()["error"] == "denied"
    unknown = str(uuid.uuid4())
    assert fetch(hub, unknown, sign_token(hub.signers["scjg"], claims(unknown))).status_code == 404


def test_a_revoked_key_stops_at_once(hub: Hub, material: str) -> None:
    """From the revocation on, not even a token signed before it opens anything."""
    token = sign_token(hub.signers["scjg"], claims(material))
    with hub.engine.begin() as tx:
        tx.execute(text("UPDATE department_keys SET revoked_at = now() WHERE department = 'scjg'"))
    assert fetch(hub, material, token).get_json()["error"] == "revoked_key"


def test_the_trust_bundle_is_public(hub: Hub) -> None:
    """Area, topic names and the hub's public keys by kid, without signing in."""
    bundle = hub.app.test_client().get("/api/hub/trust-bundle").get_json()
    assert bundle["area"] == "990101"
    assert bundle["topics"]["departments"]["scjg"] == {"in": "990101.scjg.in", "out": "990101.scjg.out"}
    assert bundle["keys"][hub.desk.signer.kid].startswith("-----BEGIN PUBLIC KEY-----")
