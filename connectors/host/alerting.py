"""Alerting 告警外发: sends what alert channels are owed, by the same adapters that carry records to departments.

Guarantees: a message is marked sent in the transaction that holds it, after the other side took it: a crash in between
sends it twice, never not at all (webhooks see the same Idempotency-Key). Several senders share the work. A channel that
fails waits ever longer and delays no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, select

from connectors.adapters import open_adapter
from connectors.adapters.outside import Outside
from connectors.adapters.port import Outgoing
from connectors.errors import ConnectorError
from hub.errors import HubError
from hub.noticing.alert_channel import AlertChannel
from hub.noticing.owe_messages import due_messages, note_failed, note_sent
from hub.noticing.raise_alerts import TITLES
from hub.noticing.save_channel import ENDPOINTS, opened
from hub.ports import Desk
from hub.workday import LOCAL
from schemas.connector.document import Endpoint, Flow

MOST = 20  # in one round
_WHAT = {"raised": "新告警", "cleared": "已恢复", "test": "测试"}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class AlertSender:
    """Sends. `outside`: which addresses may be reached; secrets are put in for each channel."""

    engine: Engine
    desk: Desk
    outside: Outside

    def send_due(self) -> int:
        """One round: whatever is due, each in a transaction of its own. Gives how many were tried."""
        for tried in range(MOST):
            with self.engine.begin() as tx:
                if not (found := due_messages(tx, self.desk.clock(), 1)):
                    return tried
                self._send(tx, found[0])
        return MOST

    def _send(self, tx: Connection, message: Any) -> None:
        try:
            words = self._deliver(tx, message)
        except (ConnectorError, HubError) as error:
            words = error.message
        except Exception as error:  # what an adapter did not foresee must not stop the others
            words = f"发送失败（{type(error).__name__}），请查看日志。"
            _log.exception("alerting.failed", message=message.id)
        now = self.desk.clock()
        if words:
            note_failed(tx, message.id, message.attempts, words, now)
            _log.warning("alerting.waits", message=message.id, channel=message.channel, words=words)
        else:
            note_sent(tx, message.id, now)

    def _deliver(self, tx: Connection, message: Any) -> str:
        """Hand it over; why it was not taken, or nothing."""
        channel = tx.execute(
            select(*AlertChannel.__table__.columns).where(AlertChannel.id == message.channel)
        ).one()
        kind, filled = ENDPOINTS[channel.kind], channel.settings
        endpoint = Endpoint(channel.title, kind, filled.get("settings", {}))
        place = dict(filled.get("place", {}))
        if kind == "mail":  # what it is about, at first sight
            place["subject"] = f"审管通告警：{_title(message)}（{_WHAT[message.what]}）"
        flow = Flow("alerts", "out", "alert", channel.title, place=place)
        outside = replace(self.outside, secrets=opened(self.desk, channel))
        outgoing = Outgoing(f"alert-{message.id}", message.subject or "test", self._record(message, kind))
        with closing(open_adapter(endpoint, flow, outside)) as adapter:
            (refusal,) = adapter.deliver([outgoing])
        return "" if refusal is None else refusal.words

    def _record(self, message: Any, kind: str) -> Mapping[str, Any]:
        title = _title(message)
        words = message.words or "这是一条测试消息。收到它，说明本渠道可以送达告警。"
        if kind == "mail":
            return {
                "状态": _WHAT[message.what],
                "告警": title,
                "情况": words,
                "开始": _local(message.since),
                "恢复": _local(message.cleared_at) if message.what == "cleared" else "",
                "区划": self.desk.area,
            }
        return {
            "what": message.what,
            "kind": message.kind,
            "subject": message.subject,
            "title": title,
            "words": words,
            "since": _iso(message.since),
            "raised_at": _iso(message.raised_at),
            "cleared_at": _iso(message.cleared_at),
            "area": self.desk.area,
        }


def _title(message: Any) -> str:
    return TITLES[message.kind][0] if message.kind else "告警渠道测试"


def _local(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(LOCAL):%Y-%m-%d %H:%M}"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
