"""Ask a job 请连接器主机办事: the host tries something with a version while a person waits.

Guarantees: asked twice while the first waits or runs, it is one job; a connector has few of them at a time.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, update

from hub.connecting.connector import JOB_KINDS, ConnectorJob
from hub.connecting.held import held, version_of
from hub.errors import Conflict, NotFound, Rejected
from hub.ledger import Entry, record
from hub.ports import Desk

MOST = 5  # in hand of one connector


def ask_job(
    tx: Connection, desk: Desk, code: str, *, version: int, kind: str, params: Mapping[str, Any], actor: str
) -> uuid.UUID:
    """Ask for it; gives the job's id, to be watched."""
    if kind not in JOB_KINDS:
        raise Rejected(f"没有“{kind}”这种测试。")
    row = held(tx, code)
    if row.state == "retired":
        raise Conflict("连接器已停用，不能再测试。")
    version_of(tx, code, version)
    in_hand = tx.execute(
        select(ConnectorJob.id, ConnectorJob.version, ConnectorJob.kind, ConnectorJob.params).where(
            ConnectorJob.connector == code, ConnectorJob.state.in_(("waiting", "running"))
        )
    ).all()
    wanted = (version, kind, dict(params))
    for job in in_hand:
        if (job.version, job.kind, job.params) == wanted:
            return uuid.UUID(str(job.id))
    if len(in_hand) >= MOST:
        raise Conflict("这个连接器已有几项测试在进行，请等它们结束，或取消其中一项。")
    made = {"connector": code, "version": version, "kind": kind, "params": dict(params), "asked_by": actor}
    job_id: uuid.UUID = tx.execute(
        insert(ConnectorJob).values(asked_at=desk.clock(), **made).returning(ConnectorJob.id)
    ).scalar_one()
    detail = {"job": str(job_id), "kind": kind, "version": version}
    record(tx, Entry(actor, "connector.job_asked", f"connector:{code}", detail=detail))
    return job_id


def cancel_job(tx: Connection, desk: Desk, job: uuid.UUID, *, actor: str) -> None:
    """Nobody waits for it any more; one that is over stays as it is."""
    row = tx.execute(
        select(ConnectorJob.connector, ConnectorJob.state).where(ConnectorJob.id == job).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("没有这项测试。")
    if row.state not in ("waiting", "running"):
        return
    tx.execute(
        update(ConnectorJob)
        .where(ConnectorJob.id == job)
        .values(state="cancelled", finished_at=desk.clock(), words="已取消")
    )
    record(
        tx, Entry(actor, "connector.job_cancelled", f"connector:{row.connector}", detail={"job": str(job)})
    )
