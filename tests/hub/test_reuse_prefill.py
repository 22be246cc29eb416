"""一表通: the form filled from what is on file, each field with its source and date, within what the grant allows."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from datetime import date, datetime

import pytest
from sqlalchemy import Engine, select

from hub.catalogue.fields import FieldDef, stored
from hub.catalogue.item_lines import Line
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import LedgerRow
from hub.ports import Desk
from hub.reuse.accept_case import accept_case
from hub.reuse.case_field import CaseField
from hub.reuse.prefill import PrefilledField, prefill, save_fields, set_field
from hub.workday import LOCAL
from tests.hub.builders import Clock
from tests.hub.catalogue_builders import (
    FOOD,
    FOOD_LICENCE,
    HEALTH,
    HYGIENE,
    publish_sample_catalogue,
    publish_sample_item,
)
from tests.hub.reuse_builders import (
    CLERK,
    PERSON,
    accepted,
    consent,
    decide_it,
    grant,
    start,
    take,
    take_all,
)

FORM = (
    FieldDef("credit_code", "统一社会信用代码", "text", True),
    FieldDef("legal_name", "法定代表人", "text"),
    FieldDef("legal_number", "法定代表人身份证号", "person_number"),
    FieldDef("address", "住所", "text", True),
    FieldDef("capital", "注册资本", "money"),
    FieldDef("licence_number", "许可证编号", "text"),
    FieldDef("licence_valid_to", "许可证有效期至", "date"),
    FieldDef("opened", "是否已开业", "yes_no"),
    FieldDef("id_number", "申请人证件号码", "person_number"),
)
ITEM = "XK-FORM"
NUMBER = "990101199001010019"


@pytest.fixture
def office(county: Engine) -> Engine:
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        lines = [
            Line("business-licence", code="M01"),
            Line("legal-person-id", code="M02", required=False),
            Line("premises", code="M03", required=False, stand_ins=(("licence", FOOD_LICENCE),)),
        ]
        publish_sample_item(tx, ITEM, lines, FORM)
    return county


def form(engine: Engine, desk: Desk, case_no: str) -> dict[str, PrefilledField]:
    with engine.begin() as tx:
        return {field.name: field for field in prefill(tx, case_no, desk)}


def values(engine: Engine, desk: Desk, case_no: str) -> dict[str, str]:
    return {
        name: field.value_shown for name, field in form(engine, desk, case_no).items() if field.source_kind
    }


def on_file(engine: Engine, desk: Desk, *, address: str = "示范路 1 号") -> dict[str, uuid.UUID]:
    """A case with a filled licence copy and an identity card, accepted."""
    with engine.begin() as tx:
        case_no = start(tx, desk, FOOD)
        person = stored([FORM[2]], {"legal_number": NUMBER}, desk.identities)
        materials = take_all(tx, case_no, but=("M01", "M02"))
        fields = {"address": {"text": address}, "capital": {"text": "100.00", "shown": "100.00 元"}}
        materials["M01"] = take(tx, case_no, "M01", fields=fields, content=address)
        materials["M02"] = take(
            tx, case_no, "M02", fields={"legal_name": {"text": "王五"}, **person}, content=address
        )
        accept_case(tx, case_no, desk, actor=CLERK)
        materials["case"] = uuid.UUID(int=0)
        decide_it(tx, desk, case_no, hash(address) % 1000)
    return materials


def test_every_field_has_its_source_and_date(office: Engine, desk: Desk) -> None:
    """From the party's facts, from a licence, from materials of the own department; what is nowhere stays empty."""
    on_file(office, desk)
    with office.begin() as tx:
        case_no = start(tx, desk, ITEM)
    found = form(office, desk, case_no)
    assert {name: one.source_kind for name, one in found.items()} == {
        "credit_code": "party",
        "legal_name": "party",
        "legal_number": None,
        "address": "material",
        "capital": "material",
        "licence_number": "licence",
        "licence_valid_to": "licence",
        "opened": None,
        "id_number": None,
    }
    assert (found["address"].value_shown, found["capital"].value_shown) == ("示范路 1 号", "100.00 元")
    assert found["address"].source_name == "营业执照复印件.pdf"
    assert found["address"].source_date == datetime.now(LOCAL).date()  # the database's clock took it in
    assert found["licence_number"].source_date == date(2026, 9, 18)
    assert found["licence_valid_to"].value_shown == "2031-09-17"
    assert [one.name for one in found.values()] == [field.name for field in FORM]


def test_what_needs_consent_waits_for_it_and_numbers_stay_sealed(office: Engine, desk: Desk) -> None:
    """The identity card's fields come with the consent; the number is shown masked and kept sealed."""
    on_file(office, desk)
    with office.begin() as tx:
        case_no = start(tx, desk, ITEM)
        consent(tx, desk, case_no)
        save_fields(tx, case_no, desk, actor=CLERK)
        kept = tx.execute(select(CaseField.value).where(CaseField.name == "legal_number")).scalar_one()
    found = form(office, desk, case_no)
    assert found["legal_number"].value_shown == "990101********0019"
    assert found["legal_number"].value_raw == ""
    assert NUMBER not in str(kept)
    assert desk.identities.unseal(base64.b64decode(kept["sealed"])) == NUMBER  # type: ignore[attr-defined]


