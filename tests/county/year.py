"""The year: what happens in which week, to which decision, by whom. Seeded; the same seed tells the same story."""

from __future__ import annotations

import heapq
import itertools
import random
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from tests.county.bodies import BODIES, at_local
from tests.county.voices import Voice

ENFORCING = "zhzf"


@dataclass(frozen=True, slots=True)
class Owed:
    """A push as its department sees it."""

    push_id: uuid.UUID
    event_id: uuid.UUID
    case_no: str
    department: str
    item_code: str
    licence: str | None
    decided_on: date


@dataclass
class Story:
    """Turns pushes into what departments will say, week by week; and counts what was said."""

    voices: Mapping[str, Voice]
    seed: int = 2026
    said: Counter[str] = field(default_factory=Counter)
    numbers: list[str] = field(default_factory=list)  # of facts, in the order in which they were said
    returned: list[Owed] = field(default_factory=list)  # wait for the data administrator
    recalled: set[str] = field(
        default_factory=set
    )  # cases whose decision was withdrawn: nobody goes on with them
    _todo: list[tuple[int, int, Owed, Callable[[date], None]]] = field(default_factory=list)
    _order: Any = field(default_factory=itertools.count)

    def begin(self, week: int, owed: Owed) -> None:
        """A push that was signed for in this week."""
        if owed.department not in self.voices:
            return  # speaks for itself
        chance = random.Random(f"{self.seed}|{owed.case_no[-14:]}|{owed.department}")
        if chance.random() < 0.02 and owed.department != ENFORCING:
            self._at(week, owed, lambda day: self._give_back(owed, day))
            return
        late = chance.random() < 0.05
        self._at(week + late, owed, lambda day: self._claim(owed, day, late=late))
        if chance.random() < 0.3:
            self._at(week + late + 1, owed, lambda day: self._plan(owed, day))
        if chance.random() < 0.55:
            self._at(week + 1 + chance.randrange(1, 8), owed, lambda day: self._inspect(owed, day, chance))

    def act(self, week: int, friday: date) -> None:
        """Whatever is due by now is said; then everything that waits leaves."""
        while self._todo and self._todo[0][0] <= week:
            _, _, owed, say = heapq.heappop(self._todo)
            if owed.case_no not in self.recalled:
                say(friday)
        for voice in self.voices.values():
            voice.flush()

    def insisted(self, week: int, owed: Owed) -> None:
        """A department that gave a push back was told that it is its own: it claims it."""
        self._at(week, owed, lambda day: self._claim(owed, day, late=True))

    @property
    def waiting(self) -> int:
        """How much is still to come."""
        return len(self._todo)

    def _at(self, week: int, owed: Owed, what: Callable[[date], None]) -> None:
        heapq.heappush(self._todo, (week, next(self._order), owed, what))

    def _week(self, day: date) -> int:
        return (day - date(2026, 1, 1)).days // 7

    def _claim(self, owed: Owed, day: date, *, late: bool) -> None:
        at = at_local(day if late else owed.decided_on, 15)
        self.voices[owed.department].claim(str(owed.event_id), "示例丙", at)
        self.said["claimed"] += 1

    def _give_back(self, owed: Owed, day: date) -> None:
        self.voices[owed.department].give_back(str(owed.event_id), "不属于本部门职责", at_local(day, 10))
        self.said["returned"] += 1
        self.returned.append(owed)

    def _fact(
        self, owed: Owed, kind: str, number: str, fields: dict[str, Any], *, name: str = "fact_no"
    ) -> None:
        self.voices[owed.department].fact(kind, {name: number, "project_no": owed.case_no, **fields})
        self.said[kind] += 1
        self.numbers.append(number)

    def _plan(self, owed: Owed, day: date) -> None:
        fields = {
            "plan_name": f"{BODIES[owed.department][0]}年度检查",
            "starts_on": day.isoformat(),
            "way": "daily",
        }
        self._fact(owed, "plan", f"JH-{owed.case_no}-{owed.department}", fields)

    def _inspect(self, owed: Owed, day: date, chance: random.Random) -> None:
        number, roll = f"JC-{owed.case_no}-{owed.department}", chance.random()
        result, handling = ("1", "1") if roll < 0.85 else ("2", "2") if roll < 0.95 else ("3", "3")
        fields = {
            "inspected_at": at_local(day, 11).isoformat(),
            "inspectors": "示例丁(99010100001)、示例戊(99010100002)",
            "check_result": result,
            "handling": handling,
            "explain": "符合要求" if result == "1" else "标识不清",
        }
        if handling == "3" and owed.department != ENFORCING:
            fields["transfer_to"] = ENFORCING
        if handling == "2":
            fields["rectify_by"] = (day + timedelta(days=14)).isoformat()
        self._fact(owed, "finding", number, fields, name="finding_no")
        week = self._week(day)
        if handling == "2":
            self._at(week + 2, owed, lambda then: self._rectify(owed, number, 1, then, chance))
        elif handling == "1":
            self._at(week + 2, owed, lambda then: self._close(owed, then))
        else:
            self._at(week + 3, owed, lambda then: self._punish(owed, number, then, chance))
        if chance.random() < 0.01:
            self._at(week + 1, owed, lambda then: self._withdraw(owed, number, then))

    def _rectify(self, owed: Owed, about: str, turn: int, day: date, chance: random.Random) -> None:
        good = chance.random() < 0.8
        result = "1" if good else "2" if turn < 3 else "3"
        fields: dict[str, Any] = {
            "finding_no": about,
            "round": turn,
            "checked_at": at_local(day, 14).isoformat(),
            "result": result,
            "explain": "已改正" if good else "没有改正",
        }
        if result == "3" and owed.department != ENFORCING:
            fields["transfer_to"] = ENFORCING
        self._fact(owed, "rectification", f"ZG-{owed.case_no}-{owed.department}-{turn}", fields)
        if result == "2":
            self._at(
                self._week(day) + 2, owed, lambda then: self._rectify(owed, about, turn + 1, then, chance)
            )
        elif result == "1":
            self._at(self._week(day) + 1, owed, lambda then: self._close(owed, then))
        else:
            self._at(self._week(day) + 3, owed, lambda then: self._punish(owed, about, then, chance))

    def _punish(self, owed: Owed, about: str, day: date, chance: random.Random) -> None:
        """What was handed over is decided by the enforcing department."""
        fine = chance.choice((2_000, 5_000, 10_000, 50_000))
        fields = {
            "finding_no": about,
            "finding_department": owed.department,
            "decided_on": day.isoformat(),
            "result": "1",
            "document_no": f"示综执罚〔2026〕{owed.case_no[-6:]}{owed.department}号",
            "illegal_fact": "标识不清，逾期未改",
            "content": f"罚款 {fine} 元",
            "fine_wan": fine / 10_000,
        }
        self._fact(
            replace(owed, department=ENFORCING), "enforcement", f"CF-{owed.case_no}-{owed.department}", fields
        )
        self.said["fine_fen"] += fine * 100

    def _withdraw(self, owed: Owed, about: str, day: date) -> None:
        fields = {"withdraws": about, "at": at_local(day, 16).isoformat(), "reason": "检查对象有误"}
        self._fact(owed, "withdrawal", f"CX-{owed.case_no}-{owed.department}", fields)

    def _close(self, owed: Owed, day: date) -> None:
        self.voices[owed.department].close(str(owed.event_id), "示例丙", at_local(day, 17))
        self.said["closed"] += 1
