"""The code tables: what a code means, in Chinese.

Guarantees: each table is one JSON file under `codes/` that names its source and how far that source was checked;
a table read twice is the same. Does not guarantee: that a national list is complete; the file says what is known.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from schemas.encoding import loads


def code_table(name: str) -> dict[str, str]:
    """Code to Chinese name, in the order of the source; KeyError when there is no such table."""
    return dict(code_table_file(name)["codes"])


@cache
def code_table_file(name: str) -> dict[str, Any]:
    """The whole file: name, title, source, checked, codes. Not to be changed by the caller."""
    if name not in code_table_names():
        raise KeyError(name)
    document: dict[str, Any] = loads((files("schemas") / "codes" / f"{name}.json").read_bytes())
    return document


@cache
def code_table_names() -> tuple[str, ...]:
    """Names of all tables, sorted."""
    found = (entry.name for entry in (files("schemas") / "codes").iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))
