"""The connector document as one readable TOML file: how it moves from the test area to production, or to a department.

Guarantees: reading what was written gives the same document; titles stand beside as comments; no secret is in it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.connector.document import ConnectorDocument, document_from, document_to
from schemas.connector.faults import Fault, Faults
from schemas.connector.kinds import form_part, kind_form, kind_names
from schemas.connector.titles import TITLES, title_of

MAX_BYTES = 4 << 20
_HEAD = "审管通部门连接器：一个部门如何接入。不含口令等秘密；字段含义见 connector.schema.json。"


def read_toml(text: str) -> ConnectorDocument:
    """The document. Raises Faults."""
    return document_from(toml_mapping(text))


def toml_mapping(text: str) -> dict[str, Any]:
    """What the file says, its shape not yet judged. Raises Faults where it is not TOML."""
    if len(text) > MAX_BYTES:
        raise Faults([Fault("", f"文件超过 {MAX_BYTES >> 20} MiB 的上限")])
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Faults([Fault("", f"不是有效的 TOML：{error}")]) from None


def write_toml(document: ConnectorDocument) -> str:
    """The file."""
    import tomlkit  # only the hub writes

    said = document_to(document)
    file = tomlkit.document()
    file.add(tomlkit.comment(_HEAD))
    for name, value in said.items():
        if not isinstance(value, dict | list):
            file.add(name, _item(value))
    if "running" in said:
        file.add("running", _table(said["running"]))
    kinds = {one.name: one.kind for one in document.endpoints}
    _add_each(file, "endpoints", said.get("endpoints", []), _endpoint)
    _add_each(file, "flows", said.get("flows", []), lambda one: _flow(one, kinds.get(one["endpoint"], "")))
    _add_each(file, "code_tables", said.get("code_tables", []), _code_table)
    return tomlkit.dumps(file)


def _add_each(file: Any, name: str, items: list[dict[str, Any]], table_of: Any) -> None:
    import tomlkit

    if items:
        listed = tomlkit.aot()
        for one in items:
            listed.append(table_of(one))
        file.add(name, listed)


def _endpoint(one: Mapping[str, Any]) -> Any:
    known = one["kind"] in kind_names()
    table = _table(one, without=("settings", "secrets"))
    if known:
        table["kind"].comment(str(kind_form(one["kind"])["title"]))
    titles = _titles(one["kind"], "settings")
    for part in ("settings", "secrets"):
        if part in one:
            table.add(part, _table(one[part], titles=titles))
    return table


def _flow(one: Mapping[str, Any], kind: str) -> Any:
    table = _table(one, without=("place", "fields", "columns"))
    if one["message"] in TITLES:
        table["message"].comment(
            ("送出：" if one["direction"] == "out" else "采集：") + title_of(one["message"])
        )
    if "place" in one:
        table.add("place", _table(one["place"], titles=_titles(kind, one["direction"])))
    if "columns" in one:
        table.add("columns", _lines(_item(column) for column in one["columns"]))
    _add_each(table, "fields", one.get("fields", []), _rule)
    return table


def _rule(rule: Mapping[str, Any]) -> Any:
    table = _table(rule, without=("steps",))
    if "steps" in rule:
        table.add("steps", _lines(_item(step) for step in rule["steps"]))
    return table


def _code_table(one: Mapping[str, Any]) -> Any:
    table = _table(one, without=("pairs",))
    if "pairs" in one:
        table.add("pairs", _lines(one["pairs"]))
    return table


def _lines(items: Iterable[Any]) -> Any:
    """A list with a line for each."""
    import tomlkit

    listed = tomlkit.array()
    for one in items:
        listed.append(one)
    return listed.multiline(True)


def _table(
    values: Mapping[str, Any], *, without: tuple[str, ...] = (), titles: Mapping[str, str] | None = None
) -> Any:
    import tomlkit

    table = tomlkit.table()
    for name, value in values.items():
        if name not in without:
            table.add(name, _item(value))
            if titles and name in titles:
                table[name].comment(titles[name])
    return table


def _item(value: Any) -> Any:
    """A value inside a line: mappings as inline tables, text over lines where it has some."""
    import tomlkit

    if isinstance(value, Mapping):
        table = tomlkit.inline_table()
        for name, one in value.items():
            table.add(name, _item(one))
        return table
    if isinstance(value, list):
        listed = tomlkit.array()
        for one in value:
            listed.append(_item(one))
        return listed
    return tomlkit.item(value)


def _titles(kind: str, part: Any) -> dict[str, str]:
    schema = (form_part(kind, part) if kind in kind_names() else None) or {}
    return {name: one["title"] for name, one in schema.get("properties", {}).items() if "title" in one}
