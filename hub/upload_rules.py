"""What an upload must keep to before its first byte: its name, its size, the endings that are let in, what it is taken for.

Guarantees: nothing of the client's name but the last path part, without control or direction characters, is kept; every
refusal is a sentence that says what would be right. Looks at no byte of the file: `storage.intake` does.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, select

from hub.case import Case, Decision
from hub.catalogue.material_type import MaterialTypeVersion
from hub.catalogue.published import RequirementLine, item_version
from hub.errors import Conflict, Denied, NotFound, Rejected
from hub.reuse.deferral import promised
from hub.reuse.list_of_case import list_of_case

#: What an installation lets in unless it says otherwise. Endings that mean the same stand under one name.
ENDINGS = (
    "pdf",
    "ofd",
    "jpg",
    "png",
    "tif",
    "bmp",
    "gif",
    "webp",
    "docx",
    "xlsx",
    "pptx",
    "doc",
    "xls",
    "ppt",
    "wps",
    "et",
)
SAME_ENDING = {"jpeg": "jpg", "jpe": "jpg", "tiff": "tif"}
NAME_LONGEST = 120
#: C0, C1, marks that turn the direction of writing, zero-width and line separators.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class IntakeRules:
    """What this installation lets in."""

    max_bytes: int = 2 << 30
    endings: tuple[str, ...] = ENDINGS


class WrongFields(Rejected):
    """表单填写有误，请按提示改正。"""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("".join(faults.values()))
        self.faults = dict(faults)


@dataclass(frozen=True, slots=True)
class Line:
    """The line of the material list that a file is taken for, with the validity rule of its type."""

    asked: RequirementLine
    validity_kind: str = "permanent"
    validity_length: int | None = None
    validity_field: str | None = None


def clean_name(given: str) -> str:
    """A file name that is safe to keep and to show. Raises Rejected where nothing is left of it."""
    text = unicodedata.normalize("NFC", str(given).replace("\\", "/").rsplit("/", 1)[-1])
    text = " ".join(_INVISIBLE.sub("", text).split()).strip(". ")
    stem, dot, ending = text.rpartition(".")
    if not dot or not stem.strip(". "):
        raise Rejected("文件名应有名称和扩展名，例如“营业执照.pdf”。请改名后重新上传。")
    if len(ending) > 10:
        raise Rejected(f"文件名的扩展名“.{ending[:10]}…”不认识。请改名后重新上传。")
    return f"{stem[: NAME_LONGEST - len(ending) - 1]}.{ending}"


def ending_of(name: str) -> str:
    """The ending of a clean name, lower case, in the spelling of ENDINGS."""
    ending = name.rpartition(".")[2].lower()
    return SAME_ENDING.get(ending, ending)


def allowed_endings(rules: IntakeRules, formats: Sequence[str]) -> tuple[str, ...]:
    """What may be taken: the installation's list, narrowed by the line or its type."""
    wanted = {SAME_ENDING.get(one, one) for one in formats}
    return tuple(one for one in rules.endings if not wanted or one in wanted)


def check_announced(name: str, size: int, line: RequirementLine, rules: IntakeRules) -> None:
    """Refuse by name and size alone what would be refused at the end anyway."""
    allowed = allowed_endings(rules, line.formats)
    if ending_of(name) not in allowed:
        raise Rejected(f"“{line.name}”只收 {'、'.join(allowed)} 格式的文件，“{name}”不在其中。请换一种格式。")
    limit = min(one for one in (rules.max_bytes, line.max_bytes) if one)
    if size <= 0:
        raise Rejected(f"“{name}”是空文件，没有内容。请核对后重新选择。")
    if size > limit:
        raise Rejected(
            f"“{name}”有 {size_in_words(size)}，超过“{line.name}”的上限 {size_in_words(limit)}。请压缩或拆分后再上传。"
        )


def size_in_words(size: int) -> str:
    """A size as people read it."""
    for unit, of in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if size >= of:
            return f"{size / of:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size} 字节"


def line_of_case(tx: Connection, case_no: str, requirement_id: uuid.UUID, *, department: str | None) -> Line:
    """The line, if this case may still take a file for it. `department`: whose clerk asks; None: the whole area."""
    state = tx.execute(select(Case.state).where(Case.case_no == case_no)).scalar()
    if state is None:
        raise NotFound(f"没有办件编号为 {case_no[:40]} 的办件。")
    asked = list_of_case(tx, case_no)
    if department is not None and asked.department != department:
        raise Denied(f"办件 {case_no} 不由本部门办理，不能在上面收材料。")
    if state == "withdrawn":
        raise Conflict(f"办件 {case_no} 已经撤回，不能再收材料。")
    decided = tx.execute(select(Decision.id).where(Decision.case_no == case_no)).first()
    if decided and not promised(tx, case_no, requirement_id):
        raise Conflict(f"办件 {case_no} 已经作出决定，推送包已签名发出，不能再加材料（承诺补交的除外）。")
    if asked.version_id is None:
        raise Conflict(f"办件 {case_no} 不是从窗口收件的，没有材料清单可对照。")
    return requirement_line(tx, asked.version_id, requirement_id)


def requirement_line(tx: Connection, version_id: uuid.UUID, requirement_id: uuid.UUID) -> Line:
    """The line of this version. Raises NotFound."""
    asked = item_version(tx, version_id).requirement(requirement_id)
    rule = tx.execute(
        select(
            MaterialTypeVersion.validity_kind,
            MaterialTypeVersion.validity_length,
            MaterialTypeVersion.validity_field,
        ).where(
            MaterialTypeVersion.type_code == asked.material_type,
            MaterialTypeVersion.number == asked.type_version,
        )
    ).one_or_none()
    return Line(asked, *rule) if rule else Line(asked)


def valid_until(line: Line, kept: Mapping[str, Any], today: date) -> date | None:
    """The last day a file taken today may be relied on, by its type's rule; None: it does not expire."""
    if line.validity_kind == "days":
        return today + timedelta(days=line.validity_length or 0)
    if line.validity_kind == "months":
        years, month = divmod(today.month - 1 + (line.validity_length or 0), 12)
        year = today.year + years
        return date(year, month + 1, min(today.day, calendar.monthrange(year, month + 1)[1]))
    if line.validity_kind == "field":
        value = kept.get(line.validity_field or "")
        return date.fromisoformat(str(value["text"])) if value else None
    return None
