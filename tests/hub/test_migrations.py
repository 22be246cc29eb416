"""Migrations go forward with data in the tables, and say of what was there what can be known."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from hub.licensing.life import triples
from hub.migrations import differences, upgrade
from hub.pushing.push import TRANSITIONS

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
            assert tx.execute(text("select count(*) from limits")).scalar_one() == 6
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


#: Licences as the second release left them: of a sheet, valid, frozen by a department and by nobody, ended, 99 without a
#: word, with a version in the identifier, with an identifier that is none.
SECOND_RELEASE = """
INSERT INTO departments (code, name, roles) VALUES ('scjg', '示范县市场监督管理局', '{supervising}');
INSERT INTO licences (id, identifier, case_no, party_id, name, number, type_code, issuer_code, issuer_name, issued_on,
    valid_from, valid_to, status, status_note, status_at)
  SELECT ('00000000-0000-4000-8000-00000000010' || n)::uuid, identifier, case_no, parties.id, '食品经营许可证', 'JY' || n,
    '11370100MB00000194001', '11370100MB00000194', '示范县行政审批服务局', '2026-01-05', '2026-01-05', valid_to::date,
    status, note, timestamptz '2026-02-01 10:00+08'
  FROM parties, (VALUES
    (1, '1.2.156.3005.2.11370100MB00000194001.11370100MB00000194.A1.001.0', 'C1', '2031-01-04', '01', NULL),
    (2, '1.2.156.3005.2.11370100MB00000194001.11370100MB00000194.A2.003.0', 'C1', NULL, '02', NULL),
    (3, '1.2.156.3005.2.11370100MB00000194001.11370100MB00000194.A3.000.0', 'C2', '2020-01-01', '02', NULL),
    (4, '老证 1990 第 4 号', 'C2', '1989-01-01', '99', ''),
    (5, '1.2.156.3005.2.11370100MB00000194001.11370100MB00000194.A5.001.0', 'C2', '2031-01-04', '04', '申请注销')
  ) AS all_of (n, identifier, case_no, valid_to, status, note);
INSERT INTO findings (id, department, finding_no, case_no, licence_id, inspected_at, inspectors, check_result, handling,
    effect, effect_applied, kid, envelope_sha256)
  VALUES ('00000000-0000-4000-8000-000000000201', 'scjg', 'F1', 'C1', '00000000-0000-4000-8000-000000000102',
    now(), '{}', '3', '3', 'freeze', true, 'k', '\\x00');
INSERT INTO holds (id, licence_id, department, placed_by, placed_at)
  VALUES ('00000000-0000-4000-8000-000000000301', '00000000-0000-4000-8000-000000000102', 'scjg',
    '00000000-0000-4000-8000-000000000201', now());
