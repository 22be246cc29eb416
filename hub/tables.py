"""Every table of the hub, registered by import: for migrations, and for whoever needs the whole metadata."""

from __future__ import annotations

from hub.advice.thread import AdvicePost, AdviceThread
from hub.case import Case, Decision, Step
from hub.catalogue.code_pattern import CodePattern
from hub.catalogue.item_version import ItemVersion, Requirement, StandIn
from hub.catalogue.licence_type import LicenceType
from hub.catalogue.material_type import MaterialType, MaterialTypeVersion
from hub.connecting.connector import (
    Connector,
    ConnectorHealth,
    ConnectorJob,
    ConnectorMeasure,
    ConnectorRefusal,
    ConnectorSecret,
    ConnectorUnmapped,
    ConnectorVersion,
)
from hub.connecting.enrolment import EnrolmentCode
from hub.deciding.revision import DecisionRevision
from hub.department import Department, DepartmentKey
from hub.exchange.announcement import Announcement
from hub.exchange.attempt import Attempt
from hub.exchange.inbox import InboxRow, Quarantined
from hub.exchange.outbox import OutboxRow, ParkedKey
from hub.feedback.evidence import Evidence, FindingFile
from hub.feedback.finding import Finding
from hub.feedback.light import LightRule, PartyLight
from hub.item import ServiceItem
from hub.ledger import LedgerBatch, LedgerRow, LedgerUnsealed
from hub.licensing.batches.batch import LicenceBatch, LicenceBatchRow, LicenceCounter
from hub.licensing.checking.status_list import StatusList
from hub.licensing.findings.rule import LicenceProposal, LicenceRule
from hub.licensing.issuing.document import LicenceCopy, LicenceDocument
from hub.licensing.licence import Hold, Licence
from hub.licensing.living.holder_notice import HolderNotice
from hub.licensing.living.operation import LicenceOperation, LicenceTransition
from hub.licensing.sharing.spent_token import SpentToken
from hub.licensing.types.type_version import LicenceImage, LicenceTypeVersion
from hub.material import FileRead, Material, StoredObject
from hub.noticing.alert import Alert, AlertLimit
from hub.noticing.alert_channel import AlertChannel, AlertMessage
from hub.noticing.notice import Notice
from hub.party import Party
from hub.program import Program
from hub.pushing.push import Push, PushMove, PushOverdue, PushTransition, Receipt
from hub.pushing.rules.rule import PushLimit, PushRule, RuleDepartment
from hub.reconciling.reconciliation import (
    DepartmentCount,
    Reconciliation,
    ReconciliationDifference,
    ReconciliationLine,
)
from hub.reuse.case_field import CaseField
from hub.reuse.consent import Consent
from hub.reuse.deferral import Deferral
from hub.reuse.material_use import MaterialUse
from hub.sharing.grant import Grant
from hub.sharing.limit import Limit
from hub.sharing.objection import Objection
from hub.upload import Upload
from hub.workday import CalendarDay

__all__ = [
    "AdvicePost",
    "AdviceThread",
    "Alert",
    "AlertChannel",
    "AlertLimit",
    "AlertMessage",
    "Announcement",
    "Attempt",
    "CalendarDay",
    "Case",
    "CaseField",
    "CodePattern",
    "Connector",
    "ConnectorHealth",
    "ConnectorJob",
    "ConnectorMeasure",
    "ConnectorRefusal",
    "ConnectorSecret",
    "ConnectorUnmapped",
    "ConnectorVersion",
    "Consent",
    "Decision",
    "DecisionRevision",
    "Deferral",
    "Department",
    "DepartmentCount",
    "DepartmentKey",
    "EnrolmentCode",
    "Evidence",
    "FileRead",
    "Finding",
    "FindingFile",
    "Grant",
    "Hold",
    "HolderNotice",
    "InboxRow",
    "ItemVersion",
    "LedgerBatch",
    "LedgerRow",
    "LedgerUnsealed",
    "Licence",
    "LicenceBatch",
    "LicenceBatchRow",
    "LicenceCopy",
    "LicenceCounter",
    "LicenceDocument",
    "LicenceImage",
    "LicenceOperation",
    "LicenceProposal",
    "LicenceRule",
    "LicenceTransition",
    "LicenceType",
    "LicenceTypeVersion",
    "LightRule",
    "Limit",
    "Material",
    "MaterialType",
    "MaterialTypeVersion",
    "MaterialUse",
    "Notice",
    "Objection",
    "OutboxRow",
    "ParkedKey",
    "Party",
    "PartyLight",
    "Program",
    "Push",
    "PushLimit",
    "PushMove",
    "PushOverdue",
    "PushRule",
    "PushTransition",
    "Quarantined",
    "Receipt",
    "Reconciliation",
    "ReconciliationDifference",
    "ReconciliationLine",
    "Requirement",
    "RuleDepartment",
    "ServiceItem",
    "SpentToken",
    "StandIn",
    "StatusList",
    "Step",
    "StoredObject",
    "Upload",
]
