"""A hub with two departments and rules, on a fresh database; real signatures and real sealing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, insert

from hub.item import ServiceItem
from hub.ports import Desk
from hub.pushing.rules.add_rule import add_rule
from hub.register_department import add_department
from storage.identity import IdentityVault
from storage.key_encryption import KeyEncryption
from storage.signing import Signer, generate_private_key, kid_of
from tests.hub.builders import NOW, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture(scope="session")
def hub_signer() -> Signer:
    return Signer.from_pem("hub", generate_private_key())


@pytest.fixture(scope="session")
def signers() -> dict[str, Signer]:
    return {code: Signer.from_pem(code, generate_private_key()) for code in ("scjg", "zhzf")}


@pytest.fixture
def desk(area: str, hub_signer: Signer, clock: Clock) -> Desk:
    vault = IdentityVault(bytes(range(32)), KeyEncryption(bytes(range(32))))
    return Desk(area, "http://127.0.0.1:1", hub_signer, vault, clock)


@pytest.fixture
def county(engine: Engine, signers: dict[str, Signer]) -> Iterator[Engine]:
    """Two supervising departments, each owed every decision."""
    with engine.begin() as tx:
        for code, name in (("scjg", "示范县市场监督管理局"), ("zhzf", "示范县综合行政执法局")):
            pem = signers[code].public_pem
            add_department(
                tx,
                code=code,
                name=name,
                roles=["supervising"],
                public_pem=pem,
                kid=kid_of(code, pem),
                actor="user:test",
            )
            add_rule(tx, f"全部推送{name}", {code: 3}, actor="user:test")
        tx.execute(insert(ServiceItem).values(code="XK-001", name="食品经营许可", aliases=["食品经营许可证"]))
    return engine


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
