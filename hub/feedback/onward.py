"""Onward: a department's fact told to the other departments of its case, by rule or because it is handed over to them.

Guarantees: one message for one fact and department, signed once, in the transaction of the fact, with an id that is the same
however often it is made; never ahead of messages of the same case that still wait. Who was told of a fact hears that it was
corrected or withdrawn. What the rule withholds from the receiver is withheld here, too, and citizen numbers are masked for
everyone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.exchange.announcement import Announcement
from hub.exchange.outbox import BULK, LIVE, OutboxRow
from hub.feedback.grounds import Grounds, PushFacts
from hub.feedback.kinds import handed_over
from hub.feedback.masking import without_numbers
from hub.feedback.notices import nobody_enforces
from hub.feedback.rows import Taken
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.pushing.package import instant, seal_event
from hub.pushing.rulebook import Rulebook, limit_questions, read_rulebook
from hub.pushing.withhold import masked_text
from hub.round_trips import Rows, ask
from hub.workday import local_day

EVENT_TYPE = "finding.forwarded.v1"
_NOT_SENT = frozenset({"held", "reassigned", "recalled"})
#: Where a fact says again what a path of the package withholds.
_SAYS_AGAIN = {
    "case.applyer_page_code": ("CF_XDR_SHXYM", "CF_XDR_ZJHM", "CF_XDR_SFZ", "admin_cp_cert_code"),
    "case.applyer_name": ("CF_XDR_MC", "admin_cp_name"),
    "case.legal": ("CF_FRDB", "CF_FR", "legal_represent"),
    "licence.certificateIdentifier": ("certificateIdentifier",),
    "licence": ("certificateIdentifier",),
}
_ALIASES = {
    "elements.XK_XDR_ZJHM": "case.applyer_page_code",
    "elements.XK_XDR_SHXYM": "case.applyer_page_code",
    "licence.certificateHolderCode": "case.applyer_page_code",
    "elements.XK_XDR_MC": "case.applyer_name",
    "licence.certificateHolder": "case.applyer_name",
    "elements.XK_FRDB": "case.legal",
}


@dataclass(slots=True)
class Onward:
    """What goes on, growing fact by fact."""

    tx: Connection
    desk: Desk
    known: Grounds
    heard: Mapping[uuid.UUID, frozenset[str]]  # fact that stands no longer -> who was told of it
    outbox: list[dict[str, Any]] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    #: Facts that are handed over to a department without a push of the case.
    newcomers: list[tuple[Taken, str]] = field(default_factory=list)
    limits: Rulebook | None = None  # asked for once something goes on

    def add(self, one: Taken, effect: str | None) -> None:
        """One fact, to all who are to hear of it."""
        others = self._others(one)
        targets = self._targets(one, others)
        for department in targets:
            if department not in others:
                self.newcomers.append((one, department))
        undone = one.undone
        before = self.heard.get(undone.id, frozenset()) if undone else frozenset()
        kinds = {one.kind.name} | ({undone.kind} if undone else set())
        hearers = {code for code, push in others.items() if kinds & set(push.hears)}
        for department in sorted(hearers | before | set(targets)):
            why = "transfer" if department in targets else "rule"
            self._tell(one, department, others.get(department), why, effect)

    def tables(self) -> tuple[Rows, ...]:
        """In the order in which they refer to each other; after the facts."""
        return Rows(OutboxRow, self.outbox), Rows(Announcement, self.told), Rows(Notice, self.notices)

    def _others(self, one: Taken) -> dict[str, PushFacts]:
        case_no, department = one.row["case_no"], one.row["department"]
        return {
            push.department: push
            for push in self.known.of_case(case_no)
            if push.department != department and push.state not in _NOT_SENT
        }

    def _targets(self, one: Taken, others: Mapping[str, PushFacts]) -> list[str]:
        """The enforcing departments it is handed over to: the one that is named, else those that the case was pushed to."""
        if not handed_over(one.kind.name, one.kind.result_of(one.message.data), one.row["handling"]):
            return []
        if named := one.message.data.get("transfer_to"):
            return [named]
        found = sorted(code for code in others if code in self.known.enforcing)
        if not found and one.row["department"] not in self.known.enforcing:
            self.notices.append(nobody_enforces(one, self.known))
        return found

    def _tell(
        self, one: Taken, department: str, push: PushFacts | None, why: str, effect: str | None
    ) -> None:
        row, message = one.row, one.message
        event_id = uuid.uuid5(row["id"], f"{EVENT_TYPE} {department}")
        sign_by = self._sign_by(row["case_no"], department, push)
        data = {
            "department": department,
            "project_no": row["case_no"],
            "from_department": row["department"],
            "from_name": self.known.names[row["department"]],
            "fact_type": message.event["type"],
            "fact_no": row["finding_no"],
            "why": why,
            "fact": shown_to(message.data, push.left_out if push else (), push.masked if push else ()),
            "original_event_id": message.event["id"],
            "original_sha256": row["envelope_sha256"].hex(),
            "effect": effect,
            "sign_by": instant(sign_by) if sign_by else None,
        }
        lane = BULK if row["case_no"] in self.known.behind else LIVE
        sealed = seal_event(
            self.desk, department, EVENT_TYPE, row["case_no"], data, event_id=event_id, lane=lane
        )
        self.outbox.append(sealed.row)
        self.told.append(
            {
                "event_id": event_id,
                "kind": EVENT_TYPE,
                "department": department,
                "key": row["case_no"],
                "case_no": row["case_no"],
                "push_id": push.id if push else None,
                "finding_id": row["id"],
                "message_sha256": sealed.sha256,
                "created_at": row["received_at"],
                "sign_by": sign_by,
            }
        )

    def _sign_by(self, case_no: str, department: str, push: PushFacts | None) -> datetime | None:
        """By the rule by which the department has the case, else by the limits of its item."""
        today = local_day(self.desk.clock())
        if self.limits is None:
            self.limits = read_rulebook((), *ask(self.tx, *limit_questions(today)))
        item_code = self.known.cases[case_no].item_code
        return self.limits.sign_by(today, item_code, department, push.sign_days if push else None)


_HEARD = """
SELECT finding_id, department FROM announcements
WHERE case_no = ANY(%(case_nos)s) AND finding_id = ANY(%(ids)s) AND kind = 'finding.forwarded.v1'
"""


def heard_of(tx: Connection, facts: Sequence[Taken]) -> dict[uuid.UUID, frozenset[str]]:
    """Who was told of the facts that stand no longer by these."""
    undone = [one.undone for one in facts if one.undone is not None]
    if not undone:
        return {}
    of = {"case_nos": [one.case_no for one in undone], "ids": [one.id for one in undone]}
    (rows,) = ask(tx, (_HEARD, of))
    found: dict[uuid.UUID, set[str]] = {}
    for finding_id, department in rows:
        found.setdefault(finding_id, set()).add(department)
    return {finding_id: frozenset(departments) for finding_id, departments in found.items()}


def shown_to(data: Mapping[str, Any], left_out: Sequence[str], masked: Sequence[str]) -> dict[str, Any]:
    """A fact's data as another department may see it; `data` stays as it is."""
    gone, starred = set(_names(left_out)), set(_names(masked))
    found: dict[str, Any] = without_numbers(data)
    columns = found.get("columns")
    for part in (found, columns) if isinstance(columns, dict) else (found,):
        for name in gone & part.keys():
            del part[name]
        for name in starred & part.keys():
            part[name] = masked_text(str(part[name])) if part[name] not in (None, "") else part[name]
    return found


def _names(paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        yield from _SAYS_AGAIN.get(_ALIASES.get(path, path), ())
