"""Licences in the middle of their life, for tests."""

from __future__ import annotations

import uuid

from sqlalchemy import Engine, text


def next_version(engine: Engine, licence_id: uuid.UUID, *, supersede: bool = True) -> uuid.UUID:
    """A renewal, as issuing writes it: the rows only."""
    newer = uuid.uuid4()
    with engine.begin() as tx:
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
