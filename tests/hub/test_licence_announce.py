"""licence.changed.v1: who hears of a change, what it says, and that everybody hears it once and in order."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from hub.errors import Rejected
from hub.exchange.announcement import Announcement
from hub.exchange.inbox import Quarantined
from hub.exchange.outbox import BULK, LIVE, OutboxRow
from hub.exchange.take_in import take_in
from hub.licensing.licence import Licence
from hub.licensing.living.announce import announce
from hub.licensing.living.change_status import change_status
from hub.licensing.living.changed import Changed
from hub.licensing.living.take_effect import take_effect
from hub.ports import Desk
from hub.pushing.acknowledge import HEARD
from hub.pushing.push import RECEIPT_KINDS
from hub.register_department import add_department, revoke_key
from hub.reuse.use_material import take_back_use
from hub.reuse.withdraw_case import withdraw_case
from schemas import loads, violations
from storage.signing import Signer, TrustedKey, TrustedKeys, generate_private_key, kid_of
from tests.hub.builders import a_finding, a_receipt, decided, message
from tests.hub.catalogue_builders import FOOD, FOOD_LICENCE, HEALTH, HYGIENE, publish_sample_catalogue
from tests.hub.life_builders import next_version
from tests.hub.reuse_builders import CLERK, accepted, decide_it, grant, start, use

Signers = dict[str, Signer]


def outbox(engine: Engine) -> list[Any]:
    with engine.begin() as tx:
        columns = OutboxRow.__table__.columns
        asked = select(*columns).where(OutboxRow.event_type == "licence.changed.v1").order_by(OutboxRow.id)
        return list(tx.execute(asked))


def heard(engine: Engine) -> list[tuple[str, str]]:
    """(department, operation) of every message."""
    return [
        (row.topic.split(".")[1], loads(bytes(row.value))["data"]["change"]["operation"])
        for row in outbox(engine)
    ]


def publish(engine: Engine) -> None:
    with engine.begin() as tx:
        tx.execute(text("UPDATE outbox SET published_at = now()"))


def only_licence(engine: Engine) -> uuid.UUID:
    with engine.begin() as tx:
        return tx.execute(select(Licence.id)).scalar_one()


def said(desk: Desk, **more: Any) -> dict[str, Any]:
    return {"reason": "涉嫌提供虚假材料", "actor": "user:a", "department": "scjg", "desk": desk} | more


def test_what_a_department_hears(county: Engine, desk: Desk, signers: Signers, hub_signer: Signer) -> None:
    """A finding over the wire: both departments that received the case get one message on their topic, keyed by the case,
    live, valid against its schema and signed over its exact bytes; it says what, why, by whom and by which finding; the
    holder's personal number is masked."""
    (case,) = decided(county, desk)
    publish(county)
    finding = a_finding(desk, signers["scjg"], case.case_no, "F1", "3", "3", explain="无证加工")
    with county.begin() as tx:
        take_in(tx, [finding, finding], [], desk)
    with county.begin() as tx:
        take_in(tx, [finding], [], desk)
    rows = outbox(county)
    assert sorted(row.topic for row in rows) == [f"{desk.area}.{code}.in" for code in ("scjg", "zhzf")]
    keys = TrustedKeys.of([TrustedKey(hub_signer.kid, "hub", hub_signer.public_pem)])
    for row in rows:
        assert (row.key, row.lane) == (case.case_no, LIVE)
        keys.verify(bytes(row.value), row.signature, at=desk.clock())
        event = loads(bytes(row.value))
        assert violations("licence.changed.v1", event) == []
        assert (event["id"], event["subject"]) == (str(row.event_id), case.case_no)
        data = event["data"]
        assert data["department"] == row.topic.split(".")[1]
        assert (data["licence"]["status"], data["licence"]["status_title"]) == ("02", "暂扣")
        assert case.licence is not None
        assert data["licence"]["certificateIdentifier"] == case.licence.identifier
        assert data["licence"]["certificateHolderCode"] != ["990101199001010019"]
        assert "*" in data["licence"]["certificateHolderCode"][0]
        change = data["change"]
        assert (change["operation_name"], change["national_code"], change["from_status"]) == (
            "暂扣",
            "03",
            "01",
        )
        assert (change["reason"], change["finding_no"]) == ("无证加工", "F1")
        assert change["by"] == {"department": "scjg", "name": "示范县市场监督管理局"}
        assert (data["previous_identifier"], data["next_identifier"], data["relied_cases"]) == (
            None,
            None,
            [],
        )


