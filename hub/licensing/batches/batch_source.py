"""What a person says about a sheet of licences when it is handed in, checked; and the sheet they may fill in.

Guarantees: nothing is issued of a type without a published version, or by a department that does not approve; the
template of a type has exactly the columns that its licences need and may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from hub.catalogue.fields import FIELD_TYPES, FieldDef
from hub.department import Department
from hub.errors import NotFound, Rejected
from hub.licensing.batches.exchange_columns import exchange_columns
from hub.licensing.batches.exchange_values import FIELD_HINTS
from hub.licensing.types.number_rule import parse_number_rule
from hub.licensing.types.published_type import PublishedType, published_licence_type
from schemas import code_table

#: A licence in one of these statuses makes the same words needless to issue again.
ALIVE = ("01", "02")
#: What stands in the template of a type, beside its fields, and what to write there.
_ASKED = (
    ("certificateHolder", "名称；几个持证主体用 ^ 连接"),
    ("certificateHolderCode", "统一社会信用代码或证件号码；与持证主体同样个数"),
    ("certificateHolderTypeCode", "可空；不是信用代码或公民身份号码时必填"),
    ("legalRepresentative", "可空"),
    ("certificateNumber", "可空，空着按编号规则生成"),
    ("issueDate", "可空，空着为办理当天"),
    ("certificateValidateStart", "可空，空着从颁发日期起"),
    ("certificateValidateEnd", "可空，空着按有效期规则计算；只能比规则短"),
    ("documentNumber", "可空；所依据的决定文书号"),
)


@dataclass(frozen=True, slots=True)
class BatchSource:
    """A file that is handed in."""

    operation: str  # issue, import
    name: str
    sha256: bytes
    type_code: str | None = None
    type_version: int | None = None
    fields: tuple[FieldDef, ...] = ()
    department: str | None = None

    @property
    def scope(self) -> str:
        """What makes equal words another licence."""
        return scope_of(self.operation, self.type_code, self.department)


def scope_of(operation: str, type_code: str | None, department: str | None) -> str:
    """Part of every row's key."""
    return "|".join((operation, type_code or "", department or ""))


def source_of(
    tx: Connection,
    operation: str,
    *,
    name: str,
    sha256: bytes,
    type_code: str | None = None,
    department: str | None = None,
) -> BatchSource:
    """The source, with its type's version. Raises Rejected or NotFound, saying what to choose."""
    if operation == "issue" and not type_code:
        raise Rejected("请选择要制发的证照类型。")
    if operation == "issue" and not department:
        raise Rejected("请选择颁发证照的部门。")
    if department:
        roles = tx.scalar(select(Department.roles).where(Department.code == department, Department.active))
        if roles is None:
            raise NotFound(f"没有代码为 {department[:40]} 的在用部门。")
        if operation == "issue" and "approving" not in roles:
            raise Rejected("所选部门没有审批职能，不能颁发证照。请换一个部门。")
    if not type_code:
        return BatchSource(operation, name, sha256, department=department)
    type_ = published_licence_type(tx, type_code)
    return BatchSource(operation, name, sha256, type_code, type_.number, type_.fields, department)


def template_rows(type_: PublishedType) -> tuple[list[str], list[list[str]]]:
    """The heading of a type's template, and a table that explains every column."""
    columns = {column.code: column for column in exchange_columns()}
    heading: list[str] = []
    explained: list[list[str]] = []
    counted = parse_number_rule(type_.rules.number_rule).counts
    for code, hint in _ASKED:
        column = columns[code]
        if code == "certificateNumber" and not counted:
            hint = "必填；这种证照没有编号规则"
        heading.append(column.name)
        must = "是" if "issue" in column.required or hint.startswith("必填") else "否"
        explained.append([column.name, column.code, must, hint])
    for one in type_.fields:
        if one.label in heading:
            continue
        heading.append(one.label)
        explained.append([one.label, f"KZ_{one.name}", "是" if one.required else "否", _field_hint(one)])
    return heading, explained


def _field_hint(one: FieldDef) -> str:
    words = [FIELD_TYPES[one.type], FIELD_HINTS[one.type]]
    if one.type == "code" and one.code_table:
        table = code_table(one.code_table)
        words = ["、".join(f"{code} {name}" for code, name in list(table.items())[:40])]
    if one.max_length:
        words.append(f"至多 {one.max_length} 字")
    return "；".join(words)


def national_heading() -> tuple[list[str], Sequence[Sequence[str]]]:
    """The heading of the import template, by national names, and a table that explains every column."""
    kept = [column for column in exchange_columns() if column.kind not in ("ignored", "exchange_operation")]
    explained = [
        [column.code, column.name, column.pinyin, "是" if "import" in column.required else "否"]
        for column in kept
    ]
    return [column.code for column in kept], explained


def template_book(type_: PublishedType | None) -> list[tuple[str, list[str], list[list[str]]]]:
    """A template as a workbook's sheets: one to fill in, one that explains; without a type, the national columns."""
    if type_ is None:
        heading, explained = national_heading()
        return [
            ("证照", heading, []),
            ("填写说明", ["列名", "中文名", "拼音名", "必填"], [list(row) for row in explained]),
        ]
    heading, rows = template_rows(type_)
    return [("证照", heading, []), ("填写说明", ["列名", "也可以写作", "必填", "怎么填"], rows)]
