"""Any facts in any order of arrival end the same, and as a reference model says that looks at all of them at once."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import Engine, select

from hub.case import Case
from hub.exchange.arrived import Arrived
from hub.exchange.inbox import Quarantined
from hub.feedback.light import PartyLight
from hub.licensing.licence import Hold, Licence
from hub.ports import Desk
from hub.pushing.push import Push
from storage.signing import Signer
from tests.hub.builders import decided
from tests.hub.fact_builders import a_finding, a_penalty, a_plan, a_rectification, a_withdrawal, take

#: (检查结果, 处理结果) and 整改结果 -> what it says of holding, and its light, as the rules stand at first.
INSPECTED = {
    ("1", "1"): ("lift", "green"),
    ("1", "2"): ("warn", "yellow"),
    ("1", "3"): ("freeze", "red"),
    ("2", "1"): ("lift", "green"),
    ("2", "2"): ("warn", "yellow"),
    ("2", "3"): ("freeze", "yellow"),
    ("3", "1"): ("freeze", "red"),
    ("3", "2"): ("freeze", "red"),
    ("3", "3"): ("freeze", "red"),
}
RECTIFIED = {"1": ("lift", "green"), "2": ("keep", "yellow"), "3": ("freeze", "red")}
LIGHTS = ("green", "yellow", "red")


class Model:
    """All facts at once, each a dictionary; nothing is kept up to date."""

    def __init__(self) -> None:
        self.facts: dict[str, dict[str, Any]] = {}

    def add(self, rng: random.Random, code: str, number: str) -> dict[str, Any]:
        """One more fact of a department, that may go on with or undo an earlier one of its own."""
        mine = [one for one in self.facts.values() if one["by"] == code and not one["undone"]]
        checks = [one for one in mine if one["kind"] == "inspection"]
        kind = rng.choice(["inspection", "inspection", "plan", "rectification", "correction", "withdrawal"])
        kind = "enforcement" if code == "zhzf" and rng.random() < 0.2 else kind
        fact: dict[str, Any] = {"no": number, "by": code, "kind": kind, "undone": False, "head": None}
        fact["at"] = f"2026-09-{rng.randrange(1, 15):02d}"
        if (kind in ("rectification", "correction") and not checks) or (kind == "withdrawal" and not mine):
            fact["kind"] = "inspection"
        if fact["kind"] == "rectification":
            fact |= {"about": rng.choice(checks)["no"], "result": rng.choice("123")}
            fact["head"] = self.root(fact["about"])
        elif fact["kind"] == "correction":
            old = rng.choice(checks)
            old["undone"] = True
            fact |= {"kind": "inspection", "corrects": old["no"], "head": self.root(old["no"])}
        elif fact["kind"] == "withdrawal":
            old = rng.choice([one for one in mine if one["kind"] != "withdrawal"] or [None])
            if old is None:
                fact["kind"] = "inspection"
            else:
                old["undone"] = True
                fact["withdraws"] = old["no"]
        if fact["kind"] == "inspection":
            fact["said"] = rng.choice(list(INSPECTED))
        self.facts[number] = fact
        return fact

    def root(self, number: str) -> str:
        """The first inspection of a chain."""
        while corrects := self.facts[number].get("corrects"):
            number = corrects
        return number

    def standing(self, code: str) -> list[dict[str, Any]]:
        """Inspections of a department that stand, oldest first, each with its rectifications in order."""
        found = []
        for one in self.facts.values():
            if one["by"] == code and one["kind"] == "inspection" and not one["undone"]:
                root = self.root(one["no"])
                after = [
                    other
                    for other in self.facts.values()
                    if other["kind"] == "rectification" and not other["undone"] and other["head"] == root
                ]
                after.sort(key=lambda other: (other["at"], other["no"]))
                found.append({**one, "after": after})
        return sorted(found, key=lambda one: (one["at"], one["no"]))

    def holds(self, code: str) -> bool:
        """Whether the department holds the licence."""
        held = False
        for one in self.standing(code):
            held = INSPECTED[one["said"]][0] == "freeze"
            for other in one["after"]:
                effect = RECTIFIED[other["result"]][0]
                held = held if effect == "keep" else effect == "freeze"
        return held

    def light(self) -> str:
        """The party's light."""
        worst = 0
        for code in ("scjg", "zhzf"):
            if chains := self.standing(code):
                last = chains[-1]
                light = (
                    RECTIFIED[last["after"][-1]["result"]][1] if last["after"] else INSPECTED[last["said"]][1]
                )
                worst = max(worst, LIGHTS.index(light))
            if any(
                one["kind"] == "enforcement" and not one["undone"] and one["by"] == code
                for one in self.facts.values()
            ):
                worst = 2
        return LIGHTS[worst]


