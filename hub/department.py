"""Departments 部门, their keys, and the topics that keep them apart."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.model import Base, one_of

ROLES = ("approving", "supervising", "enforcing")
#: How a department is joined. It may change at any time: its place is what it has signed for, not where it read it.
#: hosted: the hub's own connector host speaks to its system and signs for it.
CHANNELS = ("kafka", "rest", "web", "hosted")


class Department(Base):
    """A body of the area with a USCC; it approves, supervises or enforces."""

    __tablename__ = "departments"
    __table_args__ = (
        CheckConstraint("code ~ '^[a-z][a-z0-9-]{1,30}$'", name="code_form"),
        CheckConstraint("roles <@ ARRAY['approving','supervising','enforcing']", name="roles_known"),
        one_of("channel", CHANNELS),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    uscc: Mapped[str | None]
    roles: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    contact: Mapped[str | None]
    channel: Mapped[str] = mapped_column(server_default=text("'kafka'"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    keys: Mapped[list[DepartmentKey]] = relationship(back_populates="department_row")

    def __str__(self) -> str:
        return self.name


class DepartmentKey(Base):
    """One public key of a department. Old keys stay, so that old messages can be verified for ever."""

    __tablename__ = "department_keys"
    __table_args__ = (
        one_of("custody", ("department", "hub")),
        CheckConstraint("(custody = 'hub') = (sealed_key IS NOT NULL)", name="custody_has_key"),
    )

    kid: Mapped[str] = mapped_column(primary_key=True)
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"), index=True)
    public_pem: Mapped[str]
    # Of a department without a system the hub keeps the key, sealed, and signs what its signed-in users state.
    custody: Mapped[str] = mapped_column(server_default=text("'department'"))
    sealed_key: Mapped[bytes | None]
    valid_from: Mapped[datetime] = mapped_column(server_default=text("now()"))
    valid_to: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_why: Mapped[str | None]
    certificate: Mapped[str | None]  # PEM, issued by the hub's authority at enrolment

    department_row: Mapped[Department] = relationship(back_populates="keys")

    def __str__(self) -> str:
        return self.kid


def topic_in(area: str, department: str) -> str:
    """The topic that carries packages to a department."""
    return f"{area}.{department}.in"


def topic_out(area: str, department: str) -> str:
    """The topic on which a department answers."""
    return f"{area}.{department}.out"


def source_of(area: str, department: str) -> str:
    """The CloudEvents `source` of a department (or of `hub`)."""
    return f"/{area}/{department}"
