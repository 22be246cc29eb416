"""Finding the header of a sheet."""

from __future__ import annotations

import random

import pytest

from hub.errors import Rejected
from hub.sheets.sheet import Defaults, find_header
from hub.sheets.sheet_columns import generations
from shenguan import sample

NEW, OLD = generations()
# The header of a published template of the newer set for bodies (no 类别, one ID column, an export time).
TEMPLATE_BODIES = [
    "行政相对人名称",
    "行政相对人代码_1（统一社会信用代码）",
    "行政相对人代码_2（工商注册号）",
    "行政相对人代码_3（组织机构代码）",
    "行政相对人代码_4（税务登记号） ",
    "行政相对人代码_5（事业单位证书号）",
    "行政相对人代码_6（社会组织登记证号）",
    "法定代表人",
    "法定代表人身份证号",
    "证件类型",
    "证件号码",
    "行政许可决定文书名称",
    "行政许可决定文书号",
    "许可类别",
    "许可证书名称",
    "许可编号",
    "许可内容",
    "许可决定日期",
    "有效期自",
    "有效期至",
    "许可机关",
    "许可机关统一社会信用代码",
    "当前状态",
    "数据来源单位",
    "数据来源单位统一社会信用代码",
    "备注",
    "数据导出时间",
]
TEMPLATE_OLD = [
    "行政许可决定书文号",
    "项目名称",
    "审批类别",
    "许可内容",
    "行政相对人名称",
    "行政相对人代码_1 (统一社会信用代码)",
    "行政相对人代码_2 (组织机构代码)",
    "行政相对人代码_3 (工商登记码)",
    "行政相对人代码_4 (税务登记号)",
    "行政相对人代码_5 (居民身份证号)",
    "法定代表人姓名",
    "许可决定日期",
    "许可截止期",
    "许可机关",
    "当前状态",
    "地方编码",
    "数据更新时间戳",
    "备注",
]


def codes(*rows: list[str]) -> list[str]:
    """Codes that were recognised, in the order of the sheet."""
    return list(find_header(list(enumerate(rows, 1))).columns)


@pytest.mark.parametrize("generation", [NEW, OLD], ids=["2018", "2015"])
def test_codes_and_names_and_every_variant_are_recognised(generation: object) -> None:
    """Each code, in either case, and each listed variant is its own column and no other."""
    for column in generation.columns:  # type: ignore[attr-defined]
        for label in (column.code, column.code.lower(), column.name, f"{column.name}({column.code})"):
            assert generation.column_of(label) is column  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("label", "new", "old"),
    [
        ("行政相对人代码_1", "XK_XDR_SHXYM", "XK_XDR_SHXYM"),
        ("行政相对人代码_2", "XK_XDR_GSZC", "XK_XDR_ZDM"),
        ("行政相对人代码＿3", "XK_XDR_ZZJG", "XK_XDR_GSDJ"),
        ("行政相对人代码-4", "XK_XDR_SWDJ", "XK_XDR_SWDJ"),
        ("行政相对人代码5", "XK_XDR_SYDW", "XK_XDR_SFZ"),
        ("行政相对人代码_2（组织机构代码）", "XK_XDR_ZZJG", "XK_XDR_ZDM"),
        ("行政相对人代码_2(工商注册号)（选填）", "XK_XDR_GSZC", "XK_XDR_GSDJ"),
    ],
)
def test_numbered_codes_mean_what_their_generation_means(label: str, new: str, old: str) -> None:
    """代码_2 is another column in each set, unless a bracket says which."""
    found = NEW.column_of(label), OLD.column_of(label)
    assert [column and column.code for column in found] == [new, old]


