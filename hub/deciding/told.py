"""Told: which departments have a decision, in which bytes, and what is to be said to them next about it.

Guarantees: the decision is locked before its pushes, so two corrections go one after the other; a message names the event
and the digest of the one it replaces; none overtakes what still waits in the outbox under its key.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from hub.deciding.decide import lane_for
from hub.errors import Conflict, NotFound, Rejected
from hub.exchange.announcement import Announcement
from hub.exchange.outbox import OutboxRow
from hub.noticing.notice import Notice
from hub.ports import Desk
from hub.pushing.package import Sealed, instant, seal_event
from hub.pushing.push import GONE
from hub.pushing.rulebook import Clock, Marks, Rulebook, read_rulebook, rulebook_questions
from hub.round_trips import Rows, ask
from hub.workday import local_day
from schemas import loads

REASON = (2, 2000)
#: Nobody has the package yet, or nobody has it any more.
UNTOLD = ("held", *GONE)


class Decided(NamedTuple):
    """A decision as it stands, with what rules look at."""

    id: uuid.UUID
    case_no: str
    org_code: str
    document_no: str
    document_name: str
    decided_on: Any
    result_type: str
    explanation: str
    elements: dict[str, Any]
    decided_by: str
    revision: int
    withdrawn_at: datetime | None
    item_code: str
    item_name: str
    area_code: str
    party_kind: str
    party: str
    department: str | None  # that has the case

    @property
    def marks(self) -> Marks:
        """What rules look at."""
        return Marks(self.item_code, self.area_code, self.result_type, self.party_kind, self.elements)


class Recipient(NamedTuple):
    """A push of it, and the message about it that was sent last."""

    id: uuid.UUID
    department: str
    name: str
    state: str
    revision: int
    withheld: list[str] | None
    event_id: uuid.UUID
    sha256: bytes
    value: bytes | None  # None: nothing was sent yet

    @property
    def has_it(self) -> bool:
        """Whether the department was sent it, and is still meant to have it."""
        return self.state not in UNTOLD and self.value is not None

    @property
    def data(self) -> dict[str, Any]:
        """What was sent last."""
        if self.value is None:
            raise Conflict(f"发给{self.name}的推送包已不在发件箱中，不能据以更正。请联系系统管理员。")
        found: dict[str, Any] = loads(bytes(self.value))["data"]
        return found


@dataclass(frozen=True, slots=True)
class Standing:
    """A decision with everyone it was pushed to."""

    decision: Decided
    recipients: tuple[Recipient, ...]
    rulebook: Rulebook

    @property
    def told(self) -> list[Recipient]:
        """Who has it."""
        return [one for one in self.recipients if one.has_it]

    @property
    def next_revision(self) -> int:
        """Later than all that anybody was told: a push that was given back may be ahead of the decision."""
        return max((self.decision.revision, *(one.revision for one in self.told))) + 1

    def clock(self, department: str, now: datetime) -> Clock:
        """The limits of a department that hears of it now."""
        marks, book = self.decision.marks, self.rulebook
        days = next((owed.days for owed in book.owed(marks) if owed.department == department), None)
        if days is None:  # no rule names it any more, or none ever did
            general = [
                book.limits.get(key, (None,) * 4)
                for key in ((marks.item_code, department), (marks.item_code, None), (None, department), (None, None))
            ]  # fmt: skip
            first = [next((one[n] for one in general if one[n] is not None), None) for n in range(4)]
            days = (first[0], first[1], first[2], first[3])
        return book.clock(local_day(now), days)


_DECIDED = """
SELECT d.id, d.case_no, d.org_code, d.document_no, d.document_name, d.decided_on, d.result_type, d.explanation, d.elements,
  d.decided_by, d.revision, d.withdrawn_at, c.item_code, s.name, c.area_code, p.kind, p.name, c.department
FROM decisions d JOIN cases c ON c.case_no = d.case_no JOIN service_items s ON s.code = c.item_code
JOIN parties p ON p.id = c.party_id
WHERE d.case_no = %(case_no)s
"""
_RECIPIENTS = """
SELECT p.id, p.department, b.name, p.state, p.revision, p.withheld, last.event_id, last.sha256, o.value
FROM decisions d JOIN pushes p ON p.decision_id = d.id JOIN departments b ON b.code = p.department
CROSS JOIN LATERAL (
  SELECT event_id, message_sha256 AS sha256, revision FROM announcements
  WHERE push_id = p.id AND kind = 'approval.corrected.v1'
  UNION ALL SELECT p.event_id, p.package_sha256, 1 ORDER BY revision DESC LIMIT 1) last
