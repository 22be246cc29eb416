"""Batches: rows become licences once each, whoever works on them, however often that process is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text

from hub.department import Department
from hub.errors import Conflict, Denied, NotFound, Rejected, Unavailable
from hub.licensing.batches.batch import BATCH_STATES
from hub.licensing.batches.batch_control import MOVES, batch_row, move_batch, progress_of
from hub.licensing.batches.batch_rows import read_in, read_told, refused_sheet
from hub.licensing.batches.batch_source import source_of, template_rows
from hub.licensing.batches.claim_rows import claim, still_mine
from hub.licensing.batches.run_batch import Workshop, work_all, work_once
from hub.licensing.batches.tidy_batches import tidy_batches
from hub.licensing.issuing.issue_licence import issue
from hub.licensing.living.change_status import cancel
from hub.licensing.types.publish_licence_type import publish_licence_type, withdraw_licence_type
from hub.licensing.types.published_type import published_licence_type
from hub.licensing.types.save_licence_type import save_licence_type
from hub.ports import Desk
from storage.files import FileStore
from storage.key_encryption import KeyEncryption
from storage.licences.credentials import Credentials
from storage.licences.press import LicencePress
from storage.objects import ObjectStore
from tests.conftest import Parts
from tests.hub.batch_worker import workshop
from tests.hub.builders import Clock
from tests.hub.licence_builders import (
    A_PERSON,
    FIELDS,
    LAYOUT,
    OFFICE,
    RULES,
    TODAY,
    TYPE,
    a_press,
    a_shop,
    a_type,
    an_order,
    some_tokens,
    the_office,
)

HEADING = ["持证主体", "持证主体代码", "经营场所", "经营项目"]
Rows = list[tuple[int, list[str]]]


def store_at(endpoint: str, parts: Parts, bucket: str) -> ObjectStore:
    """The store at an address."""
    return ObjectStore(
        endpoint, access_key=parts.s3_access_key, secret_key=parts.s3_secret_key, bucket=bucket
    )


@pytest.fixture
def office(engine: Engine) -> Engine:
    """A department with a published type."""
    with engine.begin() as tx:
        the_office(tx)
        a_type(tx)
    return engine


@pytest.fixture
def shop(office: Engine, desk: Desk, parts: Parts, bucket: str, tmp_path: Path, clock: Clock) -> Workshop:
    """What works rows here: the real press on the real store."""
    objects = store_at(parts.s3_endpoint, parts, bucket)
    objects.ensure_bucket()
    press = a_press(FileStore(objects, KeyEncryption(os.urandom(32))), tmp_path / "credentials", clock)
    return Workshop(office, desk, press, some_tokens(), sizes={"issue": 8, "import": 100})


def shops(count: int, *, first: int = 1, place: str = "示范县人民路 {} 号") -> Rows:
    """A sheet of so many shops."""
    rows = []
    for number in range(first, first + count):
        one = a_shop(number)
        rows.append([one.name, str(one.code), place.format(number), "预包装食品销售"])
    return [(1, HEADING), *enumerate(rows, 2)]


def a_batch(shop: Workshop, rows: Rows, *, start: bool = True, heading: list[str] | None = None) -> uuid.UUID:
    """Read rows in, and start."""
    if heading is not None:
        rows = [(1, heading), *rows[1:]]
    with shop.engine.begin() as tx:
        source = source_of(
            tx, "issue", name="名单.xlsx", sha256=b"\0" * 32, type_code=TYPE, department=OFFICE
        )
    batch = read_in(shop.engine, rows, source, shop.desk, actor="user:test")
    if start:
        move(shop, batch, "start")
    return batch


def move(shop: Workshop, batch: uuid.UUID, what: str, **more: Any) -> str:
    with shop.engine.begin() as tx:
        return move_batch(tx, batch, what, actor="user:test", now=shop.desk.clock(), **more)


def counts(shop: Workshop, batch: uuid.UUID) -> tuple[int, int, int, int]:
    """waiting, issued, unchanged, refused."""
    with shop.engine.connect() as tx:
        found = progress_of(tx, batch)
    return found.waiting, found.issued, found.unchanged, found.refused


def problems(shop: Workshop, batch: uuid.UUID) -> dict[int, str]:
    with shop.engine.connect() as tx:
        rows = tx.execute(
            text("SELECT row, problem FROM licence_batch_rows WHERE batch_id = :b AND state = 'refused'"),
            {"b": batch},
        ).all()
    return {row.row: "；".join(r.cause for r in read_told(row.row, row.problem)) for row in rows}


def scalar(shop: Workshop, statement: str) -> Any:
    with shop.engine.connect() as tx:
        return tx.scalar(text(statement))


def test_rows_become_licences_with_everything(shop: Workshop) -> None:
    """Number by the rule, in the order of the sheet; document, material, operation and ledger each; the batch ends."""
    batch = a_batch(shop, shops(20))
    assert work_all(shop) == 20
    assert counts(shop, batch) == (0, 20, 0, 0)
    with shop.engine.connect() as tx:
        assert batch_row(tx, batch).state == "done"
        numbers = tx.execute(
            text("SELECT l.number, r.number FROM licence_batch_rows r JOIN licences l ON l.id = r.licence_id ORDER BY r.row")
        ).all()  # fmt: skip
        assert numbers == [(f"JY2026{n:06d}", f"JY2026{n:06d}") for n in range(1, 21)]
        for table in ("licence_documents", "licence_operations", "holder_notices"):
            assert tx.scalar(text(f"SELECT count(*) FROM {table}")) == 20
        assert tx.scalar(text("SELECT count(*) FROM materials WHERE origin = 'result'")) == 20
        ended = tx.execute(text("SELECT detail FROM ledger WHERE action = 'batch.ended'")).scalar_one()
        assert (ended["issued"], ended["refused"]) == (20, 0)
        assert tx.scalar(text("SELECT count(*) FROM ledger WHERE action = 'licence.issued'")) == 20


def test_the_same_sheet_again_issues_nothing(shop: Workshop) -> None:
    """Known when it is read in, and when two batches of it are worked at the same time."""
    rows = shops(6)
    twins = [a_batch(shop, rows), a_batch(shop, rows)]
    work_all(shop)
    third = a_batch(shop, rows, start=False)
    assert sorted(counts(shop, twin) for twin in twins) == [(0, 0, 6, 0), (0, 6, 0, 0)]
    assert counts(shop, third) == (0, 0, 6, 0)
    assert scalar(shop, "SELECT count(*) FROM licences") == 6


def test_words_whose_licence_is_over_are_issued_anew(shop: Workshop) -> None:
    """What was cancelled may be issued again by the same row."""
    a_batch(shop, shops(1))
    work_all(shop)
    licence = scalar(shop, "SELECT id FROM licences")
    with shop.engine.begin() as tx:
        cancel(tx, licence, reason="企业申请注销", actor="user:test", department=OFFICE, desk=shop.desk)
    again = a_batch(shop, shops(1))
    work_all(shop)
    assert counts(shop, again) == (0, 1, 0, 0)
    assert scalar(shop, "SELECT count(*) FROM licences WHERE status = '01'") == 1


def test_one_bad_row_stops_nothing(shop: Workshop) -> None:
    """A wrong code, a wrong field, a character no font has, words that overflow: each refused, the others issued."""
    rows = shops(6)
    rows[1][1][1] = "91370102MA3C00011X"
    rows[2][1][2] = ""
    rows[3][1][2] = "示范县\U0010fffd路"
    rows[4][1][0] = "示范县" + "很长的名字" * 30
    batch = a_batch(shop, rows)
    work_all(shop)
    assert counts(shop, batch) == (0, 2, 0, 4)
    found = problems(shop, batch)
    assert "校验位" in found[2]
    assert "请填写“经营场所”" in found[3]
    assert "\U0010fffd" in found[4] or "10FFFD" in found[4].upper()
    assert found[5]
    assert scalar(shop, "SELECT state FROM licence_batches") == "done"


def test_numbers_given_in_the_sheet(shop: Workshop) -> None:
    """One that its own holder has already changes nothing; another's is refused; a free one is used as it is."""
    taken = issue(
        shop.engine, an_order(number="JY-OLD-1", holders=(a_shop(1),)), shop.desk, shop.press, shop.tokens, actor="user:test"
    )  # fmt: skip
    rows = shops(3)
    for row, number in zip(rows[1:], ("JY-OLD-1", "JY-OLD-1", "JY-NEW-1"), strict=True):
        row[1].append(number)
    batch = a_batch(shop, rows, heading=[*HEADING, "证照编号"])
    work_all(shop)
    assert counts(shop, batch) == (0, 1, 1, 1)
    assert "另一持证主体" in problems(shop, batch)[3]
    with shop.engine.connect() as tx:
        same = tx.scalar(text("SELECT licence_id FROM licence_batch_rows WHERE row = 2"))
        assert same == taken.licence_id
        assert tx.scalar(text("SELECT count(*) FROM licences WHERE number = 'JY-NEW-1'")) == 1


