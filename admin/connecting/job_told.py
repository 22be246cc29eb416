"""What came out of a job, row by row, as a page or a file tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext

from admin.in_words import in_words
from schemas import dumps

SHOWN = 200


def said(value: Any) -> str:
    """Any value in one line."""
    if value is None:
        return ""
    if isinstance(value, Mapping | list):
        return dumps(value).decode()
    if isinstance(value, bool):
        return gettext("是") if value else gettext("否")
    return str(value)


def percent(job: Mapping[str, Any]) -> int:
    """How far it is, for a bar; 0 where it does not say."""
    steps = [one for one in job["steps"] or () if isinstance(one, Mapping) and one.get("of")]
    if not steps:
        return 0
    return min(100, int(100 * float(steps[-1].get("done") or 0) / float(steps[-1]["of"])))


def job_rows(job: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The rows of its result, at most SHOWN."""
    result = job["result"] or {}
    rows = result.get("rows") or [{"ref": "", "record": one} for one in result.get("records") or ()]
    flow = (job["params"] or {}).get("flow", "")
    return [{"flow": flow, **row} for row in rows[:SHOWN] if isinstance(row, Mapping)]


def compared(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row: what was expected and what was found, field by field; of a dry run, what was read and what came of it."""
    faults = [one for one in row.get("faults") or () if isinstance(one, Mapping)]
    if "same" in row:
        expected, found = _flat(row.get("expected")), _flat(row.get("found"))
        same = bool(row["same"])
        verdict = (
            gettext("一致")
            if same
            else gettext("没有找到")
            if row.get("found") is None
            else gettext("不一致")
        )
    else:
        expected = _flat(row.get("record"))
        mapped = row.get("message") or (row.get("mapped") or [None])[0]
        found = _flat(mapped)
        same = not faults
        verdict = "" if mapped is None and not faults else gettext("通过") if same else gettext("不通过")
    names = list(dict.fromkeys([*expected, *found]))
    return {
        "flow": row.get("flow", ""),
        "ref": row.get("ref", ""),
        "made_up_as": row.get("made_up_as", ""),
        "same": same,
        "verdict": verdict,
        "words": in_words(row.get("words") or "；".join(str(one.get("words", "")) for one in faults)),
        "faults": faults,
        "expected": expected,
        "found": found,
        "fields": [
            {
                "name": name,
                "expected": expected.get(name),
                "found": found.get(name),
                "same": expected.get(name) == found.get(name),
            }
            for name in names
        ],
    }


def _flat(value: Any, at: str = "") -> dict[str, Any]:
    """An object as paths and values; lists of objects by their number."""
    if isinstance(value, Mapping):
        out: dict[str, Any] = {}
        for key, one in value.items():
            out.update(_flat(one, f"{at}.{key}" if at else str(key)))
        return out
    if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        out = {}
        for number, one in enumerate(value):
            out.update(_flat(one, f"{at}[{number}]"))
        return out
    return {at: value} if at else {}
