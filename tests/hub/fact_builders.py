"""Facts of every kind for tests, as departments send them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine

from hub.exchange.arrived import Arrived
from hub.exchange.take_in import TakenIn, take_in
from hub.ports import Desk
from storage.signing import Signer
from tests.hub.builders import a_finding, message


def a_plan(desk: Desk, signer: Signer, case_no: str, number: str, **more: Any) -> Arrived:
    """A plan."""
    data = {"fact_no": number, "project_no": case_no, "plan_name": "日常检查", "from": "2026-12-01", **more}
    return message(desk, signer, "supervision.planned.v1", case_no, data)


def a_rectification(
    desk: Desk,
    signer: Signer,
    case_no: str,
    number: str,
    about: str,
    result: str,
    *,
    at: str = "2026-09-17",
    **more: Any,
) -> Arrived:
    """A rectification of an inspection."""
    data = {
        "fact_no": number,
        "project_no": case_no,
        "finding_no": about,
        "round": 1,
        "checked_at": at,
        "result": result,
        **more,
    }
    return message(desk, signer, "rectification.reported.v1", case_no, data)


def a_penalty(
    desk: Desk,
    signer: Signer,
    case_no: str,
    number: str,
    result: str = "1",
    *,
    at: str = "2026-09-17",
    **more: Any,
) -> Arrived:
    """An enforcement result."""
    data = {
        "fact_no": number,
        "project_no": case_no,
        "decided_on": at,
        "result": result,
        "document_no": f"示综执罚〔2026〕{number}号",
        **more,
    }
    return message(desk, signer, "enforcement.decided.v1", case_no, data)


def a_credit(
    desk: Desk, signer: Signer, case_no: str, number: str, kind: str, *, at: str = "2026-09-17", **more: Any
) -> Arrived:
    """A credit entry."""
    data = {"fact_no": number, "project_no": case_no, "kind": kind, "recorded_on": at, **more}
    return message(desk, signer, "credit.recorded.v1", case_no, data)


def a_withdrawal(
    desk: Desk, signer: Signer, case_no: str, number: str, withdraws: str, *, at: str = "2026-09-17"
) -> Arrived:
    """A withdrawal of an earlier fact."""
    data = {
        "fact_no": number,
        "project_no": case_no,
        "withdraws": withdraws,
        "at": at,
        "reason": "检查对象有误",
    }
    return message(desk, signer, "finding.withdrawn.v1", case_no, data)


def take(engine: Engine, desk: Desk, *messages: Arrived) -> TakenIn:
    """Take them in, in one transaction."""
    with engine.begin() as tx:
        return take_in(tx, messages, [], desk)


def take_each(engine: Engine, desk: Desk, messages: Sequence[Arrived]) -> list[TakenIn]:
    """Take them in one by one."""
    return [take(engine, desk, one) for one in messages]


__all__ = [
    "a_credit",
    "a_finding",
    "a_penalty",
    "a_plan",
    "a_rectification",
    "a_withdrawal",
    "take",
    "take_each",
]
