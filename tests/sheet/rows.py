"""Rows to start from, and how the tests read them."""

from __future__ import annotations

from datetime import date

from hub.sheets.sheet import NO_DEFAULTS, Defaults, Refusal, SheetRow, find_header, read_row
from schemas import permit_columns

TODAY = date(2026, 11, 22)
OFFICE = "11370100MB00000194"
BODY = {
    "XK_XDR_MC": "示范县青禾饮食有限公司",
    "XK_XDR_LB": "法人及非法人组织",
    "XK_XDR_SHXYM": "91370102MA3C00011F",
    "XK_FRDB": "甲青禾",
    "XK_XKWS": "行政许可决定书",
    "XK_WSH": "示审食许〔2026〕1号",
    "XK_XKLB": "普通",
    "XK_XKZS": "食品经营许可证",
    "XK_XKBH": "JY1",
    "XK_NR": "准予餐饮服务经营",
    "XK_JDRQ": "2026/03/01",
    "XK_YXQZ": "2026/03/01",
    "XK_YXQZI": "2031/02/28",
    "XK_XKJG": "示范县行政审批服务局",
    "XK_XKJGDM": OFFICE,
    "XK_ZT": "1",
    "XK_LYDW": "示范县行政审批服务局",
    "XK_LYDWDM": OFFICE,
}
PERSON = {
    **BODY,
    "XK_XDR_MC": "乙云岭",
    "XK_XDR_LB": "自然人",
    "XK_XDR_SHXYM": "",
    "XK_FRDB": "",
    "XK_XDR_ZJLX": "身份证",
    "XK_XDR_ZJHM": "990101199001010019",
}
SHOP = {
    **BODY,
    "XK_XDR_MC": "示范县晴川小吃店",
    "XK_XDR_LB": "个体工商户",
    "XK_XDR_SHXYM": "92370103MA3K00027G",
}
OLD = {
    "XK_WSH": "示审〔2016〕1号",
    "XK_XMMC": "食品经营许可",
    "XK_SPLB": "普通",
    "XK_NR": "准予经营",
    "XK_XDR": "示范县青禾饮食有限公司",
    "XK_XDR_SHXYM": "91370102MA3C00011F",
    "XK_FR": "甲青禾",
    "XK_JDRQ": "2016-03-01",
    "XK_JZQ": "2021-02-28",
    "XK_XZJG": "示范县行政审批服务局",
    "XK_ZT": "0",
    "DFBM": "990101",
    "SJC": "2016-03-02 09:00:00",
}


def read(
    values: dict[str, str], *, defaults: Defaults = NO_DEFAULTS, drop: str = ""
) -> SheetRow | list[Refusal]:
    """Read one row of a sheet that has the whole header of its generation, but for `drop`."""
    generation = "2015" if "XK_XZJG" in values else "2018"
    labels = [
        column["code"]
        for column in permit_columns(generation)["columns"]
        if column["code"] not in (drop, "XK_FR_SFZH")
    ]
    header = find_header([(1, labels)], defaults=defaults)
    return read_row(header, [values.get(code, "") for code in labels], 2, today=TODAY, defaults=defaults)


def good(values: dict[str, str], **options: object) -> SheetRow:
    """The row; fails with the refusals if there are any."""
    row = read(values, **options)  # type: ignore[arg-type]
    assert isinstance(row, SheetRow), row
    return row


def refused(values: dict[str, str], **options: object) -> dict[str, str]:
    """Column to cause of a refused row."""
    refusals = read(values, **options)  # type: ignore[arg-type]
    assert isinstance(refusals, list)
    assert all(refusal.row == 2 and refusal.expected for refusal in refusals)
    return {refusal.column: refusal.cause for refusal in refusals}
