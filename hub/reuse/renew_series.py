"""Renew series: what an accepted case took becomes usable, and what it replaces is superseded.

Guarantees: of a series (party, type, department, subject) nothing older from other cases stays usable; the superseded
material stays for the cases that relied on it, and nobody is alarmed by a renewal. Two cases of one party do this one
after the other.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, text

from hub.ledger import Entry, record

_LOCK_PARTY = text(
    "SELECT p.id FROM parties p JOIN cases c ON c.party_id = p.id WHERE c.case_no = :case_no FOR NO KEY UPDATE OF p"
)
_RELEASE = text("""
UPDATE materials SET state = 'usable', state_at = :now WHERE case_no = :case_no AND state = 'pending' RETURNING id
""")
#: The newest of this case's materials in each series stands for what was there before.
_SUPERSEDE = text("""
WITH mine AS (
  SELECT DISTINCT ON (type_code, department, subject) id, party_id, type_code, department, subject
  FROM materials WHERE case_no = :case_no AND state = 'usable' AND type_code IS NOT NULL AND origin <> 'result'
  ORDER BY type_code, department, subject, created_at DESC, id
)
UPDATE materials old SET state = 'superseded', superseded_by = mine.id, state_at = :now
FROM mine
WHERE old.party_id = mine.party_id AND old.type_code = mine.type_code AND old.subject = mine.subject
  AND old.department IS NOT DISTINCT FROM mine.department
  AND old.state = 'usable' AND old.case_no IS DISTINCT FROM :case_no
RETURNING old.id, old.version, mine.id AS by
""")
_NUMBER = text("UPDATE materials SET version = :version WHERE id = :id").bindparams(
    bindparam("version"), bindparam("id")
)


def renew_series(tx: Connection, case_no: str, *, actor: str, now: datetime) -> int:
    """Release the case's pending materials and supersede what they replace. Returns how many were released."""
    tx.execute(_LOCK_PARTY, {"case_no": case_no})
    released = tx.execute(_RELEASE, {"case_no": case_no, "now": now}).all()
    replaced = tx.execute(_SUPERSEDE, {"case_no": case_no, "now": now}).all()
    numbers = {row.by: max(old.version for old in replaced if old.by == row.by) + 1 for row in replaced}
    if numbers:
        tx.execute(_NUMBER, [{"id": id_, "version": version} for id_, version in numbers.items()])
    record(
        tx,
        *(
            Entry(actor, "material.superseded", f"material:{row.id}", case_no, detail={"by": str(row.by)})
            for row in replaced
        ),
    )
    return len(released)
