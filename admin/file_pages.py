"""Reading a material in the browser: for a stated use, on the record; looked at page by page, or taken away.

Guarantees: an opening is one read on the record, before its first page leaves, however many pages are asked for; a picture
of a page carries who looks, when and what for; a department's users see what `hub.look_at_file` lets them.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Response, flash, g, jsonify, redirect, request, session, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import Connection, select
from werkzeug.wrappers import Response as Answer

from admin import cells
from admin.department_api import stream
from admin.pages import Screen
from admin.premises import actor, here, own_department
from hub.errors import HubError, Rejected, Unavailable
from hub.look_at_data import DataFacts, is_data, look_at_data
from hub.look_at_file import check_may_look, file_facts, look_at_file
from hub.material import Material
from hub.read_file import USE_LONGEST, FileFacts, note_denied, read_file
from hub.workday import LOCAL
from storage.preview.pages import DRAWN, Previews

#: Shown in the browser (in a sandbox); everything else is downloaded.
INLINE = frozenset({"application/pdf", "image/png", "image/jpeg", "image/webp", "image/gif", "text/plain"})
OPENING_SECONDS = 3600  # the same use of the same file within the hour is the same opening
WIDTH = 1000


class FileView(Screen):
    """材料."""

    route_base = "/files"
    default_view = "read"

    @expose("/<uuid:material>", methods=["POST"])
    @has_access
    @permission_name("read")
    def read(self, material: uuid.UUID) -> Response | Answer:
        """The file. A POST: taking it away is an act that leaves a trace, so no link or prefetch does it."""
        use, wanted = request.form.get("use", ""), request.form.get("way")
        with here().engine.connect() as tx:
            case_no = tx.scalar(select(Material.case_no).where(Material.id == material))
        try:
            with here().engine.begin() as tx:
                _check(tx, material)
                facts = read_file(
                    tx,
                    material,
                    reader=actor(),
                    department=None,
                    token_id=str(uuid.uuid4()),
                    stated_use=use,
                )
            return stream(facts, inline=wanted == "view" and facts.media_type in INLINE)
        except HubError as error:
            _note(material, error)
            flash(gettext("未能调阅：%(why)s", why=error.message), "danger")
            if case_no is None:
                return redirect(url_for("CaseView.list"))
            return redirect(url_for("CaseView.show", case_no=case_no))

    @expose("/<uuid:material>/preview")
    @has_access
    @permission_name("read")
    def preview(self, material: uuid.UUID) -> str | Response | tuple[Response, int]:
        """The viewer, once the use is stated; JSON for a page that shows the pages itself."""
        use = request.args.get("use", "").strip()
        wants_json = request.accept_mimetypes.best == "application/json"
        with here().engine.connect() as tx:
            data = is_data(tx, material)
        if data:
            return self._data(material, use, wants_json)
        if not use and not wants_json:
            with here().engine.connect() as tx:
                _check(tx, material)
                facts = file_facts(tx, material)
            return self._viewer(material, facts, use="")
        facts = _opened(material, use)
        if not wants_json:
            return self._viewer(material, facts, use=use)
        return jsonify(_told(material, facts, use))

    def _data(self, material: uuid.UUID, use: str, wants_json: bool) -> str | Response:
        """What a department supplied as fields."""
        facts = _data_opened(material, use) if use or wants_json else None
        if facts is not None and wants_json:
            return jsonify(_told_data(material, facts, use))
        return self.page(
            "preview_data.html",
            title=gettext("部门数据"),
            data=facts,
            material=material,
            longest=USE_LONGEST,
            for_case=_for_case() or "",
        )

    def _viewer(self, material: uuid.UUID, facts: FileFacts, *, use: str) -> str:
        with here().engine.connect() as tx:
            about = tx.execute(select(Material.__table__).where(Material.id == material)).one()
        return self.page(
            "preview.html",
            title=facts.name,
            facts=facts,
            about=about,
            signatures=[_with_time(one) for one in about.signature],
            use=use,
            longest=USE_LONGEST,
            for_case=_for_case() or "",
            told=_told(material, facts, use) if use else None,
        )

    @expose("/<uuid:material>/preview/<int:number>.png")
    @has_access
    @permission_name("read")
    def preview_page(self, material: uuid.UUID, number: int) -> Response:
        """One page as a picture, watermarked."""
        use = request.args.get("use", "").strip()
        facts = _opened(material, use)
        width = request.args.get("width", WIDTH, type=int)
        drawn = previews().page(
            facts,
            number,
            name=facts.name,
            media_type=facts.media_type,
            width=width,
            watermark=_watermark(use),
        )
        return _picture(drawn)

    @expose("/<uuid:material>/thumb.png")
    @has_access
    @permission_name("read")
    def thumb(self, material: uuid.UUID) -> Response:
        """The first page, too small to be read; not an opening."""
        with here().engine.connect() as tx:
            _check(tx, material)
            facts = file_facts(tx, material)
        return _picture(previews().thumb(facts, name=facts.name, media_type=facts.media_type))


def previews() -> Previews:
    """The one that draws, of this process. Raises Unavailable where this hub keeps no files."""
    premises = here()
    if premises.previews is None:
        intake = premises.config.intake
        if intake is None:
            raise Unavailable(gettext("本中心没有配置文件存储。"))
        premises.previews = Previews(intake.files, intake.spool.folder)
    return premises.previews


def _for_case() -> str | None:
    return request.values.get("case", "").strip()[:40] or None


def _check(tx: Connection, material: uuid.UUID) -> None:
    check_may_look(tx, material, own_department(), for_case=_for_case(), clock=here().config.desk.clock)


def _opened(material: uuid.UUID, use: str) -> FileFacts:
    """The file, its opening on the record."""
    try:
        with here().engine.begin() as tx:
            _check(tx, material)
            return look_at_file(tx, material, reader=actor(), opening=_opening(material, use), stated_use=use)
    except HubError as error:
        _note(material, error)
        raise


def _data_opened(material: uuid.UUID, use: str) -> DataFacts:
    """The data, its opening on the record."""
    try:
        with here().engine.begin() as tx:
            _check(tx, material)
            return look_at_data(tx, material, reader=actor(), opening=_opening(material, use), stated_use=use)
    except HubError as error:
        _note(material, error)
        raise


def _told_data(material: uuid.UUID, data: DataFacts, use: str) -> dict[str, Any]:
    said = gettext("%(name)s提供，数据时间 %(at)s", name=data.supplied_by, at=cells.local(data.as_of))
    args = {"use": use, **({"case": case} if (case := _for_case()) else {})}
    return {
        "id": str(material),
        "name": data.name,
        "fields": data.fields,
        "said": said,
        "viewer": url_for("FileView.preview", material=material, **args),
    }


def _opening(material: uuid.UUID, use: str) -> str:
    """Names this opening: this sign-in, this file, this use, this hour."""
    hour = int(datetime.now(UTC).timestamp()) // OPENING_SECONDS
    told = f"{session.get('_id', '')}|{material}|{use}|{hour}"
    return "preview:" + hashlib.sha256(told.encode()).hexdigest()[:40]


def _note(material: uuid.UUID, error: HubError) -> None:
    with here().engine.begin() as tx:
        note_denied(tx, str(material), reader=actor(), why=error.message)


def _watermark(use: str) -> str:
    now = datetime.now(UTC).astimezone(LOCAL)
    return f"{g.user.first_name}（{g.user.username}） {now:%Y-%m-%d %H:%M} {use[:40]}"


def _told(material: uuid.UUID, facts: FileFacts, use: str) -> dict[str, Any]:
    """What a viewer needs: how many pages there are and where, or why there are none."""
    pages, why = 0, None
    try:
        pages = previews().pages(facts, name=facts.name, media_type=facts.media_type)
    except Rejected as error:
        why = error.message
    args = {"use": use, **({"case": case} if (case := _for_case()) else {})}
    first = url_for("FileView.preview_page", material=material, number=1, **args)
    return {
        "id": str(material),
        "name": facts.name,
        "media_type": facts.media_type,
        "size": facts.size,
        "pages": pages,
        "why": why,
        "page": first.replace("/1.png", "/{page}.png", 1),
        "drawn": facts.media_type in DRAWN,
        "viewer": url_for("FileView.preview", material=material, **args),
        "download": url_for("FileView.read", material=material),
    }


def _with_time(signature: dict[str, Any]) -> dict[str, Any]:
    at = signature.get("signed_at")
    return {**signature, "signed_at": datetime.fromisoformat(at) if at else None}


def _picture(drawn: bytes) -> Response:
    answer = Response(drawn, mimetype="image/png")
    answer.headers["Cache-Control"] = "private, max-age=300"
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer
