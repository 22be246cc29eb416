"""Issuing licences: from an order to a signed file and its rows, on the real press and store."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from sqlalchemy import Engine, text

from hub.catalogue.licence_types import change_licence_type
from hub.deciding.decide import ACCEPTED, UNCHANGED, decide
from hub.deciding.decided_case import PartyFacts
from hub.errors import Conflict, HubError, NotFound, Rejected
from hub.identifiers import licence_identifier_fault
from hub.licensing.issuing.issue_licence import issue, prepare, write_issued
from hub.licensing.issuing.next_version import continue_order
from hub.licensing.issuing.order import Issued, Order, Prepared
from hub.licensing.life import NEW
from hub.licensing.living.change_status import change_status
from hub.licensing.types.publish_licence_type import withdraw_licence_type
from hub.ports import Desk
from schemas import loads, violations
from storage.files import FileStore
from storage.licences.press import LicencePress
from storage.licences.tokens import LicenceTokens
from tests.conftest import Parts
from tests.hub.builders import a_case, packages
from tests.hub.licence_builders import (
    A_PERSON,
    FIELDS,
    ISSUER,
    OFFICE,
    TODAY,
    TYPE,
    a_press,
    a_shop,
    a_type,
    an_order,
    some_files,
    some_tokens,
    statuses,
    the_office,
)

ACTOR = "user:approver"


@dataclass(frozen=True)
class Room:
    """A county that can issue."""

    engine: Engine
    desk: Desk
    files: FileStore
    press: LicencePress
    tokens: LicenceTokens

    def prepare(self, **changes: Any) -> Prepared:
        return prepare(self.engine, an_order(**changes), self.desk, self.press, self.tokens)

    def issue(self, order: Order | None = None, **changes: Any) -> Issued:
        order = order or an_order(**changes)
        return issue(self.engine, order, self.desk, self.press, self.tokens, actor=ACTOR)

    def write(self, prepared: Prepared) -> None:
        with self.engine.begin() as tx:
            write_issued(tx, prepared, self.desk, actor=ACTOR)

    def next(self, licence: Issued, operation: str, **more: Any) -> Order:
        with self.engine.begin() as tx:
            return continue_order(tx, self.desk, licence.licence_id, operation, **more)

    def rows(self, statement: str, **values: Any) -> Sequence[Any]:
        with self.engine.begin() as tx:
            return tx.execute(text(statement), values).all()

    def one(self, statement: str, **values: Any) -> Any:
        (row,) = self.rows(statement, **values)
        return row

    def change(self, licence: Issued, operation: str, **said: Any) -> None:
        with self.engine.begin() as tx:
            said = {"reason": "检查发现问题", "actor": ACTOR, "department": "scjg", "desk": self.desk, **said}
            change_status(tx, licence.licence_id, operation, **said)


@pytest.fixture
def room(county: Engine, desk: Desk, parts: Parts, bucket: str, tmp_path: Path) -> Iterator[Room]:
    with county.begin() as tx:
        the_office(tx)
        a_type(tx)
    files = some_files(parts, bucket)
    press = a_press(files, tmp_path / "keys", lambda: datetime.now(UTC))
    return Room(county, desk, files, press, some_tokens())


def test_a_licence_is_issued_with_everything_that_belongs_to_it(room: Room) -> None:
    """Licence, document, material, operation, ledger row and holder's notice are written; the file is what they name."""
    made = room.issue()
    assert made.number == "JY2026000001"
    assert licence_identifier_fault(made.identifier) is None
    assert made.identifier.split(".")[5:9] == [TYPE, ISSUER, "JY2026000001", "001"]
    licence = room.one("SELECT * FROM licences")
    assert (licence.origin, licence.status, licence.type_version, licence.version) == ("issued", "01", 1, 1)
    assert (licence.valid_from, licence.valid_to) == (TODAY, date(2031, 9, 17))
    assert licence.department == OFFICE
    assert licence.status_index is not None
    assert licence.fields["place"] == {"text": "示范县人民路 1 号"}
    assert [one["name"] for one in licence.holders] == [a_shop().name]
    document = room.one("SELECT * FROM licence_documents")
    material = room.one("SELECT * FROM materials")
    assert (document.format, document.level, document.material_id) == ("pdf", "B-B", material.id)
    assert (material.origin, material.signature_state, material.sha256) == (
        "result",
        "valid",
        document.sha256,
    )
    assert (material.party_id, material.department, material.case_no) == (licence.party_id, OFFICE, None)
    operation = room.one("SELECT * FROM licence_operations")
    assert (operation.operation, operation.from_status, operation.to_status) == ("issue", NEW, "01")
    assert operation.actor == ACTOR
    entry = room.one("SELECT * FROM ledger WHERE action = 'licence.issued'")
    assert entry.subject == f"licence:{licence.id}"
    assert entry.detail["files"]["pdf"] == document.sha256.hex()
    notice = room.one("SELECT * FROM holder_notices")
    assert (notice.kind, notice.party_id) == ("issued", licence.party_id)


