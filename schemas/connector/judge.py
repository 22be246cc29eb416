"""Judge a connector document as a whole: what keeps it from running, and what is worth a second look.

Guarantees: every fault at once, each at its place; a document without faults can be run by any host that has its kinds.
Does not connect to anything, and does not know whether secrets that are said to be sealed are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from schemas.codes import code_table_names
from schemas.connector.document import IN_KINDS, OUT_MESSAGES, ConnectorDocument, Flow, Running, document_from
from schemas.connector.faults import Fault, Faults
from schemas.connector.kinds import kind_form, kind_names, secret_faults, settings_faults
from schemas.connector.titles import title_of
from schemas.mapping import compile_mapping


def document_faults(document: ConnectorDocument | Mapping[str, Any]) -> tuple[Fault, ...]:
    """Everything that keeps this document from running."""
    if not isinstance(document, ConnectorDocument):
        try:
            document = document_from(document)
        except Faults as faults:
            return faults.faults
    found = [*_names(document), *_endpoints(document), *_flows(document), *_tables(document)]
    return tuple(dict.fromkeys([*found, *_running(document.running)]))


def document_advice(document: ConnectorDocument) -> tuple[Fault, ...]:
    """What runs, but is probably not meant."""
    active = [one for one in document.flows if one.active]
    if not active:
        return (
            Fault(
                "flows",
                "还没有启用的线路，连接器什么也不会做",
                "No flow is switched on: the connector would do nothing",
            ),
        )
    found = []
    if not any(one.message == "approval.decided.v1" for one in active):
        found.append(
            Fault(
                "flows",
                f"没有送出“{title_of('approval.decided.v1')}”的线路，部门系统收不到审批决定",
                "No flow sends decided approvals: the department's system will not receive any",
            )
        )
    if document.running.silent_after_days and not any(one.direction == "in" for one in active):
        found.append(
            Fault(
                "running.silent_after_days",
                "没有采集的线路，不会有来信，静默告警没有意义",
                "No flow collects anything, so nothing can come: an alarm for silence means nothing",
            )
        )
    found += _sharing([one for one in active if one.direction == "out"])
    used = {one.endpoint for one in active}
    unused = [one.name for one in document.endpoints if one.name not in used]
    found += [
        Fault("endpoints", f"系统“{name}”没有线路使用", f"No flow uses the system “{name}”")
        for name in unused
    ]
    return tuple(found)


def _sharing(out: list[Flow]) -> Iterator[Fault]:
    """A package counts as delivered when every system has it, so they go on at the pace of the slowest."""
    systems = list(dict.fromkeys(one.endpoint for one in out))
    if len(systems) > 1:
        named = "、".join(f"“{one}”" for one in systems)
        yield Fault(
            "flows",
            f"送出到 {len(systems)} 个系统（{named}），它们共用进度：一个慢或不在，其余的也要等。"
            "建议只送一个，由它转给其余的；属于另一个部门的，放进那个部门自己的连接器",
            f"{len(systems)} systems are sent to ({named}) and share their progress: where one is slow or away, the others"
            " wait. Better send to one that passes it on; what belongs to another department goes into its own connector",
        )


def _names(document: ConnectorDocument) -> Iterator[Fault]:
    for section, what, what_en in (
        ("endpoints", "系统", "system"),
        ("flows", "线路", "flow"),
        ("code_tables", "代码对照表", "code table"),
    ):
        names = [one.name for one in getattr(document, section)]
        yield from (
            Fault(
                f"{section}[{number}].name",
                f"{what}“{name}”重复，名字应各不相同",
                f"There are two of the {what_en} “{name}”: each needs its own name",
            )
            for number, name in enumerate(names)
            if name in names[:number]
        )


def _endpoints(document: ConnectorDocument) -> Iterator[Fault]:
    if not document.endpoints:
        yield Fault("endpoints", "还没有连接的系统，请先添加一个", "There is no system yet: please add one")
    for number, one in enumerate(document.endpoints):
        at = f"endpoints[{number}]"
        if one.kind not in kind_names():
            yield Fault(
                f"{at}.kind",
                f"没有“{one.kind}”这种适配器，可用：{'、'.join(kind_names())}",
                f"There is no adapter “{one.kind}”; there are: {', '.join(kind_names())}",
            )
            continue
        yield from settings_faults(one.kind, "settings", one.settings, at=f"{at}.settings")
        yield from secret_faults(one, at=f"{at}.secrets")


def _flows(document: ConnectorDocument) -> Iterator[Fault]:
    if not document.flows:
        yield Fault("flows", "还没有线路，请先添加一条", "There is no flow yet: please add one")
    kinds = {one.name: one.kind for one in document.endpoints}
    for number, flow in enumerate(document.flows):
        at = f"flows[{number}]"
        known = OUT_MESSAGES if flow.direction == "out" else IN_KINDS
        if flow.message not in known:
            yield Fault(
                f"{at}.message",
                f"没有“{flow.message}”这种消息，可用：{'、'.join(known)}",
                f"There is no message “{flow.message}”; there are: {', '.join(known)}",
            )
        kind = kinds.get(flow.endpoint)
        if kind is None:
            yield Fault(
                f"{at}.endpoint",
                f"没有名为“{flow.endpoint}”的系统，可用：{'、'.join(kinds) or '无'}",
                f"There is no system “{flow.endpoint}”; there are: {', '.join(kinds) or 'none'}",
            )
        elif kind in kind_names():
            if flow.direction not in kind_form(kind)["directions"]:
                form, verb = (
                    kind_form(kind),
                    ("送出", "send") if flow.direction == "out" else ("采集", "collect"),
                )
                words = f"“{form['title']}”不能{verb[0]}"
                yield Fault(f"{at}.direction", words, f"“{form['title_en']}” cannot {verb[1]}")
            else:
                yield from settings_faults(kind, flow.direction, flow.place, at=f"{at}.place")
        yield from _mapping(document, flow, at)


def _mapping(document: ConnectorDocument, flow: Flow, at: str) -> Iterator[Fault]:
    if flow.active and not flow.fields:
        yield Fault(
            f"{at}.fields",
            f"线路“{flow.name}”还没有选择任何字段，请打开它的“配置字段映射”，至少为一个目标字段选择来源",
            f"The flow “{flow.name}” has no field yet: please open its “Map the fields” and choose a source for one",
        )
    try:
        compile_mapping(flow, document.code_tables)
    except Faults as faults:
        for one in faults.faults:
            where = one.at if one.at.startswith(at) else f"{at}.{one.at}" if one.at else at
            yield Fault(where, one.words, one.words_en)


def _tables(document: ConnectorDocument) -> Iterator[Fault]:
    ours = code_table_names()
    for number, one in enumerate(document.code_tables):
        if one.ours and one.ours not in ours:
            yield Fault(
                f"code_tables[{number}].ours",
                f"没有名为“{one.ours}”的代码表，可用：{'、'.join(ours)}",
                f"There is no code table “{one.ours}”; there are: {', '.join(ours)}",
            )


def _running(running: Running) -> Iterator[Fault]:
    if running.schedule and (words := schedule_fault(running.schedule)):
        yield Fault(
            "running.schedule", words, "This is no cron expression of a time that comes, such as 0 8 * * 1-5"
        )
    if bool(running.quiet_from) != bool(running.quiet_to):
        yield Fault(
            "running.quiet_to" if running.quiet_from else "running.quiet_from",
            "静默时段的开始和结束要一起填写",
            "Quiet hours need both their beginning and their end",
        )
    elif running.quiet_from and running.quiet_from == running.quiet_to:
        yield Fault(
            "running.quiet_to", "静默时段的结束不能与开始相同", "Quiet hours must not end when they begin"
        )


def schedule_fault(expression: str) -> str:
    """What is wrong with a cron expression; empty when it names a time that comes."""
    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(expression, datetime(2026, 1, 1)))  # noqa: DTZ001 - only whether it can be read
    except CronSimError:
        return f"“{expression}”不是 cron 表达式，应为“分 时 日 月 星期”五项，如 0 8 * * 1-5（工作日早上八点）"
    except StopIteration:
        return f"“{expression}”不会有到点的时候，请检查日和月"
    return ""
