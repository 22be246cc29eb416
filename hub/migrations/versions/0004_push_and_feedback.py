"""Push and feedback: rules as versions, every state of a push, all facts that come back, corrections, advice, reconciliation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

#: A rule of one department becomes a published version that names it; one that was switched off, a withdrawn one.
RULES = """
INSERT INTO push_rule_departments (rule_id, department, sign_days) SELECT id, department, sign_within_days FROM push_rules;
UPDATE push_rules SET
  item_codes = array_remove(ARRAY[item_code], NULL), area_prefixes = array_remove(ARRAY[area_prefix], NULL),
  result_types = array_remove(ARRAY[result_type], NULL), party_kinds = array_remove(ARRAY[party_kind], NULL),
  state = CASE WHEN active THEN 'published' ELSE 'withdrawn' END,
  published_by = 'program:migration', published_at = created_at,
  ended_by = CASE WHEN NOT active THEN 'program:migration' END, ended_at = CASE WHEN NOT active THEN now() END;
"""

#: Announcements of licences become announcements of every kind.
RENAMED = """
ALTER TABLE announcements RENAME CONSTRAINT pk_licence_announcements TO pk_announcements;
ALTER TABLE announcements RENAME CONSTRAINT ck_licence_announcements_sha256 TO ck_announcements_sha256;
ALTER TABLE announcements RENAME CONSTRAINT fk_licence_announcements_operation_id TO fk_announcements_operation_id;
ALTER TABLE announcements RENAME CONSTRAINT fk_licence_announcements_licence_id TO fk_announcements_licence_id;
ALTER TABLE announcements RENAME CONSTRAINT fk_licence_announcements_department TO fk_announcements_department;
ALTER INDEX ix_licence_announcements_licence RENAME TO ix_announcements_licence;
ALTER INDEX uq_licence_announcements_operation RENAME TO uq_announcements_operation;
"""

#: As the states of a push stood when this was written; later ones are added by later migrations.
TRANSITIONS = (
    ("held", "released", "owed"),
    ("owed", "arrived", "arrived"),
    ("owed", "signed", "signed"),
    ("arrived", "signed", "signed"),
    ("owed", "claimed", "claimed"),
    ("arrived", "claimed", "claimed"),
    ("signed", "claimed", "claimed"),
    ("returned", "claimed", "claimed"),
    ("owed", "returned", "returned"),
    ("arrived", "returned", "returned"),
    ("signed", "returned", "returned"),
    ("claimed", "returned", "returned"),
    ("supervising", "returned", "returned"),
    ("owed", "supervised", "supervising"),
    ("arrived", "supervised", "supervising"),
    ("signed", "supervised", "supervising"),
    ("claimed", "supervised", "supervising"),
    ("answered", "supervised", "supervising"),
    ("closed", "supervised", "supervising"),
    ("returned", "supervised", "supervising"),
    ("owed", "answered", "answered"),
    ("arrived", "answered", "answered"),
    ("signed", "answered", "answered"),
    ("claimed", "answered", "answered"),
    ("supervising", "answered", "answered"),
    ("closed", "answered", "answered"),
    ("returned", "answered", "answered"),
    ("owed", "closed", "closed"),
    ("arrived", "closed", "closed"),
    ("signed", "closed", "closed"),
    ("claimed", "closed", "closed"),
    ("supervising", "closed", "closed"),
    ("answered", "closed", "closed"),
    ("returned", "reassigned", "reassigned"),
    ("returned", "insisted", "signed"),
    ("closed", "reopened", "supervising"),
    ("held", "recalled", "recalled"),
    ("owed", "recalled", "recalled"),
    ("arrived", "recalled", "recalled"),
    ("signed", "recalled", "recalled"),
    ("claimed", "recalled", "recalled"),
    ("supervising", "recalled", "recalled"),
    ("answered", "recalled", "recalled"),
    ("closed", "recalled", "recalled"),
    ("returned", "recalled", "recalled"),
)

TRIGGERS = """
-- A push moves only as the table of transitions says.
CREATE FUNCTION shenguan_pushes_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM push_transitions WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'a push that is % does not become %', OLD.state, NEW.state USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER pushes_move BEFORE UPDATE OF state ON pushes
  FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION shenguan_pushes_move();

CREATE FUNCTION shenguan_pushing_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what happened to a push or a decision is neither changed nor deleted'
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER push_moves_stand BEFORE UPDATE OR DELETE ON push_moves
  FOR EACH ROW EXECUTE FUNCTION shenguan_pushing_stands();
