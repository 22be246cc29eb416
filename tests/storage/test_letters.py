"""Paper: tables over several pages, every text found again, nothing lost without a mark."""

from __future__ import annotations

from datetime import UTC, datetime

import pypdfium2

from storage.letters.paper import Column, Paper

COLUMNS = (Column("编号", 1.0), Column("说明", 3.0), Column("件数", 0.6, "right"))


def set_in_type(rows: list[tuple[str, str, str]]) -> bytes:
    paper = Paper()
    paper.heading("对账函")
    paper.paragraph("现将有关情况函告如下。")
    paper.table(COLUMNS, rows)
    paper.signature(("示范县", "2026年11月22日"))
    return paper.pdf("对账函", "示范县", datetime(2026, 11, 22, tzinfo=UTC), "对账函 1")


def pages(document: bytes) -> list[str]:
    opened = pypdfium2.PdfDocument(document)
    try:
        return [page.get_textpage().get_text_range() for page in opened]
    finally:
        opened.close()


def test_a_long_table_goes_on_with_its_head_and_every_row_is_there_once() -> None:
    """Each page repeats the head and says which it is; each row is on exactly one of them; the same bytes come again."""
    rows = [
        (f"R{number:04d}", "应于 2026-03-05 前签收，没有签收回执" * (number % 4), "1")
        for number in range(150)
    ]
    said = pages(set_in_type(rows))
    whole = "".join(said)

    assert len(said) > 3
    assert all("说明" in page for page in said[:-1])
    assert [f"第 {n} 页 共 {len(said)} 页" in page for n, page in enumerate(said, 1)] == [True] * len(said)
    assert all(whole.count(number) == 1 for number, _, _ in rows)
    assert set_in_type(rows) == set_in_type(rows)


def test_what_cannot_be_set_is_marked() -> None:
    """A cell that is higher than a page ends with …; a character without a drawing is 〓; neither stops the letter."""
    (first, *rest) = pages(set_in_type([("R1", "长" * 5000, "1"), ("R2", "\U0001f600\u0301好", "2")]))
    whole = first + "".join(rest)

    assert "…" in whole
    assert "〓〓好" in whole
    assert "R2" in whole
