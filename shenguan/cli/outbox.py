"""`shenguan resend` and `shenguan unpark`: what a person may decide about messages on their way out."""

from __future__ import annotations

from datetime import datetime

import click

from shenguan.cli.chinese_help import ChineseCommand
from shenguan.cli.screen import LOCAL, json_option, print_json
from shenguan.cli.transaction import ACTOR, transaction


class Moment(click.ParamType[datetime]):
    """A day or a time, local unless it says otherwise."""

    name = "时间"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value} 不是时间，应如 2026-03-01 或 2026-03-01T09:00:00。", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)


@click.command(cls=ChineseCommand)
@click.option("--department", default=None, metavar="代码", help="只补发给这个部门的。")
@click.option("--case", "case_no", default=None, metavar="办件编号", help="只补发这个办件的。")
@click.option("--since", type=Moment(), default=None, metavar="时间", help="只补发这个时间以后产生的。")
@click.option("--reason", required=True, metavar="理由", help="补发理由，记入留痕账本。")
@json_option
def resend(
    department: str | None, case_no: str | None, since: datetime | None, reason: str, as_json: bool
) -> None:
    """重新发送已经发出的消息：消息代理被清空、部门丢失数据时用。内容与签名不变，部门按编号去重。"""
    from sqlalchemy import select

    from hub.department import Department, topic_in
    from hub.errors import NotFound
    from hub.exchange.resend import resend as again
    from shenguan.settings import load

    topic = topic_in(load(()).area, department) if department else None
    with transaction() as tx:
        if (
            department
            and not tx.execute(select(Department.code).where(Department.code == department)).first()
        ):
            raise NotFound(f"没有代码为 {department} 的部门。")
        count = again(tx, actor=ACTOR, reason=reason, topic=topic, case_no=case_no, since=since)
    if as_json:
        print_json({"queued": count})
    else:
        click.echo(f"{count} 条消息已重新排队，由中继发出。用 shenguan status 看进度。")


@click.command(cls=ChineseCommand)
@click.argument("key", metavar="办件编号")
@click.option("--department", required=True, metavar="代码", help="发给哪个部门的被搁置了。")
@click.option("--reason", required=True, metavar="理由", help="放行理由，记入留痕账本。")
@json_option
def unpark(key: str, department: str, reason: str, as_json: bool) -> None:
    """放行一个被搁置的办件：它的消息立即再试。被搁置的办件见管理网页“发件箱”。"""
    from hub.department import topic_in
    from hub.exchange.unpark import unpark as release
    from shenguan.settings import load

    topic = topic_in(load(()).area, department)
    with transaction() as tx:
        release(tx, topic, key, actor=ACTOR, reason=reason)
    if as_json:
        print_json({"topic": topic, "key": key, "released": True})
    else:
        click.echo(f"已放行 {topic} 上的 {key}。")