def test_a_change_is_told_once_however_often_it_is_announced(county: Engine, desk: Desk) -> None:
    """The id of a message comes from the operation and the department: a second telling cannot make a second fact."""
    decided(county, desk)
    licence_id = only_licence(county)
    change = Changed(licence_id, "suspend", "01", "试一试", "user:a", desk.clock(), department="scjg")
    with county.begin() as tx:
        take_effect(tx, [change], desk)
    first = {row.event_id for row in outbox(county)}
    with county.connect() as tx, tx.begin(), pytest.raises(Exception, match="announcements"):
        announce(tx, desk, [change])
    assert {uuid.uuid5(change.id, code) for code in ("scjg", "zhzf")} == first


def test_who_is_not_told(county: Engine, desk: Desk, signers: Signers) -> None:
    """A department whose keys are revoked, or that was never sent the case and did nothing, gets nothing; one that changes
    the licence hears of it too."""
    pem = Signer.from_pem("wsjk", generate_private_key()).public_pem
    with county.begin() as tx:
        add_department(
            tx, code="wsjk", name="示范县卫生健康局", roles=["supervising"], public_pem=pem,
            kid=kid_of("wsjk", pem), actor="user:t",
        )  # fmt: skip
        revoke_key(tx, signers["zhzf"].kid, actor="user:t", reason="遗失")
    decided(county, desk)
    licence_id = only_licence(county)
    with county.begin() as tx:
        change_status(tx, licence_id, "suspend", **said(desk))
    assert heard(county) == [("scjg", "suspend")]
    with county.begin() as tx:
        change_status(
            tx, licence_id, "revoke", **said(desk, department="wsjk", document_no="示吊〔2026〕1号")
        )
    assert heard(county)[1:] == [("scjg", "revoke"), ("wsjk", "revoke")]
    with county.begin() as tx:
        tx.execute(text("UPDATE departments SET active = false WHERE code = 'scjg'"))
        change_status(
            tx, licence_id, "reinstate", **said(desk, department=None, document_no="示复〔2026〕1号")
        )
    assert heard(county)[3:] == []


def test_messages_of_one_case_do_not_overtake_one_another(county: Engine, desk: Desk) -> None:
    """While bulk messages of the case still wait, a change goes behind them; of what runs out in numbers nobody waits for
    the message."""
    decided(county, desk)
    licence_id = only_licence(county)
    with county.begin() as tx:
        tx.execute(text("UPDATE outbox SET lane = 1"))
        change_status(tx, licence_id, "suspend", **said(desk))
    assert {row.lane for row in outbox(county)} == {BULK}
    publish(county)
    with county.begin() as tx:
        change_status(tx, licence_id, "restore", **said(desk))
    assert {row.lane for row in outbox(county)[2:]} == {LIVE}
    publish(county)
    with county.begin() as tx:
        change = Changed(licence_id, "expire", "01", "有效期至", "program:x", desk.clock())
        take_effect(tx, [change], desk)
    assert {row.lane for row in outbox(county)[4:]} == {BULK}


