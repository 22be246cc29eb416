"""The part of a trace that happened at the window: acceptance, reuse both ways, consent, promises, what befell a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hub.reuse.consent import WAYS, Consent
from hub.reuse.deferral import Deferral
from hub.reuse.material_use import MaterialUse
from hub.tracing.gathering import Answer, Family, Gathering, columns, mapped
from hub.tracing.phrase import listed, phrase
from hub.tracing.trace_line import TraceLine

_COLUMNS = columns(MaterialUse, "u")
#: What this case used; and, not withdrawn, what others used of what it brought in - a confined viewer, the own ones.
USES = f"""
SELECT {_COLUMNS}, r.name AS requirement, coalesce(m.case_no, l.case_no, d.case_no) AS source_case, c.way, c.given_by
FROM material_uses u JOIN requirements r ON r.id = u.requirement_id
LEFT JOIN materials m ON m.id = u.material_id LEFT JOIN licences l ON l.id = u.licence_id
LEFT JOIN decisions d ON d.id = u.decision_id LEFT JOIN consents c ON c.id = u.consent_id
WHERE u.case_no = %(case_no)s
UNION ALL
SELECT {_COLUMNS}, r.name, coalesce(m.case_no, l.case_no, d.case_no), NULL, NULL
FROM material_uses u JOIN requirements r ON r.id = u.requirement_id
LEFT JOIN materials m ON m.id = u.material_id LEFT JOIN licences l ON l.id = u.licence_id
LEFT JOIN decisions d ON d.id = u.decision_id
WHERE u.case_no <> %(case_no)s AND u.withdrawn_at IS NULL AND (%(only)s::text IS NULL OR u.department = %(only)s)
  AND (u.material_id IN (SELECT id FROM materials WHERE case_no = %(case_no)s)
    OR u.licence_id IN (SELECT id FROM licences WHERE case_no = %(case_no)s)
    OR u.decision_id IN (SELECT id FROM decisions WHERE case_no = %(case_no)s))
ORDER BY used_at, id
"""  # noqa: S608
PROMISES = f"""
SELECT {columns(Deferral, "f")}, r.name FROM deferrals f JOIN requirements r ON r.id = f.requirement_id
WHERE f.case_no = %(case_no)s ORDER BY f.recorded_at, f.id
"""  # noqa: S608
_CONSENTS = (
    f"SELECT {columns(Consent, 'c')} FROM consents c WHERE c.case_no = %(case_no)s ORDER BY c.given_at, c.id"  # noqa: S608
)

BEFELL = {
    "expired": phrase("已过有效期"),
    "revoked": phrase("已被撤销"),
    "frozen": phrase("已被冻结（暂扣）"),
    "corrected": phrase("已被更正"),
}


def _lines(found: Gathering, uses: Answer, promises: Answer, consents: Answer) -> Iterator[TraceLine]:
    case = found.case
    if case["accepted_at"]:
        promised = case["promised_on"]
        until = phrase("承诺 %(day)s 前办结", day=str(promised)) if promised else phrase("当场办结")
        yield TraceLine(case["accepted_at"], "step", phrase("窗口受理"), until, "good", case["taken_by"])
    for row in mapped(Consent, consents):
        said = phrase("%(who)s，%(way)s", who=row["given_by"], way=phrase(WAYS[row["way"]]))
        yield TraceLine(
            row["given_at"], "consent", phrase("申请人同意复用"), said, "good", row["recorded_by"]
        )
        if row["withdrawn_at"]:
            yield TraceLine(
                row["withdrawn_at"],
                "consent",
                phrase("申请人撤回同意"),
                row["withdrawn_why"] or "",
                "warning",
                row["withdrawn_by"],
            )
    for use in uses_of(found, uses):
        yield from _use(use, case["case_no"], found.names)
    for promise in promises_of(found, promises):
        day = str(promise["promised_until"])
        detail = phrase("%(who)s承诺 %(day)s 前补交", who=promise["promised_by"], day=day)
        by = promise["recorded_by"]
        yield TraceLine(
            promise["recorded_at"],
            "promise",
            phrase("容缺：%(name)s", name=promise["requirement"]),
            detail,
            by=by,
        )
        if promise["settled_at"]:
            of = {"name": promise["requirement"]}
            cancelled = promise["settled_how"] == "cancelled"
            ended = phrase("容缺取消：%(name)s", **of) if cancelled else phrase("容缺补齐：%(name)s", **of)
            yield TraceLine(promise["settled_at"], "promise", ended, "", "good")


def uses_of(found: Gathering, rows: Answer) -> list[dict[str, Any]]:
    """Every use by this case and, not withdrawn, of what this case brought in; with `requirement` and `source_case`.

    Not what was withheld from the viewer's department: a file that was reused for a line goes with the line's own.
    """
    uses = mapped(MaterialUse, rows, "requirement", "source_case", "way", "given_by")
    own = found.case["case_no"]
    return [one for one in uses if one["case_no"] != own or not found.hides_reuse(one["requirement"])]


def promises_of(found: Gathering, rows: Answer) -> list[dict[str, Any]]:
    """Every promise on this case, with `requirement`; not what was withheld from the viewer's department."""
    promises = mapped(Deferral, rows, "requirement")
    return [one for one in promises if not found.hides("promised", None, one["requirement"])]


