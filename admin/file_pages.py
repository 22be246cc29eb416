"""Reading a material in the browser: for a stated use, on the record, shown inline only where that is harmless."""

from __future__ import annotations

import uuid

from flask import Response, flash, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext
from sqlalchemy import select

from admin.department_api import stream
from admin.pages import Screen
from admin.premises import actor, here, own_department
from hub.errors import HubError
from hub.material import Material
from hub.read_file import note_denied, read_file

#: Shown in the browser (in a sandbox); everything else is downloaded.
INLINE = frozenset({"application/pdf", "image/png", "image/jpeg", "image/webp", "image/gif", "text/plain"})


class FileView(Screen):
    """材料."""

    route_base = "/files"
    default_view = "read"

    @expose("/<uuid:material>", methods=["POST"])
    @has_access
    @permission_name("read")
    def read(self, material: uuid.UUID) -> Response:
        """The file. A POST: reading is an act that leaves a trace, so no link or prefetch does it."""
        use, wanted = request.form.get("use", ""), request.form.get("way")
        with here().engine.connect() as tx:
            case_no = tx.scalar(select(Material.case_no).where(Material.id == material))
        try:
            with here().engine.begin() as tx:
                facts = read_file(
                    tx,
                    material,
                    reader=actor(),
                    department=own_department(),
                    token_id=str(uuid.uuid4()),
                    stated_use=use,
                )
            return stream(facts, inline=wanted == "view" and facts.media_type in INLINE)
        except HubError as error:
            with here().engine.begin() as tx:
                note_denied(tx, str(material), reader=actor(), why=error.message)
            flash(gettext("未能调阅：%(why)s", why=error.message), "danger")
            if case_no is None:
                return redirect(url_for("CaseView.list"))
            return redirect(url_for("CaseView.show", case_no=case_no))
