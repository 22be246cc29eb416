"""The fields of our messages, as an editor shows them; and what of a sample is masked."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import code_table_names, examples_of
from schemas.connector.document import IN_KINDS, OUT_MESSAGES
from schemas.drafts.written import report_data
from schemas.mapping import masked, source_fields, target_fields
from schemas.mapping.paths import EVERY, found, parsed


@pytest.mark.parametrize("message", OUT_MESSAGES)
def test_every_field_of_a_message_has_a_chinese_title_and_its_path_reads(message: str) -> None:
    """No path twice; every example is what its path reads from one of the schema's examples; every code table exists."""
    fields = source_fields(message)
    records = [{**one["data"], "event": one} for one in examples_of(message)]
    assert len({one.path for one in fields}) == len(fields)
    for one in fields:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in one.title), one.path
        assert one.title_en
        assert not one.code_table or one.code_table in code_table_names()
        values = [found(record, one.path) for record in records]
        assert (
            one.example is None
            or one.example in values
            or any(one.example in (value or ()) for value in values)
        )


def test_what_every_package_has_can_be_picked() -> None:
    """Every value of every example of a package is under a field that is offered."""
    paths = {
        tuple(part for part in parsed(one.path) if part is not EVERY)
        for one in source_fields("approval.decided.v1")
    }
    for event in examples_of("approval.decided.v1"):
        data = event["data"]
        named = {(part, key) for part in ("push", "case", "result", "licence") for key in data[part] or {}}
        named |= {("elements", key) for key in data["elements"]}
        assert {way for way in named if way not in paths and way != ("licence", "document")} == set()


@pytest.mark.parametrize("kind", [one for one in IN_KINDS if one not in ("claimed", "returned", "closed")])
def test_the_examples_of_the_targets_are_what_a_draft_wants(kind: str) -> None:
    """A draft filled with every required example has the data of its message."""
    fields = [one for one in target_fields(kind) if one.required]
    data = report_data(kind, {one.path: one.example for one in fields})
    assert fields
    assert all(one.example is not None for one in fields)
    assert all(value is not None for value in data.values())


def test_names_and_numbers_of_persons_are_masked() -> None:
    """By what fields are called here and elsewhere, by the form of values, within texts; organisations stay readable."""
    sample: dict[str, Any] = {
        "case": {
            "project_no": "990101199001011234",
            "applyer_name": "示例甲",
            "applyer_page_code": "990101199001010019",
        },
        "result": {"result_explain": "准予示例甲经营，电话 13800001234"},
        "elements": {
            "XK_XDR_MC": "示范县青禾饮食有限公司",
            "XK_XDR_SHXYM": "91370102MA3C00011F",
            "XK_FRDB": "示例乙",
        },
        "inspectors": [{"name": "示例己", "certificate_no": "99010100001"}],
        "LXDH": 13800001234,
        "检查人员": "示例丙、示例丁",
        "备注": "身份证 99010119900101001X",
        "罚款": 2000,
    }
    assert masked(sample) == {
        "case": {
            "project_no": "990101199001011234",
            "applyer_name": "示**",
            "applyer_page_code": "**************0019",
        },
        "result": {"result_explain": "准予示**经营，电话 *******1234"},
        "elements": {
            "XK_XDR_MC": "示范县青禾饮食有限公司",
            "XK_XDR_SHXYM": "91370102MA3C00011F",
            "XK_FRDB": "示**",
        },
        "inspectors": [{"name": "示**", "certificate_no": "*******0001"}],
        "LXDH": "*******1234",
        "检查人员": "示**、示**",
        "备注": "身份证 **************001X",
        "罚款": 2000,
    }


def test_more_can_be_masked_by_path() -> None:
    """What somebody names is masked, whatever it is called."""
    assert masked({"a": {"b": "示例甲"}, "c": "示例乙"}, ["a.b"]) == {"a": {"b": "示**"}, "c": "示例乙"}


@pytest.mark.parametrize("message", OUT_MESSAGES)
def test_masking_keeps_the_shape(message: str) -> None:
    """Dates, codes and numbers of cases stay what they are, so that a mapping can be tried on a masked package."""
    for event in examples_of(message):
        kept = masked(event["data"])
        assert list(kept) == list(event["data"])
        for path in (
            "case.project_no",
            "case.apply_date",
            "push.sign_by",
            "result.document_no",
            "licence.issueDate",
        ):
            assert found(kept, path) == found(event["data"], path)
