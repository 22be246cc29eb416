"""The command line `shenguan`: every command, each imported only when it is used.

Guarantees: `--help` and `connector run` import no Flask, MinIO, SQLAlchemy or settings; a failure is one sentence in
Chinese on standard error (and `{"error": …}` on standard output with --json), never a traceback.
Exit codes: 0 done, 1 not possible now, 2 wrong call or unreadable file, 3 some rows refused (load).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from shenguan.cli.chinese_help import LazyGroup

COMMANDS = {
    "up": ("shenguan.cli.up:up", "启动全部：内置部件、网页、中继、接收、制证、二十个演示部门"),
    "down": ("shenguan.cli.up:down", "停止正在运行的全部程序"),
    "status": ("shenguan.cli.status:status", "各部件是否正常、推送与待办的数量"),
    "doctor": ("shenguan.cli.doctor:doctor", "逐项检查，并说明出了什么问题、该怎么办"),
    "load": ("shenguan.cli.load:load", "导入部门导出的双公示行政许可表（.xlsx、.csv）"),
    "sample": ("shenguan.cli.sample:sample", "生成一份合成的双公示表，供试用"),
    "migrate": ("shenguan.cli.programs:migrate", "建立或升级数据库、账号角色、对象存储桶"),
    "web": ("shenguan.cli.programs:web", "运行管理网页"),
    "relay": ("shenguan.cli.programs:relay", "运行中继：把待发消息送到消息代理"),
    "intake": ("shenguan.cli.programs:intake", "运行接收：把部门发来的消息办进中心"),
    "licence": ("shenguan.cli.licence:licence", "电子证照：批量导入、批量制证、离线核验"),
    "connector": ("shenguan.cli.connector:connector", "部门连接器（在部门一侧运行）"),
    "conform": ("shenguan.cli.conform:conform", "对接检验：扮演中心，检验部门自己写的程序是否守约"),
    "department": ("shenguan.cli.department:department", "登记部门和密钥"),
    "trust-bundle": ("shenguan.cli.trust_bundle:trust_bundle", "部门接入所需：地址、主题、中心公钥"),
    "user": ("shenguan.cli.user:user", "登记管理网页的用户"),
    "resend": ("shenguan.cli.outbox:resend", "重新发送已发出的消息（消息代理被清空、部门丢了数据时）"),
    "unpark": ("shenguan.cli.outbox:unpark", "放行被搁置的办件消息"),
    "reconcile": ("shenguan.cli.reconcile:reconcile", "对账：推送、签收、反馈是否齐全，与各部门的数是否一致"),
    "rewrap": ("shenguan.cli.rewrap:rewrap", "换密：各处密文改由新的加密密钥加密"),
    "verify": ("shenguan.cli.verify:verify", "核验留痕账本"),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    epilog="数据目录由环境变量 SHENGUAN_DATA 指定，默认为当前目录下的 .shenguan。",
)
@click.version_option(package_name="shenguan-hub", message="审管通 %(version)s", help="显示版本后退出。")
def root() -> None:
    """审管通：区县的审管联动数据共享中心。一次审批，各监管部门同时收到；监管信息回到同一办件。"""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command and end the process with its exit code."""
    from shenguan.cli.faults import run

    sys.exit(run(root, list(sys.argv[1:] if argv is None else argv)))
