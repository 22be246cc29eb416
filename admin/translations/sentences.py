"""Sentences that are written elsewhere than on our pages: of adapters, of mappings, of what is tried with a connector.

Guarantees: `sentences()` finds every Chinese text in their source, with a named place for each value in it, so that the
catalogue has all of them and `admin.in_words` knows them again in what is stored. Their code says nothing but Chinese: it
runs at departments too, where there is no catalogue.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from admin.translations import chinese

_ROOT = Path(__file__).resolve().parents[2]
#: Where everything Chinese is a sentence for people.
_WHOLE = (
    "connectors/adapters/*.py",
    "connectors/errors.py",
    "connectors/host/jobs.py",
    "connectors/host/rehearsal.py",
    "connectors/host/running.py",
    "connectors/host/tries.py",
    "connectors/host/trying.py",
    "connectors/department/collecting.py",
    "connectors/department/evidence.py",
    "connectors/department/flow_files.py",
    "connectors/department/mapped.py",
    "hub/advice/tell_late_answers.py",
    "hub/advice/told.py",
    "hub/exchange/settle_quarantine.py",
    "hub/exchange/take_in.py",
    "hub/exchange/take_safely.py",
    "hub/licensing/living/notify_holders.py",
    "hub/noticing/escalate.py",
    "hub/noticing/raise_alerts.py",
    "hub/pushing/acknowledge.py",
    "hub/pushing/overdue.py",
    "hub/reuse/tell_relied.py",
    "schemas/wording.py",
    "schemas/mapping/apply.py",
    "schemas/mapping/compile.py",
    "schemas/mapping/expressions.py",
    "schemas/mapping/limits.py",
)
#: Where only what fails is: the rest are titles that have their English beside them, or words that are read.
_FAILING = (
    "hub/advice/take_posts.py",
    "hub/feedback/judge.py",
    "hub/reconciling/take_counts.py",
    "hub/supply_materials.py",
    "schemas/mapping/*.py",
)
_SAYS = ("refuse", "Fault", "FieldFault", "Misfit", "BadExpression", "BadOptions", "BadPath")
#: No sentences: columns of files, what is read in the other side's records, what stands in its database or log.
_NONE = frozenset(
    {
        "或",
        " 等",
        "的",
        "%%Y年%%m月%%d日",
        "%Y年%m月%d日",
        "行号",
        "原因",
        "说明",
        "是",
        "否",
        "审管通：已经送达的记录，请勿删除",
        "适配器 %s 出错",
    }
)
#: Those of alerts, which are put together by statements.
_BY_THE_DATABASE = frozenset(
    {
        "%(name)s有 %(n)s 个推送还没有签收",
        "%(name)s 有 %(n)s 条消息还没有发布",
        "%(name)s 有 %(n)s 个办件的消息被搁置：%(cause)s",
        "%(name)s有 %(n)s 条隔离消息等待处理",
        "程序 %(name)s 没有消息",
        "%(name)s有 %(n)s 个更正或撤回还没有签收",
        "%(name)s没有在运行，或与中心失去联系",
        "%(name)s有 %(n)s 条送不到部门系统",
        "%(name)s有 %(n)s 条送不到部门系统：%(words)s",
        "%(name)s的证书已于 %(day)s 到期",
        "%(name)s的证书将于 %(day)s 到期",
        "%(name)s所用的证书将于 %(day)s 到期",
    }
)


def sentences() -> set[str]:
    """Every one of them, as the catalogue has it."""
    found: set[str] = set()
    for pattern in _WHOLE:
        for path in sorted(_ROOT.glob(pattern)):
            tree = ast.parse(path.read_text("utf-8"))
            found |= set(_texts(tree)) | set(_error_words(tree))
    for pattern in _FAILING:
        for path in sorted(_ROOT.glob(pattern)):
            tree = ast.parse(path.read_text("utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Raise) or _is_said(node):
                    found |= set(_texts(node))
    return (found | _BY_THE_DATABASE) - _NONE


def _is_said(node: ast.AST) -> bool:
    named = node.func if isinstance(node, ast.Call) else None
    name = named.id if isinstance(named, ast.Name) else named.attr if isinstance(named, ast.Attribute) else ""
    return name in _SAYS


def _error_words(tree: ast.AST) -> Iterator[str]:
    """An error that is raised without words says those of its class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and (said := ast.get_docstring(node)) and chinese(said):
            yield said


def _texts(tree: ast.AST) -> Iterator[str]:
    beside = {
        part
        for node in ast.walk(tree)
        for part in (
            node.values
            if isinstance(node, ast.JoinedStr)
            else [node.value]
            if isinstance(node, ast.Expr)
            else ()
        )
    }
    for node in ast.walk(tree):
        text = ""
        if isinstance(node, ast.JoinedStr):
            text = _with_places(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in beside:
            text = node.value
        if chinese(text) and "\\d" not in text and "\n" not in text:
            yield text.strip("，；")


def _with_places(node: ast.JoinedStr) -> str:
    """An f-string as a text with named places: each is called as the last name of what stands in it."""
    names: list[str] = []
    text = ""
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            names.append(_name(part.value, names))
            text += f"%({names[-1]})s"
        elif isinstance(part, ast.Constant):
            text += str(part.value).replace("%", "%%")
    return text


def _name(value: ast.expr, taken: list[str]) -> str:
    while isinstance(value, ast.Call | ast.Subscript):
        value = value.func if isinstance(value, ast.Call) else value.value
    name = (
        value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else "x"
    )
    name = name.strip("_").lower()
    number = 2
    while name in taken:
        name, number = f"{name.rstrip('0123456789')}{number}", number + 1
    return name