def test_the_file_says_the_face_and_carries_the_qr_code(room: Room) -> None:
    """The stored PDF reads back as what the order said, its QR code leads to this very licence."""
    prepared = room.prepare()
    stored = prepared.made[0].stored
    with room.files.open(stored) as content:
        pdf = b"".join(content)
    assert hashlib.sha256(pdf).digest() == stored.sha256
    words = "".join(pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range().split())
    for said in (
        "食品经营许可证",
        "JY2026000001",
        "示范县第1食品有限公司",
        "二〇二六年九月十八日",
        "2026年09月18日至2031年09月17日",
    ):
        assert said in words
    assert room.tokens.read(room.tokens.make(prepared.licence_id)) == prepared.licence_id


def test_what_is_prepared_is_nobodys_until_it_is_written(room: Room) -> None:
    """Preparing writes no licence; only a number is gone."""
    first = room.prepare()
    assert statuses(room.engine) == {}
    second = room.prepare()
    assert (first.words.number, second.words.number) == ("JY2026000001", "JY2026000002")
    room.write(second)
    assert list(statuses(room.engine)) == [second.identifier]


def test_the_same_key_is_issued_once(room: Room) -> None:
    """A form sent twice gives one licence, and the same answer."""
    first, again = room.issue(key="form-1"), room.issue(key="form-1")
    assert first == again
    assert first.fresh
    assert not again.fresh
    assert len(statuses(room.engine)) == 1


def test_the_same_number_again_is_the_same_licence_or_a_conflict(room: Room) -> None:
    """Same number, holder, day and content: given back. Anything else: a sentence, nothing written."""
    first = room.issue(number="京食药〔2026〕1号")
    assert first.identifier.split(".")[7] == "20261"
    assert room.issue(number="京食药〔2026〕1号") == first
    for changes in ({"holders": (a_shop(2),)}, {"values": {"place": "另一处"}}):
        with pytest.raises(Conflict, match="已经用于"):
            room.issue(number="京食药〔2026〕1号", **changes)
    other = room.issue(number="京食药〔202〕61号", holders=(a_shop(3),))
    assert other.identifier != first.identifier  # the same letters and digits: another serial
    assert licence_identifier_fault(other.identifier) is None
    assert len(statuses(room.engine)) == 2


def test_two_clerks_at_once_with_one_number(room: Room) -> None:
    """Of two orders with one number for different holders, one is issued and one is refused."""
    prepared = [room.prepare(number="JY-77", holders=(a_shop(n),)) for n in (1, 2)]
    found: list[BaseException | None] = []
    start = threading.Barrier(2)

    def write(one: Prepared) -> None:
        start.wait()
        try:
            room.write(one)
            found.append(None)
        except HubError as error:
            found.append(error)

    threads = [threading.Thread(target=write, args=(one,)) for one in prepared]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(isinstance(one, Conflict) for one in found) == [False, True]
    assert len(statuses(room.engine)) == 1


def test_two_clerks_at_once_without_numbers_get_different_ones(room: Room) -> None:
    """Numbers are reserved, never shared."""
    made: list[Issued] = []
    threads = [
        threading.Thread(target=lambda n=n: made.append(room.issue(holders=(a_shop(n),))))
        for n in range(1, 5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.number for one in made}) == len({one.identifier for one in made}) == 4