def _message(desk: Desk, signers: dict[str, Signer], case_no: str, fact: dict[str, Any]) -> Arrived:
    of = (desk, signers[fact["by"]], case_no, fact["no"])
    if fact["kind"] == "inspection":
        more = {"corrects": fact["corrects"]} if "corrects" in fact else {}
        return a_finding(*of, *fact["said"], at=fact["at"], **more)
    if fact["kind"] == "rectification":
        return a_rectification(*of, fact["about"], fact["result"], at=fact["at"])
    if fact["kind"] == "withdrawal":
        return a_withdrawal(*of, fact["withdraws"], at=fact["at"])
    return a_plan(*of) if fact["kind"] == "plan" else a_penalty(*of, "1", at=fact["at"])


@pytest.mark.parametrize("seed", range(8))
def test_facts_end_the_same_whatever_their_order(
    county: Engine, desk: Desk, signers: dict[str, Signer], seed: int
) -> None:
    """Two cases hear the same story, one in order and one shuffled and in other batches: both end as the model says."""
    rng = random.Random(seed)
    model = Model()
    for number in range(14):
        model.add(rng, rng.choice(["scjg", "zhzf"]), f"N{number:02d}")
    ends = []
    for case, order in zip(decided(county, desk, 2), ("told", "shuffled"), strict=True):
        facts = [_renamed(fact, case.case_no[-1]) for fact in model.facts.values()]
        messages = [_message(desk, signers, case.case_no, fact) for fact in facts]
        if order == "shuffled":
            rng.shuffle(messages)
        while messages:
            size = rng.randrange(1, 6)
            batch, messages = messages[:size], messages[size:]
            take(county, desk, *batch)
        with county.begin() as tx:
            assert set(tx.execute(select(Quarantined.state)).scalars()) <= {"replayed"}
            holders = select(Hold.department).join(Licence, Licence.id == Hold.licence_id)
            mine = Licence.case_no == case.case_no
            ends.append(
                {
                    "status": tx.execute(select(Licence.status).where(mine)).scalar_one(),
                    "holders": set(tx.execute(holders.where(mine, Hold.lifted_at.is_(None))).scalars()),
                    "standing": tx.execute(
                        select(Case.standing).where(Case.case_no == case.case_no)
                    ).scalar_one(),
                    "pushes": tx.execute(
                        select(Push.department, Push.state)
                        .where(Push.case_no == case.case_no)
                        .order_by(Push.department)
                    ).all(),
                    "light": tx.execute(select(PartyLight.light)).scalar_one_or_none() or "green",
                }
            )
    first, second = ends
    assert first["holders"] == {code for code in ("scjg", "zhzf") if model.holds(code)}
    assert first["status"] == ("02" if first["holders"] else "01")
    assert first["light"] == model.light()
    assert second == first


def _renamed(fact: dict[str, Any], suffix: str) -> dict[str, Any]:
    """A department's numbers are its own only once."""
    names = ("no", "about", "corrects", "withdraws")
    return {name: f"{value}-{suffix}" if name in names else value for name, value in fact.items()}
