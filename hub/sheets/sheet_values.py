"""One cell of a sheet: from what people and spreadsheet programs write to what we keep.

Guarantees: a value that comes back is normalised (half-width letters and digits, no stray or invisible characters,
dates as YYYY-MM-DD, official brackets) and fits its kind; anything else is a `Fault` with cause and cure in Chinese.
Reading a normalised value again gives the same value. Punctuation and units inside free text are left alone (a full
NFKC would turn ㎡ into m2); codes, numbers and dates get the full NFKC.
Does not guarantee: anything that needs a second cell; see `hub.sheets.sheet`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from hub.errors import Rejected
from hub.identifiers import organisation_code_fault, uscc_fault

LONG_TERM = "2099-12-31"
LONG_TERM_WORDS = frozenset({"长期", "长期有效", "永久", "永久有效", "无固定期限", "无限期"})
#: What templates and databases leave in a cell that means "nothing here".
BLANKS = frozenset({"/", "\\", "-", "--", "—", "——", "无", "空", "null", "NULL", "(null)", "N/A", "\\N"})

# GB 18030—2005 put these in the private use area; GB 18030—2022 gave them their own code points.
_GB18030 = {
    **dict(
        zip(
            (0xE81E, 0xE826, 0xE82B, 0xE82C, 0xE832, 0xE843, 0xE854, 0xE864),
            range(0x9FB4, 0x9FBC),
            strict=True,
        )
    ),
    **dict(zip((0xE78D, 0xE78F, 0xE78E, *range(0xE790, 0xE797)), range(0xFE10, 0xFE1A), strict=True)),
}
_HALF_WIDTH = {
    code: code - 0xFEE0
    for lo, hi in ((0x10, 0x1A), (0x21, 0x3B), (0x41, 0x5B))
    for code in range(0xFF00 + lo, 0xFF00 + hi)
}
_INVISIBLE = dict.fromkeys(
    [0xFEFF, 0x00AD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065)], None
)
_SPACES = dict.fromkeys([0x00A0, 0x3000, *range(0x2000, 0x200B), 0x202F], " ")
_TIDY = {**_GB18030, **_HALF_WIDTH, **_INVISIBLE, **_SPACES}
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
#: Quick look at a whole row: nothing found here means `tidy` would change nothing but the ends.
ODD = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd\ud800-\udfff{''.join(map(chr, _TIDY))}]|_x000[Dd]_")
_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]+")
_YEAR_BRACKETS = re.compile(r"[\[(【〔〖{]([12][0-9]{3})[\])】〕〗}]")
_TIME = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_DATE = re.compile(
    r"([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{2})([0-9]{2})(?:[0-9]{6})?)"
    rf"(?:(?:(?<=日)|[ T]+){_TIME})?"
)
_SERIAL = re.compile(r"([2-7][0-9]{4})(?:\.[0-9]+)?")
_PARTY_KINDS = {
    "legal": "法人及非法人组织 法人和非法人组织 法人或非法人组织 法人及其他组织 法人 非法人组织 企业 企业法人 02 03 legal",
    "natural": "自然人 个人 01 natural",
    "individual": "个体工商户 个体 个体户 04 individual",
}
_PERSON_DOCUMENTS = {
    "身份证": "身份证 居民身份证 二代身份证 第二代身份证 公民身份号码 身份证号 身份证号码 111",
    "护照号": "护照号 护照 普通护照 护照号码 414",
    "港澳居民来往内地通行证": "港澳居民来往内地通行证 港澳通行证 回乡证 516",
    "台湾居民来往大陆通行证": "台湾居民来往大陆通行证 台胞证 511",
    "外国人永久居留身份证": "外国人永久居留身份证 外国人永久居留证 553",
}
_PERMITS = ("普通", "特许", "认可", "核准", "登记", "其他")
_STATES_2018 = {"1": "1 01 有效 正常", "2": "2 02 无效 失效"}
_STATES_2015 = {"0": "0 正常 有效", "1": "1 撤销", "2": "2 异议", "3": "3 其他"}


class Fault(Exception):
    """A cell that cannot be kept: what is wrong and what would be right."""

    def __init__(self, cause: str, expected: str) -> None:
        super().__init__(cause, expected)
        self.cause, self.expected = cause, expected


def tidy(text: str) -> str:
    """Without invisible characters, odd spaces and full-width letters; a `Fault` for characters nobody can keep."""
    text = text.replace("_x000D_", "").replace("_x000d_", "").translate(_TIDY)
    bad = _REFUSED.search(text)
    if bad is None:
        return text
    if bad[0] == "\ufffd":
        raise Fault("含有无法识别的字符（乱码）", "请用正确的编码（UTF-8 或 GB18030）重新导出文件")
    raise Fault(f"第 {bad.start() + 1} 个字符是控制字符 U+{ord(bad[0]):04X}", "请删除看不见的控制字符")


def _squeeze(text: str) -> str:
    """NFKC and no white space at all."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return "".join(text.split())


def _text(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _name(text: str) -> str:
    """Names lose padding between Chinese characters, and use Chinese brackets as the register does."""
    if text.isascii():
        return " ".join(text.split())
    if "(" in text or ")" in text:
        text = text.replace("(", "（").replace(")", "）")
    if " " in text or "\n" in text or "\t" in text:
        text = re.sub(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])", "", text)
    return text