def test_a_type_withdrawn_meanwhile(room: Room) -> None:
    """A licence that was printed under a type that is gone is not written."""
    prepared = room.prepare()
    with room.engine.begin() as tx:
        withdraw_licence_type(tx, TYPE, actor=ACTOR, reason="改版")
    with pytest.raises(Conflict, match="撤下"):
        room.write(prepared)
    with pytest.raises(NotFound, match="没有已发布的版本"):
        room.prepare()
    with room.engine.begin() as tx:
        change_licence_type(tx, TYPE, {"active": False}, actor=ACTOR)
    with pytest.raises(NotFound, match="已停用"):
        room.prepare()
    assert statuses(room.engine) == {}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"type_code": "nothing"}, "没有代码为"),
    ({"department": None}, "选择颁发部门"),
    ({"department": "nobody"}, "没有代码为 nobody 的部门"),
    ({"department": "scjg"}, "没有登记统一社会信用代码"),
    ({"holders": ()}, "1 到 20 个"),
    ({"holders": (a_shop(), a_shop())}, "填写了两次"),
    ({"holders": (replace(a_shop(), code="91370102MA3C0001AA"),)}, "校验位"),
    ({"holders": (replace(a_shop(), code=None),)}, "请填写持证主体"),
    ({"holders": (replace(a_shop(), name=" "),)}, "名称"),
    ({"values": {}}, "请填写“经营场所”"),
    ({"values": {"place": "示" * 101}}, "至多 100 字"),
    ({"values": {"place": "a", "person": "990101199001010018"}}, "校验位"),
    ({"valid_to": date(2040, 1, 1)}, "超过了规则允许的 2031-09-17"),
    ({"valid_to": date(2026, 9, 1)}, "早于有效期自"),
    ({"issued_on": date(2027, 1, 1)}, "晚于今天"),
    ({"number": " JY 1"}, "可见字符"),
    ({"number": "J" * 101}, "可见字符"),
    ({"operation": "renew"}, "新发不能有前一版本"),
    ({"reason": "理" * 501}, "至多 500 字"),
    ({"values": {"place": "示范县", "scope": "长" * 2000}}, "经营项目"),  # does not fit, however small
]


@pytest.mark.parametrize(("changes", "said"), REFUSED)
def test_what_cannot_be_issued_is_refused_with_a_sentence(
    room: Room, changes: dict[str, Any], said: str
) -> None:
    """Each bad order gets its reason; no licence is written."""
    with pytest.raises(HubError) as refused:
        room.issue(**changes)
    assert said in refused.value.message
    assert refused.value.message.endswith("。")
    assert "990101199001010018" not in refused.value.message
    assert statuses(room.engine) == {}


def test_a_character_that_no_font_has_is_named(room: Room) -> None:
    """Never an empty box: the refusal names the field and the character."""
    with pytest.raises(Rejected, match="经营场所"):
        room.issue(values={"place": "示范县\U000313aa路"})
    assert statuses(room.engine) == {}


def test_holders_by_kind(room: Room, parts: Parts) -> None:
    """A type for legal persons is not given to a natural one; several holders stand on one licence, numbers masked."""
    with room.engine.begin() as tx:
        a_type(tx, "11370100MB00000194002", rules={"holder_kinds": ["natural"], "name": "示范证"})
    with pytest.raises(Rejected, match="只发给自然人"):
        room.issue(type_code="11370100MB00000194002")
    other = PartyFacts("natural", "安宁", "990101199001010027", "111")
    other = replace(other, code=_citizen("99010119900101002"))
    made = room.issue(type_code="11370100MB00000194002", holders=(A_PERSON, other))
    row = room.one("SELECT holders, fields FROM licences WHERE id = :id", id=made.licence_id)
    assert [one["name"] for one in row.holders] == ["安然", "安宁"]
    assert all("*" in one["code"] for one in row.holders)
    assert len(room.rows("SELECT id FROM parties WHERE code_sealed IS NOT NULL")) == 2
    dump = repr(room.rows("SELECT to_jsonb(l)::text FROM licences l"))
    dump += repr(room.rows("SELECT to_jsonb(g)::text FROM ledger g"))
    assert "990101199001010019" not in dump


def _citizen(first17: str) -> str:
    from hub.identifiers import citizen_check_char

    return first17 + citizen_check_char(first17)


