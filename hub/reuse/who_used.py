"""Who used what of a party: what the applicant may be shown of every use and every reading of their materials.

Guarantees: nothing is left out but by the stated limit, withdrawn uses included; showing it stands in the ledger, in the
same transaction. Personal numbers are masked as they are stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, text

from hub.errors import NotFound
from hub.ledger import Entry, record
from hub.party import Party

AT_MOST = 500  # of each kind, the newest

_USES = text("""
SELECT u.id, u.used_at, u.used_by, u.source_kind, u.source_name, u.purpose, u.case_no, u.withdrawn_at,
  u.source_state, u.source_state_at, u.grant_id, g.basis AS grant_basis, i.name AS item,
  d.name AS department, p.name AS provider, c.party_id <> :party AS on_behalf_of_other,
  n.way AS consent_way, n.given_by AS consent_given_by, n.given_at AS consent_given_at
FROM (
  SELECT id FROM material_uses WHERE material_id = ANY (ARRAY(SELECT id FROM materials WHERE party_id = :party))
  UNION SELECT id FROM material_uses WHERE licence_id = ANY (ARRAY(SELECT id FROM licences WHERE party_id = :party))
  UNION SELECT id FROM material_uses WHERE decision_id = ANY (ARRAY(
    SELECT d.id FROM decisions d JOIN cases c USING (case_no) WHERE c.party_id = :party))
) AS own JOIN material_uses u USING (id)
JOIN cases c ON c.case_no = u.case_no JOIN service_items i ON i.code = c.item_code
LEFT JOIN departments d ON d.code = u.department LEFT JOIN departments p ON p.code = u.provider
LEFT JOIN grants g ON g.id = u.grant_id LEFT JOIN consents n ON n.id = u.consent_id
ORDER BY u.used_at DESC, u.id LIMIT :limit
""")
_READS = text("""
SELECT r.id, r.at, r.reader, r.stated_use, m.name AS material, m.case_no, d.name AS department
FROM file_reads r JOIN materials m ON m.id = r.material_id
LEFT JOIN departments d ON r.reader = 'department:' || d.code
WHERE r.material_id = ANY (ARRAY(SELECT id FROM materials WHERE party_id = :party)) ORDER BY r.at DESC, r.id LIMIT :limit
""")
_CONSENTS = text("""
SELECT n.id, n.given_at, n.way, n.given_by, n.note, n.recorded_by, n.withdrawn_at, n.withdrawn_why, n.case_no,
  i.name AS item, d.name AS department
FROM consents n JOIN cases c ON c.case_no = n.case_no JOIN service_items i ON i.code = c.item_code
LEFT JOIN departments d ON d.code = c.department
WHERE n.party_id = :party ORDER BY n.given_at DESC, n.id LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class PartyUses:
    """One party and everything that happened with what is on file of it, newest first."""

    party: Any
    uses: Sequence[Row[Any]]
    reads: Sequence[Row[Any]]
    consents: Sequence[Row[Any]]

    @property
    def cut(self) -> bool:
        """Whether there is more than is shown."""
        return max(len(self.uses), len(self.reads), len(self.consents)) == AT_MOST


def who_used(tx: Connection, party_id: uuid.UUID, *, actor: str, reason: str = "") -> PartyUses:
    """Show it, on the record. Raises NotFound."""
    party = tx.execute(
        select(Party.id, Party.kind, Party.name, Party.code_masked, func.now().label("shown_at")).where(
            Party.id == party_id
        )
    ).one_or_none()
    if party is None:
        raise NotFound("没有找到这个行政相对人。请从“行政相对人”里打开。")
    bound = {"party": party_id, "limit": AT_MOST}
    uses, reads, consents = (tx.execute(one, bound).all() for one in (_USES, _READS, _CONSENTS))
    detail = {"uses": len(uses), "reads": len(reads), "consents": len(consents)}
    record(
        tx,
        Entry(actor, "party.uses_shown", f"party:{party_id}", reason=reason.strip() or None, detail=detail),
    )
    return PartyUses(party, uses, reads, consents)
