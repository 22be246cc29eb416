"""Sheets of other authorities' licences: what each column means, what is refused and why, what is registered."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text

from hub.department import Department
from hub.errors import Rejected
from hub.identifiers import licence_identifier
from hub.licensing.batches.batch_control import move_batch, progress_of
from hub.licensing.batches.batch_rows import read_in, read_told, unseal_cells
from hub.licensing.batches.batch_source import BatchSource, national_heading
from hub.licensing.batches.exchange_columns import exchange_columns, find_heading
from hub.licensing.batches.exchange_rows import ExchangeRow, read_exchange_row
from hub.licensing.batches.run_batch import Workshop, work_all
from hub.ports import Desk
from storage.json_rows import read_any_rows
from storage.spreadsheet import write_rows
from tests.hub.licence_builders import TODAY
from tests.hub.licence_sheets import ISSUER, NATIONAL, TYPE, citizen, foreign, sheet

CHINESE = {
    "certificateIdentifier": "证照标识（必填）",
    "certificateName": " 证照名称*",
    "certificateTypeCode": "证照类型代码",
    "certificateNumber": "许可证编号",
    "certificateVersion": "证照版本",
    "issueDept": "发证机关",
    "issueDeptCode": "发证机关统一社会信用代码",
    "issueDate": "发证日期",
    "certificateValidateStart": "有效期自",
    "certificateValidateEnd": "有效期至",
    "certificateHolder": "持证主体",
    "certificateHolderCode": "持证主体代码",
    "certificateHolderTypeCode": "持证主体代码类型",
    "extendInfo": "扩展业务信息",
    "status": "证照状态",
}
PINYIN = {column.code: column.pinyin for column in exchange_columns() if column.pinyin}


def read_one(row: dict[str, str], names: Sequence[str] = NATIONAL) -> Any:
    """The first row of a sheet, or its refusals."""
    rows = sheet([row], names)
    heading = find_heading(rows, operation="import")
    return read_exchange_row(heading, rows[1][1], 2, today=TODAY)


def run(
    engine: Engine, desk: Desk, rows: Any, *, department: str | None = None, actor: str = "user:test"
) -> Any:
    """Read in, start, work to the end; the batch's id."""
    source = BatchSource("import", "x.csv", b"\0" * 32, department=department)
    batch = read_in(engine, rows, source, desk, actor=actor)
    with engine.begin() as tx:
        move_batch(tx, batch, "start", actor=actor, now=desk.clock())
    work_all(Workshop(engine, desk, None, None))
    return batch


def refusals(engine: Engine, batch: Any) -> dict[int, list[tuple[str, str]]]:
    """Row -> (column, cause)."""
    with engine.connect() as tx:
        rows = tx.execute(
            text("SELECT row, problem FROM licence_batch_rows WHERE batch_id = :b AND state = 'refused'"),
            {"b": batch},
        ).all()
    return {row.row: [(r.column, r.cause) for r in read_told(row.row, row.problem)] for row in rows}


def all_licences(engine: Engine) -> list[Any]:
    with engine.connect() as tx:
        return list(tx.execute(text("SELECT * FROM licences ORDER BY identifier")).all())


def test_three_ways_to_name_a_column_are_the_same_row() -> None:
    """National names, pinyin names and Chinese headings, in any order, give the same key."""
    said = foreign(1)
    national = read_one(said)
    chinese = read_one(
        {CHINESE[k]: v for k, v in said.items() if k in CHINESE}, list(reversed(CHINESE.values()))
    )
    pinyin_of = {k: PINYIN.get(k, k) for k in CHINESE}
    pinyin = read_one({pinyin_of[k]: v for k, v in said.items() if k in CHINESE}, list(pinyin_of.values()))
    assert isinstance(national, ExchangeRow)
    assert national.key == chinese.key == pinyin.key
    assert national.holders[0].kind == "natural"
    assert national.extras == {"经营范围": "预包装食品销售"}


def test_every_column_is_found_by_each_of_its_names() -> None:
    """No name of one column leads to another."""
    heading, _ = national_heading()
    found = find_heading([(1, heading)], operation="import")
    assert [column.code for _, column in found.known] == heading
    for column in exchange_columns():
        for name in filter(None, (column.code, column.name, column.pinyin)):
            rows = [(1, [*CHINESE.values(), name])]
            try:
                known = find_heading(rows, operation="import").known
            except Rejected as twice:
                assert "重复" in twice.message  # noqa: PT017 - that, too, says which column it is
                continue
            assert known[-1][1].code == column.code, name


