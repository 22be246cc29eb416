"""Licences in the middle of their life, for tests."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, Engine, text


def next_version(
    engine: Engine, licence_id: uuid.UUID, *, supersede: bool = True, tx: Connection | None = None
) -> uuid.UUID:
    """A renewal, as issuing writes it: the rows only; in `tx`, if there is one."""
    if tx is None:
        with engine.begin() as own:
            return next_version(engine, licence_id, supersede=supersede, tx=own)
    newer = uuid.uuid4()
    tx.execute(
        text(
            "INSERT INTO licences (id, identifier, case_no, party_id, name, number, type_code, issuer_code, issuer_name,"
            " version, previous_id, issued_on, valid_from, valid_to) SELECT :newer, identifier || '-2', NULL, party_id,"
            " name, number, type_code, issuer_code, issuer_name, 2, id, issued_on, valid_from, valid_to"
            " FROM licences WHERE id = :id"
        ),
        {"newer": newer, "id": licence_id},
    )
    if supersede:
        tx.execute(text("UPDATE licences SET status = '05' WHERE id = :id"), {"id": licence_id})
    return newer
