"""Reading rows: what becomes of good ones, and what is said of bad ones."""

from __future__ import annotations

import random
from datetime import date

import pytest

from hub.sheet import NO_DEFAULTS, Defaults, Refusal, SheetRow, find_header, read_row
from schemas import permit_columns
from shenguan import sample

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


def test_a_body() -> None:
    """A legal person's row gives every field its meaning."""
    row = good(BODY)
    assert (row.row, row.generation, row.party_kind, row.party_code, row.party_code_type) == (
        2,
        "2018",
        "legal",
        "91370102MA3C00011F",
        "001",
    )
    assert (row.party_name, row.document_no, row.org_code) == (
        "示范县青禾饮食有限公司",
        "示审食许〔2026〕1号",
        OFFICE,
    )
    assert (row.decided_on, row.valid_from, row.valid_to) == (
        date(2026, 3, 1),
        date(2026, 3, 1),
        date(2031, 2, 28),
    )
    assert (row.permit_kind, row.licence_name, row.licence_no, row.status) == (
        "普通",
        "食品经营许可证",
        "JY1",
        "01",
    )
    assert row.values["XK_YXQZI"] == "2031-02-28"
    assert row.values["XK_XDR_LB"] == "法人及非法人组织"
    assert len(row.content_hash) == 32


def test_a_person_and_a_shop() -> None:
    """A natural person is known by a document, an individual business by its USCC."""
    person, shop = good(PERSON), good(SHOP)
    assert (person.party_kind, person.party_code, person.party_code_type) == (
        "natural",
        "990101199001010019",
        "111",
    )
    assert (shop.party_kind, shop.party_code, shop.party_code_type) == (
        "individual",
        "92370103MA3K00027G",
        "001",
    )
    foreigner = good({**PERSON, "XK_XDR_ZJLX": "护照", "XK_XDR_ZJHM": "e12345678"})
    assert (foreigner.party_code, foreigner.party_code_type) == ("E12345678", "414")


def test_a_shop_without_uscc() -> None:
    """个体工商户 gives its USCC if it has one; else its older number, or its operator's document."""
    older = good({**SHOP, "XK_XDR_SHXYM": "", "XK_XDR_GSZC": "990101600000001"})
    assert (older.party_code, older.party_code_type) == ("990101600000001", "099")
    owner = good({**SHOP, "XK_XDR_SHXYM": "", "XK_XDR_ZJLX": "身份证", "XK_XDR_ZJHM": "990101199001010019"})
    assert (owner.party_code, owner.party_code_type) == ("990101199001010019", "111")
    nothing = good({**SHOP, "XK_XDR_SHXYM": ""})
    assert (nothing.party_code, nothing.party_code_type) == (None, None)


def test_without_end() -> None:
    """长期 is no date, and stands as 2099-12-31 among the values."""
    row = good({**BODY, "XK_YXQZI": "长期"})
    assert row.valid_to is None
    assert row.values["XK_YXQZI"] == "2099-12-31"
    assert row.content_hash == good({**BODY, "XK_YXQZI": "2099年12月31日"}).content_hash


def test_the_older_set() -> None:
    """The 2015 columns come under the newer codes; the kind of party is worked out; 有效期自 is the decision's day."""
    row = good(OLD)
    assert (row.generation, row.party_kind, row.party_code, row.org_code) == (
        "2015",
        "legal",
        "91370102MA3C00011F",
        "",
    )
    assert (row.decided_on, row.valid_from, row.valid_to, row.status) == (
        date(2016, 3, 1),
        date(2016, 3, 1),
        date(2021, 2, 28),
        "01",
    )
    assert row.values["XK_XDR_MC"] == "示范县青禾饮食有限公司"
    assert (row.values["XK_ZT"], row.values["XK_ZT_2015"]) == ("1", "0")
    assert (row.source_org_name, row.permit_kind) == ("示范县行政审批服务局", "普通")


