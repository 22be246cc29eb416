"""What the developers' pages tell, out of the contracts themselves: calls, messages, code tables, documents, adapters.

Guarantees: nothing is written down here that a schema says; a field that is added there appears here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from flask import url_for
from flask_babel import gettext

from admin.connecting.kind_forms import told as told_kind
from admin.developing.schema_told import Row, own_words, rows
from admin.rest.description import document as rest_document
from schemas import asyncapi, code_table_file, code_table_names, examples_of, schema_of
from schemas.connector.kinds import kind_form, kind_names
from schemas.connector.structure import connector_schema
from schemas.messages import MESSAGE_TYPES

NOWHERE = "https://hub.example"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the REST door."""

    method: str
    path: str
    anchor: str
    summary: str
    public: bool
    parameters: list[Mapping[str, Any]]
    bodies: list[dict[str, Any]]  # media, rows, example
    answers: list[dict[str, Any]]  # status, words, rows
    sample: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the topics."""

    name: str
    title: str
    words: str
    way: str
    rows: list[Row]
    examples: list[str]


def calls(address: str = NOWHERE) -> list[Call]:
    """Every call, in the document's order."""
    whole = rest_document(address)
    return [
        _call(whole, address, method, path, said)
        for path, methods in whole["paths"].items()
        for method, said in methods.items()
    ]


def _call(whole: Mapping[str, Any], address: str, method: str, path: str, said: Mapping[str, Any]) -> Call:
    bodies = [
        {"media": media, "rows": rows(one.get("schema", {}), whole), "example": _json(one.get("example"))}
        for media, one in said.get("requestBody", {}).get("content", {}).items()
    ]
    answers = []
    for status, one in said.get("responses", {}).items():
        answer = _followed(one, whole)
        content: Mapping[str, Any] = next(iter(answer.get("content", {}).values()), {})
        found = rows(content.get("schema", {}), whole) if status.startswith("2") else []
        answers.append(
            {
                "status": status,
                "words": own_words(answer.get("description")),
                "rows": found,
                "example": _json(content.get("example")),
            }
        )
    parameters = [
        {**one, "description": own_words(one.get("description"))}
        for one in (_followed(each, whole) for each in said.get("parameters", ()))
    ]
    public = said.get("security") == []
    return Call(
        method.upper(),
        path,
        str(said["operationId"]),
        own_words(said.get("summary")),
        public,
        parameters,
        bodies,
        answers,
        _curl(address, method, path, public, bodies),
    )


def _curl(address: str, method: str, path: str, public: bool, bodies: list[dict[str, Any]]) -> str:
    lines = [f"curl -X {method.upper()} {address}{path}"]
    if not public:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    if bodies and bodies[0]["example"]:
        lines += [f'-H "Content-Type: {bodies[0]["media"]}"', "--data @body.json"]
    return " \\\n  ".join(lines)


def _followed(one: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    target: Any = one
    if "$ref" in one:
        target = whole
        for part in str(one["$ref"]).removeprefix("#/").split("/"):
            target = target[part]
    found: Mapping[str, Any] = target
    return found


def ways() -> list[tuple[str, str, str, list[str]]]:
    """The channels: key, address, what it is for, its messages."""
    channels = asyncapi.document()["channels"]
    return [
        (key, one["address"], own_words(one["description"]), list(one["messages"]))
        for key, one in channels.items()
    ]


def message(name: str) -> Message:
    """One message; KeyError for other names."""
    schema = schema_of(name)
    way = next((address for _key, address, _words, names in ways() if name in names), "")
    envelope = rows(schema["$defs"]["envelope"], schema)
    inner = rows({"properties": schema["properties"], "required": ["type", "data"]}, schema)
    known = {one.path for one in inner}
    return Message(
        name,
        own_words(schema["title"]),
        own_words(schema["description"]),
        way,
        [*(one for one in envelope if one.path not in known), *inner],
        [json.dumps(one, ensure_ascii=False, indent=2) for one in examples_of(name)],
    )


def message_titles() -> dict[str, str]:
    """Every message's title."""
    return {name: own_words(schema_of(name)["title"]) for name in MESSAGE_TYPES}


def tables() -> list[dict[str, Any]]:
    """Every code table: name, title, source, how far checked, codes."""
    return [code_table_file(name) for name in code_table_names()]


def connector_rows() -> list[Row]:
    """The connector document."""
    return rows(connector_schema(), connector_schema())


def kinds() -> list[dict[str, Any]]:
    """Every kind of adapter with its forms."""
    return [
        {
            "kind": name,
            "title": told_kind(form, "title"),
            "summary": told_kind(form, "summary"),
            "parts": [
                (title, rows(form[part], form[part]))
                for part, title in (
                    ("settings", gettext("连接设置")),
                    ("out", gettext("送出时的位置")),
                    ("in", gettext("采集时的位置")),
                )
                if form.get(part)
            ],
        }
        for name in kind_names()
        for form in (kind_form(name),)
    ]


@cache
def own_adapter() -> str:
    """The example adapter's source, which a test runs."""
    return (files("admin") / "developing" / "own_adapter.py.txt").read_text("utf-8")


def found(words: str, most: int = 60) -> list[tuple[str, str, str]]:
    """Where words stand: address, heading, the words around; all of them have to be there."""
    wanted = [one for one in words.lower().split() if one][:8]
    if not wanted:
        return []
    hits = [
        (href, heading, text)
        for href, heading, text in _index()
        if all(one in f"{heading} {text}".lower() for one in wanted)
    ]
    # What is called so comes before what only mentions it.
    hits.sort(key=lambda hit: not all(one in hit[1].lower() for one in wanted))
    return hits[:most]


def _index() -> list[tuple[str, str, str]]:
    entries = [
        (url_for("DeveloperView.rest") + f"#{one.anchor}", f"{one.method} {one.path}", one.summary)
        for one in calls()
    ]
    for name in MESSAGE_TYPES:
        told, href = message(name), url_for("DeveloperView.message", name=name)
        entries.append((href, f"{told.title} {name}", told.words))
        entries += [(f"{href}#{one.anchor}", f"{name} {one.path}", one.words) for one in told.rows]
    href = url_for("DeveloperView.codes")
    for table in tables():
        codes = "、".join(f"{code} {name}" for code, name in table["codes"].items())
        entries.append((f"{href}#{table['name']}", f"{table['title']} {table['name']}", codes))
    href = url_for("DeveloperView.connector")
    entries += [(f"{href}#{one.anchor}", one.path, one.words) for one in connector_rows()]
    href = url_for("DeveloperView.adapters")
    entries += [(f"{href}#{one['kind']}", f"{one['title']} {one['kind']}", one["summary"]) for one in kinds()]
    return entries


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)