def test_a_number_given_by_hand_after_it_was_reserved(shop: Workshop) -> None:
    """The row takes the next one; nothing is refused for it."""
    batch = a_batch(shop, shops(1))
    with shop.engine.begin() as tx:
        tx.execute(text("UPDATE licence_batch_rows SET number = 'JY2026000001'"))
    order = an_order(number="JY2026000001", holders=(a_shop(9),))
    issue(shop.engine, order, shop.desk, shop.press, shop.tokens, actor="user:test")
    work_all(shop)
    assert counts(shop, batch) == (0, 1, 0, 0)
    assert scalar(shop, "SELECT count(DISTINCT number) FROM licences") == 2


def test_a_reserved_number_is_used_by_who_takes_over(shop: Workshop) -> None:
    """What a killed process had reserved is the number of the licence."""
    a_batch(shop, shops(2))
    with shop.engine.begin() as tx:
        tx.execute(text("UPDATE licence_batch_rows SET number = 'JY2026000777' WHERE row = 3"))
    work_all(shop)
    third = "SELECT l.number FROM licences l JOIN licence_batch_rows r ON r.licence_id = l.id WHERE row = 3"
    assert scalar(shop, third) == "JY2026000777"


def test_every_move_from_every_state(shop: Workshop) -> None:
    """A batch moves along the table and no other way."""
    names = {move for move, _ in MOVES}
    batch = a_batch(shop, shops(1), start=False)
    for state in BATCH_STATES:
        for name in names:
            with shop.engine.begin() as tx:
                tx.execute(text("UPDATE licence_batches SET state = :s"), {"s": state})
            if (name, state) in MOVES:
                assert move(shop, batch, name, reason="试") == MOVES[name, state]
            else:
                with pytest.raises(Conflict, match="不能"):
                    move(shop, batch, name)


