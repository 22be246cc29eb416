"""Files, departments, resending, quarantine, trace, figures."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, func, select, text, update

from hub.add_material import StoredFacts, add_material
from hub.deciding.decide import decide
from hub.errors import Conflict, Denied, NotFound, Rejected
from hub.exchange.inbox import Quarantined
from hub.exchange.outbox import OutboxRow
from hub.exchange.outbox_partitions import ensure
from hub.exchange.resend import resend
from hub.exchange.settle_quarantine import dismiss, replay
from hub.exchange.take_in import take_in
from hub.licensing.licence import Licence
from hub.open_case import open_case
from hub.overview import overview
from hub.ports import Desk
from hub.read_file import read_file
from hub.register_department import add_department, revoke_key, trusted_keys
from hub.report_program import report
from hub.tracing.trace import Viewer, trace
from hub.workday import due
from schemas import loads
from storage.signing import Signer
from tests.hub.builders import NOW, a_case, a_finding, a_receipt, decided, packages

STORED = StoredFacts(bytes(range(32)), "objects/1", 5, b"wrapped")


@pytest.fixture
def material(county: Engine, desk: Desk) -> uuid.UUID:
    """A decided case with one material."""
    case = a_case(1, area=desk.area)
    with county.begin() as tx:
        open_case(tx, case, desk, actor="user:clerk")
        material_id = add_material(
            tx,
            case_no=case.case_no,
            name="申请书.pdf",
            media_type="application/pdf",
            stored=STORED,
            actor="user:clerk",
        )
    with county.begin() as tx:
        decide(tx, [case], desk, actor="user:approver")
    return material_id


def test_materials_taken_before_the_decision_are_in_every_package(
    county: Engine, desk: Desk, material: uuid.UUID
) -> None:
    """A package names each material by id, hash, size and where to fetch it; after the decision none can be added."""
    case_no = a_case(1, area=desk.area).case_no
    with county.begin() as tx:
        for row in packages(tx, case_no).values():
            (named,) = loads(bytes(row.value))["data"]["materials"]
            assert named["id"] == str(material)
            assert named["sha256"] == STORED.sha256.hex()
            assert named["href"].endswith(f"/api/hub/materials/{material}")
    with pytest.raises(Conflict), county.begin() as tx:
        add_material(
            tx, case_no=case_no, name="x", media_type="text/plain", stored=STORED, actor="user:clerk"
        )


def test_a_department_reads_what_was_pushed_to_it_once_per_token(
    county: Engine, desk: Desk, material: uuid.UUID
) -> None:
    """Pushed: yes, on the record. Token again: no. Not pushed: no. No stated use: no."""
    with county.begin() as tx:
        pem = Signer.from_pem(
            "other", __import__("storage.signing").signing.generate_private_key()
        ).public_pem
        add_department(
            tx,
            code="other",
            name="其他局",
            roles=["supervising"],
            public_pem=pem,
            kid="other-0",
            actor="user:test",
        )
        facts = read_file(
            tx, material, reader="department:scjg", department="scjg", token_id="t1", stated_use="日常检查"
        )
        logged = tx.execute(text("SELECT reason FROM ledger WHERE action = 'file.read'")).scalars().all()
    assert (facts.name, facts.size, facts.object_name) == ("申请书.pdf", 5, "objects/1")
    assert logged == ["日常检查"]
    for department, token, use, error in (
        ("scjg", "t1", "日常检查", Conflict),
        ("other", "t2", "日常检查", Denied),
        ("scjg", "t3", " ", Rejected),
    ):
        with pytest.raises(error), county.begin() as tx:
            read_file(
                tx,
                material,
                reader=f"department:{department}",
                department=department,
                token_id=token,
                stated_use=use,
            )
    with pytest.raises(NotFound), county.begin() as tx:
        read_file(tx, uuid.uuid4(), reader="user:x", department=None, token_id="t4", stated_use="查看")


def test_revoked_and_inactive_keys_count_as_revoked(county: Engine) -> None:
    """Revocation needs a reason, stops at once, and happens once; a closed department's keys count as revoked."""
    with county.begin() as tx:
        (kid,) = [key.kid for key in trusted_keys(tx) if key.department == "scjg"]
        with pytest.raises(Rejected):
            revoke_key(tx, kid, actor="user:test", reason=" ")
        revoke_key(tx, kid, actor="user:test", reason="密钥遗失")
        with pytest.raises(NotFound):
            revoke_key(tx, kid, actor="user:test", reason="再来一次")
        tx.execute(text("UPDATE departments SET active = false WHERE code = 'zhzf'"))
        assert all(key.revoked_at for key in trusted_keys(tx))


@pytest.mark.parametrize("code", ["Hub", "hub", "a", "1abc", "市监局", "a" * 40])
def test_department_codes_are_refused_in_a_sentence(county: Engine, code: str) -> None:
    """A code that cannot be a topic name is refused, and the sentence says what can."""
    with pytest.raises(Rejected, match="小写字母"), county.begin() as tx:
        add_department(
            tx, code=code, name="某局", roles=["supervising"], public_pem="x", kid="k", actor="user:test"
        )


def test_resend_queues_the_same_bytes_again(county: Engine, desk: Desk) -> None:
    """Everything published goes out again, or one department's; a reason is asked for and kept."""
    decided(county, desk, 3)
    with county.begin() as tx:
        tx.execute(update(OutboxRow).values(published_at=func.now()))
        with pytest.raises(Rejected):
            resend(tx, actor="user:test", reason="")
        assert resend(tx, actor="user:test", reason="消息通道重建", topic=f"{desk.area}.scjg.in") == 3
        assert resend(tx, actor="user:test", reason="消息通道重建") == 3
        unpublished = select(func.count()).where(OutboxRow.published_at.is_(None))
        assert tx.execute(unpublished).scalar_one() == 6


