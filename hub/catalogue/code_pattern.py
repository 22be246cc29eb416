"""CodePattern 编码规则: which shapes of item codes are accepted. A table, because every province has its own."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Identity, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.model import Base, one_of

CODE_KINDS = ("catalog_code", "task_code", "handle_item_code", "local_catalog_code", "local_task_code")


class CodePattern(Base):
    """One accepted shape. A code of a kind that has active patterns must match one of them."""

    __tablename__ = "code_patterns"
    __table_args__ = (
        one_of("kind", CODE_KINDS),
        CheckConstraint("length(pattern) BETWEEN 1 AND 200", name="pattern_short"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    pattern: Mapped[str]  # a regular expression over the whole code
    example: Mapped[str]
    source: Mapped[str]  # the standard or rule it follows
    seq: Mapped[int] = mapped_column(SmallInteger, server_default=text("100"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))

    def __str__(self) -> str:
        return self.name