def test_pause_resume_stop(shop: Workshop) -> None:
    """A paused or stopped batch is not worked; a resumed one goes on where it was."""
    batch = a_batch(shop, shops(20))
    assert work_once(shop) == 8
    move(shop, batch, "pause")
    assert work_all(shop) == 0
    assert counts(shop, batch) == (12, 8, 0, 0)
    move(shop, batch, "resume")
    assert work_once(shop) == 8
    move(shop, batch, "stop", reason="名单有误")
    assert work_all(shop) == 0
    assert counts(shop, batch) == (4, 16, 0, 0)
    assert scalar(shop, "SELECT reason FROM ledger WHERE action = 'batch.stopped'") == "名单有误"


def test_departments_move_their_own_batches_only(shop: Workshop) -> None:
    """Another department's user is denied."""
    batch = a_batch(shop, shops(1), start=False)
    with pytest.raises(Denied, match="不是本部门"):
        move(shop, batch, "start", department="scjg")
    assert move(shop, batch, "start", department=OFFICE) == "running"


def test_what_was_previewed_is_what_is_issued(shop: Workshop) -> None:
    """A new version of the type between upload and start: the sheet must be looked at again."""
    batch = a_batch(shop, shops(1), start=False)
    with shop.engine.begin() as tx:
        draft = save_licence_type(
            tx,
            TYPE,
            {"rules": {**RULES, "warn_days": 60}, "fields": FIELDS, "layout": LAYOUT},
            actor="user:test",
        )
        publish_licence_type(tx, draft, actor="user:test")
    with pytest.raises(Conflict, match="已发布第 2 版"):
        move(shop, batch, "start")


