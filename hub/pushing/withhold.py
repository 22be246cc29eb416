"""What a department does not see: paths into a package's data, what each may do, and doing it.

A path is `case.legal` (a member), `elements.XK_FR_ZJHM` (an element), `steps[].handle_explain` (that member of every row),
`materials[营业执照]` (the rows of that name, whole), `materials[]` (every row), `licence` or `elements` (all of it).
The name of a material's row is the requirement it was taken for, or its file's name; what was reused for that requirement
goes with it. `materials[...]` holds at the file's own address, too: see hub.read_file.

Guarantees: a package that was valid stays valid, whatever allowed paths are withheld: what the schema requires is null
where it may be, and can only be masked where it may not. A masked text is never longer than the text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from schemas import schema_of

LEFT_OUT, MASKED = "left_out", "masked"
#: Lists of a package: the schema of a row, and the member that names it.
LISTS = {
    "steps": ("step", "process_name"),
    "materials": ("material", "material_name"),
    "reused": ("reuse", "requirement"),
    "promised": ("promise", "material_name"),
    "form": ("formField", "name"),
}
OBJECTS = {"case": "case", "result": "result", "licence": "licence"}
#: What tells what a package is about and how to fetch from it: never withheld.
_KEPT = frozenset(
    {
        "case.project_no", "case.project_type", "case.task_code", "case.task_version", "case.area_code", "case.org_code",
        "case.catalog_code", "case.applyer_page_type", "result.document_no", "steps.process_name", "steps.org_code",
        "licence.certificateIdentifier", "licence.certificateTypeCode", "licence.certificateVersion",
        "licence.issueDeptCode", "licence.certificateHolderTypeCode", "licence.certificateAreaCode", "materials.href",
        "materials.media_type", "materials.get_type", "reused.requirement", "reused.source_no", "promised.material_name",
        "form.name",
    }
)  # fmt: skip
#: The same content under several names: withholding one of them alone tells it all the same.
_SAME = (
    ("case.applyer_page_code", "licence.certificateHolderCode", "elements.XK_XDR_ZJHM", "elements.XK_XDR_SHXYM"),
    ("case.applyer_name", "case.project_name", "licence.certificateHolder", "elements.XK_XDR_MC"),
    ("case.legal", "elements.XK_FRDB"),
    ("result.result_explain", "elements.XK_NR"),
    ("result.result_cetr_no", "licence.certificateNumber", "elements.XK_XKBH"),
)  # fmt: skip
_PATH = re.compile(
    r"(?P<section>[a-z_]+)(?:\[(?P<row>[^\x00-\x1f]{0,200})\])?(?:\.(?P<key>[^.\[\]\s\x00]{1,100}))?"
)
_STARS = 8


class Path(NamedTuple):
    """`row` None: not a list; "": every row. `key` None: the whole."""

    section: str
    row: str | None
    key: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the package's data, and what may be done to it."""

    key: str
    title: str  # "中文 / English", as the schema describes it
    ways: frozenset[str]


def parse_path(path: str) -> Path | None:
    """The parts of a path; None where it is none."""
    found = _PATH.fullmatch(path)
    return Path(found["section"], found["row"], found["key"]) if found else None


@cache
def members(section: str) -> tuple[Member, ...]:
    """The members of an object, or of a list's rows, that can be withheld at all."""
    name = OBJECTS.get(section) or LISTS[section][0]
    schema = schema_of("approval.decided.v1")["$defs"][name]
    found = (
        Member(key, str(one.get("description", key)), _ways(one, key in schema["required"]))
        for key, one in schema["properties"].items()
        if f"{section}.{key}" not in _KEPT
    )
    return tuple(one for one in found if one.ways)


