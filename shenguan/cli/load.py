"""`shenguan load`: a department's sheet into the hub, with a result sheet of what was refused."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import json_option, print_json, progress

if TYPE_CHECKING:
    from hub.sheets.load_sheet import LoadReport
    from hub.sheets.sheet import Defaults
    from storage.spreadsheet import SheetRows

SHOWN = 20


@click.command(cls=ChineseCommand)
@click.argument("file", type=click.Path(path_type=Path), metavar="文件")
@click.option("--org-code", default="", metavar="代码", help="表中没有许可机关代码时用的统一社会信用代码。")
@click.option("--org-name", default="", metavar="名称", help="表中没有许可机关名称时用的名称。")
@click.option("--source-code", default="", metavar="代码", help="表中没有数据来源单位代码时用的代码。")
@click.option("--source-name", default="", metavar="名称", help="表中没有数据来源单位时用的名称。")
@click.option("--sheet", default=None, metavar="名称", help="读哪个工作表，默认第一个可见的。")
@click.option(
    "--result",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    metavar="文件",
    help="退回行的结果表写到哪里，默认为“文件.结果.xlsx”。",
)
@json_option
def load(
    file: Path,
    sheet: str | None,
    result: Path | None,
    as_json: bool,
    **defaults: str,
) -> None:
    """导入双公示行政许可表（.xlsx 或 .csv）。好的行入库并推送，坏的行退回并说明原因；重复导入不产生变化。

    退出码：0 全部接收；3 有退回的行；2 文件读不出来；1 中心连接不上。
    """
    from hub.errors import Rejected
    from hub.sheets.sheet import Defaults
    from storage.spreadsheet import read_rows

    os.nice(10)  # live decisions on the same machine come first
    ctx = click.get_current_context()
    given = Defaults(
        org_code=defaults["org_code"],
        org_name=defaults["org_name"],
        source_org_code=defaults["source_code"],
        source_org_name=defaults["source_name"],
    )
    try:
        with read_rows(file, sheet=sheet) as rows:
            report = _load(rows, given)
            written = _write_result(rows, report, result or file.with_name(f"{file.name}.结果.xlsx"))
    except Rejected as refusal:
        if as_json:
            print_json({"error": refusal.message})
        click.echo(refusal.message, err=True)
        ctx.exit(2)
    _tell(report, written, as_json)
    ctx.exit(3 if report.refused_rows else 0)


def _load(rows: SheetRows, defaults: Defaults) -> LoadReport:
    from hub.sheets.load_sheet import load_sheet
    from shenguan import wiring
    from shenguan.settings import load as load_settings

    settings = load_settings(wiring.NEEDS["desk"])
    engine = wiring.engine_of(settings)
    try:
        with engine.connect(), progress("导入", total=1.0) as advance:

            def told(report: LoadReport, row: int) -> None:
                del row
                advance(rows.position(), report.rows)

            return load_sheet(
                engine,
                rows,
                wiring.desk_of(settings),
                actor="user:cli",
                defaults=defaults,
                on_progress=told,
            )
    finally:
        engine.dispose()


def _write_result(rows: SheetRows, report: LoadReport, path: Path) -> Path | None:
    """Every refused row as it was, once per reason, with the reason in front."""
    if not report.refused:
        return None
    from collections import defaultdict
    from collections.abc import Iterator

    from hub.sheets.sheet import Refusal
    from storage.spreadsheet import write_rows

    reasons: dict[int, list[Refusal]] = defaultdict(list)
    for refusal in report.refused:
        reasons[refusal.row].append(refusal)
    first = min(reasons)
    above = [cells for number, cells in rows if number < min(first, 12)]
    header = max(above, key=lambda cells: sum(bool(cell.strip()) for cell in cells), default=[])

    def refused() -> Iterator[list[str]]:
        for number, cells in rows:
            for reason in reasons.get(number, ()):
                yield [str(number), reason.column, reason.cause, reason.expected, *cells]

    write_rows(path, ["行号", "列", "原因", "应为", *header], refused(), title="退回的行")
    return path


def _tell(report: LoadReport, written: Path | None, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "accepted": report.accepted,
                "unchanged": report.unchanged,
                "refused": [asdict(refusal) for refusal in report.refused],
            }
        )
        return
    click.echo(f"接收 {report.accepted} 行，未变 {report.unchanged} 行，退回 {report.refused_rows} 行。")
    if report.without_push:
        click.echo(f"其中 {report.without_push} 行没有推送规则指向任何部门，请检查推送规则。")
    if report.refused:
        for refusal in report.refused[:SHOWN]:
            click.echo(f"  第 {refusal.row} 行 {refusal.column}：{refusal.cause}。应为：{refusal.expected}")
        if len(report.refused) > SHOWN:
            click.echo(f"……共 {len(report.refused)} 处。")
        click.echo(f"退回的行和原因已写入 {written}，改正后可直接重新导入整份原表。")