CREATE TRIGGER decision_revisions_stand BEFORE UPDATE OR DELETE ON decision_revisions
  FOR EACH ROW EXECUTE FUNCTION shenguan_pushing_stands();

-- What a department signed stays as it signed it.
CREATE TRIGGER inbox_stands BEFORE UPDATE ON inbox FOR EACH STATEMENT EXECUTE FUNCTION shenguan_refuse();

CREATE TRIGGER push_rules_published BEFORE UPDATE OR DELETE ON push_rules
  FOR EACH ROW EXECUTE FUNCTION shenguan_published_content_stands();
-- Whom a published rule names stands as well; rows go with the draft they belong to.
CREATE FUNCTION shenguan_rule_departments_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM push_rules WHERE id = OLD.rule_id AND state <> 'draft') THEN
    RAISE EXCEPTION 'a published rule does not change' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER push_rule_departments_stand BEFORE UPDATE OR DELETE ON push_rule_departments
  FOR EACH ROW EXECUTE FUNCTION shenguan_rule_departments_stand();

-- A fact that a department reported does not change; only whether it still stands, and whether it decided when it came.
CREATE FUNCTION shenguan_findings_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF to_jsonb(NEW) - '{standing,effect_applied}'::text[] <> to_jsonb(OLD) - '{standing,effect_applied}'::text[]
    OR OLD.standing <> 'standing' THEN
    RAISE EXCEPTION 'a reported fact does not change; report a correction' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER findings_stand BEFORE UPDATE ON findings FOR EACH ROW EXECUTE FUNCTION shenguan_findings_stand();
"""

#: Names are found by any part of them: by their pairs of neighbouring characters.
PAIRS = """
CREATE FUNCTION shenguan_pairs(words text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT coalesce(array_agg(DISTINCT substr(lower(words), n, 2)), '{}')
        FROM generate_series(1, length(words) - 1) n);
CREATE INDEX ix_parties_pairs ON parties USING gin (shenguan_pairs(name));
"""

#: CHECKs on tables that were there before.
CHECKS = (
    ("department_keys", "custody_known", "custody IN ('department', 'hub')"),
    ("department_keys", "custody_has_key", "(custody = 'hub') = (sealed_key IS NOT NULL)"),
    ("departments", "channel_known", "channel IN ('kafka', 'rest', 'web')"),
    (
        "announcements",
        "kind_known",
        "kind IN ('licence.changed.v1', 'approval.corrected.v1', 'approval.withdrawn.v1', 'finding.forwarded.v1', "
        "'advice.forwarded.v1', 'count.asked.v1')",
    ),
    (
        "findings",
        "kind_known",
        "kind IN ('plan', 'inspection', 'rectification', 'enforcement', 'credit', 'withdrawal')",
    ),
    ("findings", "standing_known", "standing IN ('standing', 'corrected', 'withdrawn')"),
    (
        "findings",
        "inspection_results",
        "kind <> 'inspection' OR check_result IS NOT NULL AND handling IS NOT NULL",
    ),
    ("findings", "about_something", "(kind IN ('withdrawal', 'rectification')) <= (about_id IS NOT NULL)"),
    ("findings", "money_sane", "fine_fen >= 0 AND confiscated_fen >= 0"),
    ("notices", "handled_by_someone", "(handled_at IS NULL) = (handled_by IS NULL)"),
    ("push_rules", "state_known", "state IN ('draft', 'published', 'superseded', 'withdrawn')"),
    ("push_rules", "incomplete_known", "incomplete IN ('flag', 'block')"),
    ("pushes", "held_for_something", "(state = 'held') <= (missing IS NOT NULL)"),
)
#: Vocabularies that grew: (table, column, values).
GREW = (
    (
        "pushes",
        "state",
        "'held', 'owed', 'arrived', 'signed', 'claimed', 'supervising', 'answered', 'closed', 'returned', 'reassigned', "
        "'recalled'",
    ),
    ("receipts", "kind", "'arrived', 'signed', 'claimed', 'returned', 'closed'"),
    ("notices", "audience", "'clerk', 'data_admin', 'approver', 'supervisor', 'overseer'"),
    (
        "quarantine",
        "cause",
        "'unsigned', 'bad_signature', 'unknown_key', 'revoked_key', 'wrong_sender', 'not_json', 'schema', 'unknown_type', "
        "'too_large', 'unknown_case', 'unknown_push', 'unknown_material', 'unknown_finding', 'unknown_evidence', "
        "'unknown_thread'",
    ),
)

#: First proposals (standards 4.1, 4.2): data administrators change them.
PROPOSALS = """
INSERT INTO limits (name, title, working_days, source) VALUES ('advice.answer', '协调建议：答复', 3, '本地约定');
INSERT INTO alert_limits (kind, minutes) VALUES
  ('undelivered', 1440), ('unpublished', 5), ('parked', 15), ('quarantined', 480), ('program', 5),
  ('unsigned_correction', 1440);
