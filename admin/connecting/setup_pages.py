"""Setting up: a new connector, its system, its flows. Every button of these pages saves the draft first.

Guarantees: a draft may be wrong and is kept as it was typed; who saves over another's change is told and loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response

from admin.connecting import setup_form
from admin.connecting.kind_forms import boxes_of, fault_said
from admin.connecting.presets import preset, presets, with_preset
from admin.connecting.reading import Shown, parts, read
from admin.connecting.running_told import next_times
from admin.connecting.screen import ConnectingScreen
from admin.connecting.steps import steps_of
from admin.connecting.titles import kind_cards, mapping_url, message_groups
from admin.premises import actor, here
from hub.connecting.connector import Connector
from hub.connecting.draft_connector import make_connector, new_draft, save_draft
from hub.connecting.held import BadDocument
from hub.connecting.keep_secrets import set_secret
from hub.department import Department
from hub.errors import Conflict, HubError, Rejected
from schemas.connector.kinds import kind_names

OVERTAKEN = _(
    "别人刚保存过这份草稿，您的修改还没有保存。下面是最新的内容加上您的修改，请核对后再保存；口令要重新填写。"
)
#: A draft is saved once when it is made and once with what was chosen: nothing has been typed before.
FRESH = 2


@dataclass(frozen=True, slots=True)
class Unsaved:
    """What a page said that could not be saved, and why."""

    document: Mapping[str, Any]
    words: Any


class SetupPages(ConnectingScreen):
    """新建, 系统, 线路与映射."""

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def new(self) -> str | Response:
        """Which department, which way; the rest is asked on the next page."""
        fault = None
        if request.method == "POST":
            try:
                code = _make()
            except HubError as error:
                fault = error.message
            else:
                return redirect(url_for("ConnectorView.system", code=code))
        with here().engine.connect() as tx:
            departments = tx.execute(
                select(Department.code, Department.name, Department.channel)
                .where(Department.active)
                .order_by(Department.name)
            ).all()
        return self.page(
            "connector_new.html",
            title=gettext("接入一个部门"),
            departments=departments,
            kinds=kind_cards(),
            presets=presets(),
            given=request.values,
            fault=fault,
        )

    @expose("/<code>/system", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def system(self, code: str) -> str | Response:
        """Where the department's system is and how to sign in."""
        unsaved = _saved(code, "system", "flows", _system) if request.method == "POST" else None
        if isinstance(unsaved, Response):
            return unsaved
        return self._setup(code, "connector_system.html", gettext("系统"), "system", unsaved)

    @expose("/<code>/flows", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def flows(self, code: str) -> str | Response:
        """What goes out, what comes in, where to and from, and when."""
        unsaved = _saved(code, "flows", "test", _flows) if request.method == "POST" else None
        if isinstance(unsaved, Response):
            return unsaved
        return self._setup(code, "connector_flows.html", gettext("线路与映射"), "flows", unsaved)

    def _setup(self, code: str, template: str, title: str, at: str, unsaved: Unsaved | None = None) -> str:
        with here().engine.connect() as tx:
            shown = read(tx, code)
        if unsaved is not None:
            shown = shown.with_document(unsaved.document)
        told = shown.version["saves"] > FRESH or not shown.draft or unsaved is not None
        faults = {setup_form.box_of(one.at): fault_said(one) for one in shown.faults} if told else {}
        running = setup_form.running_shown(shown.document)
        return self.page(
            template,
            title=title,
            shown=shown,
            steps=steps_of(shown),
            at=at,
            told=told,
            unsaved=unsaved,
            faults=faults,
            endpoints=[_endpoint(shown, number, one, faults) for number, one in enumerate(shown.endpoints)],
            flows=[_flow(shown, number, one, faults) for number, one in enumerate(shown.flows)],
            kinds=kind_cards(),
            messages=message_groups(),
            running=running,
            running_wrong=any(one.startswith("r-") for one in faults),
            next_times=next_times(str(running["schedule"])),
        )


def _make() -> str:
    form = request.form
    department, kind = form.get("department", ""), form.get("kind", "")
    chosen = preset(form.get("preset", ""))
    kind = str(chosen["kind"]) if chosen else kind
    if kind not in kind_names():
        raise Rejected(gettext("请选择用哪种方式接入。"))
    with here().engine.begin() as tx:
        name = tx.scalar(select(Department.name).where(Department.code == department))
        if name is None:
            raise Rejected(gettext("请选择部门。"))
        code = _free_code(tx, department)
        title = form.get("title", "").strip()[:80] or name
        desk = here().config.desk
        make_connector(tx, desk, code=code, department=department, title=title, actor=actor())
        shown = read(tx, code)
        document = {
            **shown.document,
            **setup_form.started(code, department, title, desk.area, kind),
        }
        if chosen:
            document = with_preset(document, chosen)
        save_draft(tx, desk, code, document, saves=shown.version["saves"], actor=actor())
    return code


def _free_code(tx: Connection, department: str) -> str:
    taken = set(tx.execute(select(Connector.code).where(Connector.code.startswith(department))).scalars())
    return setup_form.free_name(department, taken)


def _saved(
    code: str, here_at: str, then: str, take: Callable[[Shown], tuple[Any, Any]]
) -> Response | Unsaved:
    """Save what the page says and do what its button says: where to go on; or what could not be saved, and why."""
    act, _mark, which = request.form.get("act", "save").partition(":")
    desk = here().config.desk
    document: dict[str, Any] = {}
    try:
        with here().engine.begin() as tx:
            shown = read(tx, code)
            current = _current(shown)
            if not shown.draft and current:
                new_draft(tx, desk, code, from_version=shown.version["version"], actor=actor())
                shown = read(tx, code)
            document, typed = take(shown)
            if not current:
                return Unsaved(document, OVERTAKEN)
            _act(document, act, which)
            save_draft(tx, desk, code, document, saves=shown.version["saves"], actor=actor())
            for (endpoint, name), value in typed.items():
                set_secret(tx, desk, code, endpoint, name, value, actor=actor())
    except Conflict:
        return Unsaved(document, OVERTAKEN)
    except BadDocument as error:
        return Unsaved(document, _("没有保存：%(why)s", why=error.message))
    except HubError as error:
        flash(error.message, "danger")
        return redirect(url_for(f"ConnectorView.{here_at}", code=code))
    if act == "next":
        return redirect(url_for(f"ConnectorView.{then}", code=code))
    if act == "map":
        return redirect(mapping_url(code, which))
    if act == "save":
        flash(gettext("草稿已保存。"), "success")
    anchor = {"add_flow": f"f-{len(parts(document, 'flows')) - 1}", "add_endpoint": "endpoints"}.get(act)
    return redirect(url_for(f"ConnectorView.{here_at}", code=code, _anchor=anchor))


def _current(shown: Shown) -> bool:
    """Whether the page was made from what is there now."""
    seen, version = request.form.get("saves", ""), request.form.get("version", "")
    return version == str(shown.version["version"]) and seen == str(shown.version["saves"])


def _system(shown: Shown) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    return setup_form.posted_endpoints(dict(shown.document), request.form)


def _flows(shown: Shown) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    return setup_form.posted_flows(dict(shown.document), request.form), {}


def _act(document: dict[str, Any], act: str, which: str) -> None:
    if act == "add_endpoint":
        setup_form.add_endpoint(document, which or request.form.get("new_kind", ""))
    elif act == "add_flow":
        setup_form.add_flow(document, which or request.form.get("new_flow", ""))
    elif act in ("drop_endpoint", "drop_flow"):
        setup_form.drop(document, f"{act.removeprefix('drop_')}s", which)


def _endpoint(shown: Shown, number: int, one: Any, faults: dict[str, str]) -> dict[str, Any]:
    form = setup_form.form_of(one.get("kind"))
    lacking = {name for endpoint, name in shown.lacking if endpoint == one.get("name")}
    again = gettext("请填写：还没有填过，或地址改过以后要重新填写")
    faults = {**faults, **{f"e-{number}-{name}": again for name in lacking}}
    kept = {name: where for name, where in (one.get("secrets") or {}).items() if name not in lacking}
    boxes = boxes_of(form.get("settings"), f"e-{number}", one.get("settings") or {}, faults, kept)
    return {"number": number, "name": one.get("name"), "kind": one.get("kind"), "form": form, "boxes": boxes}


def _flow(shown: Shown, number: int, one: Any, faults: dict[str, str]) -> dict[str, Any]:
    schema = setup_form.place_schema(shown.document, one)
    way = one.get("direction")
    asked = shown.job("columns", flow=one.get("name"))
    seen = ((asked or {}).get("result") or {}).get("columns") or one.get("columns") or ()
    columns = [str(column.get("name")) for column in seen if isinstance(column, Mapping)]
    return {
        "number": number,
        "flow": one,
        "name": one.get("name"),
        "boxes": boxes_of(schema, f"f-{number}-p", one.get("place") or {}, faults, {}),
        "can": [
            str(e.get("name"))
            for e in shown.endpoints
            if way in setup_form.form_of(e.get("kind")).get("directions", ())
        ],
        "columns": columns,
        "mapped": len(one.get("fields") or ()),
        "lacks": [
            fault_said(fault)
            for fault in shown.faults
            if fault.at.startswith(f"flows[{number}]") and not setup_form.box_of(fault.at)
        ],
    }
