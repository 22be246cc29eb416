"""The code tables."""

from __future__ import annotations

import pytest

from hub.exchange.inbox import QUARANTINE_CAUSES
from hub.licensing.licence import STATUSES
from hub.party import PARTY_KINDS
from hub.pushing.push import RECEIPT_KINDS, STATES
from schemas import code_table, code_table_file, code_table_names


@pytest.mark.parametrize("name", code_table_names())
def test_every_table_names_its_source(name: str) -> None:
    """A table has a Chinese title, a source, how far it was checked, and no empty code or name."""
    table = code_table_file(name)
    assert table["name"] == name
    assert table["title"]
    assert table["source"]
    assert table["checked"]
    assert all(code and text for code, text in table["codes"].items())


def test_known_codes() -> None:
    """Codes of the published lists are as published."""
    assert code_table("check_result") == {"1": "符合", "2": "基本符合", "3": "不符合"}
    assert code_table("handling") == {"1": "通过", "2": "限期整改", "3": "移交执法"}
    assert code_table("licence_status")["07"] == "吊销"
    assert code_table("item_type")["01"] == "行政许可"
    assert code_table("case_type") == {"1": "即办件", "2": "承诺件", "9": "其他"}
    assert code_table("result_type")["0"] == "出证办结"
    assert code_table("holder_code_type")["111"] == "公民身份号码"


@pytest.mark.parametrize(
    ("table", "known"),
    [
        ("push_state", STATES),
        ("receipt_kind", RECEIPT_KINDS),
        ("licence_status", STATUSES),
        ("party_kind", PARTY_KINDS),
        ("quarantine_cause", QUARANTINE_CAUSES),
    ],
)
def test_the_hub_and_the_tables_know_the_same_codes(table: str, known: tuple[str, ...]) -> None:
    """Every state the hub can be in has a Chinese name, and no name is for a state it has not."""
    assert set(code_table(table)) == set(known)


def test_an_unknown_table_is_a_key_error() -> None:
    """A name that is no table, or tries to leave the folder, is refused."""
    for name in ("nothing", "../events/receipt.v1"):
        with pytest.raises(KeyError):
            code_table(name)


def test_a_table_handed_out_can_be_changed_without_harm() -> None:
    """Each caller gets its own copy."""
    code_table("handling").clear()
    assert code_table("handling")
