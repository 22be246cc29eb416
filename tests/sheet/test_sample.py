"""The synthetic sheets."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from hub.identifiers import uscc_fault, uscc_warning
from hub.sheets.sheet import SheetRow, find_header, read_row
from shenguan import sample
from shenguan.sample_words import OFFICES

TODAY = date(2026, 11, 22)
GENERATIONS = pytest.mark.parametrize("generation", ["2018", "2015"])


@GENERATIONS
def test_every_good_row_is_valid(generation: str) -> None:
    """A thousand rows are read without a refusal; documents are unique, codes and names go together."""
    header = find_header([(1, sample.header(generation))])
    assert header.generation == generation
    assert header.extras == ()
    rows = [
        read_row(header, cells, 2, today=TODAY)
        for cells in sample.generate(1000, seed=11, generation=generation)
    ]
    good = [row for row in rows if isinstance(row, SheetRow)]
    assert len(good) == 1000
    assert len({row.document_no for row in good}) == 1000
    assert (
        len({row.party_code for row in good})
        == len({(row.party_code, row.party_name) for row in good})
        < 1000
    )
    assert set(Counter(row.party_kind for row in good)) == {"legal", "natural", "individual"}
    assert all("示范县" in row.party_name or row.party_kind == "natural" for row in good)


@GENERATIONS
def test_a_seed_decides_everything(generation: str) -> None:
    """The same seed gives the same rows; another seed shares no document, and no party under another name."""
    first = list(sample.generate(300, seed=1, generation=generation))
    assert first == list(sample.generate(300, seed=1, generation=generation))
    header = find_header([(1, sample.header(generation))])
    names: dict[str | None, str] = {}
    documents: set[str] = set()
    for seed in (1, 2, 3):
        for cells in sample.generate(300, seed=seed, generation=generation):
            row = read_row(header, cells, 2, today=TODAY)
            assert isinstance(row, SheetRow)
            assert row.document_no not in documents
            documents.add(row.document_no)
            assert names.setdefault(row.party_code, row.party_name) == row.party_name


@GENERATIONS
def test_every_planted_fault_is_refused_where_it_was_planted(generation: str) -> None:
    """Each kind of fault gives exactly one refusal, under its column; all others are good."""
    header = find_header([(1, sample.header(generation))])
    targets = {column.title: column.target for _, column, _ in header.known}
    faults = sample.FAULTS if generation == "2015" else {**sample.FAULTS, **sample.FAULTS_2018}
    seen, documents = Counter[str](), set[tuple[str, str]]()
    for one in sample.generate_labelled(400, seed=5, bad=0.25, generation=generation):
        row = read_row(header, one.row, 2, today=TODAY)
        if one.fault and one.fault != "duplicate_document_no":
            assert isinstance(row, list), one.fault
            assert [targets[refusal.column] for refusal in row] == [faults[one.fault]], one.fault
        else:
            assert isinstance(row, SheetRow), (one.fault, row)
            assert ((row.org_name, row.document_no) in documents) is (one.fault is not None)
            documents.add((row.org_name, row.document_no))
        seen[one.fault or ""] += 1
    assert seen.total() - seen[""] == 100
    assert set(seen) - {""} == set(faults)


def test_the_share_of_bad_rows_is_exact() -> None:
    """`bad` is a share: K bad rows of N are asked for as K / N."""
    for n, bad in ((10, 3), (1000, 7), (5, 5), (3, 0)):
        labels = [one.fault for one in sample.generate_labelled(n, seed=1, bad=bad / n)]
        assert sum(label is not None for label in labels) == bad


def test_the_offices_have_sound_codes() -> None:
    """Every invented office passes both checks and has a code of its own."""
    assert len({office.code for office in OFFICES}) == len(OFFICES)
    for office in OFFICES:
        assert uscc_fault(office.code) is None
        assert uscc_warning(office.code) is None
