"""Sentences that are written elsewhere than on our pages: of adapters, of mappings, of what is tried with a connector.

Guarantees: `sentences()` finds every Chinese text in their source, with a named place for each value in it, so that the
catalogue has all of them and `admin.in_words` knows them again in what is stored. Their code says nothing but Chinese: it
runs at departments too, where there is no catalogue.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

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
    "schemas/mapping/apply.py",
    "schemas/mapping/compile.py",
    "schemas/mapping/expressions.py",
    "schemas/mapping/limits.py",
)
#: Where only what fails is: the rest are titles that have their English beside them, or words that are read.
_FAILING = ("schemas/mapping/*.py",)
_SAYS = ("Fault", "FieldFault", "Misfit", "BadExpression", "BadOptions", "BadPath")
#: No sentences: columns of files, what is read in the other side's records, what stands in its database or log.
_NONE = frozenset({"行号", "原因", "说明", "是", "否", "审管通：已经送达的记录，请勿删除", "适配器 %s 出错"})


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
    return found - _NONE


def _is_said(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SAYS


def _error_words(tree: ast.AST) -> Iterator[str]:
    """An error that is raised without words says those of its class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and (said := ast.get_docstring(node)) and _chinese(said):
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
        if _chinese(text) and "\\d" not in text:
            yield text.strip("，；")


def _chinese(text: str) -> bool:
    return any("\u3400" <= letter <= "\u9fff" for letter in text)


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
