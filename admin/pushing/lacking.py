"""What a decided case lacks still and what has come for it, as the page 补齐材料 shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from admin.premises import here
from hub.deciding.brought import Brought, brought
from hub.department import Department
from hub.pushing.push import GONE, Push
from hub.pushing.take_back_late import unsent_files


@dataclass(frozen=True, slots=True)
class Lacking:
    """`held` waits for it, `went` went without it and says so; `late` has come and those who have the decision lack it.

    `unsent` are files that came after the decision and that nobody was sent: they may be taken back.
    """

    held: Sequence[Any]
    went: Sequence[Any]
    missing: Sequence[Mapping[str, Any]]
    late: Brought | None
    unsent: Sequence[Mapping[str, Any]]

    def of_kind(self, kind: str) -> list[Mapping[str, Any]]:
        """What is missing of this kind."""
        return [one for one in self.missing if one["kind"] == kind]

    @property
    def files(self) -> list[dict[str, Any]]:
        """What has come and was not sent: each file and reuse with its line."""
        back = {one["id"] for one in self.unsent}
        if self.late is None:
            return [{**one, "used": False, "back": True} for one in self.unsent]
        files = [
            {
                **one,
                "line": self.late.taken_for.get(str(one["id"]), ""),
                "used": one["get_type"] == "共享复用",
                "back": str(one["id"]) in back,
            }
            for one in self.late.materials
        ]
        without = [one for one in self.late.reused if one["source_kind"] != "material"]
        return files + [
            {"id": None, "material_name": one["source_name"], "line": one["requirement"], "used": True}
            for one in without
        ]


def lacking(tx: Connection, case_no: str) -> Lacking:
    """Read it; nothing is locked."""
    rows = tx.execute(
        select(Push.id, Push.state, Push.missing, Department.name)
        .join(Department, Department.code == Push.department)
        .where(Push.case_no == case_no, Push.missing.is_not(None), Push.state.not_in(GONE))
        .order_by(Department.name)
    ).all()
    desk = here().config.desk
    late = brought(tx, case_no, desk, lock=False)
    come = late.codes if late else frozenset()
    missing = {(one["kind"], one["code"], one["name"]): one for row in rows for one in row.missing}
    return Lacking(
        [row for row in rows if row.state == "held"],
        [row for row in rows if row.state != "held"],
        [one for one in missing.values() if one["kind"] != "material" or one["code"] not in come],
        late,
        unsent_files(tx, case_no, desk),
    )