"""


def test_the_third_release_takes_the_licences_that_are_there(empty_database_url: str) -> None:
    """Each licence gets a beginning in its own status and, where they can be known, its department and version; 99 says
    something; holds and findings stay; the rules are those that inspections always had; again, nothing changes."""
    engine = create_engine(empty_database_url)
    try:
        upgrade(engine, "0001")
        with engine.begin() as tx:
            tx.execute(text(FIRST_RELEASE))
        upgrade(engine, "0002")
        with engine.begin() as tx:
            tx.execute(text(SECOND_RELEASE))
        upgrade(engine)
        upgrade(engine)
        with engine.connect() as tx:
            licences = tx.execute(
                text(
                    "SELECT number, status, status_note, version, department, origin FROM licences ORDER BY number"
                )
            ).all()
            assert licences == [
                ("JY1", "01", None, 1, "xzsp", "registered"),
                ("JY2", "02", None, 3, "xzsp", "registered"),
                ("JY3", "02", None, 1, None, "registered"),
                ("JY4", "99", "未说明", 1, None, "registered"),
                ("JY5", "04", "申请注销", 1, None, "registered"),
            ]
            operations = tx.execute(
                text(
                    "SELECT l.number, o.operation, o.from_status, o.to_status, o.at = l.status_at"
                    " FROM licence_operations o JOIN licences l ON l.id = o.licence_id ORDER BY l.number"
                )
            ).all()
            assert operations == [(n, "register", "00", status, True) for n, status, *_ in licences]
            assert tx.execute(text("SELECT department, lifted_at FROM holds")).all() == [("scjg", None)]
            assert tx.execute(text("SELECT effect FROM findings")).scalars().all() == ["freeze"]
            rows = tx.execute(text("SELECT operation, from_status, to_status FROM licence_transitions"))
            assert sorted(tuple(row) for row in rows) == sorted(triples())
            rules = tx.execute(
                text("SELECT kind, type_code, automatic, active FROM licence_rules WHERE kind = 'inspection'")
            ).all()
            assert rules == [("inspection", None, True, True)] * 7
        assert differences(engine) == []
    finally:
        engine.dispose()


def test_licences_of_an_earlier_release_are_guarded_too(empty_database_url: str) -> None:
    """After the step their statuses move only as the table says, from whatever they were."""
    engine = create_engine(empty_database_url)
    try:
        upgrade(engine, "0001")
        with engine.begin() as tx:
            tx.execute(text(FIRST_RELEASE))
        upgrade(engine, "0002")
        with engine.begin() as tx:
            tx.execute(text(SECOND_RELEASE))
        upgrade(engine)
        with engine.begin() as tx:
            tx.execute(text("UPDATE licences SET status = '01' WHERE number = 'JY2'"))
            tx.execute(text("UPDATE licences SET status = '05' WHERE number = 'JY3'"))
        for statement in (
            "UPDATE licences SET status = '01' WHERE number = 'JY3'",
            "UPDATE licences SET status = '02' WHERE number = 'JY5'",
        ):
            with engine.begin() as tx, pytest.raises(IntegrityError, match="does not become"):
                tx.execute(text(statement))
    finally:
        engine.dispose()


#: Rules, pushes, findings and announcements as the third release left them.
THIRD_RELEASE = """
INSERT INTO departments (code, name, roles) VALUES ('zhzf', '示范县综合行政执法局', '{enforcing}');
INSERT INTO push_rules (name, item_code, area_prefix, department, sign_within_days, active) VALUES
  ('食品', 'XK-001', '9901', 'scjg', 3, true), ('全部', NULL, NULL, 'zhzf', 5, false);
INSERT INTO decisions (id, case_no, org_code, document_no, document_name, decided_on, result_type, explanation, elements,
    content_hash, decided_by)
  VALUES ('00000000-0000-4000-8000-000000000401', 'C1', 'X', '示许1', '决定书', '2026-01-05', '0', '准予', '{}',
    decode(repeat('00', 32), 'hex'), 'X');
INSERT INTO pushes (id, decision_id, case_no, department, rule_id, event_id, package_sha256, state, sign_by) VALUES
  ('00000000-0000-4000-8000-000000000402', '00000000-0000-4000-8000-000000000401', 'C1', 'scjg', 1, gen_random_uuid(),
    decode(repeat('00', 32), 'hex'), 'owed', now() + interval '3 days'),
  ('00000000-0000-4000-8000-000000000403', '00000000-0000-4000-8000-000000000401', 'C1', 'zhzf', 2, gen_random_uuid(),
    decode(repeat('00', 32), 'hex'), 'claimed', now() + interval '3 days');
INSERT INTO outbox (shard, lane, topic, key, event_id, event_type, value, signature, kid)
  VALUES (1, 0, '990101.scjg.in', 'C1', gen_random_uuid(), 'approval.decided.v1',
    '{"time": "2026-01-05T02:00:00.000Z"}', 's', 'hub-1');
INSERT INTO licence_operations (id, licence_id, operation, from_status, to_status, reason, actor)
  VALUES ('00000000-0000-4000-8000-000000000404', '00000000-0000-4000-8000-000000000101', 'suspend', '01', '02', 'r', 'a');
INSERT INTO licence_announcements (event_id, operation_id, licence_id, department, key, message_sha256, signed_at)
  VALUES ('00000000-0000-4000-8000-000000000405', '00000000-0000-4000-8000-000000000404',
    '00000000-0000-4000-8000-000000000101', 'scjg', 'C1', decode(repeat('00', 32), 'hex'), now());
