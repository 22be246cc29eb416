"""Check digits and shapes of the national identifiers, as pure functions.

Guarantees: USCC (GB 32100—2015), organisation code (GB 11714), citizen number (GB 11643—1999) and licence identifier
(GB/T 36904, check by GB/T 17710 MOD 37,36) are computed as published; the last three tests find every single wrong
character, the citizen number and the licence identifier every swap of neighbours too.
Does not guarantee: that a number was ever issued. The organisation code inside a USCC is only worth a warning: some
codes in lawful use fail it.
"""

from __future__ import annotations

import re
from datetime import date
from operator import mul

LICENCE_ROOT = "1.2.156.3005.2"

_A31 = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_A36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUE31 = bytes(_A31.find(chr(c)) if chr(c) in _A31 else 0 for c in range(256))
_VALUE36 = bytes(_A36.find(chr(c)) if chr(c) in _A36 else 0 for c in range(256))
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ID_WEIGHTS = tuple(pow(2, 17 - i, 11) for i in range(17))
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}", re.ASCII)
_CITIZEN = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)


def uscc_check_char(first17: str) -> str:
    """The 18th character that belongs to the first 17 of a USCC."""
    return _A31[-sum(map(mul, first17.encode().translate(_VALUE31), _USCC_WEIGHTS)) % 31]


def organisation_check_char(first8: str) -> str:
    """The ninth character of a GB 11714 organisation code."""
    rest = 11 - sum(map(mul, first8.encode().translate(_VALUE36), _ORG_WEIGHTS)) % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def citizen_check_char(first17: str) -> str:
    """The 18th character of a citizen number."""
    return "10X98765432"[sum(int(c) * w for c, w in zip(first17, _ID_WEIGHTS, strict=True)) % 11]


def licence_check_char(body: str) -> str:
    """ISO 7064 MOD 37,36 over type code, issuer, serial and version joined without dots."""
    product = 36
    for char in body:
        product = (product + _A36.index(char)) % 36 or 36
        product = product * 2 % 37
    return _A36[(37 - product) % 36]


def uscc_fault(code: str) -> str | None:
    """What is wrong with a USCC, in Chinese, or None. Upper case is expected."""
    if len(code) != 18:
        return f"统一社会信用代码应为 18 位，现为 {len(code)} 位"
    if not _USCC.fullmatch(code):
        bad = next((c for c in code if c not in _A31), None)
        if bad is not None:
            return f"统一社会信用代码中不会出现字符“{bad}”（不使用 I、O、S、V、Z）"
        return f"统一社会信用代码第 3 至 8 位应为 6 位数字的登记机关区划，现为“{code[2:8]}”"
    right = uscc_check_char(code[:17])
    if code[17] != right:
        return f"统一社会信用代码 {code} 的校验位不对：按前 17 位算应为“{right}”，现为“{code[17]}”"
    return None


def uscc_warning(code: str) -> str | None:
    """A doubt worth showing about a well-formed USCC: its inner organisation code does not check."""
    right = organisation_check_char(code[8:16])
    if code[16] != right:
        return f"统一社会信用代码 {code} 内含的组织机构代码校验位应为“{right}”，现为“{code[16]}”，请核对"
    return None


def organisation_code_fault(code: str) -> str | None:
    """What is wrong with a nine-character organisation code (no hyphen), or None."""
    if not re.fullmatch(r"[0-9A-Z]{8}[0-9X]", code):
        return "组织机构代码应为 9 位：8 位数字或大写字母加 1 位校验码"
    right = organisation_check_char(code[:8])
    return None if code[8] == right else f"组织机构代码 {code} 的校验位应为“{right}”，现为“{code[8]}”"


def citizen_number_fault(number: str, *, today: date | None = None) -> str | None:
    """What is wrong with a citizen number, or None. Never repeats the number itself."""
    if "*" in number:
        return "公民身份号码被遮盖，无法核对"
    if len(number) != 18:
        return f"公民身份号码应为 18 位，现为 {len(number)} 位"
    if not _CITIZEN.fullmatch(number):
        return "公民身份号码应为 17 位数字加 1 位校验码（数字或 X）"
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return f"公民身份号码第 7 至 14 位“{number[6:14]}”不是有效的出生日期"
    if born.year < 1800 or (today is not None and born > today):
        return f"公民身份号码中的出生日期“{number[6:14]}”不可能"
    right = citizen_check_char(number[:17])
    return (
        None
        if number[17] == right
        else f"公民身份号码校验位不对：按前 17 位算应为“{right}”，现为“{number[17]}”"
    )


def mask_document(number: str) -> str:
    """First 6 and last 4 shown (110105********002X); a short number shows its ends only; never the whole of it."""
    if len(number) >= 15:
        return f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}"
    shown = len(number) // 4
    return f"{number[:shown]}{'*' * (len(number) - 2 * shown)}{number[len(number) - shown :]}"


def licence_identifier(type_code: str, issuer: str, serial: str, version: str | int = 1) -> str:
    """The full GB/T 36904 identifier of one version of one licence; ValueError when a part cannot stand in it."""
    version = f"{version:03d}" if isinstance(version, int) else version
    if not re.fullmatch(r"[0-9A-Z]{21}", type_code):
        raise ValueError("证照类型代码应为 21 位数字或大写字母（18 位定义机构代码加 3 位顺序码）")
    if not re.fullmatch(r"[0-9A-Z]{1,18}", issuer):
        raise ValueError("证照颁发机构代码应为至多 18 位的数字或大写字母")
    if not re.fullmatch(r"[0-9A-Z]{1,32}", serial):
        raise ValueError("证照流水号应为至多 32 位的数字或大写字母")
    if not re.fullmatch(r"[0-9]{3}", version):
        raise ValueError("证照版本号应为 3 位数字")
    check = licence_check_char(type_code + issuer + serial + version)
    return f"{LICENCE_ROOT}.{type_code}.{issuer}.{serial}.{version}.{check}"


def licence_identifier_fault(identifier: str) -> str | None:
    """What is wrong with a licence identifier, or None. To be shown as a doubt: published samples exist that fail."""
    root, parts = identifier[: len(LICENCE_ROOT) + 1], identifier[len(LICENCE_ROOT) + 1 :].split(".")
    if root != LICENCE_ROOT + "." or len(parts) != 5:
        return f"证照标识应为 {LICENCE_ROOT}.类型代码.颁发机构代码.流水号.版本号.校验位"
    body = "".join(parts[:4])
    if not re.fullmatch(r"[0-9A-Z]+", body) or not re.fullmatch(r"[0-9A-Z]", parts[4]):
        return "证照标识各段只能是数字和大写字母，校验位为 1 位"
    right = licence_check_char(body)
    return None if parts[4] == right else f"证照标识的校验位应为“{right}”，现为“{parts[4]}”"
