"""What may be done to a licence now: the table of its life, cut down by whose it is, who asks and who holds it.

Guarantees: an act that is offered here may still be refused by the use case, one that is not offered always is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import gettext

from admin.cells import word_text
from admin.premises import may
from hub.licensing.licence import FROZEN, VALID
from hub.licensing.life import allowed

if TYPE_CHECKING:
    from admin.licensing.licence_show import LicenceShow

#: In the order of their buttons. What the scheduler or a new version does by itself has none.
STEPS = ("restore", "suspend", "cancel", "transfer", "withdraw", "revoke", "other", "reinstate")
NEXT_VERSIONS = ("renew", "change", "replace")
GRAVE = frozenset({"cancel", "withdraw", "revoke", "other"})
#: What undoes what, where the table allows it.
UNDONE_BY = {
    "suspend": "restore",
    **dict.fromkeys(("cancel", "withdraw", "revoke", "transfer", "other"), "reinstate"),
}


@dataclass(frozen=True, slots=True)
class Act:
    """A button."""

    operation: str
    label: str
    href: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Acts:
    """The buttons, and why there are none for a new version."""

    versions: tuple[Act, ...] = ()
    steps: tuple[Act, ...] = ()
    undo: Act | None = None
    why_no_version: str = ""


def possible_acts(found: LicenceShow, department: str | None) -> Acts:
    """For the signed-in user, who acts for this department; None: for none that may."""
    if department is None:
        return Acts()
    steps = _steps(found, department) if may("can_change", "LicenceLifeView") else ()
    versions, why = _versions(found) if may("can_issue", "LicenceIssueView") else ((), "")
    last = found.last
    wanted = UNDONE_BY.get(last["operation"]) if last else None
    undo = next((act for act in steps if act.operation == wanted), None)
    return Acts(versions, tuple(act for act in steps if act is not undo), undo, why)


def _steps(found: LicenceShow, department: str) -> tuple[Act, ...]:
    licence = found.licence
    open_to = set(allowed(licence["status"]))
    holds = department in {hold["department"] for hold in found.open_holds}
    if licence["status"] == FROZEN:  # a department holds once, and lifts only its own hold
        open_to = (open_to - {"restore"}) | {"restore" if holds else "suspend"}
    return tuple(
        Act(
            operation,
            word_text("licence_operation", operation),
            url_for("LicenceLifeView.act", licence=licence["id"], operation=operation),
            "danger" if operation in GRAVE else "",
        )
        for operation in STEPS
        if operation in open_to
    )


def _versions(found: LicenceShow) -> tuple[tuple[Act, ...], str]:
    licence = found.licence
    if licence["next_id"] is not None:
        return (), gettext("已经有新版本，请在新版本上办理。")
    if licence["status"] == FROZEN:
        return (), frozen_sentence(found)
    if licence["status"] != VALID or licence["published"] is None:
        return (), ""
    made = tuple(
        Act(
            operation,
            word_text("licence_operation", operation),
            url_for("LicenceIssueView.next_version", licence=licence["id"], operation=operation),
        )
        for operation in NEXT_VERSIONS
    )
    return made, ""


def frozen_sentence(found: LicenceShow) -> str:
    """Who freezes it and since when."""
    said = [
        gettext("%(name)s（%(day)s 起）", name=hold["name"], day=hold["placed_at"].date().isoformat())
        for hold in found.open_holds
    ]
    return gettext("暂扣中，不能延续、变更或补发：%(who)s。解除暂扣后可以办理。", who="、".join(said))
