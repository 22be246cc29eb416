"""Notices: who is shown which, what became of them, and what happens when nobody looks; alerts, raised once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, select, text, update

from hub.errors import Conflict, NotFound, Rejected
from hub.exchange.announcement import Announcement
from hub.exchange.inbox import Quarantined
from hub.exchange.outbox import OutboxRow, ParkedKey
from hub.item import ServiceItem
from hub.noticing.alert import KINDS, Alert, AlertLimit
from hub.noticing.escalate import ABOVE, escalate, set_limits
from hub.noticing.notice import AUDIENCES, Notice
from hub.noticing.raise_alerts import change_limit, raise_alerts
from hub.noticing.read_notices import handle, mark_read, reopen
from hub.noticing.reader import Reader
from hub.ports import Desk
from hub.program import Program
from hub.pushing.push import Push
from hub.workday import LOCAL
from tests.hub.builders import NOW, decided

CLERK = Reader(frozenset({"clerk"}))


def notice(tx: Connection, title: str = "提醒", **more: Any) -> int:
    values = {
        "audience": "clerk",
        "severity": "warning",
        "title": title,
        "body": "",
        "created_at": NOW,
        **more,
    }
    return tx.execute(insert(Notice).values(values).returning(Notice.id)).scalar_one()


def actions(tx: Connection) -> list[tuple[str, str, str | None]]:
    rows = tx.execute(
        text("SELECT action, subject, reason FROM ledger WHERE action LIKE 'notice%' ORDER BY id")
    )
    return [(row.action, row.subject, row.reason) for row in rows]


_LINES = st.tuples(
    st.sampled_from(AUDIENCES),
    st.sampled_from([None, "scjg", "zhzf"]),
    st.sampled_from([None, "XK-001", "XK-002"]),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    lines=st.lists(_LINES, min_size=1, max_size=12),
    audiences=st.frozensets(st.sampled_from(AUDIENCES), max_size=3),
    department=st.sampled_from([None, "scjg", "zhzf"]),
    items=st.frozensets(st.sampled_from(["XK-001", "XK-002"])),
)
def test_the_database_and_the_row_in_hand_agree_on_who_sees_what(
    county: Engine, lines: list[Any], audiences: frozenset[str], department: str | None, items: frozenset[str]
) -> None:
    """Every notice is shown to exactly those whose role it names and whose department and items it does not exclude."""
    reader = Reader(audiences, department, items)
    with county.connect() as tx:
        if tx.execute(select(ServiceItem.code).where(ServiceItem.code == "XK-002")).first() is None:
            tx.execute(insert(ServiceItem).values(code="XK-002", name="药品经营许可"))
        for audience, of, item in lines:
            notice(tx, audience=audience, department=of, item_code=item)
        rows = tx.execute(select(Notice.__table__)).all()
        shown = set(tx.execute(select(Notice.id).where(reader.shown_to())).scalars())
        tx.rollback()
    expected = set()
    for row in rows:
        mine = row.audience in audiences
        here = department is None or row.department in (None, department)
        chosen = not items or row.item_code is None or row.item_code in items
        if mine and here and chosen:
            expected.add(row.id)
    assert shown == expected == {row.id for row in rows if reader.sees(row)}


def test_what_became_of_a_notice_is_on_the_record_once(county: Engine) -> None:
    """Read and handled leave one ledger row each, however often they are said; handled counts as read; taking it back is
    possible once, with a reason; a note is required."""
    with county.begin() as tx:
        first, second = notice(tx), notice(tx)
        other = notice(tx, audience="data_admin")
        assert mark_read(tx, [first, other], reader=CLERK, actor="user:a") == 1
        assert mark_read(tx, [first], reader=CLERK, actor="user:b") == 0
        assert handle(tx, [first, second, other], "已电话核实", reader=CLERK, actor="user:a") == 2
        assert handle(tx, [first], "又一次", reader=CLERK, actor="user:b") == 0
        with pytest.raises(Rejected):
            handle(tx, [first], " ", reader=CLERK, actor="user:a")
        row = tx.execute(select(Notice.__table__).where(Notice.id == second)).one()
        assert (row.read_by, row.handled_by, row.handled_note) == ("user:a", "user:a", "已电话核实")
        reopen(tx, second, "记错了", reader=CLERK, actor="user:a")
        with pytest.raises(Conflict):
            reopen(tx, second, "再来", reader=CLERK, actor="user:a")
        with pytest.raises(NotFound):
            reopen(tx, other, "别人的", reader=CLERK, actor="user:a")
        assert actions(tx) == [
            ("notice.read", f"notice:{first}", None),
            ("notice.handled", f"notice:{first}", "已电话核实"),
            ("notice.handled", f"notice:{second}", "已电话核实"),
            ("notice.reopened", f"notice:{second}", "记错了"),
        ]


def test_an_unread_notice_escalates_once_and_names_who_did_not_answer(county: Engine) -> None:
    """Urgent after one working day, important after three, the rest never; a writer's own limit stands; unread ones of one
    role and department are told together to those above; read ones are left alone; nothing is told twice."""
    friday = datetime(2026, 9, 18, 2, 0, tzinfo=UTC)
    with county.begin() as tx:
        urgent = [notice(tx, f"紧急{n}", severity="alert", department="scjg") for n in range(7)]
        important, read, plain = notice(tx, "重要"), notice(tx, "看过"), notice(tx, "一般", severity="info")
        own = notice(tx, "自定", answer_by=friday + timedelta(hours=1))
        mark_read(tx, [read], reader=CLERK, actor="user:a")
        assert set_limits(tx, friday) == 8
        assert set_limits(tx, friday) == 0
        limits: dict[int, Any] = {
            row.id: row.answer_by for row in tx.execute(select(Notice.id, Notice.answer_by))
        }
        # 20 September 2026 is a Sunday that the calendar may count as worked; either way it is not before the weekend.
        assert limits[urgent[0]].astimezone(LOCAL).date() in {
            friday.date() + timedelta(days=n) for n in (2, 3)
        }
        assert limits[important] > limits[urgent[0]]
        assert (limits[plain], limits[read]) == (None, None)
        assert limits[own] == friday + timedelta(hours=1)
        assert escalate(tx, friday + timedelta(hours=2)) == 1
        assert escalate(tx, friday + timedelta(days=30)) == 8
        assert escalate(tx, friday + timedelta(days=60)) == 0
        assert set_limits(tx, friday + timedelta(days=60)) == 0
        told = tx.execute(
            select(Notice.audience, Notice.title, Notice.body).where(Notice.escalates.is_not(None))
        ).all()
    assert sorted({row.audience for row in told}) == sorted(ABOVE)
    assert len(told) == 2 * 3
    (group,) = [row for row in told if row.title.startswith("7 条") and row.audience == "overseer"]
    assert "窗口（示范县市场监督管理局）" in group.title
    assert "紧急0" in group.body


def test_an_alert_is_raised_once_told_once_and_clears_by_itself(county: Engine, desk: Desk) -> None:
    """Two unsigned pushes make one alert per department and one notice each, later looks change nothing but the words; once
    they are signed the alert is over and its notice is answered; switched off, nothing is raised."""
    decided(county, desk, 2)
    late = NOW + timedelta(minutes=1441)
    with county.begin() as tx:
        tx.execute(update(Push).values(created_at=NOW))
        assert raise_alerts(tx, "undelivered", NOW + timedelta(minutes=1439)) == 0
        assert raise_alerts(tx, "undelivered", late) == 2
        assert raise_alerts(tx, "undelivered", late) == 0
        notices = tx.execute(select(Notice.department, Notice.title)).all()
        assert sorted(row.department for row in notices) == ["scjg", "zhzf"]
        assert all("2 个推送" in row.title for row in notices)
        tx.execute(update(Push).where(Push.department == "scjg").values(state="signed", signed_at=late))
        assert raise_alerts(tx, "undelivered", late) == 1
        still = tx.execute(select(Alert.subject).where(Alert.cleared_at.is_(None))).scalars().all()
        assert still == ["department:zhzf"]
        handled = tx.execute(select(Notice.handled_note).where(Notice.department == "scjg")).scalar()
        assert handled == "已自行恢复"
        assert change_limit(tx, "undelivered", 1440, False, actor="user:a", reason="检修期间")
        assert not change_limit(tx, "undelivered", 1440, False, actor="user:a", reason="检修期间")
        with pytest.raises(Rejected):
            change_limit(tx, "undelivered", 0, True, actor="user:a", reason="不行")
        assert raise_alerts(tx, "undelivered", late) == 1
        assert tx.execute(select(Alert.id).where(Alert.cleared_at.is_(None))).all() == []


def test_every_kind_of_alert_finds_what_it_is_for(county: Engine, desk: Desk) -> None:
    """One thing of each kind, long past its limit, is found under its subject; a flood of messages is one alert."""
    (case,) = decided(county, desk)
    long_ago = NOW - timedelta(days=30)
    with county.begin() as tx:
        topic = f"{desk.area}.scjg.in"
        tx.execute(update(OutboxRow).values(created_at=datetime.now(UTC) - timedelta(minutes=10)))
        tx.execute(
            insert(ParkedKey).values(
                topic=topic, key=case.case_no, cause="过大", attempts=3, parked_at=long_ago
            )
        )
        tx.execute(update(Push).values(created_at=long_ago))
        tx.execute(insert(Program).values(name="relay", instance="x", state="running", seen_at=long_ago))
        tx.execute(insert(Program).values(name="web", instance="x", state="stopped", seen_at=long_ago))
        for number in range(3):
            tx.execute(insert(Quarantined).values(_held(topic, number, long_ago)))
        tx.execute(
            insert(Announcement).values(
                event_id="00000000-0000-0000-0000-000000000001", kind="approval.corrected.v1", department="zhzf",
                key=case.case_no, message_sha256=bytes(32), created_at=long_ago,
            )
        )  # fmt: skip
        for kind in KINDS:
            raise_alerts(tx, kind, datetime.now(UTC))
        found = {(row.kind, row.subject) for row in tx.execute(select(Alert.kind, Alert.subject))}
        checked = tx.execute(select(AlertLimit.checked_at)).scalars().all()
    assert found == {
        ("undelivered", "department:scjg"),
        ("undelivered", "department:zhzf"),
        ("unpublished", f"topic:{desk.area}.zhzf.in"),  # what is parked is not also late
        ("parked", f"topic:{topic}"),
        ("quarantined", "department:scjg"),
        ("program", "program:relay"),
        ("unsigned_correction", "department:zhzf"),
    }
    assert all(checked)


def _held(topic: str, number: int, at: datetime) -> dict[str, Any]:
    return {
        "topic": topic, "partition": 0, "offset": number, "department": "scjg", "cause": "not_json", "message": "x",
        "expected": "x", "value": b"x", "size": 1, "sha256": bytes(32), "received_at": at,
    }  # fmt: skip
