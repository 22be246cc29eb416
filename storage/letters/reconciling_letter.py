"""The letter of a reconciliation 对账函, as a PDF and as sheets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hub.reconciling.figures import Figures
from hub.reconciling.letter import ISSUER, Letter, Listed, Row
from hub.workday import LOCAL
from storage.letters.paper import Column, Paper
from storage.sheet_writer import write_book

_TITLES = ("应推", "已推送", "已到达", "已签收", "已认领", "已反馈", "退回", "超时")
KINDS = {
    "not_pushed": "应推未推",
    "incomplete": "推送包不齐",
    "not_arrived": "未到达",
    "not_signed": "未签收",
    "not_claimed": "未认领",
    "not_answered": "未反馈",
    "correction_not_signed": "更正未签收",
    "not_there": "部门没有",
    "not_here": "本平台没有",
    "count": "数目不符",
    "no_count": "部门未报数",
}


def pdf(letter: Letter) -> bytes:
    """The letter on A4."""
    paper = Paper()
    title = "审批与监管信息推送对账函" if letter.to else "审批与监管信息推送对账汇总"
    paper.heading(title)
    paper.note(f"编号：{letter.number}")
    if letter.to:
        paper.paragraph(f"{letter.to}：", indent=False)
    for said in _said(letter):
        paper.paragraph(said)
    _tables(paper, letter)
    paper.signature((ISSUER, _day(letter)))
    if letter.to:
        paper.section("回执（请核对后盖章退回）")
        paper.paragraph("经核对，上列数字及清单：□ 无误　　□ 有不符，说明如下：")
        paper.signature(
            ("核对单位（盖章）：　　　　　　　　", "经办人：　　　　　　　　", "　　　　年　　月　　日"), 40
        )
    return paper.pdf(f"{title} {letter.number}", ISSUER, letter.made_at, f"对账函 {letter.number}")


def book(letter: Letter, path: Path) -> None:
    """The same on sheets: what it says, by department, by item, differences, unanswered."""
    sheets: list[tuple[str, Sequence[str], Iterator[Sequence[object]]]] = [
        ("对账函", ("项目", "内容"), iter(_cover(letter))),
    ]
    if letter.departments:
        sheets.append(("按部门", ("部门", *_TITLES), _figures(letter.departments, letter.total)))
    sheets.append(("按事项", ("事项", *_TITLES), _figures(letter.items, letter.total)))
    heads = ("部门", "办件编号", "事项", "差异", "说明")
    sheets.append(("差异", heads, (_cells(row) for row in letter.differences.rows)))
    unanswered = ((row.department, row.case_no, row.item, row.words) for row in letter.unanswered.rows)
    sheets.append(("未反馈办件", ("部门", "办件编号", "事项", "说明"), unanswered))
    write_book(path, sheets)


def _said(letter: Letter) -> tuple[str, ...]:
    total = letter.total
    period = f"{_chinese(letter.first.isoformat())}至{_chinese(letter.last.isoformat())}"
    whom = "应推送贵单位的" if letter.to else "应推送各监管部门的"
    done = (
        f"现将{period}作出的审批决定推送与监管反馈情况函告如下："
        f"本期{whom}审批决定 {total.decided} 件，已推送 {total.pushed} 件，"
        f"到达 {total.arrived} 件，签收 {total.signed} 件，认领 {total.claimed} 件，已反馈监管信息 {total.answered} 件；"
        f"退回 {total.returned} 件，超过时限 {total.overdue} 件。"
    )
    found = (
        f"本期有差异 {letter.differences.count} 处，逐条列于后，请核对处理。"
        if letter.differences.count
        else "本期没有差异：应推送的全部推送，应签收、认领、反馈的均已按期完成。"
    )
    return (done, letter.books + found)


def _tables(paper: Paper, letter: Letter) -> None:
    numbers = [Column(title, 1.1, "right") for title in _TITLES]
    if letter.departments:
        paper.section("一、按部门")
        paper.table((Column("部门", 4.6), *numbers), _texts(letter.departments, letter.total), bold_last=True)
    paper.section("二、按事项" if letter.departments else "一、按事项")
    paper.table((Column("事项", 4.6), *numbers), _texts(letter.items, letter.total), bold_last=True)
    paper.section("三、差异" if letter.departments else "二、差异")
    _list(paper, letter.differences, letter, "没有差异。", kinds=True)
    paper.section("四、尚未反馈的办件" if letter.departments else "三、尚未反馈的办件")
    _list(paper, letter.unanswered, letter, "推送的办件都已反馈。", kinds=False)


def _list(paper: Paper, listed: Listed, letter: Letter, nothing: str, *, kinds: bool) -> None:
    if not listed.rows:
        paper.paragraph(nothing)
        return
    columns = [
        *((Column("部门", 2.6),) if letter.to is None else ()),
        Column("办件编号", 4.3),
        Column("事项", 2.6),
        *((Column("差异", 1.8),) if kinds else ()),
        Column("说明", 4.6),
    ]
    rows = [
        _cells(row) if kinds else (row.department, row.case_no, row.item, row.words) for row in listed.rows
    ]
    paper.table(columns, [row if letter.to is None else row[1:] for row in rows])
    if listed.count > len(listed.rows):
        paper.note(f"共 {listed.count} 条，以上为前 {len(listed.rows)} 条；全部可在审管通“对账”中导出。")


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.department or "（没有规则指向）",
        row.case_no,
        row.item,
        KINDS.get(row.what, row.what),
        row.words,
    )


def _texts(figures: Sequence[Figures], total: Figures) -> list[tuple[str, ...]]:
    return [(one.name or one.key, *(f"{n:,}" for n in one.counts())) for one in figures] + [
        ("合计", *(f"{n:,}" for n in total.counts()))
    ]


def _figures(figures: Sequence[Figures], total: Figures) -> Iterator[Sequence[object]]:
    for one in figures:
        yield (one.name or one.key, *(str(n) for n in one.counts()))
    yield ("合计", *(str(n) for n in total.counts()))


def _cover(letter: Letter) -> list[tuple[str, str]]:
    names = zip(_TITLES, letter.total.counts(), strict=True)
    return [
        ("编号", letter.number),
        ("收函单位", letter.to or "各监管部门（汇总）"),
        ("期间", f"{letter.first} 至 {letter.last}"),
        *((name, str(count)) for name, count in names),
        ("差异", str(letter.differences.count)),
        ("尚未反馈", str(letter.unanswered.count)),
        ("收发数对照", letter.books),
        ("出具单位", ISSUER),
        ("对账时间", f"{letter.made_at.astimezone(LOCAL):%Y-%m-%d %H:%M}"),
    ]


def _day(letter: Letter) -> str:
    return _chinese(f"{letter.made_at.astimezone(LOCAL):%Y-%m-%d}")


def _chinese(day: str) -> str:
    year, month, of_month = day.split("-")
    return f"{year}年{int(month)}月{int(of_month)}日"
