"""A 双公示 行政许可 sheet, row by row: what departments really export becomes clean values or a list of refusals.

Guarantees: `find_header` finds the header in the first ten rows (titles above it, codes under it, any order) or says
what is missing; `read_row` reports every fault of a row at once, with column, cause and cure; equal content gives equal
`content_hash`, whatever the order of columns or the white space. Columns nobody knows are kept as extras.
Does not guarantee: anything about other rows (a 决定文书号 given twice is for the caller), nor that a body or an
identifier really exists. No file, database, clock or environment is read here: today is handed in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from hub.sheets.sheet_header import NO_DEFAULTS, Defaults, Header, find_header, kept
from hub.sheets.sheet_party import Party, party_of
from hub.sheets.sheet_values import BLANKS, HINTS, LONG_TERM, ODD, Fault, tidy
from schemas import canonical

__all__ = ["NO_DEFAULTS", "Defaults", "Header", "Refusal", "SheetRow", "find_header", "read_row"]

_LICENCE_STATUS = {"2018": {"1": "01", "2": "05"}, "2015": {"0": "01", "1": "03", "2": "01", "3": "99"}}
_STATE_2018 = {"0": "1", "1": "2", "2": "1", "3": "1"}
_EARLIEST = "1949-10-01"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a row was not taken; `column` is the Chinese name with the code."""

    row: int
    column: str
    cause: str
    expected: str


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One valid row. `values` has the newer set's codes; `org_code` is '' where the sheet does not say."""

    row: int
    generation: str
    values: dict[str, str]
    extras: dict[str, str]
    party_kind: str  # 'legal', 'natural', 'individual'
    party_name: str
    party_code: str | None
    party_code_type: str | None  # code table holder_code_type
    document_no: str
    org_code: str
    org_name: str
    source_org_code: str
    source_org_name: str
    decided_on: date
    valid_from: date
    valid_to: date | None  # None: 长期
    content: str
    permit_kind: str
    licence_name: str
    licence_no: str
    status: str  # code table licence_status
    content_hash: bytes


def read_row(
    header: Header, cells: Sequence[str], row_number: int, *, today: date, defaults: Defaults = NO_DEFAULTS
) -> SheetRow | list[Refusal]:
    """The row, or every reason against it. A row with nothing in it gives an empty list: skip it."""
    values, faults = _read_cells(header, cells)
    if not values and not faults:
        return []
    extras = {name: text for i, name in header.extras if i < len(cells) and (text := kept(cells[i]))}
    party = _complete(header, values, faults, defaults)
    _check_dates(header, values, faults, today)
    if faults:
        return [Refusal(row_number, column, fault.cause, fault.expected) for column, fault in faults.items()]
    return _sheet_row(header, values, extras, party, row_number)


def _read_cells(header: Header, cells: Sequence[str]) -> tuple[dict[str, str], dict[str, Fault]]:
    """Every filled cell under its target code; the faults by column title."""
    values: dict[str, str] = {}
    faults: dict[str, Fault] = {}
    odd = ODD.search("\n".join(cells)) is not None
    count = len(cells)
    for i, column, convert in header.known:
        if i >= count or not (text := cells[i]):
            continue
        try:
            text = (tidy(text) if odd else text).strip()
            if not text or (len(text) < 7 and text in BLANKS):
                continue
            text = convert(text)
            if column.length is not None and len(text) > column.length:
                raise Fault(f"长度为 {len(text)} 个字符", f"不超过 {column.length} 个字符")
            values[column.target] = text
            if column.implies:
                values.update(column.implies)
        except Fault as fault:
            faults[column.title] = fault
    if count > header.width and any(cell.strip() for cell in cells[header.width :]):
        faults["整行"] = Fault(
            f"这一行有 {count} 格，表头只有 {header.width} 列", "每格对应一列；CSV 中含逗号的内容请加双引号"
        )
    return values, faults