@pytest.mark.parametrize(
    ("change", "kind", "code", "code_type"),
    [
        ({"XK_XDR_SHXYM": "", "XK_XDR_SFZ": "990101199001010019"}, "natural", "990101199001010019", "111"),
        ({"XK_XDR_SHXYM": "92370103MA3K00027G"}, "individual", "92370103MA3K00027G", "001"),
        ({"XK_XDR_SFZ": "990101199001010019"}, "legal", "91370102MA3C00011F", "001"),
        ({"XK_XDR_SHXYM": "/", "XK_XDR_ZDM": "49540001-3"}, "legal", "495400013", "099"),
        ({"XK_XDR_SHXYM": "无", "XK_XDR_GSDJ": "990101600000001"}, "legal", "990101600000001", "099"),
    ],
)
def test_kinds_of_party_in_the_older_set(
    change: dict[str, str], kind: str, code: str, code_type: str
) -> None:
    """Without a 类别 column the codes say who it is; a body's own USCC counts before the person's number."""
    row = good({**OLD, **change})
    assert (row.party_kind, row.party_code, row.party_code_type) == (kind, code, code_type)


@pytest.mark.parametrize(
    ("state", "status"), [("0", "01"), ("1", "03"), ("2", "01"), ("3", "99"), ("撤销", "03")]
)
def test_states_of_the_older_set(state: str, status: str) -> None:
    """The older state codes mean other things than the newer ones, and both are kept."""
    assert good({**OLD, "XK_ZT": state}).status == status


def test_defaults_stand_in_for_a_silent_sheet() -> None:
    """The loader's authority fills the gaps, but never gives its code to another body."""
    defaults = Defaults("示范县行政审批服务局", OFFICE, "示范县数据局", OFFICE)
    row = good(OLD, defaults=defaults)
    assert (row.org_code, row.source_org_name, row.source_org_code) == (OFFICE, "示范县数据局", OFFICE)
    assert good({**OLD, "XK_XZJG": "示范县林业局"}, defaults=defaults).org_code == ""
    assert (
        good({**BODY, "XK_XKJG": "", "XK_XKJGDM": ""}, defaults=defaults).org_name == "示范县行政审批服务局"
    )


def test_a_sheet_without_a_kind_column() -> None:
    """The newer template for bodies has no 类别: the codes say it."""
    assert good({**BODY, "XK_XDR_LB": ""}, drop="XK_XDR_LB").party_kind == "legal"
    assert good({**SHOP, "XK_XDR_LB": ""}, drop="XK_XDR_LB").party_kind == "individual"
    assert good({**PERSON, "XK_XDR_LB": ""}, drop="XK_XDR_LB").party_kind == "natural"


@pytest.mark.parametrize(
    ("base", "change", "column", "said"),
    [
        (
            BODY,
            {"XK_XDR_SHXYM": "91370102MA3C000110"},
            "统一社会信用代码（XK_XDR_SHXYM）",
            "应为“F”，现为“0”",
        ),
        (
            BODY,
            {"XK_XDR_SHXYM": ""},
            "统一社会信用代码（XK_XDR_SHXYM）",
            "相对人是法人及非法人组织，缺少必填内容",
        ),
        (BODY, {"XK_FRDB": "/"}, "法定代表人（XK_FRDB）", "缺少必填内容"),
        (PERSON, {"XK_XDR_ZJHM": "990101199001010018"}, "证件号码（XK_XDR_ZJHM）", "应为“9”，现为“8”"),
        (PERSON, {"XK_XDR_ZJHM": ""}, "证件号码（XK_XDR_ZJHM）", "相对人是自然人，缺少必填内容"),
        (PERSON, {"XK_XDR_ZJLX": ""}, "证件类型（XK_XDR_ZJLX）", "缺少必填内容"),
        (BODY, {"XK_XDR_LB": "集团"}, "行政相对人类别（XK_XDR_LB）", "不在允许的取值之内"),
        (BODY, {"XK_XDR_LB": ""}, "行政相对人类别（XK_XDR_LB）", "缺少必填内容"),
        (BODY, {"XK_JDRQ": "2026/11/23"}, "许可决定日期（XK_JDRQ）", "晚于今天"),
        (BODY, {"XK_JDRQ": "1926/11/23"}, "许可决定日期（XK_JDRQ）", "早得不可能"),
        (BODY, {"XK_YXQZI": "2026/02/28"}, "有效期至（XK_YXQZI）", "早于有效期自"),
        (BODY, {"XK_NR": "内" * 4001}, "许可内容（XK_NR）", "长度为 4001 个字符"),
        (BODY, {"XK_NR": "内\x00容"}, "许可内容（XK_NR）", "U+0000"),
        (BODY, {"XK_XDR_MC": "示范\ufffd"}, "行政相对人名称（XK_XDR_MC）", "乱码"),
        (BODY, {"XK_ZT": "3"}, "当前状态（XK_ZT）", "不在允许的取值之内"),
        (OLD, {"XK_JZQ": "2016-02-28"}, "许可截止期（XK_JZQ）", "早于许可决定日期"),
        (OLD, {"XK_XDR_SHXYM": ""}, "统一社会信用代码（XK_XDR_SHXYM）", "没有任何代码"),
        (
            OLD,
            {"XK_XDR_SHXYM": "", "XK_XDR_SFZ": "990101199001010018"},
            "居民身份证号（XK_XDR_SFZ）",
            "应为“9”",
        ),
    ],
)
def test_one_fault_one_refusal(base: dict[str, str], change: dict[str, str], column: str, said: str) -> None:
    """A single fault is refused once, under its own column, with its cause."""
    (found,) = refused({**base, **change}).items()
    assert found[0] == column
    assert said in found[1]


