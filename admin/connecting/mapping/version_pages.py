"""Versions of a connector: two of them compared field by field, and one taken away as a file.

Guarantees: published versions never change; going back is a new draft with what an old version said. A file holds no
secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from flask import Response, request
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, select

from admin.connecting.mapping.drafts import opened
from admin.connecting.mapping.said import flow_value, table_values
from admin.connecting.rights import CONNECTOR_RIGHTS
from admin.connecting.titles import message_title
from admin.pages import Screen
from admin.premises import here
from hub.connecting.connector import ConnectorVersion
from hub.connecting.move_document import export_document
from schemas.mapping import source_fields, target_fields
from schemas.mapping.compare import Change, compare

PARTS = {
    "field": _("字段"),
    "when": _("条件"),
    "each": _("逐条"),
    "place": _("位置"),
    "table": _("代码对照表"),
    "pair": _("代码对照"),
    "flow": _("线路"),
    "endpoint": _("连接的系统"),
    "running": _("运行设置"),
}
TOML = "application/toml"
# The engine knows no parts beyond a flow; the page tells these in the same way.
_ENDPOINT: Any = "endpoint"
_RUNNING: Any = "running"


class ConnectorVersionView(Screen):
    """连接器版本."""

    route_base = "/connectors"
    default_view = "compare"
    class_permission_name = "ConnectorView"
    base_permissions: ClassVar = list(CONNECTOR_RIGHTS)

    @expose("/<code>/versions/compare")
    @has_access
    @permission_name("show")
    def compare(self, code: str) -> str:
        """Two versions, by default the running one and the newest."""
        with here().engine.connect() as tx:
            open_ = opened(tx, code)
            versions = _versions(tx, code)
            by_number = {str(one.version): one for one in versions}
            after = by_number.get(request.args.get("after", ""), versions[0])
            older = [one for one in versions if one.version < after.version]
            running = next((one for one in older if one.version == open_.running), None)
            before = by_number.get(request.args.get("before", ""), running or (older[0] if older else None))
        return self.page(
            "connector_compare.html",
            title=gettext("比较版本"),
            open=open_,
            versions=versions,
            pair=(before, after) if before is not None else None,
            groups=list(differences(before.document, after.document)) if before is not None else [],
            parts=PARTS,
        )

    @expose("/<code>/versions/<int:version>/<name>.toml")
    @has_access
    @permission_name("export")
    def export(self, code: str, version: int, name: str) -> Response:
        """One version as one readable file."""
        del name  # only what the browser calls the file
        with here().engine.connect() as tx:
            opened(tx, code, version)
            text = export_document(tx, code, version)
        answer = Response(text, mimetype=TOML)
        answer.headers["Content-Disposition"] = f"attachment; filename={code}-v{version}.toml"
        return answer


def _versions(tx: Connection, code: str) -> list[Any]:
    rows = tx.execute(
        select(*ConnectorVersion.__table__.c)
        .where(ConnectorVersion.connector == code)
        .order_by(ConnectorVersion.version.desc())
        .limit(200)
    )
    return list(rows.all())


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, list[tuple[Change, str]]]]:
    """What differs between two documents, by flow; each change with the title of its field."""
    plain = [*_plain(before, after, _ENDPOINT, "endpoints"), *_running(before, after)]
    if plain:
        yield gettext("系统与运行"), [(one, one.name) for one in plain]
    old, new = ({one["name"]: one for one in doc.get("flows", ())} for doc in (before, after))
    for name in [*new, *(one for one in old if one not in new)]:
        was, now = (flow_value(side[name]) if name in side else None for side in (old, new))
        changes = [*compare(was, now), *_of_flow(old.get(name), new.get(name))]
        if changes:
            titles = _titles(new.get(name) or old[name])
            yield (
                gettext("线路：%(name)s", name=name),
                [(one, titles.get(one.name, one.name)) for one in changes],
            )
    tables = compare(
        None, None, table_values(before.get("code_tables")), table_values(after.get("code_tables"))
    )
    if tables:
        yield gettext("代码对照"), [(one, one.name) for one in tables]


def _titles(flow: Mapping[str, Any]) -> dict[str, str]:
    known = {one["name"]: one.get("title") or one["name"] for one in flow.get("columns", ())}
    try:
        fields = target_fields if flow.get("direction") == "in" else source_fields
        return {**{one.path: one.title for one in fields(str(flow.get("message")))}, **known}
    except KeyError:
        return known


def _of_flow(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[Change]:
    for key in ("message", "endpoint", "direction", "active"):
        said = [str((side or {}).get(key, "")) for side in (old, new)]
        if old and new and said[0] != said[1]:
            shown = [message_title(one) for one in said] if key == "message" else said
            yield Change("flow", key, "changed", *shown)


def _plain(old: Mapping[str, Any], new: Mapping[str, Any], part: Any, section: str) -> Iterator[Change]:
    """Named things whose settings are told as they are written; of secrets only where they are kept."""
    before, after = ({str(one["name"]): _told(one) for one in doc.get(section, ())} for doc in (old, new))
    for name in [*after, *(one for one in before if one not in after)]:
        if before.get(name) != after.get(name):
            yield Change(part, name, _way(name, before, after), before.get(name, ""), after.get(name, ""))


def _way(
    name: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Literal["added", "removed", "changed"]:
    if name not in before:
        return "added"
    return "changed" if name in after else "removed"


def _running(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = (dict(doc.get("running", {})) for doc in (old, new))
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            said = [str(side.get(name, gettext("默认"))) for side in (before, after)]
            yield Change(_RUNNING, name, "changed", *said)


def _told(one: Mapping[str, Any]) -> str:
    told = [f"{name} {value}" for name, value in sorted(dict(one.get("settings", {})).items())]
    told += [f"{name}（{value}）" for name, value in sorted(dict(one.get("secrets", {})).items())]
    return "；".join([str(one.get("kind", "")), *told])
