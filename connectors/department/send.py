"""From the department's system to the topic: findings, supplied data, claims and returns, judged before they leave.

Guarantees: nothing invalid leaves; the department is told what is wrong in its own row or file. An id depends on what is
said alone, so a crash between sending and noting it makes a duplicate that the hub drops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from connectors.department.adapters.port import Draft
from connectors.department.drafts import finding_data, said_at, supply_data
from connectors.department.events import Signed, event, finding_id, instant, sign, supply_id
from connectors.department.receive import Parts, publish, receipt_event
from connectors.department.state import Received
from connectors.errors import BusUnavailable, ConnectorError, Misconfigured
from schemas import MAX_MESSAGE_BYTES, loads, violations

BATCH = 200
_SHOWN = 8


class _Report(NamedTuple):
    """How one kind of draft becomes a message."""

    event_type: str
    read: Callable[[Mapping[str, Any]], dict[str, Any]]
    identity: Callable[[str, Mapping[str, Any]], str]
    subject: str
    without_subject: str


_REPORTS: dict[str, _Report] = {
    "finding": _Report(
        "finding.reported.v1",
        finding_data,
        finding_id,
        "project_no",
        "缺少办件编号 project_no，应为推送包中的办件编号",
    ),
    "supply": _Report(
        "material.supplied.v1",
        supply_data,
        supply_id,
        "supply_no",
        "缺少数据编号 supply_no，应为本部门自己的、不重复的编号",
    ),
}


class Unfit(Exception):
    """What the department wrote cannot be sent as it is; the sentence says why."""


class Sender:
    """Sends what the adapter has to say."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def send(self) -> int:
        """One round; returns how many went out."""
        return self._again() + self._fresh()

    def _again(self) -> int:
        """What somebody asked to have said once more; the hub drops what it knows."""
        waiting = self._parts.state.to_say_again(BATCH)
        if not waiting:
            return 0
        topic = self._parts.config.topic_out
        outcomes = publish(self._parts.producer, [signed.record(topic) for signed in waiting])
        safe = [signed for signed, outcome in zip(waiting, outcomes, strict=True) if outcome is None]
        self._parts.state.note_said(safe)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        return len(safe)

    def _fresh(self) -> int:
        ready: list[tuple[Draft, Signed]] = []
        for draft in self._parts.adapter.drafts(BATCH):
            try:
                ready.append((draft, self._signed(draft)))
            except Unfit as error:
                self._parts.adapter.refused(draft, str(error))
        if not ready:
            return 0
        topic = self._parts.config.topic_out
        outcomes = publish(self._parts.producer, [signed.record(topic) for _, signed in ready])
        safe = [one for one, outcome in zip(ready, outcomes, strict=True) if outcome is None]
        if safe:
            self._parts.state.note_said(signed for _, signed in safe)
            self._parts.adapter.sent([(draft, signed.event_id) for draft, signed in safe])
        self._raise_or_refuse(ready, outcomes)
        return len(safe)

    def _raise_or_refuse(
        self, ready: list[tuple[Draft, Signed]], outcomes: list[ConnectorError | None]
    ) -> None:
        waiting: ConnectorError | None = None
        for (draft, _), outcome in zip(ready, outcomes, strict=True):
            if isinstance(outcome, BusUnavailable | Misconfigured):
                waiting = outcome
            elif outcome is not None:
                self._parts.adapter.refused(draft, outcome.message)
        if waiting is not None:
            raise waiting

    def _signed(self, draft: Draft) -> Signed:
        if draft.fault:
            raise Unfit(draft.fault)
        signed = self._report(draft) if draft.kind in _REPORTS else self._statement(draft)
        if len(signed.value) > MAX_MESSAGE_BYTES:
            raise Unfit(f"内容有 {len(signed.value)} 字节，超过 1 MiB 的上限；文件不放进消息")
        return signed

    def _report(self, draft: Draft) -> Signed:
        report = _REPORTS[draft.kind]
        data = report.read(draft.fields)
        subject = data.get(report.subject)
        if not isinstance(subject, str):
            raise Unfit(report.without_subject)
        config = self._parts.config
        document = event(
            config.source,
            report.event_type,
            subject,
            data,
            event_id=report.identity(config.code, data),
            at=self._parts.clock(),
        )
        return self._checked(report.event_type, document)

    def _statement(self, draft: Draft) -> Signed:
        package = self._package(draft.fields)
        by, reason = _optional(draft.fields.get("by")), _optional(draft.fields.get("reason"))
        if draft.kind == "claimed" and not by:
            raise Unfit("认领须写明认领人 by")
        if draft.kind == "returned" and not reason:
            raise Unfit("退回须写明理由 reason")
        written, now = said_at(draft.fields.get("at")), self._parts.clock()
        receipts = [{"kind": draft.kind, "at": written or instant(now), "by": by, "reason": reason}]
        # Only what the department wrote makes the id: our own clock would make a second statement of a second attempt.
        signed = receipt_event(
            self._parts, package, receipts, at=now, identity=(draft.kind, written, by, reason)
        )
        return self._checked("receipt.v1", loads(signed.value))

    def _checked(self, kind: str, document: Mapping[str, Any]) -> Signed:
        found = violations(kind, document)
        if found:
            raise Unfit("；".join(str(one).removeprefix("data.") for one in found[:_SHOWN]))
        return sign(document, self._parts.signer)

    def _package(self, fields: Mapping[str, Any]) -> Received:
        event_id, push_id = _optional(fields.get("event_id")), _optional(fields.get("push_id"))
        if not event_id and not push_id:
            raise Unfit("须写明是哪个推送包：event_id 或 push_id")
        package = self._parts.state.find(event_id=event_id, push_id=push_id)
        if package is None:
            raise Unfit(f"没有收到过推送包 {event_id or push_id}，请核对编号")
        if not package.push_id:
            raise Unfit("这是证照状态变化的通知，不需要认领或退回")
        return package


def _optional(value: Any) -> str | None:
    text = str(value).strip() if value is not None else ""
    return text or None