def test_all_faults_of_a_row_are_reported_together() -> None:
    """Nobody has to load a sheet five times to learn of five faults."""
    faults = refused(
        {**BODY, "XK_XDR_MC": "", "XK_WSH": "", "XK_JDRQ": "明年", "XK_XKLB": "一般", "XK_XDR_SHXYM": "1"}
    )
    assert len(faults) == 5


def test_a_refusal_never_repeats_a_citizen_number() -> None:
    """Result sheets and logs do not spread personal numbers."""
    number = "990101199001010018"
    assert number not in str(read({**PERSON, "XK_XDR_ZJHM": number}))


def test_an_empty_row_is_nothing_and_a_shifted_row_is_refused() -> None:
    """Blank lines are skipped; a row with more filled cells than columns is not guessed at."""
    labels = sample.header()
    header = find_header([(1, labels)])
    assert read_row(header, [], 5, today=TODAY) == []
    assert read_row(header, ["", " ", "　"], 5, today=TODAY) == []
    (row,) = sample.generate(1, seed=1)
    assert isinstance(read_row(header, [*row, "", " "], 5, today=TODAY), SheetRow)
    refusals = read_row(header, [*row, "x"], 5, today=TODAY)
    assert isinstance(refusals, list)
    assert [refusal.column for refusal in refusals] == ["整行"]
    short = read_row(header, row[:20], 5, today=TODAY)
    assert isinstance(short, list)
    assert len(short) >= 5


def test_extras_are_kept_and_do_not_change_the_hash() -> None:
    """Unknown columns travel with the row, even with odd characters; a serial number does not make it new."""
    (row,) = sample.generate(1, seed=1)
    header = find_header([(1, ["序号", *sample.header()])])
    one = read_row(header, ["1\x07", *row], 2, today=TODAY)
    two = read_row(header, ["2", *row], 3, today=TODAY)
    assert isinstance(one, SheetRow)
    assert isinstance(two, SheetRow)
    assert (one.extras, two.extras) == ({"序号": "1"}, {"序号": "2"})
    assert one.content_hash == two.content_hash


@pytest.mark.parametrize("generation", ["2018", "2015"])
def test_the_hash_is_of_the_content_only(generation: str) -> None:
    """Order of columns, widths, spaces and spellings of dates do not matter; any content does."""
    labels = sample.header(generation)
    row = next(sample.generate(1, seed=3, generation=generation))
    plain = read_row(find_header([(1, labels)]), row, 2, today=TODAY)
    order = list(range(len(labels)))
    random.Random(5).shuffle(order)
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    moved = [f"　{row[i].translate(wide)} \u200b" if row[i] else "/" for i in order]
    other = read_row(find_header([(1, [labels[i] for i in order])]), moved, 9, today=TODAY)
    assert isinstance(plain, SheetRow)
    assert isinstance(other, SheetRow)
    assert plain.content_hash == other.content_hash
    assert plain.values == other.values
    changed = [cell + "！" if cell.startswith("准予") else cell for cell in row]
    third = read_row(find_header([(1, labels)]), changed, 2, today=TODAY)
    assert isinstance(third, SheetRow)
    assert third.content_hash != plain.content_hash


def test_the_time_stamp_of_an_export_is_not_content() -> None:
    """SJC of the older set changes with every export and does not make the row new."""
    assert good(OLD).content_hash == good({**OLD, "SJC": "2026-01-01 00:00:00"}).content_hash
