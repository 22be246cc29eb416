"""`shenguan reconcile`: decided = pushed = arrived = signed = claimed = answered, by department, and what differs."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import LOCAL, json_option, print_json, print_table, progress
from shenguan.cli.transaction import ACTOR

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from hub.reconciling.figures import Figures
    from hub.reconciling.reconcile import Run

SHOWN = 50


class Day(click.ParamType[date]):
    """A local day."""

    name = "日期"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value} 不是日期，应如 2026-03-01。", param, ctx)


@click.command(cls=ChineseCommand)
@click.option("--from", "first", type=Day(), default=None, metavar="日期", help="第一天；默认为 31 天前。")
@click.option("--to", "last", type=Day(), default=None, metavar="日期", help="最后一天；默认为昨天。")
@click.option("--department", default=None, metavar="代码", help="只看这个部门的。")
@json_option
@click.pass_context
def reconcile(
    ctx: click.Context, first: date | None, last: date | None, department: str | None, as_json: bool
) -> None:
    """对账：这段时间的决定是否都已推送、到达、签收、认领、反馈，与各部门自己的数是否一致。

    同时请各部门报数；网页“对账”里可看这次的结果、逐条处理、出对账函。退出码：0 没有差异；1 有差异。
    """
    from hub.reconciling.reconcile import reconcile as count
    from hub.reconciling.reconcile import start_run
    from shenguan import wiring
    from shenguan.settings import load

    today = datetime.now(LOCAL).date()
    last = last or max(first or date.min, today - timedelta(days=1))
    first = first or last - timedelta(days=30)
    settings = load(wiring.NEEDS["desk"])
    engine, desk = wiring.engine_of(settings), wiring.desk_of(settings)
    try:
        with engine.begin() as tx:
            run_id = start_run(tx, first, last, desk, actor=ACTOR)
        with progress("对账", total=1, unit="段") as advance:
            run = count(engine, run_id, desk, on_progress=lambda done: advance(done, 1))
        found = _show(engine, run, department, as_json=as_json)
    finally:
        engine.dispose()
    ctx.exit(1 if found else 0)


def _show(engine: Engine, run: Run, department: str | None, *, as_json: bool) -> int:
    from sqlalchemy import select

    from hub.reconciling.figures import by_department
    from hub.reconciling.reconciliation import ReconciliationDifference as Difference

    columns = (
        Difference.department,
        Difference.kind,
        Difference.case_no,
        Difference.event_id,
        Difference.words,
    )
    wanted = (
        select(*columns)
        .where(Difference.run_id == run.id, Difference.state == "open")
        .order_by(Difference.id)
    )
    if department:
        wanted = wanted.where(Difference.department == department)
    with engine.connect() as tx:
        figures = by_department(tx, run.id, only=department)
        differences = [dict(row) for row in tx.execute(wanted).mappings()]
    if as_json:
        print_json(_document(run, figures, differences))
    else:
        _print(run, figures, differences)
    return len(differences)


def _document(run: Run, figures: list[Figures], differences: list[dict[str, Any]]) -> dict[str, Any]:
    from hub.reconciling.stages import FIGURES

    return {
        "run": str(run.id),
        "first_day": run.first_day,
        "last_day": run.last_day,
        "departments": [
            {"department": one.key, **dict(zip(FIGURES, one.counts(), strict=True)), "differences": one.open}
            for one in figures
        ],
        "counts": run.totals["counts"],
        "differences": differences,
    }


def _print(run: Run, figures: list[Figures], differences: list[dict[str, Any]]) -> None:
    titles = ("部门", "应推", "已推送", "已到达", "已签收", "已认领", "已反馈", "退回", "超时", "差异")
    rows = [(one.name or "（没有规则指向）", *one.counts(), one.open) for one in figures]
    print_table(f"{run.first_day} 至 {run.last_day} 的审批决定", titles, rows)
    if not differences:
        click.echo("没有差异。")
        return
    for one in differences[:SHOWN]:
        click.echo(" ".join(str(part) for part in (one["department"], one["case_no"], one["words"]) if part))
    more = f"（以上为前 {SHOWN} 处）" if len(differences) > SHOWN else ""
    click.echo(
        f"有 {len(differences)} 处差异{more}。在管理网页“对账”中逐条处理：能重新发送的重新发送，其余写明原因。"
    )
