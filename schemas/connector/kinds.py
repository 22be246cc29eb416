"""Kinds of endpoints: the form of each (`kinds/<kind>.json`), and what is wrong with what was filled in.

Guarantees: a field that is not shown (`x-when`) is not asked for; a secret is never among the settings; every fault names
the field by its title. Kinds that others add give their form by the entry point group `shenguan.adapter_forms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from typing import Any, Literal

import jsonschema_rs

from schemas.connector.document import Endpoint
from schemas.connector.faults import Fault
from schemas.encoding import loads
from schemas.wording import in_chinese
from schemas.wording_en import in_english

Part = Literal["settings", "out", "in"]
#: Whether each is met says whether a field is shown.
WHEN = "x-when"
SECRET = "x-secret"  # noqa: S105 - the keyword, not a secret
_GROUP = "shenguan.adapter_forms"


@cache
def kind_names() -> tuple[str, ...]:
    """Every kind that has a form: ours in the alphabet's order, then those that others added."""
    ours = sorted(one.name[:-5] for one in _folder().iterdir() if one.name.endswith(".json"))
    others = sorted({one.name for one in entry_points(group=_GROUP)} - set(ours))
    return (*ours, *others)


@cache
def kind_form(kind: str) -> dict[str, Any]:
    """The form of a kind. Raises KeyError where there is none."""
    if kind not in kind_names():
        raise KeyError(kind)
    file = _folder() / f"{kind}.json"
    if file.is_file():
        form: dict[str, Any] = loads(file.read_bytes())
        return form
    added: dict[str, Any] = next(iter(entry_points(group=_GROUP, name=kind))).load()
    return added


def form_part(kind: str, part: Part) -> dict[str, Any] | None:
    """The schema of the settings, or of a flow's place in one direction; None: it has no such direction."""
    schema: dict[str, Any] | None = kind_form(kind).get(part)
    return schema


def shown(schema: Mapping[str, Any], values: Mapping[str, Any]) -> frozenset[str]:
    """The fields that are shown, given what is filled in."""
    properties: Mapping[str, Any] = schema.get("properties", {})

    def is_shown(name: str, asked: frozenset[str]) -> bool:
        if name in asked:  # a circle of conditions
            return True
        return all(
            _is_one_of(values.get(other, properties.get(other, {}).get("default")), wanted)
            and (other not in properties or is_shown(other, asked | {name}))
            for other, wanted in properties[name].get(WHEN, {}).items()
        )

    return frozenset(name for name in properties if is_shown(name, frozenset()))


def _is_one_of(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, list) else value == wanted


def secret_names(kind: str) -> tuple[str, ...]:
    """The settings of a kind whose values are kept among the secrets."""
    properties = (form_part(kind, "settings") or {}).get("properties", {})
    return tuple(name for name, one in properties.items() if one.get(SECRET))


def settings_faults(kind: str, part: Part, values: Mapping[str, Any], *, at: str = "") -> list[Fault]:
    """What is wrong with the settings, or with a flow's place; `at` is where they are in the document."""
    schema = form_part(kind, part)
    if schema is None:
        form, verb = (
            kind_form(kind),
            ("不能送出", "cannot send") if part == "out" else ("不能采集", "cannot collect"),
        )
        return [Fault(at, f"“{form['title']}”{verb[0]}", f"“{form['title_en']}” {verb[1]}")]
    secret = {name for name, one in schema["properties"].items() if one.get(SECRET)}
    written = sorted(secret & values.keys())
    faults = [
        Fault(
            _below(at, name),
            f"{_title(schema, name)}是秘密，不能写在设置里。请在“秘密”中填写",
            f"{_title_en(schema, name)} is a secret and cannot stand among the settings",
        )
        for name in written
    ]
    seen = shown(schema, values)
    asked = tuple(name for name in schema.get("required", ()) if name in seen and name not in secret)
    kept = {
        name: value
        for name, value in values.items()
        if name not in secret and (name in seen or name not in schema["properties"])
    }
    for error in _validator(kind, part, asked).iter_errors(kept):
        for (path, words), (_, english) in zip(in_chinese(error), in_english(error), strict=True):
            name = path.split(".")[0].split("[")[0]
            said = f"{_title(schema, name)}：{words}" if name else words
            said_en = f"{_title_en(schema, name)} {english}" if name else english
            faults.append(Fault(_below(at, path), said, said_en))
    return list(dict.fromkeys(faults))


def secret_faults(endpoint: Endpoint, *, at: str = "") -> list[Fault]:
    """What is wrong with where an endpoint's secrets are said to be: those that its form asks for, and no others."""
    schema = form_part(endpoint.kind, "settings") or {}
    names, seen = secret_names(endpoint.kind), shown(schema, endpoint.settings)
    faults = [
        Fault(
            _below(at, name),
            f"这类系统没有名为“{name}”的秘密，可用：{'、'.join(names) or '无'}",
            f"Such a system has no secret “{name}”; it has: {', '.join(names) or 'none'}",
        )
        for name in endpoint.secrets
        if name not in names
    ]
    return faults + [
        Fault(
            _below(at, name),
            f"{_title(schema, name)}：缺少必填项",
            f"{_title_en(schema, name)} must be filled in",
        )
        for name in schema.get("required", ())
        if name in names and name in seen and name not in endpoint.secrets
    ]


@cache
def _validator(kind: str, part: Part, asked: tuple[str, ...]) -> jsonschema_rs.Draft202012Validator:
    schema = {**(form_part(kind, part) or {}), "required": list(asked)}
    return jsonschema_rs.Draft202012Validator(schema, offline=True)


def _title(schema: Mapping[str, Any], name: str) -> str:
    said = schema.get("properties", {}).get(name, {}).get("title", name)
    return f"“{said}”"


def _title_en(schema: Mapping[str, Any], name: str) -> str:
    field = schema.get("properties", {}).get(name, {})
    return f"“{field.get('x-title-en') or field.get('title', name)}”"


def _below(at: str, path: str) -> str:
    return f"{at}.{path}" if at and path else at or path


def _folder() -> Any:
    return files("schemas") / "connector" / "kinds"
