"""The first tables: facts, queues, the ledger; what is append-only is so from the beginning."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

TRIGGERS = """
CREATE FUNCTION shenguan_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused: it is append-only', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
  FOR EACH STATEMENT EXECUTE FUNCTION shenguan_refuse();

CREATE FUNCTION shenguan_queue_for_sealing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ledger_unsealed (ledger_id) SELECT id FROM fresh;
  RETURN NULL;
END $$;

CREATE TRIGGER ledger_queue AFTER INSERT ON ledger REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION shenguan_queue_for_sealing();

-- The signed bytes never change; marking a row as published does not name these columns.
CREATE TRIGGER outbox_bytes_fixed BEFORE UPDATE OF value, signature, kid, key, topic, event_id ON outbox
  FOR EACH STATEMENT EXECUTE FUNCTION shenguan_refuse();

CREATE FUNCTION shenguan_wake_relay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('shenguan_outbox', '');
  RETURN NULL;
END $$;

CREATE TRIGGER outbox_wake AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION shenguan_wake_relay();

CREATE FUNCTION shenguan_wake_pages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('shenguan_notice', NEW.id::text);
  RETURN NULL;
END $$;

CREATE TRIGGER notices_wake AFTER INSERT ON notices FOR EACH ROW EXECUTE FUNCTION shenguan_wake_pages();

-- Rows of a month without a partition still find a place.
CREATE TABLE outbox_default PARTITION OF outbox DEFAULT;

