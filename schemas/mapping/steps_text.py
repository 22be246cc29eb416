"""Steps over texts and lists of texts: join, split, first, trim, width, replace, cut, case, template, lists."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from schemas.mapping.paths import BadPath, getter
from schemas.mapping.results import Misfit
from schemas.mapping.step import (
    Around,
    BadOptions,
    Options,
    Run,
    Scene,
    TransformInfo,
    choice,
    each_alone,
    flag_option,
    is_empty,
    options_of,
    text_of,
    text_option,
    whole_option,
)

MAX_TEXT = 256 * 1024
_HOLE = re.compile(r"\{([^{}]*)\}")


def listed(value: Any) -> list[Any]:
    """Several as they are, one as a list of one, nothing as none."""
    if isinstance(value, list | tuple):
        return [
            one for several in value for one in (several if isinstance(several, list | tuple) else [several])
        ]
    return [] if is_empty(value) else [value]


def _plain(work: Callable[[str], Any]) -> Callable[[Options, Around], Run]:
    """A step without options over texts."""
    return lambda _options, _around: each_alone(lambda value: work(text_of(value)))


def _join(options: Options, _around: Around) -> Run:
    separator, skip = options.get("separator", ""), options.get("skip_empty", True)

    def run(value: Any, _scene: Scene) -> Any:
        texts = [text_of(one) for one in listed(value) if not (skip and is_empty(one))]
        return separator.join(texts) if any(texts) else None

    return run


def _split(options: Options, _around: Around) -> Run:
    separators, index = options["separator"], options.get("index")
    pattern = re.compile(
        "|".join(re.escape(one) for one in sorted(set(separators)))
        if options.get("any")
        else re.escape(separators)
    )

    def parts(value: Any) -> Any:
        found = [part.strip() for part in pattern.split(text_of(value))]
        if index is None:
            return [part for part in found if part]
        at = index - 1 if index > 0 else index
        return found[at] if -len(found) <= at < len(found) else None

    def run(value: Any, scene: Scene) -> Any:
        made = each_alone(parts)(value, scene)
        return listed(made) if index is None else made

    return run


def _first(_options: Options, _around: Around) -> Run:
    return lambda value, _scene: next((one for one in listed(value) if not is_empty(one)), None)


def _item(options: Options, _around: Around) -> Run:
    at = options["index"] - 1 if options["index"] > 0 else options["index"]

    def run(value: Any, _scene: Scene) -> Any:
        several = listed(value)
        return several[at] if -len(several) <= at < len(several) else None

    return run


def _replace(options: Options, _around: Around) -> Run:
    old, new = options["old"], options.get("new", "")

    def replaced(value: Any) -> str:
        text = text_of(value)
        if len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT:
            raise Misfit("too_big", "替换后的文字太长")
        return text.replace(old, new)

    return each_alone(replaced)


def _substring(options: Options, _around: Around) -> Run:
    start, length = options.get("start", 1), options.get("length")
    begin = start - 1 if start > 0 else start

    def cut(value: Any) -> str:
        rest = text_of(value)[begin:]
        return rest if length is None else rest[:length]

    return each_alone(cut)


def _pad(options: Options, _around: Around) -> Run:
    width, filler = options["width"], options.get("with", "0")
    if len(filler) != 1:
        raise BadOptions("补位的字符应为一个字符")
    return each_alone(lambda value: text_of(value).rjust(width, filler))


def _template(options: Options, around: Around) -> Run:
    pattern, whole = options["template"], options.get("whole", False)
    literals, reads = _HOLE.split(pattern)[::2], []
    for hole in _HOLE.findall(pattern):
        name = hole.strip()
        if name.isdigit():
            if not 1 <= int(name) <= len(around.sources):
                raise BadOptions(f"模板中的 {{{hole}}} 没有对应的来源，来源只有 {len(around.sources)} 个")
            name = around.sources[int(name) - 1]
        try:
            reads.append(getter(name))
        except BadPath as error:
            raise BadOptions(f"模板中的 {{{hole}}}：{error}") from None

    def run(_value: Any, scene: Scene) -> Any:
        found = [read(scene.record) for read in reads]
        texts = ["" if is_empty(one) else "、".join(text_of(part) for part in listed(one)) for one in found]
        if texts and (not any(texts) or (whole and not all(texts))):
            return None
        return literals[0] + "".join(text + after for text, after in zip(texts, literals[1:], strict=True))

    return run


def _json(_options: Options, _around: Around) -> Run:
    def run(value: Any, _scene: Scene) -> Any:
        try:
            return (
                None
                if is_empty(value)
                else json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
            )
        except (TypeError, ValueError):
            raise Misfit("type", "这个值不能写成 JSON 文字") from None

    return run


def _unique(_options: Options, _around: Around) -> Run:
    def run(value: Any, _scene: Scene) -> Any:
        seen: dict[Any, Any] = {}
        for one in listed(value):
            seen.setdefault(one if isinstance(one, str | int) else repr(one), one)
        return list(seen.values())

    return run


def _space(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _width(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


_INDEX = whole_option("第几个", "Which", minimum=-1000, maximum=1000, not_={"const": 0})
_INDEX["not"] = _INDEX.pop("not_")
_SEPARATOR = text_option("分隔符", "Separator", maxLength=20)

TEXT_STEPS: dict[str, TransformInfo] = {
    "join": TransformInfo(
        "合并", "Join", _join, "all",
        options_of(
            separator={**_SEPARATOR, "default": ""},
            skip_empty=flag_option("跳过空的", "Skip empty ones", True),
        ),
        "把几个来源或一个列表连成一段文字", "Several values as one text",
    ),
    "split": TransformInfo(
        "拆分", "Split", _split, "one",
        options_of(
            "separator",
            separator={**_SEPARATOR, "minLength": 1},
            any=flag_option("每个字符都是分隔符", "Every character separates", False),
            index={
                **_INDEX, "description": "不填则为列表；-1 为最后一个",
                "x-description-en": "Empty: all, as a list; -1 is the last",
            },
        ),
        "按分隔符拆成列表，或只取其中一个", "A list, or one part of it",
    ),
    "first": TransformInfo("第一个非空", "First that is filled", _first, "all"),
    "item": TransformInfo("列表的一项", "One of a list", _item, "all", options_of("index", index=_INDEX)),
    "list": TransformInfo("作为列表", "As a list", lambda _o, _a: lambda value, _s: listed(value), "all"),
    "unique": TransformInfo("去掉重复", "Without duplicates", _unique, "all"),
    "count": TransformInfo("个数", "How many", lambda _o, _a: lambda value, _s: len(listed(value)), "all"),
    "trim": TransformInfo("去掉首尾空白", "Trim", _plain(str.strip)),
    "space": TransformInfo(
        "合并空白", "Collapse blanks", _plain(_space),
        summary="多个空格、换行合为一个空格", summary_en="Several blanks and line ends as one",
    ),
    "width": TransformInfo("全角转半角", "Full width to half", _plain(_width)),
    "upper": TransformInfo("转大写", "Upper case", _plain(str.upper)),
    "lower": TransformInfo("转小写", "Lower case", _plain(str.lower)),
    "replace": TransformInfo(
        "替换", "Replace", _replace, "one",
        options_of(
            "old",
            old=text_option("查找", "Find", minLength=1),
            new=text_option("替换为", "Replace with", default=""),
        ),
    ),
    "substring": TransformInfo(
        "截取", "Substring", _substring, "one",
        options_of(
            start=whole_option("从第几个字起", "From", default=1, minimum=-10000, maximum=10000),
            length=whole_option("几个字", "How many", minimum=0, maximum=10000),
        ),
        "从第几个字起取几个字；负数从末尾数", "From a place, counted from the end where negative",
    ),
    "pad": TransformInfo(
        "补足位数", "Pad", _pad, "one",
        options_of(
            "width",
            width=whole_option("位数", "Width", minimum=1, maximum=200),
            **{"with": text_option("用什么补", "With", default="0", maxLength=1)},
        ),
        "如把 1 写成 001", "Like 1 as 001",
    ),
    "template": TransformInfo(
        "模板", "Template", _template, "all",
        options_of(
            "template",
            template=text_option(
                "模板", "Template", minLength=1, description="{1}、{2} 为第几个来源，如 {1}（{2}）",
                **{"x-description-en": "{1} and {2} are the first and second source, as in {1} ({2})"},
            ),
            whole=flag_option("任何一处为空则整体为空", "Empty where one is empty", False),
        ),
    ),
    "json": TransformInfo(
        "JSON 文字", "JSON text", _json, "all",
        summary="把对象或列表写成 JSON 文字", summary_en="An object or a list as JSON text",
    ),
}  # fmt: skip


__all__ = ["TEXT_STEPS", "choice", "listed"]
