"""Announcements on a trace: what each department was told beside its push, and when it had it; messages nobody speaks of."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from typing import Any

from hub.exchange.announcement import Announcement
from hub.tracing.gathering import Answer, Family, Gathering, Incoming, columns, mapped
from hub.tracing.phrase import phrase
from hub.tracing.trace_line import Signed, TraceLine
from schemas import loads

_TOLD = f"""
SELECT {columns(Announcement, "a")} FROM announcements a
WHERE a.case_no = %(case_no)s AND (%(only)s::text IS NULL OR a.department = %(only)s)
ORDER BY a.created_at, a.department, a.event_id
"""  # noqa: S608
_TITLES = {
    "licence.changed.v1": phrase("告知证照变化"),
    "approval.corrected.v1": phrase("告知决定更正"),
    "approval.withdrawn.v1": phrase("告知决定撤回"),
    "finding.forwarded.v1": phrase("转达监管信息"),
    "advice.forwarded.v1": phrase("转达协调建议"),
    "count.asked.v1": phrase("询问计数"),
}


def _lines(found: Gathering, told: Answer) -> Iterator[TraceLine]:
    rows = mapped(Announcement, told)
    answers = _answers(found, {row["event_id"] for row in rows})
    for row in rows:
        name, title, department = found.name(row["department"]), _TITLES[row["kind"]], row["department"]
        signed = found.outgoing(row["event_id"], row["message_sha256"])
        more = (
            (phrase("消息"), str(row["event_id"])),
            (phrase("消息摘要"), bytes(row["message_sha256"]).hex()),
        )
        yield TraceLine(
            row["created_at"],
            "told",
            phrase("%(title)s：%(name)s", title=title, name=name),
            "",
            "plain",
            None,
            department,
            signed,
            more,
        )
        sent = found.sent.get(row["event_id"])
        if sent and sent.published_at:
            yield TraceLine(
                sent.published_at,
                "told",
                phrase("已发出（%(title)s）：%(name)s", title=title, name=name),
                department=department,
            )
        for kind, said in (("arrived", phrase("到达")), ("signed", phrase("签收"))):
            if row[f"{kind}_at"]:
                receipt = answers.get((row["event_id"], kind))
                yield TraceLine(
                    row[f"{kind}_at"],
                    "told",
                    phrase("%(said)s（%(title)s）：%(name)s", said=said, title=title, name=name),
                    "",
                    "good",
                    None,
                    department,
                    receipt,
                )


def _answers(found: Gathering, told: Collection[uuid.UUID]) -> dict[tuple[uuid.UUID, str], Signed]:
    """Receipts for announcements, by what they speak of; the first of each. Those for pushes stand in a table of theirs."""
    known: dict[tuple[uuid.UUID, str], Signed] = {}
    for row in found.taken.values():
        if row.value is None:
            continue
        for about, kind in _spoken_of(row):
            if about not in told:
                continue
            known.setdefault((about, kind), found.incoming(row.kid, row.sha256))
    return known


def _spoken_of(row: Incoming) -> Iterator[tuple[uuid.UUID, str]]:
    """What a receipt says of what; nothing where its bytes are no longer what was taken."""
    assert row.value is not None
    try:
        data: dict[str, Any] = loads(bytes(row.value))["data"]
        about = uuid.UUID(data["event_id"])
        for receipt in data["receipts"]:
            yield about, receipt["kind"]
    except (ValueError, KeyError, TypeError):
        return


def left_over(found: Gathering) -> Iterator[TraceLine]:
    """Messages of the case that no line stands for: their bytes are not those that were taken, or a fact is missing."""
    for digest, row in found.taken.items():
        if digest not in found.spoken_of:
            department = row.source.rpartition("/")[2]
            yield TraceLine(
                row.received_at,
                "exchange",
                phrase("收到的消息没有对应的记录：%(name)s", name=found.name(department)),
                phrase(
                    "%(type)s %(id)s：留存的原文与登记的摘要不符，或其内容未被登记，请查验签名",
                    type=row.event_type,
                    id=str(row.event_id),
                ),
                "alert",
                None,
                department,
                Signed(row.kid, digest, "inbox", f"{row.source}|{row.event_id}"),
            )


FAMILY = Family((_TOLD,), _lines)
