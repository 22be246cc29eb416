"""Rows of facts: a message as the Finding it becomes, its files, and what the ledger says of it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from hub.exchange.arrived import Arrived
from hub.feedback.grounds import Grounds, Named
from hub.feedback.judge import about_of, fact_of, licence_of
from hub.feedback.kinds import ENFORCEMENT, INSPECTION, OF_TYPE, RECTIFICATION, RULED, Kind
from hub.feedback.masking import without_numbers
from hub.feedback.money import sums_of
from hub.feedback.story import Fact
from hub.licensing.living.changed import ACTIONS, Changed
from hub.licensing.living.said_of_licences import Spoken

#: What a row says by itself; the rest of a message is kept under `details`.
_OWN = frozenset(
    {
        "finding_no", "fact_no", "project_no", "push_id", "inspected_at", "checked_at", "decided_on", "recorded_on", "at",
        "from", "inspectors", "officers", "check_result", "handling", "result", "rectify_by", "explain", "publicity",
        "document_no", "fine_fen", "confiscated_fen", "fine_wan", "confiscated_wan", "round", "files",
    }
)  # fmt: skip


class Taken(NamedTuple):
    """One message with all that was made of it."""

    message: Arrived
    kind: Kind
    row: dict[str, Any]
    fact: Fact
    undone: Fact | None
    licence: Named | None
    rule: int | None  # by which its effect was found
    head: tuple[datetime, str] | None  # of a rectification: its inspection, if that stands

    @property
    def silenced(self) -> bool:
        """A rectification whose inspection was withdrawn: kept, and of no effect."""
        return self.kind.name == RECTIFICATION and self.head is None

    def spoken(self) -> Spoken | None:
        """The part that can move a licence."""
        row, kind = self.row, self.kind.name
        if row["licence_id"] is None or kind not in RULED or self.silenced:
            return None
        if kind != INSPECTION and row["effect"] == "none":
            return None
        return self._word(row["licence_id"], row["effect"])

    def word(self, known: Grounds) -> tuple[Spoken, set[uuid.UUID]] | None:
        """Of what takes another back: its word, and the licences that the two speak of."""
        old = self.undone
        if old is None or old.kind not in RULED:
            return None
        versions = known.licences.get(old.case_no, ())
        found = {one.id for one in versions if old.licence_id in (one.version_id, one.id)}
        if self.row["licence_id"] is not None and self.kind.name in RULED:
            found.add(self.row["licence_id"])
        return (self._word(next(iter(found)), self.row["effect"]), found) if found else None

    def _word(self, licence_id: uuid.UUID, effect: str) -> Spoken:
        row = self.row
        reason = row["explanation"] or f"{self.kind.title}：{self.kind.said(self.message.data)}"
        return Spoken(
            row["id"],
            licence_id,
            row["department"],
            row["happened_at"],
            row["finding_no"],
            effect,
            reason,
            self.kind.name,
            self.head,
        )


def taken(message: Arrived, known: Grounds, now: datetime) -> Taken:
    """Read one message, and go on with the story of its case."""
    kind, data = OF_TYPE[message.event["type"]], message.data
    fact, undone = fact_of(message, known, known.taken)
    about = about_of(message, known.taken)
    known.taken.tell(fact, undone)
    licence = licence_of(data, known, about or undone)
    effect, rule = "none", None
    if kind.name in RULED:
        effect, rule = known.rules.asks(
            kind.name, str(kind.result_of(data)), fact.handling, licence.type_code if licence else None
        )
    head = known.taken.head(fact.chain) if kind.name == RECTIFICATION else None
    fine, confiscated = sums_of(data) if kind.name == ENFORCEMENT else (None, None)
    row = {
        "id": fact.id,
        "department": fact.department,
        "finding_no": fact.number,
        "case_no": fact.case_no,
        "push_id": fact.push_id,
        "licence_id": fact.licence_id,
        "kind": kind.name,
        "happened_at": fact.happened_at,
        "inspectors": {"list": list(data.get(kind.people) or []) if kind.people else []},
        "check_result": data["check_result"] if kind.name == INSPECTION else None,
        "handling": fact.handling,
        "result": kind.result_of(data) if kind.name != INSPECTION else None,
        "round": data.get("round"),
        "about_id": about.id if about else None,
        "corrects_id": undone.id if undone and data.get("corrects") else None,
        "chain_id": fact.chain if fact.chain != fact.id else None,
        "standing": fact.standing,
        "document_no": data.get("document_no"),
        "fine_fen": fine,
        "confiscated_fen": confiscated,
        "details": without_numbers({name: value for name, value in data.items() if name not in _OWN}),
        "push_state": None,
        "rectify_by": date.fromisoformat(data["rectify_by"][:10]) if data.get("rectify_by") else None,
        "explanation": data.get(kind.words),
        "publicity": data.get("publicity"),
        "effect": effect,
        "effect_applied": False,
        "kid": message.kid,
        "envelope_sha256": hashlib.sha256(message.value).digest(),
        "received_at": now,
    }
    return Taken(message, kind, row, fact, undone, licence, rule, head)


def file_rows(one: Taken) -> list[dict[str, Any]]:
    """The evidence that it names."""
    return [
        {
            "finding_id": one.row["id"],
            "seq": seq,
            "sha256": bytes.fromhex(file["sha256"]),
            "name": file["name"],
            "media_type": file["media_type"],
            "size": file["size"],
        }
        for seq, file in enumerate(one.message.data.get("files") or (), 1)
    ]


def ledger_row(one: Taken, changes: Sequence[Changed]) -> dict[str, Any]:
    """What the ledger says: that a fact was taken, or what it did to a licence."""
    row = one.row
    change = changes[0] if changes else None
    detail: dict[str, Any] = {
        "finding": str(row["id"]),
        "kind": row["kind"],
        "check_result": row["check_result"],
        "handling": row["handling"],
        "effect": row["effect"],
        "rule": one.rule,
        "applied": row["effect_applied"],
        "sha256": row["envelope_sha256"].hex(),
        "kid": row["kid"],
    }
    detail |= {
        name: value
        for name, value in (
            ("result", row["result"]),
            ("fine_fen", row["fine_fen"]),
            ("undone", one.undone.number if one.undone else None),
            ("push", row["push_state"]),
        )
        if value is not None
    }
    return {
        "actor": f"department:{row['department']}",
        "action": ACTIONS[change.operation] if change else "finding.taken",
        "subject": f"licence:{change.licence_id}" if change else f"finding:{row['id']}",
        "case_no": row["case_no"],
        "reason": row["explanation"],
        "detail": detail,
    }


def by_finding(changes: Sequence[Changed]) -> Mapping[uuid.UUID | None, list[Changed]]:
    """Changes of licences by the finding that brought them."""
    found: dict[uuid.UUID | None, list[Changed]] = {}
    for change in changes:
        found.setdefault(change.finding_id, []).append(change)
    return found