@pytest.mark.parametrize(
    "spelling",
    ["20250601", "2025-06-01", "2025/6/1", "2025.06.01", "2025年6月1日", "2025-06-01 00:00:00", "45809"],
)
def test_dates_in_every_spelling(spelling: str) -> None:
    """They are one day, and one key."""
    assert read_one(foreign(1, issueDate=spelling)).key == read_one(foreign(1)).key


@pytest.mark.parametrize(
    ("end", "span", "last"),
    [
        ("长期", "", None),
        ("20991231", "", None),
        ("", "长期", None),
        ("", "5年", "2030-05-31"),
        ("", "6个月", "2025-11-30"),
        ("", "30天", "2025-06-30"),
        ("", "2025-06-01至2030-05-31", "2030-05-31"),
        ("20300531", "五年左右", "refused"),
    ],
)
def test_validity_however_it_is_said(end: str, span: str, last: str | None) -> None:
    """A last day, a spell, two dates, or long-term; what nobody can read is refused."""
    names = (*NATIONAL, "validityRange")
    row = read_one(foreign(1, certificateValidateEnd=end, validityRange=span), names)
    if last == "refused":
        assert [r.column for r in row] == ["有效期范围（validityRange）"]
        return
    assert str(row.day("certificateValidateEnd")) == str(last)


@pytest.mark.parametrize(
    ("changes", "column", "cause"),
    [
        ({"certificateHolderCode": citizen(1)[:-1] + "?"}, "certificateHolderCode", "公民身份号码"),
        ({"certificateHolderCode": "990101********0019"}, "certificateHolderCode", "被遮盖"),
        ({"certificateHolderCode": "9.90101E+17"}, "certificateHolderCode", "科学计数法"),
        (
            {"certificateHolderTypeCode": "001", "certificateHolderCode": "91370102MA3C00011X"},
            "certificateHolderCode",
            "校验位",
        ),
        ({"certificateHolderTypeCode": "888"}, "certificateHolderTypeCode", "不是持证主体代码类型"),
        ({"certificateHolder": "甲^乙"}, "certificateHolderCode", "持证主体有 2 个，代码有 1 个"),
        ({"certificateHolder": '["甲"'}, "certificateHolder", "不是完整的 JSON 数组"),
        ({"certificateHolder": "[" * 9000}, "certificateHolder", "不是完整的 JSON 数组"),
        ({"certificateHolder": "^"}, "certificateHolderCode", "有 2 个"),
        ({"certificateHolder": "甲" * 201}, "certificateHolder", "201"),
        ({"certificateHolder": ""}, "certificateHolder", "缺少必填"),
        ({"issueDate": "20270101"}, "issueDate", "晚于今天"),
        ({"issueDate": "20250230"}, "issueDate", "日历"),
        ({"certificateValidateEnd": "20200101"}, "certificateValidateEnd", "早于"),
        ({"certificateValidateEnd": ""}, "certificateValidateEnd", "没有写有效期"),
        ({"status": "88"}, "status", "不是证照状态"),
        ({"status": "99"}, "status", "没有说明"),
        ({"certificateVersion": "000"}, "certificateVersion", "不是版本号"),
        ({"certificateIdentifier": "有中文"}, "certificateIdentifier", "证照标识含有"),
        ({"extendInfo": "不是JSON"}, "extendInfo", "JSON"),
        ({"extendInfo": '{"a":' * 3000}, "extendInfo", "JSON"),
        ({"certificateName": "字" * 20_001}, "certificateName", "20001"),
        ({"certificateName": "坏\x07字"}, "certificateName", "控制字符"),
        ({"certificateName": "乱\ufffd码"}, "certificateName", "乱码"),
    ],
)
def test_what_is_wrong_is_named_by_column_and_cause(changes: dict[str, str], column: str, cause: str) -> None:
    """One refusal, at its column, with what would be right; a citizen's number is never repeated."""
    (refusal,) = read_one(foreign(1, **changes))
    assert f"（{column}）" in refusal.column
    assert cause in refusal.cause
    assert refusal.expected
    assert citizen(1) not in refusal.cause + refusal.expected


