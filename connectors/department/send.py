"""From the department's system to the hub: what it reports, supplies, advises, claims, returns and closes, judged before it
leaves.

Guarantees: nothing invalid leaves; the department is told what is wrong in its own row or file. An id depends on what is
said alone, so a crash between sending and noting it makes a duplicate that the hub drops.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connectors.department.adapters.port import Draft, NotYet
from connectors.department.events import Signed, event, finding_id, instant, report_id, sign
from connectors.department.evidence import EvidenceSource
from connectors.department.parts import Parts, publish
from connectors.department.receive import receipt_event
from connectors.department.state import Received
from connectors.errors import BusUnavailable, ConnectorError, Misconfigured
from schemas import MAX_MESSAGE_BYTES, loads, violations
from schemas.drafts.forms import FORMS
from schemas.drafts.unfit import Unfit
from schemas.drafts.written import report_data, said_at

__all__ = ["Sender", "Unfit"]

BATCH = 200
_SHOWN = 8
_log = logging.getLogger(__name__)


class Sender:
    """Sends what the adapter has to say."""

    def __init__(self, parts: Parts, evidence: EvidenceSource) -> None:
        self._parts = parts
        self._evidence = evidence

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
            except (TypeError, ValueError, AttributeError, LookupError) as error:
                # Whatever somebody wrote where something else belongs: one record must not stop all that follow.
                _log.exception("草稿 %s 无法处理", draft.ref)
                self._parts.adapter.refused(
                    draft, f"内容的格式无法处理（{type(error).__name__}），请核对各栏的类型"
                )
            except NotYet as error:  # this one waits for its files; the others need not
                _log.warning("等待：%s", error)
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
        signed = self._report(draft) if draft.kind in FORMS else self._statement(draft)
        if len(signed.value) > MAX_MESSAGE_BYTES:
            raise Unfit(f"内容有 {len(signed.value)} 字节，超过 1 MiB 的上限；文件不放进消息")
        return signed

    def _report(self, draft: Draft) -> Signed:
        kind, document = report_document(
            self._parts.config.code,
            self._parts.config.source,
            draft,
            self._parts.clock(),
            lambda written: self._evidence.named(written, draft),
        )
        return self._checked(kind, document)

    def _statement(self, draft: Draft) -> Signed:
        package = self._package(draft.fields)
        by, reason = _optional(draft.fields.get("by")), _optional(draft.fields.get("reason"))
        if draft.kind == "claimed" and not by:
            raise Unfit("认领须写明认领人 by")
        if draft.kind == "closed" and not by:
            raise Unfit("办结须写明经办人 by")
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
            raise Unfit("这是一条通知，不是推送包，不需要认领、退回或办结")
        return package


def report_document(
    code: str, source: str, draft: Draft, now: datetime, files: Callable[[Any], list[dict[str, Any]]]
) -> tuple[str, dict[str, Any]]:
    """The message of a draft that is no statement about a package: its type, and the event. Raises Unfit."""
    form = FORMS[draft.kind]
    data = report_data(draft.kind, draft.fields)
    subject = data.get(form.subject)
    if not isinstance(subject, str):
        raise Unfit(form.without)
    if "files" in data:
        data["files"] = files(data["files"])
    number = data.get(form.number)
    event_id = (
        finding_id(code, data) if draft.kind == "finding" else report_id(code, draft.kind, number, data)
    )
    # What is said now is said at this moment, unless they wrote another; it is no part of the id.
    if draft.kind in ("withdrawal", "advice"):
        data.setdefault("at", instant(now))
    return form.event_type, event(source, form.event_type, subject, data, event_id=event_id, at=now)


def _optional(value: Any) -> str | None:
    text = str(value).strip() if value is not None else ""
    return text or None
