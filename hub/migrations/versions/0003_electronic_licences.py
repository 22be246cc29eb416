"""Electronic licences: versions of types, documents, the life of a licence as a table, rules for findings, batches, notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

#: Of licences that were there before: whose they are, and which version their identifier names.
FILL = """
UPDATE licences l SET department = c.department FROM cases c WHERE c.case_no = l.case_no;
UPDATE licences SET status_note = '未说明' WHERE status = '99' AND coalesce(status_note, '') = '';
UPDATE licences SET version = split_part(identifier, '.', 9)::smallint
WHERE split_part(identifier, '.', 9) ~ '^[0-9]{3}$' AND split_part(identifier, '.', 9) <> '000';
"""

#: (operation, from, to), as the life of a licence stood when this was written; later ones are added by later migrations.
TRANSITIONS = (
    *((first, "00", "01") for first in ("issue", "renew", "change", "replace", "receive")),
    ("suspend", "01", "02"),
    ("restore", "02", "01"),
    *(("expire", was, "05") for was in ("01", "02")),
    ("supersede", "01", "05"),
    *(
        (end, was, becomes)
        for end, becomes in (("cancel", "04"), ("withdraw", "03"), ("revoke", "07"))
        for was in ("01", "02", "05")
    ),
    ("transfer", "01", "06"),
    *(("other", was, "99") for was in ("01", "02")),
    *(("reinstate", was, "01") for was in ("03", "04", "06", "07", "99")),
    *(("register", "00", becomes) for becomes in ("01", "02", "03", "04", "05", "06", "07", "99")),
)

#: The life of every licence has a beginning.
FIRST_OPERATIONS = """
INSERT INTO licence_operations (id, licence_id, operation, from_status, to_status, reason, actor, department, case_no, at)
SELECT gen_random_uuid(), id, 'register', '00', status, '升级前已登记', 'program:migration', department, case_no, status_at
FROM licences
"""

#: What findings did before there was a table of rules (standards 4.2).
RULES = """
INSERT INTO licence_rules (kind, result, handling, effect, note, seq) VALUES
  ('inspection', '1', '1', 'lift', '符合，通过', 10),
  ('inspection', '1', '2', 'warn', '符合，限期整改', 20),
  ('inspection', '1', '3', 'freeze', '符合，移交执法', 30),
  ('inspection', '2', '1', 'lift', '基本符合，通过', 40),
  ('inspection', '2', '2', 'warn', '基本符合，限期整改', 50),
  ('inspection', '2', '3', 'freeze', '基本符合，移交执法', 60),
  ('inspection', '3', NULL, 'freeze', '不符合', 70)
"""

TRIGGERS = """
-- A status moves only as the table of transitions says.
CREATE FUNCTION shenguan_licence_lives() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM licence_transitions WHERE from_status = OLD.status AND to_status = NEW.status) THEN
    RAISE EXCEPTION 'a licence with status % does not become %', OLD.status, NEW.status USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER licences_live BEFORE UPDATE OF status ON licences
  FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION shenguan_licence_lives();

-- What makes a licence this one does not change; a correction is a new version.
CREATE FUNCTION shenguan_licence_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.identifier, NEW.number, NEW.type_code, NEW.issuer_code, NEW.party_id, NEW.version, NEW.fields, NEW.valid_from)
     IS DISTINCT FROM
     (OLD.identifier, OLD.number, OLD.type_code, OLD.issuer_code, OLD.party_id, OLD.version, OLD.fields, OLD.valid_from)
  THEN
    RAISE EXCEPTION 'an issued licence does not change; issue a new version' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER licences_stand BEFORE UPDATE ON licences
  FOR EACH ROW WHEN (OLD.origin = 'issued') EXECUTE FUNCTION shenguan_licence_stands();

CREATE FUNCTION shenguan_operations_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what was done to a licence is neither changed nor deleted' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER licence_operations_stand BEFORE UPDATE OR DELETE ON licence_operations
  FOR EACH ROW EXECUTE FUNCTION shenguan_operations_stand();

