"""The catalogue as a workbook: out and in again changes nothing; what is wrong is named with its cell."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import Connection, Engine, func, select

from hub.catalogue.draft_item import draft_item
from hub.catalogue.item_version import ItemVersion
from hub.catalogue.line_rows import read_lines
from hub.catalogue.material_type import MaterialType
from hub.catalogue.sheet_apply import Outcome, bring_in, preview
from hub.catalogue.sheet_columns import SHEETS, titles
from hub.catalogue.sheet_export import Rows, exported
from hub.catalogue.sheet_read import read_workbook
from hub.errors import Rejected
from hub.item import ServiceItem
from hub.ledger import LedgerRow
from tests.hub.catalogue_builders import CLINIC, FOOD, LINES, publish_sample_catalogue


def _sheets(rows: Rows) -> dict[str, list[tuple[int, list[str]]]]:
    """Rows as a spreadsheet reader gives them."""
    return {name: list(enumerate([titles(name), *rows[name]], 1)) for name in rows}


def _preview(tx: Connection, rows: Rows) -> list[Outcome]:
    return preview(tx, read_workbook(_sheets(rows)), actor="user:test")


def _at(sheet: str, title: str) -> int:
    return titles(sheet).index(title)


def test_export_and_import_change_nothing(county: Engine) -> None:
    """Round trip: what was exported, imported again, changes nothing and writes nothing."""
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        before = tx.execute(select(func.count()).select_from(LedgerRow)).scalar_one()
        rows = exported(tx)
        assert {name for name in rows if not rows[name]} == {"特殊环节"}
        outcomes = bring_in(tx, read_workbook(_sheets(rows)), actor="user:test")
        assert [(one.code, one.state, one.changes) for one in outcomes if one.state != "unchanged"] == []
        assert tx.execute(select(func.count()).select_from(LedgerRow)).scalar_one() == before
        assert exported(tx) == rows


def test_a_changed_sheet_becomes_drafts_and_nothing_more(county: Engine) -> None:
    """A changed limit, a new item with a list, a new type: previewed, imported into drafts, published by nobody."""
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        rows = exported(tx)
        food = next(row for row in rows["事项"] if row[0] == FOOD)
        food[_at("事项", "承诺时限")] = "5"
        new_type = ["CL9", "新材料", *[""] * (len(SHEETS["材料类型"]) - 2)]
        new_type[_at("材料类型", "共享条件")] = "依职责"
        rows["材料类型"].append(new_type)
        item = list(food)
        item[0], item[1] = "XK-900", "新事项"
        rows["事项"].append(item)
        line = list(rows["材料清单"][0])
        line[0], line[_at("材料清单", "材料类型代码")] = "XK-900", "CL9"
        rows["材料清单"].append(line)
        count = select(func.count()).select_from(ItemVersion)
        versions = tx.execute(count).scalar_one()
        told = {(one.kind, one.code): one.state for one in _preview(tx, rows)}
        assert tx.execute(count).scalar_one() == versions
        assert told["item", FOOD] == "changed"
        assert told["item", "XK-900"] == told["type", "CL9"] == "new"
        assert told["item", "XK-003"] == "unchanged"
        done = {
            (one.kind, one.code): one.state
            for one in bring_in(tx, read_workbook(_sheets(rows)), actor="user:test")
        }
        assert done == told
        states = tx.execute(select(ItemVersion.item_code, ItemVersion.state)).all()
        assert sorted(row.item_code for row in states if row.state == "draft") == [FOOD, "XK-900"]
        again = bring_in(tx, read_workbook(_sheets(rows)), actor="user:test")
        assert {one.state for one in again} == {"unchanged"}


WRONG: dict[str, tuple[str, str, str, str]] = {
    "word": ("事项", "共享属性", "随便", "不在可选范围内"),
    "yes": ("材料清单", "必需", "大概", "看不懂"),
    "limit": ("事项", "承诺时限", "-3", "承诺时限应为"),
    "type": ("材料清单", "材料类型代码", "nope", "没有代码为“nope”的材料类型"),
    "empty": ("材料清单", "行代码", "", "没有填写"),
    "stand-in": ("可替代", "代码", "nope", "没有代码为“nope”"),
    "stand-in line": ("可替代", "行代码", "M99", "没有这个行代码"),
    "field": ("字段", "类型", "文件", "不在可选范围内"),
    "pattern": ("编码规则", "规则", "(a+)+", "重复套重复"),
    "provider": ("材料类型", "数源部门代码", "nobody", "没有代码为 nobody 的部门"),
    "owner": ("字段", "归属代码", "nobody", "目录里没有代码为“nobody”"),
    "code": ("编码规则", "示例", "???", "示例不符合"),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_a_wrong_cell_is_named_and_the_rest_goes_on(case: str, county: Engine) -> None:
    """Sheet, row, column, cause: the entry is refused whole, every other one is untouched by it."""
    sheet, title, value, cause = WRONG[case]
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        rows = exported(tx)
        row = rows[sheet][0]
        row[_at(sheet, title)] = value
        outcomes = _preview(tx, rows)
        faults = [fault for one in outcomes for fault in one.faults if cause in fault.cause]
        assert faults, [fault for one in outcomes for fault in one.faults]
        assert (faults[0].sheet, faults[0].row, faults[0].column) == (sheet, 2, title)
        refused = [one for one in outcomes if one.state == "refused"]
        assert len(refused) == 1
        done = bring_in(tx, read_workbook(_sheets(rows)), actor="user:test")
        assert [one.state for one in done] == [one.state for one in outcomes]


def test_the_same_thing_twice_is_refused(county: Engine) -> None:
    """An item on two rows is refused, naming the second."""
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        rows = exported(tx, [FOOD])
        rows["事项"].append(list(rows["事项"][0]))
        outcome = next(one for one in _preview(tx, rows) if one.kind == "item")
    assert (outcome.state, outcome.faults[0].row) == ("refused", 3)


@pytest.mark.parametrize(
    ("sheets", "sentence"),
    [
        ({"Sheet1": [(1, ["a"])]}, "没有目录的工作表"),
        ({"事项": [(1, ["随便", "什么"])]}, "标题行里缺少：事项编码、事项名称"),
        ({"事项": [(1, titles("事项"))]}, "只有标题，没有内容"),
        (
            {"事项": [(1, titles("事项")), *((n, [f"X{n}", "n"]) for n in range(2, 3000))]},
            "一次最多导入 2000 个条目",
        ),
        (
            {"材料清单": [(1, titles("材料清单")), *((n, ["X", "n"]) for n in range(2, 21_000))]},
            "超过 20000 行",
        ),
    ],
)
def test_what_is_no_catalogue_is_refused(
    sheets: dict[str, list[tuple[int, list[str]]]], sentence: str
) -> None:
    """Foreign, empty and huge workbooks are refused with a sentence that says what to do."""
    with pytest.raises(Rejected, match=sentence):
        read_workbook(sheets)


def test_a_sheet_that_is_left_out_leaves_its_part_alone(county: Engine) -> None:
    """Only the sheet 事项: lists, stand-ins and forms stay as they are; columns that are left out, too."""
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        rows = [(1, ["事项编码", "事项名称", "法定时限"]), (2, [CLINIC, "诊所备案", "30"])]
        (outcome,) = bring_in(tx, read_workbook({"事项": rows}), actor="user:test")
        assert {change.field for change in outcome.changes} == {"name", "legal_days"}
        draft = draft_item(tx, CLINIC, actor="user:test")
        assert [one.stand_ins for one in read_lines(tx, draft)] == [one.stand_ins for one in LINES[CLINIC]]


def test_what_is_new_and_wrong_leaves_nothing_behind(county: Engine) -> None:
    """A new type that is wrong is refused with the new item that asks for it; neither stays as an empty entry."""
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        types = [titles("材料类型"), ["CL9", "新材料"]]
        types[1] += [""] * (len(types[0]) - 2)
        types[1][_at("材料类型", "共享属性")] = "不予共享"
        sheets = {
            "材料类型": list(enumerate(types, 1)),
            "事项": [(1, ["事项编码", "事项名称"]), (2, ["XK-900", "新事项"])],
            "材料清单": [(1, ["事项编码", "行代码", "材料类型代码"]), (2, ["XK-900", "M01", "CL9"])],
        }
        outcomes = bring_in(tx, read_workbook(sheets), actor="user:test")
        assert [(one.code, one.state) for one in outcomes] == [("CL9", "refused"), ("XK-900", "refused")]
        assert "不予共享应写明" in outcomes[0].faults[0].cause
        assert "没有代码为“CL9”" in outcomes[1].faults[0].cause
        for model in (MaterialType, ServiceItem):
            assert tx.execute(select(model.name).where(model.name.startswith("新"))).all() == []


def test_a_big_catalogue_is_read_in_reasonable_time(county: Engine) -> None:
    """Three hundred new items with ten lines each: previewed within a minute, nothing of it left."""
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        lines = [["事项编码", "行代码", "材料名称", "材料类型代码"]]
        items = [["事项编码", "事项名称"]]
        for number in range(300):
            items.append([f"BIG-{number}", f"大事项{number}"])
            lines += [[f"BIG-{number}", f"M{line}", f"材料{line}", "premises"] for line in range(10)]
        sheets = {"事项": list(enumerate(items, 1)), "材料清单": list(enumerate(lines, 1))}
        started = time.perf_counter()
        outcomes = preview(tx, read_workbook(sheets), actor="user:test")
        assert time.perf_counter() - started < 60
        assert {one.state for one in outcomes} == {"new"}
        assert tx.scalar(select(func.count()).where(ServiceItem.code.startswith("BIG"))) == 0
