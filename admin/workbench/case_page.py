"""Everything that the page of one case shows, gathered once for the page and for each part that is asked again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection

from admin.premises import here, may
from admin.workbench import office, wording
from admin.workbench.case_facts import CaseFacts, case_facts
from admin.workbench.lines import Line, counts, lines
from admin.workbench.party_facts import party_facts
from hub.catalogue.published import PublishedItem, item_version
from hub.errors import Conflict, Denied
from hub.pushing.release_push import incomplete
from hub.reuse.consent import WAYS
from hub.reuse.form_sources import PARTY_FIELDS
from hub.reuse.match import Question, match
from hub.reuse.prefill import PrefilledField, prefill
from hub.workday import LOCAL


def case_page(tx: Connection, case_no: str) -> dict[str, Any] | None:
    """The values of the template; None where the case did not come through the window."""
    facts = case_facts(tx, case_no)
    if facts.case["item_version_id"] is None:
        return None
    config = here().config
    today = config.desk.clock().astimezone(LOCAL).date()
    item = item_version(tx, facts.case["item_version_id"])
    found = _lines(tx, facts, item, today)
    sitting = office.seat(tx)
    mine = sitting.office is not None and sitting.office.code == facts.case["department"]
    writable = mine and facts.open
    fields = prefill(tx, case_no, config.desk) if item.form else []
    return {
        "case": facts.case,
        "facts": facts,
        "item": item,
        "lines": found,
        "count": counts(found),
        "fields": fields,
        "known": _known(facts, fields),
        "party": party_facts(tx, facts.case["party_id"], today),
        "seat": sitting,
        "mine": mine,
        "writable": writable,
        "lacks": incomplete(tx, case_no),
        "can_take": writable and may("can_take", "WorkbenchView"),
        "can_follow": mine and facts.case["state"] == "accepted" and may("can_take", "WorkbenchView"),
        "can_accept": writable and may("can_accept", "WorkbenchView"),
        "can_decide": mine and may("can_decide", "DecideView"),
        "consent_needed": any(offer.candidate.consent_needed for line in found for offer in line.offers),
        "ways": WAYS,
        "purpose": gettext("办理“%(item)s”，核验申请材料", item=item.header.get("name", item.item_code))[
            :200
        ],
        "today": today,
        "wording": wording,
    }


def _lines(tx: Connection, facts: CaseFacts, item: PublishedItem, today: Any) -> tuple[Line, ...]:
    question = Question(
        facts.case["party_id"], item.version_id, facts.case["department"], today, facts.case["case_no"]
    )
    return lines(match(tx, question), facts, today)


def _known(facts: CaseFacts, fields: Sequence[PrefilledField]) -> dict[str, str]:
    """What a clerk need not type again beside a file: facts of the party, and what the form says already."""
    case = facts.case
    readable = None if case["kind"] == "natural" else case["code_masked"]
    of_party = {
        "name": case["party_name"],
        "code": readable,
        "legal_representative": case["legal_representative"],
    }
    found = {name: of_party[fact] or "" for fact, names in PARTY_FIELDS.items() for name in names}
    return found | {one.name: one.value_raw for one in fields if one.value_raw}


def my_case(tx: Connection, case_no: str) -> CaseFacts:
    """The case, where this clerk may work on it. Raises Denied or Conflict with what to do instead."""
    facts = case_facts(tx, case_no)
    working_for = office.my_office(tx)
    if facts.case["department"] != working_for.code:
        whose = facts.case["department_name"] or gettext("其他部门")
        sentence = gettext(
            "这个办件由%(whose)s办理，您在为%(mine)s受理。请交由对方窗口办理。",
            whose=whose,
            mine=working_for.name,
        )
        raise Denied(sentence)
    if facts.case["decided_on"] is not None:
        raise Conflict(gettext("这个办件已经作出决定，不能再改。"))
    return facts
