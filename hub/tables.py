"""Every table of the hub, registered by import: for migrations, and for whoever needs the whole metadata."""

from __future__ import annotations

from hub.case import Case, Decision, Step
from hub.department import Department, DepartmentKey
from hub.finding import Finding
from hub.inbox import InboxRow, Quarantined
from hub.item import PushRule, ServiceItem
from hub.ledger import LedgerBatch, LedgerRow, LedgerUnsealed
from hub.licence import Hold, Licence
from hub.material import FileRead, Material, StoredObject
from hub.notice import Notice
from hub.outbox import OutboxRow, ParkedKey
from hub.party import Party
from hub.program import Program
from hub.push import Push, Receipt
from hub.workday import CalendarDay

__all__ = [
    "CalendarDay",
    "Case",
    "Decision",
    "Department",
    "DepartmentKey",
    "FileRead",
    "Finding",
    "Hold",
    "InboxRow",
    "LedgerBatch",
    "LedgerRow",
    "LedgerUnsealed",
    "Licence",
    "Material",
    "Notice",
    "OutboxRow",
    "ParkedKey",
    "Party",
    "Program",
    "Push",
    "PushRule",
    "Quarantined",
    "Receipt",
    "ServiceItem",
    "Step",
    "StoredObject",
]