@pytest.mark.parametrize(
    "label",
    [
        "\ufeff行政相对人名称",
        " 行政 相对人\n名称 ",
        "*行政相对人名称",
        "行政相对人名称*",
        "行政相对人名称：",
        "1.行政相对人名称",
        "行政相对人名称（必填）",
        "行政相对人名称(必填，200字符)",
        "行政相对人名称【必填】",
        "行政相对人名称\u00a0",
        "“行政相对人名称”",
        "行政相对人名称（例：某某公司）",
        "行政相对人名称 Name",
        "ＸＫ＿ＸＤＲ＿ＭＣ",
        "xk_xdr_mc",
        "行政相对人名称 XK_XDR_MC",
    ],
)
def test_what_templates_add_to_a_name(label: str) -> None:
    """Marks, notes, numbers, widths, breaks and a BOM do not hide a column."""
    column = NEW.column_of(label)
    assert column is not None
    assert column.code == "XK_XDR_MC"


@pytest.mark.parametrize(
    "label", ["许可机关统一社会信用代码", "许可机关（统一社会信用代码）", "许可机关代码"]
)
def test_the_authority_is_not_its_code(label: str) -> None:
    """The name and the code of the authority are told apart."""
    column = NEW.column_of(label)
    assert column is not None
    assert column.code == "XK_XKJGDM"


def test_published_templates() -> None:
    """The published headers of both sets are understood; what they add is kept as an extra."""
    header = find_header([(1, TEMPLATE_BODIES)])
    assert (header.generation, len(header.known), header.extras) == ("2018", 26, ((26, "数据导出时间"),))
    assert "XK_FR_SFZH" in header.columns
    header = find_header([(1, TEMPLATE_OLD)])
    assert (header.generation, len(header.known), header.extras) == ("2015", 18, ())


@pytest.mark.parametrize("generation", ["2018", "2015"])
def test_any_order_titles_above_and_codes_below(generation: str) -> None:
    """Shuffled columns with two title rows above and a row of codes below; data begins after the codes."""
    labels = sample.header(generation)
    random.Random(7).shuffle(labels)
    spec = NEW if generation == "2018" else OLD
    below = [spec.column_of(label).code for label in labels]  # type: ignore[union-attr]
    rows = [
        (1, ["示范县行政许可信息公示表"]),
        (2, ["填报单位：", "示范县行政审批服务局"]),
        (3, labels),
        (4, below),
        (5, ["x"] * 9),
    ]
    header = find_header(rows)
    assert (header.row, header.generation, list(header.columns)) == (4, generation, below)


def test_only_ten_rows_are_looked_at() -> None:
    """A header in row 10 is found, in row 11 it is not."""
    filler = [(i, ["说明"]) for i in range(1, 10)]
    assert find_header([*filler, (10, sample.header())]).row == 10
    with pytest.raises(Rejected, match="前 10 行中没有找到表头"):
        find_header([*filler, (10, ["说明"]), (11, sample.header())])
    with pytest.raises(Rejected, match="没有找到表头"):
        find_header([])


def test_missing_columns_are_named_together() -> None:
    """One sentence names every mandatory column that is not there."""
    labels = [label for label in sample.header() if label not in ("有效期至", "许可内容")]
    with pytest.raises(Rejected, match=r"缺少必填的列：许可内容（XK_NR）、有效期至（XK_YXQZI）"):
        find_header([(1, labels)])


def test_columns_that_the_loader_stands_in_for_may_be_missing() -> None:
    """With defaults for the authority and the source, a sheet need not have those columns."""
    labels = [label for label in sample.header() if "许可机关" not in label and "数据来源" not in label]
    with pytest.raises(Rejected, match="许可机关"):
        find_header([(1, labels)])
    assert find_header(
        [(1, labels)], defaults=Defaults("局", "11370100MB00000194", "局", "11370100MB00000194")
    )


def test_columns_there_twice_are_named() -> None:
    """The same column under two names is refused, saying where."""
    labels = [*sample.header(), "许可决定日期（必填）"]
    with pytest.raises(Rejected, match=r"第 \d+、29 列都是“许可决定日期”"):
        find_header([(1, labels)])


def test_extras_keep_their_names() -> None:
    """Unknown columns are kept under their own header, told apart when alike or empty."""
    header = find_header([(1, [*sample.header(), "序号", "序号", ""])])
    assert header.extras == ((28, "序号"), (29, "序号_30"), (30, "第31列"))
