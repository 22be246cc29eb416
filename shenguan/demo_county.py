"""The rest of the demo's county: seventeen departments that sign by themselves, so that a decision can be watched arriving.

Guarantees: made with a fresh demo area and never again, by the verbs that the pages use. Sixteen are connected by the hub's
host, in its one process; one pulls from the REST door with a key of its own, and has its rule and its program beside it.
"""

from __future__ import annotations

from sqlalchemy import Connection

from hub.connecting.draft_connector import make_connector, save_draft
from hub.connecting.publish_version import publish_version
from hub.connecting.turn_connector import go_live
from hub.joining.change_channel import add_web_department, change_channel
from hub.ports import Desk
from hub.pushing.rules.add_rule import add_rule
from hub.register_department import add_department
from shenguan.demo_county_words import HOSTED, NEIGHBOURS, PULLING, SIGN_DAYS, Neighbour
from shenguan.demo_mappings import connector_code, document_of, title_of
from storage.signing import kid_of

_SUPERVISING = ["supervising"]


def add_county(tx: Connection, desk: Desk, public_pem: str, *, actor: str) -> None:
    """The departments, their connectors and their rules; `public_pem` is the key of the one that pulls."""
    add_department(
        tx,
        code=PULLING.code,
        name=PULLING.name,
        roles=_SUPERVISING,
        uscc=PULLING.uscc,
        public_pem=public_pem,
        kid=kid_of(PULLING.code, public_pem),
        actor=actor,
    )
    change_channel(tx, PULLING.code, "rest", desk, actor=actor, reason="演示：自己的程序经接口拉取")
    for neighbour in HOSTED:
        _join(tx, desk, neighbour, actor=actor)
    for neighbour in NEIGHBOURS:
        items = [f"XK-{number:03d}" for number in neighbour.permits]
        add_rule(
            tx, f"有关许可 → {neighbour.name}", {neighbour.code: SIGN_DAYS}, item_codes=items, actor=actor
        )


def _join(tx: Connection, desk: Desk, neighbour: Neighbour, *, actor: str) -> None:
    """Registered, drafted, published, live: the five steps of the page, less the trying."""
    add_web_department(
        tx,
        desk,
        code=neighbour.code,
        name=neighbour.name,
        roles=_SUPERVISING,
        uscc=neighbour.uscc,
        actor=actor,
    )
    code = connector_code(neighbour)
    make_connector(tx, desk, code=code, department=neighbour.code, title=title_of(neighbour), actor=actor)
    save_draft(tx, desk, code, document_of(neighbour), saves=1, actor=actor)
    version = publish_version(tx, desk, code, note="演示", actor=actor)
    go_live(tx, desk, code, version=version, actor=actor)
