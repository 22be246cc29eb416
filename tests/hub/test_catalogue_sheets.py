"""The catalogue as a workbook: out and in again changes nothing; what is wrong is named with its cell."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, func, select

from hub.catalogue import compare
from hub.catalogue.check_item import known, named
from hub.catalogue.draft_item import draft_item
from hub.catalogue.item_lines import coded
from hub.catalogue.item_version import ItemVersion
from hub.catalogue.line_rows import read_lines
from hub.catalogue.material_type import MaterialType
from hub.catalogue.save_item import checked_item, save_item
from hub.catalogue.save_items import Wanted, add_items, held_items, save_items
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


def test_a_big_catalogue_asks_no_more_often_than_a_small_one(county: Engine) -> None:
    """Sixty new items take as many statements as six, in the preview and in the import; nothing of a preview is left."""
    asked: list[str] = []
    with county.begin() as tx:
        event.listen(tx, "before_cursor_execute", lambda *told: asked.append(told[2]))
        publish_sample_catalogue(tx)
        counted = []
        for count in (6, 60):
            entries = read_workbook(_many(count))
            for work in (preview, bring_in):
                asked.clear()
                outcomes = work(tx, entries, actor="user:test")
                counted.append(len(asked))
                assert {one.state for one in outcomes} == {"new"}
                saved = tx.scalar(select(func.count()).where(ServiceItem.code.startswith(f"BIG-{count}-")))
                assert saved == (0 if work is preview else count)
        assert counted[2:] == counted[:2]


def _many(count: int) -> dict[str, list[tuple[int, list[str]]]]:
    lines = [["事项编码", "行代码", "材料名称", "材料类型代码"]]
    items = [["事项编码", "事项名称"]]
    for number in range(count):
        code = f"BIG-{count}-{number}"
        items.append([code, f"大事项{code}"])
        lines += [[code, f"M{line}", "", "premises"] for line in range(10)]
    return {"事项": list(enumerate(items, 1)), "材料清单": list(enumerate(lines, 1))}


def test_a_list_whose_names_are_left_out_changes_nothing_the_second_time(county: Engine) -> None:
    """A line without a name is called as its material type, in the preview as in the draft."""
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        bring_in(tx, read_workbook(_many(2)), actor="user:test")
        assert {one.state for one in preview(tx, read_workbook(_many(2)), actor="user:test")} == {"unchanged"}


def test_saved_together_is_what_saved_one_by_one_would_be(county: Engine) -> None:
    """Versions, lines and ledger: for a new item, a published one, one with a draft, and a draft that stays as it is."""
    said: dict[str, dict[str, Any]] = {
        "XK-901": {"header": {"promised_days": "3"}, "lines": [compare.plain(one) for one in LINES[FOOD]]},
        FOOD: {"form": [{"name": "beds", "label": "床位", "type": "number", "required": True}]},
        CLINIC: {
            "header": {"aliases": "诊所、门诊"},
            "lines": [{"code": "M09", "material_type": "premises"}],
        },
        "XK-902": {"header": {"name": "不变"}},
    }

    def one_by_one(tx: Connection) -> None:
        for code in sorted(said):
            save_item(tx, code, said[code], actor="user:test")

    def together(tx: Connection) -> None:
        held = held_items(tx, said)
        wanted = []
        for code in sorted(said):
            clean, form, lines = checked_item(tx, said[code], held[code].standing.header)
            lines = lines and named(known(tx), coded(lines))
            wanted.append(Wanted(code, clean, form, lines))
        save_items(tx, wanted, held, actor="user:test")

    left = []
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        assert add_items(tx, {"XK-901": "新事项", "XK-902": "不变"}, actor="user:test") == {}
        for code in (CLINIC, "XK-902"):
            draft_item(tx, code, actor="user:test")
        last = tx.scalar(select(func.max(LedgerRow.id)))
        for save in (one_by_one, together):
            trial = tx.begin_nested()
            save(tx)
            left.append(_left(tx, list(said), last))
            trial.rollback()
    assert left[0] == left[1]
    assert len(left[0][1]) == 7


def _left(tx: Connection, codes: list[str], last: Any) -> tuple[list[Any], list[Any]]:
    """All versions of these items with their lines, and the ledger since."""
    table = ItemVersion.__table__
    keys = [name for name in table.c.keys() if name not in ("id", "created_at")]  # noqa: SIM118
    rows = tx.execute(
        select(*table.c).where(table.c.item_code.in_(codes)).order_by(table.c.item_code, table.c.number)
    ).all()
    versions = [([getattr(row, key) for key in keys], read_lines(tx, row.id)) for row in rows]
    ledger = tx.execute(
        select(LedgerRow.actor, LedgerRow.action, LedgerRow.subject, LedgerRow.detail)
        .where(LedgerRow.id > last)
        .order_by(LedgerRow.id)
    ).all()
    return versions, [tuple(row) for row in ledger]
