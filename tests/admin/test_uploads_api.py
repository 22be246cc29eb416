"""The upload API: pieces, truth after a broken connection, rights, every error a sentence in JSON."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.admin.conftest import Hub
from tests.admin.taking import Client, a_case, may_take
from tests.storage import intake_samples as samples


@pytest.fixture(scope="module")
def taking(hub: Hub) -> Hub:
    may_take(hub)
    return hub


@pytest.fixture
def clerk(taking: Hub, as_user: Callable[[str], FlaskClient], csrf: Callable[[str], str]) -> Client:
    return Client(as_user("clerk"), csrf("clerk"))


@pytest.fixture
def case(taking: Hub) -> tuple[str, uuid.UUID]:
    """A case being prepared, and its line for the application (no fields)."""
    return a_case(taking)


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
