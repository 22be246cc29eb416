"""How good the proposals are, on the national column lists and on headings as departments write them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from pypinyin import lazy_pinyin

from schemas import code_table, penalty_columns, permit_columns
from schemas.connector.document import CodeTable
from schemas.mapping import FieldInfo, source_fields, suggest, suggest_pairs, target_fields
from schemas.mapping.names import plain
from schemas.mapping.paths import parsed, spelled

Column = dict[str, Any]
#: Fields of a package that say the same as a column of the sheet.
ALSO = {
    "XK_WSH": "result.document_no", "XK_XDR_MC": "case.applyer_name", "XK_FRDB": "case.legal",
    "XK_XDR_LB": "case.applyer_type", "XK_XKZS": "result.result_cetr_name", "XK_XKBH": "result.result_cetr_no",
    "XK_JDRQ": "result.result_date", "XK_XDR_SHXYM": "case.applyer_page_code", "XK_XKJG": "case.org_name",
    "XK_XKJGDM": "case.org_code", "DFBM": "case.area_code", "XK_YXQZ": "licence.certificateValidateStart",
    "XK_YXQZI": "licence.certificateValidateEnd", "XK_XMMC": "case.task_name",
}  # fmt: skip
#: Fields of a penalty's draft that say the same as a column of the sheet.
DRAFT = {
    "CF_WSH": "document_no", "CF_JDRQ": "decided_on", "CF_SY": "illegal_fact", "CF_YJ": "basis", "CF_NR": "content",
    "CF_CFLB": "punish_types", "CF_GSJZQ": "publish_until", "CF_NR_FK": "fine_wan", "CF_NR_WFFF": "confiscated_wan",
}  # fmt: skip


def initials(column: Column) -> str:
    """As the national sheets are abbreviated."""
    return "".join(syllable[0] for syllable in lazy_pinyin(plain(column["name"]))).upper()


HEADINGS: dict[str, Callable[[Column], str]] = {
    "code": lambda column: column["code"],
    "lower": lambda column: column["code"].lower(),
    "bare": lambda column: column["code"].removeprefix("XK_").removeprefix("CF_"),
    "name": lambda column: column["name"],
    "variant": lambda column: (column["variants"] or [column["name"]])[-1],
    "initials": initials,
}


def shuffled(columns: dict[str, Any]) -> list[Column]:
    """The columns of a sheet in no order."""
    found: list[Column] = list(columns["columns"])
    random.Random(7).shuffle(found)
    return found


def meant(column: Column) -> str:
    """The column of the newer sheet that this one is."""
    return str(column.get("as", column["code"]))


@pytest.mark.parametrize("generation", ["2018", "2015"])
def test_the_columns_of_a_permit_sheet_find_their_fields(generation: str) -> None:
    """Over all ways to write the headings: at least 90 % rightly, fewer than 2 % wrongly and surely."""
    same = {one["code"]: meant(one) for each in ("2018", "2015") for one in permit_columns(each)["columns"]}
    right = wrong = total = 0
    for heading in HEADINGS.values():
        columns = shuffled(permit_columns(generation))
        targets = [FieldInfo(spelled([heading(one)]), heading(one)) for one in columns]
        found = {one.rule.target: one for one in suggest(source_fields("approval.decided.v1"), targets)}
        for column, target in zip(columns, targets, strict=True):
            one = found.get(target.path)
            source = one.rule.sources[0] if one else ""
            key = parsed(source)[-1] if source else ""
            good = same.get(str(key)) == meant(column) or ALSO.get(meant(column), "-") == source
            total, right = total + 1, right + good
            wrong += bool(one and not good and one.sure >= 0.8)
    assert (right / total >= 0.9, wrong / total < 0.02) == (True, True), (right, wrong, total)


@pytest.mark.parametrize("generation", ["2018", "2015"])
def test_the_columns_of_a_penalty_sheet_find_their_places_in_a_draft(generation: str) -> None:
    """The same, the other way: headings of a department's sheet as sources, fields of a draft as targets."""
    right = wrong = total = 0
    for heading in HEADINGS.values():
        columns = shuffled(penalty_columns(generation))
        ours = {one["code"] for one in penalty_columns("2018")["columns"]}
        by_path = {spelled([heading(one)]): meant(one) for one in columns}
        sources = [FieldInfo(path, str(parsed(path)[0])) for path in by_path]
        found = {one.rule.target: one for one in suggest(sources, target_fields("enforcement"))}
        wanted = {f"sheet_columns.{code}": code for code in by_path.values() if code in ours}
        wanted |= {DRAFT[code]: code for code in by_path.values() if code in DRAFT}
        for target, code in wanted.items():
            one = found.get(target)
            good = one is not None and by_path[one.rule.sources[0]] == code
            total, right = total + 1, right + good
        wrong += sum(
            one.sure >= 0.8 and wanted.get(path) != by_path[one.rule.sources[0]]
            for path, one in found.items()
        )
    assert (right / total >= 0.9, wrong / total < 0.02) == (True, True), (right, wrong, total)


