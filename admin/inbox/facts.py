"""What is known around a push when something is reported on it: what its department said so far, and what may be chosen."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, any_, literal, select, text

from admin import cells
from admin.inbox.acts import ACTS, Act
from admin.inbox.own import Mine
from hub.department import Department
from hub.errors import NotFound
from hub.feedback.finding import Finding
from hub.pushing.push import Push
from schemas import loads

KIND_TITLES = {act.kind: act.title for act in ACTS.values()}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A push of the user's department, with what was said of it."""

    push: Any
    findings: Sequence[Any]  # of this department on this case, the newest first

    def standing(self, *kinds: str) -> list[Any]:
        """What still stands of these kinds."""
        return [one for one in self.findings if one.standing == "standing" and one.kind in kinds]


def surroundings(tx: Connection, push_id: uuid.UUID, own: Mine) -> Surroundings:
    """Raises NotFound where the push is another department's, or not there yet."""
    push = tx.execute(
        select(Push.__table__).where(Push.id == push_id, Push.department == own.code, Push.state != "held")
    ).one_or_none()
    if push is None:
        raise NotFound(gettext("收件箱里没有这个推送包，或者它不是推送给本部门的。"))
    findings = tx.execute(
        select(Finding.__table__)
        .where(Finding.case_no == push.case_no, Finding.department == own.code)
        .order_by(Finding.received_at.desc(), Finding.finding_no.desc())
    ).all()
    return Surroundings(push, findings)


def choices(tx: Connection, act: Act, around: Surroundings, own: Mine) -> dict[str, list[tuple[str, str]]]:
    """What the boxes of this act offer beside code tables."""
    offered: dict[str, list[tuple[str, str]]] = {}
    names = {box.name for box in act.boxes}
    if "transfer_to" in names:
        rows = tx.execute(
            select(Department.code, Department.name)
            .where(
                Department.active, Department.code != own.code, literal("enforcing") == any_(Department.roles)
            )
            .order_by(Department.name)
        )
        offered["transfer_to"] = [(row.code, row.name) for row in rows]
    if "plan_no" in names:
        offered["plan_no"] = [(one.finding_no, _told(one)) for one in around.standing("plan")]
    if act.key == "rectification":
        asked = [one for one in around.standing("inspection") if one.handling == "2"]
        offered["finding_no"] = [(one.finding_no, _told(one)) for one in asked]
    if act.key == "enforcement":
        offered["finding_no"] = [(one.finding_no, _told(one)) for one in around.standing("inspection")]
        offered["finding_no"] += _handed_over(tx, around.push, own)
    if act.key == "withdrawal":
        kinds = ("plan", "inspection", "rectification", "enforcement", "credit")
        offered["withdraws"] = [(one.finding_no, _told(one)) for one in around.standing(*kinds)]
    return offered


def _told(finding: Any) -> str:
    return (
        f"{finding.finding_no} · {KIND_TITLES[finding.kind]} · {cells.local(finding.happened_at, '%Y-%m-%d')}"
    )


_HANDED = text("""
SELECT f.department, f.finding_no, f.happened_at, d.name FROM announcements a
JOIN findings f ON f.id = a.finding_id JOIN departments d ON d.code = f.department
WHERE a.department = :department AND a.case_no = :case_no AND f.standing = 'standing' AND f.kind = 'inspection'
ORDER BY f.happened_at DESC
""")


def _handed_over(tx: Connection, push: Any, own: Mine) -> list[tuple[str, str]]:
    """Inspections of other departments that were passed on to this one, as `department/number`."""
    rows = tx.execute(_HANDED, {"department": own.code, "case_no": push.case_no})
    return [
        (
            f"{row.department}/{row.finding_no}",
            f"{row.name} {row.finding_no} · {cells.local(row.happened_at, '%Y-%m-%d')}",
        )
        for row in rows
    ]


def next_round(around: Surroundings, finding_no: str | None) -> int:
    """Which rectification of this inspection comes now."""
    about = {one.id for one in around.findings if finding_no in (None, one.finding_no)}
    rounds = [one.round or 0 for one in around.standing("rectification") if one.about_id in about]
    return max(rounds, default=0) + 1


def said_before(tx: Connection, finding: Any) -> Mapping[str, Any]:
    """The data of the message of a finding, as its department signed it. Raises NotFound."""
    value = tx.execute(
        text("SELECT value FROM inbox WHERE case_no = :case_no AND sha256(value) = :sha256"),
        {"case_no": finding.case_no, "sha256": bytes(finding.envelope_sha256)},
    ).scalar()
    if value is None:
        raise NotFound(gettext("找不到原来那条的内容，请联系数据管理员。"))
    data: Mapping[str, Any] = loads(bytes(value))["data"]
    return data
