"""The five steps of joining: how far each is, what it still lacks, and where to go on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext

from admin.connecting.kind_forms import english, fault_said
from admin.connecting.reading import Shown
from admin.connecting.titles import message_title
from admin.in_words import in_words
from schemas.connector.document import IN_KINDS, document_from
from schemas.connector.faults import Faults
from schemas.connector.kinds import kind_form, kind_names
from schemas.mapping import coverage, target_fields
from schemas.mapping.field_info import FieldInfo


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `lacks`: what is missing, in sentences; none and not done: it is this one's turn."""

    key: str
    title: str
    done: bool
    lacks: tuple[str, ...]
    href: str
    state: str


def steps_of(shown: Shown) -> list[Step]:
    """The steps in order."""
    code = shown.code
    found = (
        ("system", gettext("系统"), url_for("ConnectorView.system", code=code), _system(shown)),
        ("flows", gettext("线路与映射"), url_for("ConnectorView.flows", code=code), _flows(shown)),
        ("test", gettext("测试"), url_for("ConnectorView.test", code=code), _test(shown)),
        ("rehearse", gettext("演练"), url_for("ConnectorView.rehearse", code=code), _rehearsed(shown)),
        ("live", gettext("上线"), url_for("ConnectorView.life", code=code), _live(shown)),
    )
    made: list[Step] = []
    for key, title, href, lacks in found:
        done = not lacks
        due = not done and all(one.done for one in made)
        made.append(Step(key, title, done, tuple(lacks), href, "done" if done else "due" if due else "later"))
    return made


def go_on(steps: list[Step]) -> Step | None:
    """The step whose turn it is."""
    return next((one for one in steps if one.state == "due"), None)


def _system(shown: Shown) -> list[str]:
    if not shown.endpoints:
        return [gettext("还没有填写部门系统在哪里。")]
    lacks = [fault_said(one) for one in shown.faults if one.at.startswith("endpoints")]
    if shown.lacking:
        names = gettext("、").join(
            secret_title(shown, endpoint, name) for endpoint, name in sorted(shown.lacking)
        )
        lacks.append(gettext("要填写，或因为地址改过要重新填写：%(names)s", names=names))
    return lacks


def secret_title(shown: Shown, endpoint: str, name: str) -> str:
    """What a secret is called on the page."""
    kind = next((one.get("kind") for one in shown.endpoints if one.get("name") == endpoint), None)
    settings = kind_form(str(kind)).get("settings", {}) if kind in kind_names() else {}
    field = settings.get("properties", {}).get(name, {})
    return str((field.get("x-title-en") if english() else None) or field.get("title") or name)


def _flows(shown: Shown) -> list[str]:
    if not shown.flows:
        return [gettext("还没有线路：送什么出去，收什么进来。")]
    lacks = [
        gettext("%(name)s：%(words)s", name=where, words=fault_said(one))
        if (where := _flow_of(shown, one.at))
        else fault_said(one)
        for one in shown.faults
        if not one.at.startswith("endpoints") and not one.at.endswith(".fields")
    ]
    active = [one for one in shown.flows if one.get("active", True)]
    unmapped = [message_title(one.get("message")) for one in active if not one.get("fields")]
    if unmapped:
        lacks.insert(0, gettext("还没有字段映射的线路：%(names)s", names=gettext("、").join(unmapped)))
    return lacks + _uncovered(shown)


def _uncovered(shown: Shown) -> list[str]:
    """Flows that collect and leave something out that every statement must say: all of it would be refused."""
    try:
        flows = document_from(shown.document).flows
    except Faults:
        return []  # said as faults
    lacks = []
    for flow in flows:
        if flow.active and flow.fields and flow.direction == "in" and flow.message in IN_KINDS:
            missing = coverage(flow, target_fields(flow.message)).missing
            names = gettext("、").join(_titled(one) for one in missing)
            if names:
                title = message_title(flow.message)
                lacks.append(gettext("%(flow)s：必填的还没有来源：%(names)s", flow=title, names=names))
    return lacks


def _titled(field: FieldInfo) -> str:
    """A target that nothing fills; of those that can stand for each other what they are together."""
    return (field.title_en if english() else field.one_of or field.title) or field.path


def _flow_of(shown: Shown, at: str) -> str:
    """What the flow is called that a fault is in; '' of none."""
    found = re.match(r"flows\[(\d+)\]", at)
    if found is None or int(found[1]) >= len(shown.flows):
        return ""
    return message_title(shown.flows[int(found[1])].get("message"))


def _test(shown: Shown) -> list[str]:
    lacks: list[str] = []
    for one in shown.endpoints:
        name = str(one.get("name", ""))
        job = shown.job("check", endpoint=name)
        if job is None:
            lacks.append(gettext("“%(name)s”还没有测试过。", name=name))
        elif job["state"] in ("waiting", "running"):
            lacks.append(gettext("“%(name)s”正在测试。", name=name))
        elif not _ok(job):
            lacks.append(gettext("“%(name)s”的测试没有通过。", name=name))
    return lacks or ([] if shown.endpoints else [gettext("先填写系统。")])


def _rehearsed(shown: Shown) -> list[str]:
    job = shown.job("sandbox")
    if job is None:
        return [gettext("还没有演练过。")]
    if job["state"] in ("waiting", "running"):
        return [gettext("正在演练。")]
    if job["state"] != "done":
        return [in_words(job["words"] or "") or gettext("演练没有完成。")]
    counts = (job["result"] or {}).get("counts") or {}
    wrong = int(counts.get("different") or 0) + int(counts.get("refused") or 0)
    return [gettext("演练中有 %(n)s 条与预期不同或被拒收。", n=wrong)] if wrong else []


def _live(shown: Shown) -> list[str]:
    state = shown.row["state"]
    if state in ("live", "paused"):
        if shown.draft:
            return [gettext("有未发布的修改，运行的仍是第 %(n)s 版。", n=shown.row["version"])]
        return [] if state == "live" else [gettext("已暂停：%(why)s", why=shown.row["paused_why"] or "")]
    return [gettext("还没有上线。")]


def _ok(job: Any) -> bool:
    return bool(job["state"] == "done" and (job["result"] or {}).get("ok"))