def test_a_renewal_takes_the_place_of_the_old_version(room: Room) -> None:
    """Same type, issuer, serial and number; version 002; the old one is 失效 by supersede and names the new one."""
    first = room.issue(values={"place": "示范县", "person": "990101199001010019"})
    order = room.next(first, "renew", values={"scope": "冷食类食品制售"}, reason="延续申请")
    assert order.values["person"] == "990101199001010019"  # unsealed for the press
    again = room.issue(order)
    assert again.number == first.number
    assert again.identifier.split(".")[5:9] == [TYPE, ISSUER, "JY2026000001", "002"]
    assert statuses(room.engine) == {first.identifier: "05", again.identifier: "01"}
    new = room.one("SELECT * FROM licences WHERE id = :id", id=again.licence_id)
    assert (new.previous_id, new.version) == (first.licence_id, 2)
    assert (new.valid_from, new.valid_to) == (
        TODAY,
        date(2036, 9, 17),
    )  # counted from the day after the old end
    assert new.fields["person"]["masked"] == "990101********0019"
    steps = room.rows(
        "SELECT licence_id, operation, related_id FROM licence_operations ORDER BY at, operation DESC"
    )
    assert {(one.licence_id, one.operation) for one in steps} == {
        (first.licence_id, "issue"),
        (again.licence_id, "renew"),
        (first.licence_id, "supersede"),
    }
    assert {one.related_id for one in steps if one.operation != "issue"} == {
        first.licence_id,
        again.licence_id,
    }


@pytest.mark.parametrize("operation", ["change", "replace"])
def test_a_change_and_a_replacement_keep_the_days(room: Room, operation: str) -> None:
    """They do not lengthen the licence."""
    first = room.issue()
    order = room.next(first, operation, values={"place": "示范县新址"})
    again = room.issue(order)
    row = room.one("SELECT valid_from, valid_to, fields FROM licences WHERE id = :id", id=again.licence_id)
    assert (row.valid_from, row.valid_to) == (TODAY, date(2031, 9, 17))
    assert row.fields["place"]["text"] == "示范县新址"
    with pytest.raises(Rejected, match="已由新版本"):
        room.next(first, "renew")
    longer = room.next(again, operation, valid_to=date(2040, 1, 1))
    with pytest.raises(Rejected, match="不延长有效期"):
        room.issue(longer)


def test_a_frozen_licence_has_no_next_version(room: Room) -> None:
    """Refused with who froze it and since when; also when it is frozen between printing and writing; lifting restores it."""
    first = room.issue()
    order = room.next(first, "renew")
    printed = prepare(room.engine, order, room.desk, room.press, room.tokens)
    room.change(first, "suspend")
    for operation in ("renew", "change", "replace"):
        with pytest.raises(Rejected, match="示范县市场监督管理局自 2026-09-18 起暂扣"):
            room.next(first, operation)
    with pytest.raises(Rejected, match="暂扣"):
        room.issue(order)
    with pytest.raises(Rejected, match="暂扣"):
        room.write(printed)
    assert statuses(room.engine) == {first.identifier: "02"}
    room.change(first, "restore", reason="整改合格")
    room.write(printed)
    assert statuses(room.engine) == {first.identifier: "05", printed.identifier: "01"}


def test_an_ended_licence_has_no_next_version(room: Room, clock: Any) -> None:
    """注销 and a last day that has passed: refused with since when."""
    first, second = room.issue(), room.issue(holders=(a_shop(2),))
    room.change(first, "cancel", department=OFFICE, reason="申请注销")
    with pytest.raises(Rejected, match="自 2026-09-18 起为“注销”"):
        room.next(first, "renew")
    clock.advance(days=365 * 6)
    with pytest.raises(Rejected, match="有效期已于 2031-09-17 届满"):
        room.next(second, "renew")


def test_only_one_of_two_renewals_at_once(room: Room) -> None:
    """Of one licence there is at most one next version."""
    first = room.issue()
    printed = [
        prepare(room.engine, room.next(first, "renew"), room.desk, room.press, room.tokens) for _ in range(2)
    ]
    room.write(printed[0])
    with pytest.raises(HubError):
        room.write(printed[1])
    assert sorted(statuses(room.engine).values()) == ["01", "05"]