def test_a_type_that_is_withdrawn_while_it_runs(shop: Workshop) -> None:
    """The remaining rows are refused with the reason, and the batch ends."""
    batch = a_batch(shop, shops(10))
    work_once(shop)
    with shop.engine.begin() as tx:
        withdraw_licence_type(tx, TYPE, actor="user:test", reason="法规修改")
    work_all(shop)
    assert counts(shop, batch) == (0, 8, 0, 2)
    assert all("没有已发布的版本" in why for why in problems(shop, batch).values())


def test_a_store_that_is_away_makes_the_batch_wait(
    shop: Workshop, parts: Parts, tmp_path: Path, clock: Clock
) -> None:
    """The cause stands on the batch, no row is refused; with the store back it goes on by itself."""
    batch = a_batch(shop, shops(5))

    nowhere = FileStore(store_at("http://127.0.0.1:9", parts, "nowhere"), KeyEncryption(os.urandom(32)))
    away = replace(shop, press=a_press(nowhere, tmp_path / "credentials", clock))
    with pytest.raises(Unavailable):
        work_once(away)
    with shop.engine.connect() as tx:
        row = batch_row(tx, batch)
    assert row.state == "running"
    assert row.cause
    assert counts(shop, batch) == (5, 0, 0, 0)
    assert work_all(shop) == 5
    with shop.engine.connect() as tx:
        assert (batch_row(tx, batch).state, batch_row(tx, batch).cause) == ("done", None)
    numbers = scalar(shop, "SELECT string_agg(number, ' ' ORDER BY number) FROM licences")
    assert numbers == " ".join(f"JY2026{n:06d}" for n in range(1, 6))


def test_what_is_no_row_s_fault_refuses_no_row(
    shop: Workshop, parts: Parts, bucket: str, tmp_path: Path, clock: Clock
) -> None:
    """Without a usable certificate the batch is paused with the reason; when it is there, a person lets it go on."""
    batch = a_batch(shop, shops(6))
    files = FileStore(store_at(parts.s3_endpoint, parts, bucket), KeyEncryption(os.urandom(32)))
    without = LicencePress(files, Credentials(tmp_path / "empty"), clock)
    work_all(replace(shop, press=without))
    with shop.engine.connect() as tx:
        row = batch_row(tx, batch)
    assert row.state == "paused"
    assert "证书" in row.cause
    assert counts(shop, batch) == (6, 0, 0, 0)
    assert scalar(shop, "SELECT actor FROM ledger WHERE action = 'batch.paused'") == "program:press"
    move(shop, batch, "resume")
    assert work_all(shop) == 6
    assert counts(shop, batch) == (0, 6, 0, 0)


def test_a_claim_that_ran_out_writes_nothing(shop: Workshop) -> None:
    """Whoever comes back late finds that the rows are another's; each row is one licence."""
    a_batch(shop, shops(3))
    late = replace(shop, lease=0.0)
    with shop.engine.begin() as tx:
        first = claim(tx, dict(late.sizes), lease=late.lease)
    assert first is not None
    assert len(first.rows) == 3
    time.sleep(0.01)
    assert work_all(shop) == 3
    with shop.engine.begin() as tx:
        assert still_mine(tx, first) == set()
    assert scalar(shop, "SELECT count(*) FROM licences") == 3


