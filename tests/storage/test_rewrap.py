"""Changing the key-encryption key: everything opens with the newest key alone, and nothing is lost on the way."""

from __future__ import annotations

import base64
import uuid
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, select, text
from sqlalchemy.exc import IntegrityError

from hub.catalogue.fields import FieldDef, stored
from hub.connecting.draft_connector import make_connector
from hub.connecting.keep_secrets import opened_secrets, set_secret
from hub.joining.change_channel import change_channel
from hub.joining.custodial_key import signer_for
from hub.licensing.batches.batch import LicenceBatchRow
from hub.licensing.batches.batch_rows import seal_cells, unseal_cells
from hub.licensing.licence import Licence
from hub.material import Material, StoredObject
from hub.noticing.alert_channel import AlertChannel
from hub.noticing.save_channel import Channel, opened, save_channel
from hub.party import Party
from hub.ports import Desk
from hub.register_department import add_department
from hub.reuse.case_field import CaseField
from hub.upload import Upload
from storage.custody import KeyCustody
from storage.identity import IdentityVault
from storage.kept_secrets import KeptSecrets
from storage.key_encryption import KeyEncryption
from storage.rewrap import EVERYTHING, rewrap_everything
from storage.signing import Signer, generate_private_key
from tests.hub.builders import NOW

ACTOR = "user:cli"
NUMBER = "990101199001010019"
TRAP = 'a {"sealed": "AQ"} in what somebody typed'
BATCH = uuid.UUID(int=7)
TODAY = date(2026, 9, 18)
#: The rows' neighbours do not matter here.
ALONE = """
DO $$ DECLARE one record; BEGIN
  FOR one IN SELECT conrelid::regclass AS tab, conname FROM pg_constraint WHERE contype = 'f' AND conrelid IN
    ('case_fields'::regclass, 'uploads'::regclass, 'materials'::regclass, 'licences'::regclass,
     'licence_batch_rows'::regclass)
  LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.tab, one.conname); END LOOP;
END $$
"""
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
            sealed = desk.identities.seal(NUMBER)
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
        fill_json(tx, desk)
    assert kid is not None
    return kid


def fill_json(tx: Connection, desk: Desk) -> None:
    """A person's number in every JSON that holds such, beside what only looks like it, and a row of a batch."""
    tx.execute(text(ALONE))
    field = FieldDef("number", "号码", "person_number")
    kept = stored(
        [field, FieldDef("sealed", "封", "text")], {"number": NUMBER, "sealed": TRAP}, desk.identities
    )
    common = {"party_id": uuid.uuid4(), "fields": kept, "name": "x"}
    tx.execute(
        insert(CaseField).values(
            case_no="1", name="number", value=kept["number"], source_kind="typed", set_by=ACTOR
        )
    )
    tx.execute(
        insert(Upload).values(
            id=uuid.uuid4(), case_no="1", requirement_id=uuid.uuid4(), file_name="x", size=1,
            created_by=ACTOR, fields=kept,
        )
    )  # fmt: skip
    tx.execute(insert(Material).values(id=uuid.uuid4(), media_type="x", origin="supplied", **common))
    for number, origin in enumerate(("registered", "issued")):
        tx.execute(
            insert(Licence).values(
                id=uuid.uuid4(), identifier=str(number), number="1", type_code="1", type_version=1, issuer_code="1",
                issuer_name="x", issued_on=TODAY, valid_from=TODAY, origin=origin, **common,
            )
        )  # fmt: skip
    payload = seal_cells(desk.identities, BATCH, ["示例甲"])
    for row, held in enumerate((payload, b"")):  # the second is forgotten
        tx.execute(insert(LicenceBatchRow).values(batch_id=BATCH, row=row, key=bytes([row]), payload=held))