def test_a_row_says_all_its_faults_at_once() -> None:
    """Nobody has to hand a sheet in five times."""
    found = read_one(foreign(1, issueDate="x", status="y", certificateHolder="", certificateVersion="z"))
    assert len(found) == 4


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([(1, ["a", "b"]), (2, ["1", "2"])], "没有找到表头"),
        ([(1, ["证照编号", "证照名称", "证照标识"])], "缺少必填的列"),
        ([(1, [*NATIONAL, "证照编号"]), (2, ["1"])], "重复的列"),
        ([(1, list(NATIONAL))], "没有数据行"),
        ([], "没有找到表头"),
        ([(1, [*NATIONAL, *["x"] * 300]), (2, ["1"])], "最多 300 列"),
    ],
)
def test_a_sheet_that_cannot_be_taken_says_why(engine: Engine, desk: Desk, rows: Any, sentence: str) -> None:
    """The batch is stopped with the reason, keeps no row, and the ledger knows."""
    with pytest.raises(Rejected, match=sentence):
        read_in(engine, rows, BatchSource("import", "x", b"\0" * 32), desk, actor="user:test")
    with engine.connect() as tx:
        state, cause = tx.execute(text("SELECT state, cause FROM licence_batches")).one()
        assert (state, sentence in cause) == ("stopped", True)
        assert tx.scalar(text("SELECT count(*) FROM licence_batch_rows")) == 0
        assert tx.scalar(text("SELECT action FROM ledger")) == "batch.failed"


def test_registered_with_operation_ledger_and_sealed_numbers(engine: Engine, desk: Desk) -> None:
    """Identifier as it came; status with the operation 'register'; no personal number readable anywhere."""
    extend = json.dumps({"经营范围": "食品", "经营者身份证": citizen(7), "备注": f"联系人 {citizen(8)} 乙"})
    rows = [
        foreign(1, extendInfo=extend),
        foreign(2, status="失效"),
        foreign(3, status="99", statusDescription="停业"),
    ]
    batch = run(engine, desk, sheet(rows))
    with engine.connect() as tx:
        assert progress_of(tx, batch).as_dict() == {"waiting": 0, "issued": 3, "unchanged": 0, "refused": 0}
        operations = tx.execute(
            text("SELECT operation, from_status, to_status, actor FROM licence_operations ORDER BY to_status")
        ).all()
        dump = json.dumps([tuple(map(str, row)) for row in tx.execute(text("SELECT * FROM licences"))])
        dump += str(tx.execute(text("SELECT detail FROM ledger")).all())
        dump += str(tx.execute(text("SELECT problem, number FROM licence_batch_rows")).all())
        ledger = [a for (a,) in tx.execute(text("SELECT action FROM ledger ORDER BY id"))]
    assert [tuple(one) for one in operations] == [
        ("register", "00", status, "user:test") for status in ("01", "05", "99")
    ]
    first = all_licences(engine)[0]
    assert first.identifier == rows[0]["certificateIdentifier"]
    assert (first.origin, first.identifier_fault, first.version) == ("imported", None, 1)
    assert first.fields["经营者身份证"]["masked"].startswith("990101***")
    assert "********" in first.fields["备注"]["text"]
    for number in (1, 2, 3, 7, 8):
        assert citizen(number) not in dump
    assert ledger == ["batch.read", "batch.started", *["licence.registered"] * 3, "batch.ended"]


def test_a_wrong_identifier_is_flagged_and_kept(engine: Engine, desk: Desk) -> None:
    """Wrong check character, other lengths, no root at all: a doubt that is shown, never a crash."""
    good = foreign(1)["certificateIdentifier"]
    wrong_check = good[:-1] + ("0" if good[-1] != "0" else "1")
    odd = licence_identifier(TYPE, "340100", "1234567")
    rows = [
        foreign(1, certificateIdentifier=wrong_check),
        foreign(2, certificateIdentifier="HTTP://OLD/SYSTEM/42"),
        foreign(3, certificateIdentifier=odd, issueDeptCode="340100"),
        foreign(4, certificateIdentifier=odd.replace("1234567", "7654321")),
    ]
    batch = run(engine, desk, sheet(rows))
    assert refusals(engine, batch) == {}
    found = {row.identifier: row.identifier_fault for row in all_licences(engine)}
    assert "校验位" in found[wrong_check]
    assert "证照标识应为" in found["HTTP://OLD/SYSTEM/42"]
    assert found[odd] is None
    assert len(found) == 4


def test_the_same_again_is_unchanged_and_other_content_refused(engine: Engine, desk: Desk) -> None:
    """By identifier: equal content makes nothing, other content is refused with what differs; twice in a file, too."""
    run(engine, desk, sheet([foreign(1), foreign(2)]))
    again = run(engine, desk, sheet([foreign(1, issueDate="2025年6月1日"), foreign(2, status="04")]))
    with engine.connect() as tx:
        assert progress_of(tx, again).as_dict() == {"waiting": 0, "issued": 0, "unchanged": 1, "refused": 1}
    (((_, cause),),) = refusals(engine, again).values()
    assert "状态" in cause
    changed = foreign(2, extendInfo='{"经营范围":"别的"}')
    batch = run(engine, desk, sheet([foreign(3), foreign(3), foreign(3, status="04"), changed]))
    found = refusals(engine, batch)
    assert found[3] == [("整行", "与第 2 行相同")]
    assert "内容不同" in found[4][0][1]
    assert "字段" in found[5][0][1]
    assert len(all_licences(engine)) == 3


