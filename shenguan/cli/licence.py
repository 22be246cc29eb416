"""`shenguan licence`: sheets of licences in, the program that works batches, and what a person does with a batch."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shenguan.cli.chinese_help import ChineseGroup
from shenguan.cli.licence_check import check
from shenguan.cli.screen import json_option, print_json, print_table, progress
from shenguan.cli.transaction import ACTOR, transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from hub.licensing.batches.batch_source import BatchSource
    from shenguan.press_program import PressConfig
    from storage.spreadsheet import SheetRows

SHOWN = 20


@click.group(cls=ChineseGroup)
def licence() -> None:
    """电子证照：批量导入、批量制证、核验。"""


@licence.command("import")
@click.argument("file", type=click.Path(path_type=Path), metavar="文件")
@click.option("--issue", is_flag=True, help="在本中心制证并签发；不写则登记其他机关已颁发的证照。")
@click.option("--type", "type_code", default=None, metavar="代码", help="证照类型代码，制证时必填。")
@click.option("--department", default=None, metavar="代码", help="颁证（导入）的部门，制证时必填。")
@click.option("--sheet", default=None, metavar="名称", help="读哪个工作表，默认第一个可见的。")
@click.option("--start", "start_now", is_flag=True, help="读完立即开始，不等人核对。")
@json_option
def import_(
    file: Path,
    *,
    issue: bool,
    type_code: str | None,
    department: str | None,
    sheet: str | None,
    start_now: bool,
    as_json: bool,
) -> None:
    """把证照表（.xlsx、.csv、.json）读成一个批次。列名可用国家交换名、拼音名或中文；坏的行说明原因。

    退出码：0 全部读入；3 有退回的行；2 文件读不出来；1 中心连接不上。
    """
    from hub.errors import Rejected
    from hub.licensing.batches.batch_control import move_batch, progress_of
    from shenguan import wiring
    from shenguan.settings import load

    settings = load(wiring.NEEDS["desk"])
    engine, desk = wiring.engine_of(settings), wiring.desk_of(settings)
    ctx = click.get_current_context()
    try:
        try:
            from storage.json_rows import read_any_rows

            with engine.connect() as tx:
                source = _source(tx, file, issue=issue, type_code=type_code, department=department)
            with read_any_rows(file, sheet=sheet) as rows:
                batch_id = _read_in(engine, rows, source)
        except Rejected as refusal:
            if as_json:
                print_json({"error": refusal.message})
            click.echo(refusal.message, err=True)
            ctx.exit(2)
        with engine.begin() as tx:
            if start_now:
                move_batch(tx, batch_id, "start", actor=ACTOR, now=desk.clock())
            counts = progress_of(tx, batch_id)
            shown = _refused(tx, batch_id)
    finally:
        engine.dispose()
    if as_json:
        print_json({"batch": str(batch_id), **counts.as_dict()})
    else:
        click.echo(f"批次 {batch_id}：读入 {counts.total} 行，待办 {counts.waiting}，退回 {counts.refused}。")
        for line in shown:
            click.echo(line)
        if not start_now:
            click.echo(f"核对后开始：shenguan licence batch start {batch_id}")
    ctx.exit(3 if counts.refused else 0)


def _source(
    tx: Connection, file: Path, *, issue: bool, type_code: str | None, department: str | None
) -> BatchSource:
    import hashlib

    from hub.errors import Rejected
    from hub.licensing.batches.batch_source import source_of

    try:
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise Rejected(f"无法打开文件 {file}：{error.strerror}。请核对路径和权限。") from error
    return source_of(
        tx,
        "issue" if issue else "import",
        name=file.name,
        sha256=sha256,
        type_code=type_code,
        department=department,
    )


def _read_in(engine: Engine, rows: SheetRows, source: BatchSource) -> uuid.UUID:
    from hub.licensing.batches.batch_rows import read_in
    from shenguan import wiring
    from shenguan.settings import load

    desk = wiring.desk_of(load(wiring.NEEDS["desk"]))
    with progress("读入", total=1.0) as advance:
        return read_in(
            engine,
            rows,
            source,
            desk,
            actor=ACTOR,
            on_progress=lambda count: advance(rows.position(), count),
        )


def _refused(tx: Connection, batch_id: uuid.UUID) -> list[str]:
    from sqlalchemy import select

    from hub.licensing.batches.batch import LicenceBatchRow
    from hub.licensing.batches.batch_rows import read_told

    query = (
        select(LicenceBatchRow.row, LicenceBatchRow.problem)
        .where(LicenceBatchRow.batch_id == batch_id, LicenceBatchRow.state == "refused")
        .order_by(LicenceBatchRow.row)
        .limit(SHOWN)
    )
    return [
        f"  第 {row.row} 行 {reason.column}：{reason.cause}。应为：{reason.expected}"
        for row in tx.execute(query)
        for reason in read_told(row.row, row.problem)
    ]


@licence.command("press")
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=None,
    metavar="个数",
    help="同时制证的进程数，默认为处理器数的一半。",
)
def press(processes: int | None) -> None:
    """运行制证：办理已开始的批次，直到收到停止信号。可在几台机器上同时运行。"""
    from shenguan import logs
    from shenguan.cli.stopping import until_told
    from shenguan.press_program import run, run_several

    config = press_config()
    logs.to_standard_error()
    count = processes or max(1, (os.cpu_count() or 2) // 2)
    stop = until_told()
    if count == 1:
        run(config, stop)
    else:
        run_several(press_config, count, stop)


def press_config() -> PressConfig:
    """What the program works with; each process makes its own."""
    from shenguan import wiring
    from shenguan.press_program import PressConfig
    from shenguan.settings import load

    settings = load(wiring.NEEDS["press"])
    return PressConfig(
        database_url=settings.database_url,
        desk=wiring.desk_of(settings),
        press=wiring.press_of(settings),
        tokens=wiring.tokens_of(settings),
    )


@licence.group("batch", cls=ChineseGroup)
def batch() -> None:
    """批次：列表、开始、暂停、继续、停止。"""


@batch.command("list")
@json_option
def list_(as_json: bool) -> None:
    """最近的批次和进度。"""
    from sqlalchemy import select

    from hub.licensing.batches.batch import LicenceBatch
    from hub.licensing.batches.batch_control import STATE_NAMES, progress_of

    with transaction() as tx:
        rows = tx.execute(
            select(*LicenceBatch.__table__.columns).order_by(LicenceBatch.created_at.desc()).limit(50)
        ).all()
        found = [(row, progress_of(tx, row.id)) for row in rows]
    if as_json:
        print_json(
            [
                {"id": str(row.id), "name": row.source_name, "state": row.state, **counts.as_dict()}
                for row, counts in found
            ]
        )
        return
    print_table(
        "批次",
        ("批次", "文件", "状态", "已办", "未变", "退回", "待办", "等待"),
        [
            (
                row.id,
                row.source_name,
                STATE_NAMES[row.state],
                counts.issued,
                counts.unchanged,
                counts.refused,
                counts.waiting,
                row.cause,
            )
            for row, counts in found
        ],
    )


def _move(name: str, move: str, help_: str) -> None:
    @batch.command(name, help=help_)
    @click.argument("batch_id", type=click.UUID, metavar="批次")
    @click.option("--reason", default=None, metavar="理由", help="记入留痕账本。")
    @json_option
    def moved(batch_id: uuid.UUID, reason: str | None, as_json: bool) -> None:
        from hub.licensing.batches.batch_control import STATE_NAMES, move_batch
        from shenguan import wiring

        with transaction() as tx:
            state = move_batch(tx, batch_id, move, actor=ACTOR, now=wiring.now(), reason=reason)
        if as_json:
            print_json({"batch": str(batch_id), "state": state})
        else:
            click.echo(f"批次 {batch_id}：{STATE_NAMES[state]}。")


_move("start", "start", "开始办理。")
_move("pause", "pause", "暂停；已办的不受影响。")
_move("resume", "resume", "继续办理。")
_move("stop", "stop", "停止：没办的行不再办。")

licence.add_command(check)
