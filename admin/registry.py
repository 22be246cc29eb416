"""Every page of ours, in one list."""

from __future__ import annotations

from typing import Any

from admin.advice.view import AdviceView
from admin.board.view import BoardView
from admin.case_pages import CaseView
from admin.catalogue.exchange_pages import CatalogueView
from admin.catalogue.item_pages import ItemView
from admin.catalogue.pattern_pages import CodePatternView
from admin.catalogue.type_pages import MaterialTypeView
from admin.connecting.enrolment_pages import EnrolmentView
from admin.connecting.mapping.code_table_pages import ConnectorCodeTableView
from admin.connecting.mapping.exchange_pages import ConnectorExchangeView
from admin.connecting.mapping.version_pages import ConnectorVersionView
from admin.connecting.mapping.view import ConnectorMappingView
from admin.connecting.view import ConnectorView
from admin.decide_pages import DecideView
from admin.department_pages import DepartmentView
from admin.developing.view import DeveloperView
from admin.feedback.light_pages import LightRuleView
from admin.feedback.penalty_pages import PenaltyView
from admin.file_pages import FileView
from admin.finding_pages import FindingView
from admin.inbox.view import InboxNewsView, InboxView
from admin.ledger_pages import LedgerView, ProgramView
from admin.licensing.batches.batch_pages import LicenceBatchView
from admin.licensing.batches.taking_pages import LicenceFilesView
from admin.licensing.holder_notice_pages import HolderNoticeView
from admin.licensing.issue_pages import LicenceIssueView
from admin.licensing.licence_pages import LicenceView
from admin.licensing.life_pages import LicenceLifeView
from admin.licensing.proposal_pages import LicenceProposalView
from admin.licensing.rule_pages import LicenceRuleView
from admin.licensing.types.design_pages import LicenceDesignView
from admin.licensing.types.exchange_pages import LicenceExchangeView
from admin.licensing.types.type_pages import LicenceTypeView
from admin.noticing.alert_pages import AlertView
from admin.noticing.channel_pages import AlertChannelView
from admin.noticing.health_pages import HealthView
from admin.noticing.notice_pages import NoticeView
from admin.outbox_pages import OutboxView
from admin.parked_pages import ParkedView
from admin.party_pages import PartyView
from admin.pushing.coverage_pages import PushCoverageView
from admin.pushing.decision_pages import DecisionView
from admin.pushing.incomplete_pages import IncompletePushView
from admin.pushing.limit_pages import PushLimitView
from admin.pushing.push_pages import PushView
from admin.pushing.rule_pages import PushRuleView
from admin.pushing.trial_pages import PushTrialView
from admin.quarantine_pages import QuarantineView
from admin.reconciling.run_pages import ReconciliationView
from admin.sharing.grant_pages import GrantView
from admin.sharing.limit_pages import LimitView
from admin.sharing.objection_pages import ObjectionView
from admin.sharing.party_pages import PartyUsesView
from admin.sharing.statistics_pages import StatisticsView
from admin.sharing.use_pages import UseView
from admin.tracing.view import TraceView
from admin.upload_pages import UploadView
from admin.workbench.view import WorkbenchView

VIEWS = (
    AlertChannelView,
    AlertView,
    HealthView,
    ParkedView,
    AdviceView,
    BoardView,
    CaseView,
    CatalogueView,
    CodePatternView,
    ConnectorCodeTableView,
    ConnectorExchangeView,
    ConnectorMappingView,
    ConnectorVersionView,
    ConnectorView,
    EnrolmentView,
    DecideView,
    DecisionView,
    DepartmentView,
    DeveloperView,
    FileView,
    FindingView,
    LightRuleView,
    PenaltyView,
    GrantView,
    LimitView,
    ObjectionView,
    PartyUsesView,
    StatisticsView,
    UseView,
    HolderNoticeView,
    InboxNewsView,
    InboxView,
    ItemView,
    LedgerView,
    LicenceBatchView,
    LicenceFilesView,
    LicenceIssueView,
    LicenceLifeView,
    LicenceProposalView,
    LicenceRuleView,
    LicenceDesignView,
    LicenceExchangeView,
    LicenceTypeView,
    LicenceView,
    MaterialTypeView,
    NoticeView,
    OutboxView,
    PartyView,
    ProgramView,
    PushRuleView,
    PushTrialView,
    PushCoverageView,
    PushLimitView,
    IncompletePushView,
    PushView,
    QuarantineView,
    ReconciliationView,
    TraceView,
    UploadView,
    WorkbenchView,
)


def add_views(appbuilder: Any) -> None:
    """Add them; the side bar is a table of its own (`admin.navigation`)."""
    for view in VIEWS:
        appbuilder.add_view_no_menu(view)
