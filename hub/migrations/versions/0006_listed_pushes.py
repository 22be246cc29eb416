"""Pushes and revisions know where a list has their decision: those that need somebody are found in its order.

Costs: both tables are written anew once, with their indexes, nobody else at work on them, and no space is left behind.
Measured on two cores that were busy with other things: 100 seconds for a million pushes, so some 17 minutes for ten.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

#: A push that was completed lacks nothing, and not the word for it; one that was reassigned may be given back.
COMPLETED = """
UPDATE pushes SET missing = NULL WHERE missing = 'null';
INSERT INTO push_transitions (from_state, act, to_state) VALUES ('reassigned', 'reopened', 'signed');
"""
#: Of what is there. As types that change: one pass that builds the indexes at its end, and no row twice.
LISTED = """
CREATE FUNCTION shenguan_case_listed_at(number text) RETURNS timestamptz LANGUAGE sql STABLE
  RETURN (SELECT created_at FROM cases WHERE case_no = number);
CREATE FUNCTION shenguan_decided_case(decision uuid) RETURNS text LANGUAGE sql STABLE
  RETURN (SELECT case_no FROM decisions WHERE id = decision);
ALTER TABLE pushes ADD COLUMN listed_at timestamptz;
ALTER TABLE decision_revisions ADD COLUMN case_no text, ADD COLUMN listed_at timestamptz;
ALTER TABLE pushes ALTER COLUMN listed_at TYPE timestamptz USING shenguan_case_listed_at(case_no),
  ALTER COLUMN listed_at SET NOT NULL;
ALTER TABLE decision_revisions ALTER COLUMN case_no TYPE text USING shenguan_decided_case(decision_id),
  ALTER COLUMN listed_at TYPE timestamptz USING shenguan_case_listed_at(shenguan_decided_case(decision_id)),
  ALTER COLUMN case_no SET NOT NULL, ALTER COLUMN listed_at SET NOT NULL;
"""
#: Of what comes, whoever writes it. A case's own moment never changes, and so does this one.
TRIGGERS = """
CREATE FUNCTION shenguan_pushes_listed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.listed_at := shenguan_case_listed_at(NEW.case_no);
  RETURN NEW;
END $$;
CREATE TRIGGER pushes_listed BEFORE INSERT ON pushes FOR EACH ROW EXECUTE FUNCTION shenguan_pushes_listed();
CREATE TRIGGER pushes_stay_listed BEFORE UPDATE OF listed_at, case_no ON pushes
  FOR EACH ROW WHEN (OLD.listed_at <> NEW.listed_at OR OLD.case_no <> NEW.case_no)
  EXECUTE FUNCTION shenguan_pushing_stands();
CREATE FUNCTION shenguan_decision_revisions_listed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.case_no := shenguan_decided_case(NEW.decision_id);
  NEW.listed_at := shenguan_case_listed_at(NEW.case_no);
  RETURN NEW;
END $$;
CREATE TRIGGER decision_revisions_listed BEFORE INSERT ON decision_revisions
  FOR EACH ROW EXECUTE FUNCTION shenguan_decision_revisions_listed();
CREATE TRIGGER cases_stay_listed BEFORE UPDATE OF created_at ON cases
  FOR EACH ROW WHEN (OLD.created_at <> NEW.created_at) EXECUTE FUNCTION shenguan_pushing_stands();
"""
#: An issued licence still stands, but a person's number in it may be sealed anew: its digest says that it is the same.
SEALS = """
CREATE FUNCTION shenguan_without_seals(fields jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
  RETURN (SELECT jsonb_object_agg(key, CASE WHEN value ? 'digest' THEN value - 'sealed' ELSE value END)
    FROM jsonb_each(fields));
CREATE OR REPLACE FUNCTION shenguan_licence_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.identifier, NEW.number, NEW.type_code, NEW.issuer_code, NEW.party_id, NEW.version, NEW.valid_from)
     IS DISTINCT FROM
     (OLD.identifier, OLD.number, OLD.type_code, OLD.issuer_code, OLD.party_id, OLD.version, OLD.valid_from)
     OR (NEW.fields IS DISTINCT FROM OLD.fields
       AND shenguan_without_seals(NEW.fields) IS DISTINCT FROM shenguan_without_seals(OLD.fields))
  THEN
    RAISE EXCEPTION 'an issued licence does not change; issue a new version' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
"""
#: Which pushes a list of decisions is narrowed to, and how that is said.
NARROWED = (
    ("unsigned", "state IN ('owed', 'arrived')"),
    ("returned", "state = 'returned'"),
    ("overdue", "overdue"),
    ("revision", "unsigned_revision"),
)


def upgrade() -> None:
    """Say of all that is there where it is listed, and find by it."""
    op.execute(COMPLETED)
    op.execute(LISTED)
    for name, condition in NARROWED:
        op.create_index(
            f"ix_pushes_listed_{name}",
            "pushes",
            ["listed_at", "case_no"],
            unique=False,
            postgresql_where=sa.text(condition),
        )
    # The list of pushes, too, finds those few that wait since long ago.
    op.create_index(
        "ix_pushes_waiting",
        "pushes",
        ["created_at", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('owed', 'arrived')"),
    )
    op.create_index(
        "ix_decision_revisions_listed", "decision_revisions", ["listed_at", "case_no"], unique=False
    )
    # Evidence that nothing uses goes by these.
    op.create_index("ix_evidence_brought_at", "evidence", ["brought_at"], unique=False)
    op.create_index("ix_finding_files_sha256", "finding_files", ["sha256"], unique=False)
    op.execute(TRIGGERS)
    op.execute(SEALS)
    op.execute("ANALYZE pushes, decision_revisions")
