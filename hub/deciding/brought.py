"""Brought 补来: materials that came after the decision, of which those who have it do not know yet.

Guarantees: only what was missing or promised (容缺) when it was pushed; what was sent is not found again. Locked, the case
comes before its decision: two who look at the same moment find it one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hub.deciding.gathered import Gathered, gather, opened
from hub.deciding.told import Recipient, Standing, look
from hub.ports import Desk
from hub.pushing.completeness import Required, materials_missing, read_required, required
from hub.pushing.withhold import withhold_strictly
from hub.round_trips import ask

Row = Mapping[str, Any]
_LONGEST = 500  # characters of the files of one line, as the revision keeps them

_ITEM = """
SELECT c.item_code FROM cases c JOIN decisions d ON d.case_no = c.case_no
WHERE c.case_no = %(case_no)s AND d.withdrawn_at IS NULL
"""
_KEPT = """
SELECT DISTINCT r.name FROM deferrals f JOIN requirements r ON r.id = f.requirement_id
WHERE f.case_no = %(case_no)s AND f.settled_at IS NOT NULL AND f.settled_how <> 'cancelled'
"""


@dataclass(frozen=True, slots=True)
class Brought:
    """What came since: the lines it came for, and the rows of the package that a department is to have of it."""

    names: tuple[str, ...]  # of the lines
    lines: Mapping[str, str]  # path in the package -> what is there now, as it may be shown
    materials: Sequence[Row]
    reused: Sequence[Row]
    taken_for: Mapping[str, str]  # material id -> line
    codes: frozenset[str]  # of lines that were named as missing
    promised: frozenset[str]  # lines that may follow still
    waits: bool  # whether anything else may come
    departments: tuple[str, ...]  # who has the decision, by name

    def told(self) -> list[dict[str, Any]]:
        """As lines of what is missing are named."""
        return [{"kind": "material", "code": None, "name": name, "why": None} for name in self.names]

    def only_new(self, data: Mapping[str, Any], withheld: Collection[str]) -> dict[str, list[Row]]:
        """What of it a department may see, and does not have."""
        rows = {"materials": list(self.materials), "reused": list(self.reused)}
        seen = withhold_strictly(rows, withheld, self.taken_for)
        return {name: _unsent(seen[name], data.get(name, ())) for name in rows}


def brought(tx: Connection, case_no: str, desk: Desk, *, lock: bool = True) -> Brought | None:
    """What those who have the decision are still to get; None where there is nothing, nobody has it, or it is withdrawn."""
    (found,) = ask(tx, (_ITEM, {"case_no": case_no}))
    if not found:
        return None
    item_code = found[0][0]
    cases_open, versions, kept = ask(
        tx, opened([case_no], lock=lock), required([item_code], [case_no]), (_KEPT, {"case_no": case_no})
    )
    standing = look(tx, case_no, desk.clock(), lock=lock)
    if standing.decision.withdrawn_at is not None or not standing.told:
        return None
    gathered = gather(tx, cases_open, desk)[case_no]
    asked = read_required(versions).of(gathered.version_id, item_code) or Required()
    return _Late(standing, gathered, asked, [name for (name,) in kept]).brought()


@dataclass(slots=True)
class _Late:
    """What was sent, beside what is there now."""

    standing: Standing
    gathered: Gathered
    asked: Required
    kept: list[str]

    def brought(self) -> Brought | None:
        sent = [(to, to.data) for to in self.standing.told]
        missing = [one for _to, data in sent for one in (data.get("completeness") or {}).get("missing", ())]
        left = {code for code, _name in materials_missing(self.asked, self._files(), self.gathered.met)}
        listed = {code: name for _id, code, name in self.asked.materials}
        lacked = [one["code"] for one in missing if one["kind"] == "material" and one["code"] in listed]
        come = [code for code in dict.fromkeys(lacked) if code not in left]
        open_still = frozenset(str(one["material_name"]) for one in self.gathered.promised)
        promised = [str(row["material_name"]) for _to, data in sent for row in data.get("promised", ())]
        names = [listed[code] for code in come]
        names += [name for name in promised if name not in open_still]
        names += [name for name in self.kept if self._unsent(name, sent)]
        names = list(dict.fromkeys(names))
        if not names:
            return None
        rest = [one for one in missing if one["kind"] != "material" or one["code"] in left & listed.keys()]
        return Brought(
            tuple(names),
            {path: said for name in names for path, said in self._said(name)},
            [one for name in names for one in self._materials(name)],
            [one for one in self.gathered.reused if one["requirement"] in names],
            self.gathered.taken_for,
            frozenset(come),
            open_still,
            bool(rest or open_still),
            tuple(to.name for to, _data in sent),
        )

    def _files(self) -> list[Row]:
        """What the decision made itself came with it."""
        return [one for one in self.gathered.materials if one["get_type"] != "审批结果"]

    def _materials(self, name: str) -> list[Row]:
        taken_for = self.gathered.taken_for
        return [
            one for one in self._files()
            if taken_for.get(str(one["id"])) == name
            or (str(one["id"]) not in taken_for and name in str(one["material_name"]))
        ]  # fmt: skip

    def _unsent(self, name: str, sent: Sequence[tuple[Recipient, Row]]) -> bool:
        """Whether somebody has none of what a promise was kept with, and may see it."""
        rows = {
            "materials": self._materials(name),
            "reused": [one for one in self.gathered.reused if one["requirement"] == name],
        }
        for to, data in sent:
            seen = withhold_strictly(rows, to.withheld or (), self.gathered.taken_for)
            if any(_unsent(seen[part], data.get(part, ())) for part in rows):
                return True
        return False

    def _said(self, name: str) -> list[tuple[str, str]]:
        """The line's paths in a package, and what is there."""
        used = [str(one["source_name"]) for one in self.gathered.reused if one["requirement"] == name]
        files = [str(one["material_name"]) for one in self._materials(name) if one["get_type"] != "共享复用"]
        found = [(f"reused[{name}]", used)] if used else []
        if files or not used:
            found.append((f"materials[{name}]", files))
        return [(path, "、".join(there)[:_LONGEST]) for path, there in found]


def _unsent(rows: Sequence[Row], sent: Sequence[Row]) -> list[Row]:
    known = {str(one["id"]) for one in sent}
    return [one for one in rows if str(one["id"]) not in known]
