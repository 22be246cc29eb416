"""Who a sheet's row is about: the kind of party and the code it is known by.

Guarantees: one kind for every row, as the sheet says or, where it has no such column, as its codes show; a citizen
number is checked, and never repeated in a refusal.
Does not guarantee: that the party exists, or that a kind the sheet states agrees with the prefix of its USCC.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.identifiers import citizen_number_fault
from hub.sheets.sheet_values import Fault
from schemas import code_table

KIND_NAMES = code_table("party_kind")
_DOCUMENT_TYPES = {
    "身份证": "111",
    "护照号": "414",
    "港澳居民来往内地通行证": "516",
    "台湾居民来往大陆通行证": "511",
    "外国人永久居留身份证": "553",
}
#: Codes of a body from before (or without) a USCC, the most telling first.
_OLDER_CODES = ("XK_XDR_ZZJG", "XK_XDR_GSZC", "XK_XDR_SYDW", "XK_XDR_SHZZ", "XK_XDR_SWDJ")
_USCC_TITLE = "统一社会信用代码（XK_XDR_SHXYM）"
_ID_TITLES = {"2018": "证件号码（XK_XDR_ZJHM）", "2015": "居民身份证号（XK_XDR_SFZ）"}


@dataclass(frozen=True, slots=True)
class Party:
    """Kind, its Chinese name, and the code with its kind of code (GB/T 36903) where there is one."""

    kind: str
    kind_name: str
    code: str | None
    code_type: str | None


def party_of(generation: str, kind: str | None, values: dict[str, str], faults: dict[str, Fault]) -> Party:
    """The party of a row; what is wrong with its code is added to `faults`."""
    kind = kind or _kind_from_codes(values)
    code, code_type = _citizen(values) if kind == "natural" else _body(kind, values)
    if code_type == "111" and code is not None and (cause := citizen_number_fault(code)):
        faults[_ID_TITLES[generation]] = Fault(cause, "18 位公民身份号码，请对照证件核对")
    if generation == "2015" and kind != "natural" and code is None and _USCC_TITLE not in faults:
        faults[_USCC_TITLE] = Fault(
            "相对人没有任何代码",
            "统一社会信用代码、组织机构代码、工商登记码、税务登记号或居民身份证号至少填一个",
        )
    return Party(kind, KIND_NAMES[kind], code, code_type)


def _kind_from_codes(values: dict[str, str]) -> str:
    """A sheet without 类别: the USCC tells a body (92 an individual business), else the person's own document."""
    uscc = values.get("XK_XDR_SHXYM")
    if uscc:
        return "individual" if uscc.startswith("92") else "legal"
    return "natural" if "XK_XDR_ZJHM" in values else "legal"


def _citizen(values: dict[str, str]) -> tuple[str | None, str | None]:
    document = values.get("XK_XDR_ZJLX", "")
    return values.get("XK_XDR_ZJHM"), _DOCUMENT_TYPES.get(document)


def _body(kind: str, values: dict[str, str]) -> tuple[str | None, str | None]:
    if uscc := values.get("XK_XDR_SHXYM"):
        return uscc, "001"
    for column in _OLDER_CODES:
        if code := values.get(column):
            return code, "099"
    if kind == "individual" and "XK_XDR_ZJHM" in values:  # its operator's own document
        return _citizen(values)
    return None, None
