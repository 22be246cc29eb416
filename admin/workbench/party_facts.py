"""What the workbench shows of a party: licences with their light, cases, what was reused lately, what is on file.

Guarantees: one round trip whatever the party has; lists are bounded and say when there is more.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection

from admin.cells import code_text
from admin.premises import own_department
from admin.workbench.find import PartyLine
from hub.errors import NotFound
from hub.round_trips import ask

LICENCES, CASES, USES = 30, 30, 6
EXPIRING = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Light:
    """A licence with its light: green, amber, red or off, and why."""

    licence: Mapping[str, Any]
    colour: str
    said: str
    findings: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """Everything on the party's page."""

    party: PartyLine
    lights: tuple[Light, ...]
    running: tuple[Mapping[str, Any], ...]
    ended: tuple[Mapping[str, Any], ...]
    uses: tuple[Mapping[str, Any], ...]
    on_file: int
    reused: int
    shines: str  # 红黄绿灯, by what departments found
    why: str

    @property
    def worst(self) -> str:
        """The colour that a clerk must see first."""
        colours = {light.colour for light in self.lights}
        return next((colour for colour in ("red", "amber", "green") if colour in colours), "off")


_PARTY = """
SELECT p.id, p.kind, p.name, p.code_type, p.code_masked, p.legal_representative, coalesce(l.light, 'green'),
  coalesce(l.why, '')
FROM parties p LEFT JOIN party_lights l ON l.party_id = p.id WHERE p.id = %(party)s
"""
_LICENCES = """
SELECT l.id, l.name, l.number, l.status, l.valid_from, l.valid_to, l.issuer_name, l.case_no,
  coalesce(c.standing, 'clear'), l.status_note,
  ARRAY(SELECT d.name FROM holds h JOIN departments d ON d.code = h.department
        WHERE h.licence_id = l.id AND h.lifted_at IS NULL ORDER BY h.placed_at) AS held_by,
  %(mine)s::text IS NULL OR %(mine)s IN (l.department, c.department)
    OR EXISTS (SELECT FROM pushes p WHERE p.case_no = l.case_no AND p.department = %(mine)s)
    OR EXISTS (SELECT FROM material_uses u WHERE u.licence_id = l.id AND u.department = %(mine)s)
FROM licences l LEFT JOIN cases c ON c.case_no = l.case_no
WHERE l.party_id = %(party)s AND NOT EXISTS (SELECT 1 FROM licences n WHERE n.previous_id = l.id)
ORDER BY array_position(ARRAY['02','03','07','01'], l.status) NULLS LAST, l.issued_on DESC, l.id LIMIT %(licences)s
"""
_FINDINGS = """
SELECT DISTINCT ON (f.licence_id, f.department)
  f.licence_id, d.name AS department, f.effect, f.explanation, f.happened_at, f.rectify_by, f.finding_no, f.case_no
FROM findings f JOIN departments d ON d.code = f.department
WHERE f.licence_id IN (SELECT id FROM licences WHERE party_id = %(party)s) AND f.effect_applied
  AND f.standing = 'standing' AND f.kind IN ('inspection', 'rectification', 'enforcement')
ORDER BY f.licence_id, f.department, f.happened_at DESC
"""
_CASES = """
SELECT c.case_no, i.name AS item, c.state, c.created_at, c.accepted_on, c.promised_on, c.department,
  d.name AS department_name,  c.org_name, c.standing, c.taken_by, x.decided_on, x.result_type
FROM cases c JOIN service_items i ON i.code = c.item_code
LEFT JOIN departments d ON d.code = c.department LEFT JOIN decisions x ON x.case_no = c.case_no
WHERE c.party_id = %(party)s
ORDER BY (x.id IS NULL AND c.state <> 'withdrawn') DESC, c.created_at DESC LIMIT %(cases)s
"""
_USES = """
SELECT u.case_no, u.source_name, u.used_at, u.source_state, i.name AS item, d.name AS department
FROM material_uses u JOIN cases c ON c.case_no = u.case_no JOIN service_items i ON i.code = c.item_code
LEFT JOIN departments d ON d.code = u.department
WHERE c.party_id = %(party)s AND u.withdrawn_at IS NULL ORDER BY u.used_at DESC LIMIT %(uses)s
"""
_COUNTS = """
SELECT (SELECT count(*) FROM materials WHERE party_id = %(party)s AND state = 'usable' AND type_code IS NOT NULL),
  (SELECT count(*) FROM material_uses u JOIN cases c ON c.case_no = u.case_no
   WHERE c.party_id = %(party)s AND u.withdrawn_at IS NULL AND c.state = 'accepted')
"""


