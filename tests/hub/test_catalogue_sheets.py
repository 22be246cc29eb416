"""The catalogue as a workbook: out and in again changes nothing; what is wrong is named with its cell."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, func, select

from hub.catalogue.item_version import ItemVersion
from hub.catalogue.sheet_apply import Outcome, bring_in, preview
from hub.catalogue.sheet_columns import SHEETS, titles
from hub.catalogue.sheet_export import Rows, exported
from hub.catalogue.sheet_read import read_workbook
from hub.ledger import LedgerRow
from tests.hub.catalogue_builders import FOOD, publish_sample_catalogue


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
