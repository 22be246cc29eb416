"""Turn a connector 上线、暂停、恢复、停用: the one place where a connector goes from state to state.

Guarantees: under the row's lock, only along TRANSITIONS; at most one connector of a department is live or paused; the
department's channel changes in the same transaction, so that exactly one party signs for it at any time. Nothing is lost
by any of it: what is not signed for waits in the outbox. The same act again changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from hub.connecting.connector import RUNS_AT, STARTS, Connector
from hub.connecting.held import change, document_of, held, reason_of, version_of
from hub.connecting.keep_secrets import forget_secrets, missing_secrets
from hub.connecting.publish_version import supersede
from hub.department import Department
from hub.errors import Conflict, Rejected
from hub.joining.change_channel import change_channel
from hub.ledger import Entry, record
from hub.ports import Desk

#: (state, act) -> state. `rewind` leaves it where it is.
TRANSITIONS = {
    ("draft", "go_live"): "live",
    ("live", "go_live"): "live",
    ("paused", "go_live"): "live",
    ("live", "pause"): "paused",
    ("paused", "resume"): "live",
    ("live", "rewind"): "live",
    ("paused", "rewind"): "paused",
    ("draft", "retire"): "retired",
    ("live", "retire"): "retired",
    ("paused", "retire"): "retired",
}
STATE_NAMES = {"draft": "未上线", "live": "运行中", "paused": "已暂停", "retired": "已停用"}


def open_acts(state: str) -> tuple[str, ...]:
    """What can be done in this state: the buttons of the page."""
    return tuple(act for (at, act) in TRANSITIONS if at == state)


def go_live(
    tx: Connection,
    desk: Desk,
    code: str,
    *,
    version: int,
    start_kind: str = "unsigned",
    start_at: datetime | None = None,
    runs_at: str | None = None,
    actor: str,
) -> None:
    """Run this published version from now on; one that runs already goes on from its place with it.

    `start_kind`: from where a connector that was not live delivers. `runs_at`: 'host' or 'department'; None: as it was.
    """
    row = held(tx, code)
    state = _next(row, "go_live")
    where = runs_at or row.runs_at
    if row.state == "live" and (row.version, row.runs_at) == (version, where):
        return
    _check_version(tx, desk, row, version, where)
    values: dict[str, Any] = {"version": version, "runs_at": where, "paused_why": None, "paused_at": None}
    if row.state == "draft":
        values |= _start(desk, start_kind, start_at) | {"live_since": desk.clock()}
    change(tx, code, state=state, title=document_of(version_of(tx, code, version).document).title, **values)
    supersede(tx, code, version)
    _join(tx, desk, row, where, actor=actor)
    detail = {
        "version": version,
        "before": row.version,
        "runs_at": where,
        "start": [start_kind, start_at and start_at.isoformat()],
    }
    record(tx, Entry(actor, "connector.live", f"connector:{code}", detail=detail))


def pause(tx: Connection, desk: Desk, code: str, *, reason: str, actor: str) -> None:
    """Deliver and collect nothing until it is resumed; what comes waits."""
    given = reason_of(reason)
    if (row := held(tx, code)).state == "paused":
        return
    change(tx, code, state=_next(row, "pause"), paused_why=given, paused_at=desk.clock())
    record(tx, Entry(actor, "connector.paused", f"connector:{code}", reason=given))


def resume(tx: Connection, desk: Desk, code: str, *, reason: str = "", actor: str) -> None:
    """Go on from its place."""
    del desk
    if (row := held(tx, code)).state == "live":
        return
    change(tx, code, state=_next(row, "resume"), paused_why=None, paused_at=None)
    record(tx, Entry(actor, "connector.resumed", f"connector:{code}", reason=reason.strip()[:500] or None))


def rewind(tx: Connection, desk: Desk, code: str, *, to: datetime, reason: str, actor: str) -> None:
    """Deliver again whatever was sent since a moment; the department's system knows the same keys again."""
    given, row = reason_of(reason), held(tx, code)
    _next(row, "rewind")
    if to.tzinfo is None or to >= desk.clock():
        raise Rejected("请选择一个已经过去的时间。")
    if row.rewind_to == to:
        return
    change(tx, code, rewind_to=min(to, row.rewind_to or to), rewind_why=given)
    record(
        tx,
        Entry(actor, "connector.rewound", f"connector:{code}", reason=given, detail={"to": to.isoformat()}),
    )


