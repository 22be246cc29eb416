"""Deciding: one fact, one transaction."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import IntegrityError

from hub.case import Case, Decision
from hub.deciding.decide import decide, lane_for
from hub.errors import Conflict
from hub.exchange.outbox import BULK, LIVE, OutboxRow
from hub.party import Party
from hub.ports import Desk
from hub.pushing.push import Push
from schemas import loads, violations
from storage.signing import Signer
from tests.hub.builders import a_case, decided, packages


def counts(engine: Engine) -> dict[str, int]:
    with engine.begin() as tx:
        return {
            table: tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("parties", "cases", "steps", "decisions", "licences", "pushes", "outbox", "ledger")
        }


def test_writes_the_whole_fact_at_once(county: Engine, desk: Desk) -> None:
    """A decision is all its facts, one push and one outbox row per owed department, and a ledger row."""
    before = counts(county)
    decided(county, desk)
    after = counts(county)

    assert {name: after[name] - before[name] for name in after} == {
        "parties": 1, "cases": 1, "steps": 1, "decisions": 1, "licences": 1, "pushes": 2, "outbox": 2, "ledger": 1,
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864's new names are in few libraries yet
def test_package_is_valid_signed_and_hashed(county: Engine, desk: Desk, hub_signer: Signer) -> None:
    """The outbox holds the final bytes: valid by the schema, signed so that another library agrees, hashed on the push."""
    (case,) = decided(county, desk)
    with county.begin() as tx:
        rows = packages(tx, case.case_no)
        hashes = dict(tx.execute(select(Push.department, Push.package_sha256)).all())

    assert set(rows) == {"scjg", "zhzf"}
    for code, row in rows.items():
        value = bytes(row.value)
        event = loads(value)
        assert violations("approval.decided.v1", event) == []
        assert event["subject"] == row.key == case.case_no
        assert event["data"]["push"]["department"] == code
        assert bytes(hashes[code]) == hashlib.sha256(value).digest()
        header, _, signature = row.signature.split(".")
        import base64

        whole = f"{header}.{base64.urlsafe_b64encode(value).rstrip(b'=').decode()}.{signature}"
        key = OKPKey.import_key(hub_signer.public_pem)
        assert jws.deserialize_compact(whole, key, algorithms=["EdDSA", "Ed25519"]).payload == value


def test_personal_numbers_are_sealed_in_tables_and_complete_in_the_package(
    county: Engine, desk: Desk
) -> None:
    """No table but the signed package shows a natural person's number."""
    (case,) = decided(county, desk)
    with county.begin() as tx:
        party = tx.execute(select(*Party.__table__.columns)).one()
        elements = tx.execute(select(Decision.elements)).scalar_one()
        package = loads(bytes(packages(tx, case.case_no)["scjg"].value))

    assert party.code_masked == "990101********0019"
    assert b"990101199001010019" not in bytes(party.code_sealed)
    assert "990101199001010019" not in str(elements)
    assert package["data"]["elements"]["XK_XDR_ZJHM"] == "990101199001010019"


def test_same_decision_twice_is_unchanged(county: Engine, desk: Desk) -> None:
    """Deciding the same again changes nothing and says so."""
    (case,) = decided(county, desk)
    before = counts(county)
    with county.begin() as tx:
        (outcome,) = decide(tx, [case], desk, actor="user:test")

    assert outcome.verdict == "unchanged"
    assert counts(county) == before


def test_other_decision_under_the_same_number_is_a_conflict(county: Engine, desk: Desk) -> None:
    """One 决定文书号 of one authority is one decision; another content is refused and names the first case."""
    (case,) = decided(county, desk)
    other = replace(case, case_no="990101-other", decision=replace(case.decision, content_hash=bytes(32)))
    before = counts(county)
    with county.begin() as tx:
        (outcome,) = decide(tx, [other], desk, actor="user:test")

    assert (outcome.verdict, outcome.first_case_no) == ("conflict", case.case_no)
    assert counts(county) == before


def test_a_failure_leaves_nothing(county: Engine, desk: Desk) -> None:
    """If the last row cannot be written, none is."""
    before = counts(county)
    bad = a_case(2, area=desk.area, item_code="no-such-item")
    with pytest.raises(IntegrityError), county.begin() as tx:
        decide(tx, [a_case(1, area=desk.area), bad], desk, actor="user:test")

    assert counts(county) == before


def test_two_at_once_make_one(county: Engine, desk: Desk) -> None:
    """Two clerks deciding the same case at the same moment: one decision, and the other learns of it."""
    case = a_case(1, area=desk.area)
    verdicts: list[str] = []
    start = threading.Barrier(2)

    def run() -> None:
        start.wait()
        try:
            with county.begin() as tx:
                verdicts.append(decide(tx, [case], desk, actor="user:test")[0].verdict)
        except Conflict:
            verdicts.append("raced")

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(verdicts)[0] == "accepted"
    assert set(verdicts) <= {"accepted", "unchanged", "raced"}
    assert verdicts.count("accepted") == 1
    assert counts(county)["decisions"] == 1


def test_batches_equal_single_decisions(county: Engine, desk: Desk) -> None:
    """COPY (many rows) and INSERT (few) write the same: every case has its rows, keys stay in order of id."""
    cases = decided(county, desk, 60)
    with county.begin() as tx:
        numbers = set(tx.execute(select(Case.case_no)).scalars())
        per_case = (
            tx.execute(select(func.count()).select_from(OutboxRow).group_by(OutboxRow.key)).scalars().all()
        )

    assert numbers == {case.case_no for case in cases}
    assert per_case == [2] * 60


def test_outbox_bytes_cannot_be_changed(county: Engine, desk: Desk) -> None:
    """The database refuses to change signed bytes; marking as published is allowed."""
    decided(county, desk)
    with county.begin() as tx:
        tx.execute(update(OutboxRow).values(published_at=func.now()))
    with pytest.raises(IntegrityError, match="append-only"), county.begin() as tx:
        tx.execute(update(OutboxRow).values(value=b"{}"))


def test_a_live_message_waits_behind_its_own_bulk_rows(county: Engine, desk: Desk) -> None:
    """A later message about a case whose bulk rows still wait takes the bulk lane, so it cannot overtake them."""
    case = a_case(1, area=desk.area)
    with county.begin() as tx:
        decide(tx, [case], desk, actor="user:test", lane=BULK)
        assert lane_for(tx, case.case_no) == BULK
        tx.execute(update(OutboxRow).values(published_at=func.now()))
        assert lane_for(tx, case.case_no) == LIVE


def test_no_rule_no_push(engine: Engine, desk: Desk) -> None:
    """Without a rule the decision stands and says that nobody is told."""
    with engine.begin() as tx:
        (outcome,) = decide(tx, [a_case(1, area=desk.area, item_code="QT-000")], desk, actor="user:test")

    assert (outcome.verdict, outcome.departments) == ("accepted", ())