def _complete(header: Header, values: dict[str, str], faults: dict[str, Fault], defaults: Defaults) -> Party:
    """Fill in what may be filled in, and note what is missing for this kind of party."""
    _fill(values, "XK_XKJG", "XK_XKJGDM", defaults.org_name, defaults.org_code)
    _fill(values, "XK_LYDW", "XK_LYDWDM", defaults.source_org_name, defaults.source_org_code)
    kind = values.get("XK_XDR_LB")
    party = party_of(header.generation, kind, values, faults)
    sure = "XK_XDR_LB" in values or not header.states_kind
    for column in header.required:
        due = column.required == "always" or (sure and column.required == party.kind)
        if not due or column.target in values or column.title in faults:
            continue
        why = "缺少必填内容" if column.required == "always" else f"相对人是{party.kind_name}，缺少必填内容"
        faults[column.title] = Fault(why, HINTS.get(column.kind, f"请填写{column.name}"))
    return party


def _fill(values: dict[str, str], name: str, code: str, default_name: str, default_code: str) -> None:
    """A default code belongs to the default name only: a sheet that names another body keeps its own."""
    if default_code and code not in values and values.get(name, default_name) == default_name:
        values[code] = default_code
    if default_name and name not in values and values.get(code, default_code) == default_code:
        values[name] = default_name


def _check_dates(header: Header, values: dict[str, str], faults: dict[str, Fault], today: date) -> None:
    """Dates are YYYY-MM-DD here, so they compare as text."""
    titles = header.titles
    decided, until = values.get("XK_JDRQ"), values.get("XK_YXQZI")
    if decided and decided > today.isoformat():
        faults[titles["XK_JDRQ"]] = Fault(
            f"决定日期 {decided} 晚于今天", f"不晚于 {today.isoformat()} 的日期"
        )
    elif decided and decided < _EARLIEST:
        faults[titles["XK_JDRQ"]] = Fault(f"决定日期 {decided} 早得不可能", f"不早于 {_EARLIEST} 的日期")
    start = values.get("XK_YXQZ") or (decided if header.generation == "2015" else None)
    if start and until and until < start:
        first = "有效期自" if "XK_YXQZ" in values else "许可决定日期"
        faults[titles["XK_YXQZI"]] = Fault(f"{until} 早于{first} {start}", f"不早于 {start} 的日期，或“长期”")


def _sheet_row(
    header: Header, values: dict[str, str], extras: dict[str, str], party: Party, row_number: int
) -> SheetRow:
    get = values.get
    status = _LICENCE_STATUS[header.generation][values["XK_ZT"]]
    if header.generation == "2015":  # the same code means something else in the newer set: keep both
        values["XK_ZT_2015"] = values["XK_ZT"]
        values["XK_ZT"] = _STATE_2018[values["XK_ZT"]]
        values.setdefault("XK_YXQZ", values["XK_JDRQ"])
    values["XK_XDR_LB"] = party.kind_name
    hashed = {code: text for code, text in values.items() if code not in header.unhashed}
    org_name, org_code = values["XK_XKJG"], get("XK_XKJGDM", "")
    until = values["XK_YXQZI"]
    permit = values["XK_XKLB"]
    return SheetRow(
        row=row_number,
        generation=header.generation,
        values=values,
        extras=extras,
        party_kind=party.kind,
        party_name=values["XK_XDR_MC"],
        party_code=party.code,
        party_code_type=party.code_type,
        document_no=values["XK_WSH"],
        org_code=org_code,
        org_name=org_name,
        source_org_code=get("XK_LYDWDM", org_code),
        source_org_name=get("XK_LYDW", org_name),
        decided_on=date.fromisoformat(values["XK_JDRQ"]),
        valid_from=date.fromisoformat(values["XK_YXQZ"]),
        valid_to=None if until == LONG_TERM else date.fromisoformat(until),
        content=values["XK_NR"],
        permit_kind=permit[:2],
        licence_name=get("XK_XKZS", ""),
        licence_no=get("XK_XKBH", ""),
        status=status,
        content_hash=hashlib.sha256(canonical(hashed)).digest(),
    )
