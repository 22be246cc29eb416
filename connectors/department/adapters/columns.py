"""The tables of a department that works with tables: their columns, and what of a message stands in which.

Every column is text, so that any database and any program can fill it; the whole message stands beside, as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from connectors.department.adapters.port import Kind
from connectors.department.judge import Advice, Forwarded, LicenceChanged, Package, Told, Withdrawn
from schemas import dumps
from schemas.drafts.forms import columns_of

INBOX = dict.fromkeys(
    (
        "event_id", "push_id", "case_no", "party_name", "party_code", "licence_no", "licence_name",
        "licence_identifier", "decided_on", "sign_by", "claim_due", "plan_due", "feedback_due", "package",
        "received_at", "claimed_by", "claimed_at", "claim_sent_as", "returned_by", "returned_why", "returned_at",
        "return_sent_as", "closed_by", "closed_at", "close_sent_as", "problem", "licence_status",
        "licence_status_at", "revision", "replaces", "replaced_by", "correction_reason", "withdrawn_at",
        "withdrawn_why",
    ),
    "TEXT",
) | {"event_id": "TEXT PRIMARY KEY"}  # fmt: skip
#: Of these the connector fills what a package says; the others are the department's, or said later.
DELIVERED = (
    "event_id", "push_id", "case_no", "party_name", "party_code", "licence_no", "licence_name",
    "licence_identifier", "decided_on", "sign_by", "claim_due", "plan_due", "feedback_due", "package", "received_at",
    "licence_status", "revision", "replaces", "correction_reason",
)  # fmt: skip
FATE = {"status": "TEXT DEFAULT 'new'", "event_id": "TEXT", "problem": "TEXT", "sent_at": "TEXT"}


class Statement(NamedTuple):
    """Columns of the inbox row in which the department says something of a package; `says` makes it said."""

    says: str
    by: str
    at: str
    reason: str | None
    sent_as: str


STATEMENTS: Mapping[Kind, Statement] = {
    "claimed": Statement("claimed_by", "claimed_by", "claimed_at", None, "claim_sent_as"),
    "returned": Statement("returned_why", "returned_by", "returned_at", "returned_why", "return_sent_as"),
    "closed": Statement("closed_by", "closed_by", "closed_at", None, "close_sent_as"),
}
#: Tables whose rows are said as they are, in the order in which they are said: kind of draft -> (table, columns).
ROWS: Mapping[Kind, tuple[str, tuple[str, ...]]] = {
    "plan": ("shenguan_plans", columns_of("plan")),
    "finding": ("shenguan_findings", columns_of("finding")),
    "rectification": ("shenguan_rectifications", columns_of("rectification")),
    "enforcement": ("shenguan_enforcements", columns_of("enforcement")),
    "credit": ("shenguan_credits", columns_of("credit")),
    "withdrawal": ("shenguan_fact_withdrawals", columns_of("withdrawal")),
    "advice": ("shenguan_advice_posts", columns_of("advice")),
    "supply": ("shenguan_supplies", columns_of("supply")),
}


def inbox_row(package: Package, now: str) -> list[Any]:
    """A package, as DELIVERED names it."""
    data, push, correction = package.data, package.data["push"], package.correction or {}
    case, licence = data["case"], data["licence"] or {}
    values = {
        "event_id": package.event_id,
        "push_id": package.push_id,
        "case_no": package.case_no,
        "party_name": case.get("applyer_name"),
        "party_code": case.get("applyer_page_code"),
        "licence_no": licence.get("certificateNumber") or data["result"].get("result_cetr_no"),
        "licence_name": licence.get("certificateName") or data["result"].get("result_cetr_name"),
        "licence_identifier": licence.get("certificateIdentifier"),
        "decided_on": data["result"].get("result_date"),
        "sign_by": push.get("sign_by"),
        "claim_due": push.get("claim_by"),
        "plan_due": push.get("plan_by"),
        "feedback_due": push.get("feedback_by"),
        "package": _json(data),
        "received_at": now,
        "licence_status": licence.get("status"),
        "revision": str(push.get("revision") or 1),
        "replaces": correction.get("replaces_event_id"),
        "correction_reason": correction.get("reason"),
    }
    return [values[name] for name in DELIVERED]


def _change(message: Told) -> dict[str, Any]:
    data = message.data
    licence, change = data["licence"], data["change"]
    names = ("operation", "operation_name", "from_status", "to_status", "reason", "document_no", "finding_no")
    return {
        "licence_identifier": licence["certificateIdentifier"],
        "licence_no": licence["certificateNumber"],
        "licence_name": licence["certificateName"],
        "holder": "、".join(licence["certificateHolder"]),
        **{name: change.get(name) for name in names},
        "status_title": licence["status_title"],
        "changed_at": change["at"],
        "by_department": change["by"]["department"],
        "by_name": change["by"]["name"],
        "previous_identifier": data["previous_identifier"],
        "next_identifier": data["next_identifier"],
        "relied_cases": _json(data["relied_cases"]),
    }


def _withdrawal(message: Told) -> dict[str, Any]:
    data = message.data
    names = ("push_id", "document_no", "replaces_event_id", "scope", "reason")
    return {
        **{name: data[name] for name in names},
        "revision": str(data["revision"]),
        "withdrawn_by": data["by"],
        "withdrawn_at": data["at"],
    }


def _forwarded(message: Told) -> dict[str, Any]:
    data = message.data
    names = ("from_department", "from_name", "fact_type", "fact_no", "why", "original_event_id")
    return {**{name: data[name] for name in names}, "effect": data.get("effect"), "fact": _json(data["fact"])}


def _advice(message: Told) -> dict[str, Any]:
    data = message.data
    names = ("thread_id", "subject", "body", "author", "state")
    return {
        **{name: data[name] for name in names},
        "kind": data.get("kind"),
        "said_at": data["at"],
        "due_at": data.get("due_at"),
    }


class ToldTable(NamedTuple):
    """A table of one kind of message: one row for one message."""

    name: str
    columns: tuple[str, ...]
    read: Callable[[Told], dict[str, Any]]


#: Columns of every such table beside its own.
_COMMON = ("event_id", "case_no", "message", "received_at")
TOLD_TABLES: Mapping[type[Told], ToldTable] = {
    LicenceChanged: ToldTable(
        "shenguan_licence_changes",
        (
            "licence_identifier", "licence_no", "licence_name", "holder", "operation", "operation_name",
            "from_status", "to_status", "status_title", "reason", "document_no", "changed_at", "by_department",
            "by_name", "finding_no", "previous_identifier", "next_identifier", "relied_cases",
        ),
        _change,
    ),
    Withdrawn: ToldTable(
        "shenguan_withdrawals",
        (
            "push_id", "document_no", "revision", "replaces_event_id", "scope", "reason", "withdrawn_by",
            "withdrawn_at",
        ),
        _withdrawal,
    ),
    Forwarded: ToldTable(
        "shenguan_forwarded",
        (
            "from_department", "from_name", "fact_type", "fact_no", "why", "effect", "fact", "original_event_id",
        ),
        _forwarded,
    ),
    Advice: ToldTable(
        "shenguan_advice",
        ("thread_id", "kind", "subject", "body", "author", "said_at", "state", "due_at"),
        _advice,
    ),
}  # fmt: skip


def told_columns(table: ToldTable) -> dict[str, str]:
    """All columns of such a table, with their types."""
    return dict.fromkeys((*_COMMON, *table.columns), "TEXT") | {"event_id": "TEXT PRIMARY KEY"}


def told_row(message: Told, now: str) -> dict[str, Any]:
    """A message as its table has it."""
    table = TOLD_TABLES[type(message)]
    common = {
        "event_id": message.event_id,
        "case_no": message.case_no,
        "message": _json(message.data),
        "received_at": now,
    }
    return common | table.read(message)


def _json(value: Any) -> str:
    return dumps(value).decode()
