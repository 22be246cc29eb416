"""Finding 监管信息: a fact that comes back from a department - a plan, an inspection, a rectification, an enforcement, a
credit entry, or the withdrawal of one of these - and what it does.

What it does: the tables of rules (licensing.findings.rule, feedback.light). Only the newest of a department that stands
decides: an older finding that arrives late is kept and shown, and changes nothing. A correction is a finding of its own that
names the one it corrects; that one stands no longer. Money is in 分.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.case import Case
from hub.department import Department
from hub.model import Base, one_of

#: 监管计划, 检查, 整改, 执法结果, 信用记录, 撤销先前所报.
KINDS = ("plan", "inspection", "rectification", "enforcement", "credit", "withdrawal")
STANDINGS = ("standing", "corrected", "withdrawn")
CHECK_RESULTS = ("1", "2", "3")  # 符合, 基本符合, 不符合
HANDLINGS = ("1", "2", "3")  # 通过, 限期整改, 移交执法
#: What a finding asks for, by the rules as they stood when it came; a proposal waits for a person.
LICENCE_EFFECTS = ("none", "lift", "warn", "freeze", "propose_freeze", "propose_revocation")


class Finding(Base):
    """One fact as the department signed it."""

    __tablename__ = "findings"
    __table_args__ = (
        one_of("kind", KINDS),
        one_of("standing", STANDINGS),
        CheckConstraint(
            "kind <> 'inspection' OR check_result IS NOT NULL AND handling IS NOT NULL",
            name="inspection_results",
        ),
        CheckConstraint(
            "(kind IN ('withdrawal', 'rectification')) <= (about_id IS NOT NULL)", name="about_something"
        ),
        CheckConstraint("fine_fen >= 0 AND confiscated_fen >= 0", name="money_sane"),
        one_of("check_result", CHECK_RESULTS),
        one_of("handling", HANDLINGS),
        one_of("effect", LICENCE_EFFECTS),
        UniqueConstraint("department", "finding_no"),
        Index("ix_findings_case_no", "case_no"),
        Index("ix_findings_licence_department", "licence_id", "department", "happened_at"),
        Index("ix_findings_about", "about_id", postgresql_where=text("about_id IS NOT NULL")),
        Index("ix_findings_push", "push_id"),
        Index("ix_findings_received_at", "received_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"))
    finding_no: Mapped[str]
    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"))
    push_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pushes.id"))
    licence_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("licences.id"))
    kind: Mapped[str] = mapped_column(server_default=text("'inspection'"))
    happened_at: Mapped[datetime]  # inspected, put right, decided, planned to begin
    inspectors: Mapped[dict[str, object]]  # {"list": [{"name", "certificate_no"}]}
    check_result: Mapped[str | None]  # 检查结果, of an inspection
    handling: Mapped[str | None]  # 处理结果, of an inspection
    result: Mapped[str | None]  # 整改结果 or 执法结果; of a credit entry its kind
    round: Mapped[int | None] = mapped_column(SmallInteger)  # 第 n 次整改
    about_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("findings.id")
    )  # what is put right, punished, withdrawn
    corrects_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("findings.id"))
    # The first inspection of what this goes on with: corrections, rectifications and penalties of it share its chain. None:
    # it begins one.
    chain_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("findings.id"))
    standing: Mapped[str] = mapped_column(server_default=text("'standing'"))
    document_no: Mapped[str | None]  # 行政处罚决定书文号
    fine_fen: Mapped[int | None] = mapped_column(BigInteger)
    confiscated_fen: Mapped[int | None] = mapped_column(BigInteger)
    details: Mapped[dict[str, object]] = mapped_column(
        server_default=text("'{}'")
    )  # the rest, by the message's names
    push_state: Mapped[str | None]  # where it moved its push, if it did
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
