"""What a person decides on the command line: departments and keys, resending, releasing, users."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select, update

from hub.department import DepartmentKey, topic_in
from hub.exchange.outbox import OutboxRow, ParkedKey
from hub.ledger import LedgerRow
from hub.pushing.rules.add_rule import add_rule
from storage.signing import generate_private_key, kid_of, public_pem
from tests.front_door import HubShell


def _key(folder: Path, name: str, alg: str = "EdDSA") -> tuple[Path, str]:
    pem = generate_private_key(alg)  # type: ignore[arg-type]
    file = folder / name
    file.write_text(public_pem(pem))
    return file, kid_of("zrzy", public_pem(pem))


def _add(hub: HubShell, file: Path) -> None:
    hub.ask("department", "add", "zrzy", "示范县自然资源局", "--role", "supervising", "--public-key", file)


def test_a_department_is_added_listed_rotated_and_revoked(hub: HubShell, engine: Engine) -> None:
    """A department joins, takes a second key of the other algorithm, has the first revoked; each is in the ledger."""
    (first, old), (second, new) = _key(hub.folder, "1.pem"), _key(hub.folder, "2.pem", "ES256")
    _add(hub, first)
    assert hub.ask("department", "add-key", "zrzy", "--public-key", second)["kid"] == new
    hub.ask("department", "revoke-key", old, "--reason", "轮换")
    (listed,) = hub.ask("department", "list")
    assert (listed["code"], listed["roles"]) == ("zrzy", ["supervising"])
    assert {key["kid"]: key["revoked_at"] is not None for key in listed["keys"]} == {old: True, new: False}
    assert "吊销" in hub.run("department", "list").stdout
    with engine.connect() as tx:
        actions = set(tx.execute(select(LedgerRow.action).where(LedgerRow.actor == "user:cli")).scalars())
    assert {"department.added", "key.added", "key.revoked"} <= actions


def test_the_trust_bundle_is_what_an_outsider_needs(hub: HubShell, area: str) -> None:
    """Broker, area, topics by department, the hub's keys by kid; nothing secret."""
    _add(hub, _key(hub.folder, "1.pem")[0])
    done = hub.run("trust-bundle", "--json")
    bundle = json.loads(done.stdout)
    assert bundle["area"] == area
    assert bundle["broker"] == hub.env["SHENGUAN_KAFKA_BOOTSTRAP"]
    assert bundle["topics"]["departments"]["zrzy"]["in"] == f"{area}.zrzy.in"
    assert bundle["topics"]["departments"]["zrzy"]["out"] == f"{area}.zrzy.out"
    ((kid, pem),) = bundle["keys"].items()
    assert kid == kid_of("hub", pem)
    for name in ("S3_SECRET_KEY", "WEB_SECRET", "KEY_ENCRYPTION_KEY", "IDENTITY_KEY", "DATABASE_URL"):
        assert hub.env[f"SHENGUAN_{name}"] not in done.stdout
    assert "PRIVATE" not in done.stdout
    assert f"{area}.zrzy.in" in hub.run("trust-bundle").stdout


@pytest.mark.parametrize(
    ("code", "role", "content", "words", "exit_code"),
    [
        ("zrzy", "supervising", "private", "私钥只能留在部门", 2),
        ("zrzy", "supervising", "not a key", "只接受 Ed25519 或 P-256", 1),
        ("ZRZY", "supervising", "public", "部门代码", 1),
        ("hub", "supervising", "public", "部门代码", 1),
        ("zrzy", "singing", "public", "--role 的值不对", 2),
    ],
)
def test_bad_registrations_are_refused(
    hub: HubShell, engine: Engine, code: str, role: str, content: str, words: str, exit_code: int
) -> None:
    """Each wrong registration is a sentence, and nothing is registered."""
    pem = generate_private_key()
    text = {"private": pem.decode(), "public": public_pem(pem)}.get(content, content)
    (hub.folder / "key.pem").write_text(text)
    done = hub.run("department", "add", code, "某局", "--role", role, "--public-key", "key.pem")
    assert done.returncode == exit_code, (done.stdout, done.stderr)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    with engine.connect() as tx:
        assert tx.execute(select(func.count()).select_from(DepartmentKey)).scalar_one() == 0


def test_resending_and_releasing(hub: HubShell, engine: Engine, area: str) -> None:
    """Published rows of one department are queued again with a reason on record; a parked key is released once."""
    _add(hub, _key(hub.folder, "1.pem")[0])
    with engine.begin() as tx:
        add_rule(tx, "全部", {"zrzy": 3}, actor="user:test")
    hub.run("sample", "--rows", 6, "--out", "sheet.csv")
    hub.ask("load", "sheet.csv")
    with engine.begin() as tx:
        tx.execute(update(OutboxRow).values(published_at=func.now()))
        case_no = tx.execute(select(OutboxRow.key).limit(1)).scalar_one()
        parked = {"topic": topic_in(area, "zrzy"), "key": case_no, "cause": "x", "attempts": 3}
        tx.execute(insert(ParkedKey).values(parked))
    assert hub.ask("resend", "--case", case_no, "--reason", "丢失")["queued"] == 1
    assert (
        hub.ask("resend", "--department", "zrzy", "--since", "2020-01-01", "--reason", "清空")["queued"] == 5
    )
    assert hub.ask("resend", "--since", "2999-01-01", "--reason", "没有")["queued"] == 0
    assert hub.run("resend", "--department", "nosuch", "--reason", "x").returncode == 1
    assert hub.run("resend", "--since", "昨天", "--reason", "x").returncode == 2
    assert hub.run("resend").returncode == 2
    assert hub.ask("unpark", case_no, "--department", "zrzy", "--reason", "已修复")["released"] is True
    again = hub.run("unpark", case_no, "--department", "zrzy", "--reason", "再来")
    assert again.returncode == 1
    assert "没有被搁置" in again.stderr


def test_users_are_added_from_a_file(hub: HubShell, engine: Engine) -> None:
    """The first user of a new hub is made on the command line; the password is neither an argument nor printed."""
    hub.ask("migrate")
    (hub.folder / "word").write_text("Correct-horse-9-battery\n")
    done = hub.run("user", "add", "lan", "--role", "Admin", "--name", "系统管理员", "--password-file", "word")
    assert done.returncode == 0, done.stderr
    assert "Correct-horse" not in done.stdout + done.stderr
    with engine.connect() as tx:
        assert tx.exec_driver_sql("SELECT username FROM ab_user").scalars().all() == ["lan"]
    (hub.folder / "word").write_text("short")
    refused = hub.run("user", "add", "xin", "--role", "clerk", "--name", "x", "--password-file", "word")
    assert refused.returncode == 2
    assert "至少 10 个字符" in refused.stderr
