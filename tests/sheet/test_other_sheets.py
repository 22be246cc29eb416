"""Rows of the older set, of sheets without a 类别 column, and of sheets that leave the authority unsaid."""

from __future__ import annotations

from datetime import date

import pytest

from hub.sheets.sheet import Defaults
from tests.sheet.rows import BODY, OFFICE, OLD, PERSON, SHOP, good


def test_the_older_set() -> None:
    """The 2015 columns come under the newer codes; the kind of party is worked out; 有效期自 is the decision's day."""
    row = good(OLD)
    assert (row.generation, row.party_kind, row.party_code, row.org_code) == (
        "2015",
        "legal",
        "91370102MA3C00011F",
        "",
    )
    assert (row.decided_on, row.valid_from, row.valid_to, row.status) == (
        date(2016, 3, 1),
        date(2016, 3, 1),
        date(2021, 2, 28),
        "01",
    )
    assert row.values["XK_XDR_MC"] == "示范县青禾饮食有限公司"
    assert (row.values["XK_ZT"], row.values["XK_ZT_2015"]) == ("1", "0")
    assert (row.source_org_name, row.permit_kind) == ("示范县行政审批服务局", "普通")


@pytest.mark.parametrize(
    ("change", "kind", "code", "code_type"),
    [
        ({"XK_XDR_SHXYM": "", "XK_XDR_SFZ": "990101199001010019"}, "natural", "990101199001010019", "111"),
        ({"XK_XDR_SHXYM": "92370103MA3K00027G"}, "individual", "92370103MA3K00027G", "001"),
        ({"XK_XDR_SFZ": "990101199001010019"}, "legal", "91370102MA3C00011F", "001"),
        ({"XK_XDR_SHXYM": "/", "XK_XDR_ZDM": "49540001-3"}, "legal", "495400013", "099"),
        ({"XK_XDR_SHXYM": "无", "XK_XDR_GSDJ": "990101600000001"}, "legal", "990101600000001", "099"),
    ],
)
def test_kinds_of_party_in_the_older_set(
    change: dict[str, str], kind: str, code: str, code_type: str
) -> None:
    """Without a 类别 column the codes say who it is; a body's own USCC counts before the person's number."""
    row = good({**OLD, **change})
    assert (row.party_kind, row.party_code, row.party_code_type) == (kind, code, code_type)


@pytest.mark.parametrize(
    ("state", "status"), [("0", "01"), ("1", "03"), ("2", "01"), ("3", "99"), ("撤销", "03")]
)
def test_states_of_the_older_set(state: str, status: str) -> None:
    """The older state codes mean other things than the newer ones, and both are kept."""
    assert good({**OLD, "XK_ZT": state}).status == status


def test_defaults_stand_in_for_a_silent_sheet() -> None:
    """The loader's authority fills the gaps, but never gives its code to another body."""
    defaults = Defaults("示范县行政审批服务局", OFFICE, "示范县数据局", OFFICE)
    row = good(OLD, defaults=defaults)
    assert (row.org_code, row.source_org_name, row.source_org_code) == (OFFICE, "示范县数据局", OFFICE)
    assert good({**OLD, "XK_XZJG": "示范县林业局"}, defaults=defaults).org_code == ""
    assert (
        good({**BODY, "XK_XKJG": "", "XK_XKJGDM": ""}, defaults=defaults).org_name == "示范县行政审批服务局"
    )


def test_a_sheet_without_a_kind_column() -> None:
    """The newer template for bodies has no 类别: the codes say it."""
    assert good({**BODY, "XK_XDR_LB": ""}, drop="XK_XDR_LB").party_kind == "legal"
    assert good({**SHOP, "XK_XDR_LB": ""}, drop="XK_XDR_LB").party_kind == "individual"
    assert good({**PERSON, "XK_XDR_LB": ""}, drop="XK_XDR_LB").party_kind == "natural"


def test_the_time_stamp_of_an_export_is_not_content() -> None:
    """SJC of the older set changes with every export and does not make the row new."""
    assert good(OLD).content_hash == good({**OLD, "SJC": "2026-01-01 00:00:00"}).content_hash