def _use(use: Mapping[str, Any], case_no: str, names: Mapping[str, str]) -> Iterator[TraceLine]:
    if use["case_no"] != case_no:
        by = names.get(use["department"] or "", "")
        of = {"by": by, "no": use["case_no"], "use": use["purpose"]}
        detail: str = phrase("%(by)s办件 %(no)s，用途：%(use)s", **of)
        yield TraceLine(
            use["used_at"],
            "reuse",
            phrase("被复用：%(name)s", name=use["source_name"]),
            detail,
            by=use["used_by"],
        )
        return
    detail = _grounds(use, names.get(use["provider"] or "", ""))
    yield TraceLine(
        use["used_at"],
        "reuse",
        phrase("复用：%(name)s", name=use["source_name"]),
        detail,
        "good",
        use["used_by"],
    )
    if use["withdrawn_at"]:
        yield TraceLine(
            use["withdrawn_at"],
            "reuse",
            phrase("撤销复用：%(name)s", name=use["source_name"]),
            "",
            "warning",
            use["withdrawn_by"],
        )
    if use["source_state_at"] and use["source_state"] in BEFELL:
        befell = BEFELL[use["source_state"]]
        title = phrase("所依据的“%(name)s”%(befell)s", name=use["source_name"], befell=befell)
        yield TraceLine(use["source_state_at"], "reuse", title, phrase("请核对本办件是否仍然成立"), "alert")
    elif use["source_state_at"]:
        yield TraceLine(
            use["source_state_at"],
            "reuse",
            phrase("所依据的“%(name)s”已恢复有效", name=use["source_name"]),
            "",
            "good",
        )


def _grounds(use: Mapping[str, Any], owner: str) -> str:
    """What a use meets, whence it came, and on what ground."""
    return listed(
        phrase("满足“%(name)s”", name=use["requirement"]),
        phrase("来自%(owner)s办件 %(no)s", owner=owner, no=use["source_case"])
        if use["source_case"]
        else phrase("来自%(owner)s提供的数据", owner=owner),
        phrase("授权 %(id)s", id=str(use["grant_id"])) if use["grant_id"] else phrase("本部门自有"),
        phrase("%(who)s同意（%(way)s）", who=use["given_by"], way=phrase(WAYS[use["way"]]))
        if use["way"]
        else "",
        phrase("用途：%(use)s", use=use["purpose"]),
    )


FAMILY = Family((USES, PROMISES, _CONSENTS), _lines)
