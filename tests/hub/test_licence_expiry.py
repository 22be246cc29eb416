"""Licences run out by the calendar of the area, once each; their holders are warned before, once for one last day."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from connectors.relay.housekeeping import TITLES, Housekeeper, told
from hub.case import Case
from hub.errors import Conflict, NotFound, Rejected
from hub.licensing.licence import Hold, Licence
from hub.licensing.living import expire_licences as chores
from hub.licensing.living.change_status import change_status
from hub.licensing.living.changed import Changed
from hub.licensing.living.expire_licences import WARN_DAYS, expire_licences, warn_holders
from hub.licensing.living.holder_notice import HolderNotice
from hub.licensing.living.notify_holders import tell_holder
from hub.licensing.living.operation import LicenceOperation
from hub.licensing.living.take_effect import take_effect
from hub.ports import Desk
from tests.hub.builders import NOW, Clock, decided
from tests.hub.life_builders import next_version

TODAY = date(2026, 9, 18)  # of NOW, 10:00 in Shanghai


def put_last_day(engine: Engine, *days: date | None) -> list[uuid.UUID]:
    """Have the licences there are end on these days, in the order of their numbers."""
    with engine.begin() as tx:
        ids = list(tx.execute(select(Licence.id).order_by(Licence.number)).scalars())
        for id_, day in zip(ids, days, strict=True):
            tx.execute(text("UPDATE licences SET valid_to = :day WHERE id = :id"), {"day": day, "id": id_})
        return ids


def statuses(engine: Engine) -> list[str]:
    with engine.begin() as tx:
        return list(tx.execute(select(Licence.status).order_by(Licence.number)).scalars())


def expire(engine: Engine, desk: Desk, today: date = TODAY) -> int:
    with engine.begin() as tx:
        return expire_licences(tx, today, desk)


def warn(engine: Engine, desk: Desk, today: date = TODAY) -> int:
    with engine.begin() as tx:
        return warn_holders(tx, today, desk)


def holder_notices(engine: Engine) -> list[Any]:
    with engine.begin() as tx:
        return list(tx.execute(select(*HolderNotice.__table__.columns).order_by(HolderNotice.id)))


def test_a_licence_is_good_on_its_last_day_and_not_after(county: Engine, desk: Desk) -> None:
    """The day after the last one it is 失效, with operation, ledger, holder's notice and messages; one that ends today, and
    one without an end, are not touched; again, nothing happens."""
    decided(county, desk, 3)
    put_last_day(county, TODAY - timedelta(days=1), TODAY, None)
    assert expire(county, desk) == 1
    assert expire(county, desk) == 0
    assert statuses(county) == ["05", "01", "01"]
    assert expire(county, desk, TODAY + timedelta(days=1)) == 1
    with county.begin() as tx:
        done = select(LicenceOperation.operation, LicenceOperation.actor, LicenceOperation.reason).where(
            LicenceOperation.operation == "expire"
        )
        rows = tx.execute(done.order_by(LicenceOperation.reason)).all()
        assert rows[0] == ("expire", "program:housekeeping", "有效期至 2026-09-17")
        assert (
            tx.execute(
                text("SELECT count(*) FROM outbox WHERE event_type = 'licence.changed.v1'")
            ).scalar_one()
            == 4
        )
        assert (
            tx.execute(text("SELECT count(*) FROM ledger WHERE action = 'licence.expired'")).scalar_one() == 2
        )
        assert set(tx.execute(select(Case.standing)).scalars()) == {"clear"}
    assert [row.kind for row in holder_notices(county)] == ["expired"] * 2


def test_a_frozen_licence_runs_out_too(county: Engine, desk: Desk) -> None:
    """Its hold stays as it is and no longer matters: the case is not on alert because of it."""
    decided(county, desk)
    (licence_id,) = put_last_day(county, TODAY - timedelta(days=1))
    with county.begin() as tx:
        change_status(
            tx, licence_id, "suspend", reason="涉嫌违法", actor="user:a", department="scjg", desk=desk
        )
        assert tx.execute(select(Case.standing)).scalar_one() == "alert"
    assert expire(county, desk) == 1
    assert statuses(county) == ["05"]
    with county.begin() as tx:
        assert tx.execute(select(Hold.lifted_at)).scalar_one() is None
        assert tx.execute(select(Case.standing)).scalar_one() == "clear"


def test_many_run_out_in_batches_and_by_several_at_once(
    county: Engine, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two who do it at the same time share the work: each licence expires once."""
    monkeypatch.setattr(chores, "BATCH", 7)
    decided(county, desk, 40)
    put_last_day(county, *[TODAY - timedelta(days=1)] * 40)

    def until_none(_: int) -> int:
        total = 0
        while done := expire(county, desk):
            total += done
        return total

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(until_none, range(3))) == 40
    assert set(statuses(county)) == {"05"}
    with county.begin() as tx:
        count = text(
            "SELECT count(*), count(DISTINCT licence_id) FROM licence_operations WHERE operation = 'expire'"
        )
        assert tx.execute(count).one() == (40, 40)


