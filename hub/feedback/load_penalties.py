"""Load penalties: rows of a 双公示 行政处罚 sheet become enforcement results on the cases they are about.

Guarantees: a row finds its case by the licence it names, else by its party and, where there are several, the item; only
among cases that were pushed to the department. What fits none, or several, is listed and never guessed. Each row is stated
in the department's name with its custodial key, in a transaction of its own: a bad one keeps no other from being taken, and
the same sheet twice changes nothing. A department that keeps its own key sends its own messages.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, exists, select

from hub.department import source_of
from hub.errors import HubError
from hub.exchange.inbox import InboxRow
from hub.feedback.masking import without_numbers
from hub.identifiers import citizen_number_fault
from hub.joining.custodial_key import signer_for
from hub.joining.speak_for import Statement, speak_for, statement_id
from hub.ledger import Entry, record
from hub.ports import Desk
from hub.round_trips import ask
from hub.sheets.penalty_sheet import PenaltyRow, find_penalty_header, read_penalty
from hub.sheets.sheet import Refusal
from hub.sheets.sheet_header import HEADER_ROWS
from hub.workday import LOCAL

MOST = 5000  # rows of one sheet


@dataclass(slots=True)
class PenaltyReport:
    """What became of the rows."""

    accepted: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)
    unmatched: list[Refusal] = field(default_factory=list)


class _Candidate(NamedTuple):
    case_no: str
    identifier: str | None
    item_code: str
    item_name: str
    by_licence: bool


_CANDIDATES = """
SELECT DISTINCT c.case_no, l.identifier, c.item_code, s.name, l.number IS NOT NULL AND (
    l.number = %(licence)s OR length(l.number) >= 6 AND strpos(%(text)s, l.number) > 0) AS by_licence
FROM parties p JOIN cases c ON c.party_id = p.id JOIN service_items s ON s.code = c.item_code
JOIN pushes u ON u.case_no = c.case_no AND u.department = %(department)s AND u.state <> 'held'
LEFT JOIN licences l ON l.case_no = c.case_no
WHERE p.code_digest = %(digest)s
"""


def load_penalties(
    engine: Engine, rows: Iterable[tuple[int, Sequence[str]]], department: str, desk: Desk, *, actor: str
) -> PenaltyReport:
    """Raises Rejected where there is no header, Conflict where the hub does not keep the department's key."""
    iterator = iter(rows)
    first = list(islice(iterator, HEADER_ROWS))
    header = find_penalty_header(first)
    with engine.begin() as tx:
        signer_for(tx, department, desk)
    report = PenaltyReport()
    today = desk.clock().astimezone(LOCAL).date()
    body = chain((row for row in first if row[0] > header.row), iterator)
    for number, cells in islice(body, MOST):
        row = read_penalty(header, cells, number, today=today)
        if isinstance(row, list):
            report.refused += row
        else:
            _load(engine, row, department, desk, actor, report)
    with engine.begin() as tx:
        detail = {
            "accepted": report.accepted,
            "unchanged": report.unchanged,
            "refused": len({one.row for one in report.refused}),
            "unmatched": len(report.unmatched),
        }
        record(tx, Entry(actor, "penalties.loaded", f"department:{department}", detail=detail))
    return report


def _load(
    engine: Engine, row: PenaltyRow, department: str, desk: Desk, actor: str, report: PenaltyReport
) -> None:
    try:
        with engine.begin() as tx:
            found = _match(tx, row, department, desk)
            if isinstance(found, Refusal):
                report.unmatched.append(found)
                return
            data = _data(row, found)
            event_id = statement_id("penalty", department, data)
            known = exists().where(
                InboxRow.source == source_of(desk.area, department), InboxRow.event_id == str(event_id)
            )
            if tx.execute(select(known)).scalar_one():
                report.unchanged += 1
                return
            _say(tx, department, found, data, event_id, desk, actor)
        report.accepted += 1
    except HubError as error:
        report.refused.append(Refusal(row.row, "整行", error.message, "改正后重新上传本表，已收的行不会重复"))


def _say(
    tx: Connection,
    department: str,
    found: _Candidate,
    data: dict[str, Any],
    event_id: uuid.UUID,
    desk: Desk,
    actor: str,
) -> None:
    statement = Statement("enforcement.decided.v1", found.case_no, data, event_id)
    speak_for(tx, department, [statement], desk, actor=actor)


def _match(tx: Connection, row: PenaltyRow, department: str, desk: Desk) -> _Candidate | Refusal:
    """The one case that this row is about."""
    code = row.party_code
    if not code:
        return Refusal(
            row.row, "行政相对人", "没有统一社会信用代码或证件号码，无法找到办件", "请填写相对人代码"
        )
    kind = "111" if citizen_number_fault(code) is None else "001"
    licence = row.values.get("revoke_licence_code", "")
    of = {
        "digest": desk.identities.digest(kind, code),
        "department": department,
        "licence": licence,
        "text": f"{row.values.get('CF_NR_ZKDX', '')} {row.values['CF_NR']}",
    }
    (rows,) = ask(tx, (_CANDIDATES, of))
    candidates = [_Candidate(*one) for one in rows]
    named = [one for one in candidates if one.by_licence]
    item = {row.values.get("supervise_item_code"), row.values.get("supervise_item_name")} - {None}
    of_item = [one for one in candidates if {one.item_code, one.item_name} & item]
    for some in (named, of_item if len(candidates) > 1 else [], candidates):
        cases = {one.case_no for one in some}
        if len(cases) == 1:
            return some[0]
        if cases:
            listed = "、".join(sorted(cases)[:5])
            return Refusal(
                row.row,
                "行政相对人",
                f"该相对人有 {len(cases)} 个办件，无法确定是哪一个：{listed}",
                "在“暂扣或吊销证照名称及编号”写明证照编号，或在网页收件箱逐件填报",
            )
    return Refusal(
        row.row,
        "行政相对人",
        f"没有推送给本部门的“{row.party_name}”的办件",
        "核对相对人代码；没有办件的处罚不必导入",
    )


def _data(row: PenaltyRow, found: _Candidate) -> dict[str, Any]:
    """The message; what the row does not say is left out."""
    values = row.values
    data = {
        "fact_no": f"CF-{row.document_no}"[:64],
        "project_no": found.case_no,
        "certificateIdentifier": found.identifier if found.by_licence else None,
        "decided_on": row.decided_on.isoformat(),
        "result": row.result,
        "punish_types": list(row.punish_types) or None,
        "document_no": row.document_no,
        "illegal_fact": values["CF_SY"][:5000],
        "basis": values["CF_YJ"][:2000],
        "content": values["CF_NR"][:4000],
        "fine_fen": row.fine_fen,
        "confiscated_fen": row.confiscated_fen,
        "publicity": "external",
        "publish_until": row.publish_until.isoformat() if row.publish_until else None,
        "columns": without_numbers(row.columns),
    }
    return {name: value for name, value in data.items() if value is not None}
