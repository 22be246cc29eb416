"""Several who send what came late, in the same moment."""

from __future__ import annotations

import threading

from sqlalchemy import Engine, func, select

from hub.deciding.revision import DecisionRevision
from hub.errors import Conflict
from hub.ports import Desk
from hub.pushing.release_push import check_again
from hub.pushing.send_late import send_late
from tests.hub.reuse_builders import take
from tests.hub.test_completeness import county
from tests.hub.test_late_materials import ACTOR, BOTH, flagged

__all__ = ["county"]


def test_four_who_send_at_once_send_it_once(county: Engine, desk: Desk) -> None:
    """Two by the button, two by the check that follows a file: one correction, and the others are told or find nothing."""
    with county.begin() as tx:
        case_no = flagged(tx, desk, "M01")
        take(tx, case_no, "M01", content="anew")
    ready, told = threading.Barrier(4), list[tuple[str, ...]]()

    def by_button() -> None:
        ready.wait(60)
        try:
            with county.begin() as tx:
                told.append(send_late(tx, case_no, desk, actor=ACTOR))
        except Conflict:
            told.append(())

    def by_check() -> None:
        ready.wait(60)
        with county.begin() as tx:
            told.append(check_again(tx, case_no, desk).corrected)

    threads = [threading.Thread(target=work) for work in (by_button, by_check) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(told) == [(), (), (), BOTH]
    with county.connect() as tx:
        assert tx.scalar(select(func.count()).select_from(DecisionRevision)) == 1
