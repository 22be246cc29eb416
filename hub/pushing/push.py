"""Push 推送 and Receipt 回执: one decision owed to one department, how far it is, and what that department said of it.

The state machine is the table TRANSITIONS; the database keeps the same table and holds every push to it. What moves a push:
receipts (each kept in `receipts`), findings (`findings.push_state` says where one moved it), and people or programs of the
hub (`push_moves`). They may arrive late, twice and in any order: what is no news leaves the state as it is.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.case import Case, Decision
from hub.department import Department
from hub.model import Base, one_of

#: held 待补齐: the package lacks what its item requires, and its rule says to wait.
STATES = (
    "held", "owed", "arrived", "signed", "claimed", "supervising", "answered", "closed",
    "returned", "reassigned", "recalled",
)  # fmt: skip
RECEIPT_KINDS = ("arrived", "signed", "claimed", "returned", "closed")
#: From which states nothing leads on by itself: no clock runs there.
SETTLED = ("closed", "reassigned", "recalled")
#: The department does not have it any more.
GONE = ("reassigned", "recalled")
#: What moves a push: statements of the department, facts it reports, and acts of the hub.
ACTS = (
    *RECEIPT_KINDS, "supervised", "answered",  # a plan, or a finding that is not dealt with yet; one that is
    "released", "reassigned", "insisted", "recalled", "reopened",
)  # fmt: skip

_BEFORE_CLAIM = ("owed", "arrived", "signed")
_OPEN = (*_BEFORE_CLAIM, "claimed", "supervising", "answered")
#: (from, act) -> to. Whether an owed push has left for the broker stands in its outbox row, not here.
TRANSITIONS: dict[tuple[str, str], str] = {
    ("held", "released"): "owed",
    ("owed", "arrived"): "arrived",
    **{(was, "signed"): "signed" for was in ("owed", "arrived")},
    **{(was, "claimed"): "claimed" for was in (*_BEFORE_CLAIM, "returned")},
    **{(was, "returned"): "returned" for was in (*_BEFORE_CLAIM, "claimed", "supervising")},
    **{
        (was, "supervised"): "supervising"
        for was in (*_BEFORE_CLAIM, "claimed", "answered", "closed", "returned")
    },
    **{
        (was, "answered"): "answered"
        for was in (*_BEFORE_CLAIM, "claimed", "supervising", "closed", "returned")
    },
    **{(was, "closed"): "closed" for was in _OPEN},
    ("returned", "reassigned"): "reassigned",
    ("returned", "insisted"): "signed",
    ("closed", "reopened"): "supervising",
    ("reassigned", "reopened"): "signed",  # who had it gave it back, too: it is theirs again
    **{(was, "recalled"): "recalled" for was in ("held", *_OPEN, "closed", "returned")},
}
#: As in the partial index, and as a query must say it.
RARE = "state IN ('held', 'returned', 'reassigned', 'recalled')"

#: What a list of decisions is narrowed to, if it holds for any of their pushes; literally as in the partial indexes.
NARROWED = {
    "unsigned": "state IN ('owed', 'arrived')",
    "returned": "state = 'returned'",
    "overdue": "overdue",
    "revision": "unsigned_revision",
}


def after(state: str, act: str) -> str:
    """The state once `act` is known; the same state where `act` is old news or makes no difference."""
    return TRANSITIONS.get((state, act), state)


class Push(Base):
    """One decision owed to one department."""

    __tablename__ = "pushes"
    __table_args__ = (
        one_of("state", STATES),
        UniqueConstraint("decision_id", "department"),
        CheckConstraint("(state = 'held') <= (missing IS NOT NULL)", name="held_for_something"),
        Index("ix_pushes_case_no", "case_no"),
        # The age of the oldest undelivered item of a department is asked for all the time.
        Index(
            "ix_pushes_undelivered",
            "department",
            "created_at",
            postgresql_where=text("state IN ('owed', 'arrived')"),
        ),
        # Lists: of all or of one department, newest first, of any state.
        Index("ix_pushes_created_at", "created_at", "id"),
        Index("ix_pushes_department", "department", "created_at", "id"),
        # Of one department those in a state that few are ever in; the others are near the top of its own list.
        Index("ix_pushes_rare", "department", "state", "created_at", "id", postgresql_where=text(RARE)),
        Index("ix_pushes_state", "state", "created_at", "id"),
        Index("ix_pushes_incomplete", "created_at", "id", postgresql_where=text("missing IS NOT NULL")),
        # What a list is narrowed to most, however many there are that have nothing the matter.
        Index("ix_pushes_waiting", "created_at", "id", postgresql_where=text(NARROWED["unsigned"])),
        Index("ix_pushes_overdue", "created_at", "id", postgresql_where=text("overdue")),
        Index("ix_pushes_unsigned_revision", "created_at", "id", postgresql_where=text("unsigned_revision")),
        Index("ix_pushes_due", "next_due_at", postgresql_where=text("next_due_at IS NOT NULL")),
        # Decisions that need somebody are found here in the order in which a list has decisions.
        *(
            Index(f"ix_pushes_listed_{name}", "listed_at", "case_no", postgresql_where=text(condition))
            for name, condition in NARROWED.items()
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    decision_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("decisions.id"))
    case_no: Mapped[str] = mapped_column(ForeignKey("cases.case_no"))
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"))
    rule_id: Mapped[int | None]
    event_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    package_sha256: Mapped[bytes]
    state: Mapped[str] = mapped_column(server_default=text("'owed'"))
    state_at: Mapped[datetime | None]  # when that happened which made it so, since it is supervised at all
    revision: Mapped[int] = mapped_column(
        SmallInteger, server_default=text("1")
    )  # of the decision, as last told
    # A correction or withdrawal waits to be signed for; a limit that passed is not made good. Kept with what they tell of.
    unsigned_revision: Mapped[bool] = mapped_column(server_default=text("false"))
    overdue: Mapped[bool] = mapped_column(server_default=text("false"))
    # What the package lacks of what its item requires: {"kind": material|step|element, "code", "name"}; None: nothing.
    missing: Mapped[list[dict[str, object]] | None]
    withheld: Mapped[list[str] | None]  # paths that this department does not see, or sees masked
    # Of a held push, sealed: what its package will be made of. Nothing is kept once it has been let go.
    held_package: Mapped[bytes | None]
    sign_by: Mapped[datetime | None]
    claim_by: Mapped[datetime | None]
    plan_by: Mapped[datetime | None]
    feedback_by: Mapped[datetime | None]
    next_due_at: Mapped[datetime | None]  # the earliest limit that is neither met nor noticed as missed
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    listed_at: Mapped[datetime]  # when its case came in; the database says so, and keeps it
    arrived_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]
    planned_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    returned_at: Mapped[datetime | None]
    returned_why: Mapped[str | None]
    recalled_at: Mapped[datetime | None]
    came_from: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pushes.id"))  # reassigned from
    findings: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    last_finding_at: Mapped[datetime | None]

    case: Mapped[Case] = relationship()
    decision: Mapped[Decision] = relationship()
    department_row: Mapped[Department] = relationship()

    def __str__(self) -> str:
        return f"{self.case_no} → {self.department}"


class PushTransition(Base):
    """TRANSITIONS, as the database knows them."""

    __tablename__ = "push_transitions"
    __table_args__ = (one_of("from_state", STATES), one_of("to_state", STATES), one_of("act", ACTS))

    from_state: Mapped[str] = mapped_column(primary_key=True)
    act: Mapped[str] = mapped_column(primary_key=True)
    to_state: Mapped[str]


class PushMove(Base):
    """What the hub itself did to a push: a person, or a program of its own. Receipts and findings stand in their tables."""

    __tablename__ = "push_moves"
    __table_args__ = (one_of("act", ACTS), Index("ix_push_moves_push", "push_id", "at"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    push_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pushes.id"))
    act: Mapped[str]
    from_state: Mapped[str]
    to_state: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    actor: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"))


class PushOverdue(Base):
    """A limit that passed: noticed once, ended when the department did it after all, or the push was settled."""

    __tablename__ = "push_overdues"
    __table_args__ = (
        one_of("what", ("sign", "claim", "plan", "feedback")),
        Index("ix_push_overdues_open", "what", "due_at", postgresql_where=text("ended_at IS NULL")),
    )

    push_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pushes.id"), primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    department: Mapped[str] = mapped_column(ForeignKey("departments.code"))
    due_at: Mapped[datetime]
    noticed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Receipt(Base):
    """One statement of a department about one push, with the bytes it signed."""

    __tablename__ = "receipts"
    __table_args__ = (
        one_of("kind", RECEIPT_KINDS),
        CheckConstraint("octet_length(envelope_sha256) = 32", name="sha256"),
    )

    push_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pushes.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str | None]
    reason: Mapped[str | None]
    kid: Mapped[str]
    envelope_sha256: Mapped[bytes]
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    push: Mapped[Push] = relationship()
