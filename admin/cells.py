"""How a value looks on a page: local times, ages, pills, masked numbers. Every text is escaped here or by Jinja."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from flask_babel import gettext
from markupsafe import Markup, escape

from admin.connecting.words import CONNECTING_WORDS
from admin.feedback.words import FEEDBACK_WORDS
from admin.inbox.words import JOINING_WORDS
from admin.licensing.words import LICENSING_WORDS
from admin.noticing.words import NOTICING_WORDS
from admin.pushing.words import PUSHING_WORDS
from admin.reconciling.words import RECONCILING_WORDS
from hub.tracing.trace_line import FAMILIES
from hub.workday import LOCAL
from schemas import code_table

EMPTY = Markup('<span class="none">—</span>')

#: code table -> code -> tone of the pill
TONES: dict[str, dict[str, str]] = {
    "push_state": {
        "owed": "wait",
        "arrived": "info",
        "signed": "info",
        "claimed": "good",
        "supervising": "good",
        "answered": "good",
        "closed": "good",
        "held": "warn",
        "returned": "bad",
        "reassigned": "mute",
        "recalled": "mute",
    },
    "check_result": {"1": "good", "2": "warn", "3": "bad"},
    "handling": {"1": "good", "2": "warn", "3": "bad"},
    "licence_status": {"01": "good", "02": "bad", "03": "bad", "04": "mute", "05": "mute", "07": "bad"},
    "quarantine_cause": {},
    "result_type": {"0": "good"},
    "advice_state": {"open": "wait", "answered": "info", "closed": "mute"},
    "rectification_result": {"1": "good", "2": "warn", "3": "bad"},
    "enforcement_result": {"0": "warn", "1": "bad", "2": "bad", "3": "bad", "4": "bad"},
    "credit_kind": {"dishonest": "warn", "serious": "bad", "repaired": "good", "good": "good"},
    "party_light": {"green": "good", "yellow": "warn", "red": "bad"},
}
WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "standing": {"clear": ("正常", "good"), "watch": ("关注", "warn"), "alert": ("告警", "bad")},
    "severity": {"info": ("一般", "info"), "warning": ("重要", "warn"), "alert": ("紧急", "bad")},
    "quarantine_state": {
        "held": ("待处理", "warn"),
        "replayed": ("已重放", "good"),
        "dismissed": ("已作废", "mute"),
    },
    "program_state": {
        "running": ("运行中", "good"),
        "waiting": ("等待恢复", "warn"),
        "stopped": ("已停止", "mute"),
        "gone": ("失去联系", "bad"),
    },
    "effect": {
        "none": ("无影响", "mute"),
        "lift": ("解除暂扣", "good"),
        "warn": ("限期整改", "warn"),
        "freeze": ("暂扣证照", "bad"),
        "propose_freeze": ("建议暂扣，待确认", "warn"),
        "propose_revocation": ("建议吊销，待确认", "bad"),
    },
    "source": {"sheet": ("表格导入", "mute"), "window": ("窗口登记", "mute"), "api": ("接口", "mute")},
    "lane": {"0": ("实时", "info"), "1": ("批量", "mute")},
    "role": {
        "approving": ("审批", "info"),
        "supervising": ("监管", "good"),
        "enforcing": ("执法", "warn"),
    },
    "active": {"True": ("启用", "good"), "False": ("停用", "mute")},
    **JOINING_WORDS,
    "sharing": {
        "unconditional": ("无条件共享", "good"),
        "conditional": ("有条件共享", "warn"),
        "none": ("不予共享", "bad"),
    },
    "resource_kind": {
        "material": ("材料", "info"),
        "licence": ("证照", "good"),
        "result": ("办结结果", "mute"),
    },
    "grant_state": {
        "applied": ("待合规审查", "wait"),
        "reviewed": ("待提供方审核", "wait"),
        "granted": ("已授权", "good"),
        "refused": ("未通过", "bad"),
        "cancelled": ("已撤回", "mute"),
        "expired": ("已到期", "mute"),
        "withdrawn": ("已收回", "bad"),
    },
    "objection_state": {
        "marked": ("已标注", "wait"),
        "verifying": ("核实中", "info"),
        "corrected": ("已更正", "good"),
        "rejected": ("维持原样", "mute"),
        "answered": ("已反馈", "good"),
    },
    "material_state": {
        "pending": ("待受理", "wait"),
        "usable": ("可用", "good"),
        "superseded": ("已有新版本", "mute"),
        "revoked": ("已撤销", "bad"),
        "discarded": ("已作废", "mute"),
    },
    "signature_state": {
        "unchecked": ("签名未核验", "mute"),
        "none": ("无签名", "mute"),
        "valid": ("签名有效", "good"),
        "untrusted": ("签名人未受信", "warn"),
        "invalid": ("签名无效", "bad"),
    },
    "scan_state": {
        "not_configured": ("未设病毒查杀", "mute"),
        "clean": ("未发现病毒", "good"),
    },
    "source_state": {
        "intact": ("完好", "good"),
        "expired": ("已过期", "warn"),
        "revoked": ("已撤销", "bad"),
        "frozen": ("已冻结", "bad"),
        "corrected": ("已更正", "info"),
    },
    "consent_way": {
        "signed": ("书面签字", "good"),
        "spoken": ("当场口头", "info"),
        "online": ("网上确认", "info"),
    },
    **CONNECTING_WORDS,
    **FEEDBACK_WORDS,
    **LICENSING_WORDS,
    **NOTICING_WORDS,
    **PUSHING_WORDS,
    **RECONCILING_WORDS,
    "trace_family": {key: (title, "mute") for key, title in FAMILIES.items()},
}


def pill(text: Any, tone: str = "mute") -> Markup:
    """A status pill."""
    return Markup('<span class="pill {}">{}</span>').format(tone, text)


def word(kind: str, value: Any) -> Markup:
    """A pill for one of our own vocabularies."""
    if value is None:
        return EMPTY
    text, tone = WORDS[kind].get(str(value), (str(value), "mute"))
    return pill(gettext(text), tone)


def word_text(kind: str, value: Any) -> str:
    """The same without a pill."""
    return gettext(WORDS[kind].get(str(value), (str(value), ""))[0]) if value is not None else ""


def code(table: str, value: Any) -> Markup:
    """A pill for a code of a code table; the code itself where the table does not know it."""
    if value is None or value == "":
        return EMPTY
    tone = TONES.get(table, {}).get(str(value), "mute")
    return pill(gettext(code_table(table).get(str(value), str(value))), tone)


def code_text(table: str, value: Any) -> str:
    """The Chinese name of a code (translated where the page is English)."""
    return gettext(code_table(table).get(str(value), str(value))) if value not in (None, "") else ""


def local(moment: datetime | None, pattern: str = "%Y-%m-%d %H:%M") -> str:
    """A moment on the wall clock of Shanghai."""
    if moment is None:
        return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(LOCAL).strftime(pattern)


def when(moment: datetime | None) -> Markup:
    """A moment, with seconds on hover."""
    if moment is None:
        return EMPTY
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(), local(moment, "%Y-%m-%d %H:%M:%S"), local(moment)
    )


def day(value: date | None) -> Markup | str:
    """A date."""
    return EMPTY if value is None else value.isoformat()


def duration(seconds: float | None) -> str:
    """Seconds as a person says them: 42 秒, 3 分钟, 5 小时, 2 天."""
    if seconds is None:
        return ""
    n = max(0, int(seconds))
    if n < 60:
        return gettext("%(n)s 秒", n=n)
    if n < 3600:
        return gettext("%(n)s 分钟", n=n // 60)
    if n < 86400 * 2:
        return gettext("%(n)s 小时", n=n // 3600)
    return gettext("%(n)s 天", n=n // 86400)


def ago(moment: datetime | None) -> Markup:
    """How long ago, with the moment on hover."""
    if moment is None:
        return EMPTY
    text = gettext("%(age)s前", age=duration((datetime.now(UTC) - moment).total_seconds()))
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(), local(moment, "%Y-%m-%d %H:%M:%S"), text
    )


def mono(value: Any) -> Markup:
    """A number or identifier that must be read digit by digit."""
    return EMPTY if value in (None, "") else Markup('<span class="mono">{}</span>').format(value)


def plain(value: Any) -> Markup:
    """Any text."""
    return EMPTY if value in (None, "") else escape(value)


def clip(value: Any, length: int = 46) -> Markup:
    """A long text in one line; the whole on hover."""
    text = "" if value is None else str(value)
    if len(text) <= length:
        return plain(text)
    return Markup('<span title="{}">{}…</span>').format(text, text[: length - 1])


def size(n: int | None) -> str:
    """Bytes as KB and MB."""
    if n is None:
        return ""
    value = float(n)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    return ""


def shown(value: Any) -> Any:
    """Any value of a form or list of Flask-AppBuilder."""
    if value is None or value == "":
        return EMPTY
    if isinstance(value, bool):
        return pill(gettext("是") if value else gettext("否"), "good" if value else "mute")
    if isinstance(value, datetime):
        return when(value)
    if isinstance(value, list):
        return "、".join(str(part) for part in value)
    return value


def who(actor: str, departments: Mapping[str, str]) -> str:
    """An actor of the ledger as a person reads it."""
    kind, _, name = actor.partition(":")
    if kind == "department":
        return departments.get(name, name)
    words_ = {"user": gettext("用户"), "program": gettext("程序")}
    return f"{words_[kind]} {name}" if kind in words_ and name else actor


def moment_or_text(value: Any) -> str:
    """A moment on the wall clock, anything else as it is."""
    return local(value, "%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else str(value)


FILTERS = {
    **{
        one.__name__: one
        for one in (moment_or_text, who, shown, pill, when, day, ago, mono, plain, clip, size)
    },
    "code": lambda value, table: code(table, value),
    "code_text": lambda value, table: code_text(table, value),
    "word": lambda value, kind: word(kind, value),
    "word_text": lambda value, kind: word_text(kind, value),
    "duration": duration,
    "local": local,
}
