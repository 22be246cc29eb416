"""A sheet of licences, row by row: clean values, or every reason why the row cannot be taken.

Guarantees: all faults of a row at once, each with column, cause and cure; no cause repeats a citizen's number; equal
content gives an equal key, whatever the order of columns or the spelling of dates. Reads no file, database or clock.
Does not guarantee: anything about other rows, nor that somebody's number was ever issued.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hub.catalogue.fields import check_values
from hub.deciding.decided_case import PartyFacts
from hub.identifiers import citizen_number_fault, uscc_fault
from hub.licensing.batches.exchange_columns import Heading, exchange_columns
from hub.licensing.batches.exchange_values import FIELD_HINTS, READERS, after, blank, field_word, plain
from hub.sheets.sheet import Refusal
from hub.sheets.sheet_values import LONG_TERM, Fault
from schemas import canonical

_TITLES = {column.code: column.title for column in exchange_columns()}
_BODIES = ("001", "099")
_EXPECTED = {
    "001": "18 位统一社会信用代码，请对照营业执照或登记证书核对",
    "111": "18 位公民身份号码，请对照证件核对",
}
_EARLIEST = "1949-10-01"
Faults = dict[str, Fault]  # by column


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """One valid row. `values` by national name; dates are YYYY-MM-DD, LONG_TERM for long-term."""

    row: int
    values: Mapping[str, str]
    holders: tuple[PartyFacts, ...]
    fields: Mapping[str, str]
    extras: Mapping[str, str]
    key: bytes

    def day(self, code: str) -> date | None:
        """A date of the row; None where it says none, or long-term."""
        text = self.values.get(code, "")
        return date.fromisoformat(text) if text and text != LONG_TERM else None


def read_exchange_row(
    heading: Heading, cells: Sequence[str], row: int, *, today: date
) -> ExchangeRow | list[Refusal]:
    """The row, or every reason against it."""
    faults: Faults = {}
    values = _known(heading, cells, faults)
    extras = _extras(heading, cells, values)
    fields = _fields(heading, cells, extras, faults)
    holders = _holders(values, faults)
    _required(heading, values, faults)
    _dates(heading, values, faults, today)
    if len(cells) > len(heading.cells) and any(cell.strip() for cell in cells[len(heading.cells) :]):
        faults["整行"] = Fault(
            f"这一行有 {len(cells)} 格，表头只有 {len(heading.cells)} 列",
            "每格对应一列；CSV 中含逗号的内容请加双引号",
        )
    if faults:
        return [Refusal(row, column, fault.cause, fault.expected) for column, fault in faults.items()]
    said = {"scope": heading.scope, "values": values, "fields": fields, "extras": extras}
    key = hashlib.sha256(canonical(said)).digest()
    return ExchangeRow(row, values, holders, fields, extras, key)


def raw_key(cells: Sequence[str]) -> bytes:
    """The key of a row that nobody can read."""
    return hashlib.sha256(b"raw\0" + "\0".join(cells).encode("utf-8", "surrogatepass")).digest()


def _known(heading: Heading, cells: Sequence[str], faults: Faults) -> dict[str, str]:
    values: dict[str, str] = {}
    count = len(cells)
    for at, column in heading.known:
        if at >= count or not cells[at] or not (column.kept or column.kind == "exchange_operation"):
            continue
        if heading.operation == "issue" and not column.issue:
            continue
        try:
            text = plain(cells[at])
            if blank(text):
                continue
            text = READERS[column.kind](text)
            if column.length is not None and len(text) > column.length:
                raise Fault(f"长度为 {len(text)} 个字符", f"不超过 {column.length} 个字符")
            if text:
                values[column.code] = text
        except Fault as fault:
            faults[column.title] = fault
    return values


def _extras(heading: Heading, cells: Sequence[str], values: dict[str, str]) -> dict[str, str]:
    """What the extension says, and columns nobody knows."""
    extras: dict[str, str] = json.loads(values.pop("extendInfo", "{}"))
    for at, label in heading.extras:
        if at < len(cells) and cells[at].strip():
            try:
                text = plain(cells[at])
            except Fault:
                text = "".join(char for char in cells[at][:20_000] if char.isprintable()).strip()
            if text:
                extras.setdefault(label, text)
    return extras


def _fields(heading: Heading, cells: Sequence[str], extras: dict[str, str], faults: Faults) -> dict[str, str]:
    """The type's own fields: from their columns, or out of the extension."""
    given: dict[str, str] = {}
    for one in heading.definitions:
        for name in (one.name, f"KZ_{one.name}", one.label):
            if name in extras:
                given[one.name] = extras.pop(name)
    for at, one in heading.fields:
        if at < len(cells) and cells[at].strip():
            given[one.name] = cells[at]
    read: dict[str, str] = {}
    for one in heading.definitions:
        try:
            read[one.name] = field_word(given.get(one.name, ""), one.type)
        except Fault as fault:
            faults[one.label] = fault
    clean, wrong = check_values(heading.definitions, read)
    for one in heading.definitions:
        if one.name not in wrong or one.label in faults:
            continue
        if heading.operation == "import" and not read.get(one.name):
            continue  # another authority's licence may say less than ours
        faults[one.label] = Fault(wrong[one.name].rstrip("。"), FIELD_HINTS[one.type])
    if heading.operation == "issue":
        extras.clear()
    return clean


