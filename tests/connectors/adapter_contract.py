"""What every adapter must do. Each adapter's test module brings a `bench`: the adapter, and the department's own hands."""

from __future__ import annotations

import uuid
from typing import Any, Protocol

import pytest

from connectors.department.adapters.port import Draft, Kind, OwnSystem
from connectors.department.judge import TOLD, LicenceChanged, Package, Told
from schemas import dumps, examples_of, loads, violations
from schemas.drafts.forms import FORMS
from schemas.drafts.written import finding_data, report_data, supply_data

FINDING = {
    "finding_no": "JC-1",
    "project_no": "c-1",
    "inspected_at": "2026-11-21 14:30",
    "inspectors": "示例己(99010100001)、示例庚",
    "check_result": "3",
    "handling": "2",
    "explain": "后厨未设独立清洗水池",
}


SUPPLY = {
    "supply_no": "DJ-1",
    "material_type": "qydjxx",
    "party_kind": "法人及非法人组织",
    "party_name": "示范县青禾饮食有限公司",
    "party_code_type": "001",
    "party_code": "91370102MA3C00011F",
    "fields": '{"address": "示范县样例路1号"}',
    "as_of": "2026-11-21 14:30",
    "valid_to": "2027/1/5",
    "change": "更正",
}


#: How people write the other kinds, and what the message says of it.
WRITTEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plan": (
        {
            "fact_no": "JH-1", "project_no": "c-1", "plan_name": "年度日常检查", "year": "2026", "starts_on": "2026/12/1",
            "ends_on": "2026年12月31日", "ratio": "5%", "way": "双随机",
        },
        {"year": 2026, "from": "2026-12-01", "to": "2026-12-31", "ratio": 5.0, "way": "double_random"},
    ),
    "rectification": (
        {
            "fact_no": "ZG-1", "project_no": "c-1", "finding_no": "JC-1", "round": "1", "checked_at": "2026-12-05 9:00",
            "result": "整改合格", "inspectors": "示例己",
        },
        {"round": 1, "checked_at": "2026-12-05T09:00:00+08:00", "result": "1", "inspectors": [{"name": "示例己"}]},
    ),
    "enforcement": (
        {
            "fact_no": "CF-1", "project_no": "c-1", "finding_no": "JC-1", "decided_on": "2026.12.10", "result": "罚款",
            "punish_types": "罚款、没收违法所得", "document_no": "示综执罚〔2026〕1号", "fine": "2,000 元",
            "fine_wan": "0.2", "officers": "示例庚（99010100002）", "sheet_columns": '{"CF_NR_FK": 0.2}',
            "publicity": "外部公示",
        },
        {
            "decided_on": "2026-12-10", "result": "1", "punish_types": ["02", "03"], "fine_fen": 200_000,
            "fine_wan": "0.2", "columns": {"CF_NR_FK": 0.2}, "publicity": "external",
            "officers": [{"name": "示例庚", "certificate_no": "99010100002"}],
        },
    ),
    "credit": (
        {"fact_no": "XY-1", "project_no": "c-1", "kind": "严重失信", "recorded_on": "2026-12-20", "until": "2029-12-20"},
        {"kind": "serious", "recorded_on": "2026-12-20", "until": "2029-12-20"},
    ),
    "withdrawal": (
        {"fact_no": "CX-1", "project_no": "c-1", "withdraws": "JC-1", "at": "2026-12-02", "reason": "检查对象有误"},
        {"withdraws": "JC-1", "at": "2026-12-02", "reason": "检查对象有误"},
    ),
    "advice": (
        {
            "project_no": "c-1", "kind": "询问", "subject": "地址", "body": "请核对", "author": "示例己",
            "at": "2026-12-02 8:00", "closes": "否",
        },
        {"kind": "question", "at": "2026-12-02T08:00:00+08:00", "closes": False},
    ),
}  # fmt: skip


