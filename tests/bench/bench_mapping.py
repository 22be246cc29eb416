"""Mapping and validating: a flat mapping of 30 fields of a 双公示 sheet, and the JSON Schema of what comes of it, beside the
bare expression library doing 30 picks of the same record with programs that are compiled before.

`picks` takes 30 fields over as they are, `worked` has the steps that a real one has (dates, a code table, trimming),
`finding` is a row of inspections all the way: mapped, read as a draft, its whole message validated. All in one process, the
arms in turn; ratios are of medians.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import cel
import click
import jsonschema_rs

from schemas import examples_of, permit_columns, violations
from schemas.connector.document import CodeTable, FieldRule, Flow, Transform
from schemas.drafts.written import report_data
from schemas.mapping import compile_mapping
from schemas.mapping.paths import spelled

TARGET = 20_000
KINDS = CodeTable("类别", pairs=(("01", "普通"), ("02", "特许")))
STEPS: dict[str, tuple[Transform, ...]] = {
    "XK_JDRQ": (Transform("date", {"out": "YYYY-MM-DD"}),),
    "XK_YXQZ": (Transform("date", {}),),
    "XK_YXQZI": (Transform("date", {"long": "2099-12-31"}),),
    "XK_XKLB": (Transform("code", {"table": "类别"}),),
    "XK_NR": (Transform("trim"),),
    "XK_FRDB": (Transform("trim"), Transform("default", {"value": "无"})),
}


def run(*, records: int = 5_000, repetitions: int = 7) -> dict[str, object]:
    """Records a second of each arm, and their ratios."""
    columns = [*permit_columns("2018")["columns"], {"code": "DFBM", "name": "地方编码", "max": 12}]
    rows = [_row(columns, number) for number in range(records)]
    fits = jsonschema_rs.Draft202012Validator(_schema(columns)).is_valid
    picks = compile_mapping(_flow(columns, {}), []).apply
    worked = compile_mapping(_flow(columns, STEPS), [KINDS]).apply
    assert all(fits(apply(row).records[0]) for apply in (picks, worked) for row in rows[:10])
    arms: dict[str, Callable[[dict[str, Any]], object]] = {
        "picks": lambda row: fits(picks(row).records[0]),
        "worked": lambda row: fits(worked(row).records[0]),
        "finding": _finding(),
        "bare": _bare(columns),
    }
    found: dict[str, list[float]] = {name: [] for name in arms}
    for repetition in range(repetitions + 1):
        for name, arm in arms.items():
            rate = _rate(arm, rows[:: 10 if name == "bare" else 1])
            if repetition:
                found[name].append(rate)
    medians = {name: statistics.median(rates) for name, rates in found.items()}
    wanted = min(TARGET, 0.5 * medians["bare"])
    return {
        "fields": len(columns),
        "per_second": {name: round(rate) for name, rate in medians.items()},
        "ratio": round(medians["worked"] / medians["bare"], 2),
        "of_wanted": round(medians["worked"] / wanted, 2),
    }


def _rate(arm: Callable[[dict[str, Any]], object], rows: list[dict[str, Any]]) -> float:
    begun = time.perf_counter()
    for row in rows:
        arm(row)
    return len(rows) / (time.perf_counter() - begun)


def _row(columns: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """A row as a department's sheet has it: Chinese headings, texts, dates in words."""
    row = {column["name"]: f"示例{number}号" for column in columns}
    dates = {"许可决定日期": "2026年3月5日", "有效期自": "2026/3/5", "有效期至": "长期"}
    return {
        **row,
        **dates,
        "许可类别": "普通",
        "许可内容": " 准予经营 ",
        "地方编码": "990101",
        "组织机构代码": "MA3C0001-1"[:9],
    }


def _flow(columns: list[dict[str, Any]], steps: dict[str, tuple[Transform, ...]]) -> Flow:
    rules = (FieldRule(one["code"], (spelled([one["name"]]),), steps.get(one["code"], ())) for one in columns)
    return Flow("sheet", "out", "approval.decided.v1", "db", fields=tuple(rules))


def _schema(columns: list[dict[str, Any]]) -> dict[str, Any]:
    texts = {
        one["code"]: {"type": "string", "minLength": 1, "maxLength": one["max"] or 10} for one in columns
    }
    for code in ("XK_JDRQ", "XK_YXQZ", "XK_YXQZI"):
        texts[code] = {"type": "string", "maxLength": 10}
    return {"type": "object", "properties": texts, "required": list(texts)}


def _finding() -> Callable[[dict[str, Any]], object]:
    """A row of a department's table as the message that it becomes; the row is always the same one."""
    event = examples_of("finding.reported.v1")[0]
    row = {
        "编号": "JC-1",
        "办件": event["subject"],
        "时间": "2026/3/5 10:00",
        "人员": "示例甲（99010100001）",
        "结果": "符合",
    }
    rules = (
        FieldRule("finding_no", ("编号",), required=True),
        FieldRule("project_no", ("办件",), required=True),
        FieldRule("inspected_at", ("时间",), (Transform("moment", {"out": "local"}),)),
        FieldRule("inspectors", ("人员",)),
        FieldRule("check_result", ("结果",)),
        FieldRule("handling", (), (Transform("constant", {"value": "通过"}),)),
    )
    apply = compile_mapping(Flow("back", "in", "finding", "db", fields=rules), []).apply

    def said(_row: dict[str, Any]) -> object:
        message = {**event, "data": report_data("finding", apply(row).records[0])}
        assert not violations("finding.reported.v1", message)
        return message

    return said


def _bare(columns: list[dict[str, Any]]) -> Callable[[dict[str, Any]], object]:
    programs = [cel.compile(f'r["{one["name"]}"]') for one in columns]

    def picked(row: dict[str, Any]) -> object:
        context = cel.Context({"r": row})
        return [program.execute(context) for program in programs]

    return picked


@click.command()
@click.option("--records", default=5_000, show_default=True)
@click.option("--repetitions", default=7, show_default=True)
def main(records: int, repetitions: int) -> None:
    """Measure, and compare with the goal."""
    found = run(records=records, repetitions=repetitions)
    click.echo(f"{found}\ngoal: of_wanted >= 1.0")


if __name__ == "__main__":
    main()
