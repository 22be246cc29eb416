"""Alerts that leave the house: what a channel is owed reaches a real HTTP system and a real mailbox, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import Engine, delete, insert, select

from connectors.adapters.outside import Outside
from connectors.host.alerting import AlertSender
from hub.noticing.alert_channel import AlertMessage
from hub.noticing.raise_alerts import raise_alerts
from hub.noticing.save_channel import Channel, save_channel
from hub.noticing.save_channel import test_channel as try_channel
from hub.ports import Desk
from hub.program import Program
from storage.kept_secrets import KeptSecrets
from storage.key_encryption import KeyEncryption
from tests.connectors.adapters.http_system import API_KEY, HttpSystem, as_json
from tests.hub.builders import NOW, Clock

ACTOR = "user:data_admin"


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def desk(desk: Desk, clock: Clock) -> Desk:
    return replace(desk, clock=clock, secrets=KeptSecrets(KeyEncryption(bytes(range(32)))))


@pytest.fixture
def sender(engine: Engine, desk: Desk) -> AlertSender:
    return AlertSender(engine, desk, Outside(loopback_allowed=True))


@pytest.fixture
def system() -> Iterator[HttpSystem]:
    made = HttpSystem()
    made.start()
    yield made
    made.stop()


class Mailbox:
    """Keeps what it is handed."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


class AnyPort(Controller):
    """A mail server on a port that the system chose."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    controller = AnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    yield box, controller.port
    controller.stop()


def webhook(system: HttpSystem, **more: Any) -> Channel:
    settings = {"address": system.address, "auth": "api_key", "api_key_header": "X-API-Key"}
    return Channel("webhook", "值班平台", settings, {"path": "/alerts"}, {"api_key": API_KEY}, **more)


def a_silent_program(engine: Engine, desk: Desk, clock: Clock) -> None:
    with engine.begin() as tx:
        tx.execute(
            insert(Program).values(
                name="relay", instance="x", state="running", seen_at=NOW - timedelta(days=1)
            )
        )
        raise_alerts(tx, "program", clock())


def said_of(engine: Engine) -> list[tuple[str, bool, int, str | None]]:
    with engine.connect() as tx:
        query = select(AlertMessage.what, AlertMessage.sent_at, AlertMessage.attempts, AlertMessage.words)
        return [
            (row[0], row[1] is not None, row[2], row[3])
            for row in tx.execute(query.order_by(AlertMessage.id))
        ]


def test_a_webhook_is_told_of_the_beginning_and_the_end(
    engine: Engine, desk: Desk, clock: Clock, sender: AlertSender, system: HttpSystem
) -> None:
    """Raised and cleared each reach it once, with the key of their own; afterwards nothing is owed."""
    system.answers["/alerts"] = lambda _call: as_json({"code": 0})
    with engine.begin() as tx:
        save_channel(tx, desk, webhook(system, kinds=("program",)), actor=ACTOR)
    a_silent_program(engine, desk, clock)
    assert sender.send_due() == 1
    with engine.begin() as tx:
        tx.execute(delete(Program))
        raise_alerts(tx, "program", clock())
    assert sender.send_due() == 1
    assert sender.send_due() == 0

    bodies = [json.loads(call.body) for call in system.calls]
    assert [(one["what"], one["subject"]) for one in bodies] == [
        ("raised", "program:relay"),
        ("cleared", "program:relay"),
    ]
    assert "relay" in bodies[0]["words"]
    assert len({call.headers["idempotency-key"] for call in system.calls}) == 2
    assert [one[:3] for one in said_of(engine)] == [("raised", True, 1), ("cleared", True, 1)]


def test_a_channel_that_fails_waits_and_delays_no_other(
    engine: Engine, desk: Desk, clock: Clock, sender: AlertSender, system: HttpSystem
) -> None:
    """Its cause stands with the message, without the secret; it is tried again later; the other channel has it at once."""
    system.answers["/broken"] = lambda _call: as_json({"msg": f"no {API_KEY}"}, 503)
    system.answers["/alerts"] = lambda _call: as_json({"code": 0})
    broken = replace(webhook(system), title="坏的", place={"path": "/broken"})
    with engine.begin() as tx:
        save_channel(tx, desk, broken, actor=ACTOR)
        save_channel(tx, desk, webhook(system), actor=ACTOR)
    a_silent_program(engine, desk, clock)
    assert sender.send_due() == 2
    assert sender.send_due() == 0
    (first, second) = said_of(engine)
    assert first[:3] == ("raised", False, 1)
    assert first[3]
    assert API_KEY not in first[3]
    assert second == ("raised", True, 1, None)
    system.answers["/broken"] = system.answers["/alerts"]
    clock.advance(seconds=61)
    assert sender.send_due() == 1
    assert said_of(engine)[0] == ("raised", True, 2, None)


def test_addresses_of_this_machine_are_refused_in_words(
    engine: Engine, desk: Desk, clock: Clock, system: HttpSystem
) -> None:
    """A channel reaches no further than a connector: the guard's sentence stands with the message."""
    with engine.begin() as tx:
        try_channel(tx, desk, save_channel(tx, desk, webhook(system), actor=ACTOR), actor=ACTOR)
    AlertSender(engine, desk, Outside()).send_due()

    ((_, sent, _, words),) = said_of(engine)
    assert not sent
    assert "不允许连接" in (words or "")
    assert system.calls == []


def test_a_mail_arrives(
    engine: Engine, desk: Desk, clock: Clock, sender: AlertSender, mailbox: tuple[Mailbox, int]
) -> None:
    """The test message, and an alert in words that a person understands."""
    box, port = mailbox
    settings = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sign_in": False,
        "sender": "hub@example.invalid",
    }
    with engine.begin() as tx:
        number = save_channel(
            tx, desk, Channel("mail", "值班邮箱", settings, {"to": "duty@example.invalid"}), actor=ACTOR
        )
        try_channel(tx, desk, number, actor=ACTOR)
    a_silent_program(engine, desk, clock)
    assert sender.send_due() == 2

    texts = [mail.get_body(("plain", "html")).get_content() for mail in box.mails]
    assert [one[1] for one in said_of(engine)] == [True, True]
    assert "测试" in texts[0]
    assert "程序 relay 没有消息" in texts[1]
    assert box.mails[1]["Subject"] == "审管通告警：程序失去联系（新告警）"
