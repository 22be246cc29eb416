"""Enforcement results as a 双公示 行政处罚 sheet: the 32 columns of the newer set, money in 万元, citizen numbers masked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, text

from hub.feedback.money import in_wan
from schemas import code_table, penalty_columns

_PENALTIES = text("""
SELECT f.document_no, f.happened_at AT TIME ZONE 'Asia/Shanghai' AS decided, f.fine_fen, f.confiscated_fen, f.details,
  f.explanation, f.result, d.name AS by_name, d.uscc AS by_code, p.name AS party, p.kind, p.code_type, p.code_masked,
  p.legal_representative, l.name AS licence, l.number
FROM findings f JOIN departments d ON d.code = f.department JOIN cases c ON c.case_no = f.case_no
JOIN parties p ON p.id = c.party_id LEFT JOIN licences l ON l.id = f.licence_id
WHERE f.kind = 'enforcement' AND f.standing = 'standing'
  AND (CAST(:department AS text) IS NULL OR f.department = :department)
ORDER BY f.happened_at, f.department, f.finding_no LIMIT 50000
""")


def penalty_rows(tx: Connection, department: str | None) -> Iterator[list[str]]:
    """The codes, then one row for each result that stands."""
    codes = [column["code"] for column in penalty_columns("2018")["columns"]]
    yield codes
    for row in tx.execution_options(yield_per=500).execute(_PENALTIES, {"department": department}):
        values = _values(row)
        yield [values.get(code, "") for code in codes]


def _values(row: Any) -> dict[str, str]:
    """What the department wrote, and where it wrote nothing, what we know."""
    details: dict[str, Any] = row.details
    legal = row.code_type == "001"
    types = [code_table("punish_type")[code] for code in details.get("punish_types") or ()]
    known = {
        "CF_XDR_MC": row.party,
        "CF_XDR_LB": code_table("party_kind")[row.kind],
        "CF_XDR_SHXYM": row.code_masked if legal else "",
        "CF_FRDB": row.legal_representative,
        "CF_XDR_ZJHM": "" if legal else row.code_masked,
        "CF_WSH": row.document_no,
        "CF_SY": details.get("illegal_fact"),
        "CF_YJ": details.get("basis"),
        "CF_CFLB": "；".join(types) or code_table("enforcement_result")[row.result],
        "CF_NR": details.get("content") or row.explanation,
        "CF_NR_ZKDX": f"{row.licence} {row.number}" if row.result == "3" and row.licence else "",
        "CF_JDRQ": f"{row.decided:%Y/%m/%d}",
        "CF_GSJZQ": (details.get("publish_until") or "").replace("-", "/"),
        "CF_CFJG": row.by_name,
        "CF_CFJGDM": row.by_code,
        "CF_SJLY": row.by_name,
        "CF_SJLYDM": row.by_code,
    }
    told = {
        name: str(value) for name, value in (details.get("columns") or {}).items() if value not in (None, "")
    }
    values = {name: str(value) for name, value in known.items() if value} | told
    if row.fine_fen is not None:
        values["CF_NR_FK"] = in_wan(row.fine_fen)
    if row.confiscated_fen is not None:
        values["CF_NR_WFFF"] = in_wan(row.confiscated_fen)
    return values
