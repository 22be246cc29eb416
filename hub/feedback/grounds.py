"""Grounds: what facts of one batch are judged by and rest on, asked for in one round trip.

Guarantees: two programs that take facts of the same case in do so one after the other, so that each sees what the other was
told (an advisory lock of the case, taken in one order by all).
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hub.exchange.arrived import Arrived
from hub.feedback.kinds import OF_TYPE
from hub.feedback.light_rules import QUESTION as LIGHTS
from hub.feedback.light_rules import LightRules, light_rules
from hub.feedback.story import Story
from hub.licensing.findings.rules_of_findings import QUESTION as RULES
from hub.licensing.findings.rules_of_findings import RulesOfFindings, rules_of_findings
from hub.round_trips import Question, listed

Answer = Sequence[Any]
#: Causes that go away by themselves when what is missing comes (hub.exchange.take_in.WAITS).
WAITS_FOR = frozenset({"unknown_finding", "unknown_evidence"})


class Named(NamedTuple):
    """A licence that a fact on a case may speak of, by any of its versions."""

    identifier: str
    version_id: uuid.UUID
    id: uuid.UUID  # the newest version
    type_code: str


class CaseFacts(NamedTuple):
    """A case, as facts about it need to know it."""

    case_no: str
    party_id: uuid.UUID
    item_code: str
    department: str | None
    lit: bool  # its party has a light


class PushFacts(NamedTuple):
    """A push of a case, and what its department hears of what others report."""

    id: uuid.UUID
    case_no: str
    department: str
    state: str
    hears: Sequence[str]
    left_out: Sequence[str]
    masked: Sequence[str]
    sign_days: int | None  # within which its rule has it sign


@dataclass(frozen=True, slots=True)
class Grounds:
    """All of it. The stories grow: one while messages are judged, one while they are taken."""

    cases: Mapping[str, CaseFacts]
    pushes: Mapping[tuple[str, str], PushFacts]  # (case_no, department)
    by_case: Mapping[str, Sequence[PushFacts]]
    names: Mapping[str, str]  # of departments
    enforcing: frozenset[str]  # departments a case can be handed over to
    licences: Mapping[str, Sequence[Named]]  # by case_no, the one that is meant where none is named first
    judged: Story
    taken: Story
    numbers: frozenset[tuple[str, ...]]  # (department, number) used on other cases
    files: Mapping[tuple[str, str], int]  # (department, sha256) -> size of evidence
    held: frozenset[str]  # departments with messages that wait for others
    behind: frozenset[str]  # cases with bulk messages that still wait
    rules: RulesOfFindings
    lights: LightRules

    def of_case(self, case_no: str) -> Sequence[PushFacts]:
        """Its pushes."""
        return self.by_case.get(case_no, ())


_LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest(%(keys)s::bigint[]) AS key"
_CASES = """
SELECT c.case_no, c.party_id, c.item_code, c.department, l.party_id IS NOT NULL
FROM cases c LEFT JOIN party_lights l ON l.party_id = c.party_id WHERE c.case_no = ANY(%(case_nos)s)
"""
_PUSHES = """
SELECT p.id, p.case_no, p.department, p.state, coalesce(r.hears, '{}'), coalesce(r.left_out, '{}'),
  coalesce(r.masked, '{}'), r.sign_days
FROM pushes p
LEFT JOIN push_rule_departments r ON r.rule_id = p.rule_id AND r.department = p.department
WHERE p.case_no = ANY(%(case_nos)s) AND p.state <> 'held' ORDER BY p.case_no, p.department
"""
_DEPARTMENTS = "SELECT code, name, roles, active FROM departments"
#: The licences of the cases, each followed to its newest version.
_LICENCES = """
WITH RECURSIVE line(case_no, first_id, issued_on, first, id, identifier, type_code, version) AS (
  SELECT case_no, id, issued_on, identifier, id, identifier, type_code, 1 FROM licences
  WHERE case_no = ANY(%(case_nos)s)
  UNION ALL
  SELECT l.case_no, l.first_id, l.issued_on, l.first, n.id, n.identifier, n.type_code, l.version + 1
  FROM line l JOIN licences n ON n.previous_id = l.id
)
SELECT case_no, first_id, id, identifier, type_code FROM line ORDER BY issued_on DESC, first, first_id, version
"""
_FACTS = """
SELECT id, department, finding_no, kind, case_no, coalesce(chain_id, id), standing, happened_at, licence_id, push_id,
  handling
