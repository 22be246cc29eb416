"""`shenguan sample`: a synthetic sheet to try the hub with."""

from __future__ import annotations

from pathlib import Path

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import json_option, print_json, progress


@click.command(cls=ChineseCommand)
@click.option("--rows", type=click.IntRange(1, 1_000_000), required=True, metavar="N", help="行数。")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="文件",
    help="写到哪里，.xlsx 或 .csv。",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="同一个数得到同一份表。")
@click.option("--bad", type=click.IntRange(0), default=0, metavar="K", help="其中故意写错的行数。")
@click.option(
    "--generation",
    type=click.Choice(["2018", "2015"]),
    default="2018",
    help="2018：现行 28 列；2015：2015—2018 年旧表。",
)
@click.option(
    "--encoding",
    type=click.Choice(["utf-8-sig", "utf-8", "gb18030"]),
    default="utf-8-sig",
    help=".csv 的编码。",
)
@json_option
def sample(rows: int, out: Path, seed: int, bad: int, generation: str, encoding: str, as_json: bool) -> None:
    """生成一份合成的双公示行政许可表：校验码都正确，没有真实的单位和个人。"""
    from collections.abc import Iterator

    from shenguan.sample import generate, header
    from storage.spreadsheet import write_rows

    if bad > rows:
        raise click.UsageError("--bad 不能大于 --rows。")

    with progress("生成", total=rows) as advance:

        def counted() -> Iterator[list[str]]:
            for number, row in enumerate(generate(rows, seed=seed, bad=bad / rows, generation=generation), 1):
                if number % 500 == 0:
                    advance(number, number)
                yield row

        written = write_rows(out, header(generation), counted(), title="行政许可", encoding=encoding)
    if as_json:
        print_json({"file": str(out), "rows": written, "bad": bad, "seed": seed, "generation": generation})
    else:
        click.echo(f"已写入 {out}：{written} 行{f'，其中 {bad} 行故意写错' if bad else ''}。")
        click.echo(f"导入：shenguan load {out}")
