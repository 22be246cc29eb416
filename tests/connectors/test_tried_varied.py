"""What a rehearsal is made up of: messages that the hub could send, in all the ways in which they differ."""

from __future__ import annotations

import json
from typing import Any

import pytest

from admin.connecting.words import CONNECTING_WORDS
from connectors.host.tried_packages import made_up
from connectors.host.tried_varied import KINDS
from hub.identifiers import citizen_number_fault, licence_identifier_fault, uscc_fault
from schemas import violations
from schemas.connector.document import OUT_MESSAGES
from schemas.mapping.paths import getter

DECIDED = "approval.decided.v1"


@pytest.mark.parametrize("message", OUT_MESSAGES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_made_up_could_be_sent(message: str, seed: int) -> None:
    """Claim: every one fits its schema, forty in a row, and the same seed makes the same ones."""
    events = made_up(message, "scjg", 40, seed)
    for event in events:
        assert violations(message, event) == [], event["made_up_as"]
    assert events == made_up(message, "scjg", 40, seed)
    assert len({event["subject"] for event in events}) == 40


def test_ten_differ_in_every_way() -> None:
    """Claim: among ten are each kind of party, a refusal without a licence, what is missing, long, rare, many, several and
    without end; numbers are nobody's and pass their checks; the next seed says other things."""
    events = {event["made_up_as"]: event for event in made_up(DECIDED, "scjg", 10, 1)}
    assert list(events) == list(KINDS) == list(CONNECTING_WORDS["connector_made_up"])
    said = {kind: event["data"] for kind, event in events.items()}
    parties = {kind: data["case"]["applyer_type"] for kind, data in said.items()}
    assert [parties[one] for one in ("plain", "individual", "natural")] == ["legal", "individual", "natural"]
    assert said["refused"]["licence"] is None
    assert "不予" in said["refused"]["result"]["result_explain"]
    assert said["sparse"]["case"]["address"] is None
    assert said["sparse"]["materials"] == []
    assert len(said["long"]["elements"]["XK_NR"]) == 4000
    assert "𠮷" in said["rare"]["elements"]["XK_XDR_MC"]
    assert len(said["many_materials"]["materials"]) == 12
    assert len(said["several_holders"]["licence"]["certificateHolder"]) == 3
    assert said["without_end"]["result"]["result_date"] == "2028-02-29"
    assert len({data["result"]["result_date"] for data in said.values()}) > 5
    assert len({data["result"]["document_no"] for data in said.values()}) == 10
    for data in said.values():
        code = data["case"]["applyer_page_code"]
        assert "9901" in code
        fault = citizen_number_fault if data["case"]["applyer_type"] == "natural" else uscc_fault
        assert fault(code) is None, code
        if data["licence"]:
            assert licence_identifier_fault(data["licence"]["certificateIdentifier"]) is None
    other = made_up(DECIDED, "scjg", 10, 2)
    assert json.dumps(other[0]["data"]) != json.dumps(events["plain"]["data"])


@pytest.mark.parametrize(
    "path", ["case.applyer_name", "result.result_date", "elements.XK_NR", "licence.issueDate"]
)
def test_hardly_anything_stays_the_same(path: str) -> None:
    """Claim: what a mapping reads differs from message to message."""
    found: list[Any] = [getter(path)(event["data"]) for event in made_up(DECIDED, "scjg", 40, 5)]
    assert len({str(one) for one in found}) > 3
