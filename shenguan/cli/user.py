"""`shenguan user`: people who sign in to the web pages; the first one of a new hub is made here."""

from __future__ import annotations

from typing import IO

import click

from shenguan.cli.chinese_help import ChineseGroup
from shenguan.cli.screen import json_option, print_json

ROLES = {
    "data_admin": "数据管理员",
    "clerk": "窗口",
    "approver": "审批部门",
    "supervisor": "监管部门",
    "overseer": "效能监督",
    "Admin": "系统管理员",
}


@click.group(cls=ChineseGroup)
def user() -> None:
    """登记管理网页的用户。"""


@user.command("add")
@click.argument("username", metavar="用户名")
@click.option(
    "--role",
    type=click.Choice(list(ROLES)),
    required=True,
    help="、".join(f"{code} {name}" for code, name in ROLES.items()) + "。",
)
@click.option("--name", required=True, metavar="姓名", help="显示的名称。")
@click.option("--department", default=None, metavar="代码", help="只办理这个部门的事。")
@click.option(
    "--password-file",
    type=click.File(),
    default=None,
    metavar="文件",
    help="从文件（- 为标准输入）读口令；不给则在终端里问。",
)
@json_option
def add(
    username: str,
    role: str,
    name: str,
    department: str | None,
    password_file: IO[str] | None,
    as_json: bool,
) -> None:
    """登记用户，或更新已有用户的口令和角色。"""
    from admin.accounts import ensure_user
    from shenguan import wiring
    from shenguan.migrate import admin_app
    from shenguan.settings import load

    if password_file is not None:
        password = password_file.read().strip()
    else:
        password = click.prompt("口令", hide_input=True, confirmation_prompt="再输一次", err=True)
    if len(password) < 10:
        raise click.UsageError("口令至少 10 个字符。")
    app = admin_app(load(wiring.NEEDS["web"]))
    ensure_user(app, username, password, role=role, name=name, department=department)
    if as_json:
        print_json({"username": username, "role": role})
    else:
        click.echo(f"已登记 {username}（{ROLES[role]}）。")
