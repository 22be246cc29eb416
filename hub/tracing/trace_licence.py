"""The life of a case's licences on a trace: every operation, and what its holder was told."""

from __future__ import annotations

from collections.abc import Iterator

from hub.licensing.licence import Licence
from hub.licensing.living.holder_notice import HolderNotice
from hub.tracing.gathering import Answer, Family, Gathering, columns, mapped
from hub.tracing.phrase import phrase
from hub.tracing.trace_line import TraceLine
from schemas import code_table

LICENCES = (
    f"SELECT {columns(Licence, 'l')} FROM licences l WHERE l.case_no = %(case_no)s ORDER BY l.issued_on, l.id"  # noqa: S608
)
_OPERATIONS = """
SELECT o.at, o.operation, o.from_status, o.to_status, o.reason, o.actor, o.department, o.document_no, l.name, l.number
FROM licence_operations o JOIN licences l ON l.id = o.licence_id WHERE l.case_no = %(case_no)s ORDER BY o.at, o.id
"""
_HOLDERS = f"""
SELECT {columns(HolderNotice, "h")} FROM holder_notices h JOIN licences l ON l.id = h.licence_id
WHERE l.case_no = %(case_no)s AND %(only)s::text IS NULL ORDER BY h.id
"""  # noqa: S608 - our own names; a department is not told what its holders were told
TITLES = {
    "issue": phrase("签发证照"),
    "renew": phrase("延续证照"),
    "change": phrase("变更证照"),
    "replace": phrase("补发证照"),
    "receive": phrase("转入证照"),
    "register": phrase("登记证照"),
    "suspend": phrase("证照冻结（暂扣）"),
    "restore": phrase("证照恢复有效"),
    "expire": phrase("证照到期失效"),
    "supersede": phrase("证照由新版替代"),
    "cancel": phrase("证照注销"),
    "withdraw": phrase("证照撤销"),
    "revoke": phrase("证照吊销"),
    "transfer": phrase("证照办理转出"),
    "other": phrase("证照状态改为其他"),
    "reinstate": phrase("证照恢复（纠错）"),
}
_TONES = {
    "suspend": "alert",
    "revoke": "alert",
    "withdraw": "alert",
    "cancel": "warning",
    "expire": "warning",
}


def _lines(found: Gathering, operations: Answer, holders: Answer) -> Iterator[TraceLine]:
    if found.hides("licence"):
        return
    statuses = code_table("licence_status")
    for at, operation, was, becomes, reason, actor, department, document_no, name, number in operations:
        states = (
            phrase(statuses[was]) if was in statuses else phrase("无"),
            phrase(statuses.get(becomes, becomes)),
        )
        moved = ((phrase("状态"), phrase("%(was)s → %(becomes)s", was=states[0], becomes=states[1])),)
        paper = ((phrase("文书号"), document_no),) if document_no else ()
        yield TraceLine(
            at,
            "licence",
            phrase("%(act)s：%(name)s", act=TITLES[operation], name=name),
            reason,
            _TONES.get(operation, "good"),
            actor,
            department,
            None,
            ((phrase("证照编号"), number), *moved, *paper),
        )
    for row in mapped(HolderNotice, holders):
        title, body = phrase(row["title"]), phrase(row["body"])
        yield TraceLine(row["created_at"], "licence", phrase("提醒持证人：%(title)s", title=title), body)
        if row["told_at"]:
            how = row["told_how"] or ""
            yield TraceLine(
                row["told_at"],
                "licence",
                phrase("已告知持证人：%(title)s", title=title),
                how,
                "good",
                row["told_by"],
            )


FAMILY = Family((_OPERATIONS, _HOLDERS), _lines)