def test_a_renewal_names_the_other_version(county: Engine, desk: Desk) -> None:
    """Whoever was sent the old version hears which one took its place, and later hears of the new one, too."""
    decided(county, desk)
    old_id = only_licence(county)
    new_id = next_version(county, old_id, supersede=False)
    with county.begin() as tx:
        change = Changed(
            old_id, "supersede", "01", "延续", "user:a", desk.clock(), department="scjg", related_id=new_id
        )
        take_effect(tx, [change], desk)
        old, new = (
            tx.execute(select(Licence.identifier).where(Licence.id == id_)).scalar_one()
            for id_ in (old_id, new_id)
        )
        notices = tx.execute(text("SELECT count(*) FROM notices")).scalar_one()
        holders = tx.execute(text("SELECT count(*) FROM holder_notices")).scalar_one()
    assert (notices, holders) == (0, 0)  # nobody is alarmed by it
    event = loads(bytes(outbox(county)[0].value))
    assert violations("licence.changed.v1", event) == []
    assert (event["data"]["next_identifier"], event["data"]["previous_identifier"]) == (new, None)
    with county.begin() as tx:
        change_status(tx, new_id, "suspend", **said(desk))
    later = [loads(bytes(row.value)) for row in outbox(county)[2:]]
    assert {event["data"]["department"] for event in later} == {"scjg", "zhzf"}
    for event in later:
        assert violations("licence.changed.v1", event) == []
        assert (event["data"]["previous_identifier"], event["data"]["next_identifier"]) == (old, None)
        assert event["subject"] == new  # this version has no case of its own


@pytest.fixture
def office(county: Engine) -> Engine:
    with county.begin() as tx:
        publish_sample_catalogue(tx)
        for code in ("business-licence", "floor-plan", "premises"):
            grant(tx, code)
        grant(tx, FOOD_LICENCE, kind="licence")
        grant(tx, HYGIENE, kind="result")
    return county


def test_whoever_relied_on_it_hears_with_its_cases(office: Engine, desk: Desk) -> None:
    """A department whose case reuses the licence is told and reads which case; not when the use was taken back or the
    case withdrawn; the one that was pushed the licence reads none."""
    with office.begin() as tx:
        case_no, _ = accepted(tx, desk, FOOD)
        decide_it(tx, desk, case_no)
        licence_id = tx.execute(select(Licence.id)).scalar_one()
        withdrawn = start(tx, desk, HYGIENE, department=HEALTH)
        use(tx, desk, withdrawn, "M03", licence_id, "licence")
        withdraw_case(tx, withdrawn, actor=CLERK, reason="申请人撤回", desk=desk)
        relying, other = start(tx, desk, HYGIENE, department=HEALTH), start(tx, desk, HYGIENE)
        use(tx, desk, relying, "M03", licence_id, "licence")
        take_back_use(tx, use(tx, desk, other, "M03", licence_id, "licence"), actor=CLERK)
        assert len({withdrawn, relying, other}) == 3
        if not tx.execute(text("SELECT 1 FROM department_keys WHERE department = :d"), {"d": HEALTH}).first():
            pem = Signer.from_pem(HEALTH, generate_private_key()).public_pem
            tx.execute(
                text("INSERT INTO department_keys (kid, department, public_pem) VALUES (:kid, :d, :pem)"),
                {"kid": kid_of(HEALTH, pem), "d": HEALTH, "pem": pem},
            )
        change_status(tx, licence_id, "withdraw", **said(desk, document_no="示撤〔2026〕1号"))
    told = {
        row.topic.split(".")[1]: loads(bytes(row.value))["data"]["relied_cases"] for row in outbox(office)
    }
    assert told[HEALTH] == [relying]
    assert told["scjg"] == []
    with office.begin() as tx:
        notice = tx.execute(
            text("SELECT title, body FROM notices WHERE case_no = :case ORDER BY id DESC LIMIT 1"),
            {"case": relying},
        ).one()
        state = tx.execute(
            text("SELECT source_state FROM material_uses WHERE case_no = :case"), {"case": relying}
        ).scalar_one()
    assert "所复用的证照已撤销" in notice.title
    assert "涉嫌提供虚假材料" in notice.body
    assert state == "revoked"
    with office.begin() as tx:  # a correction makes it good again, and an end has its own word
        change_status(tx, licence_id, "reinstate", **said(desk, document_no="示复〔2026〕1号"))
        change_status(tx, licence_id, "cancel", **said(desk))
        titles = list(
            tx.execute(
                text("SELECT title FROM notices WHERE case_no = :case ORDER BY id"), {"case": relying}
            ).scalars()
        )
    assert "已更正恢复有效" in titles[-2]
    assert "所复用的证照已注销" in titles[-1]


