"""Licences that were issued alone, without a case, are as good a source as any other."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from hub.catalogue.fields import FieldDef
from hub.catalogue.item_lines import Line
from hub.deciding.decided_rows import party_id
from hub.licensing.issuing.issue_licence import issue
from hub.licensing.issuing.next_version import continue_order
from hub.licensing.types.publish_licence_type import publish_licence_type
from hub.licensing.types.save_licence_type import save_licence_type
from hub.ports import Desk
from hub.reuse.facts import statement
from hub.reuse.prefill import prefill
from hub.round_trips import ask
from hub.sharing.resource import find_resource
from hub.sharing.source import find_source
from tests.conftest import Parts
from tests.hub.catalogue_builders import publish_sample_catalogue, publish_sample_item
from tests.hub.licence_builders import (
    LAYOUT,
    OFFICE,
    RULES,
    TODAY,
    TYPE,
    a_press,
    a_shop,
    a_type,
    an_order,
    some_files,
    some_tokens,
    the_office,
)
from tests.hub.reuse_builders import SHOP, start


@pytest.fixture
def issued(
    county: Engine, desk: Desk, parts: Parts, bucket: str, tmp_path: Path
) -> tuple[uuid.UUID, uuid.UUID]:
    """A licence and its renewal, neither of them on a case."""
    with county.begin() as tx:
        the_office(tx)
        a_type(tx)
    press, tokens = (
        a_press(some_files(parts, bucket), tmp_path / "keys", lambda: datetime.now(UTC)),
        some_tokens(),
    )
    first = issue(county, an_order(), desk, press, tokens, actor="user:a")
    with county.begin() as tx:
        order = continue_order(tx, desk, first.licence_id, "renew")
    again = issue(county, order, desk, press, tokens, actor="user:a")
    return first.licence_id, again.licence_id


def test_matching_finds_a_licence_without_a_case(
    county: Engine, desk: Desk, issued: tuple[uuid.UUID, uuid.UUID]
) -> None:
    """It is offered with its issuer as the owner; the version it took the place of is ended."""
    of = {
        "party": party_id(a_shop(), desk),
        "types": [],
        "case_no": None,
        "licence_types": [TYPE],
        "items": [],
        "department": OFFICE,
        "kinds": [],
        "codes": [],
        "on": TODAY,
    }
    with county.begin() as tx:
        (rows,) = ask(tx, (statement(True, False, False), of))
    found = {row[1]: row for row in rows if row[0] == "l"}
    assert {id_: (row[4], row[10]) for id_, row in found.items()} == {
        issued[0]: (OFFICE, "05"),
        issued[1]: (OFFICE, "01"),
    }


def test_an_objection_can_name_its_fields(county: Engine, issued: tuple[uuid.UUID, uuid.UUID]) -> None:
    """The source tells the provider and the fields of the type's version."""
    with county.begin() as tx:
        source = find_source(tx, "licence", issued[1], lock=True)
        resource = find_resource(tx, "licence", TYPE)
    assert (source.provider, source.case_no) == (OFFICE, None)
    assert source.label("place") == "经营场所"
    assert ("place", "经营场所") in resource.fields


def test_a_form_is_filled_from_the_fields_of_a_licence(
    county: Engine, desk: Desk, parts: Parts, bucket: str, tmp_path: Path
) -> None:
    """What an issued licence says in its type's own fields is offered under the same names, as every source is."""
    fields = [
        {"name": "address", "label": "住所", "type": "text", "required": True},
        {"name": "capital", "label": "注册资本", "type": "money", "required": False},
    ]
    face = {"elements": [one for one in LAYOUT["elements"] if one.get("source", "$")[0] == "$"]}
    form = (FieldDef("address", "住所", "text"), FieldDef("capital", "注册资本", "money"))
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        lines = [Line("premises", code="M03", required=False, stand_ins=(("licence", TYPE),))]
        publish_sample_item(tx, "XK-FORM", lines, form)
        said = {"rules": RULES, "fields": fields, "layout": face}
        publish_licence_type(tx, save_licence_type(tx, TYPE, said, actor="user:a"), actor="user:a")
    press, tokens = (
        a_press(some_files(parts, bucket), tmp_path / "keys", lambda: datetime.now(UTC)),
        some_tokens(),
    )
    values = {"address": "示范县人民路 9 号", "capital": "1000"}
    issue(county, an_order(holders=(SHOP,), values=values), desk, press, tokens, actor="user:a")
    with county.begin() as tx:
        case_no = start(tx, desk, "XK-FORM")
        found = {one.name: one for one in prefill(tx, case_no, desk)}
    assert found["address"].source_kind == found["capital"].source_kind == "licence"
    assert (found["address"].value_shown, found["capital"].value_shown) == ("示范县人民路 9 号", "1000.00 元")
