"""How each kind of draft is written by people, and what its message wants: dates, codes by name, lists, numbers, money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Form:
    """One kind. Names are those of the message, after `aliases`."""

    event_type: str
    number: str  # the field with the department's own number
    subject: str  # the field by which it is ordered
    without: str  # the sentence where that is missing
    codes: Mapping[str, str] = field(
        default_factory=dict
    )  # field -> code table whose names are understood too
    code_lists: Mapping[str, str] = field(default_factory=dict)
    moments: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()  # objects, which a table holds as JSON
    money: Mapping[str, str] = field(default_factory=dict)  # field without its unit -> what it is called
    aliases: Mapping[str, str] = field(default_factory=dict)
    own: tuple[str, ...] = ()  # columns of a table, in order, beside those that every kind has


_NO_CASE = "缺少办件编号 project_no，应为推送包中的办件编号"

FORMS: Mapping[str, Form] = {
    "plan": Form(
        "supervision.planned.v1", "fact_no", "project_no", _NO_CASE,
        codes={"way": "inspection_way"},
        dates=("from", "to"),
        integers=("year",),
        numbers=("ratio",),
        aliases={"starts_on": "from", "ends_on": "to"},
        own=("plan_name", "year", "starts_on", "ends_on", "frequency", "ratio", "way", "scope", "corrects", "explain"),
    ),
    "finding": Form(
        "finding.reported.v1", "finding_no", "project_no", _NO_CASE,
        codes={
            "check_result": "check_result",
            "handling": "handling",
            "publicity": "publicity",
            "inspection_form": "inspection_form",
            "inspection_way": "inspection_way",
            "double_random_result": "double_random_result",
        },
        moments=("inspected_at",),
        dates=("rectify_by",),
        people=("inspectors",),
        own=(
            "inspected_at", "inspectors", "check_result", "handling", "rectify_by", "explain", "publicity",
            "inspection_form", "inspection_way", "double_random_result", "plan_no", "supervise_item_code",
            "supervise_item_name", "transfer_to", "corrects",
        ),
    ),
    "rectification": Form(
        "rectification.reported.v1", "fact_no", "project_no", _NO_CASE,
        codes={"result": "rectification_result"},
        moments=("checked_at",),
        dates=("rectify_by",),
        people=("inspectors",),
        integers=("round",),
        own=(
            "finding_no", "round", "checked_at", "result", "rectify_by", "inspectors", "transfer_to", "corrects",
            "explain",
        ),
    ),
    "enforcement": Form(
        "enforcement.decided.v1", "fact_no", "project_no", _NO_CASE,
        codes={"result": "enforcement_result", "publicity": "publicity"},
        code_lists={"punish_types": "punish_type"},
        dates=("decided_on", "publish_until"),
        people=("officers",),
        documents=("columns",),
        money={"fine": "罚款金额", "confiscated": "没收金额"},
        aliases={"sheet_columns": "columns"},
        own=(
            "finding_no", "finding_department", "decided_on", "result", "punish_types", "document_no",
            "illegal_fact", "basis", "content", "fine", "fine_yuan", "fine_wan", "confiscated", "confiscated_yuan",
            "confiscated_wan", "publicity", "publish_until", "officers", "sheet_columns", "corrects", "explain",
        ),
    ),
    "credit": Form(
        "credit.recorded.v1", "fact_no", "project_no", _NO_CASE,
        codes={"kind": "credit_kind"},
        dates=("recorded_on", "until"),
        own=("kind", "recorded_on", "until", "document_no", "corrects", "explain"),
    ),
    "withdrawal": Form(
        "finding.withdrawn.v1", "fact_no", "project_no", _NO_CASE,
        moments=("at",),
        own=("withdraws", "at", "reason"),
    ),
    "advice": Form(
        "advice.posted.v1", "thread_id", "project_no", _NO_CASE,
        codes={"kind": "advice_kind"},
        moments=("at",),
        flags=("closes",),
        own=("kind", "subject", "body", "author", "at", "closes"),
    ),
    "supply": Form(
        "material.supplied.v1", "supply_no", "supply_no",
        "缺少数据编号 supply_no，应为本部门自己的、不重复的编号",
        own=(
            "material_type", "party_kind", "party_name", "party_code_type", "party_code", "legal_representative",
            "subject", "fields", "valid_from", "valid_to", "as_of", "change", "reason",
        ),
    ),
}  # fmt: skip


def columns_of(kind: str) -> tuple[str, ...]:
    """The columns of a table in which a department writes such drafts."""
    form = FORMS[kind]
    if kind == "supply":
        return (form.number, *form.own)
    if kind == "advice":
        return (form.number, form.subject, *form.own)
    return (form.number, form.subject, "push_id", "certificate_identifier", *form.own, "files")
