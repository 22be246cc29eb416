"""Once only: the catalogue with its versions, sharing grants, reuse records, uploads; materials know whose and what they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

#: A material that came before the catalogue belongs to the party of its case, and to the approving body that took it.
FILL_PARTIES = """
UPDATE materials m SET party_id = c.party_id FROM cases c WHERE c.case_no = m.case_no
"""

FILL_DEPARTMENTS = """
UPDATE cases c SET department = d.code FROM departments d WHERE d.uscc = c.org_code AND c.department IS NULL;
UPDATE materials m SET department = c.department FROM cases c WHERE c.case_no = m.case_no AND m.department IS NULL;
"""

#: CHECKs on tables that were there before.
CHECKS = (
    ("cases", "state_known", "state IN ('preparing', 'accepted', 'withdrawn')"),
    ("service_items", "sharing_known", "sharing IN ('unconditional', 'conditional', 'none')"),
    ("service_items", "sharing_has_conditions", "sharing <> 'conditional' OR sharing_conditions <> ''"),
    ("service_items", "sharing_has_basis", "sharing <> 'none' OR sharing_basis <> ''"),
    ("materials", "state_known", "state IN ('pending', 'usable', 'superseded', 'revoked', 'discarded')"),
    ("materials", "origin_known", "origin IN ('upload', 'supplied', 'result')"),
    (
        "materials",
        "signature_state_known",
        "signature_state IN ('unchecked', 'none', 'valid', 'untrusted', 'invalid')",
    ),
    ("materials", "scan_state_known", "scan_state IN ('not_configured', 'clean')"),
    ("materials", "file_or_data", "sha256 IS NOT NULL OR origin = 'supplied'"),
    ("materials", "case_or_supplied", "case_no IS NOT NULL OR origin = 'supplied'"),
    ("materials", "type_has_version", "type_code IS NULL OR type_version IS NOT NULL"),
)

QUARANTINE_CAUSES = """cause IN ('unsigned', 'bad_signature', 'unknown_key', 'revoked_key', 'wrong_sender', 'not_json',
  'schema', 'unknown_type', 'too_large', 'unknown_case', 'unknown_push', 'unknown_material')"""

TRIGGERS = """
-- What was published never changes: cases rest on it.
CREATE FUNCTION shenguan_published_stands() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE version_state text;
BEGIN
  SELECT state INTO version_state FROM item_versions
  WHERE id IN (NEW.version_id, OLD.version_id) AND state <> 'draft';
  IF FOUND THEN
    RAISE EXCEPTION 'the requirements of a % version do not change', version_state USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$;

CREATE TRIGGER requirements_published BEFORE INSERT OR UPDATE OR DELETE ON requirements
  FOR EACH ROW EXECUTE FUNCTION shenguan_published_stands();

CREATE FUNCTION shenguan_published_map_stands() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE version_state text;
BEGIN
  SELECT v.state INTO version_state FROM requirements r JOIN item_versions v ON v.id = r.version_id
  WHERE r.id IN (NEW.requirement_id, OLD.requirement_id) AND v.state <> 'draft';
  IF FOUND THEN
    RAISE EXCEPTION 'the requirement map of a % version does not change', version_state USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$;

CREATE TRIGGER stand_ins_published BEFORE INSERT OR UPDATE OR DELETE ON stand_ins
  FOR EACH ROW EXECUTE FUNCTION shenguan_published_map_stands();

CREATE FUNCTION shenguan_published_content_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.state <> 'draft' THEN
      RAISE EXCEPTION 'a % version is not deleted', OLD.state USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF OLD.state <> NEW.state AND (OLD.state NOT IN ('draft', 'published') OR NEW.state = 'draft') THEN
    RAISE EXCEPTION 'a % version does not become %', OLD.state, NEW.state USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF OLD.state <> 'draft' AND (to_jsonb(NEW) - ARRAY['state', 'ended_by', 'ended_at', 'ended_why'])
      <> (to_jsonb(OLD) - ARRAY['state', 'ended_by', 'ended_at', 'ended_why']) THEN
    RAISE EXCEPTION 'a % version does not change', OLD.state USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER item_versions_published BEFORE UPDATE OR DELETE ON item_versions
  FOR EACH ROW EXECUTE FUNCTION shenguan_published_content_stands();
CREATE TRIGGER material_type_versions_published BEFORE UPDATE OR DELETE ON material_type_versions
  FOR EACH ROW EXECUTE FUNCTION shenguan_published_content_stands();
