"""What commands show: results on standard output, progress and remarks on standard error.

Guarantees: with --json standard output holds exactly one JSON document. Times are those of Asia/Shanghai.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    from rich.console import Console

LOCAL = ZoneInfo("Asia/Shanghai")

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="在标准输出给出 JSON（进度和提示走标准错误）。"
)


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def console(*, err: bool = False) -> Console:
    """A rich console, made when it is needed."""
    from rich.console import Console

    return Console(
        stderr=err, highlight=False, soft_wrap=True
    )  # commands are copied from here: no line breaks


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A small table on standard output; cells may carry rich markup."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    screen = console()
    # What goes into a file or a pipe is not folded to the width of a terminal that is not there.
    screen.print(table, width=None if screen.is_terminal else 200)


@contextmanager
def progress(title: str, *, total: float | None, unit: str = "行") -> Iterator[Callable[[float, int], None]]:
    """A bar on standard error: call it with (done of total, number of units). Shown on a terminal only."""
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    screen = console(err=True)
    started = datetime.now(LOCAL)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=32),
        TextColumn("{task.fields[count]} " + unit),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("剩余"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen, disable=not screen.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=total, count=0, rate="")

        def advance(done: float, count: int) -> None:
            seconds = max((datetime.now(LOCAL) - started).total_seconds(), 0.001)
            bar.update(task, completed=done, count=f"{count:,}", rate=f"{count / seconds:,.0f} {unit}/秒")

        yield advance


def age(seconds: float | None) -> str:
    """A duration as a person says it."""
    if seconds is None:
        return "—"
    if seconds < 120:
        return f"{seconds:.0f} 秒"
    if seconds < 7200:
        return f"{seconds / 60:.0f} 分钟"
    if seconds < 172800:
        return f"{seconds / 3600:.0f} 小时"
    return f"{seconds / 86400:.0f} 天"
