"""Line: one line of a material list as it is written down, before the database knows it; and reading it from a form.

Guarantees: `parse_lines` gives lines that can be stored in a draft, or one fault for each wrong box, with its line.
Does not ask the database whether a type or an item exists: `check_item` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hub.catalogue.faults import Fault, refuse
from hub.catalogue.formats import MIB, MOST_MIB, known_formats
from hub.catalogue.item_version import FORMS, STAND_IN_KINDS
from hub.catalogue.texts import line, lines, whole, yes

MOST_LINES = 200
MOST_STAND_INS = 30
LINE_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
FORM_TITLES = {"original": "原件", "copy": "复印件", "either": "原件或复印件"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list."""

    material_type: str
    name: str = ""  # empty: the type's name
    code: str = ""  # empty: given when stored
    required: bool = True
    may_follow: bool = False
    deferral_days: int | None = None
    form: str = "either"
    copies: int = 1
    formats: tuple[str, ...] = ()
    max_bytes: int | None = None
    note: str | None = None
    stand_ins: tuple[tuple[str, str], ...] = field(default=())  # (kind, code)


def parse_lines(raw: Any) -> tuple[Line, ...]:
    """Lines from the editor's state. Raises Faulty with every fault."""
    found, faults = tried_lines(raw)
    refuse(faults)
    return found


def tried_lines(raw: Any) -> tuple[tuple[Line, ...], list[Fault]]:
    """The lines as far as they can be read, and every fault."""
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        return (), [Fault("lines", 0, "", "材料清单应为一张表。")]
    if len(raw) > MOST_LINES:
        return (), [Fault("lines", 0, "", f"材料清单最多 {MOST_LINES} 行，现有 {len(raw)} 行。")]
    faults: list[Fault] = []
    found: list[Line] = []
    for number, one in enumerate(raw, 1):
        if not isinstance(one, Mapping):
            faults.append(Fault("lines", number, "name", "这一行读不出来，请删除后重填。"))
            found.append(Line(""))
            continue
        parsed, wrong = parse_line(one)
        found.append(parsed)
        faults += [Fault("lines", number, box, sentence) for box, sentence in wrong.items()]
    return tuple(found), faults


def parse_line(raw: Mapping[str, Any]) -> tuple[Line, dict[str, str]]:
    """One line, and what is wrong with it by box."""
    wrong: dict[str, str] = {}
    code, kind, name = line(raw.get("code")), line(raw.get("material_type")), line(raw.get("name"))
    if code and not LINE_CODE.fullmatch(code):
        wrong["code"] = "行代码只含字母、数字、点、下划线、连字符，至多 40 位。"
    if not kind:
        wrong["material_type"] = "请选择材料类型。"
    if len(name) > 100:
        wrong["name"] = "材料名称至多 100 字。"
    days, right = whole(raw.get("deferral_days"), 0, 250)
    if not right:
        wrong["deferral_days"] = "容缺补交期限应为 0 到 250 个工作日。"
    may_follow = yes(raw.get("may_follow"))
    if days is not None and not may_follow:
        wrong["deferral_days"] = "没有勾选“可容缺”，就不要填补交期限。"
    copies, right = whole(raw.get("copies") or 1, 1, 99)
    if not right:
        wrong["copies"] = "份数应为 1 到 99。"
    form = line(raw.get("form")) or "either"
    if form not in FORMS:
        wrong["form"] = "形式应为原件、复印件或均可。"
    formats, strange = known_formats(_listed(raw.get("formats")))
    if strange:
        wrong["formats"] = f"不接受的格式：{'、'.join(strange)[:60]}。"
    size, right = whole(raw.get("max_mb"), 1, MOST_MIB)
    if not right:
        wrong["max_mb"] = "最大文件应为以 MB 计的正整数。"
    note = lines(raw.get("note"))
    if len(note) > 500:
        wrong["note"] = "说明至多 500 字。"
    stand_ins, fault = _stand_ins(raw.get("stand_ins"))
    if fault:
        wrong["stand_ins"] = fault
    return Line(
        kind,
        name,
        code,
        raw.get("required", True) is True,
        may_follow,
        days,
        form,
        copies or 1,
        tuple(formats),
        size * MIB if size else None,
        note or None,
        stand_ins,
    ), wrong


def _listed(value: Any) -> list[object]:
    return list(value)[:50] if isinstance(value, list | tuple) else []


def _stand_ins(raw: Any) -> tuple[tuple[tuple[str, str], ...], str | None]:
    found: list[tuple[str, str]] = []
    for one in _listed(raw):
        kind, code = (
            (line(one.get("kind")), line(one.get("code")))
            if isinstance(one, Mapping)
            else (str(one[0]), str(one[1]))
            if isinstance(one, list | tuple) and len(one) == 2
            else ("", "")
        )
        if kind not in STAND_IN_KINDS or not code:
            return (), "可替代应指明一种材料、一种证照或一个事项的结果。"
        found.append((kind, code))
    if len(found) > MOST_STAND_INS:
        return (), f"可替代最多 {MOST_STAND_INS} 项。"
    return tuple(found), None


def coded(given: Sequence[Line]) -> tuple[Line, ...]:
    """The same lines, each with a code: what has none gets the next free M01, M02, ..."""
    taken = {one.code for one in given if one.code}
    number = 0
    done: list[Line] = []
    for one in given:
        if not one.code:
            while (code := f"M{number + 1:02d}") in taken:
                number += 1
            taken.add(code)
            one = replace(one, code=code)
        done.append(one)
    return tuple(done)
