"""Judge facts: what speaks against one, in a sentence that says what to do; and what later ones may rest on.

A fact that is accepted is told to the story at once: the next of the same batch may correct it, rectify it, or use no number
that it used.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from hub.errors import Rejected
from hub.exchange.arrived import Arrived, Refused
from hub.feedback.grounds import Grounds, Named, number_of
from hub.feedback.kinds import ENFORCEMENT, INSPECTION, OF_TYPE, RECTIFICATION, WITHDRAWAL, Kind
from hub.feedback.money import sums_of
from hub.feedback.story import Fact, Story
from hub.moments import parse_moment

FINDINGS = uuid.UUID("f3b7a5c4-8a0a-5f55-9d5c-5a1c6f0f7e21")
TOLERANCE = timedelta(days=1)  # a department's clock may be ahead, but not by more


def objection(message: Arrived, known: Grounds, now: datetime) -> Refused | None:
    """Why this fact cannot be taken, if so; else the story goes on with it."""
    refused = (
        _wrong_case(message, known)
        or _wrong_data(message, known, now)
        or _wrong_other(message, known)
        or _wrong_files(message, known)
    )
    if refused is None:
        fact, undone = fact_of(message, known, known.judged)
        known.judged.tell(fact, undone)
    return refused


def _wrong_case(message: Arrived, known: Grounds) -> Refused | None:
    case_no = message.data["project_no"]
    if case_no != message.case_no or case_no not in known.cases:
        return message.refuse(
            "unknown_case",
            f"没有办件编号为 {case_no} 的办件",
            "project_no 与消息的 subject 都应为推送包中的办件编号",
        )
    if (case_no, message.department) not in known.pushes:
        return message.refuse(
            "unknown_push", f"办件 {case_no} 没有推送给本部门，不能上报其监管信息", "只上报推送给本部门的办件"
        )
    identifier = message.data.get("certificateIdentifier")
    if identifier and identifier not in {one.identifier for one in known.licences.get(case_no, ())}:
        return message.refuse(
            "unknown_case",
            f"证照 {identifier} 不属于办件 {case_no}",
            "certificateIdentifier 应为推送包中的证照标识",
        )
    return None


def _wrong_data(message: Arrived, known: Grounds, now: datetime) -> Refused | None:
    data, kind, number = message.data, _kind(message), number_of(message)
    if not kind.to_come and parse_moment(data[kind.when]) > now + TOLERANCE:
        return message.refuse(
            "schema", f"{kind.title}日期 {data[kind.when]} 在将来", f"{kind.when} 不晚于今天"
        )
    if (message.department, number) in known.numbers or known.judged.knows(message.department, number):
        return message.refuse(
            "schema", f"监管信息编号 {number} 已经用过", "每条监管信息用新的编号；更正请另报一条"
        )
    to = data.get("transfer_to")
    if to is not None and (to not in known.enforcing or to == message.department):
        return message.refuse(
            "schema", f"{to} 不是可以移交的执法部门", "transfer_to 写另一个在用的执法部门代码，或不写"
        )
    if kind.name == ENFORCEMENT:
        try:
            sums_of(data)
        except Rejected as error:
            return message.refuse("schema", error.message, "fine_fen、confiscated_fen 以分计，*_wan 以万元计")
    return None


def _wrong_other(message: Arrived, known: Grounds) -> Refused | None:
    """The facts it names: of this department, of this case, of a kind that fits, and standing."""
    kind, case_no = _kind(message), message.data["project_no"]
    undoes = message.data.get(kind.undoes)
    if undoes:
        old = known.judged.find(message.department, undoes, case_no)
        if old is None:
            return _unknown(message, undoes)
        if old.standing != "standing":
            done = "更正" if old.standing == "corrected" else "撤销"
            return message.refuse(
                "schema", f"{undoes} 已经被{done}，不能再{_verb(kind)}", "请写现在有效的那一条的编号"
            )
        if kind.name not in (WITHDRAWAL, old.kind) or old.kind == WITHDRAWAL:
            return message.refuse(
                "schema",
                f"{undoes} 不是{kind.title}，不能由它{_verb(kind)}",
                "更正用同一种消息；撤销了的请重新上报",
            )
    about = message.data.get(kind.about) if kind.about else None
    if about:
        of = message.data.get("finding_department") or message.department
        fact = known.judged.find(of, about, case_no)
        if fact is None:
            return _unknown(message, about)
        if fact.kind != INSPECTION and (kind.name, fact.kind) != (ENFORCEMENT, RECTIFICATION):
            return message.refuse("schema", f"{about} 不是一次检查", "finding_no 写所针对的检查的编号")
    return None


def _verb(kind: Kind) -> str:
    return "撤销" if kind.name == WITHDRAWAL else "更正"


def _unknown(message: Arrived, number: str) -> Refused:
    return message.refuse(
        "unknown_finding",
        f"办件 {message.case_no} 还没有编号为 {number} 的监管信息",
        "先上报那一条；收到后本条会自动接收，不必重发",
    )


def _wrong_files(message: Arrived, known: Grounds) -> Refused | None:
    for file in message.data.get("files") or ():
        size = known.files.get((message.department, file["sha256"]))
        if size is None:
            return message.refuse(
                "unknown_evidence",
                f"佐证文件“{file['name'][:60]}”还没有送到（{file['sha256'][:12]}…）",
                "先上传文件，再上报；文件送到后本条会自动接收，不必重发",
            )
        if size != file["size"]:
            return message.refuse(
                "schema", f"佐证文件“{file['name'][:60]}”应为 {size} 字节", "size 写所送文件的字节数"
            )
    return None


def fact_of(message: Arrived, known: Grounds, story: Story) -> tuple[Fact, Fact | None]:
    """The fact as later ones see it, and the one that stands no longer by it."""
    data, kind, department = message.data, _kind(message), message.department
    case_no, number = data["project_no"], number_of(message)
    id_ = _id_of(department, number)
    undone = story.find(department, data[kind.undoes], case_no) if data.get(kind.undoes) else None
    about = about_of(message, story)
    before = about or undone
    licence = licence_of(data, known, before)
    return (
        Fact(
            id_,
            department,
            number,
            kind.name,
            case_no,
            before.chain if before else id_,
            "standing",
            parse_moment(data[kind.when]),
            licence.id if licence else None,
            known.pushes[case_no, department].id,
            kind.handling_of(data),
        ),
        undone,
    )


@lru_cache(maxsize=2048)
def _id_of(department: str, number: str) -> uuid.UUID:
    """Asked for twice for every fact: when it is judged and when it is taken."""
    return uuid.uuid5(FINDINGS, f"{department}|{number}")


def about_of(message: Arrived, story: Story) -> Fact | None:
    """What a rectification, a penalty or a withdrawal is about."""
    kind = _kind(message)
    name = kind.undoes if kind.name == WITHDRAWAL else kind.about
    number = message.data.get(name) if name else None
    of = message.data.get("finding_department") or message.department
    return story.find(of, number, message.data["project_no"]) if number else None


def licence_of(data: Mapping[str, Any], known: Grounds, other: Fact | None) -> Named | None:
    """The licence that is named; else that of the fact this one goes on with; else the case's own."""
    licences = known.licences.get(data["project_no"], ())
    named = data.get("certificateIdentifier")
    if not named and other is not None and other.licence_id is not None:
        return next((one for one in licences if other.licence_id in (one.version_id, one.id)), None)
    return next((one for one in licences if named in (None, "", one.identifier)), None)


def _kind(message: Arrived) -> Kind:
    return OF_TYPE[message.event["type"]]
