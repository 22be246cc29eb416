"""Citizen numbers in facts: masked wherever they stand, since a fact is shown, forwarded and kept readable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hub.identifiers import citizen_number_fault
from hub.pushing.withhold import masked_text

_CITIZEN = re.compile(r"(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])")


def without_numbers(value: Any) -> Any:
    """A copy, every citizen number masked.

    >>> without_numbers({"CF_XDR_ZJHM": "990101199001010019"})
    {'CF_XDR_ZJHM': '990101********0019'}
    """
    if isinstance(value, str):
        return _CITIZEN.sub(_star, value) if len(value) >= 18 else value
    if isinstance(value, Mapping):
        return {name: without_numbers(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_numbers(one) for one in value]
    return value


def _star(found: re.Match[str]) -> str:
    number = found[0].upper()
    return masked_text(found[0]) if citizen_number_fault(number) is None else found[0]