"""

#: The serial at the end of a case number made at the window: no gaps are promised, only that none comes twice a day.
CASE_SERIAL = "CREATE SEQUENCE case_serial AS integer MAXVALUE 999999 CYCLE"

LIMITS = """
INSERT INTO limits (name, title, working_days, source) VALUES
  ('grant.reply.unconditional', '无条件共享：答复申请', 1, '政务数据共享条例'),
  ('grant.reply.conditional', '有条件共享：答复申请', 10, '政务数据共享条例'),
  ('grant.share', '答应之后：共享到位', 20, '政务数据共享条例'),
  ('objection.verify', '校核纠错：核实并答复', 10, '本地约定，条例未定天数'),
  ('deferral', '容缺材料：补交', 10, '本地约定');
"""

PATTERNS = """
INSERT INTO code_patterns (kind, name, pattern, example, source, seq) VALUES
  ('catalog_code', '基本编码 12 位', '[0-9]{2}[0-9]{2}[0-9]{2}[0-9]{3}[0-9]{3}', '370117002011', 'GB/T 39554.1 的通行做法（未对照原文）', 10),
  ('catalog_code', '基本编码 10 位以内', '[0-9A-Za-z]{1,10}', 'XK53001001', 'GB/T 39046—2020', 20),
  ('task_code', '实施编码 31 位', '[0-9A-HJ-NPQRTUWXY]{18}[1-7][0-9]{12}', '11370100MB000001944370117002011', 'GB/T 39554.1 的通行做法（未对照原文）', 10),
  ('task_code', '实施编码 24 位以内', '[0-9A-Za-z]{1,24}', 'XK5300100124', 'GB/T 39046—2020', 20),
  ('handle_item_code', '业务办理项编码 33 位', '[0-9A-HJ-NPQRTUWXY]{18}[1-7][0-9]{14}', '11370100MB00000194437011700201101', 'GB/T 39554.1 的通行做法（未对照原文）', 10),
  ('local_catalog_code', '地方目录编码', '[0-9A-Za-z._-]{1,50}', 'XK-001', '前置库 up_pro_accept 字段长度', 10),
  ('local_task_code', '地方实施编码', '[0-9A-Za-z._-]{1,50}', 'XK-001-01', '前置库 up_pro_accept 字段长度', 10);
