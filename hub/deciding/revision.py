"""DecisionRevision 更正与撤回: what became of a decision after it was pushed. Revision 1 is what was decided."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of


class DecisionRevision(Base):
    """One correction or withdrawal; both are facts of their own and never change."""

    __tablename__ = "decision_revisions"
    __table_args__ = (
        one_of("kind", ("corrected", "withdrawn")),
        CheckConstraint("revision > 1", name="after_the_first"),
        Index("ix_decision_revisions_listed", "listed_at", "case_no"),
    )

    decision_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("decisions.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    kind: Mapped[str]
    reason: Mapped[str]
    document_no: Mapped[str | None]  # of the document that corrects or withdraws, where there is one
    before: Mapped[dict[str, object]]  # the columns and elements that changed, as they were
    after: Mapped[dict[str, object]]
    actor: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    # Where a list has its decision, when the case came in: the database says so.
    case_no: Mapped[str]
    listed_at: Mapped[datetime]
