"""The house rules that can be counted: small modules, small functions, few parameters, no rooms without a name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("admin", "connectors", "hub", "schemas", "shenguan", "storage")
MODULE_LINES = 300
FUNCTION_LINES = 50
PARAMETERS = 7  # with self; a function that wants more wants a value
NAMELESS = {"utils", "helpers", "common", "manager", "base", "misc"}


def modules() -> Iterator[tuple[Path, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "versions" not in path.parts:  # migrations are written once and never grow
                yield path, path.read_text(encoding="utf-8")


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, source in modules():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def test_modules_can_be_held_in_mind() -> None:
    """No module is longer than 300 lines."""
    long = {str(path.relative_to(ROOT)): source.count("\n") for path, source in modules()}
    assert {name: lines for name, lines in long.items() if lines > MODULE_LINES} == {}


def test_every_module_says_what_it_is() -> None:
    """Every module has a docstring, except empty package markers."""
    silent = [
        str(path.relative_to(ROOT))
        for path, source in modules()
        if source.strip() and not ast.get_docstring(ast.parse(source))
    ]
    assert silent == []


def test_functions_fit_a_screen() -> None:
    """No function is longer than 50 lines, its docstring left out."""
    long = {}
    for name, node in functions():
        first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
        lines = (node.end_lineno or 0) - first.lineno + 1
        if lines > FUNCTION_LINES:
            long[name] = lines
    assert long == {}


def test_few_parameters() -> None:
    """No function takes more than seven parameters by position; what is named at the call may be more."""
    many = {name: len(node.args.args) for name, node in functions() if len(node.args.args) > PARAMETERS}
    assert many == {}


def test_names_say_what_is_inside() -> None:
    """No file or folder is called utils, helpers, common, manager, base."""
    assert [
        str(path) for path, _ in modules() if NAMELESS & {part.removesuffix(".py") for part in path.parts}
    ] == []