def test_a_decision_writes_the_licence_that_was_prepared_for_it(room: Room) -> None:
    """Case, decision, licence and pushes in one transaction; the package names the file, and is valid by its schema."""
    case = a_case(1, area=room.desk.area)
    prepared = room.prepare(
        case_no=case.case_no, holders=(case.party,), document_no=case.decision.document_no
    )
    case = replace(case, licence=prepared.facts)
    with room.engine.begin() as tx:
        assert decide(tx, [case], room.desk, actor=ACTOR)[0].verdict == ACCEPTED
    with room.engine.begin() as tx:
        assert decide(tx, [case], room.desk, actor=ACTOR)[0].verdict == UNCHANGED
        package = loads(bytes(packages(tx, case.case_no)["scjg"].value))
    assert not violations("approval.decided.v1", package)
    licence, material = package["data"]["licence"], package["data"]["materials"][0]
    assert licence["certificateIdentifier"] == prepared.identifier
    assert licence["document"]["material_id"] == material["id"] == str(prepared.material_id)
    assert material["sha256"] == prepared.made[0].stored.sha256.hex()
    row = room.one("SELECT case_no, origin FROM licences")
    assert (row.case_no, row.origin) == (case.case_no, "issued")
    assert room.one("SELECT case_no FROM materials").case_no == case.case_no
    assert [one.operation for one in room.rows("SELECT operation FROM licence_operations")] == ["issue"]


def test_a_decision_that_fails_leaves_no_licence(room: Room) -> None:
    """A licence for another party, or another case, is refused with the decision."""
    case = a_case(1, area=room.desk.area)
    for changes in (
        {"case_no": case.case_no, "holders": (a_shop(9),)},
        {"case_no": None, "holders": (case.party,)},
    ):
        with pytest.raises(Conflict), room.engine.begin() as tx:
            decide(tx, [replace(case, licence=room.prepare(**changes).facts)], room.desk, actor=ACTOR)
    assert statuses(room.engine) == {}
    assert room.rows("SELECT case_no FROM cases") == []


def test_a_registered_licence_has_a_beginning_too(room: Room) -> None:
    """What a sheet or a decision only names is registered, with its department and version."""
    case = a_case(1, area=room.desk.area)
    with room.engine.begin() as tx:
        decide(tx, [case], room.desk, actor=ACTOR)
    row = room.one("SELECT origin, department, version FROM licences")
    assert tuple(row) == ("registered", OFFICE, 1)
    step = room.one("SELECT operation, from_status, to_status, case_no FROM licence_operations")
    assert tuple(step) == ("register", NEW, "01", case.case_no)


def test_a_decided_renewal_ends_the_old_version(room: Room) -> None:
    """A renewal that is decided supersedes in the decision's transaction, and the package names the version before."""
    case = a_case(1, area=room.desk.area)
    first = room.issue(holders=(case.party,))
    order = room.next(first, "renew", case_no=case.case_no)
    prepared = prepare(room.engine, order, room.desk, room.press, room.tokens)
    with room.engine.begin() as tx:
        decide(tx, [replace(case, licence=prepared.facts)], room.desk, actor=ACTOR)
        package = loads(bytes(packages(tx, case.case_no)["scjg"].value))
    assert package["data"]["licence"]["previousIdentifier"] == first.identifier
    assert package["data"]["licence"]["certificateVersion"] == "002"
    assert statuses(room.engine) == {first.identifier: "05", prepared.identifier: "01"}


def test_a_registered_licence_is_renewed_as_an_issued_one(room: Room) -> None:
    """A licence that a sheet or an old decision registered goes on as version 002 with a file of ours."""
    case = a_case(1, area=room.desk.area)
    with room.engine.begin() as tx:
        decide(tx, [case], room.desk, actor=ACTOR)
    old = room.one("SELECT id, identifier, number FROM licences")
    order = room.next(
        Issued(old.id, old.identifier, old.number), "renew", values={"place": "示范县人民路 2 号"}
    )
    assert order.holders == (case.party,)  # the sealed number is readable for the press
    again = room.issue(order)
    assert (again.number, again.identifier.split(".")[8]) == (old.number, "002")
    assert statuses(room.engine) == {old.identifier: "05", again.identifier: "01"}


def test_a_registered_licence_without_a_good_identifier_is_issued_anew(room: Room) -> None:
    """What cannot carry a next version is refused with what to do."""
    case = a_case(1, area=room.desk.area)
    assert case.licence is not None
    bad = case.licence.identifier[:-1] + ("0" if case.licence.identifier[-1] != "0" else "1")
    with room.engine.begin() as tx:
        decide(tx, [replace(case, licence=replace(case.licence, identifier=bad))], room.desk, actor=ACTOR)
    old = room.one("SELECT id, identifier, number FROM licences")
    with pytest.raises(Rejected, match="请按新发办理"):
        room.next(Issued(old.id, old.identifier, old.number), "renew")