def numbers_in(tx: Connection, desk: Desk) -> list[str]:
    """Every number in the JSON, opened; what was beside it is as it was."""
    columns = (CaseField.value, Upload.fields, Material.fields, Licence.fields)
    found: list[Any] = [value for column in columns for value in tx.scalars(select(column))]
    assert [one["sealed"] for one in found[1:]] == [{"text": TRAP}] * 4
    numbers = [found[0], *(one["number"] for one in found[1:])]
    assert {one["masked"] for one in numbers} == {"990101********0019"}
    return [desk.identities.unseal(base64.b64decode(one["sealed"])) for one in numbers]


def test_everything_opens_with_the_newest_key_alone(
    engine: Engine, filled: str, area: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moved in small steps; again there is nothing to do; the key that was replaced is not needed for any of it."""
    monkeypatch.setattr("storage.rewrap.AT_ONCE", 2)
    both = KeyEncryption(NEW, OLD)
    done = {one.title: (one.moved, one.left) for one in rewrap_everything(engine, both, actor=ACTOR)}
    assert done == {
        "文件密钥": (3, 0), "部门托管密钥": (1, 0), "连接器的秘密": (1, 0), "告警渠道的秘密": (1, 0),
        "证件号码": (3, 0), "未放行的推送包": (0, 0), "证照批次的行": (1, 0),
        "办件表单中的号码": (1, 0), "上传内容中的号码": (1, 0), "材料中的号码": (1, 0), "证照中的号码": (2, 0),
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
            assert desk.identities.unseal(bytes(sealed or b"")) == NUMBER
        for row in tx.execute(select(StoredObject.object_name, StoredObject.wrapped_key)):
            assert kek.unwrap(row.wrapped_key, context=row.object_name.encode()) == b"data key"
        assert numbers_in(tx, desk) == [NUMBER] * 5
        payloads = tx.scalars(select(LicenceBatchRow.payload).order_by(LicenceBatchRow.row)).all()
        assert unseal_cells(desk.identities, BATCH, payloads[0]) == ["示例甲"]
        assert payloads[1] == b""
        said = tx.execute(text("SELECT action, detail FROM ledger WHERE action = 'secrets.rewrapped'")).all()
    assert [row.detail["文件密钥"] for row in said] == [3]


def test_what_cannot_be_opened_is_left(engine: Engine, filled: str) -> None:
    """Without the key that wrapped them they are counted and stay; the others are moved."""
    with engine.begin() as tx:
        tx.execute(text("UPDATE stored_objects SET object_name = 'moved' WHERE object_name = 'files/0'"))
        tx.execute(
            text("""UPDATE materials SET fields = jsonb_set(fields, '{number,sealed}', '"no seal"')""")
        )
    done = {
        one.title: (one.moved, one.left)
        for one in rewrap_everything(engine, KeyEncryption(NEW, OLD), actor=ACTOR)
    }
    assert (done["文件密钥"], done["材料中的号码"], done["证照中的号码"]) == ((2, 1), (0, 1), (2, 0))

    third = KeyEncryption(bytes(range(64, 96)))
    assert all(one.moved == 0 for one in rewrap_everything(engine, third, actor=ACTOR))


def test_an_issued_licence_stands_but_for_its_seals(engine: Engine, filled: str) -> None:
    """What a licence says cannot be changed, nor can the digest of a number in it; the seal of that number can."""
    for path, allowed in (("{number,sealed}", True), ("{number,digest}", False), ("{sealed,text}", False)):
        change = text(
            "UPDATE licences SET fields = jsonb_set(fields, CAST(:path AS text[]), '\"x\"') WHERE origin = 'issued'"
        )
        with nullcontext() if allowed else pytest.raises(IntegrityError), engine.begin() as tx:
            assert tx.execute(change, {"path": path}).rowcount == 1


def test_every_wrapped_column_is_known() -> None:
    """A table with sealed bytes that nobody rewraps is found here."""
    from hub.migrations import Base

    sealed = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if "sealed" in column.name or "wrapped" in column.name or column.name in ("held_package", "payload")
    }
    timed = {
        (table, column) for table, column in sealed if column == "sealed_at" or table.startswith("ledger")
    }
    assert {(one.table, one.column) for one in EVERYTHING} == sealed - timed
