"""The doctor's questions about the parts and what is in them: database, store, broker, programs, rules, backlogs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from hub.department import Department, DepartmentKey, topic_in, topic_out
from hub.overview import Overview, overview
from hub.pushing.rules.rule import PushRule
from hub.workday import CalendarDay
from shenguan import probes, wiring
from shenguan.doctor_finding import Check, Finding, Look, unchecked
from shenguan.doctor_host import alerts, connector_host, press
from shenguan.status import TITLES, connector_health

SLOW_SECONDS = 60.0
LATE_SECONDS = 24 * 3600.0
UNREACHABLE = "数据库不通，无法检查"


def _database(look: Look) -> Iterator[Finding]:
    title = "数据库"
    if not look.settings.database_url:
        yield Finding(title, "fail", "没有地址或没有运行", "请启动数据库，或设置 SHENGUAN_DATABASE_URL。")
        return
    engine = wiring.engine_of(look.settings)
    try:
        with engine.connect() as tx:
            version = tx.exec_driver_sql("show server_version").scalar_one()
            behind = _behind(tx)
    finally:
        engine.dispose()
    major = int(str(version).split(".")[0])
    if major < 15:
        yield Finding(title, "fail", f"PostgreSQL {version}", "请升级到 PostgreSQL 16 或更高版本。")
    elif behind:
        yield Finding(title, "fail", behind, "请运行 shenguan migrate。")
    else:
        yield Finding(title, "ok", f"PostgreSQL {version}，表结构是最新的")


def _behind(tx: Connection) -> str | None:
    from pathlib import Path

    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    import hub.migrations

    newest = ScriptDirectory(str(Path(hub.migrations.__file__).parent)).get_current_head()
    here = MigrationContext.configure(tx).get_current_revision()
    if here is None:
        return "还没有建表"
    return None if here == newest else f"表结构是 {here}，应为 {newest}"


def _object_store(look: Look) -> Iterator[Finding]:
    title = "对象存储"
    if not look.settings.s3_endpoint:
        yield Finding(title, "fail", "没有地址或没有运行", "请启动对象存储，或设置 SHENGUAN_S3_ENDPOINT。")
        return
    objects = wiring.objects_of(look.settings)
    objects.check()
    name = f"doctor/{secrets.token_hex(8)}"
    objects.put_bytes(name, b"doctor")
    try:
        same = objects.get_bytes(name) == b"doctor"
    finally:
        objects.delete(name)
    if same:
        yield Finding(title, "ok", f"{look.settings.s3_endpoint}，存储桶 {look.settings.s3_bucket} 可读写")
    else:
        yield Finding(
            title, "fail", "写进去的和读出来的不一样", "请检查对象存储是否多个地址指向了不同的后端。"
        )


def _broker(look: Look) -> Iterator[Finding]:
    from connectors.bus import missing_topics

    title = "消息代理"
    if not look.settings.kafka_bootstrap:
        yield Finding(
            title, "fail", "没有地址或没有运行", "请启动消息代理，或设置 SHENGUAN_KAFKA_BOOTSTRAP。"
        )
        return
    answer = probes.broker(look.settings)
    if not answer.ok:
        yield Finding(
            title,
            "fail",
            answer.detail,
            "请检查消息代理是否在运行、地址和防火墙是否正确。消息都留在发件箱，恢复后自动发出。",
        )
        return
    codes = _department_codes(look)
    area = look.settings.area
    topics = [topic for code in codes for topic in (topic_in(area, code), topic_out(area, code))]
    missing = missing_topics(wiring.bus_of(look.settings), topics)
    if missing:
        yield Finding(
            title,
            "warn",
            f"缺少主题 {'、'.join(missing)}",
            "中继会在几秒内建立；若一直没有，请检查建主题的权限。",
        )
    else:
        yield Finding(title, "ok", f"{look.settings.kafka_bootstrap}，{len(topics)} 个主题都在")


def _department_codes(look: Look) -> list[str]:
    if not probes.ask_all({"database": lambda: probes.database(look.settings)})["database"].ok:
        return []
    engine = wiring.engine_of(look.settings)
    try:
        with engine.connect() as tx:
            return list(tx.execute(select(Department.code).where(Department.active)).scalars())
    finally:
        engine.dispose()


def _web(look: Look) -> Iterator[Finding]:
    if not look.settings.public_url:
        yield Finding("网页", "fail", "没有地址或没有运行", "请启动网页，或设置 SHENGUAN_PUBLIC_URL。")
        return
    answer = probes.web(look.settings.public_url)
    if answer.ok:
        yield Finding("网页", "ok", look.settings.public_url)
    else:
        yield Finding(
            "网页",
            "fail",
            answer.detail,
            "请检查 shenguan web 是否在运行，SHENGUAN_PUBLIC_URL 是否是部门访问的地址。",
        )


def _contents(look: Look) -> Iterator[Finding]:
    """What is in the database, in one look."""
    if (
        not look.settings.database_url
        or not probes.ask_all({"": lambda: probes.database(look.settings)})[""].ok
    ):
        for title in ("后台程序", "告警", "部门密钥", "推送规则", "工作日历", "发件箱", "隔离区", "签收"):
            yield unchecked(title, UNREACHABLE)
        return
    engine = wiring.engine_of(look.settings)
    try:
        with engine.connect() as tx:
            seen = overview(tx, wiring.now())
            yield from _programs(seen)
            yield from connector_host(tx, seen)
            yield from press(tx, seen)
            yield from alerts(tx)
            yield from _departments(tx)
            yield from _rules(tx)
            yield from _calendar(tx)
            yield from _backlog(seen)
            yield from _quarantine(seen)
            yield from _delivery(seen)
    finally:
        engine.dispose()


def _programs(seen: Overview) -> Iterator[Finding]:
    for name in ("web", "relay", "intake"):
        alive = [each for each in seen.programs if each.name == name and each.state in ("running", "waiting")]
        waiting = next((each for each in alive if each.state == "waiting"), None)
        if not alive:
            yield Finding("后台程序", "fail", f"{TITLES[name]}没有在运行", f"请启动：shenguan {name}。")
        elif waiting:
            yield Finding(
                "后台程序",
                "warn",
                f"{TITLES[name]}在等待：{waiting.detail}",
                "处理好它等的部件后会自动继续。",
            )
        else:
            yield Finding("后台程序", "ok", f"{TITLES[name]} {len(alive)} 个在运行")


def _departments(tx: Connection) -> Iterator[Finding]:
    good = select(DepartmentKey.department).where(DepartmentKey.revoked_at.is_(None))
    rows = tx.execute(
        select(Department.code, Department.name).where(
            Department.active,
            Department.code.not_in(good),
            Department.roles.overlap(["supervising", "enforcing"]),
        )
    ).all()
    for row in rows:
        yield Finding(
            "部门密钥",
            "fail",
            f"{row.name}（{row.code}）没有可用的密钥，它的消息都会被隔离",
            f"请向部门要公钥，执行 shenguan department add-key {row.code} --public-key 文件。",
        )
    if not rows:
        yield Finding("部门密钥", "ok", "监管、执法部门都有可用的密钥")


def _rules(tx: Connection) -> Iterator[Finding]:
    count = tx.execute(
        select(func.count()).select_from(PushRule).where(PushRule.state == "published")
    ).scalar_one()
    if count:
        yield Finding("推送规则", "ok", f"{count} 条")
    else:
        yield Finding(
            "推送规则", "fail", "没有推送规则，审批决定不会推送给任何部门", "请在管理网页“推送规则”中添加。"
        )


def _calendar(tx: Connection) -> Iterator[Finding]:
    last = tx.execute(select(func.max(CalendarDay.day))).scalar_one()
    year = wiring.now().year
    if last is None:
        yield Finding("工作日历", "fail", "没有节假日安排，期限会算错", "请运行 shenguan migrate。")
    elif last.year <= year and wiring.now().month == 12:
        yield Finding(
            "工作日历",
            "warn",
            f"只到 {last.year} 年，明年的期限按周一至周五暂算",
            "国务院办公厅公布后请补录。",
        )
    else:
        yield Finding("工作日历", "ok", f"到 {last.year} 年")


def _backlog(seen: Overview) -> Iterator[Finding]:
    waiting, oldest = seen.outbox_unpublished, seen.outbox_oldest_seconds or 0.0
    if waiting and oldest > SLOW_SECONDS:
        yield Finding(
            "发件箱",
            "warn",
            f"{waiting} 条待发，最久 {oldest:.0f} 秒",
            "请看中继是否在运行、消息代理是否正常；大批量导入时属正常。",
        )
    else:
        yield Finding("发件箱", "ok", f"{waiting} 条待发")
    if seen.parked_keys:
        yield Finding(
            "发件箱",
            "warn",
            f"{seen.parked_keys} 个办件的消息被搁置",
            "原因见管理网页“发件箱”，处理后执行 shenguan unpark。",
        )


def _quarantine(seen: Overview) -> Iterator[Finding]:
    if seen.quarantined:
        yield Finding(
            "隔离区",
            "warn",
            f"{seen.quarantined} 条部门消息没有收下",
            "请在管理网页“隔离区”逐条看原因，重放或作废，并告知部门。",
        )
    else:
        yield Finding("隔离区", "ok", "空")


def _delivery(seen: Overview) -> Iterator[Finding]:
    late = [each for each in seen.departments if (each.oldest_undelivered_seconds or 0) > LATE_SECONDS]
    for each in late:
        days = (each.oldest_undelivered_seconds or 0) / 86400
        yield Finding(
            "签收",
            "warn",
            f"{each.name}有 {each.undelivered} 个推送未签收，最久 {days:.1f} 天",
            "请联系该部门查看连接器是否在运行。",
        )
    if not late:
        yield Finding("签收", "ok", "没有部门拖了一天以上")


def _connectors(look: Look) -> Iterator[Finding]:
    for file in sorted(look.settings.data.glob("departments/*/state/state.json")):
        code = file.parent.parent.name
        health = connector_health(file)
        state = {"ok": "ok", "waiting": "warn"}.get(health.state, "fail")
        advice = "" if health.ok else "请看 logs 目录中它的日志；shenguan connector check 可检查设置文件。"
        yield Finding("部门连接器", state, f"{code} {health.detail}", advice)


CHECKS: tuple[Check, ...] = (
    Check("数据库", "请检查数据库是否在运行、SHENGUAN_DATABASE_URL 是否正确。", _database),
    Check(
        "对象存储",
        "请检查对象存储是否在运行、地址和密钥是否正确；没有存储桶时运行 shenguan migrate。",
        _object_store,
    ),
    Check("消息代理", "请检查消息代理是否在运行、地址和权限是否正确。", _broker),
    Check("网页", "请检查 shenguan web 是否在运行。", _web),
    Check("数据", "请运行 shenguan migrate 后再查。", _contents),
    Check("部门连接器", "请看 logs 目录中连接器的日志。", _connectors),
)