WRITTEN = {
    "finding": {
        "巡查编号": "finding_no", "受理号": "project_no", "巡查时间": "inspected_at", "执法人员": "inspectors",
        "检查结论": "check_result", "处理意见": "handling", "整改期限": "rectify_by", "存在问题": "explain",
        "检查类型": "inspection_way", "移送部门": "transfer_to", "监管计划编号": "plan_no",
        "检查事项": "supervise_item_name",
        "联系电话": "", "经度": "", "纬度": "", "照片": "", "录入人": "", "创建时间": "",
    },
    "supply": {
        "数据主键": "supply_no", "单位名称": "party_name", "统一社会信用代码": "party_code",
        "法人代表": "legal_representative",
        "更新时间": "as_of", "有效期至": "valid_to", "经营范围": "", "注册资本": "", "联系人": "",
    },
    "returned": {"推送ID": "push_id", "处理人": "by", "处理时间": "at", "退回原因": "reason", "附件": ""},
}  # fmt: skip


@pytest.mark.parametrize("kind", WRITTEN)
def test_headings_as_departments_write_them(kind: str) -> None:
    """Of headings that stand in no sheet, most are found; none that has no place here is surely put somewhere."""
    wanted = WRITTEN[kind]
    found = suggest([FieldInfo(name, name) for name in wanted], target_fields(kind))
    told = {one.rule.target: one for one in found}
    hits = [
        name
        for name, target in wanted.items()
        if target and told.get(target) and told[target].rule.sources == (name,)
    ]
    assert len(hits) >= 0.75 * sum(bool(target) for target in wanted.values()), set(wanted) - set(hits)
    assert not [one for one in found if one.sure >= 0.8 and wanted[one.rule.sources[0]] != one.rule.target]


def test_a_proposal_brings_what_has_to_be_done_on_the_way() -> None:
    """Dates, moments, lists, code tables; a proposal is a rule that can be accepted as it is."""
    table = CodeTable("检查结果", ours="check_result", pairs=(("合格", "1"),))
    sources = [FieldInfo(name, name) for name in ("检查时间", "整改期限", "检查结果", "计划编号")]
    found = {one.rule.target: one.rule.steps for one in suggest(sources, target_fields("finding"), [table])}
    assert [step.do for step in found["inspected_at"]] == ["moment"]
    assert [step.do for step in found["rectify_by"]] == ["date"]
    assert [(step.do, step.options["table"]) for step in found["check_result"]] == [("code", "检查结果")]
    names = [FieldInfo("material_name", "材料名称"), FieldInfo("result_date", "result_date")]
    package = {one.rule.target: one.rule for one in suggest(source_fields("approval.decided.v1"), names)}
    assert [step.do for step in package["material_name"].steps] == ["join"]
    assert [step.do for step in package["result_date"].steps] == ["date"]


def test_an_amount_without_a_unit_is_never_surely_placed() -> None:
    """What a heading does not say is not guessed; what it says is taken at its word."""

    def sure(heading: str) -> dict[str, float]:
        found = suggest([FieldInfo(spelled([heading]), heading)], target_fields("enforcement"))
        return {one.rule.target: one.sure for one in found if one.rule.target.startswith("fine")}

    assert all(value < 0.8 for value in sure("罚款金额").values())
    assert sure("罚款金额（万元）")["fine_wan"] >= 0.8
    assert sure("罚款金额（元）")["fine_yuan"] >= 0.8
    assert sure("罚款金额（元）").keys() == {"fine_yuan"}


def test_codes_are_paired_by_name_number_and_synonym() -> None:
    """What cannot be told is left to people."""
    kinds = {
        one.theirs: one.ours
        for one in suggest_pairs(["法人", "个人", "个体户", "其它", "01"], code_table("party_kind"))
    }
    assert kinds == {"法人": "legal", "个人": "natural", "个体户": "individual"}
    results = suggest_pairs(["合格", "基本合格", "不合格", "03", "合格", ""], code_table("check_result"))
    assert [(one.theirs, one.ours) for one in results] == [
        ("合格", "1"),
        ("基本合格", "2"),
        ("不合格", "3"),
        ("03", "3"),
    ]
    assert all(one.why for one in results)
