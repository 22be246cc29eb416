"""Making a flow's mapping ready to run: paths read, options checked, expressions compiled; every fault named at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jsonschema_rs

from schemas.connector.document import (
    IN_KINDS,
    CodeTable,
    ConnectorDocument,
    Fault,
    Faults,
    FieldRule,
    Flow,
    Transform,
)
from schemas.mapping.apply import Compiled, Field, Rule
from schemas.mapping.expressions import BadExpression, condition
from schemas.mapping.fields import target_fields
from schemas.mapping.paths import EVERY, BadPath, getter, parsed, putter, within
from schemas.mapping.step import Around, BadOptions, Run
from schemas.mapping.transforms import TRANSFORMS
from schemas.wording import in_chinese

MAX_FIELDS, MAX_STEPS, MAX_SOURCES = 500, 20, 50


def compile_mapping(
    flow: Flow,
    code_tables: Iterable[CodeTable],
    *,
    whole_rows: bool = False,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Compiled:
    """The mapping of this flow, ready for records. Raises Faults, by places within the flow ('fields[3].steps[1]').

    `whole_rows`: what comes are rows of tables, which have every column, be it empty; one that lacks a source is refused.
    """
    tables = {table.name: table for table in code_tables}
    faults: list[Fault] = []
    fields: list[Field] = []
    seen: set[str] = set()
    if len(flow.fields) > MAX_FIELDS:
        raise Faults([Fault("fields", f"字段太多，最多 {MAX_FIELDS} 个")])
    when = _condition(flow.when, "when", faults)
    each = _each(flow, faults)
    for number, rule in enumerate(flow.fields):
        at = f"fields[{number}]"
        if rule.target in seen:
            faults.append(Fault(at, f"目标“{rule.target}”写了两次"))
        seen.add(rule.target)
        field = _field(rule, at, flow, tables, faults)
        if field:
            fields.append(field)
    faults += _overlapping(flow.fields)
    if faults:
        raise Faults(faults)
    columns = {str(parsed(path)[0]) for rule in flow.fields for path in rule.sources} if whole_rows else set()
    return Compiled(tuple(fields), when, each, clock, frozenset(columns))


def compile_flow(document: ConnectorDocument, flow: Flow) -> Compiled:
    """The mapping of a flow of this document, as it runs. Raises Faults."""
    kind = next((one.kind for one in document.endpoints if one.name == flow.endpoint), "")
    return compile_mapping(flow, document.code_tables, whole_rows=brings_rows(kind, flow))


def brings_rows(kind: str, flow: Flow) -> bool:
    """Whether what comes from an endpoint of this kind are rows of tables, which have every column."""
    files = kind in ("folder", "sftp", "s3") and flow.place.get("format") not in ("json", "xml")
    return flow.direction == "in" and (files or kind in ("sql", "up_tables"))


def _condition(source: str, at: str, faults: list[Fault]) -> Callable[[Mapping[str, Any]], bool] | None:
    if not source.strip():
        return None
    try:
        return condition(source)
    except BadExpression as error:
        faults.append(Fault(at, str(error)))
        return None


def _each(flow: Flow, faults: list[Fault]) -> Callable[[Mapping[str, Any]], Any] | None:
    if not flow.each:
        return None
    try:
        if parsed(flow.each)[-1] is EVERY:
            return getter(flow.each)
        faults.append(Fault("each", f"“{flow.each}”不是列表，应以 [] 结尾"))
    except BadPath as error:
        faults.append(Fault("each", str(error)))
    return None


def _field(
    rule: FieldRule, at: str, flow: Flow, tables: Mapping[str, CodeTable], faults: list[Fault]
) -> Field | None:
    before = len(faults)
    try:
        put = putter(rule.target)
    except BadPath as error:
        faults.append(Fault(f"{at}.target", str(error)))
    sources = [_source(path, f"{at}.sources[{n}]", flow.each, faults) for n, path in enumerate(rule.sources)]
    if len(sources) > MAX_SOURCES or len(rule.steps) > MAX_STEPS:
        faults.append(Fault(at, f"来源最多 {MAX_SOURCES} 个，步骤最多 {MAX_STEPS} 个"))
    when = _condition(rule.when, f"{at}.when", faults)
    around = Around(tables, flow.direction, [path for path in sources if path])
    steps = [_step(step, f"{at}.steps[{n}]", around, faults) for n, step in enumerate(rule.steps)]
    _check_sources(rule, at, faults)
    if len(faults) > before:
        return None
    reads = tuple(getter(path) for path in around.sources)
    return Field(
        rule=Rule(
            rule.target,
            _title(rule.target, flow),
            rule.sources,
            rule.required,
            rule.otherwise,
            any(step.do in ("first", "template") for step in rule.steps),
        ),
        name=str(parsed(rule.target)[0]),
        put=put,
        key=parsed(around.sources[0])[0] if len(reads) == 1 and len(parsed(around.sources[0])) == 1 else None,
        nested=len(parsed(rule.target)) > 1,
        reads=reads,
        steps=tuple(
            (TRANSFORMS[step.do].title, run) for step, run in zip(rule.steps, steps, strict=True) if run
        ),
        when=when,
    )


def _title(target: str, flow: Flow) -> str:
    """Of our own fields the Chinese title and the name; theirs go by their names."""
    known = target_fields(flow.message) if flow.direction == "in" and flow.message in IN_KINDS else ()
    return next((f"{one.title} {target}" for one in known if one.path == target and one.title), target)


def _source(path: str, at: str, each: str, faults: list[Fault]) -> str:
    try:
        parsed(path)
        return within(path, each) if each else path
    except BadPath as error:
        faults.append(Fault(at, str(error)))
        return ""


def _check_sources(rule: FieldRule, at: str, faults: list[Fault]) -> None:
    """A rule has something to start from, and several sources are brought together."""
    first = TRANSFORMS.get(rule.steps[0].do) if rule.steps else None
    kinds = [TRANSFORMS[step.do].takes for step in rule.steps if step.do in TRANSFORMS]
    makes = first is not None and (
        first.takes == "none" or rule.steps[0].do in ("expression", "template", "default")
    )
    if not rule.sources and not makes:
        faults.append(Fault(at, "没有来源，请选择来源字段，或以“固定值”“表达式”开头"))
    if len(rule.sources) > 1 and not any(kind != "one" for kind in kinds):
        faults.append(Fault(at, "有几个来源，请加上“合并”“第一个非空”“模板”等一个步骤"))


def _step(step: Transform, at: str, around: Around, faults: list[Fault]) -> Run | None:
    info = TRANSFORMS.get(step.do)
    if not info:
        faults.append(Fault(at, f"没有“{step.do}”这种步骤"))
        return None
    options = dict(step.options)
    wrong = [pair for error in _options(step.do).iter_errors(options) for pair in in_chinese(error)]
    if wrong:
        faults.extend(
            Fault(f"{at}.{path}" if path else at, f"{info.title}：{_titled(step.do, path)}{words}")
            for path, words in wrong
        )
        return None
    try:
        return info.make(options, around)
    except BadOptions as error:
        faults.append(Fault(at, f"{info.title}：{error}"))
        return None


@cache
def _options(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(dict(TRANSFORMS[name].options))


def _titled(name: str, path: str) -> str:
    title = TRANSFORMS[name].options["properties"].get(path, {}).get("title", path)
    return f"{title}：" if title else ""


def _overlapping(rules: Sequence[FieldRule]) -> list[Fault]:
    """A target cannot be a value and an object at once."""
    try:
        targets = {parsed(rule.target): number for number, rule in enumerate(rules)}
    except BadPath:
        return []
    return [
        Fault(f"fields[{number}].target", f"目标“{rules[number].target}”与另一个目标重叠")
        for parts, number in targets.items()
        if any(parts[:length] in targets for length in range(1, len(parts)))
    ]