def retire(tx: Connection, desk: Desk, code: str, *, reason: str, actor: str) -> None:
    """Stop for good; its secrets are forgotten. Whom the hub signed for goes on in the browser: nothing is left unread.

    What it remembered on the host is kept for a while, counted from now (connectors.host.retired).
    """
    given, row = reason_of(reason), held(tx, code)
    if row.state == "retired":
        return
    stands = {"paused_why": given, "paused_at": desk.clock()}
    change(tx, code, state=_next(row, "retire"), rewind_to=None, rewind_why=None, **stands)
    forget_secrets(tx, code)
    hosted = tx.scalar(select(Department.channel).where(Department.code == row.department)) == "hosted"
    if row.state in ("live", "paused") and row.runs_at == "host" and hosted:
        change_channel(tx, row.department, "web", desk, actor=actor, reason=f"连接器停用：{given}")
    record(tx, Entry(actor, "connector.retired", f"connector:{code}", reason=given))


def _next(row: Any, act: str) -> str:
    state = TRANSITIONS.get((row.state, act))
    if state is None:
        raise Conflict(f"连接器现在是“{STATE_NAMES[row.state]}”，不能这样处理。请刷新后再看。")
    return state


def _check_version(tx: Connection, desk: Desk, row: Any, version: int, where: str) -> None:
    if where not in RUNS_AT:
        raise Rejected("运行地点应为 host（中心的连接器主机）或 department（部门）。")
    found = version_of(tx, row.code, version)
    if found.state == "draft":
        raise Rejected("草稿不能上线。请先发布这一版。")
    if found.state == "superseded":
        raise Rejected("这一版已被更新的版本取代。要退回到它，请由它新建草稿并发布。")
    if document_of(found.document).area not in ("", desk.area):
        raise Rejected(f"这一版不属于本区划（{desk.area}）。")
    if where == "host" and (missing := missing_secrets(tx, row.code, found.document, desk)):
        named = "、".join(f"{endpoint} 的 {name}" for endpoint, name in missing)
        raise Rejected(f"还没有填写口令等秘密：{named}。请填写后再上线。")
    # Two connectors of one department wait for each other here, so that the second sees the first.
    tx.execute(select(Department.code).where(Department.code == row.department).with_for_update())
    other = tx.execute(
        select(Connector.code, Connector.title).where(
            Connector.department == row.department,
            Connector.code != row.code,
            Connector.state.in_(("live", "paused")),
        )
    ).first()
    if other is not None:
        raise Conflict(f"该部门的另一个连接器“{other.title}”（{other.code}）还没有停用。请先停用它。")


def _start(desk: Desk, kind: str, at: datetime | None) -> dict[str, Any]:
    if kind not in STARTS:
        raise Rejected("起点应为 unsigned（未签收的）、since（某时以来）或 all（全部）。")
    if (kind == "since") != (at is not None):
        raise Rejected("请选择从什么时间开始，且只在选择“某时以来”时填写。")
    if at is not None and (at.tzinfo is None or at > desk.clock()):
        raise Rejected("开始的时间不能在将来。")
    return {"start_kind": kind, "start_at": at}


def _join(tx: Connection, desk: Desk, row: Any, where: str, *, actor: str) -> None:
    """The department's channel follows where its connector runs."""
    channel = tx.scalar(select(Department.channel).where(Department.code == row.department))
    wanted = "hosted" if where == "host" else channel if channel in ("kafka", "rest") else "rest"
    if channel != wanted:
        change_channel(tx, row.department, str(wanted), desk, actor=actor, reason=f"连接器 {row.code} 上线")
