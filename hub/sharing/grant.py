"""Grant 共享授权: who may use which material type, licence type or result, for what, until when.

The life of a grant is TRANSITIONS; the clocks are those of 政务数据共享条例 (hub.sharing.limit). Whether a granted grant
counts on a day is `state = 'granted'` and the day within its period: it does not wait for a scheduler to expire.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.department import Department
from hub.model import Base, one_of

RESOURCE_KINDS = ("material", "licence", "result")
GRANT_STATES = ("applied", "reviewed", "granted", "refused", "cancelled", "expired", "withdrawn")

#: (state, act) -> state. `review` is 合规审查, `grant` and `refuse` are the provider's, `withdraw` takes a grant back.
TRANSITIONS: dict[tuple[str, str], str] = {
    ("applied", "review"): "reviewed",
    ("applied", "refuse"): "refused",
    ("applied", "cancel"): "cancelled",
    ("reviewed", "grant"): "granted",
    ("reviewed", "refuse"): "refused",
    ("reviewed", "cancel"): "cancelled",
    ("granted", "expire"): "expired",
    ("granted", "withdraw"): "withdrawn",
}


class Grant(Base):
    """One request for one resource by one department, and what became of it."""

    __tablename__ = "grants"
    __table_args__ = (
        one_of("resource_kind", RESOURCE_KINDS),
        one_of("state", GRANT_STATES),
        CheckConstraint("period_to >= period_from", name="period_sane"),
        CheckConstraint("state NOT IN ('refused', 'withdrawn') OR end_reason <> ''", name="end_has_reason"),
        # What the reuse engine asks: the grants of one department for some resources.
        Index(
            "ix_grants_using",
            "department",
            "resource_kind",
            "resource_code",
            postgresql_where=text("state = 'granted'"),
        ),
        # One open application of one department for one resource.
        Index(
            "uq_grants_open",
            "department",
            "resource_kind",
            "resource_code",
            unique=True,
            postgresql_where=text("state IN ('applied', 'reviewed')"),
        ),
        Index("ix_grants_applied_at", "applied_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    resource_kind: Mapped[str]
    resource_code: Mapped[str]  # of a material type, licence type or service item
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"))  # who uses
    provider: Mapped[str | None] = mapped_column(
        ForeignKey("departments.code")
    )  # who decides; None: data administrator
    sharing: Mapped[str]  # the attribute when it was applied for: it chooses the clock
    basis: Mapped[str]  # 使用依据
    scene: Mapped[str]  # 使用场景
    scope: Mapped[str]  # 使用范围
    item_codes: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'")
    )  # only for these items; empty: all
    fields: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # only these fields; empty: all
    period_from: Mapped[date]
    period_to: Mapped[date]
    state: Mapped[str] = mapped_column(server_default=text("'applied'"))
    applied_by: Mapped[str]
    applied_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    reply_by: Mapped[datetime]  # 答复时限
    reviewed_by: Mapped[str | None]
    reviewed_at: Mapped[datetime | None]
    review_note: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    share_by: Mapped[datetime | None]  # 共享到位时限, from the day it was granted
    ended_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str] = mapped_column(server_default=text("''"))

    department_row: Mapped[Department] = relationship(foreign_keys=[department])
    provider_row: Mapped[Department | None] = relationship(foreign_keys=[provider])