CREATE TRIGGER licence_type_versions_published BEFORE UPDATE OR DELETE ON licence_type_versions
  FOR EACH ROW EXECUTE FUNCTION shenguan_published_content_stands();

-- Wakes those who issue batches, after commit.
CREATE FUNCTION shenguan_licence_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('shenguan_licence_batch', NEW.id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER licence_batches_wake AFTER INSERT OR UPDATE OF state ON licence_batches
  FOR EACH ROW WHEN (NEW.state = 'running') EXECUTE FUNCTION shenguan_licence_batch();
"""

#: CHECKs on tables that were there before.
CHECKS = (
    ("licences", "origin_known", "origin IN ('registered', 'issued', 'imported')"),
    ("licences", "validity_forward", "origin <> 'issued' OR valid_to IS NULL OR valid_to >= valid_from"),
    ("licences", "other_says_what", "status <> '99' OR status_note <> ''"),
    ("licences", "version_sane", "version BETWEEN 1 AND 999"),
    ("licences", "issued_by_a_version", "origin <> 'issued' OR type_version IS NOT NULL"),
    ("licences", "not_its_own_previous", "previous_id <> id"),
    ("materials", "upload_has_case", "case_no IS NOT NULL OR origin <> 'upload'"),
)
EFFECTS = "effect IN ('none', 'lift', 'warn', 'freeze', 'propose_freeze', 'propose_revocation')"


def upgrade() -> None:
    """Add everything, and give the licences that are there already a first operation."""
    op.execute(sa.schema.CreateSequence(sa.Sequence("licence_status_index", start=0, minvalue=0)))
    op.create_table(
        "licence_transitions",
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "from_status", "to_status", name=op.f("pk_licence_transitions")),
    )
    op.create_table(
        "spent_tokens",
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("department", "token_id", name=op.f("pk_spent_tokens")),
    )
    op.create_index(op.f("ix_spent_tokens_expires_at"), "spent_tokens", ["expires_at"], unique=False)
    op.create_table(
        "status_lists",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_status_lists")),
    )
    op.create_table(
        "licence_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("type_code", sa.Text(), nullable=True),
        sa.Column("type_version", sa.SmallInteger(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'reading'"), nullable=False),
        sa.Column("heading", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "operation IN ('issue', 'import')", name=op.f("ck_licence_batches_operation_known")
        ),
        sa.CheckConstraint(
            "state IN ('reading', 'ready', 'running', 'paused', 'done', 'stopped')",
            name=op.f("ck_licence_batches_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["department"], ["departments.code"], name=op.f("fk_licence_batches_department")
        ),
        sa.ForeignKeyConstraint(
            ["type_code"], ["licence_types.code"], name=op.f("fk_licence_batches_type_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_batches")),
    )
    op.create_table(
        "licence_counters",
        sa.Column("type_code", sa.Text(), nullable=False),
        sa.Column("issuer_code", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("last", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["type_code"], ["licence_types.code"], name=op.f("fk_licence_counters_type_code")
        ),
        sa.PrimaryKeyConstraint("type_code", "issuer_code", "period", name=op.f("pk_licence_counters")),
    )
    op.create_table(
        "licence_images",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type_code", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "media_type IN ('image/png', 'image/jpeg')", name=op.f("ck_licence_images_media_type_known")
        ),
        sa.ForeignKeyConstraint(["sha256"], ["stored_objects.sha256"], name=op.f("fk_licence_images_sha256")),
        sa.ForeignKeyConstraint(
            ["type_code"], ["licence_types.code"], name=op.f("fk_licence_images_type_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_images")),
        sa.UniqueConstraint("type_code", "sha256", name=op.f("uq_licence_images_type_code_sha256")),
    )
    op.create_table(
        "licence_rules",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("handling", sa.Text(), nullable=True),
        sa.Column("type_code", sa.Text(), nullable=True),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("automatic", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("seq", sa.SmallInteger(), server_default=sa.text("100"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint(
            "automatic OR effect IN ('freeze', 'propose_revocation')",
            name=op.f("ck_licence_rules_confirm_what_counts"),
        ),
        sa.CheckConstraint(
            "effect <> 'propose_revocation' OR NOT automatic",
            name=op.f("ck_licence_rules_revocation_is_confirmed"),
        ),
        sa.CheckConstraint(
            "effect IN ('none', 'warn', 'freeze', 'lift', 'propose_revocation')",
            name=op.f("ck_licence_rules_effect_known"),
        ),
        sa.CheckConstraint(
            "kind IN ('inspection', 'rectification', 'enforcement')", name=op.f("ck_licence_rules_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["type_code"], ["licence_types.code"], name=op.f("fk_licence_rules_type_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_rules")),
    )
    op.create_table(
        "licence_type_versions",
        sa.Column("type_code", sa.Text(), nullable=False),
        sa.Column("rules", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("fields", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("layout", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'draft'"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'superseded', 'withdrawn')",
            name=op.f("ck_licence_type_versions_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["type_code"], ["licence_types.code"], name=op.f("fk_licence_type_versions_type_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_type_versions")),
        sa.UniqueConstraint("type_code", "number", name=op.f("uq_licence_type_versions_type_code_number")),
    )
    op.create_index(
        "uq_licence_type_versions_draft",
        "licence_type_versions",
        ["type_code"],
        unique=True,
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.create_index(
        "uq_licence_type_versions_published",
        "licence_type_versions",
        ["type_code"],
        unique=True,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "holder_notices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("licence_id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("happening", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_by", sa.Text(), nullable=True),
        sa.Column("told_how", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('expiring', 'expired', 'suspended', 'restored', 'ended', 'issued')",
            name=op.f("ck_holder_notices_kind_known"),
        ),
        sa.ForeignKeyConstraint(["licence_id"], ["licences.id"], name=op.f("fk_holder_notices_licence_id")),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_holder_notices_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holder_notices")),
        sa.UniqueConstraint(
            "licence_id", "kind", "happening", name=op.f("uq_holder_notices_licence_id_kind_happening")
        ),
    )
    op.create_index(
        "ix_holder_notices_open",
        "holder_notices",
        ["id"],
        unique=False,
        postgresql_where=sa.text("told_at IS NULL"),
    )
    op.create_index(op.f("ix_holder_notices_party_id"), "holder_notices", ["party_id"], unique=False)
    op.create_table(
        "licence_batch_rows",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("licence_id", sa.Uuid(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('issued', 'unchanged')) = (licence_id IS NOT NULL)",
            name=op.f("ck_licence_batch_rows_issued_is_a_licence"),
        ),
        sa.CheckConstraint(
            "(state = 'refused') = (problem IS NOT NULL)", name=op.f("ck_licence_batch_rows_refused_says_why")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'issued', 'unchanged', 'refused')",
            name=op.f("ck_licence_batch_rows_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["licence_batches.id"],
            name=op.f("fk_licence_batch_rows_batch_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["licence_id"], ["licences.id"], name=op.f("fk_licence_batch_rows_licence_id")
        ),
        sa.PrimaryKeyConstraint("batch_id", "row", name=op.f("pk_licence_batch_rows")),
    )
    op.create_index("ix_licence_batch_rows_state", "licence_batch_rows", ["batch_id", "state"], unique=False)
    op.create_index("ix_licence_batch_rows_key", "licence_batch_rows", ["key"], unique=False)
    op.create_index(
        "ix_licence_batch_rows_waiting",
        "licence_batch_rows",
        ["batch_id", "row"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "licence_copies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("licence_id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("made_for", sa.Text(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("reads", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("format IN ('pdf', 'png')", name=op.f("ck_licence_copies_format_known")),
        sa.CheckConstraint("length(cause) BETWEEN 2 AND 200", name=op.f("ck_licence_copies_cause_stated")),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_licence_copies_case_no")),
        sa.ForeignKeyConstraint(["licence_id"], ["licences.id"], name=op.f("fk_licence_copies_licence_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_copies")),
    )
    op.create_index("ix_licence_copies_licence", "licence_copies", ["licence_id"], unique=False)
    op.create_index("ix_licence_copies_sha256", "licence_copies", ["sha256"], unique=False)
    op.create_table(
        "licence_documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("licence_id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("signer", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("material_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(format = 'pdf') = (level IS NOT NULL)", name=op.f("ck_licence_documents_pdf_has_level")
        ),
        sa.CheckConstraint("format IN ('pdf', 'ofd', 'sm2')", name=op.f("ck_licence_documents_format_known")),
        sa.CheckConstraint("level IN ('B-B', 'B-T', 'B-LT')", name=op.f("ck_licence_documents_level_known")),
        sa.ForeignKeyConstraint(
            ["licence_id"], ["licences.id"], name=op.f("fk_licence_documents_licence_id")
        ),
        sa.ForeignKeyConstraint(
            ["material_id"], ["materials.id"], name=op.f("fk_licence_documents_material_id")
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["stored_objects.sha256"], name=op.f("fk_licence_documents_sha256")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_documents")),
        sa.UniqueConstraint("licence_id", "format", name=op.f("uq_licence_documents_licence_id_format")),
    )
    op.create_index("ix_licence_documents_sha256", "licence_documents", ["sha256"], unique=False)
    op.create_table(
        "licence_operations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("licence_id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("document_no", sa.Text(), nullable=True),
        sa.Column("document_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("finding_id", sa.Uuid(), nullable=True),
        sa.Column("case_no", sa.Text(), nullable=True),
        sa.Column("related_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "document_sha256 IS NULL OR octet_length(document_sha256) = 32",
            name=op.f("ck_licence_operations_sha256"),
        ),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_licence_operations_case_no")),
        sa.ForeignKeyConstraint(
            ["department"], ["departments.code"], name=op.f("fk_licence_operations_department")
        ),
        sa.ForeignKeyConstraint(
            ["document_sha256"], ["stored_objects.sha256"], name=op.f("fk_licence_operations_document_sha256")
        ),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["findings.id"], name=op.f("fk_licence_operations_finding_id")
        ),
        sa.ForeignKeyConstraint(
            ["licence_id"], ["licences.id"], name=op.f("fk_licence_operations_licence_id")
        ),
        sa.ForeignKeyConstraint(
            ["operation", "from_status", "to_status"],
            [
                "licence_transitions.operation",
                "licence_transitions.from_status",
                "licence_transitions.to_status",
            ],
            name=op.f("fk_licence_operations_operation_from_status_to_status"),
        ),
        sa.ForeignKeyConstraint(
            ["related_id"], ["licences.id"], name=op.f("fk_licence_operations_related_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_operations")),
    )
    op.create_index("ix_licence_operations_licence", "licence_operations", ["licence_id", "at"], unique=False)
    op.create_table(
        "licence_announcements",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("licence_id", sa.Uuid(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("message_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(message_sha256) = 32", name=op.f("ck_licence_announcements_sha256")),
        sa.ForeignKeyConstraint(
            ["department"], ["departments.code"], name=op.f("fk_licence_announcements_department")
        ),
        sa.ForeignKeyConstraint(
            ["licence_id"], ["licences.id"], name=op.f("fk_licence_announcements_licence_id")
        ),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["licence_operations.id"], name=op.f("fk_licence_announcements_operation_id")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_licence_announcements")),
    )
    op.create_index(
        "ix_licence_announcements_licence",
        "licence_announcements",
        ["licence_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "uq_licence_announcements_operation",
        "licence_announcements",
        ["operation_id", "department"],
        unique=True,
    )
    op.create_table(
        "licence_proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("licence_id", sa.Uuid(), nullable=False),
        sa.Column("finding_id", sa.Uuid(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'open') = (decided_at IS NULL)", name=op.f("ck_licence_proposals_decided_when")
        ),
        sa.CheckConstraint("effect IN ('freeze', 'revoke')", name=op.f("ck_licence_proposals_effect_known")),
        sa.CheckConstraint(
            "state IN ('open', 'confirmed', 'declined', 'overtaken')",
            name=op.f("ck_licence_proposals_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["department"], ["departments.code"], name=op.f("fk_licence_proposals_department")
        ),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["findings.id"], name=op.f("fk_licence_proposals_finding_id")
        ),
        sa.ForeignKeyConstraint(
            ["licence_id"], ["licences.id"], name=op.f("fk_licence_proposals_licence_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_proposals")),
    )
    op.create_index(
        op.f("ix_licence_proposals_licence_id"), "licence_proposals", ["licence_id"], unique=False
    )
    op.create_index(
        "uq_licence_proposals_open",
        "licence_proposals",
        ["licence_id", "department", "effect"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.add_column("licence_types", sa.Column("published_version", sa.SmallInteger(), nullable=True))
    op.add_column("licences", sa.Column("identifier_fault", sa.Text(), nullable=True))
    op.add_column(
        "licences", sa.Column("holders", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False)
    )
    op.add_column("licences", sa.Column("type_version", sa.SmallInteger(), nullable=True))
    op.add_column("licences", sa.Column("department", sa.Text(), nullable=True))
    op.add_column(
        "licences", sa.Column("origin", sa.Text(), server_default=sa.text("'registered'"), nullable=False)
    )
    op.add_column(
        "licences", sa.Column("version", sa.SmallInteger(), server_default=sa.text("1"), nullable=False)
    )
    op.add_column("licences", sa.Column("previous_id", sa.Uuid(), nullable=True))
    op.add_column(
        "licences", sa.Column("fields", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column("licences", sa.Column("status_index", sa.BigInteger(), nullable=True))
    op.add_column("licences", sa.Column("warned_for", sa.Date(), nullable=True))
    op.add_column(
        "licences",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.alter_column("licences", "case_no", existing_type=sa.TEXT(), nullable=True)
    op.create_index(
        "ix_licences_running_out",
        "licences",
        ["valid_to"],
        unique=False,
        postgresql_where=sa.text("status IN ('01', '02') AND valid_to IS NOT NULL"),
    )
    op.create_index("ix_licences_type_code", "licences", ["type_code", "issued_on"], unique=False)
    op.create_index(
        "uq_licences_previous",
        "licences",
        ["previous_id"],
        unique=True,
        postgresql_where=sa.text("previous_id IS NOT NULL"),
    )
    op.create_unique_constraint(op.f("uq_licences_status_index"), "licences", ["status_index"])
    op.create_foreign_key(op.f("fk_licences_department"), "licences", "departments", ["department"], ["code"])
    op.create_foreign_key(op.f("fk_licences_previous_id"), "licences", "licences", ["previous_id"], ["id"])

    op.drop_constraint(op.f("ck_materials_case_or_supplied"), "materials")
    op.drop_constraint(op.f("ck_findings_effect_known"), "findings")
    op.create_check_constraint(op.f("ck_findings_effect_known"), "findings", EFFECTS)
    op.execute(FILL)
    for table, name, condition in CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    transitions = sa.table(
        "licence_transitions", *(sa.column(name) for name in ("operation", "from_status", "to_status"))
    )
    op.bulk_insert(
        transitions,
        [dict(zip(("operation", "from_status", "to_status"), each, strict=True)) for each in TRANSITIONS],
    )
    op.execute(FIRST_OPERATIONS)
    op.execute(RULES)
    op.execute(TRIGGERS)
