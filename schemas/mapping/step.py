"""What a step of a field rule is made of: its name for people, its options as a small JSON Schema, and what makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from schemas.connector.document import CodeTable, Direction
from schemas.mapping.expressions import SPENT
from schemas.mapping.paths import ITEM, NUMBER
from schemas.mapping.results import Misfit, Unmapped

Options = Mapping[str, Any]
#: What a choice is called: the same in both languages, or in Chinese and in English.
Words = str | tuple[str, str]


@dataclass(slots=True)
class Scene:
    """Where a step stands while a record is mapped."""

    record: Mapping[str, Any]
    now: Callable[[], datetime]
    unmapped: list[Unmapped] = field(default_factory=list)
    spent: list[int] = field(default_factory=lambda: [0])

    def names(self, value: Any) -> dict[str, Any]:
        """What an expression may name."""
        record = self.record
        item, number = record.get(ITEM), record.get(NUMBER)
        return {"r": record, "value": value, "item": item, "no": number, SPENT: self.spent}


@dataclass(frozen=True, slots=True)
class Around:
    """What is known when a mapping is compiled: the code tables, the direction, the sources of the rule."""

    tables: Mapping[str, CodeTable]
    direction: Direction
    sources: Sequence[str]


Run = Callable[[Any, Scene], Any]
Make = Callable[[Options, Around], Run]


@dataclass(frozen=True, slots=True)
class TransformInfo:
    """One kind of step. `takes`: one value (of a list each), all of them at once, or none, then it makes the value."""

    title: str
    title_en: str
    make: Make
    takes: Literal["one", "all", "none"] = "one"
    options: Mapping[str, Any] = field(default_factory=lambda: options_of())
    summary: str = ""
    summary_en: str = ""


class BadOptions(ValueError):
    """The options of a step do not fit; the sentence says what to change."""


def options_of(*required: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a step's options."""
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema


def text_option(title: str, title_en: str, **more: Any) -> dict[str, Any]:
    """An option that is a text."""
    return {"type": "string", "maxLength": 500, "title": title, "x-title-en": title_en, **more}


def choice(title: str, title_en: str, choices: Mapping[str, Words], default: str) -> dict[str, Any]:
    """An option that is one of these, each with its words."""
    return {"type": "string", "title": title, "x-title-en": title_en, **worded(choices), "default": default}


def worded(choices: Mapping[str, Words]) -> dict[str, Any]:
    """The keywords of a choice: its values, and what each is called in Chinese and in English."""
    both = [(one, one) if isinstance(one, str) else one for one in choices.values()]
    zh, en = [one[0] for one in both], [one[1] for one in both]
    return {"enum": list(choices), "x-enum-titles": zh, "x-enum-titles-en": en}


def whole_option(title: str, title_en: str, **more: Any) -> dict[str, Any]:
    """An option that is a whole number."""
    return {"type": "integer", "title": title, "x-title-en": title_en, **more}


def flag_option(title: str, title_en: str, default: bool) -> dict[str, Any]:
    """An option that is yes or no."""
    return {"type": "boolean", "title": title, "x-title-en": title_en, "default": default}


def is_empty(value: Any) -> bool:
    """Whether there is nothing in it: none, an empty or blank text, an empty list or object."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or value in ([], {}, ())


def text_of(value: Any) -> str:
    """A scalar as text: whole floats without '.0'; raises Misfit for lists and objects."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Mapping | list | tuple):
        raise Misfit("type", "此处应为单个的值，却是列表或对象")
    return "" if value is None else str(value)


def each_alone(work: Callable[[Any], Any]) -> Run:
    """A step that works on one value: on every element of a list, and not on what is empty."""

    def run(value: Any, _scene: Scene) -> Any:
        if isinstance(value, list | tuple):
            return [None if is_empty(one) else work(one) for one in value]
        return None if is_empty(value) else work(value)

    return run