def test_a_claim_is_one_process_s(shop: Workshop) -> None:
    """Two who claim at the same time get different rows."""
    a_batch(shop, shops(12))
    with shop.engine.begin() as one, shop.engine.begin() as two:
        first, second = claim(one, dict(shop.sizes)), claim(two, dict(shop.sizes))
        assert first is not None
        assert second is not None
        assert {row[0] for row in first.rows} & {row[0] for row in second.rows} == set()
        assert len(first.rows) + len(second.rows) == 12


@pytest.fixture
def start_worker(
    office: Engine, database_url: str, parts: Parts, bucket: str, tmp_path: Path, area: str
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Processes that work batches."""
    started: list[subprocess.Popen[str]] = []
    said = {
        "database_url": database_url,
        "area": area,
        "bucket": bucket,
        "endpoint": parts.s3_endpoint,
        "access_key": parts.s3_access_key,
        "secret_key": parts.s3_secret_key,
        "credentials": str(tmp_path / "worker-credentials"),
    }
    workshop(said).engine.dispose()  # makes the credentials, once
    store_at(parts.s3_endpoint, parts, bucket).ensure_bucket()

    def start(**more: Any) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.hub.batch_worker", json.dumps({**said, **more})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        return child

    yield start
    for child in started:
        if child.poll() is None:
            child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def go(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def test_killed_processes_lose_nothing_and_double_nothing(
    shop: Workshop, start_worker: Callable[..., subprocess.Popen[str]]
) -> None:
    """Two processes, both killed with -9 in the middle, several times; a third finishes: each row one licence, once."""
    batch = a_batch(shop, shops(60))
    last_rows = "SELECT FROM licence_batch_rows WHERE batch_id = :b AND row > 48 FOR UPDATE"
    with shop.engine.connect() as held:
        held.execute(
            text(last_rows), {"b": batch}
        )  # however quick the two are: they are not done when they are killed
        for wanted in (8, 24):
            children = [start_worker(size=6, lease=2.0) for _ in range(2)]
            for child in children:
                go(child)
            until = time.monotonic() + 120
            while counts(shop, batch)[1] < wanted and time.monotonic() < until:
                time.sleep(0.02)
            for child in children:
                os.kill(child.pid, signal.SIGKILL)
                child.wait()
    waiting, _, unchanged, refused = counts(shop, batch)
    assert waiting > 0
    assert (unchanged, refused) == (0, 0)
    last = start_worker(size=6, lease=2.0)
    until = time.monotonic() + 120
    time.sleep(2.2)  # until the claims of the dead have run out
    go(last)
    while counts(shop, batch)[0] and time.monotonic() < until:
        time.sleep(0.1)
    assert counts(shop, batch) == (0, 60, 0, 0)
    with shop.engine.connect() as tx:
        assert tx.execute(
            text("SELECT count(*), count(DISTINCT number), count(DISTINCT party_id) FROM licences")
        ).one() == (60, 60, 60)
        assert tx.scalar(text("SELECT count(DISTINCT licence_id) FROM licence_batch_rows")) == 60
        assert tx.scalar(text("SELECT count(*) FROM licence_documents")) == 60
        assert tx.scalar(text("SELECT count(*) FROM ledger WHERE action = 'licence.issued'")) == 60
        assert tx.scalar(text("SELECT count(*) FROM licence_batch_rows WHERE claimed_by IS NOT NULL")) == 0


def test_twice_at_once_in_two_batches(shop: Workshop) -> None:
    """The same words in two batches, worked by two threads at the same moment: one licence a row."""
    rows = shops(24)
    batches = [a_batch(shop, rows), a_batch(shop, rows)]
    threads = [threading.Thread(target=work_all, args=(shop,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work_all(shop)
    assert scalar(shop, "SELECT count(*) FROM licences") == 24
    done = [counts(shop, batch) for batch in batches]
    assert [sum(each) for each in zip(*done, strict=True)] == [0, 24, 24, 0]


def test_persons_and_field_types(shop: Workshop) -> None:
    """A person's number in a field is checked and sealed; a day given in the sheet is the licence's."""
    rows: Rows = [
        (1, [*HEADING, "负责人证件号码", "颁发日期", "有效期截止"]),
        (2, [A_PERSON.name, str(A_PERSON.code), "示范县人民路 1 号", "", "990101199001010019", "2026/9/1", "2030.8.31"]),
        (3, [*shops(1)[1][1], "990101199001010018", "", ""]),
        (4, [*shops(1, first=5)[1][1], "", "", "2099-12-30"]),
    ]  # fmt: skip
    batch = a_batch(shop, rows)
    work_all(shop)
    assert counts(shop, batch) == (0, 1, 0, 2)
    assert "公民身份号码" in problems(shop, batch)[3]
    assert "超过了规则允许" in problems(shop, batch)[4]
    with shop.engine.connect() as tx:
        licence = tx.execute(text("SELECT * FROM licences")).one()
    assert (str(licence.issued_on), str(licence.valid_to)) == ("2026-09-01", "2030-08-31")
    assert licence.fields["person"]["masked"] == "990101********0019"


def test_who_may_issue_what(shop: Workshop) -> None:
    """No type, no department, one that does not approve: each a sentence."""
    with shop.engine.begin() as tx:
        tx.execute(insert(Department).values(code="zhzf", name="执法局", roles=["enforcing"]))
    for said, sentence in (
        ({}, "请选择要制发的证照类型"),
        ({"type_code": TYPE}, "请选择颁发证照的部门"),
        ({"type_code": TYPE, "department": "zhzf"}, "没有审批职能"),
    ):
        with shop.engine.begin() as tx, pytest.raises(Rejected, match=sentence):
            source_of(tx, "issue", name="x", sha256=b"\0" * 32, **said)


def test_a_filled_in_template_is_taken(shop: Workshop) -> None:
    """The type's own template, filled in, is a batch without refusals."""
    with shop.engine.connect() as tx:
        heading, explained = template_rows(published_licence_type(tx, TYPE))
    assert len(heading) == len(explained)
    one = a_shop(3)
    said = {
        "持证主体": one.name,
        "持证主体代码": one.code,
        "经营场所": "示范县人民路 3 号",
        "证照颁发日期": f"{TODAY:%Y%m%d}",
    }
    batch = a_batch(shop, [(1, heading), (2, [str(said.get(name, "")) for name in heading])])
    work_all(shop)
    assert counts(shop, batch) == (0, 1, 0, 0)


def test_what_rows_said_is_forgotten_when_nobody_needs_it(shop: Workshop) -> None:
    """90 days after the end; states, licences and reasons stay. A reading that died is stopped with a sentence."""
    rows = shops(2)
    rows[1][1][1] = "91370102MA3C00011X"
    batch = a_batch(shop, rows)
    work_all(shop)
    dead = a_batch(shop, shops(1, first=5), start=False)
    with shop.engine.begin() as tx:
        tx.execute(
            text(
                "UPDATE licence_batches SET state = 'reading', read_at = now() - interval '2 hours' WHERE id = :b"
            ),
            {"b": dead},
        )
        ended = shop.desk.clock()
        assert tidy_batches(tx, ended + timedelta(days=89)) == (0, 1)
        assert tidy_batches(tx, ended + timedelta(days=91))[0] >= 2
        assert tidy_batches(tx, ended + timedelta(days=91)) == (0, 0)
        assert tx.scalar(text("SELECT count(*) FROM licence_batch_rows WHERE payload <> ''")) <= 1
        row = batch_row(tx, batch)
        with pytest.raises(NotFound, match="90 天"):
            next(refused_sheet(tx, row, shop.desk.identities))
        assert "中断" in batch_row(tx, dead).cause
    assert counts(shop, batch) == (0, 1, 0, 1)
    assert "校验位" in problems(shop, batch)[2]
    again = a_batch(shop, [rows[0], (2, rows[2][1])])
    assert counts(shop, again) == (0, 0, 1, 0)
