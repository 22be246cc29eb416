"""Public verification: anybody learns whether a licence is genuine and how it stands, and nothing else."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, text

from storage.licences.tokens import LicenceTokens
from tests.admin.conftest import Hub
from tests.hub.builders import decided

TOKENS = LicenceTokens(b"t" * 32)


@pytest.fixture(scope="module")
def licence(hub: Hub) -> uuid.UUID:
    """A licence of a natural person."""
    decided(hub.engine, hub.desk)
    premises = hub.app.extensions["shenguan"]
    premises.config = replace(premises.config, tokens=TOKENS)
    with hub.engine.begin() as tx:
        tx.execute(text("UPDATE licences SET valid_to = '2099-12-31'"))
        found: uuid.UUID = tx.scalar(text("SELECT id FROM licences"))
    return found


@pytest.fixture
def client(hub: Hub, licence: uuid.UUID) -> FlaskClient:
    return hub.app.test_client()


@pytest.fixture
def changed(hub: Hub, licence: uuid.UUID) -> Iterator[Any]:
    """Sets columns of the licence, past the trigger, and puts them back."""

    def change(**columns: Any) -> None:
        with hub.engine.begin() as tx:
            tx.execute(text("ALTER TABLE licences DISABLE TRIGGER USER"))
            said = ", ".join(f"{name} = :{name}" for name in columns)
            tx.execute(text(f"UPDATE licences SET {said} WHERE id = :id"), {**columns, "id": licence})
            tx.execute(text("ALTER TABLE licences ENABLE TRIGGER USER"))

    yield change
    change(status="01", valid_from=date(2026, 9, 18), valid_to=date(2099, 12, 31), status_note=None)


def page(client: FlaskClient, licence: uuid.UUID, query: str = "") -> str:
    answer = client.get(f"/v/{TOKENS.make(licence)}{query}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_a_valid_licence(client: FlaskClient, licence: uuid.UUID) -> None:
    """Name, number, masked holder, issuer, validity and status; the person's name and number are not there."""
    said = page(client, licence)
    for words in (
        "真实有效",
        "Genuine and valid",
        "食品经营许可证",
        "JY19901010000001",
        "示范县行政审批服务局",
        "2099-12-31",
        "测***",
    ):
        assert words in said, words
    assert "测试1食品店" not in said
    assert "990101199001010019" not in said
    assert 'class="verdict good"' in said


def test_nobody_is_followed(client: FlaskClient, licence: uuid.UUID, hub: Hub) -> None:
    """No cookie, no cache, no referrer, not indexed; the ledger does not grow."""
    with hub.engine.connect() as tx:
        before = tx.scalar(text("SELECT count(*) FROM ledger"))
    answer = client.get(f"/v/{TOKENS.make(licence)}")
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    with hub.engine.connect() as tx:
        assert tx.scalar(text("SELECT count(*) FROM ledger")) == before


@pytest.mark.parametrize(
    ("status", "words", "english"),
    [
        ("02", "真实，但已暂扣", "Genuine, but suspended"),
        ("03", "真实，但已被撤销", "Genuine, but withdrawn"),
        ("04", "真实，但已注销", "Genuine, but cancelled"),
        ("05", "真实，但已到期失效", "Genuine, but expired"),
        ("06", "真实，但已办理转出", "Genuine, but transferred"),
        ("07", "真实，但已被吊销", "Genuine, but revoked"),
        ("99", "真实，但已停止使用", "Genuine, but no longer in use"),
    ],
)
def test_every_status_is_said(
    client: FlaskClient, licence: uuid.UUID, changed: Any, status: str, words: str, english: str
) -> None:
    """In words, in both languages, with the day since when; never in the colour of the good."""
    changed(status=status, status_note="其他原因")
    said = page(client, licence)
    assert words in said
    assert re.search(r"自 \d{4}-\d\d-\d\d 起", said)
    assert "verdict good" not in said
    assert "其他原因" not in said
    assert english in page(client, licence, "?_l_=en")


def test_expired_before_the_scheduler_ran(client: FlaskClient, licence: uuid.UUID, changed: Any) -> None:
    """The day after the last day counts, whatever the status still says."""
    changed(valid_to=date(2026, 9, 30))
    said = page(client, licence)
    assert "真实，但已到期失效" in said
    assert "自 2026-10-01 起" in said


@pytest.mark.parametrize(
    "token", ["0" * 45, "x", "%20", "A" * 3000, "证照", "..%2F..", "'; DROP TABLE licences; --"]
)
def test_an_unknown_token(client: FlaskClient, licence: uuid.UUID, token: str) -> None:
    """404, one page for all, no reason."""
    answer = client.get(f"/v/{token}")
    assert answer.status_code == 404
    if "%2F" not in token:
        assert "无法识别" in answer.get_data(as_text=True)


def test_tokens_of_nothing_and_of_nobody_look_alike(client: FlaskClient, licence: uuid.UUID) -> None:
    """A well-made token of a licence that is not there gives the very page of a token that is none."""
    pages = {
        client.get(f"/v/{token}").get_data(as_text=True).replace(token, "")
        for token in (TOKENS.make(uuid.UUID(int=7)), "Z" * 45)
    }
    assert len({re.sub(r"\d\d:\d\d", "", said) for said in pages}) == 1


def test_one_statement(client: FlaskClient, licence: uuid.UUID, hub: Hub) -> None:
    """A page asks the database once, known or not."""
    engine: Engine = hub.app.extensions["shenguan"].engine
    asked: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", count)
    try:
        client.get(f"/v/{TOKENS.make(licence)}")
        client.get("/v/nothing")
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len(asked) == 2


def test_a_typed_token_leads_to_its_page(client: FlaskClient, licence: uuid.UUID) -> None:
    """Typed in groups, or as the whole address."""
    token = TOKENS.make(licence)
    for typed in (f" {token[:20]} {token[20:]} ", f"http://hub.invalid/v/{token}?_l_=en"):
        answer = client.get("/verify", query_string={"token": typed})
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith(f"/v/{token}")