def test_a_frozen_licence_is_held_by_somebody(engine: Engine, desk: Desk) -> None:
    """暂扣 comes with an open hold of the issuing or importing department; without either it is refused."""
    with engine.begin() as tx:
        tx.execute(insert(Department).values(code="scjg", name="示范县市场监督管理局", roles=["supervising"]))
        tx.execute(
            insert(Department).values(
                code="xzsp", name="示范县行政审批服务局", uscc=ISSUER, roles=["approving"]
            )
        )
    other = "12370100495400013J"
    elsewhere = {"issueDeptCode": other, "certificateIdentifier": licence_identifier(TYPE, other, "A1")}
    batch = run(engine, desk, sheet([foreign(1, status="02"), foreign(2, status="02", **elsewhere)]))
    assert "看不出由哪个部门暂扣" in refusals(engine, batch)[3][0][1]
    run(engine, desk, sheet([foreign(2, status="02", **elsewhere)]), department="scjg")
    with engine.connect() as tx:
        held = tx.execute(
            text(
                "SELECT l.number, h.department FROM holds h JOIN licences l ON l.id = h.licence_id ORDER BY 1"
            )
        ).all()
    assert [tuple(one) for one in held] == [("JY9900000001", "xzsp"), ("JY9900000002", "scjg")]


def test_several_holders(engine: Engine, desk: Desk) -> None:
    """Joined with ^ or as a JSON array: all of them are kept, each a party, their numbers masked."""
    codes = ["91370102MA3C00011F", citizen(5)]
    rows = [
        foreign(
            1,
            certificateHolder="甲公司^安然",
            certificateHolderCode="^".join(codes),
            certificateHolderTypeCode="001^111",
        ),
        foreign(
            2,
            certificateHolder='["甲公司", "安然"]',
            certificateHolderCode=json.dumps(codes),
            certificateHolderTypeCode="",
        ),
    ]
    run(engine, desk, sheet(rows))
    for licence in all_licences(engine):
        assert [one["name"] for one in licence.holders] == ["甲公司", "安然"]
        assert licence.holders[0]["code"] == codes[0]
        assert "********" in licence.holders[1]["code"]
    with engine.connect() as tx:
        assert tx.scalar(text("SELECT count(*) FROM parties")) == 2


def test_files_of_every_kind_read_the_same(engine: Engine, desk: Desk, tmp_path: Path) -> None:
    """.xlsx, .csv in three encodings, JSON array and JSON lines: the second and later of them change nothing."""
    rows = [foreign(1, certificateNumber="0012345678901234567"), foreign(2)]
    names = list(NATIONAL)
    cells = [[row[name] for name in names] for row in rows]
    files = [tmp_path / "a.xlsx", tmp_path / "b.csv", tmp_path / "c.csv", tmp_path / "d.csv"]
    for file, encoding in zip(files, ("", "utf-8-sig", "utf-8", "gb18030"), strict=True):
        write_rows(file, names, cells, encoding=encoding or "utf-8")
    (tmp_path / "e.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="gb18030")
    (tmp_path / "f.json").write_text("\n".join(json.dumps(row) for row in rows))
    done = []
    for file in (*files, tmp_path / "e.json", tmp_path / "f.json"):
        with read_any_rows(file) as found, engine.connect() as tx:
            batch = run(engine, desk, found)
            done.append(progress_of(tx, batch).as_dict())
    assert done[0]["issued"] == 2
    assert all(one == {"waiting": 0, "issued": 0, "unchanged": 2, "refused": 0} for one in done[1:])
    assert all_licences(engine)[0].number == "0012345678901234567"


def test_rows_at_rest_are_sealed_and_bound_to_their_batch(engine: Engine, desk: Desk) -> None:
    """A stored row is not readable, opens for its own batch only, and its key is a keyed hash."""
    batch = run(engine, desk, sheet([foreign(1)]))
    with engine.connect() as tx:
        payload, key = tx.execute(text("SELECT payload, key FROM licence_batch_rows")).one()
    assert citizen(1).encode() not in bytes(payload)
    assert unseal_cells(desk.identities, batch, payload)[3] == "JY9900000001"
    with pytest.raises(Exception, match="密文"):
        unseal_cells(desk.identities, uuid.uuid4(), payload)
    row = read_one(foreign(1))
    assert bytes(key) != row.key