def test_a_fixed_issuer(room: Room) -> None:
    """Whoever decides, the licence is the fixed body's; it is ours if one of our departments has its code."""
    other = "12370100495400013J"
    rules = {"name": "示范证", "issuer_mode": "fixed", "issuer_code": other, "issuer_name": "示范县人民政府"}
    with room.engine.begin() as tx:
        a_type(tx, "11370100MB00000194002", rules=rules)
    made = room.issue(type_code="11370100MB00000194002")
    row = room.one("SELECT issuer_code, issuer_name, department FROM licences")
    assert tuple(row) == (other, "示范县人民政府", OFFICE)
    assert made.identifier.split(".")[6] == other
    with room.engine.begin() as tx:
        the_office(tx, "gov", "示范县人民政府", other)
    room.issue(type_code="11370100MB00000194002", holders=(a_shop(2),))
    assert [one.department for one in room.rows("SELECT department FROM licences ORDER BY number")] == [
        OFFICE,
        "gov",
    ]


def test_validity_that_each_licence_says(room: Room) -> None:
    """Decided anew: with a day or long-term; by a field: the field's day; long-term takes no day."""
    codes = iter(f"11370100MB000001940{number:02d}" for number in range(10, 20))

    def made(
        rules: dict[str, Any], fields: list[dict[str, Any]] | None = None, **changes: Any
    ) -> date | None:
        code = next(codes)
        with room.engine.begin() as tx:
            a_type(
                tx, code, rules={"name": f"证{code[-2:]}", "validity_length": None, **rules}, fields=fields
            )
        issued = room.issue(type_code=code, **changes)
        found: date | None = room.one(
            "SELECT valid_to FROM licences WHERE id = :id", id=issued.licence_id
        ).valid_to
        return found

    until = date(2027, 3, 1)
    by_field = {"validity_kind": "field", "validity_field": "until"}
    fields = [*FIELDS, {"name": "until", "label": "有效期至", "type": "date", "required": False}]
    assert made({"validity_kind": "decided"}, valid_to=until) == until
    dated = Issued(*room.one("SELECT id, identifier, number FROM licences"))
    with pytest.raises(Rejected, match="请填写延续到哪一天"):  # a form left empty does not make it long-term
        room.issue(room.next(dated, "renew"))
    room.issue(room.next(dated, "renew", valid_to=date(2028, 3, 1)))
    assert made({"validity_kind": "decided"}) is None
    assert made({"validity_kind": "permanent"}) is None
    assert made(by_field, fields, values={"place": "a", "until": "2027年3月1日"}) == until
    with pytest.raises(Rejected, match="没有填写有效期至"):
        made(by_field, fields)
    with pytest.raises(Rejected, match="长期有效"):
        made({"validity_kind": "permanent"}, valid_to=until)
    with pytest.raises(Rejected, match="早于"):
        made(by_field, fields, values={"place": "a", "until": "2020-03-01"})


def test_a_server_that_dies_before_writing_leaves_nothing_but_an_object(room: Room) -> None:
    """What was printed and never written is found by the sweep; its number is a gap."""
    room.prepare()
    swept = room.files.sweep(datetime(2100, 1, 1, tzinfo=UTC), lambda names: [])
    assert swept == 1
    assert room.issue().number == "JY2026000002"


def test_a_freeze_and_a_renewal_at_once(room: Room) -> None:
    """Whoever comes first counts: a renewal that waited for the freeze is refused, never written over it."""
    first = room.issue()
    printed = prepare(room.engine, room.next(first, "renew"), room.desk, room.press, room.tokens)
    outcome: list[BaseException | None] = []

    def renew() -> None:
        try:
            room.write(printed)
            outcome.append(None)
        except HubError as error:
            outcome.append(error)

    with room.engine.begin() as tx:
        said: dict[str, Any] = {
            "reason": "检查发现问题",
            "actor": ACTOR,
            "department": "scjg",
            "desk": room.desk,
        }
        change_status(tx, first.licence_id, "suspend", **said)
        waiting = threading.Thread(target=renew)
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()  # it waits for the freeze to be decided
    waiting.join()
    assert isinstance(outcome[0], Rejected)
    assert "暂扣" in outcome[0].message
    assert statuses(room.engine) == {first.identifier: "02"}
