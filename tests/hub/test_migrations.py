"""Migrations go forward with data in the tables, and say of what was there what can be known."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from hub.migrations import differences, upgrade

#: One approving body, one case with a decision's material, as the first release left them.
FIRST_RELEASE = """
INSERT INTO departments (code, name, uscc, roles)
  VALUES ('xzsp', '示范县行政审批服务局', '11370100MB00000194', '{approving}');
INSERT INTO service_items (code, name, licence_type_code, licence_name)
  VALUES ('XK-001', '食品经营许可', '11370100MB00000194001', '食品经营许可证'), ('XK-002', '其他许可二', NULL, NULL);
INSERT INTO parties (id, kind, name, code_type, code_masked, code_digest)
  VALUES ('00000000-0000-4000-8000-000000000001', 'legal', '示范县青禾饮食有限公司', '001', '91370102MA3C00011F', '\\x01');
INSERT INTO cases (case_no, name, item_code, party_id, org_code, org_name, area_code, source)
  SELECT no, no, 'XK-001', id, org, '某机关', '990101', 'sheet' FROM parties,
    (VALUES ('C1', '11370100MB00000194'), ('C2', '没有登记的机关')) AS two (no, org);
INSERT INTO stored_objects (sha256, object_name, size, wrapped_key)
  VALUES (decode(repeat('ab', 32), 'hex'), 'files/1', 3, '\\x00');
INSERT INTO materials (id, case_no, sha256, name, media_type)
  SELECT '00000000-0000-4000-8000-000000000002', 'C1', sha256, '营业执照.pdf', 'application/pdf' FROM stored_objects;
"""


def test_the_second_release_takes_the_first_ones_data(empty_database_url: str) -> None:
    """Materials learn their party and department, cases their department; licence types are in the catalogue; running
    the step again changes nothing."""
    engine = create_engine(empty_database_url)
    try:
        upgrade(engine, "0001")
        with engine.begin() as tx:
            tx.execute(text(FIRST_RELEASE))
        upgrade(engine)
        upgrade(engine)
        with engine.connect() as tx:
            material = tx.execute(
                text("select party_id, department, state, type_code, origin from materials")
            ).one()
            assert material == (
                uuid.UUID("00000000-0000-4000-8000-000000000001"), "xzsp", "usable", None, "upload",
            )  # fmt: skip
            cases = tx.execute(text("select case_no, department, state from cases order by case_no")).all()
            assert cases == [("C1", "xzsp", "accepted"), ("C2", None, "accepted")]
            assert tx.execute(text("select code, name, sharing from licence_types")).all() == [
                ("11370100MB00000194001", "食品经营许可证", "conditional")
            ]
            assert tx.execute(text("select count(*) from limits")).scalar_one() == 5
        assert differences(engine) == []
    finally:
        engine.dispose()


def test_what_was_published_is_guarded_by_the_database(empty_database_url: str) -> None:
    """No program can change a published version or its list, whatever it forgets to check."""
    engine = create_engine(empty_database_url)
    try:
        upgrade(engine)
        with engine.begin() as tx:
            tx.execute(
                text("""
                INSERT INTO service_items (code, name) VALUES ('XK-001', '食品经营许可');
                INSERT INTO material_types (code, name) VALUES ('YYZZ', '营业执照');
                INSERT INTO item_versions (id, item_code, number, created_by)
                  VALUES ('00000000-0000-4000-8000-000000000003', 'XK-001', 1, 'user:test');
                INSERT INTO requirements (id, version_id, code, seq, name, material_type)
                  SELECT '00000000-0000-4000-8000-000000000004', id, 'M1', 1, '营业执照', 'YYZZ' FROM item_versions;
                UPDATE item_versions SET state = 'published', published_at = now(), published_by = 'user:test';
                """)
            )
        for statement in (
            "UPDATE requirements SET required = false",
            "DELETE FROM requirements",
            "UPDATE item_versions SET form = '[1]'",
            """INSERT INTO stand_ins (id, requirement_id, seq, kind, material_type)
               VALUES (gen_random_uuid(), '00000000-0000-4000-8000-000000000004', 1, 'material', 'YYZZ')""",
        ):
            with engine.begin() as tx, pytest.raises(IntegrityError, match=r"(does|do) not change"):
                tx.execute(text(statement))
        with engine.begin() as tx:
            tx.execute(
                text("UPDATE item_versions SET state = 'withdrawn', ended_at = now(), ended_by = 'user:test'")
            )
    finally:
        engine.dispose()
