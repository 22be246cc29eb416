"""The mapping page of one flow: source and target fields side by side, rules, a live preview, proposals, coverage.

Guarantees: nothing counts before it is saved, and nothing saved runs before it is published; a save that somebody else's
came before is refused in words, and the page keeps what was done on it.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from flask import Response, request
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import select

from admin.connecting.mapping import samples
from admin.connecting.mapping.drafts import Opened, opened, save
from admin.connecting.mapping.offered import editor_options
from admin.connecting.mapping.own_columns import job_columns, read_file
from admin.connecting.mapping.said import (
    answer,
    flow_said,
    flow_value,
    for_script,
    rule_told,
    sent,
    stamps_said,
    table_values,
    tables_said,
)
from admin.connecting.mapping.tried import tried
from admin.connecting.reading import read
from admin.connecting.rights import CONNECTOR_RIGHTS
from admin.connecting.steps import steps_of
from admin.connecting.titles import message_title
from admin.pages import Screen
from admin.premises import actor, here, may
from hub.connecting.ask_job import ask_job
from hub.connecting.connector import ConnectorJob
from hub.errors import NotFound, Rejected
from schemas.mapping import FieldInfo, source_fields, target_fields
from schemas.mapping.coverage import coverage
from schemas.mapping.suggest import suggest

_FLOW = "/<code>/flows/<flow>/mapping"


class ConnectorMappingView(Screen):
    """字段映射."""

    route_base = "/connectors"
    default_view = "edit"
    class_permission_name = "ConnectorView"
    base_permissions: ClassVar = list(CONNECTOR_RIGHTS)

    @expose(_FLOW)
    @has_access
    @permission_name("show")
    def edit(self, code: str, flow: str) -> str:
        """The page."""
        with here().engine.connect() as tx:
            open_ = opened(tx, code)
            told = open_.flow(flow)
            sent_there = samples.sent_messages(tx, open_, told["message"]) if self._sees_data(told) else []
            shown = read(tx, code) if may("can_edit", "ConnectorView") else None
            collected = samples.job_records(tx, code, flow) if told["direction"] == "in" else []
        tables = open_.document.get("code_tables", [])
        return self.page(
            "connector_mapping.html",
            title=gettext("字段映射"),
            open=open_,
            flow=told,
            steps=steps_of(shown) if shown else [],
            message_title=message_title(told["message"]),
            editable=may("can_edit", "ConnectorView") and open_.connector_state != "retired",
            sent=sent_there,
            state=for_script(
                {
                    "flow": {name: told.get(name, "") for name in ("each", "when")}
                    | {name: told.get(name, []) for name in ("fields", "columns")},
                    "seen": _stamps(open_, flow),
                    "tables": tables,
                    "examples": samples.example_records(told["message"])
                    if told["direction"] == "out"
                    else [],
                    "collected": collected,
                }
            ),
            options=for_script(editor_options(told, tables)),
        )

    @expose(_FLOW, methods=["POST"])
    @has_access
    @permission_name("edit")
    def save(self, code: str, flow: str) -> Response:
        """Into the draft."""
        said = sent()
        with here().engine.begin() as tx:
            kept = opened(tx, code).flow(flow)
            parts: dict[str, Any] = {"flow": flow_said(kept, said.get("flow"))}
            if "tables" in said:
                parts["code_tables"] = tables_said(said["tables"])
            after = save(tx, code, parts, stamps_said(said))
        return answer({"seen": _stamps(after, flow), "version": after.version})

    @expose(_FLOW + "/preview", methods=["POST"])
    @has_access
    @permission_name("show")
    def preview(self, code: str, flow: str) -> Response:
        """What the posted rules make of the posted record, and which required targets have no source."""
        said, (open_, now) = sent(), self._posted(code, flow)
        value = flow_value(flow_said(now, said.get("flow")))
        record = said.get("record")
        lacking = [one.path for one in coverage(value, _targets(now, value)).missing]
        if not isinstance(record, dict):
            return answer({"broken": [], "lacking": lacking})
        posted = tables_said(said["tables"]) if "tables" in said else open_.document.get("code_tables")
        tables = table_values(posted)
        endpoints = open_.document.get("endpoints", ())
        kind = next((str(one.get("kind", "")) for one in endpoints if one.get("name") == value.endpoint), "")
        return answer({**tried(value, tables, record, kind=kind), "lacking": lacking})

    @expose(_FLOW + "/suggestions", methods=["POST"])
    @has_access
    @permission_name("show")
    def suggestions(self, code: str, flow: str) -> Response:
        """Proposals for the targets that have no rule yet."""
        said, (open_, now) = sent(), self._posted(code, flow)
        value = flow_value(flow_said(now, said.get("flow")))
        ruled = {one.target for one in value.fields}
        targets = [one for one in _targets(now, value) if one.path not in ruled]
        found = suggest(_sources(now, value), targets, table_values(open_.document.get("code_tables")))
        told = [{"rule": rule_told(one.rule), "why": one.why, "sure": round(one.sure, 2)} for one in found]
        return answer({"suggestions": told})

    @expose(_FLOW + "/record/<event_id>")
    @has_access
    @permission_name("edit")
    def record(self, code: str, flow: str, event_id: str) -> Response:
        """One package that was really sent, masked; on the record."""
        with here().engine.begin() as tx:
            open_ = opened(tx, code)
            open_.flow(flow)
            found = samples.sent_record(tx, open_, event_id)
        return answer({"record": found})

    @expose(_FLOW + "/file", methods=["POST"])
    @has_access
    @permission_name("edit")
    def file(self, code: str, flow: str) -> Response:
        """The columns and first rows of a file that somebody has at hand."""
        self._posted(code, flow)
        return answer(read_file(request.files.get("file")))

    @expose(_FLOW + "/ask", methods=["POST"])
    @has_access
    @permission_name("edit")
    def ask(self, code: str, flow: str) -> Response:
        """Have the connector host read the other side's fields, or a few of its records."""
        said = sent()
        kind = str(said.get("kind"))
        if kind not in ("columns", "sample"):
            raise Rejected(gettext("页面传来的内容读不出来，请刷新后重试。"))
        params = {"flow": flow} if kind == "columns" else {"flow": flow, "limit": 20}
        with here().engine.begin() as tx:
            open_ = opened(tx, code)
            open_.flow(flow)
            number = ask_job(
                tx, here().config.desk, code, version=open_.version, kind=kind, params=params, actor=actor()
            )
        return answer({"id": str(number), "state": "waiting"})

    @expose(_FLOW + "/job/<uuid:number>")
    @has_access
    @permission_name("edit")
    def job(self, code: str, flow: str, number: uuid.UUID) -> Response:
        """How far it is, and what it read."""
        with here().engine.connect() as tx:
            opened(tx, code).flow(flow)
            row = tx.execute(
                select(ConnectorJob.state, ConnectorJob.words, ConnectorJob.kind, ConnectorJob.result).where(
                    ConnectorJob.id == number, ConnectorJob.connector == code
                )
            ).one_or_none()
        if row is None:
            raise NotFound(gettext("没有这项测试。"))
        told: dict[str, Any] = {"id": str(number), "state": row.state, "words": row.words or ""}
        if row.state == "done" and row.kind == "columns":
            told["columns"] = job_columns(row.result)
        elif row.state == "done":
            told["records"] = samples.records_of(row.result)
        return answer(told)

    @staticmethod
    def _posted(code: str, flow: str) -> tuple[Opened, dict[str, Any]]:
        with here().engine.connect() as tx:
            open_ = opened(tx, code)
        return open_, open_.flow(flow)

    @staticmethod
    def _sees_data(flow: dict[str, Any]) -> bool:
        return flow["direction"] == "out" and may("can_edit", "ConnectorView")


def _stamps(open_: Opened, flow: str) -> dict[str, str]:
    return {"flow": open_.stamp(flow), "code_tables": open_.stamp()}


def _targets(flow: dict[str, Any], value: Any) -> list[FieldInfo]:
    return list(target_fields(flow["message"])) if flow["direction"] == "in" else own_fields(value)


def _sources(flow: dict[str, Any], value: Any) -> list[FieldInfo]:
    return own_fields(value) if flow["direction"] == "in" else list(source_fields(flow["message"]))


def own_fields(value: Any) -> list[FieldInfo]:
    """The other side's columns as fields."""
    return [
        FieldInfo(one.name, one.title or one.name, kind=one.kind, required=one.required, length=one.length)
        for one in value.columns
    ]