# -- what comes back ---------------------------------------------------------------------------------------------


def announcement(engine: Engine, code: str = "scjg") -> Any:
    with engine.begin() as tx:
        columns = Announcement.__table__.columns
        return tx.execute(select(*columns).where(Announcement.department == code)).one()


def signed_for(desk: Desk, signer: Signer, row: Any, *kinds: str, **changes: Any) -> Any:
    """A receipt about a licence.changed.v1."""
    receipts = [
        {
            "kind": kind,
            "at": "2026-09-18T02:00:01Z",
            "by": "某人",
            "reason": "退" if kind == "returned" else None,
        }
        for kind in kinds
    ]
    data: Mapping[str, Any] = {
        "event_id": str(row.event_id),
        "package_sha256": hashlib.sha256(bytes(row.value)).hexdigest(),
        "receipts": receipts,
    }
    return message(desk, signer, "receipt.v1", row.key, {**data, **changes})


def test_a_receipt_says_that_a_department_has_it(county: Engine, desk: Desk, signers: Signers) -> None:
    """Arrived and signed are kept with the earliest time, once; another department's, a wrong hash, a claim and a return
    are held back; a package's receipt works as before."""
    decided(county, desk)
    with county.begin() as tx:
        package = tx.execute(
            select(*OutboxRow.__table__.columns).where(OutboxRow.topic.like("%scjg.in"))
        ).one()
        change_status(tx, only_licence(county), "suspend", **said(desk))
    row = next(row for row in outbox(county) if ".scjg." in row.topic)
    with county.begin() as tx:
        bad = [
            signed_for(desk, signers["zhzf"], row, "signed"),
            signed_for(desk, signers["scjg"], row, "signed", package_sha256="0" * 64),
            *(signed_for(desk, signers["scjg"], row, kind) for kind in RECEIPT_KINDS if kind not in HEARD),
        ]
        taken = take_in(tx, [*bad, a_receipt(desk, signers["scjg"], package, "signed")], [], desk)
    assert (taken.accepted, taken.quarantined) == (1, len(bad))
    assert (announcement(county).arrived_at, announcement(county).signed_at) == (None, None)
    with county.begin() as tx:
        causes = list(tx.execute(select(Quarantined.cause)).scalars())
        assert sorted(causes) == [*["schema"] * (len(bad) - 2), "unknown_push", "unknown_push"]
        assert tx.execute(text("SELECT state FROM pushes WHERE department = 'scjg'")).scalar_one() == "signed"
    good = signed_for(desk, signers["scjg"], row, "arrived", "signed")
    later = signed_for(
        desk, signers["scjg"], row, "signed", receipts=[{"kind": "signed", "at": "2026-09-18T03:00:00Z"}]
    )
    for batch in ([good, good], [good], [later]):
        with county.begin() as tx:
            assert take_in(tx, batch, [], desk).quarantined == 0
    first = announcement(county)
    assert first.arrived_at == first.signed_at
    assert first.signed_at.isoformat() == "2026-09-18T02:00:01+00:00"
    assert announcement(county, "zhzf").signed_at is None
    with county.begin() as tx:
        actions = list(
            tx.execute(text("SELECT action FROM ledger WHERE subject LIKE 'announcement:%'")).scalars()
        )
    assert actions == ["licence.change_receipted"] * 2


def test_nothing_is_told_of_what_did_not_happen(county: Engine, desk: Desk) -> None:
    """A refused act leaves no message."""
    decided(county, desk)
    licence_id = only_licence(county)
    with county.begin() as tx, pytest.raises(Rejected):
        change_status(tx, licence_id, "reinstate", **said(desk, document_no="示复〔2026〕1号"))
    assert outbox(county) == []