-- What no other item names still has an item.
INSERT INTO service_items (code, name) VALUES ('QT-000', '其他行政许可');
"""


def upgrade() -> None:
    """Make everything."""
    op.create_table(
        "calendar_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_calendar_days")),
    )
    op.create_table(
        "departments",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=True),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("code ~ '^[a-z][a-z0-9-]{1,30}$'", name=op.f("ck_departments_code_form")),
        sa.CheckConstraint(
            "roles <@ ARRAY['approving','supervising','enforcing']", name=op.f("ck_departments_roles_known")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_departments")),
        sa.UniqueConstraint("name", name=op.f("uq_departments_name")),
    )
    op.create_table(
        "inbox",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("source", "event_id", name=op.f("pk_inbox")),
    )
    op.create_table(
        "ledger",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
    )
    op.create_index("ix_ledger_at", "ledger", ["at"], unique=False)
    op.create_index("ix_ledger_case_no", "ledger", ["case_no"], unique=False)
    op.create_table(
        "ledger_batches",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("head_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_batches")),
    )
    op.create_table(
        "ledger_unsealed",
        sa.Column("ledger_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ledger_id", name=op.f("pk_ledger_unsealed")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", "created_at", name=op.f("pk_outbox")),
        postgresql_partition_by="RANGE (created_at)",
    )
    op.create_index("ix_outbox_event_id", "outbox", ["event_id"], unique=False)
    op.create_index(
        "ix_outbox_unpublished",
        "outbox",
        ["shard", "lane", "id"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_index(
        "ix_outbox_unpublished_key",
        "outbox",
        ["key"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "parked_keys",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("topic", "key", name=op.f("pk_parked_keys")),
    )
    op.create_table(
        "parties",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code_type", sa.Text(), nullable=False),
        sa.Column("code_masked", sa.Text(), nullable=True),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("code_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("legal_representative", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('legal', 'natural', 'individual')", name=op.f("ck_parties_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parties")),
        sa.UniqueConstraint("code_digest", name=op.f("uq_parties_code_digest")),
    )
    op.create_index("ix_parties_name", "parties", ["name"], unique=False)
    op.create_table(
        "programs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'waiting', 'stopped')", name=op.f("ck_programs_state_known")
        ),
        sa.PrimaryKeyConstraint("name", "instance", name=op.f("pk_programs")),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("kid", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'held'"), nullable=False),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_why", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "cause IN ('unsigned', 'bad_signature', 'unknown_key', 'revoked_key', 'wrong_sender', 'not_json', 'schema', 'unknown_type', 'too_large', 'unknown_case', 'unknown_push')",
            name=op.f("ck_quarantine_cause_known"),
        ),
        sa.CheckConstraint(
            "state IN ('held', 'replayed', 'dismissed')", name=op.f("ck_quarantine_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint(
            "topic", "partition", "offset", "sha256", name=op.f("uq_quarantine_topic_partition_offset_sha256")
        ),
    )
    op.create_index(
        "ix_quarantine_held",
        "quarantine",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_table(
        "service_items",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("catalog_code", sa.Text(), nullable=True),
        sa.Column("item_type", sa.Text(), server_default=sa.text("'01'"), nullable=False),
        sa.Column("case_type", sa.Text(), server_default=sa.text("'2'"), nullable=False),
        sa.Column("legal_days", sa.SmallInteger(), nullable=True),
        sa.Column("promised_days", sa.SmallInteger(), nullable=True),
        sa.Column("aliases", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("licence_type_code", sa.Text(), nullable=True),
        sa.Column("licence_name", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint(
            "promised_days IS NULL OR legal_days IS NULL OR promised_days <= legal_days",
            name=op.f("ck_service_items_limits"),
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_service_items")),
        sa.UniqueConstraint("name", name=op.f("uq_service_items_name")),
    )
    op.create_table(
        "stored_objects",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_stored_objects_sha256")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_stored_objects")),
        sa.UniqueConstraint("object_name", name=op.f("uq_stored_objects_object_name")),
    )
    op.create_table(
        "cases",
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("org_code", sa.Text(), nullable=False),
        sa.Column("org_name", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("applied_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("promised_on", sa.Date(), nullable=True),
        sa.Column("standing", sa.Text(), server_default=sa.text("'clear'"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("standing IN ('clear', 'watch', 'alert')", name=op.f("ck_cases_standing_known")),
        sa.ForeignKeyConstraint(["item_code"], ["service_items.code"], name=op.f("fk_cases_item_code")),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_cases_party_id")),
        sa.PrimaryKeyConstraint("case_no", name=op.f("pk_cases")),
    )
    op.create_index(op.f("ix_cases_created_at"), "cases", ["created_at"], unique=False)
    op.create_index(op.f("ix_cases_item_code"), "cases", ["item_code"], unique=False)
    op.create_index(op.f("ix_cases_party_id"), "cases", ["party_id"], unique=False)
    op.create_table(
        "department_keys",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("public_pem", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["department"], ["departments.code"], name=op.f("fk_department_keys_department")
        ),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_department_keys")),
    )
    op.create_index(op.f("ix_department_keys_department"), "department_keys", ["department"], unique=False)
    op.create_table(
        "push_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=True),
        sa.Column("area_prefix", sa.Text(), nullable=True),
        sa.Column("result_type", sa.Text(), nullable=True),
        sa.Column("party_kind", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("sign_within_days", sa.SmallInteger(), server_default=sa.text("3"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "sign_within_days BETWEEN 0 AND 90", name=op.f("ck_push_rules_sign_within_days_sane")
        ),
        sa.ForeignKeyConstraint(["department"], ["departments.code"], name=op.f("fk_push_rules_department")),
        sa.ForeignKeyConstraint(["item_code"], ["service_items.code"], name=op.f("fk_push_rules_item_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_rules")),
    )
    op.create_index(op.f("ix_push_rules_department"), "push_rules", ["department"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("org_code", sa.Text(), nullable=False),
        sa.Column("document_no", sa.Text(), nullable=False),
        sa.Column("document_name", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("result_type", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("elements", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(content_hash) = 32", name=op.f("ck_decisions_content_hash_sha256")),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_decisions_case_no")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("case_no", name=op.f("uq_decisions_case_no")),
        sa.UniqueConstraint("org_code", "document_no", name=op.f("uq_decisions_org_code_document_no")),
    )
    op.create_index("ix_decisions_decided_on", "decisions", ["decided_on"], unique=False)
    op.create_table(
        "licences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("type_code", sa.Text(), nullable=False),
        sa.Column("issuer_code", sa.Text(), nullable=False),
        sa.Column("issuer_name", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'01'"), nullable=False),
        sa.Column("status_note", sa.Text(), nullable=True),
        sa.Column("status_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('01', '02', '03', '04', '05', '06', '07', '99')",
            name=op.f("ck_licences_status_known"),
        ),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_licences_case_no")),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_licences_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licences")),
        sa.UniqueConstraint("identifier", name=op.f("uq_licences_identifier")),
    )
    op.create_index(op.f("ix_licences_case_no"), "licences", ["case_no"], unique=False)
    op.create_index("ix_licences_number", "licences", ["number"], unique=False)
    op.create_index(op.f("ix_licences_party_id"), "licences", ["party_id"], unique=False)
    op.create_table(
        "materials",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("get_type", sa.Text(), server_default=sa.text("'1'"), nullable=False),
        sa.Column("get_num", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_materials_case_no")),
        sa.ForeignKeyConstraint(["sha256"], ["stored_objects.sha256"], name=op.f("fk_materials_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_materials")),
    )
    op.create_index(op.f("ix_materials_case_no"), "materials", ["case_no"], unique=False)
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_by", sa.Text(), nullable=True),
        sa.CheckConstraint("audience IN ('clerk', 'data_admin')", name=op.f("ck_notices_audience_known")),
        sa.CheckConstraint(
            "severity IN ('info', 'warning', 'alert')", name=op.f("ck_notices_severity_known")
        ),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_notices_case_no")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_case_no"), "notices", ["case_no"], unique=False)
    op.create_index(
        "ix_notices_unread",
        "notices",
        ["audience", "id"],
        unique=False,
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_table(
        "steps",
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_by", sa.Text(), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("org_code", sa.Text(), nullable=True),
        sa.Column("org_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_steps_case_no")),
        sa.PrimaryKeyConstraint("case_no", "seq", name=op.f("pk_steps")),
    )
    op.create_table(
        "file_reads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("material_id", sa.Uuid(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("stated_use", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["material_id"], ["materials.id"], name=op.f("fk_file_reads_material_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_reads")),
        sa.UniqueConstraint("reader", "token_id", name=op.f("uq_file_reads_reader_token_id")),
    )
    op.create_index(op.f("ix_file_reads_material_id"), "file_reads", ["material_id"], unique=False)
    op.create_table(
        "holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("licence_id", sa.Uuid(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["department"], ["departments.code"], name=op.f("fk_holds_department")),
        sa.ForeignKeyConstraint(["licence_id"], ["licences.id"], name=op.f("fk_holds_licence_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_licence_id"), "holds", ["licence_id"], unique=False)
    op.create_index(
        "uq_holds_open",
        "holds",
        ["licence_id", "department"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "pushes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("package_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'owed'"), nullable=False),
        sa.Column("sign_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_why", sa.Text(), nullable=True),
        sa.Column("findings", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_finding_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('owed', 'arrived', 'signed', 'claimed', 'returned')",
            name=op.f("ck_pushes_state_known"),
        ),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_pushes_case_no")),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_pushes_decision_id")),
        sa.ForeignKeyConstraint(["department"], ["departments.code"], name=op.f("fk_pushes_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pushes")),
        sa.UniqueConstraint("decision_id", "department", name=op.f("uq_pushes_decision_id_department")),
        sa.UniqueConstraint("event_id", name=op.f("uq_pushes_event_id")),
    )
    op.create_index("ix_pushes_case_no", "pushes", ["case_no"], unique=False)
    op.create_index(
        "ix_pushes_undelivered",
        "pushes",
        ["department", "created_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('owed', 'arrived')"),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("finding_no", sa.Text(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("push_id", sa.Uuid(), nullable=True),
        sa.Column("licence_id", sa.Uuid(), nullable=True),
        sa.Column("inspected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("inspectors", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("check_result", sa.Text(), nullable=False),
        sa.Column("handling", sa.Text(), nullable=False),
        sa.Column("rectify_by", sa.Date(), nullable=True),
        sa.Column("explanation", sa.Text(), nullable=True),
        sa.Column("publicity", sa.Text(), nullable=True),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("effect_applied", sa.Boolean(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("envelope_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("check_result IN ('1', '2', '3')", name=op.f("ck_findings_check_result_known")),
        sa.CheckConstraint(
            "effect IN ('none', 'lift', 'warn', 'freeze')", name=op.f("ck_findings_effect_known")
        ),
        sa.CheckConstraint("handling IN ('1', '2', '3')", name=op.f("ck_findings_handling_known")),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_findings_case_no")),
        sa.ForeignKeyConstraint(["department"], ["departments.code"], name=op.f("fk_findings_department")),
        sa.ForeignKeyConstraint(["licence_id"], ["licences.id"], name=op.f("fk_findings_licence_id")),
        sa.ForeignKeyConstraint(["push_id"], ["pushes.id"], name=op.f("fk_findings_push_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
        sa.UniqueConstraint("department", "finding_no", name=op.f("uq_findings_department_finding_no")),
    )
    op.create_index("ix_findings_case_no", "findings", ["case_no"], unique=False)
    op.create_index(
        "ix_findings_licence_department",
        "findings",
        ["licence_id", "department", "inspected_at"],
        unique=False,
    )
    op.create_index("ix_findings_received_at", "findings", ["received_at"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("push_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("envelope_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('arrived', 'signed', 'claimed', 'returned')", name=op.f("ck_receipts_kind_known")
        ),
        sa.CheckConstraint("octet_length(envelope_sha256) = 32", name=op.f("ck_receipts_sha256")),
        sa.ForeignKeyConstraint(["push_id"], ["pushes.id"], name=op.f("fk_receipts_push_id")),
        sa.PrimaryKeyConstraint("push_id", "kind", "event_id", name=op.f("pk_receipts")),
    )

    op.execute(TRIGGERS)
