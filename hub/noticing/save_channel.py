"""Save a channel 告警渠道: where alerts go beside the notices; changed, tested and removed by a data administrator.

Guarantees: its settings are judged by the form of its kind; its secrets are sealed, never shown, and stay when nothing is
typed over them and the address is the same; a test goes the same way as an alert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from hub.connecting.keep_secrets import address_of, sealing_of
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.noticing.alert import KINDS
from hub.noticing.alert_channel import AlertChannel, AlertMessage
from hub.ports import Desk
from schemas import canonical, loads
from schemas.connector.document import Endpoint
from schemas.connector.faults import Fault, Faults
from schemas.connector.kinds import secret_faults, secret_names, settings_faults

#: kind of channel -> kind of endpoint
ENDPOINTS = {"mail": "mail", "webhook": "http"}


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as it is filled in. `secrets`: those that were typed now; the others stay. No `kinds`: all alerts."""

    kind: str
    title: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    place: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    kinds: Sequence[str] = ()
    active: bool = True


class BadChannel(Rejected):
    """告警渠道填写有误。请按提示改正。"""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{Faults(faults)}。")
        self.faults = tuple(faults)  # 'title', 'kinds', 'settings.host', 'place.to', 'secrets.password'


def save_channel(
    tx: Connection, desk: Desk, channel: Channel, *, number: int | None = None, actor: str
) -> int:
    """A new channel, or the one of this number as it is from now on. Gives its number."""
    before = _held(tx, number) if number is not None else None
    kept = opened(desk, before) if before is not None and _same_place(before, channel) else {}
    secrets = {**kept, **{name: value for name, value in channel.secrets.items() if value}}
    if faults := _faults(channel, secrets):
        raise BadChannel(faults)
    title = channel.title.strip()
    same = select(AlertChannel.id).where(AlertChannel.title == title, AlertChannel.id != (number or 0))
    if tx.scalar(same) is not None:
        raise Conflict(f"已有名为“{title}”的告警渠道，请换一个名称。")
    values: dict[str, Any] = {
        "kind": channel.kind,
        "title": title,
        "settings": {"settings": dict(channel.settings), "place": dict(channel.place)},
        "kinds": sorted(set(channel.kinds)),
        "active": channel.active,
    }
    if number is None:
        number = int(
            tx.execute(
                insert(AlertChannel).values(created_at=desk.clock(), **values).returning(AlertChannel.id)
            ).scalar_one()
        )
    sealed = sealing_of(desk).seal(canonical(secrets), context=channel_context(number)) if secrets else None
    tx.execute(update(AlertChannel).where(AlertChannel.id == number).values(sealed=sealed, **values))
    detail = {"kind": channel.kind, "title": title, "kinds": values["kinds"], "active": channel.active}
    record(tx, Entry(actor, "alert_channel.saved", f"alert_channel:{number}", detail=detail))
    return number


def remove_channel(tx: Connection, number: int, *, actor: str) -> None:
    """It is told nothing any more, what it is owed included."""
    row = _held(tx, number)
    tx.execute(delete(AlertChannel).where(AlertChannel.id == number))
    record(tx, Entry(actor, "alert_channel.removed", f"alert_channel:{number}", detail={"title": row.title}))


def test_channel(tx: Connection, desk: Desk, number: int, *, actor: str) -> int:
    """Owe it a test message; gives the number of that message, to be watched."""
    _held(tx, number)
    waiting = select(AlertMessage.id).where(
        AlertMessage.channel == number, AlertMessage.what == "test", AlertMessage.sent_at.is_(None)
    )
    tx.execute(delete(AlertMessage).where(AlertMessage.id.in_(waiting)))
    made = insert(AlertMessage).values(channel=number, what="test", next_try_at=desk.clock())
    message = int(tx.execute(made.returning(AlertMessage.id)).scalar_one())
    record(tx, Entry(actor, "alert_channel.tested", f"alert_channel:{number}"))
    return message


def opened(desk: Desk, row: Any) -> dict[str, str]:
    """The secrets of a channel's row. Only for whoever sends."""
    if row.sealed is None:
        return {}
    found: dict[str, str] = loads(sealing_of(desk).open(bytes(row.sealed), context=channel_context(row.id)))
    return found


def channel_context(number: int) -> str:
    """What a channel's secrets are sealed for."""
    return f"alert channel {number}"


def _same_place(before: Any, channel: Channel) -> bool:
    """A secret is for the address that it was given for: another one has it typed again."""
    old, new = address_of(before.settings.get("settings", {})), address_of(channel.settings)
    return (before.kind, old) == (channel.kind, new)


def _faults(channel: Channel, secrets: Mapping[str, str]) -> list[Fault]:
    kind = ENDPOINTS.get(channel.kind)
    if kind is None:
        return [Fault("kind", f"告警渠道应为 {'、'.join(ENDPOINTS)} 之一")]
    found = [] if channel.title.strip() else [Fault("title", "请填写名称")]
    found += [Fault("kinds", f"没有“{one}”这类告警") for one in channel.kinds if one not in KINDS]
    found += settings_faults(kind, "settings", channel.settings, at="settings")
    found += settings_faults(kind, "out", channel.place, at="place")
    known = {name: "sealed" for name in secret_names(kind) if name in secrets}
    return found + secret_faults(Endpoint(channel.title, kind, channel.settings, known), at="secrets")


def _held(tx: Connection, number: int) -> Any:
    row = tx.execute(
        select(*AlertChannel.__table__.columns).where(AlertChannel.id == number).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("没有这个告警渠道，可能已被删除。")
    return row
