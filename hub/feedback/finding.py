"""Finding 监管信息: a fact that comes back from a supervising department, and what it does.

What it does: the table of rules (licensing.findings.rule). Only the newest inspection of a department decides: an older
finding that arrives late is kept and shown, and changes nothing.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.case import Case
from hub.department import Department
from hub.model import Base, one_of

CHECK_RESULTS = ("1", "2", "3")  # 符合, 基本符合, 不符合
HANDLINGS = ("1", "2", "3")  # 通过, 限期整改, 移交执法
#: What a finding asks for, by the rules as they stood when it came; a proposal waits for a person.
LICENCE_EFFECTS = ("none", "lift", "warn", "freeze", "propose_freeze", "propose_revocation")


class Finding(Base):
    """One inspection's result as the department signed it."""

    __tablename__ = "findings"
    __table_args__ = (
        one_of("check_result", CHECK_RESULTS),
        one_of("handling", HANDLINGS),
        one_of("effect", LICENCE_EFFECTS),
        UniqueConstraint("department", "finding_no"),
        Index("ix_findings_case_no", "case_no"),
        Index("ix_findings_licence_department", "licence_id", "department", "inspected_at"),
        Index("ix_findings_received_at", "received_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"))
    finding_no: Mapped[str]
    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"))
    push_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pushes.id"))
    licence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("licences.id"))
    inspected_at: Mapped[datetime]
    inspectors: Mapped[dict[str, object]]  # {"list": [{"name", "certificate_no"}]}
    check_result: Mapped[str]
    handling: Mapped[str]
    rectify_by: Mapped[date | None]
    explanation: Mapped[str | None]
    publicity: Mapped[str | None]
    effect: Mapped[str]
    effect_applied: Mapped[bool]  # false: a newer inspection of this department had already spoken
    kid: Mapped[str]
    envelope_sha256: Mapped[bytes]
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    case: Mapped[Case] = relationship()
    department_row: Mapped[Department] = relationship()

    def __str__(self) -> str:
        return f"{self.department} {self.finding_no}"