FROM findings WHERE case_no = ANY(%(case_nos)s)
"""
_NUMBERS = """
SELECT f.* FROM unnest(%(departments)s::text[], %(numbers)s::text[]) AS n(department, number) CROSS JOIN LATERAL (
  SELECT department, finding_no FROM findings WHERE department = n.department AND finding_no = n.number OFFSET 0) f
"""
_FILES = """
SELECT e.department, encode(e.sha256, 'hex'), e.size FROM evidence e
WHERE e.department = ANY(%(departments)s) AND e.sha256 = ANY(%(sha256s)s)
"""
_HELD = """
SELECT DISTINCT department FROM quarantine
WHERE state = 'held' AND cause = ANY(%(causes)s) AND department = ANY(%(departments)s)
"""
_BEHIND = """
SELECT DISTINCT key FROM outbox WHERE key = ANY(%(case_nos)s) AND published_at IS NULL AND lane = 1
"""


def questions(messages: Sequence[Arrived]) -> tuple[Question, ...]:
    """Ask for everything that facts speak of."""
    case_nos = sorted({str(message.data["project_no"]) for message in messages})
    departments = sorted({message.department for message in messages})
    of = {"case_nos": listed(case_nos), "departments": departments}
    numbers = {
        "departments": listed(message.department for message in messages),
        "numbers": listed(number_of(message) for message in messages),
    }
    sha256s = {file["sha256"] for message in messages for file in message.data.get("files") or ()}
    files = {"departments": departments, "sha256s": [bytes.fromhex(one) for one in sorted(sha256s)]}
    return (
        (_LOCK, {"keys": listed(sorted({_key(case_no) for case_no in case_nos}))}),
        (_CASES, of),
        (_PUSHES, of),
        (_DEPARTMENTS, {}),
        (_LICENCES, of),
        (_FACTS, of),
        (_NUMBERS, numbers),
        (_FILES, files),
        (_HELD, {"causes": sorted(WAITS_FOR), "departments": departments}),
        (_BEHIND, of),
        RULES,
        LIGHTS,
    )


def grounds(*answers: Answer) -> Grounds:
    """The answers to `questions`."""
    _, cases, pushes, departments, licences, facts, numbers, files, held, behind, rules, lights = answers
    newest = {first: (id_, type_code) for _, first, id_, _, type_code in licences}
    named: dict[str, list[Named]] = {}
    for case_no, first, id_, identifier, _ in licences:
        named.setdefault(case_no, []).append(Named(identifier, id_, *newest[first]))
    by_case: dict[str, list[PushFacts]] = {}
    for row in pushes:
        by_case.setdefault(row[1], []).append(PushFacts(*row))
    return Grounds(
        {row[0]: CaseFacts(*row) for row in cases},
        {(case_no, push.department): push for case_no, owed in by_case.items() for push in owed},
        by_case,
        {code: name for code, name, *_ in departments},
        frozenset(code for code, _, roles, active in departments if active and "enforcing" in roles),
        named,
        Story(facts),
        Story(facts),
        frozenset(tuple(row) for row in numbers),
        {(department, sha256): size for department, sha256, size in files},
        frozenset(row[0] for row in held),
        frozenset(row[0] for row in behind),
        rules_of_findings(rules),
        light_rules(lights),
    )


def number_of(message: Arrived) -> str:
    """The department's own number of a fact."""
    return str(message.data[OF_TYPE[message.event["type"]].number])


def _key(case_no: str) -> int:
    """The key of a case's lock, apart from other locks of the hub by its upper half."""
    return 0x46414354 << 32 | zlib.crc32(case_no.encode())
