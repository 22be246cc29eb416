"""What a department does not see."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.pushing.withhold import (
    LEFT_OUT,
    LISTS,
    MASKED,
    OBJECTS,
    masked_text,
    members,
    objection,
    parse_path,
    same_elsewhere,
    withhold,
)
from schemas import examples_of, violations

EXAMPLES = examples_of("approval.decided.v1")
ROWS = ("", "受理", "营业执照", "健康证明", "address", "没有这个名字")


def _paths() -> list[str]:
    found = ["licence", "elements", "elements.XK_FR_ZJHM", "elements.XK_XDR_MC", "elements.没有"]
    found += [f"{section}.{one.key}" for section in OBJECTS for one in members(section)]
    for section in LISTS:
        for row in ROWS:
            found += [f"{section}[{row}]", *(f"{section}[{row}].{one.key}" for one in members(section))]
    return found


ALLOWED = {way: [path for path in _paths() if objection(path, way) is None] for way in (LEFT_OUT, MASKED)}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(EXAMPLES),
    st.sets(st.sampled_from(ALLOWED[LEFT_OUT]), max_size=20),
    st.sets(st.sampled_from(ALLOWED[MASKED]), max_size=20),
)
def test_whatever_is_withheld_the_package_stays_valid(
    event: dict[str, Any], left_out: set[str], masked: set[str]
) -> None:
    """A package fits its schema for any allowed set of paths, and the data it was made of is untouched."""
    before = str(event["data"])
    data = withhold(event["data"], sorted(left_out), sorted(masked))
    data["push"] = {**data["push"], "withheld": sorted(left_out | masked)}

    assert violations("approval.decided.v1", {**event, "data": data}) == []
    assert str(event["data"]) == before


@given(st.text(min_size=1, max_size=60))
def test_a_mask_is_no_longer_than_what_it_hides_and_hides_something(text: str) -> None:
    """A masked text fits wherever the text did, and is never the text (but for stars)."""
    shown = masked_text(text)
    assert 0 < len(shown) <= len(text)
    assert shown != text or set(text) == {"*"}


def test_a_row_goes_by_its_requirement_with_what_was_reused_for_it() -> None:
    """`materials[营业执照]` takes the file that was handed in for it, whatever its name, and the use of another case's."""
    event = next(one for one in EXAMPLES if one["data"].get("reused"))
    data = {**event["data"]}
    data["materials"] = [{**data["materials"][0], "material_name": "扫描件1.pdf"}]
    number = data["materials"][0]["id"]
    found = withhold(data, ["materials[营业执照]"], [], {number: "营业执照"})

    assert found["materials"] == []
    assert found["reused"] == []
    assert withhold(data, ["materials[营业执照]"], [])["materials"] == data["materials"]


def test_leaving_out_the_licence_takes_its_file() -> None:
    """Without the licence its signed file is not among the materials either."""
    data = {
        **EXAMPLES[0]["data"],
        "licence": {**EXAMPLES[0]["data"]["licence"], "document": {"material_id": "m-1", "sha256": "0" * 64}},
    }
    data["materials"] = [*data["materials"], {**data["materials"][0], "id": "m-1"}]
    for path in ("licence", "licence.document"):
        assert "m-1" not in {one["id"] for one in withhold(data, [path], [])["materials"]}


def test_leaving_out_wins_over_masking() -> None:
    """What one rule masks and another leaves out is left out; what must be there and may be empty is null."""
    data = withhold(
        EXAMPLES[0]["data"], ["elements.XK_FRDB", "case.legal"], ["elements.XK_FRDB", "case.legal"]
    )
    assert "XK_FRDB" not in data["elements"]
    assert data["case"]["legal"] is None


@pytest.mark.parametrize(
    ("path", "way", "said"),
    [
        ("case.project_no", LEFT_OUT, "识别办件"),
        ("case.applyer_name", LEFT_OUT, "可以改为脱敏"),
        ("materials[营业执照].sha256", MASKED, "识别办件"),
        ("steps", LEFT_OUT, "写法不对"),
        ("case", LEFT_OUT, "不能整个不提供"),
        ("push.id", LEFT_OUT, "不是推送包里的内容"),
        ("elements[1].a", LEFT_OUT, "写法不对"),
        ("没有", MASKED, "不是推送包里的内容"),
        ("licence.status", MASKED, "识别办件"),
        ("licence", MASKED, "不能整个脱敏"),
    ],
)
def test_what_cannot_be_withheld_is_refused_in_words(path: str, way: str, said: str) -> None:
    """Each path that may not be withheld this way has a sentence."""
    assert said in (objection(path, way) or "")


def test_the_same_content_under_another_name_is_told() -> None:
    """Masking the applicant's number alone is told to leave it in the elements and on the licence."""
    assert "elements.XK_XDR_ZJHM" in same_elsewhere(["case.applyer_page_code"])
    assert same_elsewhere(["case.legal", "elements.XK_FRDB"]) == []
    assert parse_path("materials[甲[1]].material_name") == ("materials", "甲[1]", "material_name")