INSERT INTO light_rules (kind, result, handling, light, lasts_days, note, seq) VALUES
  ('inspection', '1', '1', 'green', NULL, '符合，通过', 10),
  ('inspection', '2', '1', 'green', NULL, '基本符合，通过', 20),
  ('inspection', '2', NULL, 'yellow', NULL, '基本符合，未通过', 30),
  ('inspection', '3', NULL, 'red', NULL, '不符合', 40),
  ('inspection', NULL, '2', 'yellow', NULL, '限期整改', 50),
  ('inspection', NULL, '3', 'red', NULL, '移交执法', 60),
  ('rectification', '1', NULL, 'green', NULL, '整改合格', 70),
  ('rectification', '2', NULL, 'yellow', NULL, '继续整改', 80),
  ('rectification', '3', NULL, 'red', NULL, '移交执法', 90),
  ('enforcement', '0', NULL, 'yellow', 90, '警告', 100),
  ('enforcement', NULL, NULL, 'red', 365, '受到处罚', 110),
  ('credit', NULL, NULL, 'red', 365, '失信记录', 120),
  ('credit', 'dishonest', NULL, 'yellow', 365, '失信', 130),
  ('credit', 'repaired', NULL, 'green', NULL, '信用修复', 140),
  ('credit', 'good', NULL, 'green', NULL, '守信', 150);
INSERT INTO push_limits (item_code, department, sign_days, claim_days, plan_days, feedback_days)
  VALUES (NULL, NULL, 3, 3, 20, NULL);
INSERT INTO licence_rules (kind, result, effect, automatic, note, seq) VALUES
  ('rectification', '1', 'lift', true, '整改合格', 110),
  ('rectification', '2', 'warn', true, '继续整改', 120),
  ('rectification', '3', 'freeze', true, '移交执法', 130),
  ('enforcement', '3', 'propose_revocation', false, '吊销', 140);
