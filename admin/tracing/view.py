"""追溯: the signed bytes behind a line, the timeline to take away or to print. The case's own page shows the timeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask import Response, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Connection, select

from admin import cells
from admin.case_pages import check_confined, traced, viewer
from admin.in_words import of_phrase
from admin.pages import Screen, as_file
from admin.premises import actor, here
from admin.sharing.people import department_names
from admin.tracing import kept as kept_bytes
from admin.tracing.shown import more_of, timeline
from admin.tracing.verified import HUB, commands, verify
from admin.workbench.qr import qr_svg
from hub.errors import Conflict, NotFound
from hub.item import ServiceItem
from hub.ledger import Entry, record
from hub.tracing.trace import Trace
from hub.tracing.trace_line import TraceLine
from schemas import dumps

TEXT = "text/plain; charset=utf-8"


class TraceView(Screen):
    """追溯."""

    route_base = "/trace"
    default_view = "printed"

    @expose("/<case_no>/signed")
    @has_access
    @permission_name("verify")
    def signed(self, case_no: str) -> str:
        """One message: its exact bytes, whether the signature holds, and how to check that without us."""
        with here().engine.begin() as tx:
            found = self._kept(tx, case_no)
            verified = verify(tx, found)
            names = department_names(tx)
            # The bytes name people in full: who looked is on record.
            subject = f"message:{found.where}:{found.event_id or found.ref}"
            detail = {"type": found.event_type, "valid": verified.valid}
            record(tx, Entry(actor(), "trace.bytes_shown", subject, case_no, detail=detail))
        owner = gettext("审管通（本平台）") if verified.owner == HUB else names.get(verified.owner or "")
        return self.page(
            "trace_signed.html",
            title=_("签名原文"),
            case_no=case_no,
            kept=found,
            verified=verified,
            owner=owner,
            pretty=_pretty(found.value),
            raw=found.value.decode("utf-8", "backslashreplace"),
            commands=commands(verified.algorithm) if found.signature and found.whole else "",
        )

    @expose("/<case_no>/signed/<what>")
    @has_access
    @permission_name("verify")
    def file(self, case_no: str, what: str) -> Response:
        """The message, its signature or the key, as files for whoever checks."""
        with here().engine.connect() as tx:
            found = self._kept(tx, case_no)
            content, media = self._file(tx, found, what)
        if content is None:
            raise NotFound(gettext("这条消息没有这个文件。"))
        answer = Response(content, mimetype=media)
        answer.headers["Content-Disposition"] = f"attachment; filename={what}"
        return answer

    @staticmethod
    def _file(tx: Connection, found: kept_bytes.Kept, what: str) -> tuple[bytes | str | None, str]:
        if what == "message.json":
            return found.value, "application/octet-stream"  # exactly these bytes
        if what == "message.jws":
            return found.signature, "application/jose"
        return (verify(tx, found).public_pem if what == "key.pem" else None), "application/x-pem-file"

    def _kept(self, tx: Connection, case_no: str) -> kept_bytes.Kept:
        check_confined(tx, case_no)
        where, ref = request.args.get("kept", ""), request.args.get("ref", "")[:600]
        area, only = here().config.desk.area, viewer(tx, case_no).only
        return kept_bytes.find(tx, case_no, where, ref, area=area, only=only)

    @expose("/<case_no>/export.<kind>")
    @has_access
    @permission_name("export")
    def export(self, case_no: str, kind: str) -> Response:
        """The timeline as JSON, CSV or XLSX."""
        with here().engine.connect() as tx:
            found = traced(tx, case_no)
            names = department_names(tx)
        if kind in ("csv", "xlsx"):
            return as_file(_rows(found, names), kind, f"trace-{case_no}")
        if kind != "json":
            raise Conflict(gettext("只能导出 JSON、CSV 或 XLSX。"))
        answer = Response(dumps(_document(found, names)), mimetype="application/json")
        answer.headers["Content-Disposition"] = f"attachment; filename=trace-{case_no}.json"
        return answer

    @expose("/<case_no>/print")
    @has_access
    @permission_name("export")
    def printed(self, case_no: str) -> str:
        """The timeline for paper: everything open, with where to find it again."""
        with here().engine.connect() as tx:
            found = traced(tx, case_no)
            names = department_names(tx)
            item = tx.scalar(select(ServiceItem.name).where(ServiceItem.code == found.case["item_code"]))
        address = url_for("CaseView.show", case_no=case_no, _external=True)
        return self.page(
            "trace_print.html",
            title=_("打印追溯"),
            trace=found,
            names=names,
            timeline=timeline(found, names, links=False, on_paper=True),
            item=item,
            address=address,
            qr=qr_svg(address, label=gettext("办件页的地址"), scale=2),
            now=here().config.desk.clock(),
        )


def _pretty(value: bytes) -> str | None:
    """The message laid out for reading; None where it is no JSON."""
    try:
        return json.dumps(json.loads(value), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return None


def _rows(found: Trace, names: dict[str, str]) -> Iterator[list[str]]:
    yield [
        gettext(title)
        for title in (
            _("时间"),
            _("类别"),
            _("事项"),
            _("说明"),
            _("部门"),
            _("何人"),
            _("更多"),
            _("签名密钥"),
            _("摘要"),
        )
    ]
    for line in found.lines:
        more = gettext("；").join(
            gettext("%(name)s：%(words)s", name=name, words=_shown(value)) for name, value in more_of(line)
        )
        yield [
            cells.local(line.at, "%Y-%m-%d %H:%M:%S"),
            cells.word_text("trace_family", line.family),
            of_phrase(line.title),
            of_phrase(line.detail),
            names.get(line.department or "", ""),
            cells.who(line.by, names) if line.by else "",
            more,
            line.signed.kid if line.signed else "",
            line.signed.sha256.hex() if line.signed else "",
        ]


def _document(found: Trace, names: dict[str, str]) -> dict[str, Any]:
    return {
        "case_no": found.case["case_no"],
        "party": found.party["name"],
        "lines": [_line(line, names) for line in found.lines],
    }


def _line(line: TraceLine, names: dict[str, str]) -> dict[str, Any]:
    signed = line.signed
    return {
        "at": line.at.isoformat(),
        "family": line.family,
        "title": of_phrase(line.title),
        "detail": of_phrase(line.detail),
        "tone": line.tone,
        "by": line.by,
        "department": line.department,
        "department_name": names.get(line.department) if line.department else None,
        "more": {name: _shown(value) for name, value in more_of(line)},
        "signed": {"kid": signed.kid, "sha256": signed.sha256.hex(), "kept": signed.kept, "ref": signed.ref}
        if signed
        else None,
    }


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