LEFT JOIN LATERAL (SELECT value FROM outbox WHERE event_id = last.event_id LIMIT 1) o ON true
WHERE d.case_no = %(case_no)s ORDER BY p.department
"""


def look(tx: Connection, case_no: str, now: datetime, *, lock: bool = False) -> Standing:
    """The decision on a case and who was told of it. Raises NotFound."""
    of = {"case_no": case_no}
    decision = _DECIDED + (" FOR UPDATE OF d" if lock else "")
    found, recipients, *rulebook = ask(
        tx, (decision, of), (_RECIPIENTS, of), *rulebook_questions(local_day(now))
    )
    if not found:
        raise NotFound(f"办件 {case_no} 还没有决定。请核对办件编号。")
    return Standing(
        Decided(*found[0]), tuple(Recipient(*row) for row in recipients), read_rulebook(*rulebook)
    )


def checked(reason: str, document_no: str | None) -> tuple[str, str | None]:
    """The reason and the document's number as they are kept. Raises Rejected."""
    reason, document_no = reason.strip(), (document_no or "").strip() or None
    if not REASON[0] <= len(reason) <= REASON[1]:
        raise Rejected(f"请写明原因，{REASON[0]} 到 {REASON[1]} 字；它会发给收到决定的每个部门。")
    if document_no and len(document_no) > 128:
        raise Rejected("文书号不超过 128 个字。")
    return reason, document_no


class Withdrawal(NamedTuple):
    """What approval.withdrawn.v1 says; `by` as departments read it."""

    document_no: str
    revision: int
    reason: str
    by: str
    scope: str  # decision, push
    sign_by: datetime | None


@dataclass(slots=True)
class Telling:
    """The messages of one correction, withdrawal or recall, growing department by department."""

    tx: Connection
    desk: Desk
    case_no: str
    now: datetime
    outbox: list[dict[str, Any]]
    announced: list[dict[str, Any]]
    notices: list[dict[str, Any]]

    @classmethod
    def begin(cls, tx: Connection, desk: Desk, case_no: str, now: datetime) -> Telling:
        """Nothing said yet."""
        return cls(tx, desk, case_no, now, [], [], [])

    def say(
        self, kind: str, to: Recipient, revision: int, data: Mapping[str, Any], sign_by: datetime | None
    ) -> Sealed:
        """One message about one push."""
        sealed = seal_event(
            self.desk,
            to.department,
            kind,
            self.case_no,
            data,
            event_id=uuid.uuid5(to.id, f"{kind}|{revision}"),
            lane=lane_for(self.tx, self.case_no),
        )
        self.outbox.append(sealed.row)
        self.announced.append(
            {
                "event_id": sealed.event_id,
                "kind": kind,
                "department": to.department,
                "key": self.case_no,
                "case_no": self.case_no,
                "push_id": to.id,
                "revision": revision,
                "message_sha256": sealed.sha256,
                "created_at": self.now,
                "sign_by": sign_by,
            }
        )
        return sealed

    def withdraw(self, to: Recipient, said: Withdrawal) -> None:
        """approval.withdrawn.v1: of the decision, or of this push alone."""
        data = {
            "push_id": str(to.id),
            "department": to.department,
            "project_no": self.case_no,
            "document_no": said.document_no,
            "revision": said.revision,
            "replaces_event_id": str(to.event_id),
            "replaces_sha256": bytes(to.sha256).hex(),
            "reason": said.reason,
            "by": said.by,
            "at": instant(self.now),
            "scope": said.scope,
            "sign_by": instant(said.sign_by) if said.sign_by else None,
        }
        self.say("approval.withdrawn.v1", to, said.revision, data, said.sign_by)

    def notice(self, to: Recipient, title: str, body: str, answer_by: datetime | None) -> None:
        """For the department's people, beside the message to its system."""
        self.notices.append(
            {
                "audience": "supervisor",
                "department": to.department,
                "severity": "warning",
                "title": title,
                "body": body,
                "case_no": self.case_no,
                "push_id": to.id,
                "answer_by": answer_by,
            }
        )

    def tables(self) -> Sequence[Rows]:
        """In the order in which they are written."""
        return Rows(OutboxRow, self.outbox), Rows(Announcement, self.announced), Rows(Notice, self.notices)
