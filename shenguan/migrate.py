"""What a hub needs before its programs start: tables, calendar, catch-all item, accounts and roles, the bucket.

Guarantees: safe to repeat, and by several at once; changes nothing that a person entered. With `demo`, the demo area too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import text

from hub import migrations
from hub.exchange import outbox_partitions, pull
from shenguan import demo, demo_web, wiring, working_calendar
from shenguan.demo_county import add_county
from shenguan.demo_county_words import PULLING
from shenguan.demo_mappings import ensure_places
from shenguan.settings import Settings

Report = Callable[[str], None]


def print_nothing(words: str) -> None:
    """For those who do not follow the progress."""
    del words


def migrate(settings: Settings, said: Report = print_nothing) -> None:
    """Bring everything up to date."""
    engine = wiring.engine_of(settings)
    try:
        said("数据库表")
        migrations.upgrade(engine)
        with engine.begin() as tx:
            outbox_partitions.ensure(tx, wiring.now())
            pull.order_anew(tx, settings.area)
            working_calendar.fill(tx)
            demo.ensure_catch_all(tx)
        said("对象存储桶")
        wiring.objects_of(settings).ensure_bucket()
        said("账号与角色")
        accounts(settings)
    finally:
        engine.dispose()


def accounts(settings: Settings) -> None:
    """The account tables, the permissions and the roles."""
    from admin.accounts import prepare

    prepare(admin_app(settings))


def demo_area(settings: Settings, public_keys: Mapping[str, str], passwords: Mapping[str, str]) -> None:
    """The demo's departments, items, rules and users, and the hosted departments' own folders."""
    ensure_places(settings.connector_folder_here)
    engine = wiring.engine_of(settings)
    try:
        with engine.begin() as tx:
            if demo.ensure_demo_area(tx, public_keys):
                desk = wiring.desk_of(settings)
                demo_web.add_demo_web_department(tx, desk, actor=demo.ACTOR)
                add_county(tx, desk, public_keys[PULLING.code], actor=demo.ACTOR)
            known = set(tx.execute(text("SELECT username FROM ab_user")).scalars())
    finally:
        engine.dispose()
    missing = {name: word for name, word in passwords.items() if name not in known}
    if missing:
        _add_users(settings, missing)


DEMO_NAMES = {
    "data_admin": "数据管理员",
    "clerk": "窗口人员",
    "approver": "审批人员",
    "supervisor": "市场监管人员",
    "inspector": "消防监督员",
    "overseer": "效能监督员",
}
DEMO_DEPARTMENTS = {"supervisor": "scjg", "inspector": demo_web.CODE}
DEMO_ROLES = {"inspector": "supervisor"}  # of accounts that are not called by their role


def _add_users(settings: Settings, passwords: Mapping[str, str]) -> None:
    from admin.accounts import ensure_user

    app = admin_app(settings)
    for name, word in passwords.items():
        role, department = DEMO_ROLES.get(name, name), DEMO_DEPARTMENTS.get(name)
        ensure_user(app, name, word, role=role, name=DEMO_NAMES[name], department=department)


def admin_app(settings: Settings) -> Any:
    """The web application, for what only it knows about accounts."""
    from admin import create_app

    logging.getLogger("flask_appbuilder").setLevel(logging.ERROR)
    return create_app(wiring.admin_config_of(settings))
