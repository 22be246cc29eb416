"""Changing the key-encryption key: everything opens with the newest key alone, and nothing is lost on the way."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import Engine, insert, select, text

from hub.connecting.draft_connector import make_connector
from hub.connecting.keep_secrets import opened_secrets, set_secret
from hub.joining.change_channel import change_channel
from hub.joining.custodial_key import signer_for
from hub.material import StoredObject
from hub.noticing.alert_channel import AlertChannel
from hub.noticing.save_channel import Channel, opened, save_channel
from hub.party import Party
from hub.ports import Desk
from hub.register_department import add_department
from storage.custody import KeyCustody
from storage.identity import IdentityVault
from storage.kept_secrets import KeptSecrets
from storage.key_encryption import KeyEncryption
from storage.rewrap import EVERYTHING, rewrap_everything
from storage.signing import Signer, generate_private_key
from tests.hub.builders import NOW

ACTOR = "user:cli"
OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def desk_with(kek: KeyEncryption, area: str) -> Desk:
    signer = Signer.from_pem("hub", generate_private_key())
    desk = Desk(area, "http://127.0.0.1:1", signer, IdentityVault(bytes(range(32)), kek), lambda: NOW)
    return replace(desk, custody=KeyCustody(kek), secrets=KeptSecrets(kek))


@pytest.fixture
def filled(engine: Engine, area: str) -> str:
    """One of everything that is wrapped, by the old key; the kid of the custodial key."""
    kek = KeyEncryption(OLD)
    desk, own = desk_with(kek, area), Signer.from_pem("scjg", generate_private_key())
    mail = {
        "host": "10.1.2.9",
        "port": 25,
        "security": "none",
        "sign_in": True,
        "username": "u",
        "sender": "a@b.example",
    }
    with engine.begin() as tx:
        add_department(
            tx,
            code="scjg",
            name="某局",
            roles=["supervising"],
            public_pem=own.public_pem,
            kid=own.kid,
            actor=ACTOR,
        )
        kid = change_channel(tx, "scjg", "web", desk, actor=ACTOR, reason="没有系统")
        make_connector(tx, desk, code="scjg-db", department="scjg", title="连接器", actor=ACTOR)
        set_secret(tx, desk, "scjg-db", "front", "password", "口令", actor=ACTOR)
        save_channel(
            tx,
            desk,
            Channel("mail", "邮箱", mail, {"to": "c@d.example"}, {"password": "邮箱口令"}),
            actor=ACTOR,
        )
        for number in range(3):
            row = {
                "kind": "natural",
                "name": "示例甲",
                "code_type": "111",
                "code_masked": "9901**********0019",
            }
            sealed = desk.identities.seal("990101199001010019")
            tx.execute(
                insert(Party).values(id=uuid.uuid4(), code_digest=bytes([number]), code_sealed=sealed, **row)
            )
            name = f"files/{number}"
            wrapped = kek.wrap(b"data key", context=name.encode())
            tx.execute(
                insert(StoredObject).values(
                    sha256=bytes([number] * 32), object_name=name, size=1, wrapped_key=wrapped
                )
            )
    assert kid is not None
    return kid


def test_everything_opens_with_the_newest_key_alone(
    engine: Engine, filled: str, area: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moved in small steps; again there is nothing to do; the key that was replaced is not needed for any of it."""
    monkeypatch.setattr("storage.rewrap.AT_ONCE", 2)
    both = KeyEncryption(NEW, OLD)
    done = {one.title: (one.moved, one.left) for one in rewrap_everything(engine, both, actor=ACTOR)}
    assert done == {
        "文件密钥": (3, 0), "部门托管密钥": (1, 0), "连接器的秘密": (1, 0), "告警渠道的秘密": (1, 0),
        "证件号码": (3, 0), "未放行的推送包": (0, 0),
    }  # fmt: skip
    assert not any(one.moved for one in rewrap_everything(engine, both, actor=ACTOR))

    kek = KeyEncryption(NEW)
    desk = desk_with(kek, area)
    with engine.connect() as tx:
        assert signer_for(tx, "scjg", desk).kid == filled
        assert opened_secrets(tx, desk, "scjg-db") == {"front": {"password": "口令"}}
        assert opened(desk, tx.execute(select(*AlertChannel.__table__.columns)).one()) == {
            "password": "邮箱口令"
        }
        for sealed in tx.scalars(select(Party.code_sealed)):
            assert desk.identities.unseal(bytes(sealed or b"")) == "990101199001010019"
        for row in tx.execute(select(StoredObject.object_name, StoredObject.wrapped_key)):
            assert kek.unwrap(row.wrapped_key, context=row.object_name.encode()) == b"data key"
        said = tx.execute(text("SELECT action, detail FROM ledger WHERE action = 'secrets.rewrapped'")).all()
    assert [row.detail["文件密钥"] for row in said] == [3]


def test_what_cannot_be_opened_is_left(engine: Engine, filled: str) -> None:
    """Without the key that wrapped them they are counted and stay; the others are moved."""
    with engine.begin() as tx:
        tx.execute(text("UPDATE stored_objects SET object_name = 'moved' WHERE object_name = 'files/0'"))
    done = {
        one.title: (one.moved, one.left)
        for one in rewrap_everything(engine, KeyEncryption(NEW, OLD), actor=ACTOR)
    }
    assert done["文件密钥"] == (2, 1)

    third = KeyEncryption(bytes(range(64, 96)))
    assert all(one.moved == 0 for one in rewrap_everything(engine, third, actor=ACTOR))


def test_every_wrapped_column_is_known() -> None:
    """A table with sealed bytes that nobody rewraps is found here, except imported rows, which end with their batch."""
    from hub.migrations import Base

    sealed = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if "sealed" in column.name or "wrapped" in column.name or column.name == "held_package"
    }
    timed = {
        (table, column) for table, column in sealed if column == "sealed_at" or table.startswith("ledger")
    }
    assert {(one.table, one.column) for one in EVERYTHING} == sealed - timed
