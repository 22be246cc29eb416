"""Whatever is written is read as it was, in every format."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.formats import Reading, Writing, read_rows, write_file

#: What can be written: no NUL, no half characters, nothing that XML forbids.
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\n\t,;|\"'=<&"),
    max_size=30,
)
NAMES = ("编号", "a b", "3x", "x.y")


@pytest.mark.parametrize(
    ("kind", "encoding", "delimiter"),
    [
        ("csv", "utf-8-sig", ","),
        ("csv", "gb18030", ";"),
        ("csv", "utf-8", "\t"),
        ("json", "utf-8", ","),
        ("xml", "utf-8", ","),
        ("xml", "gb18030", ","),
        ("xlsx", "utf-8", ","),
    ],
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=5))
def test_what_is_written_is_read(
    kind: str, encoding: str, delimiter: str, rows: list[tuple[str, ...]]
) -> None:
    """Claim: any text in any cell, markup, delimiters, quotes and line ends included."""
    records = [dict(zip(NAMES, (f"k{n}", *row), strict=True)) for n, row in enumerate(rows)]
    with tempfile.TemporaryFile() as file:
        write_file(file, kind, NAMES, records, Writing(encoding, delimiter, formula_safe=False))
        how = Reading(encoding.removesuffix("-sig"), delimiter, header_row=1)
        found = list(read_rows(file, kind, how))
    assert [fault for *_, fault in found if fault] == []
    assert [dict(record) for _, record, _ in found] == records