class Bench(Protocol):
    """The department's side of one adapter."""

    adapter: OwnSystem

    def inbox(self) -> list[str]:
        """Event ids of what was delivered."""

    def licence_changes(self) -> list[tuple[str, str]]:
        """Event id and new status of every change of a licence that was told."""

    def write_finding(self, fields: dict[str, Any]) -> str:
        """The department writes a finding; returns how it finds it again."""

    def write_supply(self, fields: dict[str, Any]) -> str:
        """The department supplies data; returns how it finds it again."""

    def told(self, kind: str) -> list[str]:
        """Event ids of what was told of this type."""

    def write(self, kind: Kind, fields: dict[str, Any]) -> str:
        """The department writes a report of any kind."""

    def close_case(self, event_id: str, by: str) -> str:
        """The department says that it is done with a package."""

    def claim(self, event_id: str, by: str) -> str:
        """The department claims a package."""

    def give_back(self, event_id: str, by: str, reason: str) -> str:
        """The department returns a package."""

    def state_of(self, ref: str) -> tuple[str, str | None]:
        """'new', 'sent' or 'problem', and the words beside it."""

    def put_right(self, ref: str, fields: dict[str, Any]) -> None:
        """The department corrects a problem and hands it in again."""


def a_package(number: int = 1) -> Package:
    event = dict(examples_of("approval.decided.v1")[0])
    event["id"] = str(uuid.UUID(int=number))
    event["subject"] = f"c-{number}"
    value = dumps(event)
    return Package(event["id"], event["data"]["push"]["id"], event["subject"], "0" * 64, value, event)


def a_change(number: int = 1, *, status: str = "02", at: str = "2026-11-21T02:30:00.000Z") -> LicenceChanged:
    """A change of the licence of `a_package`."""
    event: dict[str, Any] = loads(dumps(examples_of("licence.changed.v1")[0]))
    event["id"] = str(uuid.UUID(int=1000 + number))
    event["subject"] = "c-1"
    package = examples_of("approval.decided.v1")[0]
    event["data"]["licence"] |= {
        "certificateIdentifier": package["data"]["licence"]["certificateIdentifier"],
        "status": status,
    }
    event["data"]["change"] |= {"to_status": status, "at": at}
    assert not violations("licence.changed.v1", event)
    value = dumps(event)
    return LicenceChanged(event["id"], event["subject"], "0" * 64, value, event)


def a_correction(number: int = 2, *, of: int = 1, revision: int = 2) -> Package:
    """A corrected version of `a_package(of)`, of the same push."""
    event: dict[str, Any] = loads(dumps(examples_of("approval.corrected.v1")[0]))
    event["id"] = str(uuid.UUID(int=number))
    event["subject"] = f"c-{of}"
    event["data"]["push"]["revision"] = revision
    event["data"]["correction"] |= {"replaces_event_id": str(uuid.UUID(int=of)), "revision": revision}
    assert not violations("approval.corrected.v1", event)
    push_id = examples_of("approval.decided.v1")[0]["data"]["push"]["id"]
    return Package(event["id"], push_id, event["subject"], "0" * 64, dumps(event), event)


def a_told(kind: str, number: int = 1, **changes: Any) -> Told:
    """A message of this type about the case of `a_package`."""
    event: dict[str, Any] = loads(dumps(examples_of(kind)[0]))
    event["id"], event["subject"] = str(uuid.UUID(int=5000 + number)), "c-1"
    event["data"] |= changes
    assert not violations(kind, event)
    return TOLD[kind][0](event["id"], event["subject"], "0" * 64, dumps(event), event)


