"""A hub's database with many parties, materials, cases and licences, for benchmarks of looking up and matching.

Guarantees: the rows are made in the database (generate_series) and are valid for every constraint; each party has one
decided case with five materials of different types, every second party a licence, every fiftieth licence is frozen. The
catalogue is the tests' own, published by the real verbs; grants let the health office use what the approval office took.
"""

from __future__ import annotations

import uuid
from datetime import date

from sqlalchemy import Engine, create_engine, text

from tests.hub.catalogue_builders import (
    FOOD,
    FOOD_LICENCE,
    HEALTH,
    HYGIENE,
    OFFICE,
    publish_sample_catalogue,
)

PER_PARTY = 5
ON = date(2026, 9, 18)

_PARTIES = """
INSERT INTO parties (id, kind, name, code_type, code_masked, code_digest, legal_representative)
SELECT md5('party' || n)::uuid, 'legal', '示例企业' || n, '001', lpad(n::text, 18, '0'),
  sha256(('party' || n)::bytea), '法人' || n FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) n
"""
_CASES = """
INSERT INTO cases (case_no, name, item_code, party_id, org_code, org_name, area_code, accepted_on, department, source)
SELECT '99010120260101' || lpad(n::text, 12, '0'), '示例企业' || n || ' 食品经营许可', :item,
  md5('party' || n)::uuid, '11370100MB00000194', '示范县行政审批服务局', '990101', '2026-01-01', :office, 'window'
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) n
"""
_DECISIONS = """
INSERT INTO decisions (id, case_no, org_code, document_no, document_name, decided_on, result_type, explanation,
  elements, content_hash, decided_by)
SELECT md5('decision' || n)::uuid, '99010120260101' || lpad(n::text, 12, '0'), '11370100MB00000194',
  '示许〔2026〕' || n || '号', '准予行政许可决定书', '2026-01-05', '0', '准予', '{}',
  sha256(('decision' || n)::bytea), '示范县行政审批服务局'
  FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) n
"""
_LICENCES = """
INSERT INTO licences (id, identifier, case_no, party_id, name, number, type_code, issuer_code, issuer_name,
  issued_on, valid_from, valid_to, status)
SELECT md5('licence' || n)::uuid, '1.2.156.3005.2.bench.' || n, '99010120260101' || lpad(n::text, 12, '0'),
  md5('party' || n)::uuid, '食品经营许可证', 'JY' || n, :licence, '11370100MB00000194', '示范县行政审批服务局',
  '2026-01-05', '2026-01-05', '2031-01-04', CASE WHEN n % 100 = 0 THEN '02' ELSE '01' END
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) n WHERE n % 2 = 0
"""
_OBJECTS = """
INSERT INTO stored_objects (sha256, object_name, size, wrapped_key)
SELECT sha256(('object' || n)::bytea), 'objects/' || n, 100000, 'key' FROM generate_series(1, 1000) n
ON CONFLICT DO NOTHING
"""
#: In the order in which they were handed in: one party's materials do not lie beside each other in the table.
_MATERIALS = """
INSERT INTO materials (id, party_id, case_no, type_code, type_version, department, state, sha256, name, media_type,
  valid_to, signature_state, fields, added_by, created_at)
SELECT md5('material' || n || '.' || k)::uuid, md5('party' || n)::uuid, '99010120260101' || lpad(n::text, 12, '0'),
  (CAST(:types AS text[]))[k], 1, :office, 'usable', sha256(('object' || (n * 7 + k) % 1000 + 1)::bytea),
  '材料' || k || '.pdf', 'application/pdf', CASE WHEN (n + k) % 17 = 0 THEN date '2026-08-31' END, 'none',
  jsonb_build_object('address', jsonb_build_object('text', '示范路 ' || n || ' 号')), 'user:bench',
  timestamptz '2026-01-02' + n * interval '1 second'
FROM generate_series(1, CAST(:per_party AS integer)) k, generate_series(CAST(:first AS integer), CAST(:last AS integer)) n
"""
_GRANTS = """
INSERT INTO grants (id, resource_kind, resource_code, department, provider, sharing, basis, scene, scope,
  period_from, period_to, state, applied_by, reply_by)
SELECT gen_random_uuid(), kind, code, :health, :office, 'conditional', '依据', '场景', '范围', '2026-01-01',
  '2026-12-31', 'granted', 'user:bench', '2026-01-15'
FROM unnest(CAST(:kinds AS text[]), CAST(:codes AS text[])) AS r(kind, code)
"""
TYPES = ("business-licence", "legal-person-id", "premises", "floor-plan", "application")


def party_id(number: int) -> uuid.UUID:
    """The id of the party with this number, from 1."""
    return _uuid(f"party{number}")


def material_id(number: int, place: int) -> uuid.UUID:
    """The id of one of its materials, `place` from 1 to PER_PARTY."""
    return _uuid(f"material{number}.{place}")


def _uuid(text_: str) -> uuid.UUID:
    import hashlib

    return uuid.UUID(hashlib.md5(text_.encode(), usedforsecurity=False).hexdigest())


def publish(engine: Engine) -> dict[str, uuid.UUID]:
    """The catalogue and the grants; the published versions by item code."""
    with engine.begin() as tx:
        versions = publish_sample_catalogue(tx)
        kinds = ["material"] * 4 + ["licence", "result"]
        codes = [*TYPES[:4], FOOD_LICENCE, FOOD]
        tx.execute(text(_GRANTS), {"health": HEALTH, "office": OFFICE, "kinds": kinds, "codes": codes})
    return versions


def fill(engine: Engine, first: int, last: int) -> None:
    """Parties number `first` to `last` with everything that is theirs; then the planner's statistics."""
    of = {
        "first": first,
        "last": last,
        "item": FOOD,
        "office": OFFICE,
        "licence": FOOD_LICENCE,
        "types": list(TYPES),
        "per_party": PER_PARTY,
    }
    with engine.begin() as tx:
        for statement in (_OBJECTS, _PARTIES, _CASES, _DECISIONS, _LICENCES, _MATERIALS):
            tx.execute(text(statement), of)
    settle(engine)


def settle(engine: Engine) -> None:
    """Vacuum and analyse, as a database does by itself after a while."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def checkpoint(admin: str) -> None:
    """Write what is still to be written, so that what is measured next does not have to."""
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CHECKPOINT"))
    engine.dispose()


__all__ = [
    "FOOD",
    "HYGIENE",
    "ON",
    "PER_PARTY",
    "checkpoint",
    "fill",
    "material_id",
    "party_id",
    "publish",
    "settle",
]