def test_the_newest_wins_and_what_is_typed_wins_over_all(office: Engine, desk: Desk, clock: Clock) -> None:
    """A newer material replaces the older value; a typed one stays, until it is emptied again."""
    on_file(office, desk)
    clock.advance(days=1)
    on_file(office, desk, address="示范路 9 号")
    with office.begin() as tx:
        case_no = start(tx, desk, ITEM)
    assert values(office, desk, case_no)["address"] == "示范路 9 号"
    with office.begin() as tx:
        box = set_field(tx, case_no, "address", " 示范路  10 号 ", actor=CLERK, desk=desk)
    assert (box.value_shown, box.source_kind, box.source_date) == ("示范路 10 号", "typed", None)
    with office.begin() as tx:
        box = set_field(tx, case_no, "address", "  ", actor=CLERK, desk=desk)
    assert (box.value_shown, box.source_kind) == ("示范路 9 号", "material")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [((), {"address", "capital"}), (("capital",), {"capital"}), (("nothing",), set())],
)
def test_a_grant_for_some_fields_shows_only_those(
    office: Engine, desk: Desk, fields: Sequence[str], shown: set[str]
) -> None:
    """Another department sees what its grant names; without a grant nothing."""
    on_file(office, desk)
    with office.begin() as tx:
        case_no = start(tx, desk, ITEM, department=HEALTH)
    assert values(office, desk, case_no).keys() == {"credit_code", "legal_name"}
    with office.begin() as tx:
        grant(tx, "business-licence", fields=list(fields))
    assert values(office, desk, case_no).keys() - {"credit_code", "legal_name"} == shown


def test_a_person_is_prefilled_masked(office: Engine, desk: Desk) -> None:
    """A natural person's own number, in a field for numbers, is sealed and shown masked."""
    with office.begin() as tx:
        case_no = start(tx, desk, ITEM, party=PERSON)
    found = form(office, desk, case_no)
    assert found["id_number"].value_shown == "990101********0019"
    assert found["credit_code"].value_shown == "990101********0019"


def test_what_does_not_fit_a_field_is_left_out(office: Engine, desk: Desk) -> None:
    """A text that is no date, a sealed number in a field of another kind: not taken over."""
    with office.begin() as tx:
        form_ = (FieldDef("address", "住所日期", "date"), FieldDef("legal_number", "号码", "number"))
        publish_sample_item(
            tx, "XK-ODD", [Line("business-licence", code="M01"), Line("legal-person-id", code="M02")], form_
        )
    on_file(office, desk)
    with office.begin() as tx:
        case_no = start(tx, desk, "XK-ODD")
        consent(tx, desk, case_no)
    assert values(office, desk, case_no) == {}


def test_the_form_stays_as_it_was_accepted(office: Engine, desk: Desk, clock: Clock) -> None:
    """What stood in the form at acceptance is kept, whatever comes on file later."""
    on_file(office, desk)
    with office.begin() as tx:
        case_no = start(tx, desk, ITEM)
        take_all(tx, case_no)
        set_field(tx, case_no, "opened", "是", actor=CLERK, desk=desk)
        accept_case(tx, case_no, desk, actor=CLERK)
    before = values(office, desk, case_no)
    clock.advance(days=1)
    on_file(office, desk, address="示范路 9 号")
    assert values(office, desk, case_no) == before
    assert before["opened"] == "是"
    with office.begin() as tx:
        kept = dict(tx.execute(select(CaseField.name, CaseField.source_kind)).all())
    assert kept["opened"] == "typed"
    assert kept["licence_number"] == "licence"


def test_a_required_field_holds_acceptance_back(office: Engine, desk: Desk) -> None:
    """The sentence names the box that is empty."""
    with office.begin() as tx:
        case_no = start(tx, desk, ITEM)
        take(tx, case_no, "M01")
    with office.begin() as tx, pytest.raises(Rejected, match="请填写表单中的“住所”"):
        accept_case(tx, case_no, desk, actor=CLERK)
    with office.begin() as tx:
        set_field(tx, case_no, "address", "示范路 3 号", actor=CLERK, desk=desk)
        accept_case(tx, case_no, desk, actor=CLERK)


def test_what_is_typed_is_checked(office: Engine, desk: Desk) -> None:
    """A wrong value is a sentence, an unknown field is not found, a decided case is closed; the ledger names the field."""
    with office.begin() as tx:
        case_no, _ = accepted(tx, desk, HYGIENE)
        with pytest.raises(NotFound):
            set_field(tx, case_no, "no_such", "x", actor=CLERK, desk=desk)
        other = start(tx, desk, ITEM)
        with pytest.raises(Rejected, match="日期"):
            set_field(tx, other, "licence_valid_to", "明天", actor=CLERK, desk=desk)
        with pytest.raises(Rejected) as caught:
            set_field(tx, other, "legal_number", "990101199001010018", actor=CLERK, desk=desk)
        assert "990101199001010018" not in caught.value.message
        set_field(tx, other, "legal_number", NUMBER, actor=CLERK, desk=desk)
        detail = tx.execute(select(LedgerRow.detail).where(LedgerRow.action == "case.field_set")).scalars()
        assert list(detail) == [{"field": "legal_number"}]
        decide_it(tx, desk, case_no)
        with pytest.raises(Conflict):
            set_field(tx, case_no, "address", "x", actor=CLERK, desk=desk)
