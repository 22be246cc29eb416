"""With parts down: an answer soon, and calm pages."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import text

from admin import AdminConfig, create_app, health
from tests.admin.conftest import Hub, desk_for


def test_health_is_good_when_every_part_answers(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 and one line per part; a program that has been silent too long makes it 503."""
    monkeypatch.setattr(health, "PATIENCE", 60.0)  # a busy machine is no part that is down
    answer = hub.app.test_client().get("/healthz")
    assert answer.status_code == 200, answer.get_json()
    assert set(answer.get_json()["parts"]) == {"database", "object_store", "broker", "programs"}
    with hub.engine.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO programs (name, instance, state, seen_at)"
                " VALUES ('relay', 'x', 'running', now() - interval '1 hour')"
            )
        )
    silent = hub.app.test_client().get("/healthz")
    assert silent.status_code == 503
    assert "relay" in silent.get_json()["parts"]["programs"]["detail"]
    with hub.engine.begin() as tx:
        tx.execute(text("DELETE FROM programs"))


def test_without_a_database_health_answers_and_pages_stay_calm() -> None:
    """The database does not answer at all: /healthz says so soon, pages are a 503 that reloads itself."""
    app = create_app(
        AdminConfig(
            database_url="postgresql+psycopg://nobody@127.0.0.1:9/none",
            web_secret="only for tests, " * 3,
            desk=desk_for(),
            broker_address="127.0.0.1:9",
        )
    )
    start = time.monotonic()
    answer = app.test_client().get("/healthz")
    assert time.monotonic() - start < 60  # a client without limits of its own would wait for minutes
    assert answer.status_code == 503
    assert answer.get_json()["parts"]["database"]["ok"] is False
    assert answer.get_json()["parts"]["broker"]["ok"] is False
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = "1"
    page = client.get("/cases/")
    assert page.status_code == 503
    assert "服务暂时不可用" in page.get_data(as_text=True)
    assert "Traceback" not in page.get_data(as_text=True)
    with client.get("/static/shenguan.css") as style:
        assert style.status_code == 200
    app.extensions["shenguan"].engine.dispose()