def test_a_holder_is_warned_once_for_one_last_day(county: Engine, desk: Desk) -> None:
    """As long ahead as the rule says, with the days that are left; once - and again for another last day."""
    decided(county, desk, 3)
    soon = TODAY + timedelta(days=WARN_DAYS)
    put_last_day(county, TODAY, soon, soon + timedelta(days=1))
    assert warn(county, desk) == 2
    assert warn(county, desk) == 0
    first, second = holder_notices(county)
    assert (first.kind, first.happening) == ("expiring", TODAY.isoformat())
    assert "今天" in first.body
    assert f"还有 {WARN_DAYS} 天" in second.body
    assert "示范县行政审批服务局" in second.body
    put_last_day(county, TODAY + timedelta(days=5), soon, soon + timedelta(days=1))
    assert warn(county, desk) == 1
    assert warn(county, desk, TODAY + timedelta(days=1)) == 1
    with county.begin() as tx:
        assert (
            tx.execute(text("SELECT count(*) FROM ledger WHERE action = 'holder.warned'")).scalar_one() == 4
        )


def test_the_type_says_how_long_ahead(county: Engine, desk: Desk) -> None:
    """The version under which it was issued counts, longer or shorter than the usual."""
    decided(county, desk, 2)
    put_last_day(county, TODAY + timedelta(days=100), TODAY + timedelta(days=30))
    with county.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO licence_types (code, name) VALUES ('11370100MB00000194001', '食品经营许可证');"
                "INSERT INTO licence_type_versions (id, type_code, number, state, rules, created_by) VALUES"
                " (gen_random_uuid(), '11370100MB00000194001', 1, 'superseded', '{\"warn_days\": 120}', 'user:t'),"
                " (gen_random_uuid(), '11370100MB00000194001', 2, 'published', '{\"warn_days\": 7}', 'user:t');"
                "UPDATE licences SET type_version = CASE WHEN number LIKE '%1' THEN 1 ELSE 2 END"
            )
        )
    assert warn(county, desk) == 1
    (notice,) = holder_notices(county)
    assert "还有 100 天" in notice.body
    assert warn(county, desk, TODAY + timedelta(days=22)) == 0
    assert warn(county, desk, TODAY + timedelta(days=23)) == 1


def test_what_was_renewed_or_ended_is_not_warned_of(county: Engine, desk: Desk) -> None:
    """A renewed licence's old version and a cancelled one alarm nobody."""
    decided(county, desk, 2)
    soon = TODAY + timedelta(days=10)
    renewed, cancelled = put_last_day(county, soon, soon)
    newer = next_version(county, renewed, supersede=False)
    with county.begin() as tx:
        tx.execute(text("UPDATE licences SET valid_to = '2031-09-17' WHERE id = :id"), {"id": newer})
        take_effect(
            tx, [Changed(renewed, "supersede", "01", "延续", "user:a", desk.clock(), related_id=newer)], desk
        )
        change_status(
            tx, cancelled, "cancel", reason="申请注销", actor="user:a", department="scjg", desk=desk
        )
    before = len(holder_notices(county))
    assert warn(county, desk) == 0
    assert len(holder_notices(county)) == before


def test_a_notice_is_told_once(county: Engine, desk: Desk) -> None:
    """With the way in which it was told, by whom; a second telling is refused with when it was told."""
    decided(county, desk)
    put_last_day(county, TODAY)
    warn(county, desk)
    (notice,) = holder_notices(county)
    with county.begin() as tx, pytest.raises(Rejected, match="电话"):
        tell_holder(tx, notice.id, actor="user:a", how="飞鸽", now=NOW)
    with county.begin() as tx:
        tell_holder(tx, notice.id, actor="user:a", how="短信", now=NOW)
    (notice,) = holder_notices(county)
    assert (notice.told_by, notice.told_how, notice.told_at) == ("user:a", "短信", NOW)
    with county.begin() as tx, pytest.raises(Conflict, match="2026-09-18 10:00"):
        tell_holder(tx, notice.id, actor="user:b", how="电话", now=NOW)
    with county.begin() as tx, pytest.raises(NotFound):
        tell_holder(tx, 10**9, actor="user:b", how="电话", now=NOW)


def test_the_relay_does_it_by_the_areas_day(county: Engine, desk: Desk, clock: Clock) -> None:
    """At 23:59 in Shanghai a licence is in its last day, two minutes later it has run out, whatever day it is in UTC; one
    round expires, warns, and says so in words; a relay without a desk leaves licences alone."""
    decided(county, desk, 2)
    put_last_day(county, TODAY, TODAY + timedelta(days=3))
    clock.now = datetime(2026, 9, 18, 15, 59, tzinfo=UTC)
    keeper = Housekeeper(county, clock, None, desk)
    done = keeper.round(orphans=False)
    assert done is not None
    assert (done["expired"], done["warned"]) == (0, 2)
    clock.advance(minutes=2)
    done = keeper.round(orphans=False)
    assert done is not None
    assert (done["expired"], done["warned"]) == (1, 0)
    assert "证照到期失效 1" in told(clock(), done)
    assert done.keys() <= TITLES.keys()
    assert statuses(county) == ["05", "01"]
    without = Housekeeper(county, clock).round(orphans=False)
    assert without is not None
    assert "expired" not in without
