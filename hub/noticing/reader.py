"""Reader: one who is shown notices, and which - by role, by department, by the items they chose.

Guarantees: a notice is for a reader when its audience is one of theirs, and it names no department or theirs (who belongs
to no department sees all), and it names no item or one they chose (who chose none sees all). `sees` and `shown_to` say the
same, of a row in hand and to the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, true

from hub.noticing.notice import Notice


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody with roles; `department` None: of the whole area; no `items`: of every item."""

    audiences: frozenset[str]
    department: str | None = None
    items: frozenset[str] = frozenset()

    def sees(self, notice: Any) -> bool:
        """Whether a notice, as a row, is for this reader."""
        return (
            notice.audience in self.audiences
            and (notice.department is None or self.department in (None, notice.department))
            and (notice.item_code is None or not self.items or notice.item_code in self.items)
        )

    def shown_to(self) -> ColumnElement[bool]:
        """The same as a condition."""
        department: ColumnElement[bool] = true()
        items: ColumnElement[bool] = true()
        if self.department is not None:
            department = Notice.department.is_(None) | (Notice.department == self.department)
        if self.items:
            items = Notice.item_code.is_(None) | Notice.item_code.in_(sorted(self.items))
        return and_(Notice.audience.in_(sorted(self.audiences)), department, items)