"""


def test_the_fourth_release_takes_rules_pushes_and_findings_that_are_there(empty_database_url: str) -> None:
    """A rule becomes a version that names its department, published or withdrawn; pushes keep their state and clock;
    findings are inspections that stand; announcements of licences are announcements; again, nothing changes."""
    engine = create_engine(empty_database_url)
    try:
        for revision, data in (("0001", FIRST_RELEASE), ("0002", SECOND_RELEASE), ("0003", THIRD_RELEASE)):
            upgrade(engine, revision)
            with engine.begin() as tx:
                tx.execute(text(data))
        upgrade(engine)
        upgrade(engine)
        with engine.connect() as tx:
            rules = tx.execute(
                text("""
                SELECT r.name, r.state, r.item_codes, r.area_prefixes, d.department, d.sign_days
                FROM push_rules r JOIN push_rule_departments d ON d.rule_id = r.id ORDER BY r.id
                """)
            ).all()
            assert rules == [
                ("食品", "published", ["XK-001"], ["9901"], "scjg", 3),
                ("全部", "withdrawn", [], [], "zhzf", 5),
            ]
            pushes = text("SELECT department, state, next_due_at = sign_by FROM pushes ORDER BY department")
            assert tx.execute(pushes).all() == [("scjg", "owed", True), ("zhzf", "claimed", None)]
            findings = text("SELECT finding_no, kind, standing, happened_at IS NOT NULL FROM findings")
            assert tx.execute(findings).all() == [("F1", "inspection", "standing", True)]
            told = text("SELECT kind, case_no, signed_at IS NOT NULL FROM announcements")
            assert tx.execute(told).all() == [("licence.changed.v1", "C1", True)]
            assert tx.execute(text("SELECT tx IS NOT NULL FROM outbox")).scalar_one() is True
            moves = tx.execute(text("SELECT from_state, act, to_state FROM push_transitions"))
            assert {(was, act): to for was, act, to in moves} == TRANSITIONS
        with engine.begin() as tx, pytest.raises(IntegrityError, match="does not become"):
            tx.execute(text("UPDATE pushes SET state = 'held', missing = '[]' WHERE department = 'scjg'"))
        with engine.begin() as tx, pytest.raises(IntegrityError, match="does not change"):
            tx.execute(text("UPDATE findings SET explanation = 'other'"))
        assert differences(engine) == []
    finally:
        engine.dispose()


#: Departments that take part in two ways, an alert that is open, a limit that somebody changed.
FOURTH_RELEASE = """
INSERT INTO departments (code, name, roles, channel) VALUES ('scjg', '示范县市场监督管理局', '{supervising}', 'kafka'),
  ('zhzf', '示范县综合行政执法局', '{enforcing}', 'web');
INSERT INTO department_keys (kid, department, public_pem, custody, sealed_key)
  VALUES ('scjg-1', 'scjg', 'pem', 'department', NULL), ('zhzf-1', 'zhzf', 'pem', 'hub', '\\x01');
UPDATE alert_limits SET minutes = 77 WHERE kind = 'program';
INSERT INTO alerts (kind, subject, words, since) VALUES ('program', 'program:relay', 'w', now());
"""


def test_the_fifth_release_takes_departments_keys_and_alerts_that_are_there(empty_database_url: str) -> None:
    """They stay as they were; a department can be hosted, the new kinds of alerts have their limits and an open alert can be
    owed to a channel; what is published of a connector is guarded; again, nothing changes."""
    engine = create_engine(empty_database_url)
    try:
        upgrade(engine, "0004")
        with engine.begin() as tx:
            tx.execute(text(FOURTH_RELEASE))
        upgrade(engine)
        upgrade(engine)
        with engine.begin() as tx:
            departments = tx.execute(text("SELECT code, channel FROM departments ORDER BY code")).all()
            assert departments == [("scjg", "kafka"), ("zhzf", "web")]
            keys = tx.execute(
                text("SELECT kid, custody, certificate FROM department_keys ORDER BY kid")
            ).all()
            assert keys == [("scjg-1", "department", None), ("zhzf-1", "hub", None)]
            limits = dict(tx.execute(text("SELECT kind, minutes FROM alert_limits")).all())
            assert (limits["program"], limits["connector"], limits["certificate"]) == (77, 30, 43_200)
            tx.execute(
                text("""
                UPDATE departments SET channel = 'hosted' WHERE code = 'zhzf';
                INSERT INTO alert_channels (kind, title, settings) VALUES ('mail', 't', '{}');
                INSERT INTO alert_messages (channel, alert, what)
                  SELECT c.id, a.id, 'raised' FROM alert_channels c, alerts a;
                INSERT INTO connectors (code, department, title, created_by) VALUES ('zhzf-db', 'zhzf', 't', 'user:test');
                INSERT INTO connector_versions (connector, version, document, made_by)
                  VALUES ('zhzf-db', 1, '{}', 'user:test');
                UPDATE connector_versions SET state = 'published', published_at = now(), published_by = 'user:test';
                """)
            )
        for statement, refused in (
            ("UPDATE connector_versions SET document = '{\"a\": 1}'", "may not be changed"),
            ("UPDATE connectors SET state = 'live'", "live_has_version"),
            ("UPDATE connectors SET version = 2", "fk_connectors_version"),
            (
                "INSERT INTO alert_messages (channel, what) SELECT id, 'raised' FROM alert_channels",
                "alert_known",
            ),
        ):
            with pytest.raises(DBAPIError, match=refused), engine.begin() as tx:
                tx.execute(text(statement))
        assert differences(engine) == []
    finally:
        engine.dispose()


#: Two decided cases with pushes, one of them reassigned later, and a correction, as the fifth release left them.
FIFTH_RELEASE = """
UPDATE cases SET created_at = timestamptz '2026-01-01 10:00+08' + right(case_no, 1)::int * interval '1 day';
INSERT INTO departments (code, name, roles) VALUES ('scjg', '示范县市场监督管理局', '{supervising}'),
  ('zhzf', '示范县综合行政执法局', '{enforcing}');
