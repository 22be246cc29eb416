"""One value as the text of a cell."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any


def cell_text(value: Any) -> str:
    """As a person would write it: truth as 是 and 否, no exponents, lists and mappings as JSON; nothing is empty."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case Decimal():
            return f"{value:f}"
        case float():
            return f"{Decimal(repr(value)):f}"
        case datetime() | date():
            return value.isoformat()
        case dict() | list() | tuple():
            return json.dumps(value, ensure_ascii=False, default=plain)
        case _:
            return str(value)


def plain(value: Any) -> Any:
    """What JSON does not know, as it is written there: numbers of money keep their digits as text."""
    return cell_text(value)
