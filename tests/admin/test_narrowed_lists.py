"""The lists of decisions and of pushes, narrowed: page by page, counted and exported they are what a plain look says."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, request
from flask_babel import Babel
from sqlalchemy import Connection, Engine, insert, text
from werkzeug.datastructures import MultiDict

from admin import listing
from admin.pushing.decision_list import LISTING, pushed_to
from admin.pushing.push_pages import PushView
from hub.case import Case, Decision
from hub.deciding.revision import DecisionRevision
from hub.department import Department
from hub.item import ServiceItem
from hub.party import Party
from hub.pushing.push import Push

DEPARTMENTS = ("scjg", "wjj", "zhzf")
ITEMS = ("XK-001", "XK-002")
STATES = ("owed", "arrived", "signed", "claimed", "closed", "returned", "reassigned", "recalled")
#: Nobody has signed yet, as after a bulk load; few have not; none has not.
MIXES = ((50, 50, 0, 0, 0, 0, 0, 0), (1, 1, 40, 30, 20, 4, 2, 2), (0, 0, 50, 30, 20, 0, 0, 0))
#: Of a push, that it counts for a decision; as the two lists say it.
HOLDS: dict[str, Callable[[Any], bool]] = {
    "unsigned": lambda push: push["state"] in ("owed", "arrived"),
    "returned": lambda push: push["state"] == "returned",
    "overdue": lambda push: push["overdue"],
    "revision": lambda push: push["unsigned_revision"],
}
CASES = 60
MIDNIGHT = datetime(2026, 3, 1, 16, tzinfo=UTC)  # in Shanghai


@pytest.fixture
def app() -> Flask:
    app = Flask("lists")
    Babel(app)
    return app


@pytest.fixture
def tx(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        connection.execute(
            insert(Department),
            [{"code": code, "name": f"示范部门{code}", "roles": ["supervising"]} for code in DEPARTMENTS],
        )
        connection.execute(insert(ServiceItem), [{"code": code, "name": f"许可{code}"} for code in ITEMS])
        yield connection
        connection.rollback()


def _filled(tx: Connection, rng: random.Random, mix: tuple[int, ...]) -> tuple[list[Any], list[Any]]:
    """Cases, of which whole batches came in at one moment, and their pushes, some of them made later."""
    party = uuid.UUID(int=rng.getrandbits(128))
    tx.execute(
        insert(Party).values(
            id=party,
            kind="legal",
            name="示范县青禾饮食店",
            code_type="001",
            code_masked="9***",
            code_digest=b"x",
        )
    )
    cases: list[Any] = []
    pushes: list[Any] = []
    for n in range(CASES):
        moment = MIDNIGHT + timedelta(hours=rng.choice((0, 0, 30, 31, 55)), minutes=rng.randrange(3))
        cases.append({"case_no": f"99{n:04d}", "item_code": rng.choice(ITEMS), "created_at": moment})
        for department in DEPARTMENTS[: rng.randint(0, 3)]:
            pushes.append(
                {
                    "id": uuid.UUID(int=rng.getrandbits(128)),
                    "decision_id": uuid.UUID(int=n),
                    "case_no": f"99{n:04d}",
                    "department": department,
                    "event_id": uuid.UUID(int=rng.getrandbits(128)),
                    "package_sha256": bytes(32),
                    "state": rng.choices(STATES, mix)[0],
                    "overdue": rng.random() < 0.1,
                    "unsigned_revision": rng.random() < 0.1,
                    "created_at": moment + timedelta(days=rng.choice((0, 0, 9))),
                }
            )
    same = {
        "name": "n",
        "party_id": party,
        "org_code": "X",
        "org_name": "某机关",
        "area_code": "990101",
        "source": "sheet",
    }
    tx.execute(insert(Case), [{**case, **same} for case in cases])
    tx.execute(insert(Decision), [_decision(n) for n in range(CASES)])
    tx.execute(insert(Push), pushes)
    for case in cases:
        case["revised"] = rng.random() < 0.2
    revised = [case["case_no"] for case in cases if case["revised"]]
    tx.execute(insert(DecisionRevision), [_revision(no, n) for no in revised for n in (2, 3)])
    tx.execute(text("ANALYZE pushes, cases, decisions, decision_revisions"))
    return cases, pushes


def _decision(n: int) -> dict[str, Any]:
    return {
        "id": uuid.UUID(int=n),
        "case_no": f"99{n:04d}",
        "org_code": "X",
        "document_no": f"示许{n}",
        "document_name": "决定书",
        "decided_on": MIDNIGHT.date(),
        "result_type": "0",
        "explanation": "准予",
        "elements": {},
        "content_hash": bytes(32),
        "decided_by": "某机关",
    }


def _revision(case_no: str, number: int) -> dict[str, Any]:
    of = uuid.UUID(int=int(case_no[2:]))
    what = {"kind": "corrected", "reason": "r", "before": {}, "after": {}, "actor": "user:test"}
    return {"decision_id": of, "revision": number, **what}


def _shown(tx: Connection, of: listing.Listing, key: str, *extra: Any) -> tuple[list[Any], int]:
    """What all pages show, one after the other, and what was counted."""
    pages = [listing.open_page(tx, of, *extra)]
    for number in range(2, pages[0].last + 1):
        request.args = MultiDict({**request.args, "page": str(number)})
        pages.append(listing.open_page(tx, of, *extra))
    return [getattr(row, key) for page in pages for row in page.rows], pages[0].count


@pytest.mark.parametrize("mix", MIXES)
def test_a_narrowed_list_of_decisions_is_what_a_plain_look_says(
    tx: Connection, app: Flask, mix: tuple[int, ...]
) -> None:
    """Whatever the states: with every filter, alone and with a search, an item, days and a department's confinement, either
    way up: the pages have each decision once and in order, the count and the export agree."""
    cases, pushes = _filled(tx, random.Random(str(mix)), mix)
    for attention in (*HOLDS, "corrected"):
        for more in (
            {},
            {"sort": "created_at", "dir": "asc"},
            {"q": "99001"},
            {"item": "XK-001"},
            {"from": "2026-03-03", "to": "2026-03-03"},
            {"item": "XK-002", "to": "2026-03-02", "sort": "created_at", "dir": "desc"},
            {"only": "wjj"},
        ):
            only, args = more.get("only"), {key: value for key, value in more.items() if key != "only"}
            told = [case for case in cases if _needs(case, pushes, attention, only) and _fits(case, args)]
            upwards = args.get("dir") == "asc"
            told.sort(key=lambda case: case["case_no"], reverse=True)
            told.sort(key=lambda case: case["created_at"], reverse=not upwards)
            plain = [case["case_no"] for case in told]
            extra = (pushed_to(only),) if only else ()
            with app.test_request_context(f"/?{urlencode({'attention': attention, **args})}"):
                assert _shown(tx, LISTING, "case_no", *extra) == (plain, len(plain)), (attention, more)
                assert [row[5] for row in listing.every_row(tx, LISTING, *extra)][1:] == plain


def _needs(case: Any, pushes: list[Any], attention: str, only: str | None) -> bool:
    mine = [push for push in pushes if push["case_no"] == case["case_no"]]
    if only and not any(push["department"] == only for push in mine):
        return False
    return bool(case["revised"]) if attention == "corrected" else any(HOLDS[attention](push) for push in mine)


def _fits(case: dict[str, Any], args: dict[str, str]) -> bool:
    day = (case["created_at"] + timedelta(hours=8)).date().isoformat()
    return bool(
        case["case_no"].startswith(args.get("q", ""))
        and case["item_code"] == args.get("item", case["item_code"])
        and args.get("from", day) <= day <= args.get("to", day)
    )


@pytest.mark.parametrize("mix", MIXES)
def test_a_narrowed_list_of_pushes_is_what_a_plain_look_says(
    tx: Connection, app: Flask, mix: tuple[int, ...]
) -> None:
    """With every filter, of all departments and of one: each push once, the newest first, and the count agrees."""
    _, pushes = _filled(tx, random.Random(str(mix)), mix)
    for attention, holds in HOLDS.items():
        for department in (None, "wjj"):
            told = [
                push
                for push in pushes
                if holds(push) and push["department"] == (department or push["department"])
            ]
            told.sort(key=lambda push: (push["created_at"], push["id"]), reverse=True)
            said = {
                "attention": "undelivered" if attention == "unsigned" else attention,
                "department": department or "",
            }
            with app.test_request_context(f"/?{urlencode(said)}"):
                shown, count = _shown(tx, PushView.listing, "id")
            assert (shown, count) == ([push["id"] for push in told], len(told)), said
