"""Case 办件, Step 环节, Decision 审批决定: one application through to what was decided."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.item import ServiceItem
from hub.model import Base, one_of
from hub.party import Party

STANDINGS = ("clear", "watch", "alert")  # what the departments' findings mean for the case
#: preparing: materials are being gathered at the window, nothing is promised yet. Decided is who has a Decision.
CASE_STATES = ("preparing", "accepted", "withdrawn")


class Case(Base):
    """One application. `case_no` is the 办件编号, and the key of every message about it."""

    __tablename__ = "cases"
    __table_args__ = (one_of("standing", STANDINGS), one_of("state", CASE_STATES))

    case_no: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    item_code: Mapped[str] = mapped_column(ForeignKey("service_items.code"), index=True)
    party_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("parties.id"), index=True)
    org_code: Mapped[str]
    org_name: Mapped[str]
    area_code: Mapped[str]
    applied_on: Mapped[date | None]
    accepted_on: Mapped[date | None]
    promised_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(server_default=text("'accepted'"))
    department: Mapped[str | None] = mapped_column(
        ForeignKey("departments.code")
    )  # who handles it; None: not known
    # The version of the item it started with and keeps; None: it did not come through the window.
    item_version_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("item_versions.id"))
    accepted_at: Mapped[datetime | None]
    taken_by: Mapped[str | None]  # the clerk, as the ledger names them
    standing: Mapped[str] = mapped_column(server_default=text("'clear'"))
    source: Mapped[str]  # 'sheet', 'window', 'api'
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"), index=True)

    party: Mapped[Party] = relationship()
    item: Mapped[ServiceItem] = relationship()

    def __str__(self) -> str:
        return self.case_no


class Step(Base):
    """One step of a case, GB/T 39046 table 7."""

    __tablename__ = "steps"

    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"), primary_key=True)
    seq: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    name: Mapped[str]
    action: Mapped[str]  # 业务动作: 通过, 退回, 其他
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    handled_by: Mapped[str | None]
    opinion: Mapped[str | None]
    org_code: Mapped[str | None]
    org_name: Mapped[str]

    case: Mapped[Case] = relationship()


class Decision(Base):
    """What was decided, once. One 决定文书号 of one authority is one decision."""

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("org_code", "document_no"),
        UniqueConstraint("case_no"),
        CheckConstraint("octet_length(content_hash) = 32", name="content_hash_sha256"),
        Index("ix_decisions_decided_on", "decided_on"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"))
    org_code: Mapped[str]
    document_no: Mapped[str]
    document_name: Mapped[str]
    decided_on: Mapped[date]
    result_type: Mapped[str]  # 办结结果: 0 出证办结 ...
    explanation: Mapped[str]
    elements: Mapped[dict[str, object]]  # every column, personal numbers masked
    content_hash: Mapped[bytes]
    decided_by: Mapped[str]
    revision: Mapped[int] = mapped_column(
        SmallInteger, server_default=text("1")
    )  # corrected or withdrawn: hub.deciding.revision
    withdrawn_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    case: Mapped[Case] = relationship()

    def __str__(self) -> str:
        return self.document_no
