"""Live notices: nothing missed, nothing twice, nobody else's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from admin import live
from admin.live import STREAMS_PER_USER, LiveBoard, follow
from hub.noticing.reader import Reader as HubReader
from tests.admin.conftest import Hub


@pytest.fixture
def board(hub: Hub) -> Any:
    made = LiveBoard(hub.app.extensions["shenguan"].engine)
    yield made
    made.stop()


def insert(
    hub: Hub, title: str, audience: str = "clerk", department: str | None = None, item: str | None = None
) -> int:
    with hub.engine.begin() as tx:
        return int(
            tx.execute(
                text(
                    "INSERT INTO notices (audience, severity, title, body, department, item_code)"
                    " VALUES (:a, 'info', :t, '', :d, :i) RETURNING id"
                ),
                {"a": audience, "t": title, "d": department, "i": item},
            ).scalar_one()
        )


class Reader(threading.Thread):
    """Follows a stream until told to stop."""

    def __init__(
        self, board: LiveBoard, user: str, audience: str, after: int | None, **narrowed: Any
    ) -> None:
        super().__init__(daemon=True)
        self.board, self.after = board, after
        self.stream = board.open(user, HubReader(frozenset({audience}), **narrowed))
        self.got: list[str] = []
        self.start()

    def run(self) -> None:
        for shown in follow(self.board, self.stream, self.after):
            if shown is not None:
                self.got.append(shown["title"])

    def titles(self) -> list[str]:
        return list(self.got)


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def test_a_notice_reaches_every_page_of_its_audience_at_once(
    hub: Hub, board: LiveBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two clerks get it, once each and without the safety poll; the data administrator does not."""
    monkeypatch.setattr(live, "POLL_SECONDS", 1000.0)
    clerks = [Reader(board, f"clerk{n}", "clerk", None) for n in range(2)]
    admin = Reader(board, "admin", "data_admin", None)
    until(lambda: board.listening)
    insert(hub, "先来")
    until(lambda: all(reader.titles() == ["先来"] for reader in clerks))
    insert(hub, "后到")
    until(lambda: all(reader.titles() == ["先来", "后到"] for reader in clerks))
    assert admin.titles() == []
    board.let_go()
    insert(hub, "末了")  # wakes the thread, which then ends


def test_a_page_that_comes_back_gets_what_it_missed(hub: Hub, board: LiveBoard) -> None:
    """With the last id it saw, a page gets every later notice once, and goes on live."""
    first = insert(hub, "看到过")
    for n in range(3):
        insert(hub, f"错过{n}")
    insert(hub, "别人的", "data_admin")
    reader = Reader(board, "clerk", "clerk", first)
    until(lambda: len(reader.got) == 3)
    until(lambda: board.listening)
    insert(hub, "新的")
    until(lambda: len(reader.got) == 4)
    time.sleep(1.2)  # a further safety poll must bring nothing twice
    assert reader.titles() == ["错过0", "错过1", "错过2", "新的"]


def test_a_late_commit_with_a_smaller_id_is_not_lost(hub: Hub, board: LiveBoard) -> None:
    """A transaction that took its id early and commits late is still shown."""
    reader = Reader(board, "clerk", "clerk", None)
    until(lambda: board.listening)
    sql = text("INSERT INTO notices (audience, severity, title, body) VALUES ('clerk', 'info', 'early', '')")
    with hub.engine.connect() as slow:
        slow.execute(sql)
        insert(hub, "late")
        until(lambda: reader.titles() == ["late"])
        slow.commit()
    until(lambda: reader.titles() == ["late", "early"])


def test_a_lost_listening_connection_is_made_again(hub: Hub, board: LiveBoard) -> None:
    """The server ends the connection; notices written meanwhile arrive all the same."""
    reader = Reader(board, "clerk", "clerk", None)
    until(lambda: board.listening)
    insert(hub, "之前")
    until(lambda: reader.titles() == ["之前"])
    with hub.engine.begin() as tx:
        tx.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        )
    insert(hub, "断线时")
    until(lambda: reader.titles() == ["之前", "断线时"])


def test_a_user_with_too_many_pages_loses_the_oldest(board: LiveBoard) -> None:
    """Streams per user are capped; the newest page always works."""
    readers = [Reader(board, "clerk", "clerk", None) for _ in range(STREAMS_PER_USER + 1)]
    until(lambda: not readers[0].is_alive())
    assert readers[-1].is_alive()


def test_the_stream_is_for_signed_in_users_with_the_right(
    hub: Hub, as_user: Callable[[str], FlaskClient]
) -> None:
    """A stranger gets 403; every role has notices, a department's user those of the department and of all."""
    assert hub.app.test_client().get("/live/notices").status_code == 403
    own, others = insert(hub, "本部门的", "supervisor", "scjg"), insert(hub, "别部门的", "supervisor", "zhzf")
    everybodys, clerks = insert(hub, "所有部门的", "supervisor"), insert(hub, "窗口的")
    supervisor = as_user("supervisor")
    shown = {one: supervisor.get(f"/notices/{one}").status_code for one in (own, others, everybodys, clerks)}
    assert shown == {own: 200, others: 404, everybodys: 200, clerks: 404}


def test_a_stream_carries_exactly_what_is_for_its_reader(hub: Hub, board: LiveBoard) -> None:
    """Of eight notices of two departments, with and without an item, each of four readers gets exactly those that the same
    reader finds in the list."""
    with hub.engine.begin() as tx:
        item = tx.execute(text("SELECT code FROM service_items ORDER BY code LIMIT 1")).scalar_one()
    readers = [
        Reader(board, "all", "clerk", None),
        Reader(board, "scjg", "clerk", None, department="scjg"),
        Reader(board, "item", "clerk", None, items=frozenset({item})),
        Reader(board, "other", "clerk", None, department="zhzf", items=frozenset({"none"})),
    ]
    until(lambda: board.listening)
    for department in (None, "scjg", "zhzf"):
        for code in (None, item):
            insert(hub, f"{department}/{code}", "clerk", department, code)
    insert(hub, "别人的", "data_admin")
    insert(hub, "末了")
    until(lambda: all(reader.titles()[-1:] == ["末了"] for reader in readers))
    assert [len(reader.got) for reader in readers] == [7, 5, 7, 3]
    assert readers[3].titles() == ["None/None", "zhzf/None", "末了"]