def _number(text: str) -> str:
    text = _squeeze(text)
    if text[:1] in "'`" or text[:2] == '="':  # how spreadsheets keep a long number from being rounded
        text = text.removeprefix("=").strip("'`\"")
    if "E+" in text and _SCIENTIFIC.fullmatch(text):
        raise Fault(f"“{text}”是表格软件改写成的科学计数法，原号码已丢失", "请把该列设为文本格式后重新填写")
    return text


def _document(text: str) -> str:
    """Decision numbers: the year stands in 〔〕 (GB/T 9704), however it was typed."""
    return _YEAR_BRACKETS.sub(r"〔\1〕", _number(text))


def _code(text: str) -> str:
    return _number(text).upper()


def _organisation(text: str) -> str:
    code = _code(text).replace("-", "")
    if cause := organisation_code_fault(code):
        raise Fault(cause, "9 位组织机构代码，如 495400013")
    return code


@lru_cache(maxsize=4096)
def _checked_uscc(code: str) -> str | None:
    return uscc_fault(code)


def _uscc(text: str) -> str:
    code = _code(text)
    if cause := _checked_uscc(code):
        raise Fault(cause, "18 位统一社会信用代码，请对照营业执照或登记证书核对")
    return code


def _one_of(groups: dict[str, str], expected: str) -> Callable[[str], str]:
    words = {word: value for value, row in groups.items() for word in row.split()}

    def read(text: str) -> str:
        found = words.get(text) or words.get(_squeeze(text))
        if found is None:
            raise Fault(f"“{text}”不在允许的取值之内", expected)
        return found

    return read


@lru_cache(maxsize=1024)
def _permit_kind(text: str) -> str:
    word = _squeeze(text)
    if word in ("01", "02", "03", "04", "05", "06"):
        return _PERMITS[int(word) - 1]
    word = word.removesuffix("许可") or word
    if word in _PERMITS:
        return word
    if word.startswith("其他"):
        note = word[2:].strip("():-_,.;、—")
        return f"其他（{note}）" if note else "其他"
    raise Fault(f"“{text}”不是许可类别", "普通、特许、认可、核准、登记，或“其他（注明）”")


@lru_cache(maxsize=8192)
def _date(text: str) -> str:
    word = text if _DATE.fullmatch(text) else _squeeze(text)
    if serial := _SERIAL.fullmatch(word):
        return (date(1899, 12, 30) + timedelta(days=int(serial[1]))).isoformat()
    shape = _DATE.fullmatch(word)
    if shape is None:
        raise Fault(f"“{text}”不是认得出的日期", "日期，如 2026/03/01")
    year, month, day, month2, day2 = shape.groups()
    try:
        return date(int(year), int(month or month2), int(day or day2)).isoformat()
    except ValueError:
        raise Fault(f"“{text}”不是日历上有的日期", "日期，如 2026/03/01") from None


def _date_or_long(text: str) -> str:
    if text in LONG_TERM_WORDS or _squeeze(text) in LONG_TERM_WORDS:
        return LONG_TERM
    try:
        day = _date(text)
    except Fault as fault:
        raise Fault(fault.cause, "日期，如 2031/02/28；长期填“长期”或 2099/12/31") from None
    return LONG_TERM if day >= LONG_TERM else day


def wan_yuan_to_fen(text: str) -> int:
    """万元 as written in a penalty sheet, to 分, exactly; `Rejected` when that is not possible.

    >>> wan_yuan_to_fen("0.2")
    200000
    """
    word = _squeeze(text).replace(",", "").removesuffix("万元")
    try:
        fen = Decimal(word) * 1_000_000 if re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", word) else None
    except InvalidOperation:  # more digits than the arithmetic keeps
        fen = None
    if fen is None:
        raise Rejected(f"“{text}”不是金额。请以万元为单位填写数字，如 2000 元填 0.2。")
    if fen != fen.to_integral_value():
        raise Rejected(f"“{text}”万元不足一分的部分无法记账。请以万元为单位填写，最多 6 位小数。")
    return int(fen)


def _wan_yuan(text: str) -> str:
    try:
        fen = wan_yuan_to_fen(text)
    except Rejected as error:
        raise Fault(error.message, "以万元为单位的数字，如 2000 元填 0.2") from None
    return format((Decimal(fen) / 1_000_000).normalize(), "f")


KINDS: dict[str, Callable[[str], str]] = {
    "text": _text,
    "name": _name,
    "number": _number,
    "document": _document,
    "code": _code,
    "organisation": _organisation,
    "uscc": _uscc,
    "party_kind": _one_of(_PARTY_KINDS, "法人及非法人组织、自然人、个体工商户"),
    "person_document": _one_of(_PERSON_DOCUMENTS, "、".join(_PERSON_DOCUMENTS)),
    "permit_kind": _permit_kind,
    "date": _date,
    "date_or_long": _date_or_long,
    "state_2018": _one_of(_STATES_2018, "1（有效）或 2（无效）"),
    "state_2015": _one_of(_STATES_2015, "0（正常）、1（撤销）、2（异议）或 3（其他）"),
    "wan_yuan": _wan_yuan,
}
#: What to write into an empty cell of this kind.
HINTS = {
    "uscc": "18 位统一社会信用代码",
    "party_kind": "法人及非法人组织、自然人或个体工商户",
    "person_document": "身份证等证件类型",
    "permit_kind": "普通、特许、认可、核准、登记，或“其他（注明）”",
    "date": "日期，如 2026/03/01",
    "date_or_long": "日期，如 2031/02/28；长期填“长期”或 2099/12/31",
    "state_2018": "1（有效）或 2（无效）",
    "state_2015": "0（正常）、1（撤销）、2（异议）或 3（其他）",
}