"""

#: Every licence type that an item names so far is in the catalogue.
LICENCE_TYPES = """
INSERT INTO licence_types (code, name)
SELECT DISTINCT ON (licence_type_code) licence_type_code, coalesce(licence_name, licence_type_code)
FROM service_items WHERE licence_type_code IS NOT NULL ORDER BY licence_type_code, code;
"""


def upgrade() -> None:
    """Add everything, and say of what is there already what can be known."""
    op.create_table(
        "code_patterns",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("example", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), server_default=sa.text("100"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('catalog_code', 'task_code', 'handle_item_code', 'local_catalog_code', 'local_task_code')",
            name=op.f("ck_code_patterns_kind_known"),
        ),
        sa.CheckConstraint("length(pattern) BETWEEN 1 AND 200", name=op.f("ck_code_patterns_pattern_short")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_patterns")),
    )
    op.create_table(
        "limits",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("working_days", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("working_days BETWEEN 0 AND 250", name=op.f("ck_limits_working_days_sane")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_limits")),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_kind", sa.Text(), nullable=False),
        sa.Column("resource_code", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("sharing", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("scene", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("item_codes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("fields", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'applied'"), nullable=False),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("reply_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_note", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("share_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint(
            "resource_kind IN ('material', 'licence', 'result')", name=op.f("ck_grants_resource_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('applied', 'reviewed', 'granted', 'refused', 'cancelled', 'expired', 'withdrawn')",
            name=op.f("ck_grants_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('refused', 'withdrawn') OR end_reason <> ''", name=op.f("ck_grants_end_has_reason")
        ),
        sa.CheckConstraint("period_to >= period_from", name=op.f("ck_grants_period_sane")),
        sa.ForeignKeyConstraint(["department"], ["departments.code"], name=op.f("fk_grants_department")),
        sa.ForeignKeyConstraint(["provider"], ["departments.code"], name=op.f("fk_grants_provider")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index(
        "ix_grants_using",
        "grants",
        ["department", "resource_kind", "resource_code"],
        unique=False,
        postgresql_where=sa.text("state = 'granted'"),
    )
    op.create_index(
        "uq_grants_open",
        "grants",
        ["department", "resource_kind", "resource_code"],
        unique=True,
        postgresql_where=sa.text("state IN ('applied', 'reviewed')"),
    )
    op.create_index("ix_grants_applied_at", "grants", ["applied_at"], unique=False)
    op.create_table(
        "item_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_code", sa.Text(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'draft'"), nullable=False),
        sa.Column(
            "header", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "form", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state = 'draft' OR published_at IS NOT NULL", name=op.f("ck_item_versions_published_once")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'superseded', 'withdrawn')",
            name=op.f("ck_item_versions_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["item_code"], ["service_items.code"], name=op.f("fk_item_versions_item_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_versions")),
        sa.UniqueConstraint("item_code", "number", name=op.f("uq_item_versions_item_code_number")),
    )
    op.create_index(
        "uq_item_versions_draft",
        "item_versions",
        ["item_code"],
        unique=True,
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.create_index(
        "uq_item_versions_published",
        "item_versions",
        ["item_code"],
        unique=True,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "licence_types",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("consent_required", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sharing", sa.Text(), server_default=sa.text("'conditional'"), nullable=False),
        sa.Column(
            "sharing_conditions",
            sa.Text(),
            server_default=sa.text("'依职责办理政务服务事项所需'"),
            nullable=False,
        ),
        sa.Column("sharing_basis", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint(
            "sharing <> 'conditional' OR sharing_conditions <> ''",
            name=op.f("ck_licence_types_sharing_has_conditions"),
        ),
        sa.CheckConstraint(
            "sharing <> 'none' OR sharing_basis <> ''", name=op.f("ck_licence_types_sharing_has_basis")
        ),
        sa.CheckConstraint(
            "sharing IN ('unconditional', 'conditional', 'none')", name=op.f("ck_licence_types_sharing_known")
        ),
        sa.ForeignKeyConstraint(["provider"], ["departments.code"], name=op.f("fk_licence_types_provider")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_licence_types")),
    )
    op.create_table(
        "material_types",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column(
            "holder_kinds", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("consent_required", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("signature_required", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("on_bad_signature", sa.Text(), server_default=sa.text("'refuse'"), nullable=False),
        sa.Column("formats", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("max_bytes", sa.BigInteger(), nullable=True),
        sa.Column("published_version", sa.SmallInteger(), nullable=True),
        sa.Column("accepts_from", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sharing", sa.Text(), server_default=sa.text("'conditional'"), nullable=False),
        sa.Column(
            "sharing_conditions",
            sa.Text(),
            server_default=sa.text("'依职责办理政务服务事项所需'"),
            nullable=False,
        ),
        sa.Column("sharing_basis", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint(
            "code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$'", name=op.f("ck_material_types_code_form")
        ),
        sa.CheckConstraint(
            "on_bad_signature IN ('refuse', 'flag')", name=op.f("ck_material_types_on_bad_signature_known")
        ),
        sa.CheckConstraint(
            "sharing <> 'conditional' OR sharing_conditions <> ''",
            name=op.f("ck_material_types_sharing_has_conditions"),
        ),
        sa.CheckConstraint(
            "sharing <> 'none' OR sharing_basis <> ''", name=op.f("ck_material_types_sharing_has_basis")
        ),
        sa.CheckConstraint(
            "sharing IN ('unconditional', 'conditional', 'none')",
            name=op.f("ck_material_types_sharing_known"),
        ),
        sa.CheckConstraint("accepts_from >= 1", name=op.f("ck_material_types_accepts_from_sane")),
        sa.CheckConstraint(
            "max_bytes IS NULL OR max_bytes > 0", name=op.f("ck_material_types_max_bytes_sane")
        ),
        sa.ForeignKeyConstraint(["provider"], ["departments.code"], name=op.f("fk_material_types_provider")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_material_types")),
        sa.UniqueConstraint("name", name=op.f("uq_material_types_name")),
    )
    op.create_table(
        "material_type_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type_code", sa.Text(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'draft'"), nullable=False),
        sa.Column(
            "header", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "fields", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("validity_kind", sa.Text(), server_default=sa.text("'permanent'"), nullable=False),
        sa.Column("validity_length", sa.SmallInteger(), nullable=True),
        sa.Column("validity_field", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(validity_kind = 'field') = (validity_field IS NOT NULL)",
            name=op.f("ck_material_type_versions_validity_has_field"),
        ),
        sa.CheckConstraint(
            "(validity_kind IN ('days', 'months')) = (validity_length IS NOT NULL)",
            name=op.f("ck_material_type_versions_validity_has_length"),
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'superseded', 'withdrawn')",
            name=op.f("ck_material_type_versions_state_known"),
        ),
        sa.CheckConstraint(
            "validity_kind IN ('permanent', 'days', 'months', 'field')",
            name=op.f("ck_material_type_versions_validity_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["type_code"], ["material_types.code"], name=op.f("fk_material_type_versions_type_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_type_versions")),
        sa.UniqueConstraint("type_code", "number", name=op.f("uq_material_type_versions_type_code_number")),
    )
    op.create_index(
        "uq_material_type_versions_draft",
        "material_type_versions",
        ["type_code"],
        unique=True,
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.create_index(
        "uq_material_type_versions_published",
        "material_type_versions",
        ["type_code"],
        unique=True,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "requirements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("material_type", sa.Text(), nullable=False),
        sa.Column("type_version", sa.SmallInteger(), nullable=True),
        sa.Column("required", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("may_follow", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("deferral_days", sa.SmallInteger(), nullable=True),
        sa.Column("form", sa.Text(), server_default=sa.text("'either'"), nullable=False),
        sa.Column("copies", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("formats", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("max_bytes", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("form IN ('original', 'copy', 'either')", name=op.f("ck_requirements_form_known")),
        sa.CheckConstraint("copies BETWEEN 1 AND 99", name=op.f("ck_requirements_copies_sane")),
        sa.CheckConstraint(
            "may_follow OR deferral_days IS NULL", name=op.f("ck_requirements_deferral_only_if_allowed")
        ),
        sa.CheckConstraint("max_bytes IS NULL OR max_bytes > 0", name=op.f("ck_requirements_max_bytes_sane")),
        sa.ForeignKeyConstraint(
            ["material_type"], ["material_types.code"], name=op.f("fk_requirements_material_type")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["item_versions.id"], name=op.f("fk_requirements_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requirements")),
        sa.UniqueConstraint("version_id", "code", name=op.f("uq_requirements_version_id_code")),
    )
    op.create_index(op.f("ix_requirements_version_id"), "requirements", ["version_id"], unique=False)
    op.create_table(
        "case_fields",
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("source_name", sa.Text(), nullable=True),
        sa.Column("source_date", sa.Date(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "source_kind IN ('typed', 'party', 'licence', 'material')",
            name=op.f("ck_case_fields_source_kind_known"),
        ),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_case_fields_case_no")),
        sa.PrimaryKeyConstraint("case_no", "name", name=op.f("pk_case_fields")),
    )
    op.create_table(
        "deferrals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("requirement_id", sa.Uuid(), nullable=False),
        sa.Column("promised_until", sa.Date(), nullable=False),
        sa.Column("promised_by", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_how", sa.Text(), nullable=True),
        sa.Column("overdue_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_deferrals_case_no")),
        sa.ForeignKeyConstraint(
            ["requirement_id"], ["requirements.id"], name=op.f("fk_deferrals_requirement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deferrals")),
    )
    op.create_index(op.f("ix_deferrals_case_no"), "deferrals", ["case_no"], unique=False)
    op.create_index(
        "ix_deferrals_due",
        "deferrals",
        ["promised_until"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index(
        "uq_deferrals_open",
        "deferrals",
        ["case_no", "requirement_id"],
        unique=True,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "stand_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("requirement_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("material_type", sa.Text(), nullable=True),
        sa.Column("licence_type", sa.Text(), nullable=True),
        sa.Column("item_code", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('material', 'licence', 'result')", name=op.f("ck_stand_ins_kind_known")),
        sa.CheckConstraint(
            "num_nonnulls(material_type, licence_type, item_code) = 1 AND (kind = 'material') = (material_type IS NOT NULL) AND (kind = 'licence') = (licence_type IS NOT NULL)",
            name=op.f("ck_stand_ins_names_one"),
        ),
        sa.ForeignKeyConstraint(["item_code"], ["service_items.code"], name=op.f("fk_stand_ins_item_code")),
        sa.ForeignKeyConstraint(
            ["licence_type"], ["licence_types.code"], name=op.f("fk_stand_ins_licence_type")
        ),
        sa.ForeignKeyConstraint(
            ["material_type"], ["material_types.code"], name=op.f("fk_stand_ins_material_type")
        ),
        sa.ForeignKeyConstraint(
            ["requirement_id"],
            ["requirements.id"],
            name=op.f("fk_stand_ins_requirement_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stand_ins")),
    )
    op.create_index(op.f("ix_stand_ins_requirement_id"), "stand_ins", ["requirement_id"], unique=False)
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("party_id", sa.Uuid(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_why", sa.Text(), nullable=True),
        sa.CheckConstraint("way IN ('signed', 'spoken', 'online')", name=op.f("ck_consents_way_known")),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_consents_case_no")),
        sa.ForeignKeyConstraint(["evidence_id"], ["materials.id"], name=op.f("fk_consents_evidence_id")),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_consents_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_case_no"), "consents", ["case_no"], unique=False)
    op.create_index(op.f("ix_consents_party_id"), "consents", ["party_id"], unique=False)
    op.create_table(
        "objections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("material_id", sa.Uuid(), nullable=True),
        sa.Column("licence_id", sa.Uuid(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("proposed", sa.Text(), nullable=True),
        sa.Column("case_no", sa.Text(), nullable=True),
        sa.Column("raised_by", sa.Text(), nullable=False),
        sa.Column("raised_department", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'marked'"), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_by", sa.Text(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("corrected_material_id", sa.Uuid(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('marked', 'verifying', 'corrected', 'rejected', 'answered')",
            name=op.f("ck_objections_state_known"),
        ),
        sa.CheckConstraint("num_nonnulls(material_id, licence_id) = 1", name=op.f("ck_objections_names_one")),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_objections_case_no")),
        sa.ForeignKeyConstraint(
            ["corrected_material_id"], ["materials.id"], name=op.f("fk_objections_corrected_material_id")
        ),
        sa.ForeignKeyConstraint(["licence_id"], ["licences.id"], name=op.f("fk_objections_licence_id")),
        sa.ForeignKeyConstraint(["material_id"], ["materials.id"], name=op.f("fk_objections_material_id")),
        sa.ForeignKeyConstraint(["provider"], ["departments.code"], name=op.f("fk_objections_provider")),
        sa.ForeignKeyConstraint(
            ["raised_department"], ["departments.code"], name=op.f("fk_objections_raised_department")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objections")),
    )
    op.create_index(
        "ix_objections_open_licence",
        "objections",
        ["licence_id"],
        unique=False,
        postgresql_where=sa.text("state <> 'answered'"),
    )
    op.create_index(
        "ix_objections_open_material",
        "objections",
        ["material_id"],
        unique=False,
        postgresql_where=sa.text("state <> 'answered'"),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("requirement_id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'receiving'"), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column(
            "fields",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("subject", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("material_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'stored') = (material_id IS NOT NULL)", name=op.f("ck_uploads_stored_is_material")
        ),
        sa.CheckConstraint(
            "state IN ('receiving', 'checking', 'scanning', 'stored', 'refused', 'abandoned')",
            name=op.f("ck_uploads_state_known"),
        ),
        sa.CheckConstraint("received BETWEEN 0 AND size", name=op.f("ck_uploads_received_within_size")),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_uploads_case_no")),
        sa.ForeignKeyConstraint(["material_id"], ["materials.id"], name=op.f("fk_uploads_material_id")),
        sa.ForeignKeyConstraint(
            ["requirement_id"], ["requirements.id"], name=op.f("fk_uploads_requirement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_case_no"), "uploads", ["case_no"], unique=False)
    op.create_index(
        "ix_uploads_unfinished",
        "uploads",
        ["changed_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('receiving', 'checking', 'scanning')"),
    )
    op.create_table(
        "material_uses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=False),
        sa.Column("requirement_id", sa.Uuid(), nullable=False),
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("material_id", sa.Uuid(), nullable=True),
        sa.Column("licence_id", sa.Uuid(), nullable=True),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("resource_kind", sa.Text(), nullable=False),
        sa.Column("resource_code", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("consent_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("used_by", sa.Text(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source_state", sa.Text(), server_default=sa.text("'intact'"), nullable=False),
        sa.Column("source_state_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("relies_until", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "resource_kind IN ('material', 'licence', 'result')",
            name=op.f("ck_material_uses_resource_kind_known"),
        ),
        sa.CheckConstraint(
            "source_kind IN ('material', 'licence', 'decision')",
            name=op.f("ck_material_uses_source_kind_known"),
        ),
        sa.CheckConstraint(
            "source_state IN ('intact', 'expired', 'revoked', 'frozen', 'corrected')",
            name=op.f("ck_material_uses_source_state_known"),
        ),
        sa.CheckConstraint("length(purpose) BETWEEN 2 AND 200", name=op.f("ck_material_uses_purpose_stated")),
        sa.CheckConstraint(
            "num_nonnulls(material_id, licence_id, decision_id) = 1", name=op.f("ck_material_uses_names_one")
        ),
        sa.ForeignKeyConstraint(["case_no"], ["cases.case_no"], name=op.f("fk_material_uses_case_no")),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_material_uses_consent_id")),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_material_uses_decision_id")),
        sa.ForeignKeyConstraint(
            ["department"], ["departments.code"], name=op.f("fk_material_uses_department")
        ),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_material_uses_grant_id")),
        sa.ForeignKeyConstraint(["licence_id"], ["licences.id"], name=op.f("fk_material_uses_licence_id")),
        sa.ForeignKeyConstraint(["material_id"], ["materials.id"], name=op.f("fk_material_uses_material_id")),
        sa.ForeignKeyConstraint(["provider"], ["departments.code"], name=op.f("fk_material_uses_provider")),
        sa.ForeignKeyConstraint(
            ["requirement_id"], ["requirements.id"], name=op.f("fk_material_uses_requirement_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_uses")),
    )
    op.create_index(op.f("ix_material_uses_case_no"), "material_uses", ["case_no"], unique=False)
    op.create_index(op.f("ix_material_uses_decision_id"), "material_uses", ["decision_id"], unique=False)
    op.create_index(op.f("ix_material_uses_licence_id"), "material_uses", ["licence_id"], unique=False)
    op.create_index(op.f("ix_material_uses_material_id"), "material_uses", ["material_id"], unique=False)
    op.create_index(op.f("ix_material_uses_grant_id"), "material_uses", ["grant_id"], unique=False)
    op.create_index("ix_material_uses_used_at", "material_uses", ["used_at"], unique=False)
    op.create_index(
        "ix_material_uses_runs_out",
        "material_uses",
        ["relies_until"],
        unique=False,
        postgresql_where=sa.text(
            "source_state = 'intact' AND withdrawn_at IS NULL AND relies_until IS NOT NULL"
        ),
    )
    op.create_index(
        "uq_material_uses_decision",
        "material_uses",
        ["case_no", "requirement_id", "decision_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL AND decision_id IS NOT NULL"),
    )
    op.create_index(
        "uq_material_uses_licence",
        "material_uses",
        ["case_no", "requirement_id", "licence_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL AND licence_id IS NOT NULL"),
    )
    op.create_index(
        "uq_material_uses_material",
        "material_uses",
        ["case_no", "requirement_id", "material_id"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL AND material_id IS NOT NULL"),
    )
    op.add_column(
        "cases", sa.Column("state", sa.Text(), server_default=sa.text("'accepted'"), nullable=False)
    )
    op.add_column("cases", sa.Column("department", sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("item_version_id", sa.Uuid(), nullable=True))
    op.add_column("cases", sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("taken_by", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_cases_department"), "cases", "departments", ["department"], ["code"])
    op.create_foreign_key(
        op.f("fk_cases_item_version_id"), "cases", "item_versions", ["item_version_id"], ["id"]
    )
    op.add_column("materials", sa.Column("party_id", sa.Uuid(), nullable=True))
    op.execute(FILL_PARTIES)
    op.alter_column("materials", "party_id", existing_type=sa.Uuid(), nullable=False)
    op.add_column("materials", sa.Column("requirement_id", sa.Uuid(), nullable=True))
    op.add_column("materials", sa.Column("type_code", sa.Text(), nullable=True))
    op.add_column("materials", sa.Column("type_version", sa.SmallInteger(), nullable=True))
    op.add_column("materials", sa.Column("department", sa.Text(), nullable=True))
    op.add_column(
        "materials", sa.Column("origin", sa.Text(), server_default=sa.text("'upload'"), nullable=False)
    )
    op.add_column("materials", sa.Column("subject", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column(
        "materials", sa.Column("version", sa.SmallInteger(), server_default=sa.text("1"), nullable=False)
    )
    op.add_column("materials", sa.Column("superseded_by", sa.Uuid(), nullable=True))
    op.add_column(
        "materials", sa.Column("state", sa.Text(), server_default=sa.text("'usable'"), nullable=False)
    )
    op.add_column("materials", sa.Column("state_reason", sa.Text(), nullable=True))
    op.add_column(
        "materials",
        sa.Column("state_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.add_column("materials", sa.Column("valid_from", sa.Date(), nullable=True))
    op.add_column("materials", sa.Column("valid_to", sa.Date(), nullable=True))
    op.add_column(
        "materials",
        sa.Column(
            "fields", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column("materials", sa.Column("supplied_ref", sa.Text(), nullable=True))
    op.add_column("materials", sa.Column("supplied_as_of", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "materials",
        sa.Column("signature_state", sa.Text(), server_default=sa.text("'unchecked'"), nullable=False),
    )
    op.add_column(
        "materials",
        sa.Column(
            "signature",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column(
        "materials",
        sa.Column("scan_state", sa.Text(), server_default=sa.text("'not_configured'"), nullable=False),
    )
    op.add_column("materials", sa.Column("added_by", sa.Text(), nullable=True))
    op.alter_column("materials", "case_no", existing_type=sa.TEXT(), nullable=True)
    op.alter_column("materials", "sha256", existing_type=postgresql.BYTEA(), nullable=True)
    op.create_index("ix_materials_party_type", "materials", ["party_id", "type_code"], unique=False)
    op.create_index(
        "ix_materials_taken",
        "materials",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("requirement_id IS NOT NULL AND origin = 'upload'"),
    )
    op.create_index(op.f("ix_materials_sha256"), "materials", ["sha256"], unique=False)
    op.create_index(
        "uq_materials_supplied",
        "materials",
        ["department", "supplied_ref"],
        unique=True,
        postgresql_where=sa.text("supplied_ref IS NOT NULL AND state <> 'superseded'"),
    )
    op.create_foreign_key(
        op.f("fk_materials_superseded_by"), "materials", "materials", ["superseded_by"], ["id"]
    )
    op.create_foreign_key(
        op.f("fk_materials_requirement_id"), "materials", "requirements", ["requirement_id"], ["id"]
    )
    op.create_foreign_key(op.f("fk_materials_party_id"), "materials", "parties", ["party_id"], ["id"])
    op.create_foreign_key(
        op.f("fk_materials_type_code"), "materials", "material_types", ["type_code"], ["code"]
    )
    op.create_foreign_key(
        op.f("fk_materials_department"), "materials", "departments", ["department"], ["code"]
    )
    op.add_column("service_items", sa.Column("task_code", sa.Text(), nullable=True))
    op.add_column("service_items", sa.Column("handle_item_code", sa.Text(), nullable=True))
    op.add_column("service_items", sa.Column("local_catalog_code", sa.Text(), nullable=True))
    op.add_column("service_items", sa.Column("local_task_code", sa.Text(), nullable=True))
    op.add_column(
        "service_items", sa.Column("exercise_level", sa.Text(), server_default=sa.text("'4'"), nullable=False)
    )
    op.add_column(
        "service_items",
        sa.Column(
            "special_steps",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column(
        "service_items",
        sa.Column("sharing", sa.Text(), server_default=sa.text("'conditional'"), nullable=False),
    )
    op.add_column(
        "service_items",
        sa.Column(
            "sharing_conditions",
            sa.Text(),
            server_default=sa.text("'依职责办理政务服务事项所需'"),
            nullable=False,
        ),
    )
    op.add_column(
        "service_items", sa.Column("sharing_basis", sa.Text(), server_default=sa.text("''"), nullable=False)
    )

    op.create_index(
        "ix_ledger_catalogue",
        "ledger",
        ["subject", "id"],
        unique=False,
        postgresql_where=sa.text(
            "split_part(subject, ':', 1) IN ('item', 'material_type', 'licence_type', 'code_pattern')"
        ),
    )
    op.execute(FILL_DEPARTMENTS)
    for table, name, rule in CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)
    op.drop_constraint("ck_quarantine_cause_known", "quarantine")
    op.create_check_constraint(op.f("ck_quarantine_cause_known"), "quarantine", QUARANTINE_CAUSES)
    op.execute(TRIGGERS)
    op.execute(CASE_SERIAL)
    op.execute(LIMITS)
    op.execute(PATTERNS)
    op.execute(LICENCE_TYPES)
