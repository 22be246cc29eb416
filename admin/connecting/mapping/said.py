"""What the mapping page posts, and a document's parts as values: rules, columns, code tables.

Guarantees: what is read holds only what the document's schema knows, in its limits; what a stored draft lacks reads as
empty. Does not judge what the rules mean: compiling does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from flask_babel import gettext
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from hub.errors import Rejected
from schemas import Malformed, dumps, loads
from schemas.connector.document import CodeTable, FieldRule, Flow, KnownColumn, Transform

MOST_JSON = 1_500_000
MOST_RULES, MOST_COLUMNS, MOST_PAIRS, MOST_STEPS = 500, 500, 20_000, 50
_PATH, _NOTE, _CONDITION = 400, 500, 4000


def sent() -> dict[str, Any]:
    """The JSON body. Raises Rejected."""
    raw = request.get_data(cache=False)
    if len(raw) > MOST_JSON:
        raise Rejected(gettext("内容太长，超过 1.5 MB。请换一条较小的样本。"))
    try:
        said = loads(raw)
    except Malformed as error:
        raise Rejected(gettext("页面传来的内容读不出来，请刷新后重试。")) from error
    if not isinstance(said, dict):
        raise Rejected(gettext("页面传来的内容读不出来，请刷新后重试。"))
    return said


def answer(told: Any) -> Response:
    """JSON for the page's script, in the order in which it was made; it may hold personal data, so nobody keeps it."""
    made = Response(dumps(told), mimetype="application/json")
    made.headers["Cache-Control"] = "no-store"
    return made


def for_script(told: Any) -> Markup:
    """The same within a page."""
    return htmlsafe_json_dumps(told, dumps=lambda value, **_: dumps(value).decode())


def stamps_said(said: Mapping[str, Any]) -> dict[str, str]:
    """What the page knows of each part that it posts, by part."""
    seen = said.get("seen")
    return {str(name): str(value) for name, value in seen.items()} if isinstance(seen, Mapping) else {}


def flow_said(kept: Mapping[str, Any], said: Any) -> dict[str, Any]:
    """The flow with what the editor says in place of its own; the rest stays as it is."""
    given = said if isinstance(said, Mapping) else {}
    flow = {**kept}
    for name in ("each", "when"):
        flow[name] = _text(given.get(name), _CONDITION if name == "when" else _PATH)
    flow["fields"] = [rule for one in _list(given.get("fields"))[:MOST_RULES] if (rule := _rule(one))]
    flow["columns"] = [
        column for one in _list(given.get("columns"))[:MOST_COLUMNS] if (column := _column(one))
    ]
    return {name: value for name, value in flow.items() if value not in ("", [])}


def tables_said(said: Any) -> list[dict[str, Any]]:
    """The code tables of the document, as an editor says them."""
    found = []
    for one in _list(said)[:200]:
        if not isinstance(one, Mapping) or not (name := _text(one.get("name"), 60)):
            continue
        pairs = [
            [_text(pair[0], _NOTE), _text(pair[1], _NOTE)]
            for pair in _list(one.get("pairs"))[:MOST_PAIRS]
            if isinstance(pair, list) and len(pair) == 2 and _text(pair[0], _NOTE) + _text(pair[1], _NOTE)
        ]
        table = {"name": name, "title": _text(one.get("title"), 100), "ours": _text(one.get("ours"), 60)}
        found.append({key: value for key, value in {**table, "pairs": pairs}.items() if value})
    return found


def _rule(one: Any) -> dict[str, Any] | None:
    if not isinstance(one, Mapping) or not (target := _text(one.get("target"), _PATH)):
        return None
    rule: dict[str, Any] = {
        "target": target,
        "sources": [path for given in _list(one.get("sources"))[:50] if (path := _text(given, _PATH))],
        "steps": [step for given in _list(one.get("steps"))[:MOST_STEPS] if (step := _step(given))],
        "when": _text(one.get("when"), _CONDITION),
        "otherwise": one.get("otherwise"),
        "required": one.get("required") is True,
        "note": _text(one.get("note"), _NOTE),
    }
    kept = {name: value for name, value in rule.items() if value not in ("", [], None) and value is not False}
    return kept if len(kept) > 1 else None


def _step(one: Any) -> dict[str, Any] | None:
    if not isinstance(one, Mapping) or not (do := _text(one.get("do"), 31)):
        return None
    options = one.get("options")
    given = options if isinstance(options, Mapping) else {}
    kept = {str(name)[:60]: value for name, value in given.items() if value is not None}
    return {"do": do, "options": kept} if kept else {"do": do}


def _column(one: Any) -> dict[str, Any] | None:
    if not isinstance(one, Mapping) or not (name := _text(one.get("name"), 200)):
        return None
    length = one.get("length")
    column: dict[str, Any] = {"name": name, "title": _text(one.get("title"), 200)}
    kind = _text(one.get("kind"), 20)
    if kind and kind != "text":
        column["kind"] = kind
    if one.get("required") is True:
        column["required"] = True
    if isinstance(length, int) and 0 < length < 10**9:
        column["length"] = length
    return {key: value for key, value in column.items() if value != ""}


def _text(value: Any, most: int) -> str:
    return value.strip()[:most].replace("\0", "") if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def flow_value(flow: Mapping[str, Any]) -> Flow:
    """A stored or posted flow as the engine takes it."""
    return Flow(
        name=str(flow.get("name", "")),
        direction="in" if flow.get("direction") == "in" else "out",
        message=str(flow.get("message", "")),
        endpoint=str(flow.get("endpoint", "")),
        place=dict(flow.get("place") or {}),
        each=str(flow.get("each", "")),
        when=str(flow.get("when", "")),
        fields=tuple(_rule_value(one) for one in flow.get("fields", ())),
        columns=tuple(_column_value(one) for one in flow.get("columns", ())),
    )


def _rule_value(one: Mapping[str, Any]) -> FieldRule:
    return FieldRule(
        target=str(one["target"]),
        sources=tuple(one.get("sources", ())),
        steps=tuple(
            Transform(str(step["do"]), dict(step.get("options", {}))) for step in one.get("steps", ())
        ),
        when=str(one.get("when", "")),
        otherwise=one.get("otherwise"),
        required=bool(one.get("required")),
        note=str(one.get("note", "")),
    )


def _column_value(one: Mapping[str, Any]) -> KnownColumn:
    kind, required = str(one.get("kind", "text")), bool(one.get("required"))
    return KnownColumn(str(one["name"]), str(one.get("title", "")), kind, required, one.get("length"))


def table_values(tables: Any) -> tuple[CodeTable, ...]:
    """Stored or posted code tables as the engine takes them."""
    return tuple(
        CodeTable(
            str(one["name"]),
            str(one.get("title", "")),
            str(one.get("ours", "")),
            tuple((str(pair[0]), str(pair[1])) for pair in one.get("pairs", ())),
        )
        for one in tables or ()
    )


def rule_told(rule: FieldRule) -> dict[str, Any]:
    """A rule as the page and the document write it."""
    return _rule(
        {
            "target": rule.target,
            "sources": list(rule.sources),
            "steps": [{"do": one.do, "options": dict(one.options)} for one in rule.steps],
            "when": rule.when,
            "otherwise": rule.otherwise,
            "required": rule.required,
            "note": rule.note,
        }
    ) or {"target": rule.target}
