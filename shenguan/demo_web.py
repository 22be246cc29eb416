"""The demo's department without any system: 示范县消防救援大队, which takes part in the browser.

Guarantees: made with a fresh demo area and never again. Its push rule is a draft: nothing is pushed to it before a data
administrator has tried and published that rule, which is what the demo shows.
"""

from __future__ import annotations

from sqlalchemy import Connection

from hub.joining.change_channel import add_web_department
from hub.ports import Desk
from hub.pushing.rules.draft_rule import draft_rule, save_rule
from shenguan.sample_words import COUNTY, PERMITS, uscc

CODE = "xfjy"
NAME = f"{COUNTY}消防救援大队"
ITEM = "公共场所卫生许可"


def add_demo_web_department(tx: Connection, desk: Desk, *, actor: str) -> None:
    """The department, its key in custody, and the draft of its rule."""
    add_web_department(
        tx,
        desk,
        code=CODE,
        name=NAME,
        roles=["supervising"],
        uscc=uscc("11", "MB000010"),
        actor=actor,
    )
    number = next(at for at, permit in enumerate(PERMITS, 1) if permit.item == ITEM)
    rule = {
        "name": f"{ITEM} → {NAME}",
        "item_codes": [f"XK-{number:03d}"],
        "note": "草稿：试算后发布，消防救援大队就会在网页收件箱里收到这一事项的决定。",
        "departments": [{"department": CODE, "sign_days": "2", "claim_days": "3", "feedback_days": "20"}],
    }
    save_rule(tx, draft_rule(tx, None, actor=actor), rule, actor=actor)