"""


def upgrade() -> None:
    """Add everything; rules, announcements and findings that are there already keep their meaning."""
    op.create_table(
        "alert_limits",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('undelivered', 'unpublished', 'parked', 'quarantined', 'program', 'unsigned_correction')",
            name=op.f("ck_alert_limits_kind_known"),
        ),
        sa.CheckConstraint("minutes BETWEEN 1 AND 100000", name=op.f("ck_alert_limits_minutes_sane")),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_alert_limits")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notice_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_alerts_notice_id")),
        sa.CheckConstraint(
            "kind IN ('undelivered', 'unpublished', 'parked', 'quarantined', 'program', 'unsigned_correction')",
            name=op.f("ck_alerts_kind_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "act IN ('replay', 'dismiss', 'publish', 'park', 'unpark')", name=op.f("ck_attempts_act_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_subject", "attempts", ["subject", "at"], unique=False)
    op.create_table(
        "light_rules",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("handling", sa.Text(), nullable=True),
        sa.Column("light", sa.Text(), nullable=False),
        sa.Column("lasts_days", sa.SmallInteger(), nullable=True),
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("seq", sa.SmallInteger(), server_default=sa.text("100"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('plan', 'inspection', 'rectification', 'enforcement', 'credit', 'withdrawal')",
            name=op.f("ck_light_rules_kind_known"),
        ),
        sa.CheckConstraint("light IN ('green', 'yellow', 'red')", name=op.f("ck_light_rules_light_known")),
        sa.CheckConstraint(
            "lasts_days IS NULL OR lasts_days BETWEEN 1 AND 3660", name=op.f("ck_light_rules_lasts_days_sane")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_light_rules")),
    )
    op.create_table(
        "push_transitions",
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "act IN ('arrived', 'signed', 'claimed', 'returned', 'closed', 'supervised', 'answered', 'released', 'reassigned', 'insisted', 'recalled', 'reopened')",
            name=op.f("ck_push_transitions_act_known"),
        ),
        sa.CheckConstraint(
            "from_state IN ('held', 'owed', 'arrived', 'signed', 'claimed', 'supervising', 'answered', 'closed', 'returned', 'reassigned', 'recalled')",
            name=op.f("ck_push_transitions_from_state_known"),
        ),
        sa.CheckConstraint(
            "to_state IN ('held', 'owed', 'arrived', 'signed', 'claimed', 'supervising', 'answered', 'closed', 'returned', 'reassigned', 'recalled')",
            name=op.f("ck_push_transitions_to_state_known"),
        ),
        sa.PrimaryKeyConstraint("from_state", "act", name=op.f("pk_push_transitions")),
    )
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'counting'"), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "totals", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("differences", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("state IN ('counting', 'done')", name=op.f("ck_reconciliations_state_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
    )
    op.create_index("ix_reconciliations_started_at", "reconciliations", ["started_at"], unique=False)
    op.create_table(
        "department_counts",
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("ids_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("ids", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("envelope_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "what IN ('packages', 'announcements', 'receipts', 'findings')",
            name=op.f("ck_department_counts_what_known"),
        ),
        sa.ForeignKeyConstraint(
            ["department"], ["departments.code"], name=op.f("fk_department_counts_department")
        ),
        sa.PrimaryKeyConstraint("department", "day", "what", name=op.f("pk_department_counts")),
    )
    op.create_table(
        "evidence",
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("brought_by", sa.Text(), nullable=False),
        sa.Column("brought_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["department"], ["departments.code"], name=op.f("fk_evidence_department")),
        sa.ForeignKeyConstraint(["sha256"], ["stored_objects.sha256"], name=op.f("fk_evidence_sha256")),
        sa.PrimaryKeyConstraint("department", "sha256", name=op.f("pk_evidence")),
    )
    op.create_table(
        "push_limits",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("sign_days", sa.SmallInteger(), nullable=True),
        sa.Column("claim_days", sa.SmallInteger(), nullable=True),
        sa.Column("plan_days", sa.SmallInteger(), nullable=True),
        sa.Column("feedback_days", sa.SmallInteger(), nullable=True),
        sa.CheckConstraint("claim_days BETWEEN 0 AND 250", name=op.f("ck_push_limits_claim_days_sane")),
        sa.CheckConstraint("feedback_days BETWEEN 0 AND 250", name=op.f("ck_push_limits_feedback_days_sane")),
        sa.CheckConstraint("plan_days BETWEEN 0 AND 250", name=op.f("ck_push_limits_plan_days_sane")),
        sa.CheckConstraint("sign_days BETWEEN 0 AND 250", name=op.f("ck_push_limits_sign_days_sane")),
        sa.ForeignKeyConstraint(["department"], ["departments.code"], name=op.f("fk_push_limits_department")),
        sa.ForeignKeyConstraint(["item_code"], ["service_items.code"], name=op.f("fk_push_limits_item_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_limits")),
        sa.UniqueConstraint(
            "item_code",
            "department",
            name=op.f("uq_push_limits_item_code_department"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "push_rule_departments",
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("sign_days", sa.SmallInteger(), nullable=True),
        sa.Column("claim_days", sa.SmallInteger(), nullable=True),
        sa.Column("plan_days", sa.SmallInteger(), nullable=True),
        sa.Column("feedback_days", sa.SmallInteger(), nullable=True),
        sa.Column("left_out", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("masked", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("hears", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint(
            "claim_days BETWEEN 0 AND 250", name=op.f("ck_push_rule_departments_claim_days_sane")
        ),
        sa.CheckConstraint(
            "feedback_days BETWEEN 0 AND 250", name=op.f("ck_push_rule_departments_feedback_days_sane")
        ),
        sa.CheckConstraint(
            "plan_days BETWEEN 0 AND 250", name=op.f("ck_push_rule_departments_plan_days_sane")
        ),
        sa.CheckConstraint(
            "sign_days BETWEEN 0 AND 250", name=op.f("ck_push_rule_departments_sign_days_sane")
        ),
        sa.ForeignKeyConstraint(
            ["department"], ["departments.code"], name=op.f("fk_push_rule_departments_department")
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["push_rules.id"], name=op.f("fk_push_rule_departments_rule_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("rule_id", "department", name=op.f("pk_push_rule_departments")),
    )
    op.create_index(
        op.f("ix_push_rule_departments_department"), "push_rule_departments", ["department"], unique=False
    )
    op.create_table(
        "reconciliation_differences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("push_id", sa.Uuid(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("case_no", sa.Text(), nullable=True),
        sa.Column("item_code", sa.Text(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("what", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_why", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('not_pushed', 'incomplete', 'not_arrived', 'not_signed', 'not_claimed', 'not_answered', 'correction_not_signed', 'not_there', 'not_here', 'count', 'no_count')",
            name=op.f("ck_reconciliation_differences_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'resent', 'settled')", name=op.f("ck_reconciliation_differences_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["reconciliations.id"],
            name=op.f("fk_reconciliation_differences_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_differences")),
    )
    op.create_index(
        "ix_reconciliation_differences_run",
        "reconciliation_differences",
        ["run_id", "department"],
        unique=False,
    )
    op.create_index(
        "ix_reconciliation_differences_settled",
        "reconciliation_differences",
        ["department", "kind"],
        unique=False,
        postgresql_where=sa.text("state = 'settled'"),
    )
    op.create_table(
        "reconciliation_lines",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=False),
        sa.Column("decided", sa.Integer(), nullable=False),
        sa.Column("pushed", sa.Integer(), nullable=False),
        sa.Column("arrived", sa.Integer(), nullable=False),
        sa.Column("signed", sa.Integer(), nullable=False),
        sa.Column("claimed", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("overdue", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["reconciliations.id"],
            name=op.f("fk_reconciliation_lines_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_id", "department", "item_code", name=op.f("pk_reconciliation_lines")),
    )
    op.create_table(
        "advice_threads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('question', 'proposal')", name=op.f("ck_advice_threads_kind_known")),
        sa.CheckConstraint(
            "state IN ('open', 'answered', 'closed')", name=op.f("ck_advice_threads_state_known")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["departments.code"], name=op.f("fk_advice_threads_asked_by")),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_advice_threads_case_no")),
        sa.ForeignKeyConstraint(
            ["department"], ["departments.code"], name=op.f("fk_advice_threads_department")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advice_threads")),
    )
    op.create_index("ix_advice_threads_case_no", "advice_threads", ["case_no"], unique=False)
    op.create_index(
        "ix_advice_threads_open",
        "advice_threads",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "advice_posts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kid", sa.Text(), nullable=True),
        sa.Column("envelope_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(department IS NULL) = (kid IS NULL)", name=op.f("ck_advice_posts_department_signs")
        ),
        sa.ForeignKeyConstraint(
            ["department"], ["departments.code"], name=op.f("fk_advice_posts_department")
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["advice_threads.id"], name=op.f("fk_advice_posts_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advice_posts")),
    )
    op.create_index("ix_advice_posts_thread", "advice_posts", ["thread_id", "at"], unique=False)
    op.create_table(
        "decision_revisions",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document_no", sa.Text(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('corrected', 'withdrawn')", name=op.f("ck_decision_revisions_kind_known")
        ),
        sa.CheckConstraint("revision > 1", name=op.f("ck_decision_revisions_after_the_first")),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decisions.id"], name=op.f("fk_decision_revisions_decision_id")
        ),
        sa.PrimaryKeyConstraint("decision_id", "revision", name=op.f("pk_decision_revisions")),
    )
    op.create_table(
        "push_moves",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("push_id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.CheckConstraint(
            "act IN ('arrived', 'signed', 'claimed', 'returned', 'closed', 'supervised', 'answered', 'released', 'reassigned', 'insisted', 'recalled', 'reopened')",
            name=op.f("ck_push_moves_act_known"),
        ),
        sa.ForeignKeyConstraint(["push_id"], ["pushes.id"], name=op.f("fk_push_moves_push_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_moves")),
    )
    op.create_index("ix_push_moves_push", "push_moves", ["push_id", "at"], unique=False)
    op.create_table(
        "push_overdues",
        sa.Column("push_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "what IN ('sign', 'claim', 'plan', 'feedback')", name=op.f("ck_push_overdues_what_known")
        ),
        sa.ForeignKeyConstraint(
            ["department"], ["departments.code"], name=op.f("fk_push_overdues_department")
        ),
        sa.ForeignKeyConstraint(["push_id"], ["pushes.id"], name=op.f("fk_push_overdues_push_id")),
        sa.PrimaryKeyConstraint("push_id", "what", name=op.f("pk_push_overdues")),
    )
    op.create_index(
        "ix_push_overdues_open",
        "push_overdues",
        ["what", "due_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "finding_files",
        sa.Column("finding_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["findings.id"], name=op.f("fk_finding_files_finding_id")),
        sa.ForeignKeyConstraint(["sha256"], ["stored_objects.sha256"], name=op.f("fk_finding_files_sha256")),
        sa.PrimaryKeyConstraint("finding_id", "seq", name=op.f("pk_finding_files")),
    )
    op.create_table(
        "party_lights",
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("light", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finding_id", sa.Uuid(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint("light IN ('green', 'yellow', 'red')", name=op.f("ck_party_lights_light_known")),
        sa.ForeignKeyConstraint(["finding_id"], ["findings.id"], name=op.f("fk_party_lights_finding_id")),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_party_lights_party_id")),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_party_lights")),
    )
    op.rename_table("licence_announcements", "announcements")
    op.execute(RENAMED)
    op.add_column(
        "announcements", sa.Column("kind", sa.Text(), nullable=False, server_default="licence.changed.v1")
    )
    op.alter_column("announcements", "kind", server_default=None)
    op.alter_column("announcements", "operation_id", nullable=True)
    op.alter_column("announcements", "licence_id", nullable=True)
    for name, kind, target in (
        ("case_no", sa.Text(), "cases.case_no"),
        ("push_id", sa.Uuid(), "pushes.id"),
        ("finding_id", sa.Uuid(), "findings.id"),
        ("post_id", sa.Uuid(), "advice_posts.id"),
    ):
        op.add_column("announcements", sa.Column(name, kind, nullable=True))
        table, column = target.split(".")
        op.create_foreign_key(op.f(f"fk_announcements_{name}"), "announcements", table, [name], [column])
    op.add_column("announcements", sa.Column("revision", sa.SmallInteger(), nullable=True))
    op.add_column("announcements", sa.Column("sign_by", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE announcements a SET case_no = a.key FROM cases c WHERE c.case_no = a.key")
    op.create_index(
        "ix_announcements_case_no",
        "announcements",
        ["case_no"],
        unique=False,
        postgresql_where=sa.text("case_no IS NOT NULL"),
    )
    op.create_index(
        "ix_announcements_push",
        "announcements",
        ["push_id", "revision"],
        unique=False,
        postgresql_where=sa.text("push_id IS NOT NULL"),
    )
    op.create_index(
        "ix_announcements_unsigned",
        "announcements",
        ["department", "created_at"],
        unique=False,
        postgresql_where=sa.text("signed_at IS NULL"),
    )
    op.add_column(
        "decisions", sa.Column("revision", sa.SmallInteger(), server_default=sa.text("1"), nullable=False)
    )
    op.add_column("decisions", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "department_keys",
        sa.Column("custody", sa.Text(), server_default=sa.text("'department'"), nullable=False),
    )
    op.add_column("department_keys", sa.Column("sealed_key", sa.LargeBinary(), nullable=True))
    op.add_column(
        "departments", sa.Column("channel", sa.Text(), server_default=sa.text("'kafka'"), nullable=False)
    )
    op.add_column(
        "findings", sa.Column("kind", sa.Text(), server_default=sa.text("'inspection'"), nullable=False)
    )
    op.alter_column("findings", "inspected_at", new_column_name="happened_at")
    op.add_column("findings", sa.Column("result", sa.Text(), nullable=True))
    op.add_column("findings", sa.Column("round", sa.SmallInteger(), nullable=True))
    op.add_column("findings", sa.Column("about_id", sa.Uuid(), nullable=True))
    op.add_column("findings", sa.Column("corrects_id", sa.Uuid(), nullable=True))
    op.add_column("findings", sa.Column("chain_id", sa.Uuid(), nullable=True))
    op.add_column(
        "findings", sa.Column("standing", sa.Text(), server_default=sa.text("'standing'"), nullable=False)
    )
    op.add_column("findings", sa.Column("document_no", sa.Text(), nullable=True))
    op.add_column("findings", sa.Column("fine_fen", sa.BigInteger(), nullable=True))
    op.add_column("findings", sa.Column("confiscated_fen", sa.BigInteger(), nullable=True))
    op.add_column(
        "findings",
        sa.Column(
            "details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column("findings", sa.Column("push_state", sa.Text(), nullable=True))
    op.alter_column("findings", "check_result", existing_type=sa.TEXT(), nullable=True)
    op.alter_column("findings", "handling", existing_type=sa.TEXT(), nullable=True)
    op.create_index(
        "ix_findings_about",
        "findings",
        ["about_id"],
        unique=False,
        postgresql_where=sa.text("about_id IS NOT NULL"),
    )
    op.create_index("ix_findings_push", "findings", ["push_id"], unique=False)
    op.create_foreign_key(op.f("fk_findings_corrects_id"), "findings", "findings", ["corrects_id"], ["id"])
    op.create_foreign_key(op.f("fk_findings_chain_id"), "findings", "findings", ["chain_id"], ["id"])
    op.create_foreign_key(op.f("fk_findings_about_id"), "findings", "findings", ["about_id"], ["id"])
    op.add_column(
        "item_versions",
        sa.Column(
            "steps", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
    )
    op.add_column(
        "item_versions",
        sa.Column(
            "elements",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.create_index("ix_inbox_case_no", "inbox", ["case_no"], unique=False)
    op.add_column("notices", sa.Column("department", sa.Text(), nullable=True))
    op.add_column("notices", sa.Column("item_code", sa.Text(), nullable=True))
    op.add_column("notices", sa.Column("licence_id", sa.Uuid(), nullable=True))
    op.add_column("notices", sa.Column("push_id", sa.Uuid(), nullable=True))
    op.add_column("notices", sa.Column("thread_id", sa.Uuid(), nullable=True))
    op.add_column("notices", sa.Column("finding_id", sa.Uuid(), nullable=True))
    op.add_column("notices", sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("notices", sa.Column("handled_by", sa.Text(), nullable=True))
    op.add_column("notices", sa.Column("handled_note", sa.Text(), nullable=True))
    op.add_column("notices", sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("notices", sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("notices", sa.Column("escalates", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_notices_answer_by",
        "notices",
        ["answer_by"],
        unique=False,
        postgresql_where=sa.text("answer_by IS NOT NULL AND read_at IS NULL AND escalated_at IS NULL"),
    )
    op.create_index(
        "ix_notices_untimed",
        "notices",
        ["id"],
        unique=False,
        postgresql_where=sa.text(
            "answer_by IS NULL AND severity <> 'info' AND read_at IS NULL AND escalates IS NULL"
        ),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["source", "received_at"], unique=False)
    op.create_foreign_key(op.f("fk_notices_escalates"), "notices", "notices", ["escalates"], ["id"])
    op.create_foreign_key(op.f("fk_notices_finding_id"), "notices", "findings", ["finding_id"], ["id"])
    op.create_foreign_key(op.f("fk_notices_push_id"), "notices", "pushes", ["push_id"], ["id"])
    op.create_foreign_key(op.f("fk_notices_licence_id"), "notices", "licences", ["licence_id"], ["id"])
    op.create_foreign_key(op.f("fk_notices_item_code"), "notices", "service_items", ["item_code"], ["code"])
    op.create_foreign_key(op.f("fk_notices_thread_id"), "notices", "advice_threads", ["thread_id"], ["id"])
    op.create_foreign_key(op.f("fk_notices_department"), "notices", "departments", ["department"], ["code"])
    op.add_column(
        "outbox",
        sa.Column(
            "tx",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
            nullable=False,
        ),
    )
    op.create_index("ix_outbox_topic", "outbox", ["topic", "tx", "id"], unique=False)
    for table, known in (("outbox", "created_at"), ("inbox", "received_at")):
        op.add_column(
            table,
            sa.Column("said_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        )
        op.execute(f"UPDATE {table} SET said_at = {known}")  # noqa: S608 - as near as can be had without reading bytes
        op.create_index(f"ix_{table}_said_at", table, ["said_at"], unique=False, postgresql_using="brin")
    op.add_column(
        "push_rules",
        sa.Column("line", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
    )
    op.add_column(
        "push_rules", sa.Column("number", sa.SmallInteger(), server_default=sa.text("1"), nullable=False)
    )
    op.add_column(
        "push_rules", sa.Column("state", sa.Text(), server_default=sa.text("'draft'"), nullable=False)
    )
    op.add_column(
        "push_rules",
        sa.Column("item_codes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column(
        "push_rules",
        sa.Column(
            "area_prefixes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column(
        "push_rules",
        sa.Column(
            "result_types", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column(
        "push_rules",
        sa.Column("party_kinds", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column(
        "push_rules",
        sa.Column(
            "elements",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column(
        "push_rules", sa.Column("incomplete", sa.Text(), server_default=sa.text("'flag'"), nullable=False)
    )
    op.add_column("push_rules", sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column(
        "push_rules",
        sa.Column("created_by", sa.Text(), server_default=sa.text("'program:setup'"), nullable=False),
    )
    op.add_column("push_rules", sa.Column("published_by", sa.Text(), nullable=True))
    op.add_column("push_rules", sa.Column("published_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("push_rules", sa.Column("ended_by", sa.Text(), nullable=True))
    op.add_column("push_rules", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("push_rules", sa.Column("ended_why", sa.Text(), nullable=True))
    op.execute(RULES)
    op.drop_index(op.f("ix_push_rules_department"), table_name="push_rules")
    op.create_index(
        "uq_push_rules_draft",
        "push_rules",
        ["line"],
        unique=True,
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.create_unique_constraint(op.f("uq_push_rules_line_number"), "push_rules", ["line", "number"])
    op.create_index(
        "uq_push_rules_published",
        "push_rules",
        ["line"],
        unique=True,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.drop_constraint(op.f("fk_push_rules_item_code"), "push_rules", type_="foreignkey")
    op.drop_constraint(op.f("fk_push_rules_department"), "push_rules", type_="foreignkey")
    op.drop_column("push_rules", "result_type")
    op.drop_column("push_rules", "active")
    op.drop_column("push_rules", "party_kind")
    op.drop_column("push_rules", "area_prefix")
    op.drop_column("push_rules", "department")
    op.drop_column("push_rules", "sign_within_days")
    op.drop_column("push_rules", "item_code")
    op.add_column(
        "pushes", sa.Column("revision", sa.SmallInteger(), server_default=sa.text("1"), nullable=False)
    )
    for name in ("overdue", "unsigned_revision"):
        op.add_column(
            "pushes", sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)
        )
        op.create_index(
            f"ix_pushes_{name}", "pushes", ["created_at", "id"], unique=False, postgresql_where=sa.text(name)
        )
    op.create_index(
        "ix_pushes_rare",
        "pushes",
        ["department", "state", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('held', 'returned', 'reassigned', 'recalled')"),
    )
    op.add_column("pushes", sa.Column("state_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("pushes", sa.Column("missing", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("pushes", sa.Column("withheld", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column("pushes", sa.Column("held_package", sa.LargeBinary(), nullable=True))
    op.add_column("pushes", sa.Column("claim_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("pushes", sa.Column("plan_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("pushes", sa.Column("feedback_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("pushes", sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("pushes", sa.Column("planned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("pushes", sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("pushes", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("pushes", sa.Column("closed_by", sa.Text(), nullable=True))
    op.add_column("pushes", sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("pushes", sa.Column("came_from", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_pushes_incomplete",
        "pushes",
        ["created_at", "id"],
        unique=False,
        postgresql_where=sa.text("missing IS NOT NULL"),
    )
    op.create_index("ix_pushes_created_at", "pushes", ["created_at", "id"], unique=False)
    op.create_index("ix_pushes_department", "pushes", ["department", "created_at", "id"], unique=False)
    op.create_index(
        "ix_pushes_due",
        "pushes",
        ["next_due_at"],
        unique=False,
        postgresql_where=sa.text("next_due_at IS NOT NULL"),
    )
    op.create_index("ix_pushes_state", "pushes", ["state", "created_at", "id"], unique=False)
    op.create_foreign_key(op.f("fk_pushes_came_from"), "pushes", "pushes", ["came_from"], ["id"])
    op.add_column("quarantine", sa.Column("case_no", sa.Text(), nullable=True))
    op.create_index(
        "ix_quarantine_case_no",
        "quarantine",
        ["case_no"],
        unique=False,
        postgresql_where=sa.text("case_no IS NOT NULL"),
    )
    for table, name, condition in CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    for table, column, values in GREW:
        op.drop_constraint(op.f(f"ck_{table}_{column}_known"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_{column}_known"), table, f"{column} IN ({values})")
    transitions = sa.table(
        "push_transitions", sa.column("from_state"), sa.column("act"), sa.column("to_state")
    )
    op.bulk_insert(
        transitions, [dict(zip(("from_state", "act", "to_state"), one, strict=True)) for one in TRANSITIONS]
    )
    op.execute(PAIRS)
    op.execute(PROPOSALS)
    op.execute(TRIGGERS)
    # What is not signed for has its clock running on; what is has no limits of before.
    op.execute(
        "UPDATE pushes SET next_due_at = sign_by WHERE state IN ('owed', 'arrived') AND sign_by > now()"
    )