class AdapterContract:
    """Subclass with a `bench` fixture."""

    def test_a_change_of_a_licence_is_told_once(self, bench: Bench) -> None:
        """Claim: the same change again makes no second one, and a change may come before or without its package."""
        one, two = a_change(1), a_change(2, status="01", at="2026-11-22T02:30:00.000Z")
        bench.adapter.changed([one])
        bench.adapter.deliver([a_package()])
        bench.adapter.changed([one, two])
        bench.adapter.changed([two])
        assert sorted(bench.licence_changes()) == [(one.event_id, "02"), (two.event_id, "01")]

    def test_prepare_may_be_repeated(self, bench: Bench) -> None:
        """Claim: preparing again loses nothing."""
        bench.adapter.deliver([a_package()])
        bench.adapter.prepare()
        assert len(bench.inbox()) == 1

    def test_a_package_is_delivered_once(self, bench: Bench) -> None:
        """Claim: the same package again, alone or in a batch with new ones, makes no second one."""
        one, two = a_package(1), a_package(2)
        bench.adapter.deliver([one])
        bench.adapter.deliver([one, two])
        bench.adapter.deliver([two])
        assert sorted(bench.inbox()) == sorted([one.event_id, two.event_id])

    def test_a_finding_goes_from_new_to_sent(self, bench: Bench) -> None:
        """Claim: a written finding becomes a draft with its fields; once sent it is no draft any more, and is seen as sent;
        answering it twice (after a crash) changes nothing."""
        ref = bench.write_finding(FINDING)
        (draft,) = bench.adapter.drafts(10)
        assert (draft.kind, draft.fault) == ("finding", None)
        data = finding_data(draft.fields)
        assert data["inspected_at"] == "2026-11-21T14:30:00+08:00"
        assert data["inspectors"] == [{"name": "示例己", "certificate_no": "99010100001"}, {"name": "示例庚"}]
        bench.adapter.sent([(draft, str(uuid.UUID(int=7)))])
        bench.adapter.sent([(draft, str(uuid.UUID(int=7)))])
        assert bench.adapter.drafts(10) == []
        assert bench.state_of(ref)[0] == "sent"

    def test_a_problem_is_shown_where_the_department_looks(self, bench: Bench) -> None:
        """Claim: a refused draft is not tried again, its reason stands beside it; put right, it is a draft again."""
        ref = bench.write_finding({**FINDING, "check_result": "9"})
        (draft,) = bench.adapter.drafts(10)
        bench.adapter.refused(draft, "检查结果应为 1、2 或 3")
        assert bench.adapter.drafts(10) == []
        state, words = bench.state_of(ref)
        assert state == "problem"
        assert words is not None
        assert "检查结果应为 1、2 或 3" in words
        bench.put_right(ref, FINDING)
        assert len(bench.adapter.drafts(10)) == 1

    def test_what_the_hub_did_not_take_comes_back(self, bench: Bench) -> None:
        """Claim: a finding that the hub refused turns from sent into a problem with the hub's words; an id that nobody here
        knows is said to be unknown."""
        ref = bench.write_finding(FINDING)
        (draft,) = bench.adapter.drafts(10)
        event_id = str(uuid.UUID(int=9))
        bench.adapter.sent([(draft, event_id)])
        assert bench.adapter.returned(event_id, "没有这个办件")
        assert bench.adapter.returned(event_id, "没有这个办件")
        assert bench.state_of(ref)[0] == "problem"
        assert "没有这个办件" in (bench.state_of(ref)[1] or "")
        assert not bench.adapter.returned(str(uuid.UUID(int=10)), "x")
        assert not bench.adapter.returned(None, "x")

    def test_supplied_data_goes_from_new_to_sent_or_comes_back(self, bench: Bench) -> None:
        """Claim: supplied data, loosely written, becomes a draft that fits the message; sent once; what the hub did not take
        is shown where it was written."""
        bench.write_supply(SUPPLY)
        (draft,) = bench.adapter.drafts(10)
        assert (draft.kind, draft.fault) == ("supply", None)
        data = supply_data(draft.fields)
        assert data["party"] == {
            "kind": "legal",
            "name": "示范县青禾饮食有限公司",
            "code_type": "001",
            "code": "91370102MA3C00011F",
        }
        assert data["fields"] == {"address": "示范县样例路1号"}
        assert (data["as_of"], data["valid_to"], data["change"]) == (
            "2026-11-21T14:30:00+08:00",
            "2027-01-05",
            "correction",
        )
        event_id = str(uuid.UUID(int=11))
        bench.adapter.sent([(draft, event_id)])
        assert bench.adapter.drafts(10) == []
        assert bench.adapter.returned(event_id, "材料类型不由本部门提供")

    def test_a_corrected_package_is_delivered_beside_the_first(self, bench: Bench) -> None:
        """Claim: the corrected version comes once, whatever comes first; the version whose place it takes stays readable."""
        first, corrected = a_package(1), a_correction(2)
        bench.adapter.deliver([corrected])
        bench.adapter.deliver([first, corrected])
        assert sorted(bench.inbox()) == sorted([first.event_id, corrected.event_id])

    @pytest.mark.parametrize("kind", ["approval.withdrawn.v1", "finding.forwarded.v1", "advice.forwarded.v1"])
    def test_what_is_told_comes_once(self, bench: Bench, kind: str) -> None:
        """Claim: withdrawn decisions, forwarded findings and advice each come once, before or after their package."""
        one, two = a_told(kind, 1), a_told(kind, 2)
        bench.adapter.told([one])
        bench.adapter.deliver([a_package()])
        bench.adapter.told([two, one])
        assert sorted(bench.told(kind)) == sorted([one.event_id, two.event_id])

    @pytest.mark.parametrize("kind", sorted(WRITTEN))
    def test_every_kind_of_report_is_a_valid_message_once(self, bench: Bench, kind: Kind) -> None:
        """Claim: written as people write, it becomes data that its message takes; sent once; the hub's refusal is shown."""
        written, meant = WRITTEN[kind]
        bench.write(kind, written)
        (draft,) = bench.adapter.drafts(10)
        assert (draft.kind, draft.fault) == (kind, None)
        data = report_data(kind, draft.fields)
        assert {name: data[name] for name in meant} == meant
        event_type = FORMS[kind].event_type
        event = {**examples_of(event_type)[0], "subject": "c-1", "data": data}
        assert violations(event_type, event) == []
        event_id = str(uuid.uuid4())
        bench.adapter.sent([(draft, event_id)])
        assert bench.adapter.drafts(10) == []
        assert bench.adapter.returned(event_id, "没有这个办件")

    def test_a_closed_case_is_told_once(self, bench: Bench) -> None:
        """Claim: a department says that it is done, by whom, once."""
        package = a_package()
        bench.adapter.deliver([package])
        bench.close_case(package.event_id, "示例辛")
        (draft,) = bench.adapter.drafts(10)
        assert (draft.kind, draft.fields["event_id"], draft.fields["by"]) == (
            "closed",
            package.event_id,
            "示例辛",
        )
        bench.adapter.sent([(draft, str(uuid.uuid4()))])
        assert bench.adapter.drafts(10) == []

    @pytest.mark.parametrize("kind", ["claimed", "returned"])
    def test_claims_and_returns_are_drafts_once(self, bench: Bench, kind: str) -> None:
        """Claim: a claim or a return names its package and its person, and is told once."""
        package = a_package()
        bench.adapter.deliver([package])
        if kind == "claimed":
            bench.claim(package.event_id, "示例辛")
        else:
            bench.give_back(package.event_id, "示例辛", "不属于本部门职责")
        (draft,) = bench.adapter.drafts(10)
        assert draft.kind == kind
        assert (draft.fields["event_id"], draft.fields["by"]) == (package.event_id, "示例辛")
        if kind == "returned":
            assert draft.fields["reason"] == "不属于本部门职责"
        bench.adapter.sent([(draft, str(uuid.uuid4()))])
        assert bench.adapter.drafts(10) == []

    def test_drafts_are_limited(self, bench: Bench) -> None:
        """Claim: no more drafts than asked for; the rest comes after."""
        for number in range(5):
            bench.write_finding({**FINDING, "finding_no": f"JC-{number}"})
        first = bench.adapter.drafts(3)
        assert len(first) == 3
        bench.adapter.sent([(draft, str(uuid.uuid4())) for draft in first])
        assert len(bench.adapter.drafts(3)) == 2


def draft_of(fields: dict[str, Any]) -> Draft:
    return Draft("x", "finding", fields)
