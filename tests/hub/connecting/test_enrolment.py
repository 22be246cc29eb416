"""Enrolment: a code is good once, for one department, for a while; keys overlap when they are renewed."""

from __future__ import annotations

import subprocess
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update

from hub.connecting.enrol import (
    OVERLAP,
    cancel_enrolment_code,
    department_of_code,
    enrol,
    make_enrolment_code,
    renew,
)
from hub.connecting.enrolment import EnrolmentCode
from hub.department import Department, DepartmentKey
from hub.errors import Conflict, HubError, Rejected
from hub.ports import Desk
from hub.register_department import revoke_key
from storage.department_ca import DepartmentAuthority
from storage.possession import ENROL, RENEW, check_proof, proof_of
from storage.signing import BadSignature, Signer, generate_private_key, public_pem
from tests.hub.builders import Clock
from tests.hub.connecting.conftest import ACTOR, saved


def a_key() -> Signer:
    return Signer.from_pem("scjg", generate_private_key())


def key_row(tx: Any, kid: str) -> Any:
    return tx.execute(select(*DepartmentKey.__table__.columns).where(DepartmentKey.kid == kid)).one()


def test_a_key_is_enrolled_and_certified(county: Engine, desk: Desk, clock: Clock, tmp_path: Path) -> None:
    """The code registers one key, whose certificate `openssl verify` holds good by the authority's own."""
    key = a_key()
    with county.begin() as tx:
        saved(tx, desk)
        code = make_enrolment_code(tx, desk, department="scjg", connector="scjg-db", actor=ACTOR)
        typed = f" {code.lower().replace('-', ' ')} "
        assert department_of_code(tx, typed) == "scjg"
        done = enrol(tx, desk, typed, kid=key.kid, public_pem=key.public_pem)
        assert enrol(tx, desk, code, kid=key.kid, public_pem=key.public_pem) == done
        row = key_row(tx, key.kid)
        assert code not in str(tx.execute(text("SELECT * FROM ledger")).all())

    assert (done.department, done.connector, done.kid) == ("scjg", "scjg-db", key.kid)
    assert (row.custody, row.valid_from, row.valid_to) == (
        "department",
        clock(),
        clock() + timedelta(days=365),
    )
    assert desk.authority is not None
    assert row.certificate == done.certificate
    (tmp_path / "ca.pem").write_text(desk.authority.certificate)
    (tmp_path / "own.pem").write_text(done.certificate or "")
    at = str(int(clock().timestamp()))
    ran = subprocess.run(
        [
            "openssl",
            "verify",
            "-attime",
            at,
            "-purpose",
            "sslclient",
            "-x509_strict",
            "-CAfile",
            "ca.pem",
            "own.pem",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.strip() == "own.pem: OK", ran.stderr


def test_the_authority_is_the_same_in_every_program(area: str) -> None:
    """From the same secret comes the same authority, from another area or secret another."""
    first, again = (DepartmentAuthority.derived(bytes(32), area).certificate for _ in range(2))

    assert first == again
    assert DepartmentAuthority.derived(bytes(32), "990102").certificate != first
    assert DepartmentAuthority.derived(bytes(range(32)), area).certificate != first


def test_a_code_that_is_not_good_says_why(county: Engine, desk: Desk, clock: Clock) -> None:
    """Unknown, used, cancelled, late, of another department, of one that stopped: each its own sentence, nothing kept."""
    key, unused = a_key(), select(EnrolmentCode.id).where(EnrolmentCode.used_at.is_(None))
    with county.begin() as tx:

        def refused(code: str, kid: str = "k1", **more: Any) -> str:
            with pytest.raises(HubError) as raised:
                enrol(tx, desk, code, kid=kid, public_pem=key.public_pem, **more)
            return raised.value.message

        used = make_enrolment_code(tx, desk, department="scjg", actor=ACTOR)
        enrol(tx, desk, used, kid="k0", public_pem=key.public_pem)
        assert "已经用过" in refused(used)
        with pytest.raises(Conflict, match="已经用过"):
            cancel_enrolment_code(tx, desk, tx.scalars(select(EnrolmentCode.id)).one(), actor=ACTOR)
        cancelled = make_enrolment_code(tx, desk, department="scjg", actor=ACTOR)
        cancel_enrolment_code(tx, desk, tx.scalars(unused).one(), actor=ACTOR)
        assert "已经作废" in refused(cancelled)
        assert "入网码不对" in refused("AAAAA-BBBBB-CCCCC-DDDDD")
        late = make_enrolment_code(tx, desk, department="scjg", actor=ACTOR)
        assert "不是发给部门 zhzf" in refused(late, department="zhzf")
        assert "已经登记过" in refused(late, kid="k0")
        clock.advance(hours=73)
        assert "已经过期" in refused(late)
        stopped = make_enrolment_code(tx, desk, department="scjg", actor=ACTOR)
        tx.execute(update(Department).where(Department.code == "scjg").values(active=False))
        assert "已停用" in refused(stopped)
        with pytest.raises(Rejected, match="小时"):
            make_enrolment_code(tx, desk, department="zhzf", hours=0, actor=ACTOR)


def test_two_at_once_use_a_code_once(county: Engine, desk: Desk) -> None:
    """One key is registered, the other is told that the code was used."""
    with county.begin() as tx:
        code = make_enrolment_code(tx, desk, department="scjg", actor=ACTOR)
    said: list[str] = []
    barrier = threading.Barrier(2)

    def bring() -> None:
        key = a_key()
        try:
            with county.begin() as tx:
                barrier.wait()
                enrol(tx, desk, code, kid=key.kid, public_pem=key.public_pem)
            said.append("")
        except Conflict as error:
            said.append(error.message)

    threads = [threading.Thread(target=bring) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(bool(one) for one in said) == [False, True]
    assert "已经用过" in "".join(said)


def test_renewing_overlaps(county: Engine, desk: Desk, clock: Clock) -> None:
    """The same key gets a further year; a new one follows the old, which ends a fortnight later; asked again it is alike."""
    old, new = a_key(), a_key()
    with county.begin() as tx:
        code = make_enrolment_code(tx, desk, department="scjg", actor=ACTOR)
        enrol(tx, desk, code, kid=old.kid, public_pem=old.public_pem)
        clock.advance(days=300)
        renew(tx, desk, "scjg", by_kid=old.kid, kid=old.kid, public_pem=old.public_pem)
        assert key_row(tx, old.kid).valid_to == clock() + timedelta(days=365)
        for _ in range(2):
            renew(tx, desk, "scjg", by_kid=old.kid, kid=new.kid, public_pem=new.public_pem)
        assert key_row(tx, old.kid).valid_to == clock() + OVERLAP
        assert key_row(tx, new.kid).valid_to == clock() + timedelta(days=365)
        revoke_key(tx, new.kid, actor=ACTOR, reason="丢失")
        with pytest.raises(Conflict, match="吊销"):
            renew(tx, desk, "scjg", by_kid=old.kid, kid=new.kid, public_pem=new.public_pem)


def test_a_proof_is_for_one_purpose_and_text(clock: Clock) -> None:
    """Another key, another text and another purpose prove nothing."""
    pem, other = generate_private_key(), generate_private_key("ES256")
    proof = proof_of(pem, ENROL, "code")

    check_proof(public_pem(pem), proof, ENROL, "code", at=clock())
    check_proof(public_pem(other), proof_of(other, RENEW, "t"), RENEW, "t", at=clock())
    for key, purpose, given in ((other, ENROL, "code"), (pem, RENEW, "code"), (pem, ENROL, "c0de")):
        with pytest.raises(BadSignature, match="持有证明"):
            check_proof(public_pem(key), proof, purpose, given, at=clock())