INSERT INTO decisions (id, case_no, org_code, document_no, document_name, decided_on, result_type, explanation, elements,
    content_hash, decided_by)
  SELECT ('00000000-0000-4000-8000-00000000050' || right(case_no, 1))::uuid, case_no, 'X', '示许' || case_no, '决定书',
    '2026-01-05', '0', '准予', '{}', decode(repeat('00', 32), 'hex'), 'X' FROM cases;
INSERT INTO pushes (id, decision_id, case_no, department, event_id, package_sha256, state)
  SELECT gen_random_uuid(), id, case_no, department, gen_random_uuid(), content_hash, state
  FROM decisions, (VALUES ('scjg', 'reassigned'), ('zhzf', 'owed')) AS two (department, state);
INSERT INTO decision_revisions (decision_id, revision, kind, reason, before, after, actor)
  VALUES ('00000000-0000-4000-8000-000000000502', 2, 'corrected', 'r', '{}', '{}', 'user:test');
"""


def test_the_sixth_release_takes_pushes_and_revisions_that_are_there(empty_database_url: str) -> None:
    """Each is listed where its case is, and so is one that comes, whatever it says itself; neither that nor the moment of a
    case changes; again, nothing changes."""
    engine = create_engine(empty_database_url)
    try:
        upgrade(engine, "0001")
        with engine.begin() as tx:
            tx.execute(text(FIRST_RELEASE))
        upgrade(engine, "0005")
        with engine.begin() as tx:
            tx.execute(text(FIFTH_RELEASE.replace(":", r"\:")))
        upgrade(engine)
        upgrade(engine)
        with engine.begin() as tx:
            tx.execute(
                text(
                    "INSERT INTO departments (code, name, roles) VALUES ('wjj', '示范县卫生健康局', '{supervising}')"
                )
            )
            tx.execute(
                text("""
                INSERT INTO pushes (id, decision_id, case_no, department, event_id, package_sha256, listed_at)
                  SELECT gen_random_uuid(), id, case_no, 'wjj', gen_random_uuid(), content_hash, now() FROM decisions;
                INSERT INTO decision_revisions (decision_id, revision, kind, reason, before, after, actor)
                  VALUES ('00000000-0000-4000-8000-000000000501', 2, 'withdrawn', 'r', '{}', '{}', 'user:test');
                """)
            )
            pushes = tx.execute(
                text(
                    "SELECT p.department, p.listed_at = c.created_at FROM pushes p JOIN cases c USING (case_no)"
                )
            ).all()
            assert sorted(tuple(row) for row in pushes) == [
                ("scjg", True), ("scjg", True), ("wjj", True), ("wjj", True), ("zhzf", True), ("zhzf", True),
            ]  # fmt: skip
            revisions = text(
                "SELECT c.case_no, r.case_no = c.case_no AND r.listed_at = c.created_at FROM decision_revisions r"
                " JOIN decisions d ON d.id = r.decision_id JOIN cases c ON c.case_no = d.case_no ORDER BY 1"
            )
            assert tx.execute(revisions).all() == [("C1", True), ("C2", True)]
        for statement in ("UPDATE pushes SET listed_at = now()", "UPDATE cases SET created_at = now()"):
            with engine.begin() as tx, pytest.raises(IntegrityError, match="neither changed"):
                tx.execute(text(statement))
        assert differences(engine) == []
    finally:
        engine.dispose()
