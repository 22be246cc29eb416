"""Sharing attribute 共享属性 of a catalogue entry: 无条件共享, 有条件共享, 不予共享 (政务数据共享条例 art. 15).

Conditional sharing lists its conditions, refused sharing its legal basis: an entry without them is not published.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

SHARING = ("unconditional", "conditional", "none")


def sharing_checks() -> tuple[CheckConstraint, ...]:
    """The CHECKs that belong to these columns."""
    listed = ", ".join(f"'{word}'" for word in SHARING)
    return (
        CheckConstraint(f"sharing IN ({listed})", name="sharing_known"),
        CheckConstraint(
            "sharing <> 'conditional' OR sharing_conditions <> ''", name="sharing_has_conditions"
        ),
        CheckConstraint("sharing <> 'none' OR sharing_basis <> ''", name="sharing_has_basis"),
    )


class Shared:
    """The columns, the same for material types, licence types and the results of items."""

    sharing: Mapped[str] = mapped_column(server_default=text("'conditional'"))
    sharing_conditions: Mapped[str] = mapped_column(server_default=text("'依职责办理政务服务事项所需'"))
    sharing_basis: Mapped[str] = mapped_column(server_default=text("''"))
