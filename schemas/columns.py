"""The column lists of the sheets that departments export.

Guarantees: each generation is one JSON file under `sheets/`, editable without touching code; required flags and
lengths are read from there and nowhere else. Does not guarantee: that they are those of your province; edit them.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from schemas.encoding import loads

PERMIT_GENERATIONS = ("2018", "2015")
PENALTY_GENERATIONS = ("2018", "province", "2015")


@cache
def permit_columns(generation: str) -> dict[str, Any]:
    """The whole file of one generation of 双公示 行政许可; KeyError when there is none. Not to be changed."""
    if generation not in PERMIT_GENERATIONS:
        raise KeyError(generation)
    document: dict[str, Any] = loads((files("schemas") / "sheets" / f"permit_{generation}.json").read_bytes())
    return document


@cache
def penalty_columns(generation: str) -> dict[str, Any]:
    """The whole file of one generation of 双公示 行政处罚; KeyError when there is none. Not to be changed."""
    if generation not in PENALTY_GENERATIONS:
        raise KeyError(generation)
    document: dict[str, Any] = loads(
        (files("schemas") / "sheets" / f"penalty_{generation}.json").read_bytes()
    )
    return document


@cache
def licence_columns() -> dict[str, Any]:
    """The columns in which electronic licences are exchanged: national names, pinyin names, Chinese. Not to be changed."""
    document: dict[str, Any] = loads((files("schemas") / "sheets" / "licence_exchange.json").read_bytes())
    return document
