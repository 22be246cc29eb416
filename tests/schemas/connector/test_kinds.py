"""The forms of kinds: each complete and sound, and what is filled in judged by them in sentences."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from connectors.adapters import KINDS
from schemas.connector.document import Endpoint, document_from
from schemas.connector.judge import document_advice, document_faults, schedule_fault
from schemas.connector.kinds import kind_form, kind_names, secret_faults, settings_faults, shown

_TITLED = {"type": "string", "minLength": 1}
_ENGLISH = {**_TITLED, "pattern": "^[^\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]*$"}
#: What a field of a form may say of itself.
_FIELD: dict[str, Any] = {
    "type": "object",
    "required": ["title", "x-title-en", "type"],
    "properties": {
        "title": _TITLED,
        "x-title-en": _ENGLISH,
        "description": _TITLED,
        "x-description-en": _ENGLISH,
        "type": {"enum": ["string", "integer", "number", "boolean", "array", "object"]},
        "enum": {"type": "array", "minItems": 1},
        "x-enum-titles": {"type": "array", "items": _TITLED},
        "x-enum-titles-en": {"type": "array", "items": _ENGLISH},
        "x-secret": {"const": True},
        "x-advanced": {"const": True},
        "x-multiline": {"const": True},
        "x-when": {"type": "object", "minProperties": 1},
    },
    "dependentRequired": {
        "description": ["x-description-en"],
        "enum": ["x-enum-titles"],
        "x-enum-titles": ["x-enum-titles-en"],
    },
}
_PART = {
    "type": "object",
    "required": ["type", "properties", "additionalProperties"],
    "properties": {
        "type": {"const": "object"},
        "additionalProperties": {"const": False},
        "properties": {"type": "object", "additionalProperties": _FIELD},
    },
}
FORM = {
    "type": "object",
    "additionalProperties": False,
    "required": ["kind", "title", "title_en", "summary", "summary_en", "directions", "settings", "out", "in"],
    "properties": {
        **dict.fromkeys(("title", "summary"), _TITLED),
        **dict.fromkeys(("kind", "title_en", "summary_en"), _ENGLISH),
        "directions": {"type": "array", "minItems": 1, "items": {"enum": ["out", "in"]}},
        "settings": _PART,
        "out": {"anyOf": [_PART, {"type": "null"}]},
        "in": {"anyOf": [_PART, {"type": "null"}]},
    },
}
SQL = {"dialect": "mysql", "host": "10.1.2.3", "database": "front", "user": "u"}


@pytest.mark.parametrize("kind", kind_names())
def test_a_form_is_complete(kind: str) -> None:
    """Every field and choice has its words in both languages, and what is required, shown or a default fits."""
    form = kind_form(kind)
    jsonschema.validate(form, FORM)
    assert form["kind"] == kind
    assert [way for way in ("out", "in") if form[way] is not None] == sorted(form["directions"], reverse=True)
    for part in ("settings", "out", "in"):
        schema = form[part]
        if schema is None:
            continue
        jsonschema.Draft202012Validator.check_schema(schema)
        properties = schema["properties"]
        assert set(schema.get("required", ())) <= properties.keys()
        assert part == "settings" or not any(one.get("x-secret") for one in properties.values())
        for name, one in properties.items():
            for words in ("x-enum-titles", "x-enum-titles-en"):
                assert len(one.get("enum", ())) == len(one.get(words, ())), name
            assert one.get("x-when", {}).keys() <= properties.keys() - {name}, name
            if "default" in one:
                jsonschema.validate(one["default"], one)


def test_every_adapter_has_its_form() -> None:
    """The kinds that can be opened are the kinds that can be filled in."""
    assert set(kind_names()) == set(KINDS)


def test_what_is_not_shown_is_not_asked_for() -> None:
    """Of a file's database no server is asked; of a server's no file; a missing field is named by its title."""
    schema = kind_form("sql")["settings"]
    assert "host" not in shown(schema, {"dialect": "sqlite"})
    assert settings_faults("sql", "settings", SQL) == []
    (fault,) = settings_faults("sql", "settings", SQL | {"host": ""}, at="endpoints[0].settings")
    assert (fault.at, "服务器地址" in fault.words) == ("endpoints[0].settings.host", True)
    names = {one.at for one in settings_faults("sql", "settings", {"dialect": "sqlite"})}
    assert "path" in names
    assert "host" not in names


def test_secrets_stand_with_the_secrets() -> None:
    """A password among the settings is a fault, as is one that is missing, or one that the kind does not have."""
    (fault,) = settings_faults("sql", "settings", SQL | {"password": "hunter2"})
    assert "hunter2" not in fault.words
    assert [one.at for one in secret_faults(Endpoint("a", "sql", SQL))] == ["password"]
    assert secret_faults(Endpoint("a", "sql", SQL, {"password": "env:X"})) == []
    assert [
        one.at for one in secret_faults(Endpoint("a", "sql", SQL, {"password": "sealed", "x": "sealed"}))
    ] == ["x"]


def a_document(**changes: Any) -> dict[str, Any]:
    return {
        "code": "scjg-db",
        "department": "scjg",
        "title": "前置库",
        "endpoints": [{"name": "front", "kind": "sql", "settings": SQL, "secrets": {"password": "sealed"}}],
        "flows": [a_flow()],
        **changes,
    }


def a_flow(**changes: Any) -> dict[str, Any]:
    return {
        "name": "packages",
        "direction": "out",
        "message": "approval.decided.v1",
        "endpoint": "front",
        "place": {"table": "t"},
        "fields": [{"target": "CASE_NO", "sources": ["case_no"]}],
        **changes,
    }


FAULTY: list[tuple[dict[str, Any], str]] = [
    ({"endpoints": []}, "endpoints"),
    ({"endpoints": [{"name": "front", "kind": "fax"}]}, "endpoints[0].kind"),
    ({"endpoints": [*a_document()["endpoints"]] * 2}, "endpoints[1].name"),
    ({"flows": []}, "flows"),
    ({"flows": [a_flow(), a_flow()]}, "flows[1].name"),
    ({"flows": [a_flow(endpoint="other")]}, "flows[0].endpoint"),
    ({"flows": [a_flow(message="finding")]}, "flows[0].message"),
    ({"flows": [a_flow(place={})]}, "flows[0].place.table"),
    ({"flows": [a_flow(fields=[])]}, "flows[0].fields"),
    ({"flows": [a_flow(when="((")]}, "flows[0].when"),
    (
        {"flows": [a_flow(fields=[{"target": "A", "sources": ["a"], "steps": [{"do": "wish"}]}])]},
        "flows[0].fields[0].steps[0]",
    ),
    ({"code_tables": [{"name": "t", "ours": "nonsense"}]}, "code_tables[0].ours"),
    ({"running": {"schedule": "every day"}}, "running.schedule"),
    ({"running": {"quiet_from": "22:00"}}, "running.quiet_to"),
    ({"running": {"quiet_from": "22:00", "quiet_to": "22:00"}}, "running.quiet_to"),
]


def test_a_sound_document_has_no_faults() -> None:
    """Nothing is wrong with it, and nothing to advise."""
    assert document_faults(a_document()) == ()
    assert document_advice(document_from(a_document())) == ()


@pytest.mark.parametrize(("changes", "at"), FAULTY, ids=[at for _, at in FAULTY])
def test_every_kind_of_fault_is_found(changes: dict[str, Any], at: str) -> None:
    """One thing wrong is found where it is."""
    assert at in [one.at for one in document_faults(a_document(**changes))]


def test_what_runs_and_is_not_meant_is_said() -> None:
    """No decisions sent, nothing active, an alarm without anything that could come, a system that nobody uses."""
    changed = document_from(
        a_document(
            flows=[a_flow(message="licence.changed.v1")],
            running={"silent_after_days": 3},
            endpoints=[*a_document()["endpoints"], {"name": "spare", "kind": "sql"}],
        )
    )
    assert [one.at for one in document_advice(changed)] == ["flows", "running.silent_after_days", "endpoints"]
    assert "没有启用" in document_advice(document_from(a_document(flows=[a_flow(active=False)])))[0].words


def test_systems_that_wait_for_each_other_are_said() -> None:
    """Two systems that are sent to share their progress: that is said, with what to do; a system that is only read from,
    a flow that is switched off and two flows to one system are none."""
    endpoints = [*a_document()["endpoints"], {"name": "other", "kind": "sql"}]
    known = a_document()["endpoints"][0]["name"]
    beside = a_flow(name="beside", endpoint="other")
    for flow, said in (
        (beside, True),
        ({**beside, "active": False}, False),
        ({**beside, "direction": "in", "message": "finding"}, False),
        ({**beside, "endpoint": known}, False),
    ):
        document = document_from(a_document(flows=[a_flow(), flow], endpoints=endpoints))
        advice = document_advice(document)
        assert all(one.words_en for one in advice)
        words = [one.words for one in advice if "共用进度" in one.words]
        assert bool(words) is said
        assert not said or f"“{known}”、“other”" in words[0]


@pytest.mark.parametrize("expression", ["* * * * *", "0 8 * * 1-5", "*/15 8-18 * * *", "0 0 1 1 *"])
def test_cron_expressions(expression: str) -> None:
    """What cron understands is understood."""
    assert schedule_fault(expression) == ""


@pytest.mark.parametrize("expression", ["", "8 点", "60 * * * *", "* * * *", "0 0 30 2 *"])
def test_cron_expressions_that_are_none(expression: str) -> None:
    """What is no time, or a time that never comes, is said in a sentence."""
    assert schedule_fault(expression)
