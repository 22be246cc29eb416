"""Condition: one condition of a push rule on one element, and whether it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

#: How an element is compared -> how a person reads it.
WAYS = {
    "equals": "等于",
    "one_of": "是其中之一",
    "contains": "包含",
    "starts": "开头是",
    "present": "有内容",
    "absent": "没有内容",
    "at_least": "不小于",
    "at_most": "不大于",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """`name` is an element's column; `value` a text, or a list of texts for `one_of`. Dates compare as they are written."""

    name: str
    way: str
    value: Any = ""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Condition:
        """From how it is stored: {"name", "is", "value"}."""
        return cls(str(stored["name"]), str(stored["is"]), stored.get("value", ""))

    def stored(self) -> dict[str, Any]:
        """How it is stored."""
        return {"name": self.name, "is": self.way, "value": self.value}

    def holds(self, elements: Mapping[str, Any]) -> bool:
        """Whether it holds. What has no content is neither at least nor at most anything."""
        found = elements.get(self.name)
        text = "" if found is None else str(found).strip()
        match self.way:
            case "equals":
                return text == str(self.value)
            case "one_of":
                return text in {str(one) for one in self.value}
            case "contains":
                return str(self.value) in text
            case "starts":
                return text.startswith(str(self.value))
            case "present":
                return text != ""
            case "absent":
                return text == ""
            case "at_least" | "at_most":
                return _compares(text, str(self.value), self.way)
        return False


def _compares(text: str, value: str, way: str) -> bool:
    try:
        left, right = Decimal(text), Decimal(value)
    except InvalidOperation:
        return text != "" and (text >= value if way == "at_least" else text <= value)
    return left >= right if way == "at_least" else left <= right