def party_facts(tx: Connection, party: uuid.UUID, today: date) -> PartyFacts:
    """Read it. Raises NotFound."""
    of = {"party": party, "licences": LICENCES, "cases": CASES, "uses": USES, "mine": own_department()}
    rows = ask(
        tx,
        *((statement, of) for statement in (_PARTY, _LICENCES, _FINDINGS, _CASES, _USES, _COUNTS)),
    )
    parties, licences, findings, cases, uses, counts = rows
    if not parties:
        raise NotFound(gettext("没有这个相对人。请回到工作台重新查找。"))
    found: dict[uuid.UUID, list[Mapping[str, Any]]] = {}
    for finding in (_named(_FINDING_NAMES, row) for row in findings):
        if finding["effect"] in ("warn", "freeze"):
            found.setdefault(finding["licence_id"], []).append(finding)
    lines = [_named(_CASE_NAMES, row) for row in cases]
    running = tuple(case for case in lines if case["decided_on"] is None and case["state"] != "withdrawn")
    return PartyFacts(
        PartyLine(*parties[0][:6]),
        tuple(_light(_named(_LICENCE_NAMES, row), found.get(row[0], []), today) for row in licences),
        running,
        tuple(case for case in lines if case not in running)[:6],
        tuple(_named(_USE_NAMES, row) for row in uses),
        *counts[0],
        *parties[0][6:],
    )


_LICENCE_NAMES = (
    "id", "name", "number", "status", "valid_from", "valid_to", "issuer_name", "case_no", "standing", "status_note",
    "held_by", "opens",
)  # fmt: skip
_FINDING_NAMES = (
    "licence_id", "department", "effect", "explanation", "happened_at", "rectify_by", "finding_no", "case_no",
)  # fmt: skip
_CASE_NAMES = (
    "case_no", "item", "state", "created_at", "accepted_on", "promised_on", "department", "department_name", "org_name",
    "standing", "taken_by", "decided_on", "result_type",
)  # fmt: skip
_USE_NAMES = ("case_no", "source_name", "used_at", "source_state", "item", "department")


def _named(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(names, row, strict=True))


def _light(licence: dict[str, Any], findings: list[Mapping[str, Any]], today: date) -> Light:
    colour, said = _colour(licence, findings, today)
    return Light(licence, colour, said, tuple(findings))


def _colour(
    licence: Mapping[str, Any], findings: Sequence[Mapping[str, Any]], today: date
) -> tuple[str, str]:
    status, valid_to = licence["status"], licence["valid_to"]
    if status == "02" or licence["held_by"]:
        who = "、".join(licence["held_by"])
        said = gettext("暂扣中，由%(who)s冻结，不能复用", who=who) if who else gettext("暂扣中，不能复用")
        return "red", said
    if status in ("03", "07"):
        return "red", gettext("%(state)s，不能复用", state=code_text("licence_status", status))
    if status != "01":
        return "off", code_text("licence_status", status)
    if valid_to is not None and valid_to < today:
        return "off", gettext("已于 %(day)s 到期", day=valid_to.isoformat())
    if any(finding["effect"] == "warn" for finding in findings):
        return "amber", gettext("有效，有监管部门要求限期整改")
    if valid_to is not None and valid_to <= today + EXPIRING:
        return "amber", gettext("有效，%(n)s 天后到期", n=(valid_to - today).days)
    return "green", gettext("有效")
