"""The one question that matching asks: everything on file that bears on a party's requirements, in one round trip.

Guarantees: one statement, whose text depends only on which kinds of resources can stand in, so that PostgreSQL keeps it
prepared; no JSON and no contents of files. Gives rows of hub.reuse.rules.Fact; decides nothing.
"""

from __future__ import annotations

from functools import cache

_LOCAL = "Asia/Shanghai"
#: The columns of a Fact with the types of the empty ones, so that the parts fit together.
_EMPTY = {
    "tag": "''",
    "id": "NULL::uuid",
    "code": "''",
    "name": "''",
    "owner": "NULL::text",
    "owner_name": "NULL::text",
    "day": "NULL::date",
    "case_no": "NULL::text",
    "valid_from": "NULL::date",
    "valid_to": "NULL::date",
    "state": "''",
    "note": "NULL::text",
    "sound": "true",
    "lenient": "false",
    "sharing": "''",
    "consent": "false",
    "objected": "false",
    "line": "NULL::uuid",
    "codes": "NULL::text[]",
    "at": "NULL::timestamptz",
}
_HOLDERS = """(SELECT string_agg(hd.name, '、' ORDER BY hd.name) FROM holds h
 JOIN departments hd ON hd.code = h.department WHERE h.licence_id = l.id AND h.lifted_at IS NULL)"""


def _part(after: str, **columns: str) -> str:
    listed = ", ".join(columns.get(name, empty) for name, empty in _EMPTY.items())
    return f"SELECT {listed} {after}"


_MATERIALS = _part(
    """FROM materials m JOIN material_types t ON t.code = m.type_code
LEFT JOIN departments d ON d.code = m.department
WHERE m.party_id = %(party)s AND m.type_code = ANY(%(types)s::text[])
AND (m.state IN ('usable', 'revoked') OR m.state = 'pending' AND m.case_no = %(case_no)s)""",
    tag="'m'",
    id="m.id",
    code="m.type_code",
    name="m.name",
    owner="m.department",
    owner_name="d.name",
    day=f"(coalesce(m.supplied_as_of, m.created_at) AT TIME ZONE '{_LOCAL}')::date",
    case_no="m.case_no",
    valid_from="m.valid_from",
    valid_to="m.valid_to",
    state="m.state",
    note="""CASE WHEN m.origin = 'supplied' AND m.signature_state IN ('unchecked', 'none')
 THEN 'supplied' ELSE m.signature_state END""",
    sound="m.type_version >= t.accepts_from",
    lenient="t.on_bad_signature = 'flag'",
    sharing="t.sharing",
    consent="t.consent_required",
    objected="EXISTS (SELECT 1 FROM objections o WHERE o.material_id = m.id AND o.state <> 'answered')",
    line="m.requirement_id",
    at="m.created_at",
)
_LICENCES = _part(
    """FROM licences l JOIN licence_types t ON t.code = l.type_code LEFT JOIN cases c ON c.case_no = l.case_no
LEFT JOIN departments d ON d.code = coalesce(l.department, c.department)
WHERE l.party_id = %(party)s AND l.type_code = ANY(%(licence_types)s::text[])""",
    tag="'l'",
    id="l.id",
    code="l.type_code",
    name="l.name || ' ' || l.number",
    owner="coalesce(l.department, c.department)",
    owner_name="coalesce(d.name, l.issuer_name)",
    day="l.issued_on",
    case_no="l.case_no",
    valid_from="l.valid_from",
    valid_to="l.valid_to",
    state="l.status",
    note=_HOLDERS,
    sharing="t.sharing",
    consent="t.consent_required",
    objected="EXISTS (SELECT 1 FROM objections o WHERE o.licence_id = l.id AND o.state <> 'answered')",
)
#: A decision is worth what the newest licence of its case is worth; without a licence it stands by itself.
_DECISIONS = _part(
    """FROM cases c JOIN decisions x ON x.case_no = c.case_no JOIN service_items s ON s.code = c.item_code
LEFT JOIN departments d ON d.code = c.department
LEFT JOIN LATERAL (SELECT * FROM licences n WHERE n.case_no = c.case_no
  ORDER BY n.issued_on DESC, n.identifier DESC LIMIT 1) l ON true
WHERE c.party_id = %(party)s AND c.item_code = ANY(%(items)s::text[]) AND x.result_type IN ('0', '6')
  AND x.withdrawn_at IS NULL""",
    tag="'d'",
    id="x.id",
    code="c.item_code",
    name="s.name || '（' || x.document_no || '）'",
    owner="c.department",
    owner_name="coalesce(d.name, c.org_name)",
    day="x.decided_on",
    case_no="c.case_no",
    valid_from="l.valid_from",
    valid_to="l.valid_to",
    state="coalesce(l.status, '01')",
    note=_HOLDERS,
    sharing="s.sharing",
    objected="EXISTS (SELECT 1 FROM objections o WHERE o.licence_id = l.id AND o.state <> 'answered')",
)
_GRANTS = _part(
    """FROM grants g WHERE g.department = %(department)s AND g.state = 'granted'
AND g.resource_kind = ANY(%(kinds)s::text[]) AND g.resource_code = ANY(%(codes)s::text[])
AND %(on)s BETWEEN g.period_from AND g.period_to""",
    tag="'g'",
    id="g.id",
    code="g.resource_code",
    valid_from="g.period_from",
    valid_to="g.period_to",
    state="g.state",
    note="g.resource_kind",
    codes="g.item_codes",
)
#: What this case already has.
_OF_CASE = (
    _part(
        "FROM material_uses u WHERE u.case_no = %(case_no)s AND u.withdrawn_at IS NULL",
        tag="'u'",
        id="u.id",
        name="u.source_name",
        owner="u.source_kind",
        valid_to="u.relies_until",
        state="u.source_state",
        note="coalesce(u.material_id, u.licence_id, u.decision_id)::text",
        line="u.requirement_id",
        at="u.used_at",
    ),
    _part(
        "FROM deferrals p WHERE p.case_no = %(case_no)s AND p.settled_at IS NULL",
        tag="'p'",
        id="p.id",
        valid_to="p.promised_until",
        line="p.requirement_id",
    ),
    _part("FROM consents k WHERE k.case_no = %(case_no)s AND k.withdrawn_at IS NULL", tag="'c'", id="k.id"),
)


@cache
def statement(licences: bool, decisions: bool, of_case: bool) -> str:
    """The question, with the parts that this item needs."""
    parts = [_MATERIALS, *[_LICENCES] * licences, *[_DECISIONS] * decisions, _GRANTS]
    return "\nUNION ALL\n".join([*parts, *(_OF_CASE if of_case else ())])