def _ways(schema: Mapping[str, Any], required: bool) -> frozenset[str]:
    kinds = schema.get("type", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    words = schema["items"] if kinds == {"array"} else schema
    free = words.get("type") in ("string", ["string", "null"]) and not words.keys() & {
        "enum", "pattern", "format", "const", "$ref",
    }  # fmt: skip
    nullable = "null" in kinds or str(schema.get("$ref", "")).endswith("OrNull")
    return frozenset(({LEFT_OUT} if not required or nullable else set()) | ({MASKED} if free else set()))


def objection(path: str, way: str) -> str | None:
    """Why this path cannot be withheld this way, if so; a sentence."""
    said = f"“{path[:80]}”"
    parts = parse_path(path)
    if parts is None or parts.section not in {*OBJECTS, *LISTS, "elements"}:
        return f"{said}不是推送包里的内容，请从列表中选择。"
    if (parts.row is not None) != (parts.section in LISTS):
        return f"{said}的写法不对，请从列表中选择。"
    if parts.key is None:
        whole = parts.section in ("licence", "elements") or parts.section in LISTS
        if whole and way == LEFT_OUT:
            return None
        return f"{said}不能整个{'脱敏' if whole else '不提供'}，请选择其中的具体内容。"
    if parts.section == "elements":
        return None
    member = next((one for one in members(parts.section) if one.key == parts.key), None)
    if member is None:
        return f"{said}是识别办件、领取文件所必需的，不能不提供，也不能脱敏。"
    if way in member.ways:
        return None
    return f"{said}是推送包必有的，不能不提供；可以改为脱敏。" if way == LEFT_OUT else f"{said}不能脱敏。"


def same_elsewhere(paths: Collection[str]) -> list[str]:
    """Paths that tell what `paths` withhold, and are not withheld themselves."""
    named = set(paths)
    covered = named | {f"licence.{one.key}" for one in members("licence") if "licence" in named}
    return [
        other
        for group in _SAME
        if named & set(group)
        for other in group
        if other not in covered and not ("elements" in named and other.startswith("elements."))
    ]


def withhold(
    data: Mapping[str, Any],
    left_out: Iterable[str],
    masked: Iterable[str],
    taken_for: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The data without what is left out and with what is masked; `data` stays as it is.

    `taken_for`: material id -> the requirement it was taken for.
    """
    found = dict(data)
    for way, paths in ((LEFT_OUT, left_out), (MASKED, masked)):  # leaving out wins
        for path in paths:
            parts = parse_path(path)
            if parts is not None and found.get(parts.section) is not None:
                found[parts.section] = _section(parts, way, found, taken_for or {})
                if parts.section == "materials" and parts.key is None and found.get("reused"):
                    found["reused"] = [
                        row for row in found["reused"]
                        if row["source_kind"] != "material" or parts.row not in ("", row["requirement"])
                    ]  # fmt: skip
    gone = {"licence", "licence.document"} & set(left_out)
    file = ((data.get("licence") or {}).get("document") or {}).get("material_id") if gone else None
    if file:
        found["materials"] = [row for row in found["materials"] if row["id"] != file]
    return found


def withhold_strictly(
    data: Mapping[str, Any], withheld: Iterable[str], taken_for: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The same where it is not known any more which way each path was withheld: left out where it may be, else masked."""
    ways: dict[str, list[str]] = {LEFT_OUT: [], MASKED: []}
    for path in sorted(withheld):
        ways[MASKED if objection(path, LEFT_OUT) else LEFT_OUT].append(path)
    return withhold(data, ways[LEFT_OUT], ways[MASKED], taken_for)


def _section(parts: Path, way: str, data: Mapping[str, Any], taken_for: Mapping[str, str]) -> Any:
    section, row, key = parts
    value = data[section]
    if section not in LISTS:
        if key is None:
            return {} if section == "elements" else None
        return _member(value, section, key, way)
    named = LISTS[section][1]
    meant = [
        row in ("", one.get(named)) or (section == "materials" and taken_for.get(str(one["id"])) == row)
        for one in value
    ]
    if key is None:
        return [one for one, mine in zip(value, meant, strict=True) if not mine]
    return [_member(one, section, key, way) if mine else one for one, mine in zip(value, meant, strict=True)]


def _member(value: Mapping[str, Any], section: str, key: str, way: str) -> dict[str, Any]:
    if key not in value:
        return dict(value)
    if way == MASKED:
        return {**value, key: _shown(value[key])}
    if section != "elements" and key in _required(section):
        return {**value, key: None}
    return {name: one for name, one in value.items() if name != key}


@cache
def _required(section: str) -> frozenset[str]:
    name = OBJECTS.get(section) or LISTS[section][0]
    return frozenset(schema_of("approval.decided.v1")["$defs"][name]["required"])


def _shown(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return masked_text(str(value))


def masked_text(text: str) -> str:
    """As much of a text as may be shown: of a long number both ends, of a name its first character."""
    length = len(text)
    if length >= 8 and text.isascii() and text.isalnum():
        head, tail = (6, 4) if length >= 14 else (2, 2)
        return f"{text[:head]}{'*' * min(length - head - tail, _STARS)}{text[-tail:]}"
    head = 0 if length == 1 else min(max(1, length // 4), 6)
    return text[:head] + "*" * min(length - head, _STARS)
