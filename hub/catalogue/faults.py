"""Fault: one thing that is wrong, and where. A page marks the line and the box; a list of them is one refusal.

Guarantees: `Faulty.message` says every fault in one sentence each (the first few, and how many more).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.errors import Rejected

SAID = 8
_PARTS = {
    "lines": "材料清单",
    "form": "申请表字段",
    "fields": "字段",
    "steps": "特殊环节",
    "must_steps": "推送须有的环节",
    "must_elements": "推送须有的要素",
    "conditions": "条件",
    "departments": "接收部门",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one box. `line` counts from 1; 0 is the whole form."""

    part: str  # header, lines, form, fields, steps, elements, conditions, departments, rules, layout
    line: int
    field: str
    sentence: str

    @property
    def place(self) -> str:
        """Where, in words."""
        if not self.line or self.part == "layout":  # of a layout the sentence names the element
            return ""
        return f"{_PARTS.get(self.part, '')}第 {self.line} 行："


class Faulty(Rejected):
    """内容不符合要求。请按提示逐行改正后重新提交。"""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        said = [f"{fault.place}{fault.sentence}" for fault in self.faults[:SAID]]
        if len(self.faults) > SAID:
            said.append(f"另有 {len(self.faults) - SAID} 处问题。")
        super().__init__("".join(said))


def refuse(faults: Sequence[Fault]) -> None:
    """Raise them, if there are any."""
    if faults:
        raise Faulty(faults)
