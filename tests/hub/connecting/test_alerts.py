"""Alerts about connectors, and the channels that are told of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update

from hub.connecting.connector import (
    Connector,
    ConnectorHealth,
    ConnectorJob,
    ConnectorMeasure,
    ConnectorRefusal,
)
from hub.connecting.enrol import enrol, make_enrolment_code
from hub.connecting.forget_old import forget_old
from hub.connecting.publish_version import publish_version
from hub.connecting.turn_connector import go_live
from hub.department import Department
from hub.errors import Conflict, NotFound
from hub.exchange.inbox import InboxRow
from hub.noticing.alert import Alert
from hub.noticing.alert_channel import AlertChannel, AlertMessage
from hub.noticing.owe_messages import due_messages, note_failed, note_sent
from hub.noticing.raise_alerts import raise_alerts
from hub.noticing.save_channel import BadChannel, Channel, opened, remove_channel, save_channel
from hub.noticing.save_channel import test_channel as try_channel
from hub.ports import Desk
from hub.workday import CalendarDay
from storage.signing import generate_private_key, public_pem
from tests.hub.builders import Clock
from tests.hub.connecting.conftest import ACTOR, in_state, saved

MAIL = Channel(
    "mail",
    "值班邮箱",
    {
        "host": "10.1.2.9",
        "security": "starttls",
        "sender": "hub@example.invalid",
        "sign_in": True,
        "username": "hub",
    },
    {"to": "duty@example.invalid"},
    {"password": "邮箱口令"},
)


def open_alerts(tx: Connection) -> dict[str, str]:
    rows = tx.execute(select(Alert.subject, Alert.words).where(Alert.cleared_at.is_(None)))
    return {row.subject: row.words for row in rows}


def healthy(tx: Connection, at: datetime, **more: Any) -> None:
    tx.execute(delete(ConnectorHealth))
    values = {"instance": "h1", "state": "running", "beat_at": at, **more}
    tx.execute(insert(ConnectorHealth).values(connector="scjg-db", **values))


def test_a_connector_that_waits_or_says_nothing(county: Engine, desk: Desk, clock: Clock) -> None:
    """Too old a thing to deliver, or no word for as long: one alert; a paused connector raises none."""
    with county.begin() as tx:
        in_state(tx, desk, "live")
        clock.advance(minutes=29)
        assert raise_alerts(tx, "connector", clock()) == 0
        clock.advance(minutes=2)
        raise_alerts(tx, "connector", clock())
        assert "没有在运行" in open_alerts(tx)["connector:scjg-db"]
        healthy(tx, clock(), waiting=7, oldest_waiting_at=clock() - timedelta(minutes=31), words="表不存在")
        raise_alerts(tx, "connector", clock())
        assert "7 条送不到部门系统：表不存在" in open_alerts(tx)["connector:scjg-db"]
        healthy(tx, clock())
        raise_alerts(tx, "connector", clock())
        assert open_alerts(tx) == {}
        clock.advance(days=1)
        tx.execute(update(Connector).values(state="paused"))
        assert raise_alerts(tx, "connector", clock()) == 0


def test_silence_counts_working_days_by_the_calendar(county: Engine, desk: Desk, clock: Clock) -> None:
    """Nothing came for two working days, holidays left out; a finding ends the silence, a receipt does not."""
    clock.now = datetime(2026, 9, 24, 2, tzinfo=UTC)  # Thursday; Friday is a holiday
    with county.begin() as tx:
        tx.execute(insert(CalendarDay).values(day=date(2026, 9, 25), working=False, source="中秋节"))
        saved(tx, desk, running={"silent_after_days": 2})
        publish_version(tx, desk, "scjg-db", actor=ACTOR)
        go_live(tx, desk, "scjg-db", version=1, actor=ACTOR)
        for day, hour, silent in ((28, 2, False), (29, 12, False), (29, 16, False), (29, 18, True)):
            raise_alerts(tx, "silent", datetime(2026, 9, day, hour, tzinfo=UTC))
            assert bool(open_alerts(tx)) == silent, (day, hour)
        assert "已 2 个工作日没有来信" in open_alerts(tx)["connector:scjg-db"]
        late = datetime(2026, 9, 30, tzinfo=UTC)
        for kind, silent in (("receipt.v1", True), ("finding.reported.v1", False)):
            tx.execute(
                insert(InboxRow).values(
                    source=f"/{desk.area}/scjg", event_id=kind, event_type=kind, case_no="C", value=b"", signature="",
                    kid="k", received_at=late,
                )
            )  # fmt: skip
            raise_alerts(tx, "silent", late)
            assert bool(open_alerts(tx)) == silent


def test_a_certificate_is_spoken_of_before_it_ends(county: Engine, desk: Desk, clock: Clock) -> None:
    """Thirty days before, and after; over when a newer key follows, and never for a key that another follows."""
    pems = [public_pem(generate_private_key()) for _ in range(2)]
    with county.begin() as tx:
        tx.execute(text("UPDATE department_keys SET valid_to = now()"))
        first = make_enrolment_code(tx, desk, department="scjg", actor=ACTOR)
        enrol(tx, desk, first, kid="scjg-1", public_pem=pems[0])
        for days, words in ((334, ""), (2, "将于"), (35, "已于")):
            clock.advance(days=days)
            raise_alerts(tx, "certificate", clock())
            assert words in open_alerts(tx).get("key:scjg-1", "")
            assert bool(words) == ("key:scjg-1" in open_alerts(tx))
        second = make_enrolment_code(tx, desk, department="scjg", actor=ACTOR)
        enrol(tx, desk, second, kid="scjg-2", public_pem=pems[1])
        raise_alerts(tx, "certificate", clock())
        assert open_alerts(tx) == {}
        assert tx.scalar(select(Department.channel).where(Department.code == "scjg")) == "kafka"


def test_channels_are_judged_and_their_secrets_sealed(county: Engine, desk: Desk) -> None:
    """Faults by field; a secret stays when nothing is typed over it, and stands nowhere in the clear."""
    with county.begin() as tx:
        with pytest.raises(BadChannel) as raised:
            save_channel(tx, desk, Channel("mail", " ", {"sign_in": False}, kinds=("nonsense",)), actor=ACTOR)
        assert {"title", "kinds", "settings.host", "settings.sender", "place.to"} <= {
            one.at for one in raised.value.faults
        }
        number = save_channel(tx, desk, MAIL, actor=ACTOR)
        with pytest.raises(Conflict, match="值班邮箱"):
            save_channel(tx, desk, MAIL, actor=ACTOR)
        again = Channel("mail", "值班邮箱", MAIL.settings, MAIL.place, kinds=("parked",))
        assert save_channel(tx, desk, again, number=number, actor=ACTOR) == number
        row = tx.execute(select(*AlertChannel.__table__.columns)).one()
        assert opened(desk, row) == {"password": "邮箱口令"}
        assert row.kinds == ["parked"]
        moved = Channel("mail", "值班邮箱", {**MAIL.settings, "host": "10.6.6.6"}, MAIL.place)
        with pytest.raises(BadChannel) as raised:
            save_channel(tx, desk, moved, number=number, actor=ACTOR)
        assert [one.at for one in raised.value.faults] == ["secrets.password"]
        shown = str(tx.execute(text("SELECT * FROM ledger")).all()) + str(row)
        assert "邮箱口令" not in shown
        remove_channel(tx, number, actor=ACTOR)
        with pytest.raises(NotFound):
            try_channel(tx, desk, number, actor=ACTOR)


def test_what_is_owed_is_owed_once_and_in_order(county: Engine, desk: Desk, clock: Clock) -> None:
    """Raised and cleared once to each channel that wants the kind; the end waits for the beginning; failures wait longer."""
    with county.begin() as tx:
        wants = save_channel(tx, desk, MAIL, actor=ACTOR)
        other = Channel("mail", "别的", MAIL.settings, MAIL.place, MAIL.secrets, ("parked",))
        save_channel(tx, desk, other, actor=ACTOR)
        in_state(tx, desk, "live")
        clock.advance(minutes=31)
        raise_alerts(tx, "connector", clock())
        raise_alerts(tx, "connector", clock())
        (owed,) = due_messages(tx, clock())
        assert (owed.channel, owed.what, owed.kind) == (wants, "raised", "connector")
        healthy(tx, clock())
        raise_alerts(tx, "connector", clock())
        assert [one.what for one in due_messages(tx, clock())] == ["raised"]
        note_failed(tx, owed.id, 0, "连接不上", clock())
        clock.advance(seconds=61)
        assert [one.what for one in due_messages(tx, clock())] == ["raised"]
        note_sent(tx, owed.id, clock())
        assert [one.what for one in due_messages(tx, clock())] == ["cleared"]
        clock.advance(days=4)
        assert due_messages(tx, clock()) == []
        try_channel(tx, desk, wants, actor=ACTOR)
        try_channel(tx, desk, wants, actor=ACTOR)
        assert [(one.what, one.kind) for one in due_messages(tx, clock())] == [("test", None)]


def test_what_is_old_is_forgotten(county: Engine, desk: Desk, clock: Clock) -> None:
    """Old measures, ended jobs and settled refusals go; what waits stays however old it is."""
    ages = [timedelta(days=days) for days in (1, 500)]
    with county.begin() as tx:
        in_state(tx, desk, "live")
        for age in ages:
            at = clock() - age
            tx.execute(insert(ConnectorMeasure).values(connector="scjg-db", flow="packages", at=at))
            for state in ("waiting", "done"):
                ended = {"finished_at": at} if state == "done" else {}
                tx.execute(
                    insert(ConnectorJob).values(
                        connector="scjg-db",
                        version=1,
                        kind="check",
                        asked_by=ACTOR,
                        asked_at=at,
                        state=state,
                        **ended,
                    )
                )
            for number, settled in enumerate((None, at)):
                more = {"settled_at": settled, "settled_as": "dismissed"} if settled else {}
                tx.execute(
                    insert(ConnectorRefusal).values(
                        connector="scjg-db", flow="f", direction="in", ref=f"{at}{number}", cause="c", words="w", at=at,
                        **more,
                    )
                )  # fmt: skip
        assert forget_old(tx, clock()) == 3
        assert forget_old(tx, clock()) == 0
        left = [
            tx.scalar(select(func.count()).select_from(one))
            for one in (ConnectorMeasure, ConnectorJob, ConnectorRefusal)
        ]
    assert left == [1, 3, 3]


def test_two_senders_share_what_is_due(county: Engine, desk: Desk, clock: Clock) -> None:
    """What one holds the other does not see."""
    with county.begin() as tx:
        number = save_channel(tx, desk, MAIL, actor=ACTOR)
        try_channel(tx, desk, number, actor=ACTOR)
    with county.begin() as one, county.begin() as two:
        assert len(due_messages(one, clock())) == 1
        assert due_messages(two, clock()) == []
        assert one.scalar(select(func.count()).select_from(AlertMessage)) == 1
