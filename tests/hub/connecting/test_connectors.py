"""Connectors: drafts that nobody overwrites, versions that nobody changes, one live connector and one signer at a time."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from hub.connecting.ask_job import MOST, ask_job, cancel_job
from hub.connecting.connector import STATES, Connector, ConnectorJob, ConnectorRefusal, ConnectorVersion
from hub.connecting.draft_connector import make_connector, new_draft, save_draft
from hub.connecting.held import BadDocument, version_of
from hub.connecting.keep_secrets import kept_secrets, missing_secrets, opened_secrets, set_secret
from hub.connecting.move_document import export_document, import_document
from hub.connecting.publish_version import publish_version
from hub.connecting.settle_refusals import settle_refusal, settle_refusals
from hub.connecting.turn_connector import TRANSITIONS, go_live, open_acts, pause, resume, retire, rewind
from hub.department import Department, DepartmentKey
from hub.errors import Conflict, NotFound, Rejected
from hub.joining.change_channel import change_channel
from hub.joining.custodial_key import signer_for
from hub.ledger import LedgerRow
from hub.ports import Desk
from schemas.connector.document import document_from
from storage.kept_secrets import KeptSecrets
from storage.key_encryption import KeyEncryption
from storage.sealing import Tampered
from tests.hub.builders import Clock
from tests.hub.connecting.conftest import ACTOR, document, in_state, published, saved, versions

WHY = "部门机房检修"


def row_of(tx: Any, code: str = "scjg-db") -> Any:
    return tx.execute(select(*Connector.__table__.columns).where(Connector.code == code)).one()


def channel_of(tx: Any, code: str = "scjg") -> str:
    return str(tx.scalar(select(Department.channel).where(Department.code == code)))


ACTS: dict[str, Any] = {
    "go_live": lambda tx, desk, clock: go_live(tx, desk, "scjg-db", version=1, actor=ACTOR),
    "pause": lambda tx, desk, clock: pause(tx, desk, "scjg-db", reason=WHY, actor=ACTOR),
    "resume": lambda tx, desk, clock: resume(tx, desk, "scjg-db", actor=ACTOR),
    "rewind": lambda tx, desk, clock: rewind(
        tx, desk, "scjg-db", to=clock() - timedelta(hours=1), reason=WHY, actor=ACTOR
    ),
    "retire": lambda tx, desk, clock: retire(tx, desk, "scjg-db", reason=WHY, actor=ACTOR),
}
#: Acts that find their work done already.
DONE = {("paused", "pause"), ("live", "resume"), ("retired", "retire")}


@pytest.mark.parametrize("state", STATES)
def test_every_pair_of_state_and_act(county: Engine, desk: Desk, clock: Clock, state: str) -> None:
    """Each act leads where the table says, changes nothing where it is done already, and is refused everywhere else."""
    with county.begin() as tx:
        in_state(tx, desk, state)
        for act, do in ACTS.items():
            with tx.begin_nested() as step:
                wanted = TRANSITIONS.get((state, act))
                if wanted is None and (state, act) not in DONE:
                    with pytest.raises(Conflict):
                        do(tx, desk, clock)
                else:
                    do(tx, desk, clock)
                    assert row_of(tx).state == (wanted or state), act
                assert (act in open_acts(state)) == (wanted is not None)
                step.rollback()


def test_who_saves_must_have_seen_the_last_save(county: Engine, desk: Desk) -> None:
    """The second of two editors is told, and nothing of the first is lost; the same save again is no change."""
    with county.begin() as tx:
        make_connector(tx, desk, code="scjg-db", department="scjg", title="连接器", actor=ACTOR)
        assert save_draft(tx, desk, "scjg-db", document(), saves=1, actor=ACTOR) == 2
        assert save_draft(tx, desk, "scjg-db", document(), saves=1, actor=ACTOR) == 2
        with pytest.raises(Conflict, match="已被他人改动"):
            save_draft(tx, desk, "scjg-db", document(note="另一人的"), saves=1, actor="user:other")
        with pytest.raises(BadDocument) as raised:
            save_draft(tx, desk, "scjg-db", document(bogus=1), saves=2, actor=ACTOR)
        assert [one.at for one in raised.value.faults] == ["bogus"]
        with pytest.raises(Rejected, match="不能更改"):
            save_draft(tx, desk, "scjg-db", document(department="zhzf"), saves=2, actor=ACTOR)

        kept = tx.scalar(select(ConnectorVersion.document))
        said = (
            tx.execute(select(LedgerRow.action).where(LedgerRow.subject == "connector:scjg-db"))
            .scalars()
            .all()
        )
    assert kept is not None
    assert "note" not in kept
    assert said == ["connector.made", "connector.saved"]


def test_a_published_version_is_never_changed(county: Engine, desk: Desk) -> None:
    """An incomplete draft is not published; a published one is superseded by the next, and guarded by the database."""
    with county.begin() as tx:
        saved(tx, desk, flows=[])
        with pytest.raises(BadDocument, match="还没有线路"):
            publish_version(tx, desk, "scjg-db", note="", actor=ACTOR)
        save_draft(tx, desk, "scjg-db", document(), saves=2, actor=ACTOR)
        assert publish_version(tx, desk, "scjg-db", note="好了", actor=ACTOR) == 1
        with pytest.raises(Conflict, match="没有可以发布的草稿"):
            publish_version(tx, desk, "scjg-db", note="", actor=ACTOR)
        assert new_draft(tx, desk, "scjg-db", from_version=1, actor=ACTOR) == 2
        assert publish_version(tx, desk, "scjg-db", note="", actor=ACTOR) == 2
        assert versions(tx) == {1: "superseded", 2: "published"}
    for statement in (
        "UPDATE connector_versions SET document = '{}' WHERE version = 1",
        "UPDATE connector_versions SET state = 'draft', published_at = NULL WHERE version = 2",
        "DELETE FROM connector_versions",
    ):
        with county.connect() as tx, pytest.raises(DBAPIError, match="may not be changed"):
            tx.execute(text(statement))


def test_rolling_back_is_a_new_version(county: Engine, desk: Desk) -> None:
    """What runs goes on until the new version goes live; an old one comes back as a draft, over another only when asked."""
    with county.begin() as tx:
        in_state(tx, desk, "live")
        new_draft(tx, desk, "scjg-db", from_version=1, actor=ACTOR)
        save_draft(tx, desk, "scjg-db", document(note="第二版"), saves=1, actor=ACTOR)
        publish_version(tx, desk, "scjg-db", note="", actor=ACTOR)
        assert versions(tx) == {1: "published", 2: "published"}
        go_live(tx, desk, "scjg-db", version=2, start_kind="all", actor=ACTOR)
        row = row_of(tx)
        assert (row.version, row.start_kind) == (2, "unsigned")
        assert versions(tx) == {1: "superseded", 2: "published"}
        with pytest.raises(Rejected, match="新建草稿"):
            go_live(tx, desk, "scjg-db", version=1, actor=ACTOR)
        assert new_draft(tx, desk, "scjg-db", from_version=1, actor=ACTOR) == 3
        assert new_draft(tx, desk, "scjg-db", from_version=1, actor=ACTOR) == 3
        with pytest.raises(Conflict, match="已有草稿"):
            new_draft(tx, desk, "scjg-db", from_version=2, actor=ACTOR)
        assert new_draft(tx, desk, "scjg-db", from_version=2, actor=ACTOR, replace=True) == 3


def test_going_live_brings_the_hubs_signature_and_retiring_ends_it(county: Engine, desk: Desk) -> None:
    """The department is hosted with a key in custody; by hand nobody takes it away; retired it reads in the browser."""
    with county.begin() as tx:
        version = published(tx, desk)
        with pytest.raises(Rejected, match="连接器上线而来"):
            change_channel(tx, "scjg", "hosted", desk, actor=ACTOR, reason=WHY)
        go_live(tx, desk, "scjg-db", version=version, actor=ACTOR)
        kid = signer_for(tx, "scjg", desk, channel="hosted").kid
        assert channel_of(tx) == "hosted"
        with pytest.raises(Conflict):
            signer_for(tx, "scjg", desk)
        with pytest.raises(Rejected, match="先停用它"):
            change_channel(tx, "scjg", "web", desk, actor=ACTOR, reason=WHY)
        retire(tx, desk, "scjg-db", reason=WHY, actor=ACTOR)
        assert channel_of(tx) == "web"
        assert signer_for(tx, "scjg", desk).kid == kid
        assert kept_secrets(tx, "scjg-db") == set()


def test_at_the_department_its_own_key_signs(county: Engine, desk: Desk) -> None:
    """Moved from the host to the department the custodial key ends; without a key of its own it is refused."""
    with county.begin() as tx:
        version = in_state(tx, desk, "live")
        go_live(tx, desk, "scjg-db", version=version, runs_at="department", actor=ACTOR)
        assert channel_of(tx) == "rest"
        with pytest.raises(Conflict):
            signer_for(tx, "scjg", desk, channel="hosted")
        retire(tx, desk, "scjg-db", reason=WHY, actor=ACTOR)
        assert channel_of(tx) == "rest"

        tx.execute(
            update(DepartmentKey).where(DepartmentKey.department == "zhzf").values(revoked_at=desk.clock())
        )
        published(tx, desk, "zhzf-db", "zhzf")
        tx.execute(update(Department).where(Department.code == "zhzf").values(channel="web"))
        with pytest.raises(Rejected, match="公钥"):
            go_live(tx, desk, "zhzf-db", version=1, runs_at="department", actor=ACTOR)


def test_one_live_connector_of_a_department(county: Engine, desk: Desk) -> None:
    """A second one is refused in words, also when two go live at the same moment."""
    with county.begin() as tx:
        in_state(tx, desk, "paused")
        published(tx, desk, "scjg-two")
        with pytest.raises(Conflict, match=r"市场监管前置库.*先停用"):
            go_live(tx, desk, "scjg-two", version=1, actor=ACTOR)
        retire(tx, desk, "scjg-db", reason=WHY, actor=ACTOR)
        published(tx, desk, "scjg-three")
    said: list[BaseException | None] = []
    barrier = threading.Barrier(2)

    def live(code: str) -> None:
        try:
            with county.begin() as tx:
                barrier.wait()
                go_live(tx, desk, code, version=1, actor=ACTOR)
            said.append(None)
        except Conflict as error:
            said.append(error)

    threads = [threading.Thread(target=live, args=(code,)) for code in ("scjg-two", "scjg-three")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(one is None for one in said) == [False, True]


def test_start_points_and_rewinding(county: Engine, desk: Desk, clock: Clock) -> None:
    """A start has its time or none, never in the future; the earliest of several rewinds counts."""
    with county.begin() as tx:
        published(tx, desk)
        for bad in (
            {"start_kind": "since"},
            {"start_kind": "all", "start_at": clock()},
            {"start_kind": "never"},
        ):
            with pytest.raises(Rejected):
                go_live(tx, desk, "scjg-db", version=1, actor=ACTOR, **bad)  # type: ignore[arg-type]
        with pytest.raises(Rejected, match="将来"):
            go_live(
                tx,
                desk,
                "scjg-db",
                version=1,
                start_kind="since",
                start_at=clock() + timedelta(days=1),
                actor=ACTOR,
            )
        since = clock() - timedelta(days=3)
        go_live(tx, desk, "scjg-db", version=1, start_kind="since", start_at=since, actor=ACTOR)
        before = row_of(tx).changed_no
        rewind(tx, desk, "scjg-db", to=clock() - timedelta(hours=2), reason=WHY, actor=ACTOR)
        rewind(tx, desk, "scjg-db", to=clock() - timedelta(hours=1), reason=WHY, actor=ACTOR)
        row = row_of(tx)
        assert (row.start_at, row.rewind_to, row.rewind_why) == (since, clock() - timedelta(hours=2), WHY)
        assert row.changed_no == before + 2
        with pytest.raises(Rejected, match="理由"):
            pause(tx, desk, "scjg-db", reason=" ", actor=ACTOR)


def test_secrets_are_kept_and_never_shown(county: Engine, desk: Desk) -> None:
    """Sealed for one place, opened for the host alone, nowhere in export and ledger; without one nothing goes live."""
    with county.begin() as tx:
        published(tx, desk)
        assert opened_secrets(tx, desk, "scjg-db") == {"front": {"password": "s3cret-词"}}
        everything = export_document(tx, "scjg-db", 1) + str(tx.execute(text("SELECT * FROM ledger")).all())
        everything += str(tx.execute(text("SELECT * FROM connector_secrets")).all())
        assert "s3cret" not in everything
        tx.execute(text("UPDATE connector_secrets SET endpoint = 'other'"))
        with pytest.raises(Tampered):
            opened_secrets(tx, desk, "scjg-db")
        tx.execute(text("UPDATE connector_secrets SET endpoint = 'front'"))
        set_secret(tx, desk, "scjg-db", "front", "password", "", actor=ACTOR)
        assert kept_secrets(tx, "scjg-db") == set()
        assert missing_secrets(tx, "scjg-db", document()) == [("front", "password")]
        with pytest.raises(Rejected, match="front 的 password"):
            go_live(tx, desk, "scjg-db", version=1, actor=ACTOR)


def test_a_secret_goes_to_the_address_that_it_was_given_for(county: Engine, desk: Desk) -> None:
    """Whoever points the connector elsewhere does not get the secret sent there; what runs keeps its own meanwhile."""

    def opened_for(tx: Any, version: int) -> dict[str, dict[str, str]]:
        return opened_secrets(tx, desk, "scjg-db", document_from(version_of(tx, "scjg-db", version).document))

    with county.begin() as tx:
        in_state(tx, desk, "live")
        new_draft(tx, desk, "scjg-db", from_version=1, actor=ACTOR)
        elsewhere = document()
        elsewhere["endpoints"][0]["settings"]["host"] = "10.6.6.6"
        save_draft(tx, desk, "scjg-db", elsewhere, saves=1, actor=ACTOR)
        assert (opened_for(tx, 1), opened_for(tx, 2)) == ({"front": {"password": "s3cret-词"}}, {})
        publish_version(tx, desk, "scjg-db", actor=ACTOR)
        with pytest.raises(Rejected, match="front 的 password"):
            go_live(tx, desk, "scjg-db", version=2, actor=ACTOR)
        set_secret(tx, desk, "scjg-db", "front", "password", "新口令", actor=ACTOR)
        assert opened_for(tx, 1) == {"front": {"password": "s3cret-词"}}
        assert opened_for(tx, 2) == {"front": {"password": "新口令"}}
        go_live(tx, desk, "scjg-db", version=2, actor=ACTOR)


def test_a_file_moves_from_the_test_area_to_production(county: Engine, desk: Desk) -> None:
    """It becomes a draft of this area, of the department that is chosen; again it changes nothing; no draft is lost."""
    with county.begin() as tx:
        published(tx, desk)
        file = export_document(tx, "scjg-db", 1).replace(f'area = "{desk.area}"', 'area = "990102"')
        with pytest.raises(Conflict, match="另一个部门"):
            import_document(tx, desk, file, department="zhzf", actor=ACTOR)
        with pytest.raises(NotFound, match="先登记"):
            import_document(tx, desk, file, department="nobody", actor=ACTOR)
        with pytest.raises(BadDocument, match="TOML"):
            import_document(tx, desk, "[[", actor=ACTOR)
        assert import_document(tx, desk, file, code="zhzf-db", department="zhzf", actor=ACTOR) == "zhzf-db"
        assert import_document(tx, desk, file, code="zhzf-db", department="zhzf", actor=ACTOR) == "zhzf-db"
        moved = tx.scalar(select(ConnectorVersion.document).where(ConnectorVersion.connector == "zhzf-db"))
        assert moved is not None
        assert (moved["area"], moved["department"], moved["flows"]) == (
            desk.area,
            "zhzf",
            document()["flows"],
        )
        assert missing_secrets(tx, "zhzf-db", moved) == [("front", "password")]
        save_draft(tx, desk, "zhzf-db", {**moved, "note": "改过"}, saves=2, actor=ACTOR)
        with pytest.raises(Conflict, match="已有草稿"):
            import_document(tx, desk, file, code="zhzf-db", department="zhzf", actor=ACTOR)
        import_document(tx, desk, file, code="zhzf-db", department="zhzf", replace=True, actor=ACTOR)


def test_jobs_are_asked_once_and_few(county: Engine, desk: Desk) -> None:
    """A second press is the same job; a crowd of them waits; a cancelled one stays cancelled."""
    with county.begin() as tx:
        saved(tx, desk)
        more = {"version": 1, "kind": "check", "actor": ACTOR}
        first = ask_job(tx, desk, "scjg-db", params={"endpoint": "front"}, **more)  # type: ignore[arg-type]
        assert ask_job(tx, desk, "scjg-db", params={"endpoint": "front"}, **more) == first  # type: ignore[arg-type]
        for number in range(MOST - 1):
            ask_job(tx, desk, "scjg-db", params={"n": number}, **more)  # type: ignore[arg-type]
        with pytest.raises(Conflict, match="等它们结束"):
            ask_job(tx, desk, "scjg-db", params={"n": 99}, **more)  # type: ignore[arg-type]
        cancel_job(tx, desk, first, actor=ACTOR)
        cancel_job(tx, desk, first, actor=ACTOR)
        assert tx.scalar(select(ConnectorJob.state).where(ConnectorJob.id == first)) == "cancelled"
        assert ask_job(tx, desk, "scjg-db", params={"endpoint": "front"}, **more) != first  # type: ignore[arg-type]


def test_refusals_are_settled_once(county: Engine, desk: Desk) -> None:
    """Tried again on request, put aside with a reason, in bulk; what is settled is left alone."""
    with county.begin() as tx:
        saved(tx, desk)
        values = {
            "connector": "scjg-db",
            "flow": "packages",
            "direction": "out",
            "cause": "shape",
            "words": "太长",
        }
        ids = [
            tx.execute(
                insert(ConnectorRefusal).values(ref=str(n), **values).returning(ConnectorRefusal.id)
            ).scalar_one()
            for n in range(3)
        ]
        settle_refusal(tx, desk, ids[0], how="again", actor=ACTOR)
        with pytest.raises(Rejected, match="理由"):
            settle_refusals(tx, desk, ids, how="dismiss", actor=ACTOR)
        assert settle_refusals(tx, desk, ids, how="dismiss", reason="已人工补录", actor=ACTOR) == 3
        assert settle_refusals(tx, desk, ids, how="dismiss", reason="已人工补录", actor=ACTOR) == 0
        with pytest.raises(NotFound):
            settle_refusal(tx, desk, ids[0], how="again", actor=ACTOR)


def test_secrets_open_with_the_key_that_sealed_them_only() -> None:
    """Another context or another key opens nothing."""
    kept = KeptSecrets(KeyEncryption(bytes(range(32))))
    sealed = kept.seal(b"s", context="a")

    assert kept.open(sealed, context="a") == b"s"
    with pytest.raises(Tampered):
        kept.open(sealed, context="b")