def _holders(values: dict[str, str], faults: Faults) -> tuple[PartyFacts, ...]:
    names, codes, types = (
        json.loads(values.get(name, "[]"))
        for name in ("certificateHolder", "certificateHolderCode", "certificateHolderTypeCode")
    )
    stated = json.loads(values.pop("certificateHolderType", "[]"))
    types = types or stated
    title = _TITLES["certificateHolderCode"]
    if "certificateHolder" not in values or "certificateHolderCode" not in values or title in faults:
        return ()
    if not names or len(codes) != len(names) or (types and len(types) not in (1, len(names))):
        faults[title] = Fault(
            f"持证主体有 {len(names)} 个，代码有 {len(codes)} 个"
            + (f"，类型有 {len(types)} 个" if types else ""),
            "个数相同，按同一顺序用 ^ 连接",
        )
        return ()
    if len(types) == 1:
        types *= len(names)
    holders = []
    for at, (name, code) in enumerate(zip(names, codes, strict=True)):
        kind, cause = _code_type(code, types[at] if types else "")
        if not name or cause:
            faults[title if name else _TITLES["certificateHolder"]] = Fault(
                cause or "持证主体没有名称", _EXPECTED.get(kind, "名称和证件号码各一个，请对照证件核对")
            )
            return ()
        holders.append(PartyFacts(_party_kind(code, kind), name, code, kind))
    if len({holder.code for holder in holders}) != len(holders):
        faults[title] = Fault("同一个持证主体写了两次", "每个持证主体只写一次")
        return ()
    values["certificateHolderTypeCode"] = json.dumps([holder.code_type for holder in holders])
    first = holders[0]
    legal = values.get("legalRepresentative")
    return (PartyFacts(first.kind, first.name, first.code, first.code_type, legal), *holders[1:])


def _code_type(code: str, stated: str) -> tuple[str, str | None]:
    """Of which kind a holder's code is, and what is wrong with it."""
    if not stated and len(code) == 18:
        stated = "111" if code[:17].isdigit() and uscc_fault(code) is not None else "001"
    if stated == "001":
        return "001", uscc_fault(code)
    if stated == "111":
        return "111", citizen_number_fault(code)
    if not stated:
        return "", "看不出持证主体代码是哪一种证件，请加一列“持证主体代码类型”"
    return stated, None if len(code) >= 3 else "证件号码过短"


def _party_kind(code: str, kind: str) -> str:
    if kind not in _BODIES:
        return "natural"
    return "individual" if kind == "001" and code.startswith("92") else "legal"


def _required(heading: Heading, values: Mapping[str, str], faults: Faults) -> None:
    for column in exchange_columns():
        if heading.operation in column.required and column.code not in values and column.title not in faults:
            faults[column.title] = Fault("缺少必填内容", f"请填写{column.name}")
    if values.get("status") == "99" and not values.get("statusNote"):
        faults[_TITLES["status"]] = Fault("状态是“其他”，没有说明", "在“状态描述”里写明是什么状态")


def _dates(heading: Heading, values: dict[str, str], faults: Faults, today: date) -> None:
    """Dates are YYYY-MM-DD here, so they compare as text."""
    issued, title = values.get("issueDate"), _TITLES["issueDate"]
    if issued and issued > today.isoformat():
        faults[title] = Fault(f"颁发日期 {issued} 晚于今天", f"不晚于 {today.isoformat()} 的日期")
    elif issued and issued < _EARLIEST:
        faults[title] = Fault(f"颁发日期 {issued} 早得不可能", f"不早于 {_EARLIEST} 的日期")
    if heading.operation == "import" and issued:
        _validity(values, faults, issued)
    start, end = values.get("certificateValidateStart"), values.get("certificateValidateEnd")
    if start and end and end < start:
        faults[_TITLES["certificateValidateEnd"]] = Fault(
            f"{end} 早于有效期起始 {start}", f"不早于 {start} 的日期，或“长期”"
        )


def _validity(values: dict[str, str], faults: Faults, issued: str) -> None:
    """Begin and end of another authority's licence, also where only a spell is given."""
    spell = values.pop("validityRange", "")
    if "/" in spell:
        first, last = spell.split("/")
        values.setdefault("certificateValidateStart", first)
        values.setdefault("certificateValidateEnd", last)
    start = values.setdefault("certificateValidateStart", issued)
    title = _TITLES["certificateValidateEnd"]
    if "certificateValidateEnd" in values or title in faults:
        return
    if spell == LONG_TERM:
        values["certificateValidateEnd"] = LONG_TERM
    elif spell:
        values["certificateValidateEnd"] = after(date.fromisoformat(start), spell).isoformat()
    else:
        faults[title] = Fault("没有写有效期截止", "日期，或“长期”")
