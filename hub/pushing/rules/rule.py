"""PushRule 推送规则 with its RuleDepartments, and PushLimit 时限: which decision is owed to whom, what each sees, how soon.

One row is one version of a rule; a published one never changes but for how it ended (a trigger says so, too).
A push keeps the version by which it was made.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.catalogue.version import VERSION_STATES
from hub.department import Department
from hub.model import Base, one_of

#: What a package that lacks something required does: it goes, marked; or it is held until it is whole or let go.
INCOMPLETE = ("flag", "block")
#: The limits a push may have, in working days from the day of the decision: 签收, 认领, 首次监管计划, 反馈.
LIMITS = ("sign", "claim", "plan", "feedback")
MOST_DAYS = 250


def _sane(*names: str) -> tuple[CheckConstraint, ...]:
    return tuple(
        CheckConstraint(f"{name}_days BETWEEN 0 AND {MOST_DAYS}", name=f"{name}_days_sane") for name in names
    )


class PushRule(Base):
    """One version of a rule. An empty list matches everything; all conditions must hold."""

    __tablename__ = "push_rules"
    __table_args__ = (
        one_of("state", VERSION_STATES),
        one_of("incomplete", INCOMPLETE),
        UniqueConstraint("line", "number"),
        Index("uq_push_rules_draft", "line", unique=True, postgresql_where=text("state = 'draft'")),
        Index("uq_push_rules_published", "line", unique=True, postgresql_where=text("state = 'published'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    line: Mapped[uuid.UUID] = mapped_column(
        server_default=text("gen_random_uuid()")
    )  # the rule, whatever version
    number: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    state: Mapped[str] = mapped_column(server_default=text("'draft'"))
    name: Mapped[str]
    item_codes: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    area_prefixes: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    result_types: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    party_kinds: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    # Conditions on elements: {"name", "is": equals|one_of|contains|starts|present|absent|at_least|at_most, "value"}.
    elements: Mapped[list[dict[str, object]]] = mapped_column(server_default=text("'[]'"))
    incomplete: Mapped[str] = mapped_column(server_default=text("'flag'"))
    note: Mapped[str] = mapped_column(server_default=text("''"))
    created_by: Mapped[str] = mapped_column(server_default=text("'program:setup'"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None]

    departments: Mapped[list[RuleDepartment]] = relationship(back_populates="rule")

    def __str__(self) -> str:
        return self.name


class RuleDepartment(Base):
    """One department that a rule names: its limits, what it does not see, and which facts of others it hears of."""

    __tablename__ = "push_rule_departments"
    __table_args__ = _sane(*LIMITS)

    rule_id: Mapped[int] = mapped_column(ForeignKey("push_rules.id", ondelete="CASCADE"), primary_key=True)
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"), primary_key=True, index=True)
    # None: as PushLimit says. The shortest of all rules that name a department counts.
    sign_days: Mapped[int | None] = mapped_column(SmallInteger)
    claim_days: Mapped[int | None] = mapped_column(SmallInteger)
    plan_days: Mapped[int | None] = mapped_column(SmallInteger)
    feedback_days: Mapped[int | None] = mapped_column(SmallInteger)
    left_out: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'")
    )  # dotted paths of the package's data
    masked: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'")
    )  # the same, shown as far as may be shown
    hears: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'")
    )  # kinds of findings of other departments

    rule: Mapped[PushRule] = relationship(back_populates="departments")
    department_row: Mapped[Department] = relationship()


class PushLimit(Base):
    """A limit where a rule names none: of an item and a department, of either, or (both None) of the area."""

    __tablename__ = "push_limits"
    __table_args__ = (
        *_sane(*LIMITS),
        UniqueConstraint("item_code", "department", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    item_code: Mapped[str | None] = mapped_column(ForeignKey("service_items.code"))
    department: Mapped[str | None] = mapped_column(ForeignKey("departments.code"))
    sign_days: Mapped[int | None] = mapped_column(SmallInteger)
    claim_days: Mapped[int | None] = mapped_column(SmallInteger)
    plan_days: Mapped[int | None] = mapped_column(SmallInteger)
    feedback_days: Mapped[int | None] = mapped_column(SmallInteger)
