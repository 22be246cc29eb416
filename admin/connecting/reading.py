"""One connector as its pages need it: the version that is worked on, what is wrong with it, and what was tried.

Guarantees: a department's user reads only connectors of the own department; secrets are told by name, never opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, select

from admin.premises import here, own_department
from hub.connecting.connector import (
    Connector,
    ConnectorHealth,
    ConnectorJob,
    ConnectorRefusal,
    ConnectorVersion,
)
from hub.connecting.keep_secrets import missing_secrets
from hub.department import Department
from hub.errors import NotFound
from schemas.connector.faults import Fault
from schemas.connector.judge import document_faults


@dataclass(frozen=True, slots=True)
class Shown:
    """A connector, and the version that its pages show: the draft where there is one."""

    row: Mapping[str, Any]
    version: Mapping[str, Any]
    versions: Sequence[Mapping[str, Any]]
    document: Mapping[str, Any]
    faults: Sequence[Fault]
    lacking: frozenset[tuple[str, str]]  # secrets to be typed: (endpoint, name)
    health: Mapping[str, Any] | None
    jobs: Sequence[Mapping[str, Any]]  # of this version since it was last saved, the newest first
    refused: int
    endpoints: Sequence[Mapping[str, Any]] = field(default=())
    flows: Sequence[Mapping[str, Any]] = field(default=())

    @property
    def code(self) -> str:
        """The connector's code."""
        return str(self.row["code"])

    @property
    def draft(self) -> bool:
        """Whether the version shown is a draft."""
        return bool(self.version["state"] == "draft")

    def with_document(self, document: Mapping[str, Any]) -> Shown:
        """The same with another document, which is not saved yet."""
        return replace(
            self,
            document=document,
            faults=document_faults(document),
            endpoints=parts(document, "endpoints"),
            flows=parts(document, "flows"),
        )

    def job(self, kind: str, **params: Any) -> Mapping[str, Any] | None:
        """The newest job of a kind with these params."""
        return next(
            (
                one
                for one in self.jobs
                if one["kind"] == kind
                and all(one["params"].get(key) == value for key, value in params.items())
            ),
            None,
        )


def seen() -> tuple[ColumnElement[bool], ...]:
    """A department's user sees the connectors of the own department."""
    own = own_department()
    return () if own is None else (Connector.department == own,)


def parts(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A list of the document; what is no mapping in it is left out."""
    found = document.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def read(tx: Connection, code: str) -> Shown:
    """The connector of this code; NotFound where there is none to see."""
    row = (
        tx.execute(
            select(
                Connector.__table__,
                Department.name.label("department_name"),
                Department.channel.label("channel"),
            )
            .join(Department, Department.code == Connector.department)
            .where(Connector.code == code, *seen())
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound(f"没有代码为 {code} 的连接器。")
    versions = _versions(tx, code)
    version = next((one for one in versions if one["state"] == "draft"), None) or next(
        (one for one in versions if one["version"] == row["version"]), versions[0]
    )
    document = dict(version["document"])
    desk = here().config.desk
    lacking = missing_secrets(tx, code, document, desk if desk.secrets is not None else None)
    health = tx.execute(select(ConnectorHealth.__table__).where(ConnectorHealth.connector == code))
    refused = select(func.count()).where(
        ConnectorRefusal.connector == code, ConnectorRefusal.settled_at.is_(None)
    )
    return Shown(
        row=row,
        version=version,
        versions=versions,
        document=document,
        faults=document_faults(document),
        lacking=frozenset(lacking) if row["runs_at"] == "host" else frozenset(),
        health=health.mappings().one_or_none(),
        jobs=_jobs(tx, code, version),
        refused=tx.scalar(refused) or 0,
        endpoints=parts(document, "endpoints"),
        flows=parts(document, "flows"),
    )


def _versions(tx: Connection, code: str) -> Sequence[RowMapping]:
    """Newest first."""
    found = select(ConnectorVersion.__table__).where(ConnectorVersion.connector == code)
    return tx.execute(found.order_by(ConnectorVersion.version.desc())).mappings().all()


def _jobs(tx: Connection, code: str, version: Mapping[str, Any]) -> Sequence[RowMapping]:
    """What was tried with this version as it is now, newest first."""
    found = select(ConnectorJob.__table__).where(
        ConnectorJob.connector == code,
        ConnectorJob.version == version["version"],
        ConnectorJob.asked_at >= version["saved_at"],
    )
    return tx.execute(found.order_by(ConnectorJob.asked_at.desc()).limit(60)).mappings().all()
