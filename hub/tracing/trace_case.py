"""The decision's side of a trace: steps, what was decided, how it was corrected or withdrawn, and who read which file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hub.case import Decision, Step
from hub.deciding.revision import DecisionRevision
from hub.tracing.gathering import Answer, Family, Gathering, columns, mapped
from hub.tracing.phrase import phrase
from hub.tracing.trace_line import TraceLine
from schemas import code_table

_STEPS = f"SELECT {columns(Step, 's')} FROM steps s WHERE s.case_no = %(case_no)s ORDER BY s.seq"  # noqa: S608
DECISIONS = f"SELECT {columns(Decision, 'd')} FROM decisions d WHERE d.case_no = %(case_no)s"  # noqa: S608
REVISIONS = f"""
SELECT {columns(DecisionRevision, "r")} FROM decision_revisions r JOIN decisions d ON d.id = r.decision_id
WHERE d.case_no = %(case_no)s ORDER BY r.revision
"""  # noqa: S608
#: A confined viewer sees the reads of the own department and of the own user.
_READS = """
SELECT f.at, f.reader, f.stated_use, m.name FROM file_reads f JOIN materials m ON m.id = f.material_id
WHERE m.case_no = %(case_no)s
  AND (%(only)s::text IS NULL OR f.reader IN ('department:' || %(only)s, %(actor)s::text)) ORDER BY f.at, f.reader
"""


def _lines(
    found: Gathering, steps: Answer, decisions: Answer, revisions: Answer, reads: Answer
) -> Iterator[TraceLine]:
    for row in mapped(Step, steps):
        if found.hides("steps", None, row["name"]):
            continue
        hidden = found.hides("steps", "handle_explain", row["name"])
        said = row["action"] if hidden else row["opinion"] or row["action"]
        ended = ((phrase("办结时间"), row["ended_at"]),) if row["ended_at"] else ()
        who = (
            ((phrase("办理人"), row["handled_by"]),)
            if row["handled_by"] and not found.hides("steps", "handle_user_name", row["name"])
            else ()
        )
        yield TraceLine(
            row["started_at"],
            "step",
            phrase("环节：%(name)s", name=row["name"]),
            said,
            by=row["org_name"],
            more=who + ended,
        )
    for row in mapped(Decision, decisions):
        result = phrase(code_table("result_type").get(row["result_type"], row["result_type"]))
        document = {"name": row["document_name"], "no": row["document_no"]}
        said = phrase("%(name)s %(no)s：%(result)s", **document, result=result)
        more = (
            (phrase("决定日期"), row["decided_on"].isoformat()),
            (phrase("内容摘要"), bytes(row["content_hash"]).hex()),
        )
        yield TraceLine(
            row["created_at"], "decision", phrase("决定入库"), said, "good", row["decided_by"], more=more
        )
    for row in mapped(DecisionRevision, revisions):
        yield _revised(found, row)
    for at, reader, use, name in reads:
        yield TraceLine(
            at, "read", phrase("调阅材料：%(name)s", name=name), phrase("用途：%(use)s", use=use), by=reader
        )


#: Columns of a decision, as a package names them.
_COLUMNS = {
    "document_name": ("result", "result_cetr_name"),
    "decided_on": ("result", "result_date"),
    "result_type": ("result", "result_type"),
    "explanation": ("result", "result_explain"),
}


def _revised(found: Gathering, row: dict[str, Any]) -> TraceLine:
    withdrawn = row["kind"] == "withdrawn"
    changed = tuple(
        (phrase("%(name)s（原为）", name=name), str(value)) for name, value in _seen(found, row["before"])
    )
    now = tuple(
        (phrase("%(name)s（改为）", name=name), str(value)) for name, value in _seen(found, row["after"])
    )
    paper = ((phrase("文书号"), row["document_no"]),) if row["document_no"] else ()
    return TraceLine(
        row["at"],
        "decision",
        phrase("决定被撤回") if withdrawn else phrase("决定更正（第 %(n)s 版）", n=str(row["revision"])),
        row["reason"],
        "alert" if withdrawn else "warning",
        row["actor"],
        more=paper + changed + now,
    )


def _seen(found: Gathering, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        section, _, row = name.removesuffix("]").partition("[")
        if row:  # a step or a line of the list
            hidden = found.hides_reuse(row) if section == "reused" else found.hides(section, None, row)
        else:
            section, key = _COLUMNS.get(name, ("elements", name.removeprefix("elements.")))
            hidden = found.hides(section, key)
        if not hidden:
            yield name, value


FAMILY = Family((_STEPS, DECISIONS, REVISIONS, _READS), _lines)