def test_quarantined_messages_are_replayed_or_dismissed_once(
    county: Engine, desk: Desk, signers: dict[str, Signer]
) -> None:
    """What came before its case is taken after; what was settled stays settled; each with a reason."""
    case = a_case(1, area=desk.area)
    early = a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "3")
    with county.begin() as tx:
        take_in(tx, [early], [], desk)
        held = tx.execute(select(Quarantined.id)).scalar_one()
    verify: Callable[[bytes, str | None], str] = lambda value, signature: "scjg"  # noqa: E731
    with pytest.raises(Rejected, match="仍不能接收"), county.begin() as tx:
        replay(tx, held, desk, verify, actor="user:admin", reason="再试")
    with county.begin() as tx:
        decide(tx, [case], desk, actor="user:test")
        replay(tx, held, desk, verify, actor="user:admin", reason="办件已补录")
        assert tx.execute(select(Licence.status)).scalar_one() == "02"
    with pytest.raises(Conflict), county.begin() as tx:
        dismiss(tx, held, actor="user:admin", reason="不要了")


def test_trace_tells_the_whole_life_in_order(county: Engine, desk: Desk, signers: dict[str, Signer]) -> None:
    """Step, decision, two pushes, receipts and the finding stand in order of time; an unknown case is not found."""
    (case,) = decided(county, desk)
    with county.begin() as tx:
        package = packages(tx, case.case_no)["scjg"]
        take_in(tx, [a_receipt(desk, signers["scjg"], package, "arrived", "signed")], [], desk)
        take_in(tx, [a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "2")], [], desk)
    with county.begin() as tx:
        told = trace(tx, case.case_no, area=desk.area, viewer=Viewer("user:test"))
        with pytest.raises(NotFound):
            trace(tx, "nothing", area=desk.area, viewer=Viewer("user:test"))
    kinds = [line.family for line in told.lines]

    assert {"step", "decision", "push", "receipt", "finding", "licence", "notice"} <= set(kinds)
    assert kinds.count("push") == 2
    assert [line.at for line in told.lines] == sorted(line.at for line in told.lines)
    assert told.licences[0]["status"] == "02"
    assert {push["department"]: push["signed_at"] is not None for push in told.pushes} == {
        "scjg": True,
        "zhzf": False,
    }


def test_overview_counts_what_is_there(county: Engine, desk: Desk, signers: dict[str, Signer]) -> None:
    """Figures per state and department, ages, programs and how they stand."""
    cases = decided(county, desk, 3)
    with county.begin() as tx:
        for case in cases[:2]:
            take_in(
                tx, [a_receipt(desk, signers["scjg"], packages(tx, case.case_no)["scjg"], "signed")], [], desk
            )
        report(tx, "relay", "1", "waiting", "消息通道不可达")
    with county.begin() as tx:
        now = tx.execute(select(func.now())).scalar_one()
        seen = overview(tx, now)

    assert (seen.decisions, seen.pushes["owed"], seen.pushes["signed"]) == (3, 4, 2)
    assert {one.code: one.undelivered for one in seen.departments} == {"scjg": 1, "zhzf": 3}
    assert seen.outbox_unpublished == 6
    assert [(one.name, one.state, one.detail) for one in seen.programs] == [
        ("relay", "waiting", "消息通道不可达")
    ]


def test_outbox_partitions_are_made_ahead_and_used(county: Engine, desk: Desk) -> None:
    """Months ahead exist after the first call, the second makes none, and rows go to their month."""
    with county.begin() as tx:
        made = ensure(tx, datetime.now(UTC))
        assert len(made) == 4
        assert ensure(tx, datetime.now(UTC)) == []
    decided(county, desk)
    with county.begin() as tx:
        homes = set(tx.execute(text("SELECT tableoid::regclass::text FROM outbox")).scalars())
    assert homes == {f"outbox_{datetime.now(UTC):%Y_%m}"}


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        ("2026-02-13", 5, "2026-02-27"),
        ("2026-09-30", 3, "2026-10-10"),
        ("2026-04-30", 1, "2026-05-06"),
        ("2026-01-01", 1, "2026-01-04"),
        ("2026-09-18", 7, "2026-09-29"),
        ("2026-06-17", 3, "2026-06-23"),
        ("2026-02-10", 20, "2026-03-16"),
    ],
)
def test_working_days_follow_the_calendar(start: str, days: int, expected: str) -> None:
    """Limits cross holidays and make-up workdays as the published calendar has them."""
    off = "01-01 01-02 02-16 02-17 02-18 02-19 02-20 02-23 04-06 05-01 05-04 05-05 06-19 09-25 10-01 10-02 10-05 10-06 10-07"
    worked = "01-04 02-14 02-28 05-09 09-20 10-10"
    table = {date.fromisoformat(f"2026-{day}"): False for day in off.split()}
    table |= {date.fromisoformat(f"2026-{day}"): True for day in worked.split()}

    assert due(date.fromisoformat(start), days, table) == date.fromisoformat(expected)


def test_the_clock_of_tests_is_aware() -> None:
    """Every time we hand in has a zone."""
    assert NOW.tzinfo is not None
